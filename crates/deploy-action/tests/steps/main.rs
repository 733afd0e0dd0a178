//! Whole invocations against scripted answers of AWS: what is called, and what CodePipeline hears.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod faults;

use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use deploy_action::{Event, Function, handle};
use insta::assert_snapshot;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use test_support::scripted::{Answer, Scripted, bytes, ok, refused, throttled};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const CLUSTER: &str = "arn:aws:ecs:us-east-1:111122223333:cluster/production";
const SERVICE: &str = "arn:aws:ecs:us-east-1:111122223333:service/production/shop";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:111122223333:task-definition/shop:7";
const DEPLOYMENT: &str =
    "arn:aws:ecs:us-east-1:111122223333:service-deployment/production/shop/abc";
const REVISION: &str = "arn:aws:ecs:us-east-1:111122223333:service-revision/production/shop/2";

const TASKDEF: &str =
    r#"{"family":"shop","containerDefinitions":[{"name":"shop","image":"<IMAGE1_NAME>"}]}"#;
const DETAIL: &str = r#"{"ImageURI":"registry.example/shop@sha256:1"}"#;
const PARAMETERS: &str =
    r#"{"cluster":"production","service":"shop","image_detail":"imageDetail.json"}"#;

fn archive(files: &[(&str, &str)]) -> Answer {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        archive
            .start_file(*path, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    bytes(archive.finish().unwrap().into_inner())
}

fn service(controller: &str) -> Answer {
    ok(json!({"services": [{
        "status": "ACTIVE", "serviceArn": SERVICE, "clusterArn": CLUSTER, "serviceName": "shop",
        "deploymentController": {"type": controller},
        "taskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/shop:6",
    }]}))
}

fn listed() -> Vec<(&'static str, Vec<Answer>)> {
    let brief = json!({
        "serviceDeploymentArn": DEPLOYMENT, "targetServiceRevisionArn": REVISION,
        "createdAt": 1.0, "status": "IN_PROGRESS",
    });
    vec![
        (
            "ListServiceDeployments",
            vec![ok(json!({"serviceDeployments": [brief]}))],
        ),
        (
            "DescribeServiceRevisions",
            vec![ok(json!({"serviceRevisions": [
                {"serviceRevisionArn": REVISION, "taskDefinition": DEFINITION},
            ]}))],
        ),
    ]
}

fn described(status: &str, more: Value) -> (&'static str, Vec<Answer>) {
    let mut deployment = json!({
        "serviceDeploymentArn": DEPLOYMENT, "status": status,
        "deploymentConfiguration": {
            "strategy": "CANARY",
            "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10},
        },
    });
    let Value::Object(more) = more else { panic!() };
    deployment.as_object_mut().unwrap().extend(more);
    (
        "DescribeServiceDeployments",
        vec![ok(json!({"serviceDeployments": [deployment]}))],
    )
}

/// Both ways to answer, taken.
fn taken() -> Vec<(&'static str, Vec<Answer>)> {
    vec![
        ("PutJobSuccessResult", vec![ok(json!({}))]),
        ("PutJobFailureResult", vec![ok(json!({}))]),
    ]
}

struct Seen {
    aws: Scripted,
    result: Result<Value, String>,
}

impl Seen {
    /// What CodePipeline heard.
    fn answer(&self) -> Value {
        let put = |(name, _): &(String, String)| name.starts_with("PutJob");
        let calls: Vec<_> = self.aws.calls().into_iter().filter(put).collect();
        assert_eq!(calls.len(), 1, "answered once: {calls:?}");
        serde_json::from_str(&calls[0].1).unwrap()
    }

    fn token(&self) -> String {
        self.answer()["continuationToken"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn message(&self) -> String {
        let answer = self.answer();
        let message = answer["failureDetails"]["message"].as_str();
        message
            .unwrap_or_else(|| panic!("no failure: {answer}"))
            .to_owned()
    }

    fn called(&self) -> Vec<String> {
        self.aws.calls().into_iter().map(|(name, _)| name).collect()
    }
}

async fn invoke(
    parameters: &str,
    token: Option<&str>,
    answers: impl IntoIterator<Item = (&'static str, Vec<Answer>)>,
) -> Seen {
    let aws = Scripted::start(answers).await;
    let function = Arc::new(Function::with(aws.clients(), "us-east-1".to_owned()));
    let event = json!({"CodePipeline.job": {
        "id": "11111111-abcd-1111-abcd-111111abcdef", "accountId": "111122223333",
        "data": {
            "actionConfiguration": {"configuration": {"FunctionName": "deploy", "UserParameters": parameters}},
            "inputArtifacts": [
                {"name": "build", "revision": null, "location": {"type": "S3",
                    "s3Location": {"bucketName": "artifacts", "objectKey": "shop/build/1"}}},
            ],
            "outputArtifacts": [],
            "artifactCredentials": {"accessKeyId": "AKID", "secretAccessKey": "hunter2", "sessionToken": "s"},
            "continuationToken": token,
        },
    }});
    let event: Event = serde_json::from_value(event).unwrap();
    let mut context = Context::default();
    let deadline = SystemTime::now() + Duration::from_mins(1);
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = u64::try_from(deadline.as_millis()).unwrap();
    let result = handle(function, LambdaEvent::new(event, context)).await;
    Seen {
        aws,
        result: result.map_err(|error| error.to_string()),
    }
}

fn registering(files: &[(&str, &str)]) -> Vec<(&'static str, Vec<Answer>)> {
    let mut answers = taken();
    answers.extend([
        ("DescribeServices", vec![service("ECS")]),
        ("GetObject", vec![archive(files)]),
        (
            "RegisterTaskDefinition",
            vec![ok(
                json!({"taskDefinition": {"taskDefinitionArn": DEFINITION}}),
            )],
        ),
        ("UpdateService", vec![ok(json!({"service": {}}))]),
    ]);
    answers
}

const FILES: &[(&str, &str)] = &[("taskdef.json", TASKDEF), ("imageDetail.json", DETAIL)];

#[tokio::test]
async fn a_deployment_is_registered_begun_followed_and_ends_well() {
    let first = invoke(PARAMETERS, None, registering(FILES)).await;
    assert_eq!(
        first.called(),
        [
            "DescribeServices",
            "GetObject",
            "RegisterTaskDefinition",
            "PutJobSuccessResult"
        ],
        "each artifact is read once, and nothing is deployed yet"
    );
    let registered: Value =
        serde_json::from_str(&first.aws.bodies("RegisterTaskDefinition")[0]).unwrap();
    assert_eq!(
        registered["containerDefinitions"][0]["image"],
        "registry.example/shop@sha256:1"
    );
    assert_eq!(
        first.answer()["executionDetails"]["summary"],
        "registered shop:7"
    );

    // ECS lists the deployment only after it was told to begin.
    let mut answers = registering(FILES);
    answers.extend(listed());
    let empty = ok(json!({"serviceDeployments": []}));
    let (_, listings) = answers
        .iter_mut()
        .find(|(name, _)| *name == "ListServiceDeployments")
        .unwrap();
    listings.insert(0, empty);
    let second = invoke(PARAMETERS, Some(&first.token()), answers).await;
    assert_eq!(second.aws.bodies("UpdateService").len(), 1);
    assert!(second.aws.bodies("UpdateService")[0].contains(DEFINITION));

    let mut answers = taken();
    answers.push(described(
        "IN_PROGRESS",
        json!({
            "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT",
            "targetServiceRevision": {"requestedProductionTrafficWeight": 10.0, "requestedTaskCount": 2, "runningTaskCount": 2},
            "lifecycleHookDetails": [{"hookId": "p-1", "targetType": "PAUSE", "status": "AWAITING_ACTION", "timeoutAction": "ROLLBACK"}],
        }),
    ));
    let third = invoke(PARAMETERS, Some(&second.token()), answers).await;
    assert_eq!(third.answer()["executionDetails"]["percentComplete"], 10);
    assert_eq!(
        third.answer()["executionDetails"]["externalExecutionId"],
        "abc"
    );
    assert_snapshot!(third.answer()["executionDetails"]["summary"].as_str().unwrap(), @"production/shop: service deployment abc, CANARY: 10 % for 10 min, then all; PRODUCTION_TRAFFIC_SHIFT, step 1 of 2: 10 % of production traffic; 2 of 2 new tasks running; pause p-1 waits for an answer; without one, ECS rolls back (ROLLBACK); to answer: aws ecs continue-service-deployment --service-deployment-arn arn:aws:ecs:us-east-1:111122223333:service-deployment/production/shop/abc --hook-id p-1 --action CONTINUE --region us-east-1 (or ROLLBACK)");

    let mut answers = taken();
    answers.push(described("SUCCESSFUL", json!({})));
    let last = invoke(PARAMETERS, Some(&third.token()), answers).await;
    let answer = last.answer();
    assert_eq!(answer["continuationToken"], Value::Null);
    assert_eq!(
        answer["outputVariables"],
        json!({"outcome": "successful", "service_deployment": DEPLOYMENT, "task_definition": DEFINITION})
    );
}

#[tokio::test]
async fn a_task_definition_says_what_it_came_from_where_the_action_knows() {
    let ids =
        r#""commit":"0a1b2c3d","pipeline_execution_id":"3137f7cb-7cf7-4d53-8a8d-1f3a5c1d2b1e"}"#;
    let parameters = format!("{},{ids}", PARAMETERS.strip_suffix('}').unwrap());
    let seen = invoke(&parameters, None, registering(FILES)).await;
    let sent: Value = serde_json::from_str(&seen.aws.bodies("RegisterTaskDefinition")[0]).unwrap();
    assert_eq!(
        sent["tags"],
        json!([
            {"key": "deploy-hooks:commit", "value": "0a1b2c3d"},
            {"key": "deploy-hooks:pipeline-execution", "value": "3137f7cb-7cf7-4d53-8a8d-1f3a5c1d2b1e"},
        ])
    );
    let wrong = parameters.replace("0a1b2c3d", "main");
    let seen = invoke(&wrong, None, registering(FILES)).await;
    assert!(seen.aws.bodies("RegisterTaskDefinition").is_empty());
    assert!(
        seen.message()
            .contains("commit is \"main\"; expected a commit's hash"),
        "{}",
        seen.message()
    );
}

#[tokio::test]
async fn a_step_that_is_repeated_starts_no_second_deployment() {
    let first = invoke(PARAMETERS, None, registering(FILES)).await;
    let mut answers = registering(FILES);
    answers.extend(listed());
    let again = invoke(PARAMETERS, Some(&first.token()), answers).await;
    assert!(
        again.aws.bodies("UpdateService").is_empty(),
        "it has begun already"
    );
    assert!(again.token().contains(DEPLOYMENT));
}

#[tokio::test]
async fn a_rollback_fails_the_action_with_the_reason() {
    let token = following();
    let mut answers = taken();
    answers.push(described(
        "IN_PROGRESS",
        json!({"lifecycleStage": "POST_TEST_TRAFFIC_SHIFT", "lifecycleHookDetails": [
            {"hookId": "h-1", "targetType": "AWS_LAMBDA", "status": "FAILED",
             "targetArn": "arn:aws:lambda:us-east-1:111122223333:function:checkout-gate"},
        ]}),
    ));
    let seen = invoke(PARAMETERS, Some(&token), answers).await;
    // The last description may lack the hook; the token keeps it.
    let mut answers = taken();
    answers.push(described(
        "ROLLBACK_SUCCESSFUL",
        json!({"statusReason": "hook execution failure(s)."}),
    ));
    let over = invoke(PARAMETERS, Some(&seen.token()), answers).await;
    assert_snapshot!(over.message(), @"production/shop: the deployment was rolled back: hook checkout-gate failed; hook execution failure(s).");
    assert_eq!(over.answer()["failureDetails"]["type"], "JobFailed");
}

/// The token of an action that follows.
fn following() -> String {
    json!({
        "state": {"follow": {"task_definition": DEFINITION, "deployment": DEPLOYMENT, "failed_hooks": []}},
        "began": unix_now(),
    })
    .to_string()
}

fn unix_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_secs()
}

#[tokio::test]
async fn an_outage_of_ecs_is_waited_out_and_then_said() {
    let mut answers = taken();
    answers.push(("DescribeServiceDeployments", vec![throttled()]));
    let seen = invoke(PARAMETERS, Some(&following()), answers.clone()).await;
    assert!(seen.token().contains("silent_since"), "{}", seen.token());
    assert!(seen.token().contains(DEPLOYMENT));
    let mut long: Value = serde_json::from_str(&following()).unwrap();
    long["silent_since"] = json!(unix_now() - 901);
    let seen = invoke(PARAMETERS, Some(&long.to_string()), answers).await;
    assert!(
        seen.message()
            .contains("the deployment goes on without this action"),
        "{}",
        seen.message()
    );
    assert_eq!(seen.answer()["failureDetails"]["type"], "SystemUnavailable");
}

#[tokio::test]
async fn what_has_begun_is_never_said_to_be_nothing() {
    // What was just begun may not be listed yet.
    let mut answers = taken();
    answers.push((
        "DescribeServiceDeployments",
        vec![ok(json!({"serviceDeployments": []}))],
    ));
    let seen = invoke(PARAMETERS, Some(&following()), answers).await;
    assert!(seen.token().contains(DEPLOYMENT));
    let mut answers = taken();
    answers.push(("DescribeServiceDeployments", vec![refused("AccessDenied")]));
    let seen = invoke(PARAMETERS, Some(&following()), answers).await;
    assert_eq!(seen.answer()["failureDetails"]["type"], "JobFailed");
    let message = seen.message();
    assert!(message.contains("goes on without this action"), "{message}");
    // An update that AWS refuses has begun nothing, and says so.
    let mut answers = registering(FILES);
    answers.retain(|(name, _)| *name != "UpdateService");
    answers.push(("UpdateService", vec![refused("AccessDenied")]));
    answers.push((
        "ListServiceDeployments",
        vec![ok(json!({"serviceDeployments": []}))],
    ));
    let token = json!({"state": {"update": {"task_definition": DEFINITION}}, "began": unix_now()});
    let seen = invoke(PARAMETERS, Some(&token.to_string()), answers).await;
    let message = seen.message();
    assert!(
        message.contains("nothing was deployed, and shop:7 stays registered"),
        "{message}"
    );
}

#[tokio::test]
async fn a_made_up_token_deploys_nothing_of_another_family() {
    let other = DEFINITION.replace("shop:7", "admin:1");
    let token = json!({"state": {"update": {"task_definition": other}}, "began": unix_now()});
    let seen = invoke(PARAMETERS, Some(&token.to_string()), registering(FILES)).await;
    assert!(seen.aws.bodies("UpdateService").is_empty());
    let message = seen.message();
    assert!(
        message.contains("this one is of the family admin"),
        "{message}"
    );
}

#[tokio::test]
async fn a_deployment_that_lasts_too_long_is_left_to_itself() {
    let mut token: Value = serde_json::from_str(&following()).unwrap();
    token["began"] = json!(unix_now() - 3_601);
    let mut answers = taken();
    answers.push(described(
        "IN_PROGRESS",
        json!({"lifecycleStage": "BAKE_TIME"}),
    ));
    let parameters = r#"{"cluster":"production","service":"shop","timeout":"1h"}"#;
    let seen = invoke(parameters, Some(&token.to_string()), answers.clone()).await;
    assert!(
        seen.message()
            .contains("is not over; it goes on without this action"),
        "{}",
        seen.message()
    );
    // A stage that was waited for ends it well.
    let parameters = r#"{"cluster":"production","service":"shop","until":"BAKE_TIME"}"#;
    let seen = invoke(parameters, Some(&following()), answers).await;
    assert_eq!(seen.answer()["outputVariables"]["outcome"], "reached");
}

#[tokio::test]
async fn wrong_input_is_refused_before_anything_is_registered() {
    let refused_for = async |parameters: &str, answers: Vec<(&'static str, Vec<Answer>)>| {
        let seen = invoke(parameters, None, answers).await;
        assert!(seen.aws.bodies("RegisterTaskDefinition").is_empty());
        assert_eq!(
            seen.answer()["failureDetails"]["type"],
            "ConfigurationError"
        );
        seen.message()
    };
    let mut messages = vec![
        refused_for("{}", taken()).await,
        refused_for(PARAMETERS, registering(&[("taskdef.json", TASKDEF)])).await,
        refused_for(
            PARAMETERS,
            registering(&[("taskdef.json", "{}"), ("imageDetail.json", DETAIL)]),
        )
        .await,
        refused_for(
            r#"{"cluster":"production","service":"shop","task_definition":"source::taskdef.json"}"#,
            registering(FILES),
        )
        .await,
    ];
    let mut answers = registering(FILES);
    answers.retain(|(name, _)| *name != "DescribeServices");
    answers.push(("DescribeServices", vec![service("CODE_DEPLOY")]));
    messages.push(refused_for(PARAMETERS, answers).await);
    let other = TASKDEF.replace(r#""family":"shop""#, r#""family":"payments-nightly""#);
    let files = [
        ("taskdef.json", other.as_str()),
        ("imageDetail.json", DETAIL),
    ];
    messages.push(refused_for(PARAMETERS, registering(&files)).await);
    let mut answers = registering(FILES);
    answers.retain(|(name, _)| *name != "GetObject");
    answers.push(("GetObject", vec![refused("AccessDenied")]));
    messages.push(refused_for(PARAMETERS, answers).await);
    assert_snapshot!(messages.join("\n\n"), @r#"
    UserParameters: cluster is missing
    UserParameters: service is missing
    write, for example, {"cluster":"production","service":"shop","task_definition":"build::taskdef.json","image_detail":"image::imageDetail.json"}

    no file imageDetail.json in the action's input artifacts (build); check its path, or give the action the artifact that has it

    taskdef.json can't be registered:
    no image has a placeholder for the image of image_detail, such as <IMAGE1_NAME>
    containerDefinitions is missing
    family is missing

    source is not an input artifact of the action; it has build

    production/shop has the deployment controller CODE_DEPLOY: ECS does not deploy it itself; use the action CodeDeployToECS

    production/shop runs the task definition family shop, and this one is of the family payments-nightly: it belongs to something else; to change a service's family, update the service by hand once

    the artifact build can't be read: AccessDenied: scripted; the credentials are the pipeline's: check the policy and the key of its artifact bucket
    "#);
}

#[tokio::test]
async fn what_is_no_job_is_refused_and_secrets_are_never_shown() {
    let event: Event = serde_json::from_value(json!({"DeploymentId": "d-1"})).unwrap();
    let aws = Scripted::start([]).await;
    let function = Arc::new(Function::with(aws.clients(), "us-east-1".to_owned()));
    let result = handle(function, LambdaEvent::new(event, Context::default())).await;
    assert!(
        result
            .unwrap_err()
            .to_string()
            .contains("this is no job of CodePipeline")
    );
    let unknown = vec![refused("JobNotFoundException")];
    let seen = invoke("{}", None, [("PutJobFailureResult", unknown)]).await;
    assert!(!seen.result.unwrap_err().contains("hunter2"));
}
