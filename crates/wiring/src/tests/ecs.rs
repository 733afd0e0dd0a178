//! ECS's own deployments.

use super::*;
use crate::FirstDeployment;
use crate::facts::EventRule;

#[test]
fn the_controller_is_ecs() {
    let wrong = with_ecs(|it| {
        let service = it.release.service.as_mut().unwrap().as_mut().unwrap();
        service.controller = "EXTERNAL".to_owned();
    });
    insta::assert_snapshot!(wrong, @"deployment-controller: the service shop has the deployment controller EXTERNAL, and ECS is needed here; set the service's deploymentController.type to ECS");
}

#[test]
fn rules_exist_and_the_test_rule_reaches_the_new_tasks() {
    insta::assert_snapshot!(with_ecs(|it| it.production_rule = None), @"production-route: the service's productionListenerRule is missing; name it in loadBalancers.advancedConfiguration");
    insta::assert_snapshot!(with_ecs(|it| it.test_rule = None), @"test-route: the service's testListenerRule is missing, and a hook stands at POST_TEST_TRAFFIC_SHIFT; name it in loadBalancers.advancedConfiguration");
    insta::assert_snapshot!(with_ecs(|it| it.test_rule = it.production_rule.clone()), @"test-route: the service's testListenerRule is its productionListenerRule, too, where the earlier revision answers; give test traffic a rule of its own");
    let never = with_ecs(|it| it.routes.as_mut().unwrap()[1] = route(rule_arn("test"), &["old"]));
    insta::assert_snapshot!(never, @"test-route: the test rule rule/app/shop/50dc/f2f7/test forwards to old, so it never reaches the new tasks; let it forward to blue and green");
    let unneeded = with_ecs(|it| {
        it.test_rule = None;
        it.hooks.remove(0);
        it.routes.as_mut().unwrap().pop();
    });
    assert_eq!(unneeded, "", "a pause measures nothing");
}

#[test]
fn a_rule_behind_one_that_takes_all_of_its_requests_is_found() {
    let behind = |index: usize, priority: Result<Option<u32>, String>| {
        with_ecs(|it| it.routes.as_mut().unwrap()[index].taken_before = priority)
    };
    insta::assert_snapshot!(behind(1, Ok(Some(3))), @"rule-priority: the test rule rule/app/shop/50dc/f2f7/test is asked after the rule of priority 3, which takes every request that it takes, so nothing reaches the tasks by it; give it a lower number than that, or let the other rule take less");
    insta::assert_snapshot!(behind(0, Ok(Some(1))), @"rule-priority: the production rule rule/app/shop/50dc/f2f7/prod is asked after the rule of priority 1, which takes every request that it takes, so nothing reaches the tasks by it; give it a lower number than that, or let the other rule take less");
    let unknown = behind(1, Err("DescribeRules failed".to_owned()));
    assert_eq!(unknown, "rule-priority: unknown: DescribeRules failed");
}

#[test]
fn no_hook_lets_an_unjudged_release_pass() {
    let wrong = with_ecs(|it| it.hooks[1].continues_on_timeout = true);
    insta::assert_snapshot!(wrong, @"hook-timeout-action: the pause at PRE_PRODUCTION_TRAFFIC_SHIFT has timeoutConfiguration.action CONTINUE: where it does not answer in time, a release passes that nobody has judged; set the action to ROLLBACK");
}

#[test]
fn time_outs_are_those_that_ecs_and_cloud_formation_take() {
    let long = with_ecs(|it| {
        it.hooks[0].timeout = Some(Duration::from_hours(25));
        it.hooks[0].stages.pop();
    });
    insta::assert_snapshot!(long, @"hook-timeout: the hook pre-traffic at POST_TEST_TRAFFIC_SHIFT has a time-out of 1500 minutes; set timeoutInMinutes between 1 and 1440");
    let sum = with_ecs(|it| {
        it.hooks[0].timeout = None;
        it.hooks[1].timeout = Some(Duration::from_mins(531));
    });
    insta::assert_snapshot!(sum, @"hook-time-sum: the service's deploymentConfiguration has a bake time and hooks' time-outs of 1981 minutes together, and CloudFormation takes 1980; one hook has no timeoutInMinutes, which means 1440; set timeoutInMinutes of the hooks, or shorten bakeTimeInMinutes");
    let exactly = with_ecs(|it| {
        it.hooks[0].timeout = None;
        it.hooks[1].timeout = Some(Duration::from_mins(530));
    });
    assert_eq!(exactly, "");
    let by_hand = with_ecs(|it| {
        it.hooks[1].timeout = Some(Duration::from_mins(20_000));
        stack(it, Ok(None));
    });
    assert_eq!(by_hand, "", "only CloudFormation has that limit");
    let unknown = with_ecs(|it| stack(it, Err("no tags".to_owned())));
    assert_eq!(
        unknown,
        "hook-time-sum: unknown: no tags\nevent-rule: unknown: no tags"
    );
}

