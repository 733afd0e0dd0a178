//! What `CodePipeline` is asked, and what is made of its answers: open waits, their truth, and the answer.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unreachable_pub, reason = "a test has no outside")]

mod fake;
mod waits;

use approvals::pipeline::{
    Answer, PipelineError, PutError, Reply, action_state, find_by_token, open_approval, put_result,
};
use approvals::{ActionState, ApprovalAction, Status, Token};
use fake::{Fake, World, answered, approval, stages};
use serde_json::{Value, json};

const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
const OLD: &str = "11111111-b7e6-403d-ba3f-e02120b524c3";

fn action() -> ApprovalAction {
    ApprovalAction {
        account: "111122223333".into(),
        region: "eu-central-1".into(),
        pipeline: "shop".into(),
        stage: "Production".into(),
        action: "Approve".into(),
    }
}

fn waiting_state(token: &str) -> Value {
    json!({"status": "InProgress", "token": token, "lastStatusChange": 1_772_000_000})
}

async fn truth_in(world: World) -> Result<ActionState, PipelineError> {
    let fake = Fake::start(world).await;
    action_state(&fake.aws, &action(), "e-1").await
}

/// The truth of an approval that has no other trace than this.
async fn status_of(action: Value, execution: &'static str) -> Result<Status, PipelineError> {
    let world = World {
        actions: vec![action],
        execution,
        stages: json!([]),
        ..World::default()
    };
    truth_in(world)
        .await
        .map(|action_state| action_state.status)
}

#[tokio::test]
async fn an_open_wait_is_read_from_the_state() {
    let fake = Fake::start(World {
        stages: stages("e-1", &waiting_state(TOKEN)),
        ..World::default()
    })
    .await;
    for execution in [None, Some("e-1")] {
        let open = open_approval(&fake.aws, &action(), execution).await;
        let open = open.unwrap().unwrap();
        assert_eq!(open.token, Token::new(TOKEN));
        assert_eq!(
            (open.execution_id.as_str(), open.status),
            ("e-1", Status::Waiting)
        );
        assert!(open.asked_at.is_some());
        assert!(!format!("{open:?}").contains(TOKEN));
    }
    assert_eq!(fake.calls(), ["GetPipelineState"; 2]);
    let found = find_by_token(&fake.aws, &action(), &Token::new(TOKEN)).await;
    assert_eq!(found.unwrap().as_deref(), Some("e-1"));
}

#[tokio::test]
async fn nothing_open_is_none() {
    let over = json!({"status": "Succeeded", "token": "", "lastUpdatedBy": "arn:user"});
    for stages in [stages("e-1", &over), json!([]), Value::Null] {
        let fake = Fake::start(World {
            stages,
            actions: vec![approval("e-1", TOKEN, "Succeeded", 100)],
            ..World::default()
        })
        .await;
        let open = open_approval(&fake.aws, &action(), Some("e-1")).await;
        assert_eq!(open, Ok(None));
        let open = open_approval(&fake.aws, &action(), None).await;
        assert_eq!(open, Ok(None));
        let found = find_by_token(&fake.aws, &action(), &Token::new("other")).await;
        assert_eq!(found, Ok(None));
    }
}

#[tokio::test]
async fn in_parallel_mode_waits_are_found_among_the_action_executions() {
    let mut other_action = approval("e-9", "other", "InProgress", 500);
    other_action["actionName"] = json!("Other");
    let mut build = approval("e-9", "build:1", "InProgress", 500);
    build["input"]["actionTypeId"]["category"] = json!("Build");
    let fake = Fake::start(World {
        stages: json!([{"stageName": "Production", "actionStates": [{"actionName": "Approve"}]}]),
        actions: vec![
            other_action,
            build,
            approval("e-2", TOKEN, "InProgress", 300),
            approval("e-1", "second", "InProgress", 200),
            approval("e-1", OLD, "Failed", 100),
        ],
        page: 2,
        ..World::default()
    })
    .await;
    let open = open_approval(&fake.aws, &action(), Some("e-1")).await;
    let open = open.unwrap().unwrap();
    assert_eq!(
        (open.token, open.execution_id),
        (Token::new("second"), "e-1".into())
    );

    let error = open_approval(&fake.aws, &action(), None).await.unwrap_err();
    insta::assert_snapshot!(error, @"2 executions wait at shop/Production/Approve, as its pipeline runs them in parallel; say which execution is meant, or decide in the console");

    for (token, execution) in [(TOKEN, Some("e-2")), (OLD, Some("e-1")), ("none", None)] {
        let found = find_by_token(&fake.aws, &action(), &Token::new(token)).await;
        assert_eq!(found.unwrap().as_deref(), execution, "{token}");
    }
}

#[tokio::test]
async fn a_single_wait_of_a_parallel_pipeline_needs_no_execution() {
    let fake = Fake::start(World {
        actions: vec![approval("e-1", TOKEN, "InProgress", 200)],
        ..World::default()
    })
    .await;
    let open = open_approval(&fake.aws, &action(), None).await;
    assert_eq!(open.unwrap().unwrap().token, Token::new(TOKEN));
}

