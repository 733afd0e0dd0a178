//! A deployment that is in order, and one test for each thing that can be wrong with it.

mod code_deploy;
mod ecs;
mod functions;

use std::time::Duration;

use crate::facts::{
    AttachedAlarms, AutomaticRollback, CodeDeployEcs, CodeDeployLambda, Container, EcsDeployment,
    EcsRelease, LifecycleHook, NamedVersion, Registry, Route, Service, Strategy, TargetGroup,
    TaskDefinition, Versions,
};
use crate::{Facts, Finding, Options, Outcome, Platform, Rule, judge};

const ACCOUNT: &str = "arn:aws:ecs:eu-central-1:111122223333";
const BALANCERS: &str = "arn:aws:elasticloadbalancing:eu-central-1:111122223333";

fn group(name: &str) -> TargetGroup {
    TargetGroup {
        arn: format!("{BALANCERS}:targetgroup/{name}/73e2"),
        name: name.to_owned(),
        target_type: "ip".to_owned(),
        load_balancers: vec![format!("{BALANCERS}:loadbalancer/app/shop/50dc")],
        health_check_port: None,
        deregistration_delay: Ok(Duration::from_mins(1)),
    }
}

fn listener(id: &str) -> String {
    format!("{BALANCERS}:listener/app/shop/50dc/{id}")
}

fn rule_arn(id: &str) -> String {
    format!("{BALANCERS}:listener-rule/app/shop/50dc/f2f7/{id}")
}

fn route(arn: String, to: &[&str]) -> Route {
    Route {
        arn,
        load_balancer: format!("{BALANCERS}:loadbalancer/app/shop/50dc"),
        forwards_to: to.iter().map(|name| group(name).arn).collect(),
        taken_before: Ok(None),
    }
}

fn named(place: &str, version: &str) -> NamedVersion {
    NamedVersion {
        place: place.to_owned(),
        version: version.to_owned(),
    }
}

fn release() -> EcsRelease {
    EcsRelease {
        task_definition: Ok(Some(TaskDefinition {
            arn: format!("{ACCOUNT}:task-definition/shop:12"),
            is_active: true,
            network_mode: "awsvpc".to_owned(),
            containers: vec![Container {
                name: "web".to_owned(),
                image: "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop:1.10.0".to_owned(),
                ports: vec![8080],
                host_ports: vec![8080],
                versions: vec![
                    named("the variable VERSION", "1.10.0"),
                    named("the image's tag", "1.10.0"),
                ],
            }],
        })),
        old_task_definition: Ok(Some(format!("{ACCOUNT}:task-definition/shop:11"))),
        old_is_gone: false,
        container: Some("web".to_owned()),
        port: Some(8080),
        service: Ok(Some(Service {
            arn: format!("{ACCOUNT}:service/production/shop"),
            is_active: true,
            controller: "CODE_DEPLOY".to_owned(),
            stack: Ok(None),
        })),
        named_target_groups: vec!["blue".to_owned(), "green".to_owned()],
        target_groups: Ok(vec![group("blue"), group("green")]),
        image: Ok(Registry::Present),
        versions: Versions {
            new: Ok("1.10.0".to_owned()),
            old: Ok(Some("1.9.3".to_owned())),
        },
        alarms: alarms(),
    }
}

fn alarms() -> AttachedAlarms {
    AttachedAlarms {
        named: vec!["shop-5xx".to_owned()],
        existing: Ok(vec!["shop-5xx".to_owned()]),
    }
}

fn rollback() -> AutomaticRollback {
    AutomaticRollback {
        group: "production".to_owned(),
        enabled: true,
        events: vec!["DEPLOYMENT_FAILURE".to_owned()],
    }
}

fn code_deploy_ecs() -> CodeDeployEcs {
    CodeDeployEcs {
        release: release(),
        written_task_definition: format!("{ACCOUNT}:task-definition/shop:12"),
        production_listener: Some(listener("prod")),
        test_listener: Some(listener("test")),
        events_on_test_traffic: vec!["AfterAllowTestTraffic".to_owned()],
        routes: Ok(vec![
            route(listener("prod"), &["blue"]),
            route(listener("test"), &["green"]),
        ]),
        rollback: rollback(),
        termination_wait: Some(Duration::from_mins(5)),
    }
}

fn code_deploy_lambda() -> CodeDeployLambda {
    CodeDeployLambda {
        function: "checkout".to_owned(),
        alias: "live".to_owned(),
        current_version: "7".to_owned(),
        target_version: "8".to_owned(),
        target_state: Ok(Some("Active".to_owned())),
        alias_versions: Ok(Some(vec!["7".to_owned()])),
        rollback: rollback(),
        alarms: alarms(),
    }
}

fn gate_hook() -> LifecycleHook {
    LifecycleHook {
        function: Some(
            "arn:aws:lambda:eu-central-1:111122223333:function:pre-traffic:live".to_owned(),
        ),
        role: Some("arn:aws:iam::111122223333:role/ecs-hooks".to_owned()),
        stages: vec![
            "POST_TEST_TRAFFIC_SHIFT".to_owned(),
            "POST_PRODUCTION_TRAFFIC_SHIFT".to_owned(),
        ],
        timeout: Some(Duration::from_hours(1)),
        continues_on_timeout: false,
    }
}

fn pause() -> LifecycleHook {
    LifecycleHook {
        function: None,
        role: None,
        stages: vec!["PRE_PRODUCTION_TRAFFIC_SHIFT".to_owned()],
        ..gate_hook()
    }
}

