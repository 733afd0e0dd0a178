//! Stages, rollbacks, and what is handed on: the pure parts.

use gate::{Bake, RunState, Stage};

use super::deployment::Progress;
use super::*;

const NEW: &str = "arn:aws:ecs:eu-central-1:111122223333:service-revision/shop/web/2";
const OLD: &str = "arn:aws:ecs:eu-central-1:111122223333:service-revision/shop/web/1";

fn weights(new: u32) -> Vec<(String, u32)> {
    vec![(NEW.to_owned(), new), (OLD.to_owned(), 100 - new)]
}

fn event(stage: &str, test: Option<u32>, production: Option<u32>) -> EcsEvent {
    EcsEvent {
        execution_id: "e-1".to_owned(),
        lifecycle_stage: stage.to_owned(),
        deployment_arn: "arn:aws:ecs:eu-central-1:111122223333:service-deployment/shop/web/d-1"
            .to_owned(),
        target_revision_arn: NEW.to_owned(),
        test_weights: test.map(weights).unwrap_or_default(),
        production_weights: production.map(weights).unwrap_or_default(),
        suite: None,
        details: Vec::new(),
        run: None,
    }
}

fn deployment(progress: Progress) -> ServiceDeployment {
    ServiceDeployment::sample(progress, OLD)
}

fn ask(stage: Stage, event: &EcsEvent, has_test_rule: bool) -> String {
    match stage::route(stage, event, &deployment(Progress::Forward), has_test_rule) {
        Ok(route) => format!("{route:?}"),
        Err(why) => format!("refused: {why}"),
    }
}

#[test]
fn each_stage_has_its_question() {
    let at =
        |stage, lifecycle_stage| ask(stage, &event(lifecycle_stage, Some(100), Some(100)), true);
    let (pre, post) = (Stage::PreTraffic, Stage::PostTraffic);
    assert_eq!(at(pre, "POST_TEST_TRAFFIC_SHIFT"), "Test");
    assert_eq!(at(pre, "PRE_PRODUCTION_TRAFFIC_SHIFT"), "Test");
    assert_eq!(at(post, "PRODUCTION_TRAFFIC_SHIFT"), "Production");
    assert_eq!(at(post, "POST_PRODUCTION_TRAFFIC_SHIFT"), "Production");
    assert_eq!(at(pre, "POST_SCALE_UP"), "None");
    insta::assert_snapshot!(at(pre, "PRODUCTION_TRAFFIC_SHIFT"), @"refused: the pre-traffic gate is hooked to PRODUCTION_TRAFFIC_SHIFT, where customers are already served by the new revision; hook it to POST_TEST_TRAFFIC_SHIFT, or to PRE_PRODUCTION_TRAFFIC_SHIFT for each step");
    insta::assert_snapshot!(at(post, "PRE_PRODUCTION_TRAFFIC_SHIFT"), @"refused: the post-traffic gate is hooked to PRE_PRODUCTION_TRAFFIC_SHIFT, where production traffic has not moved yet; hook it to POST_PRODUCTION_TRAFFIC_SHIFT, or to PRODUCTION_TRAFFIC_SHIFT for each step");
    insta::assert_snapshot!(at(post, "SOME_NEW_STAGE"), @"refused: the post-traffic gate is hooked to SOME_NEW_STAGE, where it is not known what serves whom; hook it to POST_PRODUCTION_TRAFFIC_SHIFT, or to PRODUCTION_TRAFFIC_SHIFT for each step");
    assert!(at(post, "POST_SCALE_UP").starts_with("refused"));
    for stage in ["RECONCILE_SERVICE", "PRE_SCALE_UP", "TEST_TRAFFIC_SHIFT"] {
        assert!(at(pre, stage).starts_with("refused"), "{stage}");
        assert!(at(post, stage).starts_with("refused"), "{stage}");
    }
}

#[test]
fn at_a_partial_step_the_new_revision_is_measured_by_the_test_rule_or_not_at_all() {
    let post = Stage::PostTraffic;
    let shift = |test, percent| event("PRODUCTION_TRAFFIC_SHIFT", test, Some(percent));
    assert_eq!(
        ask(post, &shift(Some(100), 10), true),
        "TestAtPartialStep { percent: 10 }"
    );
    assert_eq!(ask(post, &shift(Some(100), 100), false), "Production");
    assert_eq!(
        ask(post, &shift(None, 10), false),
        "Sampled { percent: 10 }"
    );
    assert_eq!(
        ask(post, &shift(Some(50), 10), true),
        "Sampled { percent: 10 }"
    );
    insta::assert_snapshot!(stage::nothing_tells_apart(10), @"the production rule serves both revisions, the new one with 10 %, and no test rule leads to the new one alone; give the service a testListenerRule, let the suite say how to tell them apart (`revision`), or hook this gate to POST_PRODUCTION_TRAFFIC_SHIFT");
    let unknown = event("PRODUCTION_TRAFFIC_SHIFT", Some(100), None);
    insta::assert_snapshot!(ask(post, &unknown, true), @"refused: ECS does not say how much production traffic the new revision has, so nobody knows whose answers would be measured");
}

#[test]
fn before_traffic_a_test_rule_that_leads_elsewhere_is_refused() {
    let pre = |test, has_rule| {
        ask(
            Stage::PreTraffic,
            &event("POST_TEST_TRAFFIC_SHIFT", test, None),
            has_rule,
        )
    };
    assert_eq!(pre(Some(100), true), "Test");
    insta::assert_snapshot!(pre(None, false), @"refused: the service has no testListenerRule, so nothing reaches the new revision alone");
    insta::assert_snapshot!(pre(Some(0), true), @"refused: the test rule gives the new revision 0 % of its traffic, so an answer may be the old one's");
}

