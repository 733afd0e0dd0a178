use aws_sdk_ecs::primitives::DateTime;
use proptest::prelude::*;

use super::*;

const ARN: &str = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/shop/web/d1";
const HOOK: &str = "ecs-pause-one";

fn paused() -> PausedDeployment {
    PausedDeployment {
        account: "111122223333".into(),
        region: "eu-central-1".into(),
        cluster: "shop".into(),
        service: "web".into(),
        deployment_arn: ARN.into(),
        hook_id: HOOK.into(),
        lifecycle_stage: "POST_SCALE_UP".into(),
        timeout_action: None,
    }
}

fn described(status: &str, hooks: &[(&str, &str)]) -> ServiceDeployment {
    let hooks = hooks.iter().map(|(id, status)| {
        Hook::builder()
            .hook_id(*id)
            .target_type(HookKind::Pause)
            .status(HookStatus::from(*status))
            .expires_at(DateTime::from_secs(1_777_975_200))
            .timeout_action(HookAction::Continue)
            .build()
    });
    ServiceDeployment::builder()
        .service_deployment_arn(ARN)
        .status(DeploymentStatus::from(status))
        .set_lifecycle_hook_details(Some(hooks.collect()))
        .build()
}

fn status(deployment: &str, hook: &str) -> Option<Status> {
    let deployment = described(
        deployment,
        &[("ecs-pause-other", "SUCCEEDED"), (HOOK, hook)],
    );
    state(&deployment, &paused()).ok().map(|state| state.status)
}

#[test]
fn a_pause_stands_where_its_hook_does() {
    assert_eq!(
        status("IN_PROGRESS", "AWAITING_ACTION"),
        Some(Status::Waiting)
    );
    assert_eq!(status("IN_PROGRESS", "SUCCEEDED"), Some(Status::Approved));
    assert_eq!(
        status("ROLLBACK_IN_PROGRESS", "FAILED"),
        Some(Status::Rejected)
    );
    assert_eq!(status("IN_PROGRESS", "TIMED_OUT"), Some(Status::Expired));
    // Another hook has failed, or somebody stopped the deployment.
    for ended in [
        "STOP_REQUESTED",
        "STOPPED",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_SUCCESSFUL",
    ] {
        assert_eq!(
            status(ended, "AWAITING_ACTION"),
            Some(Status::Stopped),
            "{ended}"
        );
    }
}

#[test]
fn what_is_not_known_is_no_answer() {
    assert_eq!(status("IN_PROGRESS", "A_NEW_WORD"), None);
    assert_eq!(status("A_NEW_WORD", "SUCCEEDED"), None);
    let elsewhere = described("IN_PROGRESS", &[("ecs-pause-other", "SUCCEEDED")]);
    assert!(state(&elsewhere, &paused()).is_err(), "the hook is gone");
    assert!(!is_open(&elsewhere, &paused()));
}

#[test]
fn until_when_and_what_then_is_read() {
    let deployment = described("IN_PROGRESS", &[(HOOK, "AWAITING_ACTION")]);
    let hook = hook(&deployment, &paused()).unwrap();
    assert_eq!(expires(hook).unwrap().to_string(), "2026-05-05T10:00:00Z");
    assert_eq!(timeout_action(hook), Some(TimeoutAction::Continue));
    let strange = Hook::builder()
        .timeout_action(HookAction::from("RETRY"))
        .build();
    assert_eq!(timeout_action(&strange), None);
}

#[test]
fn a_function_that_runs_is_no_pause() {
    let mut deployment = described("IN_PROGRESS", &[(HOOK, "AWAITING_ACTION")]);
    let hooks = deployment.lifecycle_hook_details.as_mut().unwrap();
    hooks[0].target_type = Some(HookKind::AwsLambda);
    assert!(!is_open(&deployment, &paused()));
}

const WORDS: [&str; 8] = [
    "AWAITING_ACTION",
    "IN_PROGRESS",
    "SUCCEEDED",
    "FAILED",
    "TIMED_OUT",
    "SUCCESSFUL",
    "ROLLBACK_IN_PROGRESS",
    "A_NEW_WORD",
];

proptest! {
    /// Only one state of the very hook is open, and none but its own success is a yes.
    #[test]
    fn nothing_but_the_very_hook_counts(
        deployment in prop::sample::select(&WORDS[..]),
        hooks in prop::collection::vec((prop::sample::select(&["ecs-pause-one", "ecs-pause-two", ""][..]), prop::sample::select(&WORDS[..])), 0..4),
    ) {
        let described = described(deployment, &hooks);
        let own = hooks.iter().find(|(id, _)| *id == HOOK).map(|(_, status)| *status);
        let open = is_open(&described, &paused());
        prop_assert_eq!(open, deployment == "IN_PROGRESS" && own == Some("AWAITING_ACTION"));
        if let Ok(state) = state(&described, &paused()) {
            prop_assert_eq!(state.status == Status::Approved, own == Some("SUCCEEDED"));
            prop_assert!(!open || state.status == Status::Waiting);
        }
    }
}
