//! Events of every shape.

use super::*;
use serde_json::{Value, json};

fn decode(event: &Value) -> Result<Call, NotACall> {
    serde_json::from_str::<Payload>(&event.to_string())
        .unwrap()
        .decode()
}

fn hook(event: &Value) -> CodeDeployEvent {
    match decode(event) {
        Ok(Call::CodeDeploy(event)) => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_sample_event_is_read_as_what_its_name_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let mut read = [0; 3];
    let mut stages = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let callers = ["codedeploy-", "ecs-", "codepipeline-"];
        let Some(caller) = callers.iter().position(|caller| name.starts_with(caller)) else {
            continue;
        };
        let payload: Payload = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let call = payload.decode().unwrap_or_else(|e| panic!("{name}: {e}"));
        let goes_on = name.contains("-continuation") || name.contains("-callback");
        let is_asked = name.contains("-question");
        assert_eq!(call.pending_question().is_some(), is_asked, "{name}");
        assert_eq!(
            crate::replay::describe(Payload(Ok(call.clone())))
                .unwrap()
                .goes_on,
            goes_on || is_asked,
            "{name}"
        );
        let found = match call {
            Call::CodeDeploy(_) => 0,
            Call::Ecs(event) => {
                let stage = event.lifecycle_stage;
                let named = format!("ecs-{}", stage.to_lowercase().replace('_', "-"));
                let variant = ["", "-rolling", "-linear", "-question"]
                    .into_iter()
                    .any(|variant| name == format!("{named}{variant}.json"));
                assert!(variant || name == "ecs-callback.json", "{name}: {stage}");
                stages.insert(stage);
                1
            }
            Call::CodePipeline(_) => 2,
        };
        assert_eq!(found, caller, "{name}");
        read[caller] += 1;
    }
    assert_eq!(stages.len(), 8, "each stage that has hooks: {stages:?}");
    assert!(read[0] >= 5 && read[2] >= 4, "{read:?} sample events");
}

#[test]
fn an_event_of_ecs_is_read_with_its_weights() {
    let revision = "arn:aws:ecs:eu-central-1:111122223333:service-revision/shop/web/2";
    let event = json!({
        "executionId": "e-1",
        "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT",
        "resourceArn": "arn:aws:ecs:eu-central-1:111122223333:service-deployment/shop/web/d",
        "executionDetails": {
            "serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/shop/web",
            "targetServiceRevisionArn": revision,
            "testTrafficWeights": {},
            "productionTrafficWeights": { revision: 10.0, "arn:old/1": 90, "odd": "x" },
        },
        "hookDetails": { "suite": "shop.yaml", "other": { "deep": [1] }, "deployHooksRun": "run" },
    });
    let Ok(Call::Ecs(read)) = decode(&event) else {
        panic!("no event of ECS");
    };
    assert_eq!(read.production_weights.len(), 2);
    assert!(read.production_weights.contains(&(revision.to_owned(), 10)));
    assert!(read.test_weights.is_empty());
    assert_eq!(read.suite.as_deref(), Some("shop.yaml"));
    assert_eq!(read.run.as_deref(), Some("run"));
    assert_eq!(read.details, [("other".to_owned(), DetailValue::Other)]);
    let mut chosen = event.clone();
    chosen["hookDetails"] =
        json!({ "bake": "5m", "dry_run": true, "stage": null, "deployHooksRun": "" });
    let Ok(Call::Ecs(read)) = decode(&chosen) else {
        panic!("no event of ECS");
    };
    let expected = [
        ("bake".to_owned(), DetailValue::Text("5m".to_owned())),
        ("dry_run".to_owned(), DetailValue::Flag(true)),
    ];
    assert_eq!((&read.details[..], &read.run), (&expected[..], &None));
    for details in [
        json!({ "deployHooksRun": "" }),
        json!(null),
        json!({}),
        json!({ "suite": null }),
    ] {
        let mut event = event.clone();
        event["hookDetails"] = details.clone();
        let Ok(Call::Ecs(read)) = decode(&event) else {
            panic!("{details}");
        };
        assert_eq!((read.suite, read.run), (None, None));
    }
    // Another suite than the one that was meant would say nothing of the service.
    let refused = [
        json!("x"),
        json!([1]),
        json!(true),
        json!({ "suite": ["shop.yaml"] }),
        json!({ "suite": { "file": "shop.yaml" } }),
        json!({ "suite": 7 }),
        json!({ "suite": " " }),
        json!({ "suite": "x".repeat(9_000) }),
        json!({ "deployHooksRun": 7 }),
    ];
    let refused = refused.map(|details| {
        let mut event = event.clone();
        event["hookDetails"] = details;
        decode(&event).unwrap_err().0.to_string()
    });
    insta::assert_snapshot!(refused.join("\n"), @r#"
    hookDetails is no JSON object
    hookDetails is no JSON object
    hookDetails is no JSON object
    hookDetails/suite is no text
    hookDetails/suite is no text
    hookDetails/suite is no text
    hookDetails/suite is empty
    hookDetails/suite is longer than 8 KiB
    hookDetails/deployHooksRun is no text
    "#);
}

#[test]
fn a_job_is_read_without_its_credentials() {
    let job = json!({"CodePipeline.job": { "id": "j-1", "accountId": "1", "data": {
        "actionConfiguration": { "configuration": { "FunctionName": "f", "UserParameters": "{}" } },
        "inputArtifacts": [], "artifactCredentials": { "secretAccessKey": "hunter2" },
        "continuationToken": "token",
    }}});
    let call = decode(&job).unwrap();
    assert!(!format!("{call:?}").contains("hunter2"));
    let Call::CodePipeline(read) = call else {
        panic!("no job");
    };
    assert_eq!(read.user_parameters.as_deref(), Some("{}"));
    assert_eq!(read.run.as_deref(), Some("token"));
    let error = decode(&json!({"CodePipeline.job": { "data": {} }})).unwrap_err();
    assert!(error.to_string().contains("CodePipeline.job.id"), "{error}");
}

#[test]
fn unknown_fields_are_ignored() {
    let event = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x",
        "Region": null, "Extra": {"deep": [1, 2]}, "Records": [], "key1": "x"});
    assert_eq!(hook(&event).execution_id, "x");
    let event = json!({"deploymentId": "d-1", "lifecycleEventHookExecutionId": "x"});
    assert_eq!(hook(&event).deployment_id, "d-1");
}

