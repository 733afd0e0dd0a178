//! Calls that AWS refuses, with its codes.

use aws_sdk_codepipeline::types::ApprovalStatus;
use serde_json::{Value, json};

use crate::bench::{Bench, shop};

/// The code and the message that a call is refused with.
async fn refused(bench: &Bench, operation: &str, input: Value) -> String {
    let target = format!("CodePipeline_20150709.{operation}");
    let (status, answer) = bench.raw(&target, input).await;
    assert_eq!(status, 400, "{answer}");
    format!(
        "{}: {}",
        answer["__type"].as_str().unwrap(),
        answer["message"].as_str().unwrap()
    )
}

#[tokio::test]
async fn a_token_that_is_not_the_one_is_refused() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    bench.token(&execution).await;
    let other = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
    let refused = bench.answer(other, ApprovalStatus::Approved, "x").await;
    assert_eq!(refused, Err("InvalidApprovalTokenException".to_owned()));
    let refused = bench.answer("no uuid", ApprovalStatus::Approved, "x").await;
    assert_eq!(refused, Err("ValidationException".to_owned()));
}

#[tokio::test]
async fn an_answer_to_something_else_is_refused() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    let put = |change: Value| {
        let mut input = json!({
            "pipelineName": "shop", "stageName": "Approval", "actionName": "Ask", "token": token,
            "result": { "status": "Approved", "summary": "yes" },
        });
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        refused(&bench, "PutApprovalResult", input)
    };
    insta::assert_snapshot!(put(json!({ "pipelineName": "other" })).await,
        @"PipelineNotFoundException: Account '000000000000' does not have a pipeline with name 'other'");
    insta::assert_snapshot!(put(json!({ "stageName": "Other" })).await,
        @"StageNotFoundException: Pipeline 'shop' does not have a stage with name 'Other'");
    insta::assert_snapshot!(put(json!({ "actionName": "Other" })).await,
        @"ActionNotFoundException: Stage 'Approval' of pipeline 'shop' does not have an action with name 'Other'");
    // The right token for another action.
    insta::assert_snapshot!(put(json!({ "stageName": "Source", "actionName": "Source" })).await,
        @"InvalidApprovalTokenException: The approval request already received a response or has expired.");
    insta::assert_snapshot!(put(json!({ "result": { "status": "Maybe" } })).await,
        @"ValidationException: 2 validation errors detected: Value 'Maybe' at 'result.status' failed to satisfy constraint: Member must satisfy enum value set: [Approved, Rejected]; Value null at 'result.summary' failed to satisfy constraint: Member must not be null");
    assert!(
        put(json!({ "result": { "status": "Approved", "summary": "x".repeat(513) } }))
            .await
            .ends_with("Member must have length less than or equal to 512")
    );
    // None of this was an answer.
    bench.approve(&token).await.unwrap();
}

#[tokio::test]
async fn pipelines_and_executions_that_are_not_there_are_told_apart() {
    let bench = Bench::with_pipeline().await;
    let id = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
    insta::assert_snapshot!(
        refused(&bench, "GetPipelineExecution", json!({ "pipelineName": "shop", "pipelineExecutionId": id })).await,
        @"PipelineExecutionNotFoundException: Execution with id '0c35520a-b7e6-403d-ba3f-e02120b524c3' does not exist in pipeline 'shop'");
    insta::assert_snapshot!(
        refused(&bench, "ListActionExecutions", json!({ "pipelineName": "shop", "nextToken": "x" })).await,
        @"InvalidNextTokenException: The next token is not valid");
    insta::assert_snapshot!(
        refused(&bench, "ListActionExecutions", json!({ "pipelineName": "shop", "maxResults": 101 })).await,
        @"ValidationException: 1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100");
    insta::assert_snapshot!(
        refused(&bench, "CreatePipeline", json!({ "pipeline": shop("SUPERSEDED") })).await,
        @"PipelineNameInUseException: A pipeline with the name 'shop' already exists in account '000000000000'");
    insta::assert_snapshot!(
        refused(&bench, "StartPipelineExecution", json!({ "name": "shop", "variables": [{ "name": "OTHER", "value": "1" }] })).await,
        @"ValidationException: Variable OTHER is not declared in pipeline shop");
    insta::assert_snapshot!(
        refused(&bench, "GetPipelineState", json!({ "name": "gone" })).await,
        @"PipelineNotFoundException: Account '000000000000' does not have a pipeline with name 'gone'");
    insta::assert_snapshot!(
        refused(&bench, "PutJobSuccessResult", json!({ "jobId": id })).await,
        @"JobNotFoundException: There is no job 0c35520a-b7e6-403d-ba3f-e02120b524c3");
    let unknown = refused(&bench, "RollbackStage", json!({})).await;
    assert!(unknown.starts_with("UnknownOperationException: RollbackStage is not served here"));
}
