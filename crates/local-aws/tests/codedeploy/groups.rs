//! What a deployment group may be, and what unknown things are called.

use serde_json::{Value, json};

use crate::bench::{Bench, Setup};

#[tokio::test]
async fn a_group_is_checked_as_aws_checks_it() {
    let bench = Bench::without_group(0).await;
    let good = bench.group(&Setup::default());
    let pair = "/loadBalancerInfo/targetGroupPairInfoList/0";
    let mut message = Vec::new();
    for (place, value) in [
        ("/applicationName", json!("none")),
        ("/applicationName", Value::Null),
        ("/deploymentGroupName", Value::Null),
        ("/deploymentGroupName", json!("a/b")),
        ("/deploymentConfigName", json!("none")),
        ("/serviceRoleArn", Value::Null),
        ("/serviceRoleArn", json!("role")),
        ("/ecsServices", Value::Null),
        ("/ecsServices/0/serviceName", json!("none")),
        ("/loadBalancerInfo", Value::Null),
        (&format!("{pair}/targetGroups/1"), json!({ "name": "none" })),
        (
            &format!("{pair}/targetGroups"),
            json!([{ "name": "shop-blue" }]),
        ),
        (
            &format!("{pair}/prodTrafficRoute/listenerArns"),
            json!(["none"]),
        ),
        ("/deploymentStyle", Value::Null),
        ("/blueGreenDeploymentConfiguration", Value::Null),
        ("/autoRollbackConfiguration/events", json!([])),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(place).unwrap() = value.clone();
        let code = bench.code("CreateDeploymentGroup", wrong).await;
        message.push(format!("{place} {value}: {code}"));
    }
    insta::assert_snapshot!(message.join("\n"), @r#"
    /applicationName "none": ApplicationDoesNotExistException
    /applicationName null: ApplicationNameRequiredException
    /deploymentGroupName null: DeploymentGroupNameRequiredException
    /deploymentGroupName "a/b": InvalidDeploymentGroupNameException
    /deploymentConfigName "none": DeploymentConfigDoesNotExistException
    /serviceRoleArn null: RoleRequiredException
    /serviceRoleArn "role": InvalidRoleException
    /ecsServices null: InvalidECSServiceException
    /ecsServices/0/serviceName "none": InvalidECSServiceException
    /loadBalancerInfo null: InvalidLoadBalancerInfoException
    /loadBalancerInfo/targetGroupPairInfoList/0/targetGroups/1 {"name":"none"}: InvalidTargetGroupPairException
    /loadBalancerInfo/targetGroupPairInfoList/0/targetGroups [{"name":"shop-blue"}]: InvalidTargetGroupPairException
    /loadBalancerInfo/targetGroupPairInfoList/0/prodTrafficRoute/listenerArns ["none"]: InvalidTargetGroupPairException
    /deploymentStyle null: InvalidDeploymentStyleException
    /blueGreenDeploymentConfiguration null: InvalidBlueGreenDeploymentConfigurationException
    /autoRollbackConfiguration/events []: InvalidAutoRollbackConfigException
    "#);
    bench.ok("CreateDeploymentGroup", good.clone()).await;
    assert_eq!(
        bench.code("CreateDeploymentGroup", good.clone()).await,
        "DeploymentGroupAlreadyExistsException"
    );
    let mut second = good;
    second["deploymentGroupName"] = json!("second");
    assert_eq!(
        bench.code("CreateDeploymentGroup", second).await,
        "ECSServiceMappingLimitExceededException"
    );
}

#[tokio::test]
async fn a_group_is_shown_as_it_was_made() {
    let bench = Bench::new(Setup {
        termination_wait: 5,
        ..Setup::default()
    })
    .await;
    let name = json!({ "applicationName": "shop", "deploymentGroupName": "shop-production" });
    let shown = bench.ok("GetDeploymentGroup", name).await["deploymentGroupInfo"].clone();
    let given = bench.group(&Setup {
        termination_wait: 5,
        ..Setup::default()
    });
    for (member, value) in given.as_object().unwrap() {
        assert_eq!(&shown[member], value, "{member}");
    }
}

#[tokio::test]
async fn servers_are_not_served_and_that_is_said() {
    let bench = Bench::without_group(0).await;
    for platform in [json!("Server"), json!("Other"), Value::Null] {
        let input = json!({ "applicationName": "other", "computePlatform": platform });
        assert_eq!(
            bench.code("CreateApplication", input).await,
            "InvalidComputePlatformException"
        );
    }
    let again = json!({ "applicationName": "shop", "computePlatform": "ECS" });
    assert_eq!(
        bench.code("CreateApplication", again).await,
        "ApplicationAlreadyExistsException"
    );
    let refused = bench
        .codedeploy
        .call("AddTagsToOnPremisesInstances", &json!({}));
    assert_eq!(refused.unwrap_err().code, "UnknownOperationException");
}

#[tokio::test]
async fn unknown_things_have_the_errors_of_the_model() {
    let bench = Bench::new(Setup::default()).await;
    let mut message = Vec::new();
    for (operation, input) in [
        ("GetApplication", json!({ "applicationName": "none" })),
        (
            "GetDeploymentGroup",
            json!({ "applicationName": "shop", "deploymentGroupName": "none" }),
        ),
        (
            "GetDeploymentConfig",
            json!({ "deploymentConfigName": "none" }),
        ),
        ("GetDeployment", json!({ "deploymentId": "d-000000000" })),
        (
            "CreateDeployment",
            json!({ "applicationName": "shop", "deploymentGroupName": "shop-production" }),
        ),
        (
            "ListDeployments",
            json!({ "deploymentGroupName": "shop-production" }),
        ),
        (
            "ListDeployments",
            json!({ "includeOnlyStatuses": ["Done"] }),
        ),
        (
            "DeleteDeploymentConfig",
            json!({ "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce" }),
        ),
    ] {
        message.push(format!(
            "{operation}: {}",
            bench.code(operation, input).await
        ));
    }
    insta::assert_snapshot!(message.join("\n"), @r"
    GetApplication: ApplicationDoesNotExistException
    GetDeploymentGroup: DeploymentGroupDoesNotExistException
    GetDeploymentConfig: DeploymentConfigDoesNotExistException
    GetDeployment: DeploymentDoesNotExistException
    CreateDeployment: RevisionRequiredException
    ListDeployments: ApplicationNameRequiredException
    ListDeployments: InvalidDeploymentStatusException
    DeleteDeploymentConfig: InvalidOperationException
    ");
}
