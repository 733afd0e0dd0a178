//! The rules, but for those of the network.

use wiring::{Outcome, Platform, mismatch};

use crate::facts::{BakeFit, Deployment, Facts, Function, Secret, Suite, SuiteContent};
use crate::finding::{Finding, Outcomes, not_judged, of_known};
use crate::network;
use crate::rule::Rule;

/// The gates, as messages name them: before traffic and after.
const GATES: [&str; 2] = ["pre-traffic", "post-traffic"];

/// Judges every rule, in their order. A rule that is about several things may have several findings.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in Rule::ALL.iter().copied() {
        let mut outcomes = of_rule(rule, facts);
        if outcomes.is_empty() {
            outcomes.push(Outcome::Held);
        }
        findings.extend(
            outcomes
                .into_iter()
                .map(|outcome| Finding { rule, outcome }),
        );
    }
    findings
}

fn of_rule(rule: Rule, facts: &Facts) -> Outcomes {
    match rule {
        Rule::Stack => stack(facts),
        Rule::Functions => of_known(&facts.functions, |all| {
            all.iter().filter_map(function).collect()
        }),
        Rule::Settings => settings(facts),
        Rule::Callers => callers(facts),
        Rule::Suites => suites(facts),
        Rule::RequiredChecks => each_suite(facts, required_checks),
        Rule::Bake => each_suite(facts, bake),
        Rule::Questions => questions(facts),
        Rule::Secrets => secrets(facts),
        Rule::Configurations => configurations(facts),
        Rule::Subscriptions => subscriptions(facts),
        Rule::Queues => queues(facts),
        Rule::Schedules => schedules(facts),
        Rule::WayOut => network::way_out(facts),
        Rule::Listeners => network::listeners(facts),
        Rule::Wiring => wiring_of_callers(facts),
    }
}

fn stack(facts: &Facts) -> Outcomes {
    let (name, status) = (&facts.stack.name, facts.stack.status.as_str());
    let place = format!("the stack {name}");
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Vec::new(),
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => vec![mismatch(
            place,
            format!("is {status}: its last update was taken back, so it is as it was before"),
            "look at the stack's events for the first failure, and deploy again",
        )],
        status if status.ends_with("_IN_PROGRESS") => vec![Outcome::Unknown(format!(
            "{place} is {status}; ask again when that is done"
        ))],
        _ => vec![mismatch(
            place,
            format!("is {status}"),
            "look at the stack's events for the first failure; a stack that was never made must be deleted first",
        )],
    }
}

fn function(function: &Function) -> Option<Outcome> {
    let place = format!("the function {}", function.name);
    let configuration = match &function.configuration {
        Ok(Some(configuration)) => configuration,
        Ok(None) => {
            return Some(mismatch(
                place,
                "does not exist, although the stack has it",
                "somebody has deleted it; deploy the stack anew",
            ));
        }
        Err(why) => return Some(Outcome::Unknown(why.clone())),
    };
    let why = match configuration.why.as_str() {
        "" => String::new(),
        why => format!(" ({why})"),
    };
    if configuration.state != "Active" {
        let what = format!("is {}{why}", configuration.state);
        let remedy = "an Inactive one wakes by itself when it is invoked; else deploy it anew";
        return Some(mismatch(place, what, remedy));
    }
    (configuration.last_update == "Failed").then(|| {
        let what = format!("could not be updated{why}, so the code before runs");
        mismatch(place, what, "mend what Lambda says, and deploy again")
    })
}

