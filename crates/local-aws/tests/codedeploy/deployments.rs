//! From creation to the end: statuses, events, failures, rollbacks.

use serde_json::{Value, json};

use crate::bench::{Bench, MINUTE, Setup, appspec, deployment};

const AFTER: &[(&str, &str)] = &[("AfterAllowTraffic", "check")];

#[tokio::test]
async fn a_deployment_stays_in_progress_until_the_original_is_terminated() {
    let bench = Bench::new(Setup {
        termination_wait: 5,
        ..Setup::default()
    })
    .await;
    let id = bench.deploy(&[]).await;
    let started = |info: &Value| info["instanceTerminationWaitTimeStarted"] == true;
    let info = bench.until_info(&id, started).await;
    assert_eq!(info["status"], "InProgress");
    assert_eq!(info.get("deploymentOverview"), None);
    let target = bench.target(&id).await;
    assert_eq!(target["status"], "Succeeded");
    insta::assert_snapshot!(bench.events(&id).await, @r"
    BeforeInstall Succeeded
    Install Succeeded
    AfterInstall Succeeded
    AllowTestTraffic Succeeded
    AfterAllowTestTraffic Succeeded
    BeforeAllowTraffic Succeeded
    AllowTraffic Succeeded
    AfterAllowTraffic Succeeded
    ");
    let sets: Vec<_> = target["taskSetsInfo"]
        .as_array()
        .unwrap()
        .iter()
        .map(short)
        .collect();
    assert_eq!(
        sets,
        ["Blue shop-blue ACTIVE 0", "Green shop-green PRIMARY 100"]
    );

    bench.world.clock.advance(4 * MINUTE);
    assert_eq!(bench.info(&id).await["status"], "InProgress");
    bench.world.clock.advance(MINUTE);
    let info = bench.until(&id, "Succeeded").await;
    assert_eq!(info["deploymentOverview"]["Succeeded"], 1);
    assert_eq!(bench.task_sets(), ["shop:2 PRIMARY"]);
}

fn short(set: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    format!(
        "{} {} {} {}",
        text(&set["taskSetLabel"]),
        text(&set["targetGroup"]["name"]),
        text(&set["status"]),
        set["trafficWeight"].as_f64().unwrap()
    )
}

#[tokio::test]
async fn the_target_groups_swap_their_roles_after_a_success() {
    let bench = Bench::new(Setup::default()).await;
    for (version, weights) in [
        ("shop:2", (0, 100)),
        ("shop:1", (100, 0)),
        ("shop:2", (0, 100)),
    ] {
        let id = bench.deploy_text(&appspec(version, "web", 8080, &[])).await;
        bench.until(&id, "Succeeded").await;
        assert_eq!(bench.weights(&bench.production), weights);
        assert_eq!(bench.weights(&bench.test), weights);
    }
}

#[tokio::test]
async fn a_hook_that_fails_after_the_shift_brings_the_original_back() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(AFTER).await;
    let call = bench.next_call().await;
    assert_eq!(bench.weights(&bench.production), (0, 100));
    bench
        .ok(
            "PutLifecycleEventHookExecutionStatus",
            crate::bench::answer(&call, "Failed"),
        )
        .await;
    let info = bench.until(&id, "Failed").await;
    assert_eq!(info["errorInformation"]["code"], "HOOK_EXECUTION_FAILURE");
    let rollback_id = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    assert_eq!(
        info["rollbackInfo"]["rollbackMessage"],
        format!(
            "Deployment {id} terminated. Automatic rollback is triggered with a DeploymentId \
             {rollback_id}."
        )
    );

    let rollback = bench.until(rollback_id, "Succeeded").await;
    assert_eq!(rollback["creator"], "codeDeployRollback");
    assert_eq!(
        rollback["deploymentConfigName"],
        "CodeDeployDefault.ECSAllAtOnce"
    );
    assert_eq!(
        rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"],
        id.as_str()
    );
    assert_eq!(bench.weights(&bench.production), (100, 0));
    assert_eq!(bench.weights(&bench.test), (100, 0));
    assert_eq!(bench.task_sets(), ["shop:1 PRIMARY"]);
    assert!(bench.calls.try_recv().is_err(), "a rollback runs no hooks");
    assert!(
        bench
            .events(&id)
            .await
            .ends_with("AllowTraffic Succeeded\nAfterAllowTraffic Failed")
    );

    let listed = bench.ok("ListDeployments", json!({})).await;
    assert_eq!(listed["deployments"], json!([rollback_id, id]));
}

