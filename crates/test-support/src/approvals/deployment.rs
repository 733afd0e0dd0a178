//! One deployment of ECS that is paused: takes one answer a hook, and keeps nobody's name.

use approvals::{PausedDeployment, TimeoutAction};
use serde_json::{Value, json};

use super::START;
use crate::{Reply, error};

pub const DEPLOYMENT: &str =
    "arn:aws:ecs:eu-central-1:111122223333:service-deployment/shop/web/NCWGC2ZR-taawPAYrIaU5";
pub const HOOK: &str = "ecs-pause-q1Yv0bXh4nR8dM2tK7sLw9zA3cF5eG6jP0uI1oB_xTk";
/// The hook of the next step's pause.
pub const NEXT_HOOK: &str = "ecs-pause-zzzv0bXh4nR8dM2tK7sLw9zA3cF5eG6jP0uI1oB_xTk";
/// The value of a variable; it must never be seen anywhere.
pub const VALUE: &str = "hunter2-of-the-database";

/// The pause that waits.
pub fn paused() -> PausedDeployment {
    PausedDeployment {
        account: "111122223333".into(),
        region: "eu-central-1".into(),
        cluster: "shop".into(),
        service: "web".into(),
        deployment_arn: DEPLOYMENT.into(),
        hook_id: HOOK.into(),
        lifecycle_stage: "PRE_PRODUCTION_TRAFFIC_SHIFT".into(),
        timeout_action: Some(TimeoutAction::Rollback),
    }
}

#[derive(Debug)]
pub struct Deployment {
    /// AWS's word for the deployment.
    pub status: &'static str,
    /// At which stage it is just now.
    pub stage: &'static str,
    /// Hooks and where they stand, oldest first.
    pub hooks: Vec<(&'static str, &'static str)>,
    pub timeout_action: &'static str,
    /// When the hooks end.
    pub expires: i64,
    /// The new revision's image.
    pub image: String,
    /// Whether descriptions still show a hook as waiting that was answered.
    pub lags: bool,
    /// Every answer that took effect: hook and action.
    pub taken: Vec<(String, String)>,
}

impl Deployment {
    pub fn waiting() -> Self {
        Self {
            status: "IN_PROGRESS",
            stage: "PRE_PRODUCTION_TRAFFIC_SHIFT",
            hooks: vec![(HOOK, "AWAITING_ACTION")],
            timeout_action: "ROLLBACK",
            expires: START + 86_400,
            image: "shop/web:1.1.0".into(),
            lags: false,
            taken: Vec::new(),
        }
    }

