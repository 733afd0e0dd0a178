//! `RunTask`: a real process, once, with what the call changes, and what AWS refuses.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use local_aws::{World, WorldOptions};
use serde_json::{Value, json};

/// A world in which the image `sh` is a shell, with the cluster `tests` and the task definition `tests`.
fn world(name: &str) -> (World, PathBuf) {
    let folder = format!("local-aws-run-task-{name}-{}", std::process::id());
    let data_dir = std::env::temp_dir().join(folder);
    let world = World::new(WorldOptions {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        upstream: "http://127.0.0.1:1".parse().unwrap(),
        data_dir: data_dir.clone(),
        images: BTreeMap::from([("sh".to_owned(), PathBuf::from("/bin/sh"))]),
    });
    ok(&world, "CreateCluster", json!({ "clusterName": "tests" }));
    let container = json!({ "name": "tests", "image": "sh:1", "memory": 64,
        "command": ["-c", "exit 9"], "environment": [{ "name": "A", "value": "1" }] });
    let definition =
        json!({ "family": "tests", "networkMode": "awsvpc", "containerDefinitions": [container] });
    ok(&world, "RegisterTaskDefinition", definition);
    (world, data_dir)
}

fn ok(world: &World, operation: &str, input: Value) -> Value {
    world.ecs.call(operation, input).unwrap()
}

/// A call that runs `script`.
fn asked(script: &str) -> Value {
    json!({
        "cluster": "tests", "taskDefinition": "tests", "clientToken": "t-1", "startedBy": "a-check",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-a"] } },
        "overrides": { "containerOverrides": [{ "name": "tests", "command": ["-c", script],
            "environment": [{ "name": "B", "value": "2" }] }] },
    })
}

async fn stopped(world: &World, started: &Value) -> Value {
    let input = json!({ "cluster": "tests", "tasks": [started["tasks"][0]["taskArn"]] });
    for _ in 0..400 {
        let task = ok(world, "DescribeTasks", input.clone())["tasks"][0].clone();
        if task["lastStatus"] == "STOPPED" {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it does not stop");
}

#[tokio::test]
async fn a_task_runs_once_and_has_the_exit_code_of_its_process() {
    let (world, data_dir) = world("once");
    let call = asked("echo $A$B; exit 3");
    let started = ok(&world, "RunTask", call.clone());
    assert_eq!(started["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(started["tasks"][0]["group"], "family:tests");
    assert_eq!(started["tasks"][0]["startedBy"], "a-check");
    let task = stopped(&world, &started).await;
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    assert_eq!(task["containers"][0]["exitCode"], 3);
    // The same call again starts nothing.
    let again = ok(&world, "RunTask", call);
    assert_eq!(again["tasks"][0]["taskArn"], started["tasks"][0]["taskArn"]);
    let logs = std::fs::read_dir(data_dir.join("tasks")).unwrap();
    let logs: Vec<String> = logs
        .map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap())
        .collect();
    assert_eq!(logs, ["12\n"]);
    let other = world.ecs.call("RunTask", asked("exit 0")).unwrap_err();
    assert_eq!(other.code, "ConflictException");
    std::fs::remove_dir_all(data_dir).unwrap();
}

#[tokio::test]
async fn a_task_is_stopped_when_it_is_asked_to() {
    let (world, data_dir) = world("stopped");
    let started = ok(
        &world,
        "RunTask",
        asked("while :; do /bin/sleep 0.05; done"),
    );
    let task = &started["tasks"][0]["taskArn"];
    ok(
        &world,
        "StopTask",
        json!({ "cluster": "tests", "task": task, "reason": "enough" }),
    );
    let task = stopped(&world, &started).await;
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("UserInitiated"), &json!("enough"))
    );
    std::fs::remove_dir_all(data_dir).unwrap();
}

#[tokio::test]
async fn what_aws_refuses_is_refused() {
    let (world, _) = world("refused");
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut call = asked("exit 0");
        change(&mut call);
        let error = world.ecs.call("RunTask", call).unwrap_err();
        format!("{}: {}", error.code, error.message)
    };
    for (change, why) in [
        (
            (&|call: &mut Value| call["networkConfiguration"] = Value::Null) as &dyn Fn(&mut Value),
            "InvalidParameterException: Network Configuration must be provided",
        ),
        (
            &|call| call["overrides"]["containerOverrides"][0]["name"] = json!("web"),
            "InvalidParameterException: Override for container named web",
        ),
        (
            &|call| call["taskDefinition"] = json!("other"),
            "ClientException: TaskDefinition not found.",
        ),
        (
            &|call| call["cluster"] = json!("other"),
            "ClusterNotFoundException",
        ),
        (
            &|call| call["count"] = json!(11),
            "InvalidParameterException: Count",
        ),
        (
            &|call| call["clientToken"] = json!("x".repeat(65)),
            "InvalidParameterException: clientToken",
        ),
    ] {
        let told = refused(change);
        assert!(told.starts_with(why), "{told}");
    }
    let listed = ok(&world, "ListTasks", json!({ "cluster": "tests" }));
    assert_eq!(listed["taskArns"], json!([]));
}
