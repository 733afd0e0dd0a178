//! Sources, jobs and deployments.

use std::io::{Cursor, Read as _};

use aws_sdk_codepipeline::types::{
    FailureDetails, FailureType, PipelineExecutionStatus, SourceRevisionOverride,
    SourceRevisionType,
};
use serde_json::{Value, json};

use crate::bench::{Bench, action, external_id, shop};
use crate::shop::{Setup, build, group};

const FAILED: PipelineExecutionStatus = PipelineExecutionStatus::Failed;
const SUCCEEDED: PipelineExecutionStatus = PipelineExecutionStatus::Succeeded;

/// The pipeline `shop` with these actions in place of its approval, and nothing after them.
async fn with_actions(actions: Vec<Value>) -> Bench {
    let bench = Bench::new().await;
    let mut pipeline = shop("SUPERSEDED");
    let stages = pipeline["stages"].as_array_mut().unwrap();
    stages.truncate(2);
    stages[1]["actions"] = json!(actions);
    bench.create(pipeline).await;
    bench
}

/// Code and message of why an action failed.
async fn error(bench: &Bench, execution: &str, action: &str) -> String {
    let run = bench.run(execution, action).await.unwrap();
    let result = run.output().unwrap().execution_result().unwrap();
    let error = result.error_details().unwrap();
    format!("{}: {}", error.code().unwrap(), error.message().unwrap())
}

fn invoke() -> Value {
    let configuration =
        json!({ "FunctionName": "smoke", "UserParameters": "#{variables.VERSION}" });
    let mut invoke = action("Smoke", ["Invoke", "Lambda"], &configuration);
    invoke["inputArtifacts"] = json!([{ "name": "source" }]);
    invoke["namespace"] = json!("Smoke");
    invoke
}

/// Waits for the n-th job of the function.
async fn job(bench: &Bench, n: usize) -> Value {
    let (function, event) = bench
        .until(|| async { bench.emulator.invoked().get(n).cloned() })
        .await;
    assert_eq!(function, "smoke");
    event["CodePipeline.job"].clone()
}

#[tokio::test]
async fn a_commit_becomes_an_artifact() {
    let bench = with_actions(vec![invoke()]).await;
    bench.start().await;
    let job = job(&bench, 0).await;
    let data = &job["data"];
    assert_eq!(
        data["actionConfiguration"]["configuration"]["UserParameters"],
        "1.0.0"
    );
    let at = &data["inputArtifacts"][0]["location"]["s3Location"];
    let (bucket, key) = (
        at["bucketName"].as_str().unwrap(),
        at["objectKey"].as_str().unwrap(),
    );
    assert!(key.starts_with("shop/source/"), "{key}");
    let bytes = bench.emulator.object(&format!("{bucket}/{key}")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive
        .by_name("appspec.json")
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "{}");
}

#[tokio::test]
async fn a_job_is_answered_once_and_its_variables_go_on() {
    let mut second = action(
        "Tell",
        ["Approval", "Manual"],
        &json!({ "CustomData": "#{Smoke.Url}" }),
    );
    second["runOrder"] = json!(2);
    let bench = with_actions(vec![invoke(), second]).await;
    let execution = bench.start().await;
    let id = job(&bench, 0).await["id"].as_str().unwrap().to_owned();
    let succeed = || {
        let put = bench.client.put_job_success_result().job_id(&id);
        put.output_variables("Url", "https://example.com")
    };
    succeed().send().await.unwrap();
    let again = succeed().send().await.unwrap_err();
    assert!(again.into_service_error().is_invalid_job_state_exception());
    let asked = bench
        .until(|| async { bench.run(&execution, "Tell").await })
        .await;
    let resolved = asked.input().unwrap().resolved_configuration().unwrap();
    assert_eq!(resolved["CustomData"], "https://example.com");
}