    /// Where the hook stands that the case is about.
    pub fn first(&self) -> &'static str {
        self.hooks[0].1
    }

    /// The newest hook, if it waits, stands so from now on.
    pub fn settle(&mut self, hook: &'static str) {
        let newest = self.hooks.last_mut().unwrap();
        if self.status == "IN_PROGRESS" && newest.1 == "AWAITING_ACTION" {
            newest.1 = hook;
            let back =
                hook == "FAILED" || (hook == "TIMED_OUT" && self.timeout_action == "ROLLBACK");
            if back {
                self.status = "ROLLBACK_IN_PROGRESS";
            }
        }
    }

    /// Somebody ends the deployment as a whole.
    pub fn end(&mut self, status: &'static str) {
        if self.status == "IN_PROGRESS" {
            self.status = status;
        }
    }

    /// The next step pauses, with a hook of its own.
    pub fn next_step(&mut self) {
        self.settle("SUCCEEDED");
        if self.hooks.len() == 1 && self.status == "IN_PROGRESS" {
            self.hooks.push((NEXT_HOOK, "AWAITING_ACTION"));
        }
    }

    pub fn serve(&mut self, operation: &str, call: &Value) -> Reply {
        match operation {
            "DescribeServiceDeployments" => Ok(self.described(call)),
            "ListServiceDeployments" => {
                Ok(json!({"serviceDeployments": [{"serviceDeploymentArn": DEPLOYMENT}]}))
            }
            "DescribeServiceRevisions" => Ok(self.revisions(call)),
            "DescribeTaskDefinition" => Ok(task(call)),
            "ContinueServiceDeployment" => self.answer(call),
            other => panic!("nobody calls {other} here"),
        }
    }

    fn answer(&mut self, call: &Value) -> Reply {
        let text = |name: &str| call[name].as_str().unwrap().to_owned();
        let (deployment, id, action) =
            (text("serviceDeploymentArn"), text("hookId"), text("action"));
        if deployment != DEPLOYMENT {
            return Err(error(
                "ServiceDeploymentNotFoundException",
                "no such deployment",
            ));
        }
        let waits =
            |(hook, status): &&mut (&str, &str)| *hook == id && *status == "AWAITING_ACTION";
        let going = self.status == "IN_PROGRESS";
        let Some(hook) = self.hooks.iter_mut().find(waits).filter(|_| going) else {
            let message = "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN";
            return Err(error("InvalidParameterException", message));
        };
        hook.1 = if action == "CONTINUE" {
            "SUCCEEDED"
        } else {
            "FAILED"
        };
        if action != "CONTINUE" {
            self.status = "ROLLBACK_IN_PROGRESS";
        }
        self.taken.push((id, action));
        Ok(json!({"serviceDeploymentArn": DEPLOYMENT}))
    }

    fn described(&self, call: &Value) -> Value {
        if call["serviceDeploymentArns"] != json!([DEPLOYMENT]) {
            return json!({"serviceDeployments": [], "failures": [{"reason": "MISSING"}]});
        }
        let status = |status: &&'static str| {
            if self.lags {
                "AWAITING_ACTION"
            } else {
                *status
            }
        };
        let hooks: Vec<Value> = self
            .hooks
            .iter()
            .map(|(id, stands)| {
                json!({"hookId": id, "targetType": "PAUSE", "status": status(stands),
                       "expiresAt": self.expires, "timeoutAction": self.timeout_action})
            })
            .collect();
        json!({"serviceDeployments": [{
            "serviceDeploymentArn": DEPLOYMENT,
            "serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/shop/web",
            "clusterArn": "arn:aws:ecs:eu-central-1:111122223333:cluster/shop",
            "status": if self.lags { "IN_PROGRESS" } else { self.status },
            "lifecycleStage": self.stage,
            "deploymentConfiguration": {"strategy": "CANARY"},
            "sourceServiceRevisions": [{"arn": revision(1), "requestedProductionTrafficWeight": 90.0}],
            "targetServiceRevision": {"arn": revision(2), "requestedProductionTrafficWeight": 10.0},
            "lifecycleHookDetails": hooks,
        }]})
    }

    fn revisions(&self, call: &Value) -> Value {
        let wanted = call["serviceRevisionArns"].as_array().unwrap();
        let revisions = wanted.iter().map(|arn| {
            let old = *arn == json!(revision(1));
            let (number, image) = if old { (1, "shop/web:1.0.0") } else { (2, self.image.as_str()) };
            json!({
                "serviceRevisionArn": arn,
                "taskDefinition": format!("arn:aws:ecs:eu-central-1:111122223333:task-definition/web:{number}"),
                "containerImages": [{"containerName": "web", "image": image, "imageDigest": format!("sha256:{number}bcdef0123456789")}],
            })
        });
        json!({"serviceRevisions": revisions.collect::<Vec<_>>()})
    }
}

fn revision(number: u32) -> String {
    format!("arn:aws:ecs:eu-central-1:111122223333:service-revision/shop/web/{number}")
}

fn task(call: &Value) -> Value {
    let arn = call["taskDefinition"].as_str().unwrap();
    let old = arn.ends_with(":1");
    let mut variables = vec![json!({"name": "MODE", "value": if old { "slow" } else { VALUE }})];
    if !old {
        variables.push(json!({"name": "CACHE", "value": VALUE}));
    }
    json!({"taskDefinition": {
        "taskDefinitionArn": arn, "cpu": if old { "256" } else { "512" }, "memory": "1024",
        "containerDefinitions": [{
            "name": "web", "image": "shop/web", "environment": variables,
            "portMappings": [{"containerPort": 8080}],
            "secrets": [{"name": "DB", "valueFrom": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db"}],
        }],
    }})
}