/// What the stack's parameters say, beside what the functions have.
fn settings(facts: &Facts) -> Outcomes {
    const TIMEOUT_PARAMETERS: [(&str, &str); 2] = [
        ("PreTraffic", "PreTrafficTimeout"),
        ("PostTraffic", "PostTrafficTimeout"),
    ];
    const VARIABLES: [(&str, &str, &str); 6] = [
        ("PreTraffic", "SUITE", "SuiteLocation"),
        ("PostTraffic", "SUITE", "SuiteLocation"),
        ("PreTraffic", "EVENT_BUS", "GateEventBus"),
        ("PostTraffic", "EVENT_BUS", "GateEventBus"),
        ("ApprovalNotifier", "APPROVALS_CONFIG", "ApprovalsConfig"),
        ("ApprovalDecision", "APPROVALS_CONFIG", "ApprovalsConfig"),
    ];
    of_known(&facts.functions, |functions| {
        let known = |logical_id: &str| {
            let mut all = functions.iter();
            let function = all.find(|function| function.logical_id == logical_id)?;
            let configuration = function.configuration.as_ref().ok()?.as_ref()?;
            Some((format!("the function {}", function.name), configuration))
        };
        let remedy = "somebody has changed the function by hand; deploy the stack anew, or change the parameter";
        let timeouts = TIMEOUT_PARAMETERS
            .iter()
            .filter_map(|(logical_id, parameter)| {
                let (place, configuration) = known(logical_id)?;
                let wanted: u32 = facts.stack.parameter(parameter).parse().ok()?;
                let has = configuration.timeout;
                (has != wanted).then(|| {
                    let what =
                        format!("has a time limit of {has} s, and {parameter} says {wanted} s");
                    mismatch(place, what, remedy)
                })
            });
        let variables = VARIABLES
            .iter()
            .filter_map(|(logical_id, variable, parameter)| {
                let (place, configuration) = known(logical_id)?;
                let wanted = facts.stack.parameter(parameter);
                let has = configuration.environment.get(*variable);
                let has = has.map_or("", String::as_str);
                (has != wanted).then(|| {
                    let what = format!("has {variable} = {has:?}, and {parameter} says {wanted:?}");
                    mismatch(place, what, remedy)
                })
            });
        timeouts.chain(variables).collect()
    })
}

fn callers(facts: &Facts) -> Outcomes {
    of_known(&facts.deployments, |deployments| {
        let by_pipelines = facts.stack.parameter("PipelineGates") == "on";
        if by_pipelines || deployments.iter().any(Deployment::calls_gates) {
            return Vec::new();
        }
        let unknown = deployments.iter().filter_map(|it| it.gates.as_ref().err());
        let unknown: Outcomes = unknown.cloned().map(Outcome::Unknown).collect();
        if !unknown.is_empty() {
            return unknown;
        }
        vec![mismatch(
            format!("the stack {}", facts.stack.name),
            format!(
                "is called by nobody: of {} deployment groups and services that could be looked at, none names one of its gates",
                deployments.len()
            ),
            "add the two hooks to the AppSpec, or the two lifecycle hooks to the ECS service (docs/operating.md)",
        )]
    })
}

fn suites(facts: &Facts) -> Outcomes {
    if facts.suites.is_empty() {
        if let Err(why) = &facts.deployments {
            return vec![Outcome::Unknown(why.clone())];
        }
        return not_judged(
            "nothing calls the gates yet, so which suites they would read is not known",
        );
    }
    let judge = |suite: &Suite| {
        let place = format!("the suite {}", suite.place);
        match &suite.content {
            Err(why) => Some(Outcome::Unknown(why.clone())),
            Ok(None) => Some(mismatch(
                place,
                format!("is not there; {} would be stopped", suite.for_what),
                "store one (`deploy-hooks init` writes a first one), or change SuiteLocation",
            )),
            Ok(Some(content)) => content.problems.as_ref().map(|problems| {
                let what = format!("is wrong: {problems}");
                mismatch(
                    place,
                    what,
                    "mend it; `deploy-hooks validate` says the same on a laptop",
                )
            }),
        }
    };
    facts.suites.iter().filter_map(judge).collect()
}

/// Judges the suites that can be read; of others [`Rule::Suites`] says what is wrong.
fn each_suite(facts: &Facts, judge: impl Fn(&Suite, &SuiteContent) -> Option<Outcome>) -> Outcomes {
    let read: Vec<_> = facts.usable_suites().collect();
    if read.is_empty() {
        return not_judged("there is no suite that could be read");
    }
    read.into_iter()
        .filter_map(|(suite, content)| judge(suite, content))
        .collect()
}

