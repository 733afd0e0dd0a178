//! What a case is about: a manual approval of a pipeline, a deployment of ECS that is paused, or a gate whose
//! evidence is not enough.
//!
//! Everything that decides, records and reminds works on a [`Source`] and knows none of the three; what
//! differs is asked through [`wait`], and done in [`crate::pipeline`], [`crate::ecs`] and [`gate_question`].

pub(crate) mod answer_error;
pub(crate) mod approval_action;
pub mod wait;

use std::fmt;

use gate_question::AskingGate;
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

use self::approval_action::{ApprovalAction, CaseId};

/// What a case is about. A case that was written before there were pauses has the bare action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// A manual approval of a pipeline waits.
    Pipeline(ApprovalAction),
    /// A deployment of an ECS service is paused.
    Ecs(PausedDeployment),
    /// A gate asks whether a release may go on.
    Gate(AskingGate),
}

/// A pause of a deployment that ECS itself carries out, by AWS's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedDeployment {
    /// The AWS account, twelve digits.
    pub account: String,
    /// The region, `eu-central-1`.
    pub region: String,
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The service deployment.
    pub deployment_arn: String,
    /// The hook that waits: each pause of each step has one of its own.
    pub hook_id: String,
    /// The lifecycle stage, `PRE_PRODUCTION_TRAFFIC_SHIFT`.
    pub lifecycle_stage: String,
    /// What ECS does when nobody decides in time; none: it is not known.
    #[serde(default)]
    pub timeout_action: Option<TimeoutAction>,
}

/// What ECS does with a pause that nobody has decided in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TimeoutAction {
    /// The deployment goes on: the pause fails open.
    Continue,
    /// The deployment is rolled back.
    Rollback,
}

impl PausedDeployment {
    /// The id of a pause's case: the same for each event about it.
    pub fn case_id(&self) -> CaseId {
        OpaqueId::of(&[
            "deploy-hooks case of a pause",
            &self.deployment_arn,
            &self.hook_id,
        ])
    }

    /// The service deployment's own id, the last part of its ARN.
    pub fn deployment_id(&self) -> &str {
        common::arn::last_name(&self.deployment_arn)
    }
}

impl Source {
    /// The approval of a pipeline, if it is one.
    pub fn action(&self) -> Option<&ApprovalAction> {
        match self {
            Self::Pipeline(action) => Some(action),
            Self::Ecs(_) | Self::Gate(_) => None,
        }
    }

    /// The paused deployment, if it is one.
    pub fn paused(&self) -> Option<&PausedDeployment> {
        match self {
            Self::Ecs(paused) => Some(paused),
            Self::Pipeline(_) | Self::Gate(_) => None,
        }
    }

    /// The gate that asks, if one does.
    pub fn gate(&self) -> Option<&AskingGate> {
        match self {
            Self::Gate(gate) => Some(gate),
            Self::Pipeline(_) | Self::Ecs(_) => None,
        }
    }

    /// The AWS account; empty where a message does not say.
    pub fn account(&self) -> &str {
        match self {
            Self::Pipeline(action) => &action.account,
            Self::Ecs(paused) => &paused.account,
            Self::Gate(gate) => &gate.account,
        }
    }

    /// The region.
    pub fn region(&self) -> &str {
        match self {
            Self::Pipeline(action) => &action.region,
            Self::Ecs(paused) => &paused.region,
            Self::Gate(gate) => &gate.region,
        }
    }

    /// What is released: the pipeline's, the service's or the application's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Pipeline(action) => &action.pipeline,
            Self::Ecs(paused) => &paused.service,
            Self::Gate(gate) => gate.name(),
        }
    }

    /// Where it waits: the pipeline's or the lifecycle stage, or the gate's.
    pub fn stage(&self) -> &str {
        match self {
            Self::Pipeline(action) => &action.stage,
            Self::Ecs(paused) => &paused.lifecycle_stage,
            Self::Gate(gate) => &gate.gate,
        }
    }

    /// The last of three names: the pipeline's action, the service's cluster, or the lifecycle event of a gate.
    pub fn detail(&self) -> &str {
        match self {
            Self::Pipeline(action) => &action.action,
            Self::Ecs(paused) => &paused.cluster,
            Self::Gate(gate) => &gate.lifecycle_event,
        }
    }

    /// What the cases of one execution are found under, with its id. No pipeline's name has a colon.
    pub fn index(&self) -> &str {
        match self {
            Self::Pipeline(action) => &action.pipeline,
            Self::Ecs(_) => SERVICE_DEPLOYMENTS,
            Self::Gate(_) => GATED_DEPLOYMENTS,
        }
    }
}

/// What cases of service deployments are found under, see [`Source::index`].
pub const SERVICE_DEPLOYMENTS: &str = "ecs:service-deployment";
/// What cases of gates are found under.
const GATED_DEPLOYMENTS: &str = "gate:deployment";

impl From<ApprovalAction> for Source {
    fn from(action: ApprovalAction) -> Self {
        Self::Pipeline(action)
    }
}

impl From<AskingGate> for Source {
    fn from(gate: AskingGate) -> Self {
        Self::Gate(gate)
    }
}

impl From<PausedDeployment> for Source {
    fn from(paused: PausedDeployment) -> Self {
        Self::Ecs(paused)
    }
}

impl fmt::Display for PausedDeployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            self.cluster, self.service, self.lifecycle_stage
        )
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(action) => action.fmt(f),
            Self::Ecs(paused) => paused.fmt(f),
            Self::Gate(gate) => gate.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused(hook_id: &str) -> PausedDeployment {
        PausedDeployment {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            cluster: "shop".into(),
            service: "web".into(),
            deployment_arn: "arn:aws:ecs:eu-central-1:111122223333:service-deployment/shop/web/d1"
                .into(),
            hook_id: hook_id.into(),
            lifecycle_stage: "POST_SCALE_UP".into(),
            timeout_action: Some(TimeoutAction::Continue),
        }
    }

    #[test]
    fn each_pause_has_a_case_of_its_own() {
        let one = paused("ecs-pause-1");
        assert_eq!(one.case_id(), paused("ecs-pause-1").case_id());
        assert_ne!(one.case_id(), paused("ecs-pause-2").case_id());
        let mut other = paused("ecs-pause-1");
        other.deployment_arn.push('2');
        assert_ne!(one.case_id(), other.case_id());
    }

    #[test]
    fn a_record_is_read_back_as_what_it_was() {
        let sources = [
            Source::from(paused("ecs-pause-1")),
            Source::from(AskingGate::default()),
            Source::from(ApprovalAction::sample()),
        ];
        for source in sources {
            let text = serde_json::to_string(&source).unwrap();
            assert_eq!(serde_json::from_str::<Source>(&text).unwrap(), source);
        }
    }
}
