//! What networks and security groups say of who reaches whom. Peering, transit gateways, network ACLs and names are not
//! looked at: where one of these could help, the answer is unknown and no problem.

use wiring::{Outcome, Platform, mismatch};

use crate::facts::{
    BakeFit, DefaultRoute, Facts, Function, FunctionConfiguration, GroupRule, Listener,
    SecurityGroup, Suite,
};
use crate::finding::{Outcomes, not_judged, of_known};

const HTTPS_PORT: u16 = 443;
const GATES: [&str; 2] = ["PreTraffic", "PostTraffic"];

/// The functions that Lambda knows, with what it says of them.
fn known(facts: &Facts) -> Vec<(&Function, &FunctionConfiguration)> {
    let functions = facts.functions.as_deref().unwrap_or_default().iter();
    let configured = functions.filter_map(|function| {
        let configuration = function.configuration.as_ref().ok()?.as_ref()?;
        Some((function, configuration))
    });
    configured.collect()
}

/// The endpoints without which a function can't do its work, as far as the stack, its callers and their suites say;
/// docs/operating.md has what else may be called.
fn needed_endpoints(facts: &Facts, function: &Function) -> Vec<&'static str> {
    let needed = match function.logical_id.as_str() {
        id if GATES.contains(&id) => needed_by_gates(facts),
        "ApprovalNotifier" => vec![
            ("codepipeline", true),
            ("dynamodb", true),
            ("ecs", !facts.stack.parameter("EcsServices").is_empty()),
            (
                "s3",
                facts
                    .stack
                    .parameter("ApprovalsConfig")
                    .starts_with("s3://"),
            ),
            ("scheduler", true),
            ("secretsmanager", true),
        ],
        _ => Vec::new(),
    };
    let needed = needed.into_iter().filter(|(_, needed)| *needed);
    needed.map(|(service, _)| service).collect()
}

/// Without SNS a gate answers all the same.
fn needed_by_gates(facts: &Facts) -> Vec<(&'static str, bool)> {
    let callers = facts.deployments.as_deref().unwrap_or_default().iter();
    let callers: Vec<_> = callers.filter(|it| it.calls_gates()).collect();
    let by_codedeploy = callers.iter().any(|it| it.platform != Some(Platform::Ecs));
    let of_containers = callers
        .iter()
        .any(|it| it.platform != Some(Platform::CodeDeployLambda));
    let reads = |suite: &Suite, gate: usize| {
        suite
            .callers
            .iter()
            .any(|it| it.gates[gate] && it.platform != Some(Platform::Ecs))
    };
    let hands_on = facts.usable_suites().any(|(suite, content)| {
        let bake = content.bake == BakeFit::HandedOn && reads(suite, 1);
        let wait = content.asks_people && (reads(suite, 0) || reads(suite, 1));
        bake || wait
    });
    let asks_people = facts
        .usable_suites()
        .any(|(_, content)| content.asks_people);
    let is_overridable = facts
        .usable_suites()
        .any(|(_, content)| content.is_overridable);
    let names = |prefix: &str| {
        facts
            .secrets
            .iter()
            .any(|it| it.written.starts_with(prefix))
    };
    vec![
        ("codedeploy", by_codedeploy),
        (
            "codepipeline",
            facts.stack.parameter("PipelineGates") == "on",
        ),
        ("dynamodb", asks_people || is_overridable),
        ("ecs", of_containers),
        ("elasticloadbalancing", of_containers),
        ("events", asks_people),
        ("lambda", hands_on),
        ("s3", true),
        ("secretsmanager", names("secretsmanager:")),
        ("ssm", names("ssm:")),
    ]
}