/// A gate without a required check stops every release.
fn required_checks(suite: &Suite, content: &SuiteContent) -> Option<Outcome> {
    let place = format!("the suite {}", suite.place);
    if suite.callers.is_empty() {
        // Which gate will read it is not known.
        return (content.required == [0, 0]).then(|| {
            mismatch(
                place,
                "has no required check for either gate, so it can't pass",
                "write a check with `severity: required` (the default)",
            )
        });
    }
    let stopped = (0..2).find_map(|gate| {
        let mut callers = suite.callers.iter();
        let caller = callers.find(|caller| caller.gates[gate])?;
        (content.required[gate] == 0).then_some((GATES[gate], caller))
    });
    stopped.map(|(gate, caller)| {
        mismatch(
            place,
            format!(
                "has no required check for {gate}, so each release of {} would be stopped there",
                caller.place
            ),
            format!(
                "write a check for {gate} with `severity: required` (the default), or take that hook away"
            ),
        )
    })
}

/// CodeDeploy waits an hour for a gate. ECS and CodePipeline wait for a day, and a suite takes no longer bake.
fn bake(suite: &Suite, content: &SuiteContent) -> Option<Outcome> {
    let BakeFit::TooLong { why, remedy } = &content.bake else {
        return None;
    };
    let caller = suite
        .callers
        .iter()
        .find(|caller| caller.gates[1] && caller.platform != Some(Platform::Ecs))?;
    Some(mismatch(
        format!("the suite {}", suite.place),
        format!("would stop each release of {}: {why}", caller.place),
        remedy,
    ))
}

fn questions(facts: &Facts) -> Outcomes {
    let missing: Vec<&str> = ["ApprovalsConfig", "GateEventBus"]
        .into_iter()
        .filter(|name| facts.stack.parameter(name).is_empty())
        .collect();
    each_suite(facts, |suite, content| {
        (content.asks_people && !missing.is_empty()).then(|| {
            mismatch(
                format!("the suite {}", suite.place),
                "asks people where the evidence is not enough, and nobody can be asked here",
                format!("set {}", missing.join(" and ")),
            )
        })
    })
}

fn secrets(facts: &Facts) -> Outcomes {
    if facts.secrets.is_empty() && facts.usable_suites().next().is_none() {
        return not_judged("there is no suite that could be read");
    }
    let judge = |secret: &Secret| {
        let place = format!("the secret {} of {}", secret.written, secret.suite);
        let arn = match &secret.arn {
            Err(why) => return Some(Outcome::Unknown(why.clone())),
            Ok(None) => {
                let remedy = "make it, or correct its name in the suite";
                return Some(mismatch(
                    place,
                    "does not exist in this account and region",
                    remedy,
                ));
            }
            Ok(Some(arn)) => arn,
        };
        let parameter = if arn.contains(":ssm:") {
            "SsmParameterArns"
        } else {
            "SecretArns"
        };
        let allowed = facts.stack.parameter(parameter);
        let may_read = allowed
            .split(',')
            .any(|pattern| text::glob::matches(pattern.trim(), arn));
        (!may_read).then(|| {
            mismatch(
                place,
                format!("may not be read by the gates: {parameter} does not name {arn}"),
                format!("add it to {parameter}, and deploy the stack"),
            )
        })
    };
    facts.secrets.iter().filter_map(judge).collect()
}

fn configurations(facts: &Facts) -> Outcomes {
    let all = facts.configurations.iter();
    all.filter_map(|configuration| {
        let (parameter, place) = (&configuration.parameter, &configuration.place);
        match &configuration.problem {
            Ok(None) => None,
            Ok(Some(what)) => Some(mismatch(
                format!("the configuration {place}"),
                format!("can't be used: {what}"),
                format!("mend it, or change {parameter}"),
            )),
            Err(why) => Some(Outcome::Unknown(why.clone())),
        }
    })
    .collect()
}

