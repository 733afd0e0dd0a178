//! The deployment that called, and its revisions, as ECS describes them.

use std::time::Duration;

use aws_sdk_ecs::types::{
    DeploymentLifecycleHook, DeploymentLifecycleHookTimeoutConfiguration as Timeout, LoadBalancer,
    ServiceConnectConfiguration, ServiceDeployment as EventDescription,
    ServiceDeploymentStatus as Status, ServiceRevision,
};
use common::arn::{function_name, last_name};
use common::aws::Aws;

use crate::event::EcsEvent;
use crate::lookup::LookupError;

/// What the hook's `timeoutConfiguration` says by default.
pub(crate) const DEFAULT_HOOK_TIMEOUT: Duration = Duration::from_hours(24);

/// A service deployment, as far as a gate needs it.
#[derive(Debug, Clone)]
pub(crate) struct ServiceDeployment {
    pub(crate) progress: Progress,
    /// The revision that served before; none at a service's first deployment.
    pub(crate) old_revision: Option<String>,
    /// Percent of production traffic that ECS wants the new revision to have.
    pub(crate) production_percent: Option<u32>,
    /// The same of test traffic.
    pub(crate) test_percent: Option<u32>,
    hooks: Vec<DeploymentLifecycleHook>,
    /// As ECS describes it.
    pub(crate) described: EventDescription,
}

/// How far a deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Forward, or in a state that we don't know: then it is measured.
    Forward,
    /// Back to an earlier revision.
    RollingBack {
        /// Its ARN.
        to: Option<String>,
    },
    /// Nothing is left to do; with AWS's word.
    Ended(String),
}

impl ServiceDeployment {
    /// A deployment with one hook, for tests.
    #[cfg(test)]
    pub(crate) fn sample(progress: Progress, old_revision: &str) -> Self {
        Self {
            progress,
            old_revision: Some(old_revision.to_owned()),
            production_percent: None,
            test_percent: None,
            hooks: vec![],
            described: EventDescription::builder().build(),
        }
        .hooked(&[Some(90)])
    }

    /// The same with hooks of one function, by their time-outs in minutes, for tests.
    #[cfg(test)]
    pub(crate) fn hooked(self, timeouts: &[Option<i32>]) -> Self {
        let hook = |minutes: &Option<i32>| {
            let timeout =
                minutes.map(|minutes| Timeout::builder().timeout_in_minutes(minutes).build());
            DeploymentLifecycleHook::builder()
                .hook_target_arn(
                    "arn:aws:lambda:eu-central-1:111122223333:function:deploy-hooks-post-traffic:live",
                )
                .set_timeout_configuration(timeout)
                .build()
        };
        Self {
            hooks: timeouts.iter().map(hook).collect(),
            ..self
        }
    }

    /// How long ECS waits for a hook that calls the function of this name at this stage. Where there are several, the event
    /// does not say which one calls, so it is the shortest time.
    pub(crate) fn hook_timeout(&self, function: &str, stage: &str) -> Option<Duration> {
        let own = self.hooks.iter().filter(|hook| {
            let target = hook.hook_target_arn().unwrap_or_default();
            let stages = hook.lifecycle_stages();
            let calls_here = stages.is_empty() || stages.iter().any(|one| one.as_str() == stage);
            function_name(target) == function && calls_here
        });
        own.map(|hook| {
            hook.timeout_configuration()
                .and_then(Timeout::timeout_in_minutes)
                .and_then(|minutes| u64::try_from(minutes).ok())
                .map_or(DEFAULT_HOOK_TIMEOUT, Duration::from_mins)
        })
        .min()
    }
}

/// Reads the deployment.
pub(crate) async fn read(aws: &Aws, arn: &str) -> Result<ServiceDeployment, LookupError> {
    let call = || format!("DescribeServiceDeployments {arn}");
    let absent = "check the resourceArn of the event, and that this function runs in the deployment's account and region";
    let failed = LookupError::of(aws, call(), "ecs:DescribeServiceDeployments", absent);
    let described = common::ecs::service_deployment(aws, arn).await;
    let described = described.map_err(failed)?.ok_or_else(|| {
        LookupError::Missing(format!(
            "{} returned nothing; check the resourceArn of the event",
            call()
        ))
    })?;
    Ok(of(&described))
}

