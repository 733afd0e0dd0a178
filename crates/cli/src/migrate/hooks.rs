//! Which stage of ECS a lifecycle event of CodeDeploy is. Pure.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>

use common::arn::Arn;
use gate::Stage;
use hook::{AppSpec, Resource};
use serde::Serialize;
use serde_json::{Value, json};
use strict_yaml::Position;
use text::words::nearest;

use super::Format;

/// What the user fills in.
pub(super) const HOOK_ROLE: &str = "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>";
pub(super) const BALANCER_ROLE: &str = "<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>";
pub(super) const TARGET_GROUP: &str = "<ARN OF THE TARGET GROUP>";
pub(super) const OTHER_TARGET_GROUP: &str = "<ARN OF THE OTHER TARGET GROUP>";
pub(super) const PRODUCTION_RULE: &str = "<ARN OF THE PRODUCTION LISTENER RULE>";
pub(super) const TEST_RULE: &str = "<ARN OF THE TEST LISTENER RULE>";

/// How long a hook may take until ECS rolls back. Without it each counts a day, and CloudFormation takes 1,980 minutes together.
pub(super) const HOOK_TIMEOUT_MINUTES: u16 = 60;
/// How long ECS keeps the old tasks after the traffic has moved.
pub(super) const BAKE_MINUTES: u16 = 10;

/// A lifecycle event of CodeDeploy on ECS.
struct Event {
    name: &'static str,
    stage: &'static str,
    /// How the stage differs, and what to do.
    note: Option<&'static str>,
}

/// Those that a function can be hooked to.
const EVENTS: [Event; 5] = [
    Event {
        name: "BeforeInstall",
        stage: "PRE_SCALE_UP",
        note: Some("nothing runs there yet, so no gate of deploy-hooks can stand there"),
    },
    Event {
        name: "AfterInstall",
        stage: "POST_SCALE_UP",
        note: Some(
            "the new tasks run there and nothing leads to them: a gate asks only the checks that need no request",
        ),
    },
    Event {
        name: "AfterAllowTestTraffic",
        stage: "POST_TEST_TRAFFIC_SHIFT",
        note: None,
    },
    Event {
        name: "BeforeAllowTraffic",
        stage: "PRE_PRODUCTION_TRAFFIC_SHIFT",
        note: Some(
            "ECS calls it before each step of a canary or linear deployment, CodeDeploy called it once",
        ),
    },
    Event {
        name: "AfterAllowTraffic",
        stage: "POST_PRODUCTION_TRAFFIC_SHIFT",
        note: Some(
            "CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step",
        ),
    },
];

/// Events that CodeDeploy runs itself, so that no function was ever called there.
const OWN_EVENTS: [&str; 5] = [
    "Install",
    "AllowTestTraffic",
    "AllowTraffic",
    "Start",
    "End",
];

/// The functions of deploy-hooks as they are named, which answer both callers.
const GATES: [(&str, Stage); 2] = [
    ("CodeDeployHook_pre-traffic", Stage::PreTraffic),
    ("CodeDeployHook_post-traffic", Stage::PostTraffic),
];

/// Most of Lambda functions that a service may have.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>
const MAX_HOOKS: usize = 10;

/// A hook of a service.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ServiceHook {
    pub(super) function: String,
    pub(super) stages: Vec<&'static str>,
    /// The events of CodeDeploy.
    pub(super) events: Vec<String>,
}

/// A hook that no stage of ECS is for.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct UnmappedHook {
    pub(super) event: String,
    pub(super) function: String,
    pub(super) what_to_do: &'static str,
}

/// A gate of deploy-hooks that would refuse every release at this stage.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct RefusedGate {
    pub(super) event: &'static str,
    pub(super) function: String,
    pub(super) stage: &'static str,
    pub(super) why: String,
}

