//! CodeDeploy actions: a deployment of our own CodeDeploy, followed to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::CodePipeline;
use super::actions::{Begun, Done, Failure, set};
use super::driver::Key;
use super::model::Told;

/// Between two looks at something that runs elsewhere, in real time.
pub(super) const LOOK: Duration = Duration::from_millis(50);

impl CodePipeline {
    /// Deploys the input artifact as it is.
    pub(super) async fn code_deploy(
        &self,
        key: &Key,
        begun: &Begun,
        configuration: &BTreeMap<String, String>,
    ) -> Result<Done, Failure> {
        let Some((_, at)) = begun.inputs.first() else {
            return Err(Failure::configuration("The action needs an input artifact"));
        };
        let revision = json!({
            "revisionType": "S3",
            "s3Location": { "bucket": at.bucket, "key": at.key, "bundleType": "zip" },
        });
        self.deploy(key, begun, configuration, revision).await
    }

    /// Creates a deployment of a revision and follows it.
    pub(super) async fn deploy(
        &self,
        key: &Key,
        begun: &Begun,
        configuration: &BTreeMap<String, String>,
        revision: Value,
    ) -> Result<Done, Failure> {
        let input = json!({
            "applicationName": set(configuration, "ApplicationName"),
            "deploymentGroupName": set(configuration, "DeploymentGroupName"),
            "revision": revision,
        });
        let codedeploy = &self.shared.codedeploy;
        let made = codedeploy.call("CreateDeployment", input).await;
        let made = made.map_err(|error| Failure::job(error.message))?;
        let id = made["deploymentId"].as_str().unwrap_or_default().to_owned();
        let told = Told {
            external_url: Some(format!(
                "https://console.aws.amazon.com/codedeploy/home?region={}#/deployments/{id}",
                self.world().region
            )),
            external_id: Some(id.clone()),
            ..Told::default()
        };
        self.tell(key, &begun.run, told.clone());
        loop {
            let shown = codedeploy
                .call("GetDeployment", json!({ "deploymentId": id }))
                .await
                .map_err(|error| Failure::of(&error))?;
            let info = &shown["deploymentInfo"];
            let reason = || {
                let message = info["errorInformation"]["message"].as_str();
                message
                    .unwrap_or("The deployment did not succeed")
                    .to_owned()
            };
            let summary = |text: &str| Told {
                summary: Some(text.to_owned()),
                ..told.clone()
            };
            match info["status"].as_str() {
                Some("Succeeded") => {
                    return Ok(Done {
                        told: summary("Deployment Succeeded"),
                        ..Done::default()
                    });
                }
                Some("Failed") => {
                    return Err(Failure::job(reason()).told(summary("Deployment Failed")));
                }
                Some("Stopped") => {
                    return Err(Failure::job(reason()).told(summary("Deployment Stopped")));
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// What an action tells while it runs.
    pub(super) fn tell(&self, key: &Key, run: &str, told: Told) {
        let now = self.now();
        let mut state = self.state();
        let Ok(pipeline) = state.pipeline_mut(&key.pipeline) else {
            return;
        };
        if let Ok(execution) = pipeline.execution_mut(&key.execution) {
            if let Some(run) = execution.run_mut(run) {
                run.told = told;
                run.updated = now;
            }
            execution.touch(now);
        }
    }
}
