//! What people read of what became of an approval, word for word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use approvals::{
    ActionState, CodeDeployDeployment, DeploymentStatus, ExecutionOutcome, ExecutionStatus,
    FailedAction, Status,
};
use channels::{NoticeLength, NoticeReason, Payload, Surface, Texts, render, render_as};
use contacts::Language;
use insta::assert_snapshot;
use support::{at, case, english, message, notice, top};

#[test]
fn a_decided_message_has_no_buttons_and_says_who() {
    let case = case();
    let action_state = ActionState {
        status: Status::Approved,
        by: Some("arn:aws:sts::111122223333:assumed-role/decision/session".into()),
        summary: None,
        at: Some(at("2026-03-02T09:30:00Z")),
    };
    let decided = NoticeReason::Decided {
        action_state: &action_state,
        who: Some("Release <Manager>"),
        comment: Some("Looks\ngood"),
    };
    let mut message = message(&case, decided);
    notice(&mut message).waiting = false;
    let whole = render_as(&message, NoticeLength::Whole, Surface::Slack, &english());
    let all = whole.shown();
    assert_snapshot!(top(&all, 6), @r#"
    # shop-release: Production was approved

    *✓ Approved by Release &lt;Manager&gt;, at 2026-03-02 09:30 UTC*
    They said: “Looks good”
    Version: `1.9.3 → 2.4.0` 🔴 *MAJOR: may break whoever uses it*
    Started by release-manager (StartPipelineExecution)
    "#);
    assert!(all.contains("OldOrders") && !all.contains("[Approve]") && !all.contains("[ Comment"));
    let note = render(&message, Surface::Slack, &english());
    assert_snapshot!(note.shown(), @r#"
    # shop-release: Production was approved

    *✓ Approved by Release &lt;Manager&gt;, at 2026-03-02 09:30 UTC*
    They said: “Looks good”

    <https://decide.example.com/d/view.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|See everything>
    <https://shop.example.com/releases/v2.4.0|Link given in the pipeline>
    <https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1|The pipeline in the AWS console>
    "#);
}

#[test]
fn each_end_of_an_approval_has_its_words() {
    let case = case();
    let told = |status, by: Option<&str>, language| {
        let action_state = ActionState {
            status,
            by: by.map(str::to_owned),
            summary: None,
            at: None,
        };
        let occasion = NoticeReason::Decided {
            action_state: &action_state,
            who: None,
            comment: None,
        };
        let Payload::SnsMail { subject, text } = render(
            &message(&case, occasion),
            Surface::SnsMail,
            &Texts::of(language),
        ) else {
            panic!()
        };
        format!("{subject} | {}", text.lines().nth(1).unwrap())
    };
    let console = Some("arn:aws:iam::111122223333:user/lead");
    let english = |status, by| told(status, by, Language::English);
    let all = [
        english(Status::Rejected, console),
        english(Status::Approved, None),
        english(Status::Expired, None),
        english(Status::Superseded, None),
        english(Status::Stopped, None),
        english(Status::Waiting, None),
        told(Status::Rejected, console, Language::Chinese),
        told(Status::Expired, None, Language::Chinese),
    ];
    assert_snapshot!(all.join("\n"), @r#"
    shop-release: Production was rejected | ✗ Rejected by lead, directly in CodePipeline
    shop-release: Production was approved | ✓ Approved
    shop-release: Production expired without a decision | • Nobody decided in time; the pipeline has stopped waiting
    shop-release: Production was superseded | • A newer execution took its place; there is nothing left to decide
    shop-release: Production was stopped | • The execution was stopped; there is nothing left to decide
    shop-release: Production still waits | • It still waits for a decision
    shop-release: Production was rejected | ✗ lead（直接在 CodePipeline 中） 已拒绝
    shop-release: Production expired without a decision | • 无人及时审批，流水线已停止等待
    "#);
}

#[test]
fn the_outcome_tells_of_a_rollback() {
    let case = case();
    let mut gate = case.briefing.gates[0].clone();
    gate.passed = false;
    gate.stage = "post-traffic".into();
    gate.reasons = vec!["5 of 12 rounds failed: POST /api/checkout answered 500".into()];
    let outcome = ExecutionOutcome {
        status: ExecutionStatus::Failed,
        deployments: vec![CodeDeployDeployment {
            application: "shop".into(),
            group: "shop-production".into(),
            deployment: "d-EXAMPLE11".into(),
            status: DeploymentStatus::Failed,
            rolled_back: Some("d-EXAMPLE12".into()),
            error: Some("The lifecycle event AfterAllowTraffic failed".into()),
            gates: vec![gate],
        }],
        failed_action: Some(FailedAction {
            stage: "Production".into(),
            action: "Deploy".into(),
            message: Some("Deployment d-EXAMPLE11 failed".into()),
            link: Some("https://console.aws.amazon.com/codedeploy".into()),
        }),
        gaps: Vec::new(),
    };
    let payload = render(
        &message(&case, NoticeReason::Outcome(&outcome)),
        Surface::Slack,
        &english(),
    );
    assert_snapshot!(payload.shown(), @r#"
    # shop-release: the release was rolled back

    The execution failed.
    🔴 *The action Deploy in the stage Production failed: Deployment d-EXAMPLE11 failed* · <https://console.aws.amazon.com/codedeploy|Open the link>

    *Deployments*
    • shop/shop-production: d-EXAMPLE11 FAILED, 🔴 *rolled back by d-EXAMPLE12*: The lifecycle event AfterAllowTraffic failed

    *Gates*
    • 🔴 *✗ The post-traffic gate of shop FAILED (d-EXAMPLE11)* · <https://console.aws.amazon.com/s3/object/shop-reports?region=eu-central-1&amp;prefix=pre-traffic%2Fd-EXAMPLE11.html|report>
    • — 5 of 12 rounds failed: POST /api/checkout answered 500

    <https://decide.example.com/d/view.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|See everything>
    <https://shop.example.com/releases/v2.4.0|Link given in the pipeline>
    <https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1|The pipeline in the AWS console>
    "#);
    let succeeded = ExecutionOutcome {
        status: ExecutionStatus::Succeeded,
        deployments: Vec::new(),
        failed_action: None,
        gaps: Vec::new(),
    };
    let payload = render(
        &message(&case, NoticeReason::Outcome(&succeeded)),
        Surface::Teams,
        &english(),
    );
    assert_snapshot!(payload.shown(), @r#"
    shop-release: the release succeeded
    The execution succeeded.

    [See everything] [Link given in the pipeline] [The pipeline in the AWS console]
    "#);
}