#[tokio::test]
async fn a_job_that_fails_fails_its_action_with_its_words() {
    let bench = with_actions(vec![invoke()]).await;
    let execution = bench.start().await;
    let id = job(&bench, 0).await["id"].as_str().unwrap().to_owned();
    let details = FailureDetails::builder()
        .r#type(FailureType::JobFailed)
        .message("the checkout is broken")
        .build()
        .unwrap();
    let put = bench
        .client
        .put_job_failure_result()
        .job_id(id)
        .failure_details(details);
    put.send().await.unwrap();
    bench.until_status(&execution, FAILED).await;
    assert_eq!(
        error(&bench, &execution, "Smoke").await,
        "JobFailed: the checkout is broken"
    );
}

#[tokio::test]
async fn a_job_that_is_not_done_is_called_again_with_its_token() {
    let bench = with_actions(vec![invoke()]).await;
    let execution = bench.start().await;
    let first = job(&bench, 0).await;
    assert!(first["data"]["continuationToken"].is_null());
    let id = first["id"].as_str().unwrap();
    let put = bench
        .client
        .put_job_success_result()
        .job_id(id)
        .continuation_token("half");
    put.send().await.unwrap();
    // The virtual wait may not have begun when the clock is first put forward.
    let second = bench
        .until(|| async {
            bench.advance(30).await;
            bench.emulator.invoked().get(1).cloned()
        })
        .await;
    let second = &second.1["CodePipeline.job"];
    assert_eq!(second["data"]["continuationToken"], "half");
    let id = second["id"].as_str().unwrap();
    bench
        .client
        .put_job_success_result()
        .job_id(id)
        .send()
        .await
        .unwrap();
    bench.until_status(&execution, SUCCEEDED).await;
}

#[tokio::test]
async fn a_job_nobody_answers_fails_after_a_day() {
    let bench = with_actions(vec![invoke()]).await;
    let execution = bench.start().await;
    job(&bench, 0).await;
    bench.advance(24 * 3600).await;
    bench.until_status(&execution, FAILED).await;
    assert!(
        error(&bench, &execution, "Smoke")
            .await
            .starts_with("JobFailed")
    );
}

#[tokio::test]
async fn a_branch_without_commits_and_a_variable_without_value_fail_the_action() {
    let bench = Bench::new().await;
    let mut pipeline = shop("SUPERSEDED");
    pipeline["stages"][0]["actions"][0]["configuration"]["BranchName"] = json!("develop");
    bench.create(pipeline).await;
    let execution = bench.start().await;
    bench.until_status(&execution, FAILED).await;
    assert_eq!(
        error(&bench, &execution, "Source").await,
        "ConfigurationError: [GitHub] No Branch [develop] found for FullRepositoryName [example/shop]"
    );
    let bench = with_actions(vec![action(
        "Ask",
        ["Approval", "Manual"],
        &json!({ "CustomData": "#{Nothing.Here}" }),
    )])
    .await;
    let execution = bench.start().await;
    bench.until_status(&execution, FAILED).await;
    let error = error(&bench, &execution, "Ask").await;
    assert!(error.starts_with("InvalidActionConfiguration"), "{error}");
    assert!(error.ends_with("Nothing.Here"), "{error}");
}

#[tokio::test]
async fn an_object_is_taken_in_its_version_and_a_commit_as_it_is_asked_for() {
    let bench = Bench::new().await;
    bench.emulator.put("source/shop.zip", b"bytes".to_vec());
    let mut pipeline = shop("SUPERSEDED");
    let mut object = action(
        "Object",
        ["Source", "S3"],
        &json!({ "S3Bucket": "source", "S3ObjectKey": "shop.zip" }),
    );
    object["outputArtifacts"] = json!([{ "name": "object" }]);
    pipeline["stages"][0]["actions"]
        .as_array_mut()
        .unwrap()
        .push(object);
    bench.create(pipeline).await;
    let wanted = SourceRevisionOverride::builder()
        .action_name("Source")
        .revision_type(SourceRevisionType::CommitId)
        .revision_value("abc123")
        .build()
        .unwrap();
    let started = bench
        .client
        .start_pipeline_execution()
        .name("shop")
        .source_revisions(wanted);
    let execution = started.send().await.unwrap().pipeline_execution_id.unwrap();
    bench.token(&execution).await;
    let commit = bench.run(&execution, "Source").await.unwrap();
    assert_eq!(external_id(&commit), "abc123");
    let object = bench.run(&execution, "Object").await.unwrap();
    let output = object.output().unwrap();
    assert_eq!(output.output_variables().unwrap()["VersionId"], "version-1");
    let at = output.output_artifacts()[0].s3_location().unwrap();
    let path = format!("{}/{}", at.bucket().unwrap(), at.key().unwrap());
    assert_eq!(bench.emulator.object(&path).unwrap(), b"bytes");
}

