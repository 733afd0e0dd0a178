//! The release of a deployment, as a gate would measure it.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::aws::Aws;
use gate::cloud::CloudProbes;
use gate::{Outcome, Stage, Suite};

use super::{DeploymentQuery, LOOKUP_TIMEOUT};
use crate::caller::{Prepared, Refusal};
use crate::cloud::COSTLY_FACTS;
use crate::facts::KnownFacts;
use crate::lookup::LookupContext;
use crate::measure::explain;
use crate::settings::Settings;
use crate::{codedeploy, ecs};

/// A release, and all that a run needs of it.
#[derive(Debug)]
pub struct DeployedRelease {
    /// The checks that can be asked there.
    pub suite: Suite,
    /// Where it answers, and what is known of it.
    pub target: gate::Target,
    /// Answers what checks ask of AWS.
    pub cloud: Arc<dyn CloudProbes>,
    /// What was assumed: said where a run does not pass.
    assumed: Vec<String>,
    /// What people must know of a run, whatever it says.
    notes: Vec<String>,
}

impl DeployedRelease {
    /// The outcome with what people must know of how the release was found, as a gate says it.
    #[must_use]
    pub fn explain(&self, mut outcome: Outcome) -> Outcome {
        explain(&mut outcome, &self.assumed, &self.notes);
        outcome
    }
}

/// Why a release can't be measured, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotMeasurable {
    /// Sentences, each with what to do.
    pub reasons: Vec<String>,
    /// By the names that suites use.
    pub facts: BTreeMap<String, String>,
}

/// What the gate of `stage` would measure just now, looked up as it does.
///
/// # Errors
/// If there is none, if it can't be found, or if its answers can't be told from those of another release.
pub async fn deployed_release(
    aws: Aws,
    settings: Settings,
    stage: Stage,
    deployed: &DeploymentQuery,
    suite: Suite,
) -> Result<DeployedRelease, NotMeasurable> {
    let context = LookupContext {
        aws: &aws,
        timeout: LOOKUP_TIMEOUT,
    };
    let how = (stage, settings.tcp_scheme);
    let prepared = match deployed {
        DeploymentQuery::Deployment { id } => {
            codedeploy::deployed::prepare(context, how, id, suite).await
        }
        DeploymentQuery::Group { application, group } => {
            match codedeploy::deployed::of_group(context, application, group).await {
                Ok(id) => codedeploy::deployed::prepare(context, how, &id, suite).await,
                Err(error) => Err(Refusal::from(error)),
            }
        }
        DeploymentQuery::Service { cluster, service } => {
            ecs::deployed::prepare(context, how, (cluster, service), suite).await
        }
    };
    let Prepared {
        suite,
        mut target,
        assumed,
        notes,
        release,
        ..
    } = prepared.map_err(|refusal| NotMeasurable {
        reasons: refusal.reasons,
        facts: facts_of(deployed),
    })?;
    let known = KnownFacts {
        facts: target.facts.clone(),
        unknown: target.unknown.clone(),
    };
    let cloud = super::cloud(stage, aws, settings, release, known);
    if suite.uses_facts(COSTLY_FACTS) {
        let known = cloud.costly_facts().await;
        target.facts.extend(known.facts);
        target.unknown.extend(known.unknown);
    }
    Ok(DeployedRelease {
        suite,
        target,
        cloud: Arc::new(cloud),
        assumed,
        notes,
    })
}

/// What whoever asks has said.
fn facts_of(deployed: &DeploymentQuery) -> BTreeMap<String, String> {
    let named: &[(&str, &String)] = match deployed {
        DeploymentQuery::Deployment { id } => &[("deployment_id", id)],
        DeploymentQuery::Group { application, group } => {
            &[("application", application), ("deployment_group", group)]
        }
        DeploymentQuery::Service { cluster, service } => {
            &[("cluster", cluster), ("service", service)]
        }
    };
    let owned = |(key, value): &(&str, &String)| ((*key).to_owned(), (*value).clone());
    named.iter().map(owned).collect()
}
