//! What is deployed, where it answers, and at which lifecycle event the gate stands.

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentTarget};
use common::aws::Aws;
use common::failure::Hints;
use gate::Stage;
use jiff::Timestamp;

use super::deployment::Deployment;
use super::service::{self, EcsQuery, Listeners};
use super::{app_spec_source, lifecycle_event, targets as of_targets};
use crate::app_spec::{AppSpec, Resource};
use crate::caller::gate_target;
use crate::cloud::{CodeDeployRelease, DescribedRelease};
use crate::facts::{self, KnownFacts, note};
use crate::listener::Scheme;
use crate::lookup::{LookupContext, LookupError};

/// What is deployed and where it answers.
#[derive(Debug, Clone)]
pub(super) struct FoundTarget {
    /// What is known, by the names of [`gate::TARGET_KEYS`], and why the rest is not.
    pub known: KnownFacts,
    /// The listeners; none on the Lambda platform.
    pub listeners: Option<Listeners>,
    /// Whether the AppSpec hooks the post-traffic gate that the query names.
    pub hooks_post_traffic: bool,
    /// The same as AWS said it.
    pub release: DescribedRelease,
    /// Since when CodeDeploy waits.
    pub waits_since: Option<Timestamp>,
}

/// Who asks for a target.
#[derive(Debug, Clone, Copy)]
pub(super) struct TargetQuery<'a> {
    /// The gate.
    pub stage: Stage,
    /// The function's name.
    pub function: &'a str,
    /// The setting for listeners that don't say what they speak.
    pub tcp_scheme: Option<Scheme>,
    /// The name of the post-traffic gate, for the one that stands before it.
    pub post_traffic: Option<&'a str>,
}

/// A deployment and what it is of, as CodeDeploy describes them.
#[derive(Debug, Clone)]
pub(super) struct DescribedDeployment {
    pub spec: AppSpec,
    pub group: DeploymentGroupInfo,
    pub targets: Vec<DeploymentTarget>,
}

impl DescribedDeployment {
    pub(super) async fn read(
        context: LookupContext<'_>,
        deployment: &Deployment,
    ) -> Result<Self, LookupError> {
        let aws = context.aws;
        let (spec, group, targets) = tokio::join!(
            app_spec_source::read(aws, deployment),
            group(aws, &deployment.application, &deployment.group),
            targets(context, &deployment.id),
        );
        Ok(Self {
            spec: spec?,
            group: group?,
            targets,
        })
    }

    /// Adds what is known of the release to `known`; returns where it answers at a stage, which is nowhere on the Lambda
    /// platform.
    pub(super) async fn learn(
        &self,
        context: LookupContext<'_>,
        (stage, tcp_scheme): (Stage, Option<Scheme>),
        known: &mut KnownFacts,
    ) -> Result<Option<Listeners>, LookupError> {
        match &self.spec.resource {
            resource @ Resource::EcsService { .. } => {
                let ecs = EcsQuery {
                    stage,
                    resource,
                    group: &self.group,
                    tcp_scheme,
                };
                let listeners = service::describe(context, &ecs, &self.targets, known).await?;
                Ok(Some(listeners))
            }
            function @ Resource::LambdaFunction { .. } => {
                learn_function(known, function);
                Ok(None)
            }
        }
    }

    /// The release as AWS said it.
    pub(super) fn release(self, deployment: &Deployment) -> DescribedRelease {
        DescribedRelease::CodeDeploy(Box::new(CodeDeployRelease {
            spec: self.spec,
            group: self.group,
            targets: self.targets,
            begun: deployment.begun,
            is_over: deployment.ended.is_some(),
        }))
    }
}

/// What the deployment itself says.
pub(super) fn facts_of(deployment: &Deployment) -> KnownFacts {
    let mut known = KnownFacts::default();
    let facts = &mut known.facts;
    note(facts, "application", Some(&deployment.application));
    note(facts, "deployment_group", Some(&deployment.group));
    note(facts, "deployment_id", Some(&deployment.id));
    known
}

/// Finds the target of `deployment` for the gate that asks.
pub(super) async fn find(
    context: LookupContext<'_>,
    query: TargetQuery<'_>,
    deployment: &Deployment,
) -> Result<FoundTarget, LookupError> {
    let described = DescribedDeployment::read(context, deployment).await?;
    let running = of_targets::events_in_progress(&described.targets);
    let event = lifecycle_event::find(query.stage, &described.spec, query.function, &running)
        .map_err(LookupError::Missing)?;
    let mut known = facts_of(deployment);
    known.learn("lifecycle_event", event);
    let how = (query.stage, query.tcp_scheme);
    let listeners = described.learn(context, how, &mut known).await?;
    let hooks_post_traffic = query.post_traffic.is_some_and(|function| {
        let mut events = described.spec.events_of(function);
        events.any(|event| event.eq_ignore_ascii_case("AfterAllowTraffic"))
    });
    Ok(FoundTarget {
        known,
        listeners,
        hooks_post_traffic,
        waits_since: of_targets::waits_since(&described.targets),
        release: described.release(deployment),
    })
}

