//! What a deployment will do, worked out before its first event: which task set is the original,
//! which target group is idle, and whether the AppSpec fits the world.
//!
//! It only reads; it changes nothing.

use super::CodeDeploy;
use super::appspec::AppSpec;
use super::model::{GroupTarget, Service, TaskSetRecord};
use super::outcome::Halt;
use super::routing::{Routing, is_behind};
use super::settings::{BlueGreen, LoadBalancer};
use crate::ecs::{DeploymentController, Ecs, ServiceView, TaskSetStatus, TaskSetView};
use crate::elb::TargetGroupView;

/// The plan of a deployment.
pub(super) struct Plan {
    pub(super) spec: AppSpec,
    /// Full ARN.
    pub(super) task_definition: String,
    pub(super) service: Service,
    pub(super) production_listener: String,
    pub(super) test_listener: Option<String>,
    pub(super) blue: Original,
    pub(super) green: TargetGroup,
    /// Task sets that earlier deployments left behind.
    pub(super) leftovers: Vec<String>,
    pub(super) routing: Routing,
    pub(super) blue_green: BlueGreen,
}

/// The original task set.
pub(super) struct Original {
    pub(super) id: String,
    pub(super) target_group: TargetGroup,
}

/// A target group of the pair.
#[derive(Clone)]
pub(super) struct TargetGroup {
    pub(super) arn: String,
    pub(super) name: String,
}

impl Original {
    pub(super) fn record(&self, label: &'static str) -> TaskSetRecord {
        TaskSetRecord {
            id: self.id.clone(),
            label,
            target_group: self.target_group.arn.clone(),
            target_group_name: self.target_group.name.clone(),
            last: None,
        }
    }
}

impl Plan {
    /// Reads the revision and the state of the services it names.
    pub(super) async fn make(codedeploy: &CodeDeploy, id: &str) -> Result<Self, Halt> {
        let gone = || Halt::InvalidRevision("The deployment is gone.".to_owned());
        let (revision, group, routing) = {
            let state = codedeploy.state();
            let deployment = state.deployment(id).map_err(|_| gone())?;
            (
                deployment.revision.clone(),
                deployment.group.clone(),
                deployment.routing,
            )
        };
        let GroupTarget::Ecs(target) = group.target else {
            return Err(Halt::InvalidService(
                "the deployment group has no ECS service.".to_owned(),
            ));
        };
        let text = codedeploy
            .bucket()
            .text(&revision.ok_or_else(gone)?)
            .await?;
        let spec =
            AppSpec::parse(&text).map_err(|error| Halt::InvalidRevision(error.to_string()))?;
        let ecs = &codedeploy.world().ecs;
        let task_definition = task_definition(ecs, &spec)?;
        let service = service(ecs, &target.service)?;
        let primary = service
            .task_sets
            .iter()
            .find(|task_set| task_set.status == TaskSetStatus::Primary)
            .ok_or_else(|| {
                Halt::InvalidService("the ECS service has no primary task set.".to_owned())
            })?;
        let (blue, green) = pair(codedeploy, &target.load_balancer, primary)?;
        let left_over = |task_set: &&TaskSetView| task_set.status == TaskSetStatus::Active;
        let plan = Self {
            spec,
            task_definition,
            leftovers: service
                .task_sets
                .iter()
                .filter(left_over)
                .map(|set| set.id.clone())
                .collect(),
            service: target.service,
            production_listener: target.load_balancer.production,
            test_listener: target.load_balancer.test,
            blue: Original {
                id: primary.id.clone(),
                target_group: blue,
            },
            green,
            routing,
            blue_green: target.blue_green,
        };
        plan.check_production(codedeploy)?;
        Ok(plan)
    }

    /// The weights of a listener when the replacement gets `green` percent.
    pub(super) fn weights(&self, green: u32) -> Weights {
        Weights {
            blue: self.blue.target_group.clone(),
            green: self.green.clone(),
            green_percent: green,
        }
    }

    /// Production has to reach the original task set, or shifting it would mean nothing.
    pub(super) fn check_production(&self, codedeploy: &CodeDeploy) -> Result<(), Halt> {
        let blue = &*self.blue.target_group.arn;
        let elb = &codedeploy.world().elb;
        let forwards = elb.forwards_naming(&self.production_listener, &[blue]);
        if is_behind(&forwards, blue) {
            return Ok(());
        }
        Err(not_behind())
    }
}

/// How a listener shares its traffic between the two target groups.
pub(super) struct Weights {
    pub(super) blue: TargetGroup,
    pub(super) green: TargetGroup,
    pub(super) green_percent: u32,
}

impl Weights {
    /// Both groups, the one without traffic included, as the service writes them.
    pub(super) fn forwards(&self) -> [(String, u32); 2] {
        [
            (self.blue.arn.clone(), 100 - self.green_percent),
            (self.green.arn.clone(), self.green_percent),
        ]
    }
}

pub(super) fn not_behind() -> Halt {
    Halt::LoadBalancer("Primary taskset target group must be behind listener".to_owned())
}

fn task_definition(ecs: &Ecs, spec: &AppSpec) -> Result<String, Halt> {
    let wrong = |why: String| Err(Halt::InvalidRevision(why));
    let Some(found) = ecs
        .task_definition(&spec.task_definition)
        .filter(|found| found.active)
    else {
        return wrong(format!(
            "There is no active task definition {}.",
            spec.task_definition
        ));
    };
    let Some(container) = found
        .containers
        .iter()
        .find(|container| container.name == spec.container_name)
    else {
        let known: Vec<_> = found
            .containers
            .iter()
            .map(|found| found.name.as_str())
            .collect();
        return wrong(format!(
            "The task definition {} has no container {}; it has {}.",
            found.arn,
            spec.container_name,
            known.join(", ")
        ));
    };
    if !container.container_ports.contains(&spec.container_port) {
        return wrong(format!(
            "The container {} of the task definition {} has no port {}.",
            spec.container_name, found.arn, spec.container_port
        ));
    }
    Ok(found.arn)
}

fn service(ecs: &Ecs, wanted: &Service) -> Result<ServiceView, Halt> {
    let Some(found) = ecs
        .service(&wanted.cluster, &wanted.name)
        .filter(|found| found.status == "ACTIVE")
    else {
        return Err(Halt::InvalidService(format!(
            "there is no active ECS service {} in the cluster {}.",
            wanted.name, wanted.cluster
        )));
    };
    if found.deployment_controller != DeploymentController::CodeDeploy {
        return Err(Halt::InvalidService(
            "the ECS service is not configured for a CODE_DEPLOY deployment controller.".to_owned(),
        ));
    }
    Ok(found)
}

/// The target group of the primary task set, and the other one, which is idle.
fn pair(
    codedeploy: &CodeDeploy,
    load_balancer: &LoadBalancer,
    primary: &TaskSetView,
) -> Result<(TargetGroup, TargetGroup), Halt> {
    let find = |name: &String| {
        let found = codedeploy.world().elb.target_group_by_name(name);
        let of = |TargetGroupView { arn, name, .. }| TargetGroup { arn, name };
        found
            .map(of)
            .ok_or_else(|| Halt::LoadBalancer(format!("Target group {name} not found")))
    };
    let [one, other] = &load_balancer.target_groups;
    let (one, other) = (find(one)?, find(other)?);
    match primary.target_group_arn.as_deref() {
        Some(arn) if arn == one.arn => Ok((one, other)),
        Some(arn) if arn == other.arn => Ok((other, one)),
        _ => Err(not_behind()),
    }
}