fn subscriptions(facts: &Facts) -> Outcomes {
    of_known(&facts.topics, |topics| {
        let mut outcomes = Outcomes::new();
        for topic in topics {
            let place = format!("the topic {}", topic.logical_id);
            let subscriptions = match &topic.subscriptions {
                Ok(subscriptions) => subscriptions,
                Err(why) => {
                    outcomes.push(Outcome::Unknown(why.clone()));
                    continue;
                }
            };
            // A function of the stack itself is subscribed there.
            if subscriptions.is_empty() && topic.logical_id != "ApprovalTopic" {
                let remedy = "subscribe whoever should hear of it, for example by OutcomeEmail";
                outcomes.push(mismatch(
                    &place,
                    "has no subscription, so nobody hears of it",
                    remedy,
                ));
            }
            let pending = subscriptions.iter().filter(|one| !one.is_confirmed);
            outcomes.extend(pending.map(|one| {
                mismatch(
                    &place,
                    format!("has a subscription of {} {} that is not confirmed", one.protocol, one.endpoint),
                    "confirm it by the link in the mail from AWS; after three days the link no longer works, so subscribe again",
                )
            }));
        }
        outcomes
    })
}

fn queues(facts: &Facts) -> Outcomes {
    of_known(&facts.queues, |queues| {
        let judge = |queue: &crate::facts::Queue| match &queue.waiting {
            Ok(0) => None,
            Ok(waiting) => Some(mismatch(
                format!("the queue {}", queue.logical_id),
                format!("holds {waiting} messages that could not be dealt with"),
                "read them: their attributes say why (docs/operating.md, docs/approvals.md)",
            )),
            Err(why) => Some(Outcome::Unknown(why.clone())),
        };
        queues.iter().filter_map(judge).collect()
    })
}

fn schedules(facts: &Facts) -> Outcomes {
    of_known(&facts.schedules, |schedules| {
        // With a fan-out the schedules of the state machine look after all.
        let by_state_machine = !facts.stack.parameter("EnvironmentsFanOut").is_empty();
        let judge = |schedule: &crate::facts::Schedule| {
            let place = format!("the schedule {}", schedule.name);
            let replaced = by_state_machine && schedule.name.starts_with("env-scheduler");
            match &schedule.is_enabled {
                Ok(Some(true)) => None,
                Ok(Some(false)) if replaced => None,
                Ok(Some(false)) => Some(mismatch(
                    place,
                    "is disabled, so nothing sleeps or wakes by it",
                    "enable it, or deploy the stack anew",
                )),
                Ok(None) => Some(mismatch(
                    place,
                    "does not exist, although the stack has it",
                    "somebody has deleted it; deploy the stack anew",
                )),
                Err(why) => Some(Outcome::Unknown(why.clone())),
            }
        };
        schedules.iter().filter_map(judge).collect()
    })
}

/// What would fail at the next deployment, by the rules of the wiring.
fn wiring_of_callers(facts: &Facts) -> Outcomes {
    of_known(&facts.deployments, |deployments| {
        let mut outcomes = Outcomes::new();
        let callers = deployments.iter().filter(|it| it.calls_gates());
        let mut judged = 0;
        for deployment in callers {
            judged += 1;
            let findings = match &deployment.wiring {
                Ok(findings) => findings,
                Err(why) => {
                    outcomes.push(Outcome::Unknown(format!("{}: {why}", deployment.place)));
                    continue;
                }
            };
            outcomes.extend(findings.iter().filter_map(|finding| {
                let place = |of: &str| format!("{}: {of}", deployment.place);
                match &finding.outcome {
                    Outcome::Mismatch(found) => {
                        let what = format!("{} ({})", found.what, finding.rule);
                        Some(mismatch(place(&found.place), what, &found.remedy))
                    }
                    Outcome::Unknown(why) => {
                        Some(Outcome::Unknown(place(&format!("{}: {why}", finding.rule))))
                    }
                    Outcome::Held | Outcome::NotJudged(_) => None,
                }
            }));
        }
        if judged == 0 {
            return not_judged("no deployment group or service calls the gates");
        }
        outcomes
    })
}
