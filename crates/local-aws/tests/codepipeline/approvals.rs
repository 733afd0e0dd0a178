//! One approval after the other: yes, no, too late, twice, and once more.

use aws_sdk_codepipeline::types::{
    ActionExecutionStatus, ApprovalStatus, PipelineExecutionStatus, StageRetryMode,
};
use serde_json::{Value, json};

use crate::bench::{Bench, answer_as, external_id};

const REVIEWER: &str = "arn:aws:iam::000000000000:user/release-manager";

async fn seed(bench: &Bench) {
    let set = json!({ "stack": "shop", "name": "release", "changes": [] });
    bench.control("/_local/change-sets", set).await;
}

#[tokio::test]
async fn the_message_is_the_one_aws_sends() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    let commit = bench.run(&execution, "Source").await.unwrap();
    let published = bench
        .until(|| async { bench.emulator.published().pop() })
        .await;
    assert_eq!(
        published["TopicArn"],
        "arn:aws:sns:us-east-1:000000000000:approvals"
    );
    assert_eq!(
        published["Subject"],
        "APPROVAL NEEDED: AWS CodePipeline shop for action Ask"
    );
    let mut message: Value = serde_json::from_str(&published["Message"]).unwrap();
    let expires = message["approval"]["expires"].take();
    let expires = expires.as_str().unwrap();
    // To the minute, without seconds.
    assert_eq!(expires.len(), "2022-08-30T11:09Z".len(), "{expires}");
    let text = message
        .to_string()
        .replace(&token, "TOKEN")
        .replace(&external_id(&commit), "COMMIT");
    let message: Value = serde_json::from_str(&text).unwrap();
    insta::assert_json_snapshot!(message, @r#"
    {
      "region": "us-east-1",
      "consoleLink": "https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/view?region=us-east-1",
      "approval": {
        "pipelineName": "shop",
        "stageName": "Approval",
        "actionName": "Ask",
        "token": "TOKEN",
        "expires": null,
        "externalEntityLink": null,
        "approvalReviewLink": "https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/view?region=us-east-1#/Approval/Ask/approve/TOKEN",
        "customData": "1.0.0 of COMMIT"
      }
    }
    "#);
    // Who subscribed by e-mail would have got it.
    let mail = bench.get("/_local/sinks?service=sns-email&wait=5").await;
    assert_eq!(mail["messages"][0]["body"]["to"], "lead@example.com");
    assert_eq!(
        mail["messages"][0]["body"]["message"],
        published["Message"].as_str()
    );
}

#[tokio::test]
async fn a_yes_lets_it_through_and_is_kept_with_its_author() {
    let bench = Bench::with_pipeline().await;
    seed(&bench).await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    bench.approve(&token).await.unwrap();
    bench
        .until_status(&execution, PipelineExecutionStatus::Succeeded)
        .await;
    let run = bench.run(&execution, "Ask").await.unwrap();
    assert_eq!(run.status(), Some(&ActionExecutionStatus::Succeeded));
    assert_eq!(run.updated_by(), Some(REVIEWER));
    let result = run.output().unwrap().execution_result().unwrap();
    assert_eq!(result.external_execution_summary(), Some("looks right"));
    let state = bench
        .client
        .get_pipeline_state()
        .name("shop")
        .send()
        .await
        .unwrap();
    let latest = state.stage_states()[1].action_states()[0]
        .latest_execution()
        .unwrap();
    assert_eq!(latest.summary(), Some("looks right"));
    assert_eq!(latest.last_updated_by(), Some(REVIEWER));
    assert_eq!(latest.token(), Some(token.as_str()));
}

#[tokio::test]
async fn a_no_fails_the_execution_and_is_kept_with_its_author() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    bench
        .answer(&token, ApprovalStatus::Rejected, "not on a Friday")
        .await
        .unwrap();
    bench
        .until_status(&execution, PipelineExecutionStatus::Failed)
        .await;
    let run = bench.run(&execution, "Ask").await.unwrap();
    assert_eq!(run.status(), Some(&ActionExecutionStatus::Failed));
    assert_eq!(run.updated_by(), Some(REVIEWER));
    let result = run.output().unwrap().execution_result().unwrap();
    assert_eq!(result.external_execution_summary(), Some("not on a Friday"));
    assert!(bench.run(&execution, "Smoke").await.is_none());
}

