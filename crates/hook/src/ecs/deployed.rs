//! The last deployment of a service, looked at by hand: its revision, and how that is reached just now.
//!
//! No hook calls, so nothing says that the deployment waits. What can't be known to reach the new revision is refused.

use common::aws::Aws;
use gate::{Stage, Suite};

use super::deployment::{self, Progress, Revisions, ServiceDeployment};
use super::route_target;
use super::stage::{self, POST_SCALE_UP, POST_TEST_TRAFFIC_SHIFT, Route};
use super::target::{self, TargetQuery};
use crate::caller::{Prepared, Refusal};
use crate::cloud::{DescribedRelease, EcsRelease};
use crate::event::EcsEvent;
use crate::facts::KnownFacts;
use crate::listener::Scheme;
use crate::lookup::{LookupContext, LookupError};

const PRODUCTION_TRAFFIC_SHIFT: &str = "PRODUCTION_TRAFFIC_SHIFT";
const POST_PRODUCTION_TRAFFIC_SHIFT: &str = "POST_PRODUCTION_TRAFFIC_SHIFT";

/// The last deployment of a service.
pub(crate) struct LastDeployment {
    /// As a hook's event would name it; its stage is empty.
    event: EcsEvent,
    deployment: ServiceDeployment,
    revisions: Revisions,
}

impl LastDeployment {
    /// Reads it.
    pub(crate) async fn read(aws: &Aws, cluster: &str, service: &str) -> Result<Self, LookupError> {
        let arn = newest(aws, cluster, service).await?;
        let deployment = deployment::read(aws, &arn).await?;
        let revision = deployment.described.target_service_revision();
        let event = EcsEvent {
            execution_id: String::new(),
            lifecycle_stage: String::new(),
            target_revision_arn: revision
                .and_then(|revision| revision.arn())
                .unwrap_or_default()
                .to_owned(),
            deployment_arn: arn,
            test_weights: Vec::new(),
            production_weights: Vec::new(),
            suite: None,
            details: Vec::new(),
            run: None,
        };
        let revisions = deployment::revisions(aws, &event, &deployment).await?;
        Ok(Self {
            event,
            deployment,
            revisions,
        })
    }

    /// Its ARN.
    pub(crate) fn arn(&self) -> &str {
        &self.event.deployment_arn
    }

    /// What is known of the release, wherever it answers.
    pub(crate) async fn facts(
        &self,
        context: LookupContext<'_>,
    ) -> Result<KnownFacts, LookupError> {
        let query = TargetQuery {
            route: Route::None,
            tcp_scheme: None,
        };
        let found = target::find(context, query, &self.event, &self.revisions).await?;
        Ok(found.known)
    }

    /// The same as AWS said it.
    pub(crate) fn release(self) -> DescribedRelease {
        let (new, old) = self.revisions.described;
        DescribedRelease::Ecs(Box::new(EcsRelease {
            deployment: self.deployment.described,
            new,
            old,
        }))
    }
}

/// What the gate of this stage would measure of the last deployment of a service just now.
pub(crate) async fn prepare(
    context: LookupContext<'_>,
    (gate, tcp_scheme): (Stage, Option<Scheme>),
    (cluster, service): (&str, &str),
    mut suite: Suite,
) -> Result<Prepared, Refusal> {
    let mut last = LastDeployment::read(context.aws, cluster, service).await?;
    let refuse = |reason: String| Refusal::of(vec![reason], None);
    stage_now(gate, &last.deployment)
        .map_err(refuse)?
        .clone_into(&mut last.event.lifecycle_stage);
    let has_test_rule = last.revisions.new.test_rule.is_some();
    let route = stage::route(gate, &last.event, &last.deployment, has_test_rule).map_err(refuse)?;
    let query = TargetQuery { route, tcp_scheme };
    let found = target::find(context, query, &last.event, &last.revisions).await?;
    let (target, notes) = route_target::target(route, gate, &found, &mut suite).map_err(refuse)?;
    Ok(Prepared {
        assumed: found.assumed,
        notes,
        release: last.release(),
        ..Prepared::new(suite, target)
    })
}

