//! What became of the execution after the approval.

use std::time::Duration;

use approvals::{DeploymentStatus, ExecutionOutcome, ExecutionStatus};
use briefing::{Lookups, outcome};
use serde_json::{Value, json};

use crate::brief::lookups;
use crate::support::shop::{self, EXECUTION, TOKEN};
use crate::support::{Fake, Fault, World};

/// The shop's world after a yes: `status` of the execution, and the production deployment.
fn decided(status: &str, deployment: Value) -> World {
    let mut world = shop::world();
    world.executions.get_mut(EXECUTION).unwrap()["status"] = json!(status);
    let actions = world.actions.get_mut(EXECUTION).unwrap();
    actions[0]["status"] = json!("Succeeded");
    let mut deploy = shop::deploy_action(200, "Production", "Deploy", "d-LIVE1");
    if status == "Failed" {
        deploy["status"] = json!("Failed");
        deploy["output"]["executionResult"]["errorDetails"] = json!({"code": "JobFailed", "message": format!("Deployment d-LIVE1 failed, password=hunter2 {TOKEN}")});
        deploy["output"]["executionResult"]["externalExecutionUrl"] =
            json!("https://console.aws.amazon.com/codedeploy/d-LIVE1");
    }
    actions.insert(0, deploy);
    world.deployments.insert("d-LIVE1".into(), deployment);
    shop::report(
        &mut world,
        "d-LIVE1",
        "pre-traffic-AfterAllowTestTraffic",
        true,
    );
    world
}

fn live() -> Value {
    json!({"applicationName": "shop", "deploymentId": "d-LIVE1", "status": "Succeeded"})
}

fn rolled_back() -> Value {
    json!({"applicationName": "shop", "deploymentId": "d-LIVE1", "status": "Failed",
        "errorInformation": {"code": "HOOK_EXECUTION_FAILURE",
            "message": "The post-traffic hook failed"},
        "rollbackInfo": {"rollbackDeploymentId": "d-BACK1"}})
}

async fn outcome_of(world: World) -> ExecutionOutcome {
    let fake = Fake::start(world).await;
    let outcome_of = outcome(&lookups(&fake), &shop::action(), EXECUTION).await;
    outcome_of.unwrap()
}

#[tokio::test]
async fn a_release_is_live() {
    let outcome_of = outcome_of(decided("Succeeded", live())).await;
    // The staging deployment ran before the approval: nobody asks for it any more.
    insta::assert_json_snapshot!(outcome_of, @r#"
    {
      "status": "succeeded",
      "deployments": [
        {
          "application": "shop",
          "group": "production",
          "deployment": "d-LIVE1",
          "status": "succeeded",
          "rolled_back": null,
          "error": null,
          "gates": [
            {
              "stage": "pre-traffic",
              "application": "shop",
              "deployment": "d-LIVE1",
              "passed": true,
              "reasons": [
                "all 4 required checks passed"
              ],
              "report": "s3://reports/gates/shop/d-LIVE1/pre-traffic-AfterAllowTestTraffic.html"
            }
          ]
        }
      ],
      "failed_action": null,
      "gaps": []
    }
    "#);
}

#[tokio::test]
async fn a_release_was_rolled_back() {
    let mut world = decided("Failed", rolled_back());
    shop::report(
        &mut world,
        "d-LIVE1",
        "post-traffic-AfterAllowTraffic",
        false,
    );
    let outcome_of = outcome_of(world).await;
    let deployed = &outcome_of.deployments[0];
    assert_eq!(outcome_of.status, ExecutionStatus::Failed);
    assert_eq!(deployed.status, DeploymentStatus::Failed);
    assert_eq!(deployed.rolled_back.as_deref(), Some("d-BACK1"));
    assert_eq!(
        deployed.error.as_deref(),
        Some("The post-traffic hook failed")
    );
    let passed: Vec<bool> = deployed.gates.iter().map(|gate| gate.passed).collect();
    assert_eq!(passed, [true, false]);
    insta::assert_json_snapshot!(outcome_of.failed_action, @r#"
    {
      "stage": "Production",
      "action": "Deploy",
      "message": "Deployment d-LIVE1 failed, password=*** ***",
      "link": "https://console.aws.amazon.com/codedeploy/d-LIVE1"
    }
    "#);
}

#[tokio::test]
async fn what_can_not_be_read_is_unknown_and_never_a_success() {
    for (operation, fault) in [
        ("GetDeployment", Fault::Denied),
        ("GetDeployment", Fault::Hang),
    ] {
        let mut world = decided("Succeeded", live());
        world.faults.insert(operation.into(), fault);
        let fake = Fake::start(world).await;
        let lookups = Lookups {
            budget: Duration::from_millis(400),
            ..lookups(&fake)
        };
        let outcome_of = outcome(&lookups, &shop::action(), EXECUTION).await.unwrap();
        assert_eq!(outcome_of.deployments[0].status, DeploymentStatus::Unknown);
        assert_eq!(outcome_of.deployments[0].gates.len(), 1);
        assert_eq!(outcome_of.gaps.len(), 1);
    }
    let new = json!({"deploymentId": "d-LIVE1", "status": "Levitating"});
    let outcome_of = outcome_of(decided("Hovering", new)).await;
    assert_eq!(outcome_of.status, ExecutionStatus::InProgress);
    assert_eq!(outcome_of.deployments[0].status, DeploymentStatus::Unknown);
}

#[tokio::test]
async fn without_the_actions_there_is_the_executions_own_state() {
    let mut world = decided("Stopped", live());
    world
        .faults
        .insert("ListActionExecutions".into(), Fault::Denied);
    let outcome_of = outcome_of(world).await;
    assert_eq!(outcome_of.status, ExecutionStatus::Stopped);
    insta::assert_snapshot!(outcome_of.gaps[0].why, @"the action executions of pipeline shop could not be read: AccessDeniedException: not you; the function's role needs codepipeline:ListActionExecutions");
}

#[tokio::test]
async fn without_the_execution_there_is_an_error() {
    let mut world = decided("Stopped", live());
    world
        .faults
        .insert("GetPipelineExecution".into(), Fault::Denied);
    let fake = Fake::start(world).await;
    let error = outcome(&lookups(&fake), &shop::action(), EXECUTION).await;
    insta::assert_snapshot!(error.unwrap_err(), @"execution e-2 of pipeline shop could not be read: AccessDeniedException: not you; the function's role needs codepipeline:GetPipelineExecution");
}