#[tokio::test]
async fn a_second_answer_is_refused_whatever_it_says() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    bench
        .answer(&token, ApprovalStatus::Rejected, "no")
        .await
        .unwrap();
    let again = bench.approve(&token).await;
    assert_eq!(again, Err("ApprovalAlreadyCompletedException".to_owned()));
    bench
        .until_status(&execution, PipelineExecutionStatus::Failed)
        .await;
    let again = bench.approve(&token).await;
    assert_eq!(again, Err("ApprovalAlreadyCompletedException".to_owned()));
}

#[tokio::test]
async fn of_two_answers_at_once_exactly_one_counts() {
    let bench = Bench::with_pipeline().await;
    seed(&bench).await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    let (one, other) = tokio::join!(
        answer_as(&bench.reviewer, &token, ApprovalStatus::Approved, "yes"),
        answer_as(&bench.client, &token, ApprovalStatus::Rejected, "no"),
    );
    assert_ne!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
    let (by, summary, end) = if one.is_ok() {
        (REVIEWER, "yes", PipelineExecutionStatus::Succeeded)
    } else {
        (
            "arn:aws:iam::000000000000:user/starter",
            "no",
            PipelineExecutionStatus::Failed,
        )
    };
    bench.until_status(&execution, end).await;
    let run = bench.run(&execution, "Ask").await.unwrap();
    assert_eq!(run.updated_by(), Some(by));
    let result = run.output().unwrap().execution_result().unwrap();
    assert_eq!(result.external_execution_summary(), Some(summary));
}

#[tokio::test]
async fn nobody_answering_in_time_is_a_failure_without_an_author() {
    let bench = Bench::with_pipeline().await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    bench.advance(59 * 60).await;
    assert_eq!(
        bench.status(&execution).await,
        PipelineExecutionStatus::InProgress
    );
    bench.advance(61).await;
    bench
        .until_status(&execution, PipelineExecutionStatus::Failed)
        .await;
    let run = bench.run(&execution, "Ask").await.unwrap();
    assert_eq!(run.status(), Some(&ActionExecutionStatus::Failed));
    assert_eq!(run.updated_by(), None);
    let late = bench.approve(&token).await;
    assert_eq!(late, Err("InvalidApprovalTokenException".to_owned()));
}

#[tokio::test]
async fn a_retry_asks_again_with_another_token() {
    let bench = Bench::with_pipeline().await;
    seed(&bench).await;
    let execution = bench.start().await;
    let old = bench.token(&execution).await;
    bench
        .answer(&old, ApprovalStatus::Rejected, "later")
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
        .retry_mode(StageRetryMode::FailedActions);
    retry.send().await.unwrap();
    let new = bench.token(&execution).await;
    assert_ne!(old, new);
    let with_old = bench.approve(&old).await;
    assert_eq!(
        with_old,
        Err("ApprovalAlreadyCompletedException".to_owned())
    );
    bench.approve(&new).await.unwrap();
    bench
        .until_status(&execution, PipelineExecutionStatus::Succeeded)
        .await;
    let asked = bench.runs(&execution).await;
    let asked = asked.iter().filter(|run| run.action_name() == Some("Ask"));
    assert_eq!(asked.count(), 2);
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_deed() {
    let bench = Bench::with_pipeline().await;
    seed(&bench).await;
    let fault = json!({
        "service": "codepipeline", "operation": "PutApprovalResult", "status": 0, "times": 1,
        "after": true,
    });
    bench.control("/_local/faults", fault).await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    assert_eq!(
        bench.approve(&token).await,
        Err("none".to_owned()),
        "the answer is lost"
    );
    bench
        .until_status(&execution, PipelineExecutionStatus::Succeeded)
        .await;
    let again = bench.approve(&token).await;
    assert_eq!(again, Err("ApprovalAlreadyCompletedException".to_owned()));
}

#[tokio::test]
async fn a_topic_that_cannot_be_published_to_fails_the_action() {
    let bench = Bench::with_pipeline().await;
    bench.emulator.close_topics();
    let execution = bench.start().await;
    bench
        .until_status(&execution, PipelineExecutionStatus::Failed)
        .await;
    let run = bench.run(&execution, "Ask").await.unwrap();
    let result = run.output().unwrap().execution_result().unwrap();
    let error = result.error_details().unwrap();
    assert_eq!(error.code(), Some("ConfigurationError"));
    assert!(
        error
            .message()
            .unwrap()
            .contains("AuthorizationError: not you"),
        "{error:?}"
    );
}
