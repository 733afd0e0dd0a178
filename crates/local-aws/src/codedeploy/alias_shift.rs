//! Lambda deployments: an alias moves from one version of a function to another, by weights.
//!
//! Functions and aliases are the emulator's. The steps are those of ECS (`routing`); there are no tasks,
//! so there is nothing to install and nothing to wait for afterwards.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html>

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::CodeDeploy;
use super::appspec::{self, AppSpecError};
use super::lifecycle::LifecycleEvent;
use super::model::AliasTarget;
use super::outcome::{DeploymentStatus, Halt};
use super::platform::Platform;
use super::traffic_shift::Driver;
use crate::clock::later;

/// What a Lambda deployment needs of an AppSpec.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LambdaSpec {
    alias: AliasTarget,
    hooks: BTreeMap<LifecycleEvent, String>,
}

impl LambdaSpec {
    fn parse(text: &str) -> Result<Self, AppSpecError> {
        let root = appspec::read(text)?;
        let properties = appspec::properties(&root, Platform::Lambda)?;
        let alias = AliasTarget {
            function: appspec::string(properties, "Name")?,
            alias: appspec::string(properties, "Alias")?,
            current: version(properties.get("CurrentVersion"), "CurrentVersion")?,
            target: version(properties.get("TargetVersion"), "TargetVersion")?,
            weight: 0,
        };
        let hooks = appspec::hooks(&root, Platform::Lambda)?;
        Ok(Self { alias, hooks })
    }
}

/// A version, which YAML may have as a number.
fn version(given: Option<&Value>, name: &'static str) -> Result<String, AppSpecError> {
    match given {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(AppSpecError::Missing(name)),
    }
}

impl Driver {
    pub(super) async fn deploy_alias(&self) -> Result<(), Halt> {
        let spec = tokio::select! {
            spec = self.lambda_spec() => spec?,
            stopped = self.wait_for(Timestamp::MAX, |_| None::<()>) => return stopped.map(drop),
        };
        self.change(|deployment| deployment.alias = Some(spec.alias.clone()));
        self.hook(&spec.hooks, LifecycleEvent::BeforeAllowTraffic)
            .await?;
        self.start(LifecycleEvent::AllowTraffic);
        let begin = self.codedeploy.now();
        let routing = self.read(|deployment| Some(deployment.routing));
        for step in routing.into_iter().flat_map(super::routing::Routing::steps) {
            self.wait_for(later(begin, step.after), |_| None::<()>)
                .await?;
            self.codedeploy.shift_alias(&self.id, step.green).await?;
        }
        self.succeed(LifecycleEvent::AllowTraffic);
        self.hook(&spec.hooks, LifecycleEvent::AfterAllowTraffic)
            .await?;
        self.refuse_stopped_or(|deployment| deployment.closing = true)?;
        let now = self.codedeploy.now();
        self.change(|deployment| deployment.end(DeploymentStatus::Succeeded, now));
        let message = format!("Deployment {} succeeded.", self.id);
        self.record("deployment", message, json!({ "status": "Succeeded" }));
        Ok(())
    }

    /// Reads the revision, which has to fit the function as it is.
    async fn lambda_spec(&self) -> Result<LambdaSpec, Halt> {
        let revision = self.read(|deployment| deployment.revision.clone());
        let gone = || Halt::InvalidRevision("The deployment is gone.".to_owned());
        let text = self
            .codedeploy
            .bucket()
            .text(&revision.ok_or_else(gone)?)
            .await?;
        let spec =
            LambdaSpec::parse(&text).map_err(|error| Halt::InvalidRevision(error.to_string()))?;
        let LambdaSpec {
            alias:
                AliasTarget {
                    function,
                    alias,
                    current,
                    target,
                    ..
                },
            ..
        } = &spec;
        let lambda = async |path: String| {
            let upstream = self.codedeploy.upstream();
            let found = upstream.rest("lambda", Method::GET, &path, None).await;
            found.map_err(|error| Halt::Lambda(error.to_string()))
        };
        let found = lambda(alias_path(function, alias)).await?;
        if found["FunctionVersion"] != current.as_str() {
            return Err(Halt::Lambda(format!(
                "The alias {alias} of {function} points to version {}, not to the CurrentVersion \
                 {current}.",
                found["FunctionVersion"].as_str().unwrap_or("(none)")
            )));
        }
        let path = format!(
            "{}/configuration?Qualifier={target}",
            function_path(function)
        );
        lambda(path).await?;
        Ok(spec)
    }
}