fn ecs() -> EcsDeployment {
    let mut release = release();
    release.named_target_groups = vec![group("blue").arn, group("green").arn];
    if let Ok(Some(service)) = &mut release.service {
        service.controller = "ECS".to_owned();
        service.stack = Ok(Some("shop".to_owned()));
    }
    EcsDeployment {
        release,
        production_rule: Some(rule_arn("prod")),
        test_rule: Some(rule_arn("test")),
        routes: Ok(vec![
            route(rule_arn("prod"), &["blue", "green"]),
            route(rule_arn("test"), &["blue", "green"]),
        ]),
        bake_time: Duration::from_mins(10),
        shift_time: Duration::ZERO,
        strategy: Strategy::TrafficShift,
        hooks: vec![gate_hook(), pause()],
        circuit_breaker: true,
        alarms_roll_back: true,
        is_first: false,
        event_rules: Ok(Vec::new()),
    }
}

/// What does not hold, as people read it.
fn wrong(facts: &Facts) -> String {
    wrong_with(facts, &Options::default())
}

fn wrong_with(facts: &Facts, options: &Options) -> String {
    let summary = judge(facts, options)
        .into_iter()
        .filter_map(|Finding { rule, outcome }| match outcome {
            Outcome::Held | Outcome::NotJudged(_) => None,
            Outcome::Mismatch(mismatch) => Some(format!("{rule}: {mismatch}")),
            Outcome::Unknown(why) => Some(format!("{rule}: unknown: {why}")),
        });
    summary.collect::<Vec<_>>().join("\n")
}

fn with_code_deploy(change: impl FnOnce(&mut CodeDeployEcs)) -> String {
    let mut facts = code_deploy_ecs();
    change(&mut facts);
    wrong(&Facts::CodeDeployEcs(Box::new(facts)))
}

fn with_ecs(change: impl FnOnce(&mut EcsDeployment)) -> String {
    let mut facts = ecs();
    change(&mut facts);
    wrong(&Facts::Ecs(Box::new(facts)))
}

fn with_lambda(change: impl FnOnce(&mut CodeDeployLambda)) -> String {
    let mut facts = code_deploy_lambda();
    change(&mut facts);
    wrong(&Facts::CodeDeployLambda(Box::new(facts)))
}

#[test]
fn what_is_in_order_is_said_rule_by_rule() {
    for (platform, facts) in [
        (
            Platform::CodeDeployEcs,
            Facts::CodeDeployEcs(Box::new(code_deploy_ecs())),
        ),
        (
            Platform::CodeDeployLambda,
            Facts::CodeDeployLambda(Box::new(code_deploy_lambda())),
        ),
        (Platform::Ecs, Facts::Ecs(Box::new(ecs()))),
    ] {
        let findings = judge(&facts, &Options::default());
        let mut judged: Vec<Rule> = Vec::new();
        for Finding { rule, outcome } in findings {
            let allowed = rule == Rule::FirstDeployment || outcome == Outcome::Held;
            assert!(allowed, "{rule}: {outcome:?}");
            judged.push(rule);
        }
        let wanted: Vec<Rule> = Rule::ALL
            .iter()
            .copied()
            .filter(|rule| rule.platforms().contains(&platform))
            .collect();
        assert_eq!(judged, wanted, "{platform:?}: the table's rules, once each");
    }
}

#[test]
fn an_excepted_rule_is_not_judged() {
    let mut facts = code_deploy_lambda();
    facts.rollback.enabled = false;
    let facts = Facts::CodeDeployLambda(Box::new(facts));
    let options = Options {
        except: [Rule::AutomaticRollback].into(),
        ..Options::default()
    };
    assert_eq!(wrong_with(&facts, &options), "");
    assert!(
        judge(&facts, &options)
            .iter()
            .all(|finding| finding.rule != Rule::AutomaticRollback)
    );
    assert_ne!(wrong(&facts), "");
}

#[test]
fn what_is_not_known_is_never_in_order() {
    let denied = || "DescribeX failed: denied; the function's role needs x".to_owned();
    let count = |wrong: String| {
        assert!(
            wrong
                .lines()
                .all(|line| line.contains(": unknown: DescribeX failed")),
            "{wrong}"
        );
        wrong.lines().count()
    };
    assert_eq!(
        count(with_code_deploy(
            |it| it.release.task_definition = Err(denied())
        )),
        9
    );
    assert_eq!(
        count(with_code_deploy(|it| it.release.service = Err(denied()))),
        2
    );
    assert_eq!(
        count(with_code_deploy(
            |it| it.release.target_groups = Err(denied())
        )),
        7
    );
    assert_eq!(
        count(with_code_deploy(
            |it| it.release.old_task_definition = Err(denied())
        )),
        1
    );
    assert_eq!(
        count(with_code_deploy(|it| it.release.image = Err(denied()))),
        1
    );
    assert_eq!(
        count(with_code_deploy(
            |it| it.release.versions.new = Err(denied())
        )),
        1
    );
    assert_eq!(
        count(with_code_deploy(
            |it| it.release.versions.old = Err(denied())
        )),
        1
    );
    assert_eq!(
        count(with_code_deploy(
            |it| it.release.alarms.existing = Err(denied())
        )),
        1
    );
    assert_eq!(count(with_code_deploy(|it| it.routes = Err(denied()))), 3);
    assert_eq!(count(with_ecs(|it| it.event_rules = Err(denied()))), 1);
    assert_eq!(count(with_ecs(|it| it.routes = Err(denied()))), 4);
    assert_eq!(count(with_lambda(|it| it.target_state = Err(denied()))), 1);
    assert_eq!(
        count(with_lambda(|it| it.alias_versions = Err(denied()))),
        1
    );
}
