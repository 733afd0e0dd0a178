mod network;

use std::collections::BTreeMap;

use crate::facts::{
    BakeFit, Configuration, DefaultRoute, Deployment, Facts, Function, FunctionConfiguration,
    GroupRule, Listener, Network, Queue, Schedule, Secret, SecurityGroup, Stack, Subscription,
    Suite, SuiteCaller, SuiteContent, Topic,
};
use crate::{Outcome, Rule, judge};
use wiring::Platform;

const SUITE: &str = "s3://suites/shop.yaml";
const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop/smoke-a1b2c3";

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn function(logical_id: &str, timeout: u32) -> Function {
    let variables = [("SUITE", SUITE), ("EVENT_BUS", "")];
    Function {
        logical_id: logical_id.to_owned(),
        name: format!("CodeDeployHook_{logical_id}"),
        configuration: Ok(Some(FunctionConfiguration {
            state: "Active".to_owned(),
            last_update: "Successful".to_owned(),
            timeout,
            environment: texts(&variables),
            subnets: vec!["subnet-1".to_owned()],
            security_groups: vec!["sg-gates".to_owned()],
            vpc: "vpc-1".to_owned(),
            ..FunctionConfiguration::default()
        })),
    }
}

fn anywhere() -> GroupRule {
    GroupRule {
        ranges: vec!["0.0.0.0/0".to_owned()],
        ..GroupRule::default()
    }
}

/// Everything in order, in a VPC, with an internal listener.
fn sound() -> Facts {
    let topic = |name: &str| Topic {
        logical_id: name.to_owned(),
        subscriptions: Ok(vec![Subscription {
            protocol: "email".to_owned(),
            endpoint: "a@example.com".to_owned(),
            is_confirmed: true,
        }]),
    };
    let from_gates = GroupRule {
        ports: Some((9443, 9443)),
        groups: vec!["sg-gates".to_owned()],
        ..GroupRule::default()
    };
    let groups = BTreeMap::from([
        (
            "sg-gates".to_owned(),
            SecurityGroup {
                egress: vec![anywhere()],
                ..SecurityGroup::default()
            },
        ),
        (
            "sg-shop".to_owned(),
            SecurityGroup {
                ingress: vec![from_gates],
                ..SecurityGroup::default()
            },
        ),
    ]);
    Facts {
        stack: Stack {
            name: "deploy-hooks".to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            parameters: texts(&[
                ("SuiteLocation", SUITE),
                ("PreTrafficTimeout", "300"),
                ("PostTrafficTimeout", "900"),
                (
                    "SecretArns",
                    "arn:aws:secretsmanager:*:111122223333:secret:shop/*",
                ),
            ]),
        },
        functions: Ok(vec![
            function("PreTraffic", 300),
            function("PostTraffic", 900),
        ]),
        topics: Ok(vec![topic("OutcomeTopic")]),
        queues: Ok(vec![Queue {
            logical_id: "UndeliveredQueue".to_owned(),
            waiting: Ok(0),
        }]),
        schedules: Ok(vec![Schedule {
            name: "env-scheduler-up".to_owned(),
            is_enabled: Ok(Some(true)),
        }]),
        deployments: Ok(vec![Deployment {
            place: "the deployment group shop/production".to_owned(),
            platform: Some(Platform::CodeDeployEcs),
            gates: Ok([true, true]),
            wiring: Ok(Vec::new()),
            listeners: Ok(vec![Listener {
                load_balancer: "shop".to_owned(),
                port: 9443,
                is_internal: true,
                vpc: "vpc-1".to_owned(),
                security_groups: vec!["sg-shop".to_owned()],
            }]),
        }]),
        suites: vec![Suite {
            place: SUITE.to_owned(),
            for_what: "the deployment group shop/production".to_owned(),
            callers: vec![SuiteCaller {
                place: "the deployment group shop/production".to_owned(),
                platform: Some(Platform::CodeDeployEcs),
                gates: [true, true],
            }],
            content: Ok(Some(SuiteContent {
                required: [2, 1],
                ..SuiteContent::default()
            })),
        }],
        secrets: vec![Secret {
            written: "secretsmanager:shop/smoke".to_owned(),
            suite: SUITE.to_owned(),
            arn: Ok(Some(SECRET.to_owned())),
        }],
        configurations: vec![Configuration {
            parameter: "ApprovalsConfig".to_owned(),
            place: "s3://configs/approvals.yaml".to_owned(),
            problem: Ok(None),
        }],
        network: Network {
            routes: Ok(BTreeMap::from([(
                "subnet-1".to_owned(),
                DefaultRoute::Elsewhere,
            )])),
            security_groups: Ok(groups),
            endpoints: Ok(BTreeMap::new()),
        },
    }
}