/// The stage at which a hook would ask what the gate asks now, or why nobody could. Pure.
fn stage_now(gate: Stage, deployment: &ServiceDeployment) -> Result<&str, String> {
    match &deployment.progress {
        Progress::RollingBack { .. } => {
            return Err("the last deployment of the service is rolling back, so its revision can't be measured".to_owned());
        }
        Progress::Ended(status) if status == "SUCCESSFUL" => {
            return match gate {
                Stage::PostTraffic => Ok(POST_PRODUCTION_TRAFFIC_SHIFT),
                Stage::PreTraffic => Err(
                    "the last deployment of the service has succeeded: its revision serves customers, and nothing says \
                     that the test rule leads to it; give --stage post-traffic"
                        .to_owned(),
                ),
            };
        }
        Progress::Ended(status) => {
            return Err(format!(
                "the last deployment of the service has ended ({status}), so its revision does not serve; deploy again"
            ));
        }
        Progress::Forward => {}
    }
    let at = deployment
        .described
        .lifecycle_stage()
        .map(aws_sdk_ecs::types::ServiceDeploymentLifecycleStage::as_str)
        .ok_or("ECS does not say at which stage the deployment is, so nobody knows whose answers would be measured")?;
    match (gate, at) {
        (Stage::PreTraffic, POST_SCALE_UP | POST_TEST_TRAFFIC_SHIFT)
        | (Stage::PostTraffic, POST_PRODUCTION_TRAFFIC_SHIFT) => Ok(at),
        // Where the test rule still leads to the new revision alone, and ECS says so.
        (
            Stage::PreTraffic,
            PRODUCTION_TRAFFIC_SHIFT | POST_PRODUCTION_TRAFFIC_SHIFT | "BAKE_TIME",
        ) => Ok("PRE_PRODUCTION_TRAFFIC_SHIFT"),
        (Stage::PostTraffic, PRODUCTION_TRAFFIC_SHIFT | "BAKE_TIME" | "CLEAN_UP") => {
            match deployment.production_percent {
                // What ECS wants is not what is yet.
                Some(100) if at == PRODUCTION_TRAFFIC_SHIFT => Err(format!(
                    "the deployment is at {at}, and the last of the production traffic is moving; try again in a moment"
                )),
                Some(100) => Ok(POST_PRODUCTION_TRAFFIC_SHIFT),
                _ => Ok(PRODUCTION_TRAFFIC_SHIFT),
            }
        }
        _ => Err(format!(
            "the deployment is at {at}, where {}; {}",
            stage::why_not(gate, at),
            match (gate, at) {
                (Stage::PreTraffic, "CLEAN_UP") => "give --stage post-traffic",
                _ => "try again later",
            }
        )),
    }
}

