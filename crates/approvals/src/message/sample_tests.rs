//! Every sample event of `events/approval-*.json`, and what is made of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Incoming, incoming};

pub(super) fn sample(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn one(name: &str) -> Incoming {
    let mut found = incoming(&sample(name));
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0)
}

#[test]
fn every_sample_is_of_the_shape_that_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let kinds: BTreeMap<String, &str> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("approval-"))
        .map(|name| {
            let kind = match one(&name) {
                Incoming::Approval(_) => "approval",
                Incoming::Waiting(_) => "waiting",
                Incoming::ActionChanged(_) => "action changed",
                Incoming::ExecutionChanged(_) => "execution changed",
                Incoming::Paused(_) => "paused",
                Incoming::DeploymentChanged(_) => "deployment changed",
                Incoming::GateAsks(event) => {
                    let said = sample(&name)["detail"]["case"].clone();
                    assert_eq!(said, event.question.id().as_str());
                    "gate asks"
                }
                Incoming::GateDecided(_) => "gate decided",
                Incoming::CodeDeploy(_) => "CodeDeploy",
                Incoming::Alarm(_) => "alarm",
                Incoming::Reminder { .. } => "reminder",
                Incoming::Other(_) => "other",
            };
            (name, kind)
        })
        .collect();
    insta::assert_debug_snapshot!(kinds, @r#"
    {
        "approval-action-changed.json": "action changed",
        "approval-alarm.json": "alarm",
        "approval-asks.json": "approval",
        "approval-codedeploy-trigger.json": "CodeDeploy",
        "approval-ecs-deployment-over.json": "deployment changed",
        "approval-ecs-pause-rolling.json": "paused",
        "approval-ecs-pause.json": "paused",
        "approval-execution-changed.json": "execution changed",
        "approval-gate-asks.json": "gate asks",
        "approval-gate-decided.json": "gate decided",
        "approval-gate-stopped.json": "gate decided",
        "approval-reminder.json": "reminder",
        "approval-through-sqs-raw.json": "approval",
        "approval-through-sqs.json": "approval",
        "approval-unknown.json": "other",
        "approval-waits-notification.json": "waiting",
    }
    "#);
}

#[test]
fn an_approval_is_read_whole() {
    insta::assert_debug_snapshot!(one("approval-asks.json"), @r#"
    Approval(
        ApprovalMessage {
            action: ApprovalAction {
                account: "111122223333",
                region: "eu-central-1",
                pipeline: "shop-release",
                stage: "Production",
                action: "ApproveRelease",
            },
            token: ***,
            expires: Some(
                2026-03-09T09:00:00Z,
            ),
            console_link: Some(
                "https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1",
            ),
            external_link: Some(
                "https://shop.example.com/releases/v2.4.0",
            ),
            comment: Some(
                "Release 2.4.0: new checkout\n",
            ),
            origin: Origin {
                message_id: Some(
                    "9b5e1c1e-44a1-5d1c-8f3e-47c0e7a3b001",
                ),
                topic_arn: Some(
                    "arn:aws:sns:eu-central-1:111122223333:release-approvals",
                ),
                sent: Some(
                    2026-03-02T09:00:04.512Z,
                ),
                own: false,
            },
        },
    )
    "#);
}

#[test]
fn a_notification_has_what_the_approval_lacks() {
    let Incoming::Waiting(waiting) = one("approval-waits-notification.json") else {
        panic!("not a notification");
    };
    let Incoming::Approval(approval) = one("approval-asks.json") else {
        panic!("not an approval");
    };
    // The same wait, so that people are told once.
    assert_eq!(waiting.action, approval.action);
    assert_eq!(waiting.execution_id, "7d1f7c3e-2f5a-4d0e-9a53-6b1c0f6d2e94");
    assert_eq!(waiting.external_link, approval.external_link);
    assert_eq!(
        waiting.comment.as_deref(),
        Some("Release 2.4.0: new checkout")
    );
}

#[test]
fn the_other_samples_are_read_whole() {
    insta::assert_debug_snapshot!(one("approval-action-changed.json"), @r#"
    ActionChanged(
        StateChange {
            action: ApprovalAction {
                account: "111122223333",
                region: "eu-central-1",
                pipeline: "shop-release",
                stage: "Production",
                action: "ApproveRelease",
            },
            execution_id: "7d1f7c3e-2f5a-4d0e-9a53-6b1c0f6d2e94",
            category: "Approval",
            provider: "Manual",
            state: Failed,
            summary: Some(
                "Rejected by release manager (slack:T0123ABCD/U0123ABCD): not on a Friday",
            ),
            notified: false,
            time: Some(
                2026-03-02T09:12:31Z,
            ),
            origin: Origin {
                message_id: Some(
                    "01234567-aaaa-bbbb-cccc-0123456789ab",
                ),
                topic_arn: None,
                sent: None,
                own: false,
            },
        },
    )
    "#);
    insta::assert_debug_snapshot!(one("approval-codedeploy-trigger.json"), @r#"
    CodeDeploy(
        Trigger {
            account: "111122223333",
            region: "eu-central-1",
            name: "releases",
            application: Some(
                "shop",
            ),
            group: Some(
                "shop-live",
            ),
            deployment: "d-ABCDEF123",
            instance: None,
            status: "FAILED",
            detail: Some(
                "One of the lifecycle event validation functions failed.\nDeployment d-ABCDEF123 is rolled back as deployment d-GHIJKL456.",
            ),
            origin: Origin {
                message_id: Some(
                    "6a2d4b0f-93c5-5e7e-b0d1-2c7f9e1a3003",
                ),
                topic_arn: Some(
                    "arn:aws:sns:eu-central-1:111122223333:release-approvals",
                ),
                sent: Some(
                    2026-03-02T09:00:04.512Z,
                ),
                own: false,
            },
        },
    )
    "#);
    insta::assert_debug_snapshot!(one("approval-alarm.json"), @r#"
    Alarm(
        Alarm {
            account: "111122223333",
            region: "eu-central-1",
            name: "shop-5xx",
            description: Some(
                "More than 1 % of the shop's answers are errors.",
            ),
            state: "ALARM",
            reason: Some(
                "Threshold Crossed: 1 out of the last 1 datapoints [4.2 (02/03/26 09:24:00)] was greater than the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition).",
            ),
            time: Some(
                2026-03-02T09:25:11.318Z,
            ),
            origin: Origin {
                message_id: Some(
                    "c4f7b9d3-0e1a-5b6c-8d2f-3a4b5c6d4004",
                ),
                topic_arn: Some(
                    "arn:aws:sns:eu-central-1:111122223333:release-approvals",
                ),
                sent: Some(
                    2026-03-02T09:00:04.512Z,
                ),
                own: false,
            },
        },
    )
    "#);
}
