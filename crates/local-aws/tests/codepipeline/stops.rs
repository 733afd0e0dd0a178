//! Stopping executions, with and without waiting for what they do.

use aws_sdk_codepipeline::error::ProvideErrorMetadata;
use aws_sdk_codepipeline::types::{ActionExecutionStatus, PipelineExecutionStatus};

use crate::bench::Bench;

async fn stop(bench: &Bench, execution: &str, abandon: bool) -> Result<(), String> {
    let stop = bench
        .client
        .stop_pipeline_execution()
        .pipeline_name("shop")
        .pipeline_execution_id(execution)
        .abandon(abandon)
        .reason("enough");
    let stopped = stop.send().await;
    stopped
        .map(drop)
        .map_err(|error| error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_abandoned_approval_takes_no_answer() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    stop(&bench, &execution, true).await.unwrap();
    assert_eq!(
        bench.status(&execution).await,
        PipelineExecutionStatus::Stopped
    );
    let run = bench.run(&execution, "Ask").await.unwrap();
    assert_eq!(run.status(), Some(&ActionExecutionStatus::Abandoned));
    let late = bench.approve(&token).await;
    assert_eq!(late, Err("InvalidApprovalTokenException".to_owned()));
    let again = stop(&bench, &execution, true).await;
    assert_eq!(
        again,
        Err("PipelineExecutionNotStoppableException".to_owned())
    );
    // The stage is free again.
    let next = bench.start().await;
    bench.token(&next).await;
}

#[tokio::test]
async fn a_stop_that_waits_lets_the_approval_end_and_nothing_follow() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    stop(&bench, &execution, false).await.unwrap();
    assert_eq!(
        bench.status(&execution).await,
        PipelineExecutionStatus::Stopping
    );
    let again = stop(&bench, &execution, false).await;
    assert_eq!(again, Err("DuplicatedStopRequestException".to_owned()));
    bench.approve(&token).await.unwrap();
    bench
        .until_status(&execution, PipelineExecutionStatus::Stopped)
        .await;
    assert!(bench.run(&execution, "Smoke").await.is_none());
}

#[tokio::test]
async fn an_execution_at_an_entrance_stops_at_once() {
    let bench = Bench::with_pipeline().await;
    let first = bench.start().await;
    let token = bench.token(&first).await;
    let second = bench.start().await;
    bench
        .until(|| async {
            let state = bench
                .client
                .get_pipeline_state()
                .name("shop")
                .send()
                .await
                .unwrap();
            state.stage_states()[1].inbound_execution().map(drop)
        })
        .await;
    stop(&bench, &second, false).await.unwrap();
    assert_eq!(
        bench.status(&second).await,
        PipelineExecutionStatus::Stopped
    );
    let state = bench
        .client
        .get_pipeline_state()
        .name("shop")
        .send()
        .await
        .unwrap();
    assert!(state.stage_states()[1].inbound_execution().is_none());
    bench.approve(&token).await.unwrap();
}
