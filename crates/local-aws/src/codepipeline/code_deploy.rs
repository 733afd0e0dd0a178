//! CodeDeploy actions: a deployment of our own CodeDeploy, followed to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::CodePipeline;
use super::actions::{ActionFailure, ActionSuccess, StartedAction, setting};
use super::driver::ExecutionKey;
use super::model::ActionDetails;

/// How often something that runs elsewhere is asked for its state, in real time.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl CodePipeline {
    /// Deploys the input artifact as it is.
    pub(super) async fn code_deploy(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        let Some((_, at)) = action_run.inputs.first() else {
            return Err(ActionFailure::configuration(
                "The action needs an input artifact",
            ));
        };
        let revision = json!({
            "revisionType": "S3",
            "s3Location": { "bucket": at.bucket, "key": at.key, "bundleType": "zip" },
        });
        self.deploy(key, action_run, configuration, revision).await
    }

    /// Creates a deployment of a revision and follows it.
    pub(super) async fn deploy(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
        revision: Value,
    ) -> Result<ActionSuccess, ActionFailure> {
        let input = json!({
            "applicationName": setting(configuration, "ApplicationName"),
            "deploymentGroupName": setting(configuration, "DeploymentGroupName"),
            "revision": revision,
        });
        let codedeploy = &self.shared.codedeploy;
        let made = codedeploy.call("CreateDeployment", &input);
        let made = made.map_err(|error| ActionFailure::job(error.message))?;
        let id = made["deploymentId"].as_str().unwrap_or_default().to_owned();
        let details = ActionDetails {
            external_url: Some(format!(
                "https://console.aws.amazon.com/codedeploy/home?region={}#/deployments/{id}",
                self.world().region
            )),
            external_id: Some(id.clone()),
            ..ActionDetails::default()
        };
        self.set_details(key, &action_run.run, details.clone());
        loop {
            let shown = codedeploy
                .call("GetDeployment", &json!({ "deploymentId": id }))
                .map_err(|error| ActionFailure::of(&error))?;
            let info = &shown["deploymentInfo"];
            let reason = || {
                let message = info["errorInformation"]["message"].as_str();
                message
                    .unwrap_or("The deployment did not succeed")
                    .to_owned()
            };
            let summary = |text: &str| ActionDetails {
                summary: Some(text.to_owned()),
                ..details.clone()
            };
            match info["status"].as_str() {
                Some("Succeeded") => {
                    return Ok(ActionSuccess {
                        details: summary("Deployment Succeeded"),
                        ..ActionSuccess::default()
                    });
                }
                Some("Failed") => {
                    return Err(
                        ActionFailure::job(reason()).with_details(summary("Deployment Failed"))
                    );
                }
                Some("Stopped") => {
                    return Err(
                        ActionFailure::job(reason()).with_details(summary("Deployment Stopped"))
                    );
                }
                _ => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// Sets what an action shows while it runs.
    pub(super) fn set_details(&self, key: &ExecutionKey, run: &str, details: ActionDetails) {
        let now = self.now();
        let mut state = self.state();
        if let Ok(execution) = state.execution_mut(key) {
            if let Some(run) = execution.run_mut(run) {
                run.details = details;
                run.updated = now;
            }
            execution.touch(now);
        }
    }
}