/// What is said of a rule, in words.
fn said(facts: &Facts, rule: Rule) -> Vec<String> {
    let findings = judge(facts);
    let of_rule = findings.into_iter().filter(|finding| finding.rule == rule);
    of_rule
        .map(|finding| match finding.outcome {
            Outcome::Held => "holds".to_owned(),
            Outcome::Mismatch(mismatch) => mismatch.to_string(),
            Outcome::Unknown(why) => format!("unknown: {why}"),
            Outcome::NotJudged(why) => format!("not judged: {why}"),
        })
        .collect()
}

fn pre(facts: &mut Facts) -> &mut FunctionConfiguration {
    let functions = facts.functions.as_mut().unwrap();
    functions[0]
        .configuration
        .as_mut()
        .unwrap()
        .as_mut()
        .unwrap()
}

fn caller(facts: &mut Facts) -> &mut Deployment {
    &mut facts.deployments.as_mut().unwrap()[0]
}

fn content(facts: &mut Facts) -> &mut SuiteContent {
    facts.suites[0].content.as_mut().unwrap().as_mut().unwrap()
}

fn too_long() -> BakeFit {
    BakeFit::TooLong {
        why: "the bake of 55m does not fit".to_owned(),
        remedy: "shorten it".to_owned(),
    }
}

type Change = fn(&mut Facts);

