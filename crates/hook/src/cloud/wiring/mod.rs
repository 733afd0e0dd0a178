//! Gathers what the rules of the wiring compare. Only reads; what does not exist is a fact, and what can't be asked for
//! is an unknown one.

mod code_deploy;
mod ecs;
mod event_rules;
mod function;
mod load_balancing;
mod service;

use gate::cloud::CloudError;
use wiring::facts::{AttachedAlarms, Versions};
use wiring::{Fact, Facts};

use super::{Cloud, DescribedRelease, alarms};
use crate::app_spec::Resource;

/// The facts of the deployment.
pub(super) async fn facts(cloud: &Cloud) -> Result<Facts, CloudError> {
    match &cloud.release {
        DescribedRelease::CodeDeploy(release) => match &release.spec.resource {
            Resource::EcsService { .. } => {
                let facts = code_deploy::facts(cloud, release).await;
                Ok(Facts::CodeDeployEcs(Box::new(facts)))
            }
            Resource::LambdaFunction { .. } => {
                let facts = function::facts(cloud, release).await?;
                Ok(Facts::CodeDeployLambda(Box::new(facts)))
            }
        },
        DescribedRelease::Ecs(release) => {
            let facts = ecs::facts(cloud, release).await;
            Ok(Facts::Ecs(Box::new(facts)))
        }
        DescribedRelease::Pipeline => Err(CloudError(
            "a pipeline's action does not say what is deployed; let CodeDeploy or ECS call the gate".to_owned(),
        )),
    }
}

/// The alarms of these names, and which of them exist.
async fn attached_alarms(cloud: &Cloud, named: Vec<String>) -> AttachedAlarms {
    let existing = if named.is_empty() {
        Ok(Vec::new())
    } else {
        let states = alarms::states(cloud.aws(), &named).await;
        let found = states.map(|alarms| alarms.into_iter().map(|alarm| alarm.name).collect());
        found.map_err(|error| error.0)
    };
    AttachedAlarms { named, existing }
}

/// The versions, as the gate knows them already.
fn versions(cloud: &Cloud, is_first: bool) -> Versions {
    let of = |key: &str| cloud.needed(key).map(str::to_owned);
    let remedy = |error: CloudError| format!("{}; or except version-newer", error.0);
    Versions {
        new: of("version").map_err(remedy),
        old: if is_first {
            Ok(None)
        } else {
            of("old_version").map(Some).map_err(remedy)
        },
    }
}

/// The first of a list of at most one that exists.
fn first<T>(found: Fact<Option<Vec<T>>>) -> Fact<Option<T>> {
    found.map(|list| list.and_then(|list| list.into_iter().next()))
}