/// The newest deployment of a service.
async fn newest(aws: &Aws, cluster: &str, service: &str) -> Result<String, LookupError> {
    let call = format!("ListServiceDeployments {cluster}/{service}");
    let listed = common::ecs::newest_service_deployments(aws, cluster, service)
        .await
        .map_err(LookupError::of(
            aws,
            call.clone(),
            "ecs:ListServiceDeployments",
            "check the names of cluster and service, the account and the region",
        ))?;
    let newest = listed.first();
    let arn = newest.and_then(|brief| brief.service_deployment_arn());
    arn.map(str::to_owned).ok_or_else(|| {
        LookupError::Missing(format!(
            "{call} returned nothing: the service was deployed by another controller, or not in the last 90 days"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use aws_sdk_ecs::types::{
        ServiceDeployment as EventDescription, ServiceDeploymentLifecycleStage,
    };

    fn at(stage: &str, percent: Option<u32>) -> ServiceDeployment {
        let stage = ServiceDeploymentLifecycleStage::from(stage);
        let mut deployment = ServiceDeployment::sample(Progress::Forward, "arn:old");
        deployment.production_percent = percent;
        deployment.described = EventDescription::builder().lifecycle_stage(stage).build();
        deployment
    }

    #[test]
    fn the_stage_that_a_hook_would_ask_at_is_known_or_nothing_is_measured() {
        let mut table = String::new();
        for stage in [
            "RECONCILE_SERVICE",
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
            "BAKE_TIME",
            "CLEAN_UP",
        ] {
            for percent in [Some(10), Some(100)] {
                let deployment = at(stage, percent);
                let says = |gate| match stage_now(gate, &deployment) {
                    Ok(stage) => stage.to_owned(),
                    Err(_) => "-".to_owned(),
                };
                let percent = percent.unwrap_or_default();
                let (pre, post) = (says(Stage::PreTraffic), says(Stage::PostTraffic));
                writeln!(table, "{stage:<30}{percent:>4}  {pre:<29} {post}").unwrap();
            }
        }
        insta::assert_snapshot!(table, @r"
        RECONCILE_SERVICE               10  -                             -
        RECONCILE_SERVICE              100  -                             -
        POST_SCALE_UP                   10  POST_SCALE_UP                 -
        POST_SCALE_UP                  100  POST_SCALE_UP                 -
        TEST_TRAFFIC_SHIFT              10  -                             -
        TEST_TRAFFIC_SHIFT             100  -                             -
        POST_TEST_TRAFFIC_SHIFT         10  POST_TEST_TRAFFIC_SHIFT       -
        POST_TEST_TRAFFIC_SHIFT        100  POST_TEST_TRAFFIC_SHIFT       -
        PRODUCTION_TRAFFIC_SHIFT        10  PRE_PRODUCTION_TRAFFIC_SHIFT  PRODUCTION_TRAFFIC_SHIFT
        PRODUCTION_TRAFFIC_SHIFT       100  PRE_PRODUCTION_TRAFFIC_SHIFT  -
        POST_PRODUCTION_TRAFFIC_SHIFT   10  PRE_PRODUCTION_TRAFFIC_SHIFT  POST_PRODUCTION_TRAFFIC_SHIFT
        POST_PRODUCTION_TRAFFIC_SHIFT  100  PRE_PRODUCTION_TRAFFIC_SHIFT  POST_PRODUCTION_TRAFFIC_SHIFT
        BAKE_TIME                       10  PRE_PRODUCTION_TRAFFIC_SHIFT  PRODUCTION_TRAFFIC_SHIFT
        BAKE_TIME                      100  PRE_PRODUCTION_TRAFFIC_SHIFT  POST_PRODUCTION_TRAFFIC_SHIFT
        CLEAN_UP                        10  -                             PRODUCTION_TRAFFIC_SHIFT
        CLEAN_UP                       100  -                             POST_PRODUCTION_TRAFFIC_SHIFT
        ");
        insta::assert_snapshot!(stage_now(Stage::PreTraffic, &at("SCALE_UP", None)).unwrap_err(), @"the deployment is at SCALE_UP, where nothing reaches the new revision yet; try again later");
        insta::assert_snapshot!(stage_now(Stage::PostTraffic, &at("SCALE_UP", None)).unwrap_err(), @"the deployment is at SCALE_UP, where production traffic has not moved yet; try again later");
        let silent = ServiceDeployment::sample(Progress::Forward, "arn:old");
        assert!(
            stage_now(Stage::PostTraffic, &silent).is_err(),
            "unknown is refused"
        );
    }

    #[test]
    fn what_is_over_is_measured_only_where_it_serves() {
        let ended =
            |status: &str| ServiceDeployment::sample(Progress::Ended(status.to_owned()), "arn:old");
        assert_eq!(
            stage_now(Stage::PostTraffic, &ended("SUCCESSFUL")),
            Ok(POST_PRODUCTION_TRAFFIC_SHIFT)
        );
        assert!(stage_now(Stage::PreTraffic, &ended("SUCCESSFUL")).is_err());
        for gate in Stage::ALL {
            assert!(stage_now(gate, &ended("ROLLBACK_SUCCESSFUL")).is_err());
            let back = ServiceDeployment::sample(Progress::RollingBack { to: None }, "arn:old");
            assert!(stage_now(gate, &back).is_err());
        }
    }
}