#[test]
fn a_sound_installation_holds_every_rule() {
    for rule in Rule::ALL {
        assert_eq!(said(&sound(), *rule), ["holds"], "{rule}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table")]
fn each_thing_that_is_wrong_is_found_by_its_rule_alone() {
    let wrong: &[(Rule, Change, &str)] = &[
        (
            Rule::Stack,
            |f| f.stack.status = "UPDATE_ROLLBACK_COMPLETE".into(),
            "its last update was taken back",
        ),
        (
            Rule::Stack,
            |f| f.stack.status = "ROLLBACK_COMPLETE".into(),
            "is ROLLBACK_COMPLETE",
        ),
        (
            Rule::Stack,
            |f| f.stack.status = "UPDATE_IN_PROGRESS".into(),
            "unknown: the stack deploy-hooks is UPDATE_IN_PROGRESS",
        ),
        (
            Rule::Functions,
            |f| pre(f).state = "Inactive".into(),
            "is Inactive",
        ),
        (
            Rule::Functions,
            |f| pre(f).last_update = "Failed".into(),
            "the code before runs",
        ),
        (
            Rule::Settings,
            |f| pre(f).timeout = 3,
            "has a time limit of 3 s, and PreTrafficTimeout says 300 s",
        ),
        (
            Rule::Settings,
            |f| {
                pre(f).environment.clear();
            },
            "has SUITE = \"\"",
        ),
        (
            Rule::Suites,
            |f| content(f).problems = Some("line 3: x".into()),
            "is wrong: line 3: x",
        ),
        (
            Rule::RequiredChecks,
            |f| content(f).required = [1, 0],
            "has no required check for post-traffic, so each release of the deployment group shop/production would be stopped there",
        ),
        (
            Rule::Bake,
            |f| content(f).bake = too_long(),
            "would stop each release of the deployment group shop/production: the bake of 55m",
        ),
        (
            Rule::Questions,
            |f| content(f).asks_people = true,
            "set ApprovalsConfig and GateEventBus",
        ),
        (
            Rule::Secrets,
            |f| f.secrets[0].arn = Ok(None),
            "does not exist",
        ),
        (
            Rule::Secrets,
            |f| {
                f.stack.parameters.remove("SecretArns");
            },
            "SecretArns does not name",
        ),
        (
            Rule::Secrets,
            |f| f.secrets[0].arn = Err("denied".into()),
            "unknown: denied",
        ),
        (
            Rule::Configurations,
            |f| f.configurations[0].problem = Ok(Some("line 1".into())),
            "can't be used: line 1",
        ),
        (
            Rule::Subscriptions,
            |f| f.topics.as_mut().unwrap()[0].subscriptions = Ok(vec![]),
            "nobody hears of it",
        ),
        (
            Rule::Queues,
            |f| f.queues.as_mut().unwrap()[0].waiting = Ok(2),
            "holds 2 messages",
        ),
        (
            Rule::Schedules,
            |f| f.schedules.as_mut().unwrap()[0].is_enabled = Ok(Some(false)),
            "is disabled",
        ),
        (
            Rule::Schedules,
            |f| f.schedules.as_mut().unwrap()[0].is_enabled = Ok(None),
            "does not exist",
        ),
        (
            Rule::WayOut,
            |f| {
                f.network.routes =
                    Ok([("subnet-1".to_owned(), DefaultRoute::InternetGateway)].into());
            },
            "no public address",
        ),
        (
            Rule::WayOut,
            |f| f.network.routes = Ok(BTreeMap::new()),
            "is not there",
        ),
        (
            Rule::WayOut,
            |f| f.network.endpoints = Err("denied".into()),
            "unknown: denied",
        ),
        (
            Rule::Listeners,
            |f| caller(f).listeners.as_mut().unwrap()[0].port = 80,
            "no rule of sg-shop allows port 80",
        ),
        (
            Rule::Listeners,
            |f| caller(f).listeners.as_mut().unwrap()[0].vpc = "vpc-2".into(),
            "unknown: the listener shop:9443 is in vpc-2",
        ),
        (
            Rule::Wiring,
            |f| caller(f).wiring = Err("it was never deployed".into()),
            "unknown: the deployment group shop/production",
        ),
    ];
    // Who calls is in a test of its own.
    let untested: Vec<&Rule> = Rule::ALL
        .iter()
        .filter(|rule| **rule != Rule::Callers && !wrong.iter().any(|(of, _, _)| of == *rule))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
    for (rule, change, expected) in wrong {
        let mut facts = sound();
        change(&mut facts);
        let found = said(&facts, *rule);
        assert!(
            found.iter().any(|one| one.contains(expected)),
            "{rule}: {found:?}"
        );
        let others = Rule::ALL.iter().filter(|other| *other != rule);
        for other in others {
            let found = said(&facts, *other);
            let quiet = |one: &String| one == "holds" || one.starts_with("not judged");
            assert!(found.iter().all(quiet), "{expected}: {other}: {found:?}");
        }
    }
}

#[test]
fn a_confirmation_that_is_missing_names_whose() {
    let mut facts = sound();
    let topics = facts.topics.as_mut().unwrap();
    topics[0].subscriptions.as_mut().unwrap()[0].is_confirmed = false;
    let [found] = said(&facts, Rule::Subscriptions).try_into().unwrap();
    assert!(
        found.contains("email a@example.com that is not confirmed"),
        "{found}"
    );
}

fn deployed_by(facts: &mut Facts, platform: Platform) {
    caller(facts).platform = Some(platform);
    facts.suites[0].callers[0].platform = Some(platform);
}

#[test]
fn a_bake_is_too_long_for_codedeploy_alone() {
    let mut facts = sound();
    content(&mut facts).bake = too_long();
    deployed_by(&mut facts, Platform::Ecs);
    assert_eq!(said(&facts, Rule::Bake), ["holds"]);
    deployed_by(&mut facts, Platform::CodeDeployLambda);
    assert_ne!(said(&facts, Rule::Bake), ["holds"]);
    facts.suites[0].callers[0].gates = [true, false];
    assert_eq!(said(&facts, Rule::Bake), ["holds"], "nobody bakes");
}

#[test]
fn a_gate_that_nobody_hooks_needs_no_required_check() {
    let mut facts = sound();
    content(&mut facts).required = [1, 0];
    facts.suites[0].callers[0].gates = [true, false];
    assert_eq!(said(&facts, Rule::RequiredChecks), ["holds"]);
    // Of a suite for whatever calls next, it is not known which gate reads it.
    facts.suites[0].callers.clear();
    assert_eq!(said(&facts, Rule::RequiredChecks), ["holds"]);
    content(&mut facts).required = [0, 0];
    assert_ne!(said(&facts, Rule::RequiredChecks), ["holds"]);
}

#[test]
fn what_is_not_known_is_never_held() {
    let mut facts = sound();
    let why = || "denied".to_owned();
    facts.functions = Err(why());
    facts.topics = Err(why());
    facts.queues = Err(why());
    facts.schedules = Err(why());
    facts.deployments = Err(why());
    for suite in &mut facts.suites {
        suite.content = Err(why());
    }
    facts.secrets[0].arn = Err(why());
    facts.configurations[0].problem = Err(why());
    for rule in Rule::ALL.iter().filter(|rule| **rule != Rule::Stack) {
        let found = said(&facts, *rule);
        assert!(!found.contains(&"holds".to_owned()), "{rule}: {found:?}");
    }
    // Whose suites are not known has none that could be looked at.
    facts.suites.clear();
    facts.secrets.clear();
    assert_eq!(said(&facts, Rule::Suites), ["unknown: denied"]);
    assert_eq!(
        said(&facts, Rule::Secrets),
        ["not judged: there is no suite that could be read"]
    );
}

#[test]
fn without_a_caller_the_installation_does_nothing_and_pipelines_are_callers() {
    let mut facts = sound();
    caller(&mut facts).gates = Ok([false, false]);
    let [found] = said(&facts, Rule::Callers).try_into().unwrap();
    assert!(found.contains("is called by nobody"), "{found}");
    caller(&mut facts).gates = Err("its AppSpec lies in S3".into());
    assert_eq!(
        said(&facts, Rule::Callers),
        ["unknown: its AppSpec lies in S3"]
    );
    facts
        .stack
        .parameters
        .insert("PipelineGates".into(), "on".into());
    assert_eq!(said(&facts, Rule::Callers), ["holds"]);
}

#[test]
fn a_mismatch_of_the_wiring_is_a_problem_with_its_place() {
    let mut facts = sound();
    caller(&mut facts).wiring = Ok(vec![wiring::Finding {
        rule: wiring::Rule::AutomaticRollback,
        outcome: Outcome::Mismatch(wiring::Mismatch {
            place: "the deployment group production".into(),
            what: "does not roll back".into(),
            remedy: "switch it on".into(),
        }),
    }]);
    assert_eq!(
        said(&facts, Rule::Wiring),
        [
            "the deployment group shop/production: the deployment group production does not roll back (automatic-rollback); switch it on"
        ]
    );
}

#[test]
fn the_docs_list_every_rule() {
    let docs = include_str!("../../../docs/doctor.md");
    let table: Vec<&str> = docs
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let rules = Rule::ALL
        .iter()
        .map(|rule| format!("| `{rule}` | {} |", rule.holds()));
    let rules: Vec<String> = rules.collect();
    assert_eq!(table, rules, "write these rows:\n{}", rules.join("\n"));
}
