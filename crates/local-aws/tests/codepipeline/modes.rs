//! How executions of one pipeline stand to each other.

use aws_sdk_codepipeline::types::{PipelineExecutionStatus, StageTransitionType};
use serde_json::json;

use crate::bench::{Bench, external_id, shop};

async fn with_mode(mode: &str) -> Bench {
    let bench = Bench::new().await;
    bench.create(shop(mode)).await;
    let set = json!({ "stack": "shop", "name": "release", "changes": [] });
    bench.control("/_local/change-sets", set).await;
    bench
}

/// Waits until exactly these executions wait at the entrance of the approval's stage.
async fn until_waiting(bench: &Bench, wanted: &[&str]) {
    bench
        .until(|| async {
            let state = bench
                .client
                .get_pipeline_state()
                .name("shop")
                .send()
                .await
                .unwrap();
            let waiting: Vec<String> = state.stage_states()[1]
                .inbound_executions()
                .iter()
                .map(|inbound| inbound.pipeline_execution_id().to_owned())
                .collect();
            (waiting == wanted).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_newer_execution_supersedes_the_one_that_waits_and_not_the_one_that_asks() {
    let bench = with_mode("SUPERSEDED").await;
    let first = bench.start().await;
    let token = bench.token(&first).await;
    let second = bench.start().await;
    until_waiting(&bench, &[&second]).await;
    let third = bench.start().await;
    bench
        .until_status(&second, PipelineExecutionStatus::Superseded)
        .await;
    until_waiting(&bench, &[&third]).await;
    assert_eq!(
        bench.status(&first).await,
        PipelineExecutionStatus::InProgress
    );
    let state = bench
        .client
        .get_pipeline_state()
        .name("shop")
        .send()
        .await
        .unwrap();
    let inside = state.stage_states()[1].latest_execution().unwrap();
    assert_eq!(inside.pipeline_execution_id(), first);
    bench.approve(&token).await.unwrap();
    bench
        .until_status(&first, PipelineExecutionStatus::Succeeded)
        .await;
    // Now the newest is asked for; the superseded one never is.
    let token = bench.token(&third).await;
    bench.approve(&token).await.unwrap();
    bench
        .until_status(&third, PipelineExecutionStatus::Succeeded)
        .await;
    assert!(bench.run(&second, "Ask").await.is_none());
}

#[tokio::test]
async fn in_a_queue_every_execution_has_its_turn() {
    let bench = with_mode("QUEUED").await;
    let mut executions = Vec::new();
    for n in 0..3 {
        executions.push(bench.start().await);
        if n == 0 {
            bench.token(&executions[0]).await;
        }
        let waiting: Vec<&str> = executions[1..].iter().map(String::as_str).collect();
        until_waiting(&bench, &waiting).await;
    }
    for execution in &executions {
        let token = bench.token(execution).await;
        bench.approve(&token).await.unwrap();
        bench
            .until_status(execution, PipelineExecutionStatus::Succeeded)
            .await;
    }
}

#[tokio::test]
async fn in_parallel_each_is_asked_for_alone_and_the_state_shows_no_token() {
    let bench = with_mode("PARALLEL").await;
    let (first, second) = (bench.start().await, bench.start().await);
    let (one, two) = (bench.token(&first).await, bench.token(&second).await);
    assert_ne!(one, two);
    let state = bench
        .client
        .get_pipeline_state()
        .name("shop")
        .send()
        .await
        .unwrap();
    for stage in state.stage_states() {
        assert!(stage.latest_execution().is_none(), "{stage:?}");
        for action in stage.action_states() {
            assert!(action.latest_execution().is_none(), "{action:?}");
        }
    }
    bench.approve(&two).await.unwrap();
    bench
        .until_status(&second, PipelineExecutionStatus::Succeeded)
        .await;
    assert_eq!(
        bench.status(&first).await,
        PipelineExecutionStatus::InProgress
    );
    let asked = bench.run(&first, "Ask").await.unwrap();
    assert_eq!(external_id(&asked), one);
    bench.approve(&one).await.unwrap();
    bench
        .until_status(&first, PipelineExecutionStatus::Succeeded)
        .await;
}

#[tokio::test]
async fn a_failed_stage_is_free_for_the_next_and_cannot_be_retried_then() {
    let bench = with_mode("SUPERSEDED").await;
    let first = bench.start().await;
    let token = bench.token(&first).await;
    let second = bench.start().await;
    until_waiting(&bench, &[&second]).await;
    let rejected = aws_sdk_codepipeline::types::ApprovalStatus::Rejected;
    bench.answer(&token, rejected, "no").await.unwrap();
    bench
        .until_status(&first, PipelineExecutionStatus::Failed)
        .await;
    bench.token(&second).await;
    let input = json!({
        "pipelineName": "shop", "stageName": "Approval", "pipelineExecutionId": first,
        "retryMode": "FAILED_ACTIONS",
    });
    let (_, refused) = bench
        .raw("CodePipeline_20150709.RetryStageExecution", input)
        .await;
    assert_eq!(refused["__type"], "NotLatestPipelineExecutionException");
}

#[tokio::test]
async fn a_closed_transition_holds_executions_back() {
    let bench = with_mode("SUPERSEDED").await;
    let close = bench
        .client
        .disable_stage_transition()
        .pipeline_name("shop")
        .stage_name("Approval")
        .transition_type(StageTransitionType::Inbound)
        .reason("frozen");
    close.send().await.unwrap();
    let execution = bench.start().await;
    until_waiting(&bench, &[&execution]).await;
    let state = bench
        .client
        .get_pipeline_state()
        .name("shop")
        .send()
        .await
        .unwrap();
    let transition = state.stage_states()[1].inbound_transition_state().unwrap();
    assert!(!transition.enabled());
    assert_eq!(transition.disabled_reason(), Some("frozen"));
    assert_eq!(
        transition.last_changed_by(),
        Some("arn:aws:iam::000000000000:user/starter")
    );
    let open = bench
        .client
        .enable_stage_transition()
        .pipeline_name("shop")
        .stage_name("Approval")
        .transition_type(StageTransitionType::Inbound);
    open.send().await.unwrap();
    bench.token(&execution).await;
}
