//! The whole, driven over HTTP only: sample shops as tasks, a load balancer before them, faults
//! ordered at the front door. The calls are written as the SDKs write them.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

mod aws;
mod rules;

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::aws::{Aws, count, element, shop};

#[tokio::test]
async fn weights_split_requests_exactly_and_change_at_once() {
    let aws = Aws::start("weights").await;
    let (balancer, blue, green) = shop(&aws).await;
    let old = aws.task_set("1.0.0", "none", &blue).await;
    let new = aws.task_set("2.0.0", "none", &green).await;
    let (port, listener) = aws
        .listener(&balancer, &[(&blue, "90"), (&green, "10")])
        .await;
    aws.until_steady(&old).await;
    aws.until_steady(&new).await;

    let versions = aws.versions(port, 50).await;
    assert_eq!(
        (count(&versions, "1.0.0"), count(&versions, "2.0.0")),
        (45, 5)
    );

    // The client keeps its connection; the next request goes by the new weights all the same.
    aws.set_weights(&listener, &[(&blue, "0"), (&green, "100")])
        .await;
    assert_eq!(count(&aws.versions(port, 20).await, "2.0.0"), 20);
    aws.set_weights(&listener, &[(&blue, "1")]).await;
    assert_eq!(count(&aws.versions(port, 20).await, "1.0.0"), 20);
    aws.stop().await;
}

#[tokio::test]
async fn the_shop_logs_who_came_through_which_port() {
    let aws = Aws::start("log").await;
    let (balancer, blue, _) = shop(&aws).await;
    let set = aws.task_set("1.0.0", "none", &blue).await;
    let (port, _) = aws.listener(&balancer, &[(&blue, "1")]).await;
    aws.until_steady(&set).await;
    let order = json!({ "book": 7, "quantity": 2 });
    let url = format!("http://127.0.0.1:{port}/api/checkout");
    let answer = aws.client.post(url).json(&order).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let order: Value = answer.json().await.unwrap();
    assert_eq!(
        order,
        json!({ "order": 1, "total": 69.98, "currency": "EUR" })
    );

    let logs = std::fs::read_dir(aws.data_dir.join("tasks")).unwrap();
    let text: String = logs
        .map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap())
        .collect();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = lines
        .iter()
        .find(|line| line["path"] == "/api/checkout")
        .unwrap();
    assert_eq!(line["status"], 201);
    assert_eq!(line["version"], "1.0.0");
    assert_eq!(line["forwarded_port"], port.to_string());
    aws.stop().await;
}

#[tokio::test]
async fn without_a_healthy_target_the_load_balancer_answers_503() {
    let aws = Aws::start("no-target").await;
    let (balancer, blue, _) = shop(&aws).await;
    let (port, _) = aws.listener(&balancer, &[(&blue, "1")]).await;
    let get = || aws.client.get(format!("http://127.0.0.1:{port}/")).send();
    let answer = get().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("503 Service Temporarily Unavailable")
    );

    // Something listens, but its health check does not answer 200.
    let set = aws.task_set("1.0.0", "none", &blue).await;
    aws.until_steady(&set).await;
    let wrong = aws.target_group("shop-wrong").await;
    let port_of_task = {
        let answer = aws
            .elb_ok("DescribeTargetHealth", &[("TargetGroupArn", &blue)])
            .await;
        element(&answer, "Port")
    };
    let other = [
        ("Name", "shop-other"),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("VpcId", "vpc-1"),
        ("TargetType", "ip"),
        ("HealthCheckPath", "/nothing-here"),
    ];
    let other = element(
        &aws.elb_ok("CreateTargetGroup", &other).await,
        "TargetGroupArn",
    );
    let target = [
        ("TargetGroupArn", other.as_str()),
        ("Targets.member.1.Id", "127.0.0.1"),
        ("Targets.member.1.Port", &port_of_task),
    ];
    aws.elb_ok("RegisterTargets", &target).await;
    let (other_port, _) = aws
        .listener(&balancer, &[(&other, "1"), (&wrong, "0")])
        .await;
    let mut health = String::new();
    for _ in 0..100 {
        health = aws
            .elb_ok("DescribeTargetHealth", &[("TargetGroupArn", &other)])
            .await;
        if element(&health, "State") == "unhealthy" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(element(&health, "Reason"), "Target.ResponseCodeMismatch");
    let url = format!("http://127.0.0.1:{other_port}/");
    let answer = aws.client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get().await.unwrap().status(), StatusCode::OK);
    aws.stop().await;
}