pub(crate) fn way_out(facts: &Facts) -> Outcomes {
    let known = known(facts);
    let mut inside = known
        .iter()
        .filter(|(_, it)| !it.subnets.is_empty())
        .peekable();
    if inside.peek().is_none() {
        return not_judged("no function is in a VPC");
    }
    let network = &facts.network;
    let (routes, groups, endpoints) = match (
        &network.routes,
        &network.security_groups,
        &network.endpoints,
    ) {
        (Ok(routes), Ok(groups), Ok(endpoints)) => (routes, groups, endpoints),
        (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => {
            return vec![Outcome::Unknown(why.clone())];
        }
    };
    let mut outcomes = Outcomes::new();
    for (function, configuration) in inside {
        let place = format!("the function {}", function.name);
        let here = endpoints.get(&configuration.vpc);
        let has = |service: &&str| here.is_some_and(|all| all.iter().any(|one| one == service));
        let mut missing = needed_endpoints(facts, function);
        missing.retain(|service| !has(service));
        for subnet in &configuration.subnets {
            let what = match routes.get(subnet) {
                Some(DefaultRoute::Elsewhere) => continue,
                _ if missing.is_empty() => continue,
                Some(DefaultRoute::InternetGateway) => {
                    "leads to an internet gateway, and a function has no public address there"
                }
                Some(DefaultRoute::None) => "has no default route",
                None => "is not there, or nothing is known of its routes",
            };
            let lacks = format!(
                "runs in the subnet {subnet}, which {what}; there are no endpoints for {}",
                missing.join(", ")
            );
            let remedy = "name subnets whose default route leads to a NAT gateway, or add the endpoints (docs/operating.md)";
            outcomes.push(mismatch(&place, lacks, remedy));
        }
        let of_function = configuration
            .security_groups
            .iter()
            .filter_map(|id| groups.get(id));
        let rules: Vec<&GroupRule> = of_function.flat_map(|group| &group.egress).collect();
        if !rules.iter().any(|rule| rule.takes(HTTPS_PORT)) {
            let what = format!(
                "has security groups ({}) that let nothing out on port 443",
                configuration.security_groups.join(", ")
            );
            outcomes.push(mismatch(
                place,
                what,
                "allow it outbound, at least to the endpoints of AWS",
            ));
        }
    }
    outcomes
}

pub(crate) fn listeners(facts: &Facts) -> Outcomes {
    let known = known(facts);
    let is_gate = |function: &Function| GATES.contains(&function.logical_id.as_str());
    let Some((gate, configuration)) = known.iter().find(|(function, _)| is_gate(function)) else {
        return vec![Outcome::Unknown(
            "the configuration of the gates is not known".to_owned(),
        )];
    };
    of_known(&facts.deployments, |deployments| {
        let mut outcomes = Outcomes::new();
        let mut seen: Vec<&Listener> = Vec::new();
        for deployment in deployments.iter().filter(|it| it.calls_gates()) {
            let listeners = match &deployment.listeners {
                Ok(listeners) => listeners,
                Err(why) => {
                    outcomes.push(Outcome::Unknown(format!("{}: {why}", deployment.place)));
                    continue;
                }
            };
            for listener in listeners {
                if seen.contains(&listener) {
                    continue;
                }
                seen.push(listener);
                outcomes.extend(reaches(facts, gate, configuration, listener));
            }
        }
        if seen.is_empty() && outcomes.is_empty() {
            return not_judged("no caller has a listener that is known");
        }
        outcomes
    })
}

/// What keeps a gate from a listener, if anything does.
fn reaches(
    facts: &Facts,
    gate: &Function,
    configuration: &FunctionConfiguration,
    listener: &Listener,
) -> Option<Outcome> {
    let Listener {
        load_balancer,
        port,
        ..
    } = listener;
    let place = format!("the listener {load_balancer}:{port}");
    let outside = configuration.subnets.is_empty();
    if listener.is_internal && outside {
        return Some(mismatch(
            place,
            format!(
                "is internal, and {} runs outside of the VPC, so it gets no answer",
                gate.name
            ),
            format!(
                "set SubnetIds and SecurityGroupIds to subnets and a security group of {}",
                listener.vpc
            ),
        ));
    }
    if listener.is_internal && configuration.vpc != listener.vpc {
        return Some(Outcome::Unknown(format!(
            "{place} is in {}, and {} in {}; whether one leads to the other is not looked at",
            listener.vpc, gate.name, configuration.vpc
        )));
    }
    if listener.security_groups.is_empty() {
        return None;
    }
    let groups = match &facts.network.security_groups {
        Ok(groups) => groups,
        Err(why) => return Some(Outcome::Unknown(why.clone())),
    };
    let of = |ids: &[String]| -> Vec<&SecurityGroup> {
        ids.iter().filter_map(|id| groups.get(id)).collect()
    };
    let rules: Vec<&GroupRule> = of(&listener.security_groups)
        .iter()
        .flat_map(|it| &it.ingress)
        .collect();
    let rules: Vec<&&GroupRule> = rules.iter().filter(|rule| rule.takes(*port)).collect();
    let own = &configuration.security_groups;
    let lets_in = |rule: &&&GroupRule| {
        let by_group = listener.is_internal && rule.groups.iter().any(|group| own.contains(group));
        let everybody = rule
            .ranges
            .iter()
            .any(|range| range == "0.0.0.0/0" || range == "::/0");
        by_group || everybody
    };
    if !rules.iter().any(lets_in) {
        // A range may hold the subnets' addresses, or those of the NAT gateway.
        let perhaps = rules
            .iter()
            .any(|rule| !rule.prefix_lists.is_empty() || (!outside && !rule.ranges.is_empty()));
        if perhaps {
            return Some(Outcome::Unknown(format!(
                "{place} lets some addresses in, and whether {} has one of them is not looked at",
                gate.name
            )));
        }
        let who = if outside {
            "comes from any public address of AWS".to_owned()
        } else {
            format!("is in {}", own.join(", "))
        };
        return Some(mismatch(
            place,
            format!(
                "does not let {} in, which {who}: no rule of {} allows port {port}",
                gate.name,
                listener.security_groups.join(", ")
            ),
            if outside {
                "let the gates run in the VPC (SubnetIds, SecurityGroupIds) and let their security group in"
            } else {
                "add an inbound rule for the gates' security group"
            },
        ));
    }
    let egress: Vec<&GroupRule> = of(own).iter().flat_map(|it| &it.egress).collect();
    (!outside && !egress.iter().any(|rule| rule.takes(*port))).then(|| {
        mismatch(
            format!("the function {}", gate.name),
            format!("has security groups ({}) that let nothing out on port {port}, where {load_balancer} listens", own.join(", ")),
            "add an outbound rule",
        )
    })
}

impl GroupRule {
    /// Whether it is about this port.
    fn takes(&self, port: u16) -> bool {
        self.ports
            .is_none_or(|(from, to)| (from..=to).contains(&port))
    }
}