/// Whether each stage counts, and the waits of a shift, is known to AWS alone.
#[test]
fn a_sum_that_is_too_long_by_one_way_of_counting_is_not_judged() {
    // 10 minutes of bake time and 60 of the pause, beside two stages.
    let judged = |timeout: u64, shift_time: u64| {
        let mut facts = ecs();
        facts.hooks[0].timeout = Some(Duration::from_mins(timeout));
        facts.shift_time = Duration::from_mins(shift_time);
        crate::lifecycle_hooks::time_sum(&facts)
    };
    assert_eq!(judged(950, 10), Ok(()));
    let why = |unjudged| match unjudged {
        Err(Outcome::NotJudged(why)) => why,
        other => panic!("{other:?}"),
    };
    insta::assert_snapshot!(why(judged(951, 10)), @"the bake time and the hooks' time-outs are 1021 minutes together, and 1982 with each stage of a hook and the waits of the shift; CloudFormation takes 1980, and AWS does not say which it counts");
    assert!(why(judged(950, 11)).contains("and 1981 with"));
}

fn stack(facts: &mut EcsDeployment, stack: Result<Option<String>, String>) {
    facts
        .release
        .service
        .as_mut()
        .unwrap()
        .as_mut()
        .unwrap()
        .stack = stack;
}

#[test]
fn a_hook_that_calls_a_function_has_a_role() {
    let role = |role: Option<&str>| {
        let role = role.map(str::to_owned);
        with_ecs(|it| it.hooks[0].role = role)
    };
    insta::assert_snapshot!(role(None), @"hook-role: the hook pre-traffic at POST_TEST_TRAFFIC_SHIFT and POST_PRODUCTION_TRAFFIC_SHIFT names no roleArn; name a role of this account that ecs.amazonaws.com may assume and that may invoke the function");
    assert!(role(Some("arn:aws:iam::111122223333:user/x")).contains("which is no role"));
    assert!(role(Some("arn:aws:iam::444455556666:role/x")).contains("of another account"));
}

#[test]
fn a_rule_that_deadlocks_the_stack_is_found() {
    let rule = |stack: Option<&str>| EventRule {
        name: "answer-pauses".to_owned(),
        stack: stack.map(str::to_owned),
    };
    let wrong = with_ecs(|it| it.event_rules = Ok(vec![rule(Some("shop"))]));
    insta::assert_snapshot!(wrong, @"event-rule: the event rule answer-pauses names the service and is in its stack shop, too: when the stack is made, the service waits for a pause that no rule hears of yet; let the rule's pattern name the cluster (detail.clusterArn) instead of the service");
    assert_eq!(
        with_ecs(|it| it.event_rules = Ok(vec![rule(Some("other")), rule(None)])),
        ""
    );
    let no_pause = with_ecs(|it| {
        it.event_rules = Ok(vec![rule(Some("shop"))]);
        it.hooks.pop();
    });
    assert_eq!(no_pause, "");
}

#[test]
fn something_rolls_back_what_fails_under_traffic() {
    let bare = |change: fn(&mut EcsDeployment)| {
        with_ecs(|it| {
            it.circuit_breaker = false;
            it.alarms_roll_back = false;
            it.hooks[0].stages.pop();
            change(it);
        })
    };
    insta::assert_snapshot!(bare(|_| ()), @"rollback-trigger: the service's deploymentConfiguration has nothing that rolls back a release which fails under traffic: no alarms and no hook after the shift; set alarms with rollback, or a hook at POST_PRODUCTION_TRAFFIC_SHIFT");
    insta::assert_snapshot!(bare(|it| it.circuit_breaker = true), @"rollback-trigger: the service's deploymentConfiguration has nothing that rolls back a release which fails under traffic: no alarms and no hook after the shift; the circuit breaker looks at tasks that don't start, not at what they answer; set alarms with rollback, or a hook at POST_PRODUCTION_TRAFFIC_SHIFT");
    assert!(bare(|it| it.strategy = Strategy::Rolling).contains("no circuit breaker"));
    let rolling = bare(|it| {
        it.strategy = Strategy::Rolling;
        it.circuit_breaker = true;
    });
    assert_eq!(rolling, "");
    assert_eq!(bare(|it| it.alarms_roll_back = true), "");
    assert_eq!(
        bare(|it| it.hooks[0]
            .stages
            .push("PRODUCTION_TRAFFIC_SHIFT".to_owned())),
        ""
    );
    let no_alarm = bare(|it| {
        it.alarms_roll_back = true;
        it.release.alarms.named.clear();
    });
    assert_ne!(no_alarm, "");
}

#[test]
fn a_first_deployment_is_what_the_suite_says() {
    let mut facts = ecs();
    facts.is_first = true;
    facts.release.old_task_definition = Ok(None);
    facts.release.versions.old = Ok(None);
    let facts = Facts::Ecs(Box::new(facts));
    assert_eq!(wrong(&facts), "");
    let options = Options {
        first_deployment: FirstDeployment::Fail,
        ..Options::default()
    };
    insta::assert_snapshot!(wrong_with(&facts, &options), @"first-deployment: this deployment is the service's first: there is no earlier revision to roll back to; make the service by hand first, or say `first_deployment: allow` in the suite");
    assert_eq!(wrong_with(&Facts::Ecs(Box::new(ecs())), &options), "");
}

#[test]
fn draining_ends_within_the_bake_time() {
    let wrong = with_ecs(|it| it.bake_time = Duration::from_secs(30));
    assert!(
        wrong.contains("longer than the bake time of 30s"),
        "{wrong}"
    );
}