/// Pure: what a gate needs of the description.
fn of(described: &EventDescription) -> ServiceDeployment {
    let new = described.target_service_revision();
    let percent = |weight: Option<f64>| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a percentage"
        )]
        // 99.6 % is not the whole.
        weight.map(|weight| weight.floor() as u32)
    };
    let to = described
        .rollback()
        .and_then(|rollback| rollback.service_revision_arn())
        .map(str::to_owned);
    let old_revision = described
        .source_service_revisions()
        .iter()
        .filter_map(|revision| revision.arn())
        .find(|arn| Some(*arn) != new.and_then(|new| new.arn()))
        .map(str::to_owned);
    let configuration = described.deployment_configuration();
    ServiceDeployment {
        progress: match described.status() {
            Some(Status::RollbackRequested | Status::RollbackInProgress) => {
                Progress::RollingBack { to }
            }
            Some(Status::StopRequested | Status::InProgress) if described.rollback().is_some() => {
                Progress::RollingBack { to }
            }
            Some(
                ended @ (Status::Successful
                | Status::Stopped
                | Status::RollbackSuccessful
                | Status::RollbackFailed),
            ) => Progress::Ended(ended.as_str().to_owned()),
            _ => Progress::Forward,
        },
        old_revision,
        production_percent: new.and_then(|new| percent(new.requested_production_traffic_weight())),
        test_percent: new.and_then(|new| percent(new.requested_test_traffic_weight())),
        hooks: configuration
            .map(|configuration| configuration.lifecycle_hooks().to_vec())
            .unwrap_or_default(),
        described: described.clone(),
    }
}

/// What a revision runs, and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) arn: String,
    pub(crate) task_definition: Option<String>,
    pub(crate) container: Option<String>,
    pub(crate) port: Option<i32>,
    /// The listener rule of production traffic, or the listener of a Network Load Balancer.
    pub(crate) production_rule: Option<String>,
    pub(crate) test_rule: Option<String>,
    /// By Service Connect alone.
    pub(crate) has_service_connect: bool,
}

/// Both revisions of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct Revisions {
    pub(crate) new: Revision,
    /// Or why it is not known.
    pub(crate) old: Result<Revision, String>,
    /// Both as ECS describes them; the old one if there is one.
    pub(crate) described: (ServiceRevision, Option<ServiceRevision>),
}

/// Reads the revisions. Without the new one nothing can be measured; the old one costs only facts.
pub(crate) async fn revisions(
    aws: &Aws,
    event: &EcsEvent,
    deployment: &ServiceDeployment,
) -> Result<Revisions, LookupError> {
    let new = &event.target_revision_arn;
    let arns: Vec<String> = std::iter::once(new.clone())
        .chain(deployment.old_revision.clone())
        .collect();
    let call = format!("DescribeServiceRevisions {}", arns.join(", "));
    let absent = "check executionDetails.targetServiceRevisionArn of the event";
    let failed = LookupError::of(aws, call.clone(), "ecs:DescribeServiceRevisions", absent);
    let described = common::ecs::service_revisions(aws, arns).await;
    let described = described.map_err(failed)?;
    let found = |arn: &str| {
        let mut revisions = described.iter();
        revisions.find(|revision| revision.service_revision_arn() == Some(arn))
    };
    let find = |arn: &str| found(arn).map(revision);
    let old = match &deployment.old_revision {
        None => Err(
            "this is the service's first deployment, so there is no earlier revision".to_owned(),
        ),
        Some(arn) => find(arn).ok_or_else(|| format!("{call} did not return {}", last_name(arn))),
    };
    let described_new = found(new)
        .ok_or_else(|| LookupError::Missing(format!("{call} did not return {}", last_name(new))))?;
    let described_old = deployment.old_revision.as_deref().and_then(found);
    Ok(Revisions {
        new: revision(described_new),
        old,
        described: (described_new.clone(), described_old.cloned()),
    })
}

fn revision(described: &ServiceRevision) -> Revision {
    let balancers = described.load_balancers();
    // The one with rules is the one that blue/green shifts.
    let balancer = balancers
        .iter()
        .find(|balancer| balancer.advanced_configuration().is_some())
        .or(balancers.first());
    let rules = balancer.and_then(|balancer| balancer.advanced_configuration());
    let rule = |rule: Option<&str>| rule.filter(|arn| !arn.is_empty()).map(str::to_owned);
    Revision {
        arn: described
            .service_revision_arn()
            .unwrap_or_default()
            .to_owned(),
        task_definition: described.task_definition().map(str::to_owned),
        container: balancer
            .and_then(|balancer| balancer.container_name())
            .map(str::to_owned),
        port: balancer.and_then(LoadBalancer::container_port),
        production_rule: rule(rules.and_then(|rules| rules.production_listener_rule())),
        test_rule: rule(rules.and_then(|rules| rules.test_listener_rule())),
        has_service_connect: described
            .service_connect_configuration()
            .is_some_and(ServiceConnectConfiguration::enabled),
    }
}