/// What a gate knows of the release, and how it reaches it.
pub(super) fn of_gate(
    known: &KnownFacts,
    listeners: Option<&Listeners>,
) -> Result<gate::Target, String> {
    let url = listeners.map(|listeners| listeners.under_test.url.as_str());
    let target = gate_target(url, known)?;
    let Some(Listeners { demands, .. }) = listeners else {
        return Ok(target);
    };
    Ok(gate::Target {
        host: demands.host.clone(),
        headers: demands.headers.clone(),
        rule: demands.rule.clone(),
        ..target
    })
}

/// A deployment as AWS describes it, over or not, and what is known of its versions. No gate needs to stand there.
pub(crate) async fn release(
    context: LookupContext<'_>,
    tcp_scheme: Option<Scheme>,
    deployment: &Deployment,
) -> Result<(DescribedRelease, KnownFacts), LookupError> {
    let described = DescribedDeployment::read(context, deployment).await?;
    let mut known = KnownFacts::default();
    let how = (Stage::PostTraffic, tcp_scheme);
    // Where it answers is asked by nobody here.
    if let Err(error) = described.learn(context, how, &mut known).await {
        tracing::info!("{error}");
    }
    Ok((described.release(deployment), known))
}

fn learn_function(known: &mut KnownFacts, resource: &Resource) {
    let Resource::LambdaFunction {
        name,
        alias,
        current_version,
        target_version,
    } = resource
    else {
        return;
    };
    known.on_platform("Lambda", facts::ECS_KEYS);
    let facts = &mut known.facts;
    note(facts, "function", Some(name));
    note(facts, "alias", Some(alias));
    note(facts, "current_version", Some(current_version));
    note(facts, "target_version", Some(target_version));
    note(facts, "version", Some(target_version));
    note(facts, "old_version", Some(current_version));
}

/// The lifecycle event at which `function` was called, if it can be found.
pub(super) async fn called_event(
    context: LookupContext<'_>,
    stage: Stage,
    function: &str,
    deployment: &Deployment,
) -> Option<String> {
    let (spec, targets) = tokio::join!(
        app_spec_source::read(context.aws, deployment),
        targets(context, &deployment.id),
    );
    let running = of_targets::events_in_progress(&targets);
    let event = lifecycle_event::find(stage, &spec.ok()?, function, &running);
    event.ok()?.ok()
}

/// A deployment group by its names.
pub(crate) async fn group(
    aws: &Aws,
    application: &str,
    group: &str,
) -> Result<DeploymentGroupInfo, LookupError> {
    let call = || format!("GetDeploymentGroup {application}/{group}");
    aws.codedeploy()
        .get_deployment_group()
        .application_name(application)
        .deployment_group_name(group)
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            call(),
            "codedeploy:GetDeploymentGroup",
            "the group is gone: was it deleted or renamed?",
        ))?
        .deployment_group_info
        .ok_or_else(|| LookupError::Missing(format!("{} returned nothing", call())))
}

/// The deployment's targets; none where they can't be had.
async fn targets(context: LookupContext<'_>, id: &str) -> Vec<DeploymentTarget> {
    let client = context.aws.codedeploy();
    let hints = |permission| Hints {
        permission,
        absent: "the deployment has no targets",
    };
    let list = client.list_deployment_targets().deployment_id(id).send();
    let listed = context.best_effort(
        "ListDeploymentTargets",
        hints("codedeploy:ListDeploymentTargets"),
        list,
    );
    let Ok(listed) = listed.await else {
        return Vec::new();
    };
    let ids = listed.target_ids.unwrap_or_default();
    if ids.is_empty() {
        return Vec::new();
    }
    let read = client
        .batch_get_deployment_targets()
        .deployment_id(id)
        .set_target_ids(Some(ids));
    let read = context.best_effort(
        "BatchGetDeploymentTargets",
        hints("codedeploy:BatchGetDeploymentTargets"),
        read.send(),
    );
    let read = read.await.ok();
    read.and_then(|answer| answer.deployment_targets)
        .unwrap_or_default()
}