#[tokio::test]
async fn a_deployment_that_cannot_be_made_fails_the_action_with_codedeploys_words() {
    let configuration = json!({ "ApplicationName": "none", "DeploymentGroupName": "none" });
    let mut deploy = action("Deploy", ["Deploy", "CodeDeploy"], &configuration);
    deploy["inputArtifacts"] = json!([{ "name": "source" }]);
    let bench = with_actions(vec![deploy]).await;
    let execution = bench.start().await;
    bench.until_status(&execution, FAILED).await;
    let error = error(&bench, &execution, "Deploy").await;
    assert!(error.starts_with("JobFailed: "), "{error}");
    assert!(error.contains("none"), "{error}");
}

#[tokio::test]
async fn a_blue_green_deployment_is_made_and_followed() {
    let configuration = json!({
        "ApplicationName": "shop", "DeploymentGroupName": "shop-production",
        "TaskDefinitionTemplateArtifact": "source", "AppSpecTemplateArtifact": "source",
        "AppSpecTemplatePath": "appspec.json",
    });
    let mut deploy = action("Deploy", ["Deploy", "CodeDeployToECS"], &configuration);
    deploy["inputArtifacts"] = json!([{ "name": "source" }]);
    let bench = with_actions(vec![deploy]).await;
    let (production, test) = build(bench.server.world(), 0).await;
    let group = group(&Setup::default(), &production, &test);
    let application = json!({ "applicationName": "shop", "computePlatform": "ECS" });
    for (operation, input) in [
        ("CreateApplication", application),
        ("CreateDeploymentGroup", group),
    ] {
        let (status, answer) = bench
            .raw(&format!("CodeDeploy_20141006.{operation}"), input)
            .await;
        assert_eq!(status, 200, "{answer}");
    }
    let appspec = crate::shop::appspec("<TASK_DEFINITION>", "web", 8080, &[]);
    let task_definition = json!({
        "family": "shop", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512",
        "containerDefinitions": [{
            "name": "web", "image": "registry.example/shop:3.0.0", "essential": true,
            "portMappings": [{ "containerPort": 8080 }],
        }],
    });
    let commit = json!({
        "repository": "example/shop", "message": "3.0.0",
        "files": { "appspec.json": appspec, "taskdef.json": task_definition.to_string() },
    });
    bench.control("/_local/commits", commit).await;
    let execution = bench.start().await;
    bench.until_status(&execution, SUCCEEDED).await;
    let run = bench.run(&execution, "Deploy").await.unwrap();
    let deployment = external_id(&run);
    let input = json!({ "deploymentId": deployment });
    let (_, shown) = bench.raw("CodeDeploy_20141006.GetDeployment", input).await;
    assert_eq!(shown["deploymentInfo"]["status"], "Succeeded");
    let result = run.output().unwrap().execution_result().unwrap();
    assert_eq!(
        result.external_execution_summary(),
        Some("Deployment Succeeded")
    );
    // Without the files there is nothing to deploy.
    bench.commit("forgot the files").await;
    let execution = bench.start().await;
    bench.until_status(&execution, FAILED).await;
    assert_eq!(
        error(&bench, &execution, "Deploy").await,
        "ConfigurationError: Did not find the file taskdef.json in the input artifacts"
    );
}