/// An AppSpec as ECS would have it.
#[derive(Debug)]
pub(super) struct Migration {
    /// A hook for each function.
    pub(super) hooks: Vec<ServiceHook>,
    pub(super) without_stage: Vec<UnmappedHook>,
    pub(super) refused: Vec<RefusedGate>,
    /// What CodeDeploy itself would not take, with its place.
    pub(super) wrong: Vec<(Position, String)>,
    /// The container and port behind the load balancer.
    pub(super) balanced: Option<(String, u16)>,
    notes: Vec<String>,
}

impl Migration {
    pub(super) fn of(spec: &AppSpec) -> Self {
        let mut migration = Self {
            hooks: Vec::new(),
            without_stage: Vec::new(),
            refused: Vec::new(),
            wrong: spec.problems.clone(),
            balanced: None,
            notes: Vec::new(),
        };
        if let Resource::EcsService {
            container: Some(container),
            port: Some(port),
            ..
        } = &spec.resource
        {
            migration.balanced = Some((container.clone(), *port));
        }
        for hook in &spec.hooks {
            migration.take(hook);
        }
        migration.wrong.sort_by_key(|(at, _)| (at.line, at.column));
        migration
    }

    /// Whether ECS could deploy with these hooks as they stand, and let a good release pass.
    pub(super) fn is_usable(&self) -> bool {
        self.without_stage.is_empty() && self.refused.is_empty() && self.hooks.len() <= MAX_HOOKS
    }