#[tokio::test]
async fn another_execution_in_the_stage_is_not_ours() {
    let fake = Fake::start(World {
        stages: stages("e-2", &waiting_state(TOKEN)),
        actions: vec![approval("e-2", TOKEN, "InProgress", 200)],
        ..World::default()
    })
    .await;
    let open = open_approval(&fake.aws, &action(), Some("e-1")).await;
    assert_eq!(open, Ok(None));
}

#[tokio::test]
async fn the_truth_names_who_and_why() {
    let person = "arn:aws:sts::111122223333:assumed-role/Approver/U0123";
    let yes = answered(approval("e-1", TOKEN, "Succeeded", 100), person, "go");
    let world = World {
        actions: vec![yes],
        execution: "InProgress",
        ..World::default()
    };
    let fake = Fake::start(world).await;
    let found = action_state(&fake.aws, &action(), "e-1").await.unwrap();
    insta::assert_json_snapshot!(found, @r#"
    {
      "status": "approved",
      "by": "arn:aws:sts::111122223333:assumed-role/Approver/U0123",
      "summary": "go",
      "at": "1970-01-01T00:02:40Z"
    }
    "#);
    let mut calls = fake.calls();
    calls.sort();
    assert_eq!(calls, ["GetPipelineExecution", "ListActionExecutions"]);
}

#[tokio::test]
async fn the_state_names_the_person_where_the_history_does_not() {
    let latest = json!({"status": "Failed", "actionExecutionId": "a-100", "summary": "not today",
        "lastUpdatedBy": "arn:aws:iam::111122223333:user/lead"});
    let world = |latest: &Value| World {
        stages: stages("e-1", latest),
        actions: vec![approval("e-1", TOKEN, "Failed", 100)],
        execution: "Failed",
        ..World::default()
    };
    let rejected = truth_in(world(&latest)).await.unwrap();
    assert_eq!(rejected.status, Status::Rejected);
    assert_eq!(rejected.summary.as_deref(), Some("not today"));

    // The stage has been asked anew since: its person has not answered this wait.
    let mut retried = latest.clone();
    retried["actionExecutionId"] = json!("a-200");
    assert_eq!(
        truth_in(world(&retried)).await.unwrap().status,
        Status::Expired
    );
}

#[tokio::test]
async fn expiry_has_no_person_and_a_rejection_has() {
    let no = approval("e-1", TOKEN, "Failed", 100);
    assert_eq!(status_of(no.clone(), "Failed").await, Ok(Status::Expired));
    let no = answered(no, "arn:user", "");
    assert_eq!(status_of(no, "Failed").await, Ok(Status::Rejected));
}

#[tokio::test]
async fn a_rejection_without_a_name_is_not_guessed_if_the_state_is_silent() {
    let world = World {
        actions: vec![approval("e-1", TOKEN, "Failed", 100)],
        execution: "Failed",
        faults: vec![(
            "GetPipelineState",
            9,
            400,
            "AccessDeniedException",
            "not you".into(),
        )],
        ..World::default()
    };
    let error = truth_in(world).await.unwrap_err();
    assert!(!error.is_transient());
    insta::assert_snapshot!(error, @"the state of pipeline shop could not be read: AccessDeniedException: not you; the function's role needs codepipeline:GetPipelineState");
}

#[tokio::test]
async fn the_end_of_an_execution_ends_its_wait() {
    for (action, execution, expected) in [
        ("InProgress", "InProgress", Status::Waiting),
        ("InProgress", "Superseded", Status::Superseded),
        ("InProgress", "Stopping", Status::Stopped),
        ("InProgress", "Cancelled", Status::Stopped),
        ("Abandoned", "Stopped", Status::Stopped),
        ("Abandoned", "InProgress", Status::Stopped),
        ("Failed", "Stopped", Status::Stopped),
        ("Succeeded", "Stopped", Status::Approved),
        ("Succeeded", "SomethingNew", Status::Approved),
        ("SomethingNew", "Superseded", Status::Superseded),
    ] {
        let found = status_of(approval("e-1", TOKEN, action, 100), execution).await;
        assert_eq!(found, Ok(expected), "{action} in {execution}");
    }
}

#[tokio::test]
async fn a_word_that_is_not_known_is_never_an_answer() {
    let new = approval("e-1", TOKEN, "Postponed", 100);
    let error = status_of(new, "InProgress").await.unwrap_err();
    insta::assert_snapshot!(error, @r#"the approval shop/Production/Approve stands at "Postponed", which this version does not know; look at it in the console"#);
}

#[tokio::test]
async fn an_approval_without_a_trace_is_waiting_superseded_or_an_error() {
    let world = |execution, stages| World {
        stages,
        execution,
        ..World::default()
    };
    let just_begun = world("InProgress", stages("e-1", &waiting_state(TOKEN)));
    assert_eq!(truth_in(just_begun).await.unwrap().status, Status::Waiting);
    let superseded = world("Superseded", json!([]));
    assert_eq!(
        truth_in(superseded).await.unwrap().status,
        Status::Superseded
    );
    let error = truth_in(world("InProgress", json!([]))).await.unwrap_err();
    insta::assert_snapshot!(error, @"execution e-1 of pipeline shop has no action Production/Approve; was the pipeline changed since? Look at the execution in the console");
}

#[tokio::test]
async fn throttling_is_waited_out_and_then_told() {
    let fault = |times| {
        let code = "ThrottlingException";
        let message = "Rate exceeded".to_owned();
        vec![("GetPipelineState", times, 400, code, message)]
    };
    let world = |times| World {
        stages: stages("e-1", &waiting_state(TOKEN)),
        faults: fault(times),
        ..World::default()
    };
    let fake = Fake::start(world(1)).await;
    assert!(
        open_approval(&fake.aws, &action(), None)
            .await
            .unwrap()
            .is_some()
    );
    let fake = Fake::start(world(99)).await;
    let error = open_approval(&fake.aws, &action(), None).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_history_without_an_end_is_an_error_and_a_whole_pipelines_is_left_off() {
    let many: Vec<Value> = (0..40)
        .map(|n| approval("e-1", OLD, "Failed", 100 + n))
        .collect();
    let fake = Fake::start(World {
        actions: many,
        execution: "InProgress",
        page: 1,
        ..World::default()
    })
    .await;
    let error = action_state(&fake.aws, &action(), "e-1").await.unwrap_err();
    insta::assert_snapshot!(error, @"the action executions of pipeline shop fill more than 20 pages; look at them in the console");
    let found = find_by_token(&fake.aws, &action(), &Token::new(TOKEN)).await;
    assert_eq!(found, Ok(None));
}

async fn put(world: World, token: &str, reply: Reply<'_>) -> (Fake, Result<bool, PutError>) {
    let fake = Fake::start(world).await;
    let done = put_result(&fake.aws, &action(), &Token::new(token), reply).await;
    (fake, done.map(|at| at.is_some()))
}

const YES: Reply<'_> = Reply {
    answer: Answer::Approve,
    summary: "Approved by release manager",
};

#[tokio::test]
async fn an_answer_is_sent_as_aws_wants_it() {
    let (fake, done) = put(World::default(), TOKEN, YES).await;
    assert_eq!(done, Ok(true));
    insta::assert_json_snapshot!(fake.sent("PutApprovalResult")[0], @r#"
    {
      "pipelineName": "shop",
      "stageName": "Production",
      "actionName": "Approve",
      "result": {
        "summary": "Approved by release manager",
        "status": "Approved"
      },
      "token": "0c35520a-b7e6-403d-ba3f-e02120b524c3"
    }
    "#);
    let long = "ü".repeat(600);
    for (summary, sent) in [(long.as_str(), &long[..1024]), (" \n", "Rejected")] {
        let reply = Reply {
            answer: Answer::Reject,
            summary,
        };
        let (fake, done) = put(World::default(), TOKEN, reply).await;
        assert_eq!(done, Ok(true));
        let result = &fake.sent("PutApprovalResult")[0]["result"];
        assert_eq!(result, &json!({"status": "Rejected", "summary": sent}));
    }
}

#[tokio::test]
async fn each_refusal_says_what_to_do_and_none_repeats_the_token() {
    let message = format!("Value '{TOKEN}' at 'token' is wrong");
    let mut told = Vec::new();
    for (status, code) in [
        (400, "InvalidApprovalTokenException"),
        (400, "ApprovalAlreadyCompletedException"),
        (400, "PipelineNotFoundException"),
        (400, "StageNotFoundException"),
        (400, "ActionNotFoundException"),
        (400, "ValidationException"),
        (400, "AccessDeniedException"),
        (400, "ThrottlingException"),
        (500, "InternalFailure"),
    ] {
        let world = World {
            faults: vec![("PutApprovalResult", 9, status, code, message.clone())],
            ..World::default()
        };
        let (_fake, done) = put(world, TOKEN, YES).await;
        let error = done.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
        told.push(error.to_string());
    }
    insta::assert_snapshot!(told.join("\n"), @"
    CodePipeline no longer takes this answer: the approval was answered, has expired or was asked anew; read its state
    the approval was answered already; read its state
    pipeline shop does not exist any more; was the pipeline changed since?
    stage Production of pipeline shop does not exist any more; was the pipeline changed since?
    action shop/Production/Approve does not exist any more; was the pipeline changed since?
    CodePipeline refused the answer: ValidationException: Value '***' at 'token' is wrong; the function's role needs codepipeline:PutApprovalResult on PIPELINE_ARN/STAGE/ACTION
    CodePipeline refused the answer: AccessDeniedException: Value '***' at 'token' is wrong; the function's role needs codepipeline:PutApprovalResult on PIPELINE_ARN/STAGE/ACTION
    CodePipeline was too busy for the answer: ThrottlingException: Value '***' at 'token' is wrong; try again in a minute
    whether CodePipeline has taken the answer is not known: InternalFailure: Value '***' at 'token' is wrong; read the approval's state before anything else
    ");
}