#[tokio::test]
async fn before_the_replacement_exists_there_is_nothing_to_roll_back() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(&[("BeforeInstall", "check")]).await;
    bench.answer_next("Failed").await;
    let info = bench.until(&id, "Failed").await;
    let error_text = format!(
        "Deployment {id} ended before its replacement task set was created. There is nothing to \
         roll back."
    );
    assert_eq!(
        info["rollbackInfo"],
        json!({ "rollbackMessage": error_text })
    );
    assert!(
        bench
            .events(&id)
            .await
            .starts_with("BeforeInstall Failed\nInstall Skipped")
    );
    assert_eq!(bench.task_sets(), ["shop:1 PRIMARY"]);
}

#[tokio::test]
async fn without_automatic_rollback_everything_stays_and_the_next_deployment_clears_it() {
    let mut bench = Bench::new(Setup {
        rollback: &[],
        ..Setup::default()
    })
    .await;
    let id = bench.deploy(&[("AfterAllowTestTraffic", "check")]).await;
    bench.answer_next("Failed").await;
    let info = bench.until(&id, "Failed").await;
    assert_eq!(info.get("rollbackInfo"), None);
    assert_eq!(bench.weights(&bench.production), (100, 0));
    assert_eq!(
        bench.weights(&bench.test),
        (0, 100),
        "the components remain as they are"
    );
    assert_eq!(bench.task_sets(), ["shop:1 PRIMARY", "shop:2 ACTIVE"]);

    let next = bench.deploy(&[]).await;
    bench.until(&next, "Succeeded").await;
    assert_eq!(bench.task_sets(), ["shop:2 PRIMARY"]);
}

#[tokio::test]
async fn after_the_shift_without_rollback_the_replacement_keeps_the_traffic() {
    let mut bench = Bench::new(Setup {
        rollback: &[],
        ..Setup::default()
    })
    .await;
    let id = bench.deploy(AFTER).await;
    bench.answer_next("Failed").await;
    bench.until(&id, "Failed").await;
    assert_eq!(bench.weights(&bench.production), (0, 100));
    assert_eq!(bench.task_sets(), ["shop:1 ACTIVE", "shop:2 PRIMARY"]);
}

#[tokio::test]
async fn a_request_to_stop_ends_whatever_the_deployment_waits_for() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(AFTER).await;
    bench.next_call().await;
    let stopped = bench
        .ok(
            "StopDeployment",
            json!({ "deploymentId": id, "autoRollbackEnabled": true }),
        )
        .await;
    assert_eq!(stopped["status"], "Pending");
    let info = bench.until(&id, "Stopped").await;
    let rollback = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    bench.until(rollback, "Succeeded").await;
    assert_eq!(bench.weights(&bench.production), (100, 0));
    assert_eq!(
        bench
            .code("StopDeployment", json!({ "deploymentId": id }))
            .await,
        "DeploymentAlreadyCompletedException"
    );
}

#[tokio::test]
async fn a_request_to_stop_without_rollback_leaves_the_traffic() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(AFTER).await;
    bench.next_call().await;
    bench
        .ok("StopDeployment", json!({ "deploymentId": id }))
        .await;
    let info = bench.until(&id, "Stopped").await;
    assert_eq!(info["errorInformation"]["code"], "MANUAL_STOP");
    assert_eq!(bench.weights(&bench.production), (0, 100));
}

#[tokio::test]
async fn a_group_has_one_deployment_at_a_time() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(AFTER).await;
    bench.next_call().await;
    let again = deployment(&appspec("shop:2", "web", 8080, &[]));
    let refused = bench
        .codedeploy
        .call("CreateDeployment", &again)
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "DeploymentLimitExceededException: The Deployment Group 'shop-production' already has \
             an active Deployment '{id}'"
        )
    );
}