impl CodeDeploy {
    /// Gives the target version of a deployment's alias so many percent of the calls.
    pub(super) async fn shift_alias(&self, id: &str, percent: u32) -> Result<(), Halt> {
        let alias = self
            .state()
            .deployment(id)
            .ok()
            .and_then(|d| d.alias.clone());
        let alias = alias.ok_or_else(|| Halt::Lambda("There is no alias.".to_owned()))?;
        let path = alias_path(&alias.function, &alias.alias);
        let input = alias_update(&alias, percent);
        let upstream = self.upstream();
        upstream
            .rest("lambda", Method::PUT, &path, Some(&input))
            .await
            .map_err(|error| Halt::Lambda(error.to_string()))?;
        self.change(id, |deployment| {
            if let Some(alias) = &mut deployment.alias {
                alias.weight = percent;
            }
        });
        self.record(
            id,
            "traffic",
            format!(
                "The alias {} of {} sends {percent} % to version {} and {} % to version {}.",
                alias.alias,
                alias.function,
                alias.target,
                100 - percent,
                alias.current
            ),
            json!({
                "function": alias.function, "alias": alias.alias,
                "weights": { &alias.target: percent, &alias.current: 100 - percent },
            }),
        );
        Ok(())
    }
}

/// The `UpdateAlias` that gives the target version so many percent.
fn alias_update(alias: &AliasTarget, percent: u32) -> Value {
    if percent >= 100 {
        return json!({
            "FunctionVersion": alias.target,
            "RoutingConfig": { "AdditionalVersionWeights": {} },
        });
    }
    let weight = f64::from(percent) / 100.0;
    json!({
        "FunctionVersion": alias.current,
        "RoutingConfig": { "AdditionalVersionWeights": { &alias.target: weight } },
    })
}

fn function_path(function: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(function.as_bytes()).collect();
    format!("/2015-03-31/functions/{name}")
}

fn alias_path(function: &str, alias: &str) -> String {
    format!("{}/aliases/{alias}", function_path(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
version: 0.0
Resources:
  - prices:
      Type: AWS::Lambda::Function
      Properties:
        Name: prices
        Alias: live
        CurrentVersion: 1
        TargetVersion: "2"
Hooks:
  - BeforeAllowTraffic: CodeDeployHook_check
"#;

    fn refused(change: &str, to: &str) -> String {
        assert!(GOOD.contains(change), "{change}");
        let error = LambdaSpec::parse(&GOOD.replace(change, to)).unwrap_err();
        error.to_string()
    }

    #[test]
    fn an_appspec_names_alias_versions_and_hooks() {
        let spec = LambdaSpec::parse(GOOD).unwrap();
        assert_eq!(spec.alias.target_id(), "prices:live");
        assert_eq!(
            (spec.alias.current.as_str(), spec.alias.target.as_str()),
            ("1", "2")
        );
        assert_eq!(
            spec.hooks[&LifecycleEvent::BeforeAllowTraffic],
            "CodeDeployHook_check"
        );
    }

    #[test]
    fn what_cannot_be_deployed_is_refused_with_the_reason() {
        let refusals = [
            refused("AWS::Lambda::Function", "AWS::ECS::Service"),
            refused("BeforeAllowTraffic", "AfterInstall"),
            refused("        TargetVersion: \"2\"\n", ""),
        ];
        insta::assert_snapshot!(refusals.join("\n"), @r"
        The resource has the Type AWS::ECS::Service; it has to be AWS::Lambda::Function.
        AfterInstall is no lifecycle event of a Lambda deployment; there are BeforeAllowTraffic, AfterAllowTraffic.
        TargetVersion is missing.
        ");
    }

    #[test]
    fn weights_are_parts_of_one_and_gone_at_the_end() {
        let alias = LambdaSpec::parse(GOOD).unwrap().alias;
        assert_eq!(
            alias_update(&alias, 10),
            json!({
                "FunctionVersion": "1",
                "RoutingConfig": { "AdditionalVersionWeights": { "2": 0.1 } },
            })
        );
        assert_eq!(alias_update(&alias, 100)["FunctionVersion"], "2");
    }
}