#[test]
fn before_traffic_a_weight_that_is_not_known_counts_only_where_the_stage_itself_says_it() {
    let at = |stage: &str, test_percent| {
        let mut deployment = deployment(Progress::Forward);
        deployment.test_percent = test_percent;
        // ECS sends empty weights.
        let event = event(stage, None, None);
        match stage::route(Stage::PreTraffic, &event, &deployment, true) {
            Ok(route) => format!("{route:?}"),
            Err(why) => format!("refused: {why}"),
        }
    };
    let (after_shift, before_step) = ("POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT");
    assert_eq!(at(after_shift, None), "Test");
    insta::assert_snapshot!(at(before_step, None), @"refused: ECS does not say how much test traffic the new revision has at PRE_PRODUCTION_TRAFFIC_SHIFT, so an answer may be the old one's; hook this gate to POST_TEST_TRAFFIC_SHIFT, where it has all of it");
    // What the deployment says counts at both.
    for stage in [after_shift, before_step] {
        assert_eq!(at(stage, Some(100)), "Test", "{stage}");
        assert!(at(stage, Some(50)).contains("50 %"), "{stage}");
    }
}

#[test]
fn a_rollback_is_waived_and_a_first_step_is_not_mistaken_for_one() {
    let rolling = || Progress::RollingBack {
        to: Some(OLD.to_owned()),
    };
    let undone = |stage, progress| {
        rollback::undone_to(&event(stage, Some(0), Some(0)), &deployment(progress))
    };
    assert_eq!(
        undone("PRODUCTION_TRAFFIC_SHIFT", rolling()).as_deref(),
        Some("1")
    );
    assert_eq!(
        undone("TEST_TRAFFIC_SHIFT", rolling()).as_deref(),
        Some("1")
    );
    // 0 % for the new revision and 100 % for the old one: what the first, normal step says, too.
    assert_eq!(
        undone("PRE_PRODUCTION_TRAFFIC_SHIFT", Progress::Forward),
        None
    );
    assert_eq!(undone("PRODUCTION_TRAFFIC_SHIFT", Progress::Forward), None);
    assert_eq!(
        undone("PRE_PRODUCTION_TRAFFIC_SHIFT", rolling()),
        None,
        "no such stage runs on a rollback"
    );
}

#[test]
fn what_one_step_handed_on_is_not_gone_on_with_at_the_next() {
    let state = RunState::new(jiff::Timestamp::UNIX_EPOCH, &Bake::ONE_ROUND, 7, 2);
    let ten = event("PRODUCTION_TRAFFIC_SHIFT", Some(100), Some(10));
    let handed_on = Continuation::new(&ten, CarriedState::Run(state));
    let read = Continuation::decode(&handed_on.encode()).unwrap();
    assert_eq!(read, handed_on);
    assert!(read.of_step(&ten));
    assert!(!read.of_step(&event("PRODUCTION_TRAFFIC_SHIFT", Some(100), Some(50))));
    assert!(!read.of_step(&event("POST_PRODUCTION_TRAFFIC_SHIFT", None, None)));
    assert_eq!(Continuation::decode(""), None);
}

#[test]
fn a_run_keeps_its_name_and_two_hooks_of_one_function_have_two() {
    let at = |execution: &str, suite: Option<&str>| EcsEvent {
        execution_id: execution.to_owned(),
        suite: suite.map(str::to_owned),
        ..event("POST_PRODUCTION_TRAFFIC_SHIFT", None, None)
    };
    let ids = [
        at("e-1", None),
        at("e-2", None),
        at("e-1", Some("b.yaml")),
        at("e-1", Some("c.yaml")),
    ];
    let names: std::collections::BTreeSet<String> =
        ids.iter().map(|event| run_id(event).into_owned()).collect();
    assert_eq!(names.len(), ids.len(), "{names:?}");
    for first in ids {
        let state = RunState::new(jiff::Timestamp::UNIX_EPOCH, &Bake::ONE_ROUND, 7, 2);
        let later = EcsEvent {
            // Nothing says that a later call has the same.
            execution_id: "e-9".to_owned(),
            run: Some(Continuation::new(&first, CarriedState::Run(state)).encode()),
            ..first.clone()
        };
        assert_eq!(run_id(&later), run_id(&first));
        let next_step = EcsEvent {
            lifecycle_stage: "PRODUCTION_TRAFFIC_SHIFT".to_owned(),
            ..later
        };
        assert_ne!(run_id(&next_step), run_id(&first), "a step of its own");
    }
}

#[test]
fn the_hooks_own_time_out_bounds_the_bake() {
    let timeout =
        |function| deployment(Progress::Forward).hook_timeout(function, "PRODUCTION_TRAFFIC_SHIFT");
    assert_eq!(
        timeout("deploy-hooks-post-traffic"),
        Some(Duration::from_mins(90))
    );
    assert_eq!(timeout("another"), None);
}

#[test]
fn of_two_hooks_of_one_function_at_one_stage_the_shorter_time_out_counts() {
    let timeout = |timeouts: &[Option<i32>]| {
        let deployment = deployment(Progress::Forward).hooked(timeouts);
        deployment.hook_timeout("deploy-hooks-post-traffic", "PRODUCTION_TRAFFIC_SHIFT")
    };
    let half_an_hour = Some(Duration::from_mins(30));
    assert_eq!(timeout(&[Some(90), Some(30)]), half_an_hour);
    assert_eq!(timeout(&[Some(30), Some(90)]), half_an_hour);
    assert_eq!(timeout(&[None, Some(30)]), half_an_hour);
    assert_eq!(timeout(&[None, None]), Some(Duration::from_hours(24)));
    assert_eq!(timeout(&[]), None);
}
