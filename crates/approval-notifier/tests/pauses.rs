//! A paused deployment of ECS is asked, followed up and reminded of like an approval.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use approval_notifier::reminder_schedule::ESCALATION_NUMBER;
use support::Stage;
use support::events::{deployment_over, pause, reminder};
use support::server::Fault;
use test_support::approvals::deployment::{HOOK, NEXT_HOOK, VALUE};

const ROUTES: &str = r#"
  - name: shop
    match: {cluster: shop, service: web}
    tell: [room, mail]
    policy: {approvers: ["slack:T0123ABCD/U0123ABCD", "email:lead@example.com"], starter_may_approve: true}
    reminders: [50%]
    escalate: {at: 90%, tell: [list]}
"#;

async fn stage() -> Stage {
    Stage::with_routes(ROUTES).await
}

fn text(stage: &Stage, channel: &str) -> String {
    let told = stage.told(channel);
    told.iter().map(|told| told.body.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_shown_what_is_deployed_and_what_happens_if_nobody_decides() {
    let stage = stage().await;
    stage.world(|world| world.paused.timeout_action = "CONTINUE");
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    let slack = text(&stage, "slack");
    for part in [
        "web: PRE_PRODUCTION_TRAFFIC_SHIFT waits for a decision",
        "The deployment of web in the cluster shop is paused at PRE_PRODUCTION_TRAFFIC_SHIFT.",
        "IF NOBODY DECIDES, THE DEPLOYMENT GOES ON",
        "10 % of production traffic",
        "web.image",
        "shop/web:1.1.0",
        "web.environment.MODE",
        "web.environment.CACHE",
        "256 → 512",
        "approve",
    ] {
        assert!(slack.contains(part), "{part} is missing in {slack}");
    }
    assert!(!slack.contains("could not be looked up"), "{slack}");
    assert_eq!(stage.told("mail:lead@example.com").len(), 1);
    assert_eq!(stage.told("sns").len(), 0);
    // Neither a variable's value nor the hook is for anybody's eyes.
    let everything = stage.world(|world| format!("{:?}", world.told));
    assert!(!everything.contains(VALUE) && !everything.contains(HOOK));
    assert!(!stage.world(|world| world.table.dump()).contains(VALUE));
    // The same event again, and an event that says nothing new.
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    stage.expect(pause("HOOK_IN_PROGRESS")).await;
    assert_eq!(stage.told("slack").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_told_the_stage_that_waits_and_not_where_the_deployment_is_by_then() {
    let stage = stage().await;
    stage.world(|world| world.paused.stage = "PRODUCTION_TRAFFIC_SHIFT");
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    let slack = text(&stage, "slack");
    assert!(
        slack.contains("web: PRE_PRODUCTION_TRAFFIC_SHIFT waits for a decision"),
        "{slack}"
    );
    assert!(
        !slack.contains("paused at PRODUCTION_TRAFFIC_SHIFT"),
        "{slack}"
    );
    let case = stage.world(|world| world.table.dump());
    assert!(case.contains("PRE_PRODUCTION_TRAFFIC_SHIFT"), "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_it_and_of_the_release_follows() {
    let stage = stage().await;
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    stage.world(|world| world.paused.settle("SUCCEEDED"));
    stage.expect(pause("HOOK_SUCCEEDED")).await;
    let told = stage.told("slack");
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].how, "chat.update");
    assert!(told[1].body.to_string().contains("was approved"));
    stage.world(|world| world.paused.end("SUCCESSFUL"));
    stage
        .expect(deployment_over("SERVICE_DEPLOYMENT_COMPLETED"))
        .await;
    stage
        .expect(deployment_over("SERVICE_DEPLOYMENT_COMPLETED"))
        .await;
    let told = stage.told("slack");
    assert_eq!(told.len(), 3, "the outcome is told once");
    assert!(told[2].body.to_string().contains("the release succeeded"));
    assert!(!told[2].body["thread_ts"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_time_says_what_it_led_to() {
    for (action, told) in [
        ("CONTINUE", "the deployment goes on"),
        ("ROLLBACK", "the deployment is rolled back"),
    ] {
        let stage = stage().await;
        stage.world(|world| world.paused.timeout_action = action);
        stage.expect(pause("HOOK_AWAITING_ACTION")).await;
        stage.world(|world| world.paused.settle("TIMED_OUT"));
        stage.expect(pause("HOOK_TIMED_OUT")).await;
        let last = stage.told("slack").pop().unwrap().body.to_string();
        assert!(last.contains(told), "{action}: {last}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_went_on_when_nobody_decided_has_an_end_that_is_told() {
    for (action, ended, told) in [
        ("CONTINUE", "SUCCESSFUL", Some("the release succeeded")),
        (
            "CONTINUE",
            "ROLLBACK_SUCCESSFUL",
            Some("the release failed"),
        ),
        // The end of the time was the end of the release, and has been told.
        ("ROLLBACK", "ROLLBACK_SUCCESSFUL", None),
    ] {
        let stage = stage().await;
        stage.world(|world| world.paused.timeout_action = action);
        stage.expect(pause("HOOK_AWAITING_ACTION")).await;
        stage.world(|world| world.paused.settle("TIMED_OUT"));
        stage.expect(pause("HOOK_TIMED_OUT")).await;
        assert_eq!(stage.told("slack").len(), 2, "{action}");
        stage.world(|world| world.paused.status = ended);
        for _ in 0..2 {
            stage
                .expect(deployment_over("SERVICE_DEPLOYMENT_COMPLETED"))
                .await;
        }
        let outcomes = stage.told("slack").split_off(2);
        match told {
            Some(told) => {
                assert_eq!(outcomes.len(), 1, "{action} {ended}");
                let body = outcomes[0].body.to_string();
                assert!(body.contains(told), "{action} {ended}: {body}");
            }
            None => assert!(outcomes.is_empty(), "{action} {ended}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_step_is_another_case() {
    let stage = stage().await;
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    stage.world(|world| world.paused.next_step());
    let mut next = pause("HOOK_AWAITING_ACTION");
    next["id"] = "event-next".into();
    next["detail"]["hookId"] = NEXT_HOOK.into();
    stage.expect(next).await;
    let asked = stage.told("slack");
    let asked = asked.iter().filter(|told| told.how == "chat.postMessage");
    assert_eq!(asked.count(), 2);
    // A late event of the first step asks nobody.
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    let asked = stage.told("slack");
    let asked = asked.iter().filter(|told| told.how == "chat.postMessage");
    assert_eq!(asked.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_reminded_and_others_are_asked() {
    let stage = stage().await;
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    assert_eq!(stage.world(|world| world.schedules.len()), 2);
    let case = stage.case_id();
    stage.expect(reminder(&case, 1)).await;
    assert!(text(&stage, "slack").contains("Reminder: web"));
    stage.expect(reminder(&case, ESCALATION_NUMBER)).await;
    assert_eq!(stage.told("sns").len(), 1);
    stage.world(|world| world.paused.settle("FAILED"));
    stage.expect(reminder(&case, 1)).await;
    assert!(text(&stage, "slack").contains("was rejected"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ecs_does_not_show_is_a_line_and_no_yes() {
    let stage = stage().await;
    let denied = |operation: &'static str| {
        move |call: &support::server::Call, _: usize| {
            (call.operation == operation).then_some(Fault::Denied)
        }
    };
    stage.server.fail(denied("DescribeTaskDefinition"));
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    let told = text(&stage, "slack");
    assert!(told.contains("What is deployed"), "{told}");
    assert!(told.contains("the task definition"), "{told}");
    let shown = stage.world(|world| world.table.dump());
    assert!(
        shown.contains("service revisions"),
        "nothing to approve: {shown}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_ecs_does_not_have_asks_nobody_for_a_yes() {
    let stage = stage().await;
    let mut forged = pause("HOOK_AWAITING_ACTION");
    forged["detail"]["hookId"] = "ecs-pause-of-nobody".into();
    stage.expect(forged).await;
    assert_eq!(stage.told("slack").len(), 0, "no such hook waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_may_not_be_looked_at_is_told_and_alarms_nobody() {
    let stage = stage().await;
    stage
        .server
        .fail(|call, _| (call.operation == "DescribeServiceDeployments").then_some(Fault::Denied));
    stage.expect(pause("HOOK_AWAITING_ACTION")).await;
    let told = text(&stage, "slack");
    assert!(told.contains("What is deployed"), "{told}");
    assert!(told.contains("AccessDeniedException"), "{told}");
    stage.expect(pause("HOOK_SUCCEEDED")).await;
    assert_eq!(stage.told("slack").len(), 1);
}
