//! What a run measures: an address, or what is deployed, looked up as a gate does.

use std::collections::BTreeMap;
use std::sync::Arc;

use gate::cloud::CloudProbes;
use gate::{Outcome, Stage, Suite, Target};
use hook::{DeployedRelease, DeploymentQuery, deployed_release};
use url::Url;

use super::settings;
use crate::failure::Failure;
use crate::{clients, deployed};

/// The key of the check that starts something.
const TASK: &str = "ecs_task";

/// What is measured.
#[derive(Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("what").args(["url", "deployment", "service"]).required(true))]
pub(super) struct CheckTarget {
    /// Where the release answers: scheme, host and port
    #[arg(long, value_parser = settings::base_url)]
    url: Option<Url>,
    /// The host name to use, if it differs from the one in the URL
    #[arg(long, value_name = "NAME", requires = "url")]
    host: Option<String>,
    /// A fact of the release, as {{ target.NAME }} in the suite: version=2.0.1
    #[arg(long, value_name = "NAME=VALUE", value_parser = settings::fact, conflicts_with_all = ["deployment", "service"])]
    target: Vec<(String, String)>,
    /// Measure a deployment of CodeDeploy as its gate would; APPLICATION/GROUP is the last one of a group
    #[arg(long, value_name = "ID", value_parser = deployed::deployment)]
    deployment: Option<DeploymentQuery>,
    /// Measure the last deployment of a service by ECS itself as its gate would
    #[arg(long, value_name = "CLUSTER/SERVICE", value_parser = deployed::service)]
    service: Option<DeploymentQuery>,
    /// The region of the deployment; left out: that of your AWS configuration
    #[arg(long, value_name = "REGION", conflicts_with = "url")]
    region: Option<String>,
    /// Run checks of the kind `ecs_task`, too: each starts a task, which costs
    #[arg(long, conflicts_with = "url")]
    run_tasks: bool,
}

/// A release to be measured.
pub(super) struct Release {
    pub(super) suite: Suite,
    pub(super) target: Target,
    /// Answers what checks ask of AWS.
    pub(super) cloud: Option<Arc<dyn CloudProbes>>,
    /// How it was found, if it was looked up.
    found: Option<DeployedRelease>,
}

impl Release {
    /// The outcome with what people must know of how the release was found.
    pub(super) fn explain(&self, outcome: Outcome) -> Outcome {
        match &self.found {
            Some(found) => found.explain(outcome),
            None => outcome,
        }
    }

    /// Where it answers, for people.
    pub(super) fn address(&self) -> String {
        match &self.target.base_url {
            Some(url) => url.origin().ascii_serialization(),
            None => self.fact("function").unwrap_or("the release").to_owned(),
        }
    }

    /// Which deployment it is of, if it was looked up.
    pub(super) fn deployment(&self) -> Option<&str> {
        self.found.as_ref().and(self.fact("deployment_id"))
    }

    fn fact(&self, key: &str) -> Option<&str> {
        self.target.facts.get(key).map(String::as_str)
    }
}

impl CheckTarget {
    fn deployed(&self) -> Option<&DeploymentQuery> {
        self.deployment.as_ref().or(self.service.as_ref())
    }

    /// Checks that would start something that costs, and that nobody has allowed.
    pub(super) fn refuses(&self, suite: &Suite, stage: Stage) -> Vec<String> {
        if self.deployed().is_none() || self.run_tasks {
            return Vec::new();
        }
        let checks = suite.plan_at(stage).checks.into_iter();
        checks
            .filter(|check| check.probe == TASK)
            .map(|check| {
                format!(
                    "check {:?} (line {}) starts an ECS task, which costs money: allow it with --run-tasks, or leave it out with --skip",
                    check.name, check.line
                )
            })
            .collect()
    }

    /// Finds the release. The inner error is an outcome: there is a deployment, and it can't be measured.
    pub(super) async fn find(
        &self,
        suite: Suite,
        stage: Stage,
    ) -> Result<Result<Release, Box<Outcome>>, Failure> {
        let Some(deployed) = self.deployed() else {
            return Ok(Ok(Release {
                suite,
                target: self.given(),
                cloud: None,
                found: None,
            }));
        };
        let aws = clients::aws_at(self.region.as_deref(), None).await?;
        let name = suite.name.clone();
        let found = deployed_release(aws, deployed::settings()?, stage, deployed, suite).await;
        Ok(match found {
            Ok(found) => Ok(Release {
                suite: found.suite.clone(),
                target: found.target.clone(),
                cloud: Some(Arc::clone(&found.cloud)),
                found: Some(found),
            }),
            Err(wrong) => Err(Box::new(Outcome::refused(
                &name,
                stage,
                wrong.facts,
                wrong.reasons,
            ))),
        })
    }

    /// What the call says of the release.
    fn given(&self) -> Target {
        let mut facts: BTreeMap<_, _> = self.target.iter().cloned().collect();
        let mut known = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                facts.entry(name.to_owned()).or_insert(value.to_owned());
            }
        };
        let url = self.url.as_ref();
        known("url", url.map(Url::as_str));
        known("host", self.host.as_deref().or(url.and_then(Url::host_str)));
        let unknown = gate::TARGET_KEYS
            .iter()
            .filter(|key| !facts.contains_key(**key))
            .map(|key| {
                let why = format!("no deployment says it here; give --target {key}=…");
                ((*key).to_owned(), why)
            })
            .collect();
        Target {
            base_url: self.url.clone(),
            host: self.host.clone(),
            facts,
            unknown,
            ..Target::default()
        }
    }
}