    fn take(&mut self, hook: &hook::Hook) {
        let name = &hook.event;
        if hook.function.trim().is_empty() {
            let problem = format!("{name} names no function; name one, or remove the hook");
            self.wrong.push((hook.at, problem));
            return;
        }
        if let Err(why) = check_function(&hook.function) {
            self.wrong.push((hook.at, format!("{name} names {why}")));
            return;
        }
        if OWN_EVENTS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            self.without_stage.push(UnmappedHook {
                event: name.clone(),
                function: hook.function.clone(),
                what_to_do: "CodeDeploy runs this event itself and never called a function there; remove the hook",
            });
            return;
        }
        let Some(event) = EVENTS
            .iter()
            .find(|event| event.name.eq_ignore_ascii_case(name))
        else {
            let meant = nearest(name, EVENTS.iter().map(|event| event.name));
            let known = EVENTS.map(|event| event.name).join(", ");
            let remedy = meant.map_or(format!("write one of {known}"), |meant| {
                format!("write {meant}")
            });
            let problem = format!("{name:?} is no lifecycle event of CodeDeploy on ECS; {remedy}");
            self.wrong.push((hook.at, problem));
            return;
        };
        let stage = event.stage;
        let function = arn(&hook.function);
        let refusal = gate_of(&function).and_then(|gate| hook::stage_refusal(gate, stage));
        if let Some(why) = refusal {
            self.refused.push(RefusedGate {
                event: event.name,
                function: hook.function.clone(),
                stage,
                why,
            });
        } else {
            let note = event
                .note
                .map(|note| format!("{} becomes {stage}: {note}.", event.name));
            let of_suffixed = suffixed_gate_of(&function);
            let refusal = of_suffixed.and_then(|gate| hook::stage_refusal(gate, stage));
            let refusal = refusal.map(|why| {
                let written = &hook.function;
                format!(
                    "{} ({written}) becomes {stage}: if it is the gate of an installation with FunctionNameSuffix, it refuses every release \
                     there: {why}.",
                    event.name
                )
            });
            for note in note.into_iter().chain(refusal) {
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            }
        }
        match self.hooks.iter_mut().find(|one| one.function == function) {
            Some(one) => {
                one.events.push(event.name.to_owned());
                if !one.stages.contains(&stage) {
                    one.stages.push(stage);
                }
            }
            None => self.hooks.push(ServiceHook {
                function,
                stages: vec![stage],
                events: vec![event.name.to_owned()],
            }),
        }
    }

    /// For `--deployment-configuration`.
    pub(super) fn configuration(&self) -> Value {
        let hooks = self.hooks.iter().map(|hook| {
            json!({
                "hookTargetArn": hook.function,
                "roleArn": HOOK_ROLE,
                "lifecycleStages": hook.stages,
                "timeoutConfiguration": { "timeoutInMinutes": HOOK_TIMEOUT_MINUTES, "action": "ROLLBACK" },
            })
        });
        json!({
            "strategy": "BLUE_GREEN",
            "bakeTimeInMinutes": BAKE_MINUTES,
            "lifecycleHooks": hooks.collect::<Vec<_>>(),
        })
    }

    /// For `--load-balancers`.
    pub(super) fn load_balancers(&self) -> Option<Value> {
        let (container, port) = self.balanced.as_ref()?;
        Some(json!([{
            "containerName": container,
            "containerPort": port,
            "targetGroupArn": TARGET_GROUP,
            "advancedConfiguration": {
                "alternateTargetGroupArn": OTHER_TARGET_GROUP,
                "productionListenerRule": PRODUCTION_RULE,
                "testListenerRule": TEST_RULE,
                "roleArn": BALANCER_ROLE,
            },
        }]))
    }

    /// What is left to people, in the order in which they do it.
    pub(super) fn to_do(&self, format: Format) -> Vec<String> {
        let mut steps = self.refusals();
        if self.hooks.is_empty() && self.without_stage.is_empty() {
            steps.push(
                "The AppSpec has no hooks: no function would be called, and no release measured."
                    .to_owned(),
            );
        }
        for UnmappedHook {
            event,
            function,
            what_to_do,
        } in &self.without_stage
        {
            steps.push(format!("{event} ({function}) has no stage: {what_to_do}."));
        }
        if !self.hooks.is_empty() {
            steps.push(format!(
                "Fill in {HOOK_ROLE}: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of \
                 deploy-hooks it is the stack's output EcsHookRoleArn."
            ));
        }
        if self.hooks.iter().any(|hook| hook.function.contains('<')) {
            steps.push(
                "Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.".to_owned(),
            );
        }
        if !self.hooks.is_empty() {
            steps.push(format!(
                "ECS rolls back where a hook takes longer than {HOOK_TIMEOUT_MINUTES} minutes, and keeps the old tasks for {BAKE_MINUTES} minutes \
                 once traffic has moved: change these times as you need them. In a stack of CloudFormation, the bake time and the time-outs of all \
                 hooks may be 1,980 minutes together."
            ));
        }
        steps.push(self.balancer_step(format));
        let others: Vec<&str> = self
            .hooks
            .iter()
            .map(|hook| hook.function.as_str())
            .filter(|function| gate_of(function).is_none())
            .collect();
        if !others.is_empty() {
            steps.push(format!(
                "Change what these functions answer, unless they are gates of deploy-hooks by another name, as with FunctionNameSuffix: ECS takes the value that they \
                 return, {{\"hookStatus\": \"SUCCEEDED\"}} or FAILED, and sends another event: {}.",
                others.join(", ")
            ));
        }
        steps.extend(self.notes.iter().cloned());
        steps.push(
            "Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; \
             where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, \
             network, platform version) stands in the service itself; set its deployment controller to ECS."
                .to_owned(),
        );
        steps
    }
}

impl Migration {
    /// What would stop every deployment.
    fn refusals(&self) -> Vec<String> {
        let refused = self.refused.iter();
        let mut steps: Vec<String> = refused
            .map(|one| {
                let RefusedGate { event, function, stage, why } = one;
                format!("{event} ({function}) becomes {stage}, where this gate refuses every release: {why}.")
            })
            .collect();
        if self.hooks.len() > MAX_HOOKS {
            steps.push(format!(
                "ECS takes at most {MAX_HOOKS} hooks of Lambda functions for a service, and these are {}: join some of the functions.",
                self.hooks.len()
            ));
        }
        steps
    }