#[tokio::test]
async fn an_appspec_that_does_not_fit_the_world_is_an_invalid_revision() {
    let bench = Bench::new(Setup::default()).await;
    let mut error_text = Vec::new();
    for text in [
        appspec("<TASK_DEFINITION>", "web", 8080, &[]),
        appspec("shop:3", "web", 8080, &[]),
        appspec("shop:2", "shop", 8080, &[]),
        appspec("shop:2", "web", 80, &[]),
        "Resources: [".to_owned(),
    ] {
        let id = bench.deploy_text(&text).await;
        let info = bench.until(&id, "Failed").await;
        let error = &info["errorInformation"];
        assert_eq!(error["code"], "INVALID_REVISION");
        let message = error["message"].as_str().unwrap();
        let (_, reason) = message.split_once("invalid configuration. ").unwrap();
        error_text.push(reason.to_owned());
        assert_eq!(bench.weights(&bench.production).1, 0);
    }
    insta::assert_snapshot!(error_text.join("\n"), @r"
    TaskDefinition is still the placeholder <TASK_DEFINITION>; replace it by the ARN of the task definition to deploy.
    There is no active task definition shop:3.
    The task definition arn:aws:ecs:us-east-1:000000000000:task-definition/shop:2 has no container shop; it has web.
    The container web of the task definition arn:aws:ecs:us-east-1:000000000000:task-definition/shop:2 has no port 80.
    The input AppSpec file is a not well-formed yaml. The template cannot be parsed: while parsing a node, did not find expected node content at byte 12 line 2 column 1.
    ");
}

#[tokio::test]
async fn traffic_waits_for_continue_deployment_when_the_group_says_so() {
    let ready = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 30 });
    let bench = Bench::new(Setup {
        ready,
        ..Setup::default()
    })
    .await;
    let id = bench.deploy(&[]).await;
    bench.until(&id, "Ready").await;
    assert_eq!(bench.target(&id).await["status"], "Ready");
    assert_eq!(bench.weights(&bench.production), (100, 0));
    assert_eq!(bench.weights(&bench.test), (0, 100));
    let wrong = json!({ "deploymentId": id, "deploymentWaitType": "TERMINATION_WAIT" });
    assert_eq!(
        bench.code("ContinueDeployment", wrong).await,
        "DeploymentIsNotInReadyStateException"
    );
    bench
        .ok("ContinueDeployment", json!({ "deploymentId": id }))
        .await;
    bench.until(&id, "Succeeded").await;

    let id = bench.deploy(&[]).await;
    bench.until(&id, "Ready").await;
    bench.world.clock.advance(30 * MINUTE);
    let info = bench.until(&id, "Stopped").await;
    assert_eq!(info["errorInformation"]["code"], "TIMEOUT");
    let rollback = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    bench.until(rollback, "Succeeded").await;
}

#[tokio::test]
async fn the_revision_of_a_deployment_leads_to_its_appspec() {
    let bench = Bench::new(Setup::default()).await;
    let text = appspec("shop:2", "web", 8080, &[]);
    let id = bench.deploy_text(&text).await;
    let info = bench.until(&id, "Succeeded").await;
    assert_eq!(info["revision"]["appSpecContent"].get("content"), None);
    let input = json!({ "applicationName": "shop", "revision": info["revision"] });
    let found = bench.ok("GetApplicationRevision", input).await;
    assert_eq!(found["revision"]["appSpecContent"]["content"], text);
    assert_eq!(
        found["revisionInfo"]["deploymentGroups"],
        json!(["shop-production"])
    );
}

#[tokio::test]
async fn the_timeline_tells_each_step() {
    let bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(&[]).await;
    bench.until(&id, "Succeeded").await;
    let shown = |event: local_aws::timeline::RecordedEvent| {
        let own = event.event.deployment_id.as_deref() == Some(id.as_str());
        own.then(|| format!("{}: {}", event.event.kind, event.event.message))
    };
    let last = format!("deployment: Deployment {id} succeeded.");
    let mut sentences: Vec<_> = Vec::new();
    // The last sentence follows the status.
    while sentences.last() != Some(&last) {
        let events = bench.world.timeline.after(0).into_iter().filter_map(shown);
        sentences = events.collect();
        tokio::task::yield_now().await;
    }
    let text = sentences.join("\n").replace(&id, "d-1");
    let sets = bench.target(&id).await["taskSetsInfo"].clone();
    let text = sets.as_array().unwrap().iter().fold(text, |text, set| {
        text.replace(
            set["identifer"].as_str().unwrap(),
            set["taskSetLabel"].as_str().unwrap(),
        )
    });
    insta::assert_snapshot!(text, @r"
    deployment: Deployment d-1 of shop to shop-production was created.
    deployment: Deployment d-1 started.
    lifecycle: BeforeInstall started.
    lifecycle: BeforeInstall succeeded.
    lifecycle: Install started.
    task-set: The replacement task set Green was created in shop-green.
    task-set: The replacement task set Green is healthy.
    lifecycle: Install succeeded.
    lifecycle: AfterInstall started.
    lifecycle: AfterInstall succeeded.
    lifecycle: AllowTestTraffic started.
    traffic: The test listener sends 0 % to shop-blue and 100 % to shop-green.
    lifecycle: AllowTestTraffic succeeded.
    lifecycle: AfterAllowTestTraffic started.
    lifecycle: AfterAllowTestTraffic succeeded.
    lifecycle: BeforeAllowTraffic started.
    lifecycle: BeforeAllowTraffic succeeded.
    lifecycle: AllowTraffic started.
    traffic: The production listener sends 0 % to shop-blue and 100 % to shop-green.
    task-set: The task set Green is the primary one.
    lifecycle: AllowTraffic succeeded.
    lifecycle: AfterAllowTraffic started.
    lifecycle: AfterAllowTraffic succeeded.
    task-set: The original task set Blue is being deleted.
    deployment: Deployment d-1 succeeded.
    ");
}