#[tokio::test]
async fn a_task_that_stops_is_replaced_and_one_that_cannot_start_says_why() {
    let aws = Aws::start("tasks").await;
    let (_, blue, green) = shop(&aws).await;
    let set = aws.task_set("1.0.0", "none", &blue).await;
    aws.until_steady(&set).await;
    let list = json!({ "cluster": "shop", "startedBy": set });
    let tasks = aws.ecs_ok("ListTasks", list.clone()).await;
    let first = tasks["taskArns"][0].as_str().unwrap().to_owned();
    aws.ecs_ok(
        "StopTask",
        json!({ "cluster": "shop", "task": first, "reason": "a trial" }),
    )
    .await;
    aws.until_steady(&set).await;
    let tasks = aws.ecs_ok("ListTasks", list).await;
    assert_eq!(tasks["taskArns"].as_array().unwrap().len(), 1);
    assert_ne!(tasks["taskArns"][0], first);

    let definition = aws
        .task_definition("registry.local/unknown:1", json!([]))
        .await;
    let balancer =
        json!({ "targetGroupArn": green, "containerName": "shop", "containerPort": 8080 });
    let input = json!({
        "cluster": "shop", "service": "shop", "taskDefinition": definition,
        "loadBalancers": [balancer],
    });
    let answer = aws.ecs_ok("CreateTaskSet", input).await;
    let set = answer["taskSet"]["id"].clone();
    let stopped = json!({ "cluster": "shop", "startedBy": set, "desiredStatus": "STOPPED" });
    let mut task = Value::Null;
    for _ in 0..100 {
        let tasks = aws.ecs_ok("ListTasks", stopped.clone()).await;
        if let Some(arn) = tasks["taskArns"].get(0) {
            let tasks = json!({ "cluster": "shop", "tasks": [arn] });
            task = aws.ecs_ok("DescribeTasks", tasks).await["tasks"][0].clone();
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    let reason = task["stoppedReason"].as_str().unwrap();
    assert!(reason.starts_with("CannotPullContainerError"), "{reason}");
    aws.stop().await;
}

#[tokio::test]
async fn an_ordered_fault_strikes_and_every_call_is_noted() {
    let aws = Aws::start("faults").await;
    let fault = json!({
        "service": "ecs", "operation": "DescribeClusters", "times": 1, "status": 400,
        "code": "ThrottlingException",
    });
    aws.local(reqwest::Method::POST, "faults", Some(fault))
        .await;
    let (status, answer) = aws.ecs("DescribeClusters", json!({})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["__type"], "ThrottlingException");
    let (status, _) = aws.ecs("DescribeClusters", json!({})).await;
    assert_eq!(status, StatusCode::OK);

    // Status 0: the connection ends without an answer, for a call that would be passed on too.
    let fault = json!({ "service": "s3", "times": 1, "status": 0 });
    aws.local(reqwest::Method::POST, "faults", Some(fault))
        .await;
    let get = || {
        let request = aws.client.get(aws.url("/bucket/key"));
        request.header("authorization", Aws::signature("s3")).send()
    };
    assert!(get().await.unwrap_err().is_request());
    let answer = get().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("<Code>ServiceUnavailable</Code>")
    );

    let calls = aws.local(reqwest::Method::GET, "calls", None).await;
    let seen: Vec<String> = calls["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            format!(
                "{} {} {} {}",
                c["service"], c["operation"], c["status"], c["error"]
            )
        })
        .collect();
    assert_eq!(
        seen.join("\n").replace('"', ""),
        "ecs DescribeClusters 400 ThrottlingException\n\
         ecs DescribeClusters 200 null\n\
         s3 GetObject 0 ConnectionClosed\n\
         s3 GetObject 503 ServiceUnavailable"
    );
    aws.stop().await;
}

#[tokio::test]
async fn wrong_calls_are_told_what_is_wrong() {
    let aws = Aws::start("errors").await;
    let missing = json!({ "cluster": "nowhere", "services": ["shop"] });
    let (status, answer) = aws.ecs("DescribeServices", missing).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["__type"], "ClusterNotFoundException");
    let (_, answer) = aws.ecs("StartTask", json!({})).await;
    assert_eq!(answer["__type"], "UnknownOperationException");
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("CreateTaskSet")
    );
    let (status, answer) = aws
        .elb("DescribeListeners", &[("ListenerArns.member.1", "x")])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(element(&answer, "Code"), "ListenerNotFound");
    let (_, answer) = aws.elb("CreateTrustStore", &[]).await;
    assert_eq!(element(&answer, "Code"), "InvalidAction");
    aws.stop().await;
}

#[tokio::test]
async fn events_are_told_in_order_and_the_clock_can_be_put_forward() {
    let aws = Aws::start("clock").await;
    let before = aws.local(reqwest::Method::GET, "clock", None).await;
    assert_eq!(before["offset_seconds"], 0.0);
    let after = aws
        .local(
            reqwest::Method::POST,
            "clock",
            Some(json!({ "advance_seconds": 3600 })),
        )
        .await;
    assert_eq!(after["offset_seconds"], 3600.0);
    let events = aws
        .local(reqwest::Method::GET, "events?after=0&wait=5", None)
        .await;
    assert_eq!(events["events"][0]["kind"], "clock");
    assert_eq!(events["next"], 1);
    let none = aws
        .local(reqwest::Method::GET, "events?after=1", None)
        .await;
    assert_eq!(none, json!({ "events": [], "next": 1 }));
    aws.stop().await;
}

#[tokio::test]
async fn a_task_finishes_its_requests_before_it_stops() {
    let aws = Aws::start("drain").await;
    let (balancer, blue, _) = shop(&aws).await;
    let set = aws.task_set("1.0.0", "slow", &blue).await;
    let (port, _) = aws.listener(&balancer, &[(&blue, "1")]).await;
    aws.until_steady(&set).await;
    let slow = tokio::spawn(
        aws.client
            .get(format!("http://127.0.0.1:{port}/version"))
            .send(),
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    let tasks = json!({ "cluster": "shop", "startedBy": set });
    let task = aws.ecs_ok("ListTasks", tasks).await["taskArns"][0].clone();
    aws.ecs_ok("StopTask", json!({ "cluster": "shop", "task": task }))
        .await;
    let answer = slow.await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap()["version"], "1.0.0");
    aws.stop().await;
}
