//! Lists: newest first, page by page, and filtered.

use aws_sdk_codepipeline::types::{
    ApprovalStatus, LatestInPipelineExecutionFilter, PipelineExecutionFilter,
    PipelineExecutionStatus, StageRetryMode, SucceededInStageFilter,
};
use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn pages_hold_every_run_once_and_the_newest_first() {
    let bench = Bench::with_pipeline().await;
    for _ in 0..3 {
        let execution = bench.start().await;
        let token = bench.token(&execution).await;
        bench
            .answer(&token, ApprovalStatus::Rejected, "no")
            .await
            .unwrap();
        bench
            .until_status(&execution, PipelineExecutionStatus::Failed)
            .await;
    }
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let list = bench
            .client
            .list_action_executions()
            .pipeline_name("shop")
            .max_results(4);
        let page = list.set_next_token(token).send().await.unwrap();
        assert!(page.action_execution_details().len() <= 4);
        seen.extend(page.action_execution_details.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let names: Vec<_> = seen.iter().map(|run| run.action_name().unwrap()).collect();
    assert_eq!(names, ["Ask", "Source", "Ask", "Source", "Ask", "Source"]);
    let mut ids: Vec<_> = seen
        .iter()
        .map(|run| run.action_execution_id().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn executions_that_succeeded_in_a_stage_are_found() {
    let bench = Bench::with_pipeline().await;
    let set = json!({ "stack": "shop", "name": "release", "changes": [] });
    bench.control("/_local/change-sets", set).await;
    let mut executions = Vec::new();
    for answer in [ApprovalStatus::Approved, ApprovalStatus::Rejected] {
        let execution = bench.start().await;
        let token = bench.token(&execution).await;
        bench.answer(&token, answer.clone(), "x").await.unwrap();
        let end = if answer == ApprovalStatus::Approved {
            PipelineExecutionStatus::Succeeded
        } else {
            PipelineExecutionStatus::Failed
        };
        bench.until_status(&execution, end).await;
        executions.push(execution);
    }
    let found = async |stage: &str| -> Vec<String> {
        let stage = SucceededInStageFilter::builder().stage_name(stage).build();
        let filter = PipelineExecutionFilter::builder()
            .succeeded_in_stage(stage)
            .build();
        let list = bench
            .client
            .list_pipeline_executions()
            .pipeline_name("shop")
            .filter(filter);
        let list = list
            .send()
            .await
            .unwrap()
            .pipeline_execution_summaries
            .unwrap();
        list.into_iter()
            .map(|summary| summary.pipeline_execution_id.unwrap())
            .collect()
    };
    assert_eq!(found("Deploy").await, [executions[0].clone()]);
    assert_eq!(
        found("Source").await,
        [executions[1].clone(), executions[0].clone()]
    );
}

#[tokio::test]
async fn only_the_latest_run_of_a_retried_action_is_shown_to_who_asks_so() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    bench
        .answer(&token, ApprovalStatus::Rejected, "no")
        .await
        .unwrap();
    bench
        .until_status(&execution, PipelineExecutionStatus::Failed)
        .await;
    let retry = bench
        .client
        .retry_stage_execution()
        .pipeline_name("shop")
        .stage_name("Approval")
        .pipeline_execution_id(&execution)
        .retry_mode(StageRetryMode::AllActions);
    retry.send().await.unwrap();
    let token = bench.token(&execution).await;
    let latest = LatestInPipelineExecutionFilter::builder()
        .pipeline_execution_id(&execution)
        .start_time_range(aws_sdk_codepipeline::types::StartTimeRange::Latest)
        .build()
        .unwrap();
    let filter = aws_sdk_codepipeline::types::ActionExecutionFilter::builder()
        .latest_in_pipeline_execution(latest)
        .build();
    let list = bench
        .client
        .list_action_executions()
        .pipeline_name("shop")
        .filter(filter);
    let runs = list.send().await.unwrap().action_execution_details.unwrap();
    let names: Vec<_> = runs.iter().map(|run| run.action_name().unwrap()).collect();
    assert_eq!(names, ["Ask", "Source"]);
    assert_eq!(crate::bench::external_id(&runs[0]), token);
}

#[tokio::test]
async fn an_execution_tells_where_it_comes_from() {
    let bench = Bench::with_pipeline().await;
    let commit = bench.commit("Fix <b>rounding</b> & \"tax\"").await;
    let variable = aws_sdk_codepipeline::types::PipelineVariable::builder()
        .name("VERSION")
        .value("2.0.0")
        .build()
        .unwrap();
    let started = bench
        .client
        .start_pipeline_execution()
        .name("shop")
        .variables(variable);
    let execution = started.send().await.unwrap().pipeline_execution_id.unwrap();
    bench.token(&execution).await;
    let shown = bench
        .client
        .get_pipeline_execution()
        .pipeline_name("shop")
        .pipeline_execution_id(&execution)
        .send()
        .await
        .unwrap()
        .pipeline_execution
        .unwrap();
    assert_eq!(shown.variables()[0].resolved_value(), Some("2.0.0"));
    let trigger = shown.trigger().unwrap();
    assert_eq!(
        trigger.trigger_type().unwrap().as_str(),
        "StartPipelineExecution"
    );
    assert_eq!(
        trigger.trigger_detail(),
        Some("arn:aws:iam::000000000000:user/starter")
    );
    let revision = &shown.artifact_revisions()[0];
    assert_eq!(revision.name(), Some("source"));
    assert_eq!(revision.revision_id(), Some(commit.as_str()));
    assert_eq!(
        revision.revision_summary(),
        Some(r#"{"ProviderType":"GitHub","CommitMessage":"Fix <b>rounding</b> & \"tax\""}"#)
    );
    let url = revision.revision_url().unwrap();
    assert!(url.ends_with(&format!("&Commit={commit}")), "{url}");
    let source = bench.run(&execution, "Source").await.unwrap();
    let variables = source.output().unwrap().output_variables().unwrap();
    assert_eq!(variables["FullRepositoryName"], "example/shop");
    assert_eq!(variables["AuthorDisplayName"], "Release Manager");
    assert_eq!(variables["CommitId"], commit);
}