#[test]
fn what_cannot_be_answered_is_refused_with_the_shape_that_is_expected() {
    for event in [
        json!({}),
        json!(null),
        json!([1, {"a": []}]),
        json!("DeploymentId"),
        json!(7.5),
        json!({"DeploymentId": "d-1"}),
        json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": " "}),
        json!({"DeploymentId": 7, "LifecycleEventHookExecutionId": "x"}),
        json!({"DeploymentId": {"a": [1]}, "LifecycleEventHookExecutionId": ["x"]}),
        json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x".repeat(fields::MAX_TEXT_BYTES + 1)}),
    ] {
        let error = decode(&event).unwrap_err().to_string();
        assert!(
            error.contains("LifecycleEventHookExecutionId\":\"…\""),
            "{event}: {error}"
        );
    }
}

#[test]
fn events_of_other_services_are_named_and_what_they_carry_is_not_repeated() {
    for (event, named) in [
        (
            json!({"RequestType": "Create", "ResponseURL": "https://b.s3.test/?X-Amz-Signature=hunter2"}),
            "CloudFormation custom resource",
        ),
        (
            json!({"actionInvocationPoint": "CREATE_PRE_PROVISION", "requestData": {"callerCredentials": "hunter2"}}),
            "CloudFormation Hook",
        ),
        (
            json!({"source": "aws.codedeploy", "detail-type": "CodeDeploy Deployment State-change Notification"}),
            "EventBridge",
        ),
        (
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "hunter2"}}]}),
            "SNS",
        ),
        (
            json!({"Type": "Notification", "TopicArn": "arn", "Message": "hunter2"}),
            "SNS",
        ),
        (
            json!({"version": "2.0", "rawPath": "/", "headers": {"authorization": "hunter2"}}),
            "HTTP request",
        ),
        (
            json!({"key1": "value1", "key2": "value2", "key3": "value3"}),
            "test event",
        ),
    ] {
        let error = decode(&event).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(named), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// Six megabytes, as a tree, would be more than a function has.
#[test]
fn a_huge_or_deep_event_is_read_in_passing() {
    let flat = format!("[{}0]", "[0],".repeat(1_500_000));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for payload in [flat, deep] {
        let event = format!(
            r#"{{"Extra":{payload},"DeploymentId":"d-1","LifecycleEventHookExecutionId":"x"}}"#
        );
        let read: Payload = serde_json::from_str(&event).unwrap();
        let Ok(Call::CodeDeploy(event)) = read.decode() else {
            panic!("no event of CodeDeploy");
        };
        assert_eq!(event.deployment_id, "d-1");
    }
}
