//! Which stage of ECS a lifecycle event of CodeDeploy is. Pure.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>

use hook::{AppSpec, Resource};
use serde::Serialize;
use serde_json::{Value, json};
use strict_yaml::At;
use text::words::nearest;

/// What the user fills in.
pub(super) const HOOK_ROLE: &str = "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>";
pub(super) const BALANCER_ROLE: &str = "<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>";
pub(super) const TARGET_GROUP: &str = "<ARN OF THE TARGET GROUP>";
pub(super) const OTHER_TARGET_GROUP: &str = "<ARN OF THE OTHER TARGET GROUP>";
pub(super) const PRODUCTION_RULE: &str = "<ARN OF THE PRODUCTION LISTENER RULE>";
pub(super) const TEST_RULE: &str = "<ARN OF THE TEST LISTENER RULE>";

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
        note: Some("no gate of deploy-hooks can stand there: nothing runs yet"),
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
const GATES: [&str; 2] = ["CodeDeployHook_pre-traffic", "CodeDeployHook_post-traffic"];

/// Most that a service may have.
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
pub(super) struct WithoutStage {
    pub(super) event: String,
    pub(super) function: String,
    pub(super) what_to_do: &'static str,
}

/// An AppSpec as ECS would have it.
#[derive(Debug)]
pub(super) struct Migration {
    /// A hook for each function.
    pub(super) hooks: Vec<ServiceHook>,
    pub(super) without_stage: Vec<WithoutStage>,
    /// What CodeDeploy itself would not take, with its place.
    pub(super) wrong: Vec<(At, String)>,
    /// The container and port behind the load balancer.
    pub(super) balanced: Option<(String, u16)>,
    notes: Vec<String>,
}

impl Migration {
    pub(super) fn of(spec: &AppSpec) -> Self {
        let mut migration = Self {
            hooks: Vec::new(),
            without_stage: Vec::new(),
            wrong: Vec::new(),
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
        migration
    }

    fn take(&mut self, hook: &hook::Hook) {
        let name = &hook.event;
        if hook.function.trim().is_empty() {
            let problem = format!("{name} names no function; name one, or remove the hook");
            self.wrong.push((hook.at, problem));
            return;
        }
        if OWN_EVENTS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            self.without_stage.push(WithoutStage {
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
        if let Some(note) = event.note {
            self.notes
                .push(format!("{} becomes {stage}: {note}.", event.name));
        }
        let function = arn(&hook.function);
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
            })
        });
        json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": hooks.collect::<Vec<_>>() })
    }

    /// What is left to people, in the order in which they do it.
    pub(super) fn to_do(&self) -> Vec<String> {
        let mut steps = Vec::new();
        for WithoutStage {
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
        let balanced = self.balanced.as_ref();
        let of = balanced.map_or_else(String::new, |(container, port)| {
            format!(" of {container}:{port}")
        });
        steps.push(format!(
            "Give the load balancer{of} its advancedConfiguration: the other target group, the production and test listener rules (rules, where \
             CodeDeploy had listeners), and a role that lets ECS change them."
        ));
        let others: Vec<&str> = self
            .hooks
            .iter()
            .map(|hook| hook.function.as_str())
            .filter(|function| !GATES.iter().any(|gate| named(function, gate)))
            .collect();
        if !others.is_empty() {
            steps.push(format!(
                "Change what these functions answer, unless they are gates of deploy-hooks by another name: ECS takes the value that they \
                 return, {{\"hookStatus\": \"SUCCEEDED\"}} or FAILED, and sends another event: {}.",
                others.join(", ")
            ));
        }
        if self.hooks.len() > MAX_HOOKS {
            steps.push(format!(
                "A service may have {MAX_HOOKS} hooks of Lambda functions: join some of the {}.",
                self.hooks.len()
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

/// The ARN of a function; of a name what can't be known is left open.
fn arn(function: &str) -> String {
    if function.starts_with("arn:") {
        function.to_owned()
    } else {
        format!("arn:aws:lambda:<REGION>:<ACCOUNT>:function:{function}")
    }
}

/// Whether the ARN is of a function of this name, with or without a qualifier.
fn named(arn: &str, name: &str) -> bool {
    let of_function = arn.split_once(":function:").map(|(_, rest)| rest);
    of_function.and_then(|rest| rest.split(':').next()) == Some(name)
}