    /// The load balancer, which the hooks need and the AppSpec hardly knows.
    fn balancer_step(&self, format: Format) -> String {
        let rules = "the rules are listener rules, where CodeDeploy had listeners, and the role lets ECS change them";
        match (self.load_balancers(), format) {
            (Some(_), Format::Cloudformation) => format!(
                "Fill in {TARGET_GROUP}, {OTHER_TARGET_GROUP}, {PRODUCTION_RULE}, {TEST_RULE} and {BALANCER_ROLE} of the load balancer: {rules}."
            ),
            (Some(balancers), Format::Json) => format!(
                "Give `aws ecs update-service` --load-balancers as well, and fill in what stands in angle brackets ({rules}): '{balancers}'"
            ),
            (None, _) => {
                let place = match format {
                    Format::Cloudformation => "the service's LoadBalancers",
                    Format::Json => "`aws ecs update-service` --load-balancers as well",
                };
                format!(
                    "The AppSpec names no container behind a load balancer (LoadBalancerInfo). If the service has one, give {place}, with \
                     advancedConfiguration: the other target group, the production and test listener rules, and a role that lets ECS change them."
                )
            }
        }
    }
}

/// Whether a hook of an AppSpec names a function of Lambda; if not, what it names and what to write.
fn check_function(function: &str) -> Result<(), String> {
    const ARN: &str = "arn:aws:lambda:REGION:ACCOUNT:function:NAME";
    let is_word = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
    };
    let is_name = |text: &str| {
        let (name, qualifier) = text.split_once(':').unwrap_or((text, "live"));
        is_word(name) && !name.contains('$') && is_word(qualifier)
    };
    if function.contains("${") || function.contains("{{") {
        return Err(format!(
            "{function:?}, where a variable is not filled in; write the function's name, or {ARN}"
        ));
    }
    if function.starts_with("arn:") {
        let of_function = Arn::parse(function)
            .filter(|arn| arn.service == "lambda" && is_word(arn.region) && is_word(arn.account))
            .and_then(|arn| arn.resource.strip_prefix("function:"));
        return if of_function.is_some_and(is_name) {
            Ok(())
        } else {
            Err(format!(
                "{function:?}, which is not the ARN of a Lambda function; write {ARN}"
            ))
        };
    }
    if let Some((before, name)) = function.split_once("function:") {
        let account = before.trim_end_matches(':').rsplit(':').next();
        let account = account
            .filter(|account| is_word(account))
            .unwrap_or("ACCOUNT");
        return Err(format!(
            "{function:?}, which is a part of an ARN; write arn:aws:lambda:REGION:{account}:function:{name}"
        ));
    }
    if is_name(function) {
        Ok(())
    } else {
        Err(format!(
            "{function:?}, which is no name of a Lambda function; write its name, or {ARN}"
        ))
    }
}

/// The ARN of a function; of a name what can't be known is left open.
fn arn(function: &str) -> String {
    if function.starts_with("arn:") {
        function.to_owned()
    } else {
        format!("arn:aws:lambda:<REGION>:<ACCOUNT>:function:{function}")
    }
}

/// Which gate of deploy-hooks the function is, by its name.
fn gate_of(arn: &str) -> Option<Stage> {
    let name = function_name(arn)?;
    let gate = GATES.iter().find(|(gate, _)| *gate == name);
    gate.map(|(_, stage)| *stage)
}

/// Which gate it is if the installation has a `FunctionNameSuffix`. A team's own function may begin like a gate as well.
fn suffixed_gate_of(arn: &str) -> Option<Stage> {
    let name = function_name(arn)?;
    let gate = GATES
        .iter()
        .find(|(gate, _)| name.len() > gate.len() && name.starts_with(gate));
    gate.map(|(_, stage)| *stage)
}

/// The name in the ARN of a function, without its qualifier.
fn function_name(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once(":function:")?;
    rest.split(':').next()
}
