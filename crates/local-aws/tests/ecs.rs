//! ECS called in process, without programs: what is wanted, and which calls are refused.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use std::path::PathBuf;
use std::time::Duration;

use local_aws::ecs::{NewTaskSet, Stability, TaskSetStatus};
use local_aws::wire::QueryParams;
use local_aws::{World, WorldOptions};
use serde_json::{Value, json};

/// A world in which no image can be started, with a service `shop` of no tasks under CodeDeploy.
struct Shop {
    world: World,
    blue: String,
    green: String,
}

impl Shop {
    async fn new() -> Self {
        let world = World::new(WorldOptions {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            upstream: "http://127.0.0.1:1".parse().unwrap(),
            data_dir: PathBuf::from("/nowhere"),
            images: std::collections::BTreeMap::default(),
        });
        let elb = async |operation: &str, params: String| {
            let params = &QueryParams::parse(params.as_bytes());
            let answer = world.elb.call(operation, params).unwrap().to_string();
            let arn = answer.split_once("Arn>").unwrap().1;
            arn.split_once('<').unwrap().0.to_owned()
        };
        let group =
            |name: &str| format!("Name={name}&Protocol=HTTP&Port=80&VpcId=vpc-1&TargetType=ip");
        let blue = elb("CreateTargetGroup", group("blue")).await;
        let green = elb("CreateTargetGroup", group("green")).await;
        let subnets = "Name=shop&Subnets.member.1=a&Subnets.member.2=b";
        let balancer = elb("CreateLoadBalancer", subnets.to_owned()).await;
        let port = test_support::ports::free_port();
        let listener = format!(
            "LoadBalancerArn={balancer}&Protocol=HTTP&Port={port}\
             &DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={blue}"
        );
        elb("CreateListener", listener).await;
        let shop = Self { world, blue, green };
        shop.ok("CreateCluster", json!({ "clusterName": "shop" }))
            .await;
        shop.register().await;
        let service = shop.ok("CreateService", shop.service()).await;
        assert_eq!(service["service"]["taskSets"][0]["status"], "PRIMARY");
        shop
    }

    fn service(&self) -> Value {
        let balancer =
            json!({ "targetGroupArn": self.blue, "containerName": "web", "containerPort": 8080 });
        json!({
            "cluster": "shop", "serviceName": "shop", "taskDefinition": "shop", "desiredCount": 0,
            "deploymentController": { "type": "CODE_DEPLOY" }, "loadBalancers": [balancer],
        })
    }

    async fn register(&self) -> String {
        let container = json!({
            "name": "web", "image": "shop:1", "memory": 64,
            "portMappings": [{ "containerPort": 8080 }],
        });
        let input = json!({ "family": "shop", "containerDefinitions": [container] });
        let answer = self.ok("RegisterTaskDefinition", input).await;
        answer["taskDefinition"]["taskDefinitionArn"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn green_set(&self) -> NewTaskSet {
        NewTaskSet {
            cluster: "shop".to_owned(),
            service: "shop".to_owned(),
            task_definition: "shop:2".to_owned(),
            target_group_arn: self.green.clone(),
            container_name: "web".to_owned(),
            container_port: 8080,
            external_id: Some("d-1".to_owned()),
            started_by: Some("CODE_DEPLOY".to_owned()),
        }
    }

    #[allow(
        clippy::unused_async,
        reason = "awaited, as calls of a real client are"
    )]
    async fn ok(&self, operation: &str, input: Value) -> Value {
        self.world.ecs.call(operation, input).unwrap()
    }

    /// `code: message` of the refusal.
    #[allow(
        clippy::unused_async,
        reason = "awaited, as calls of a real client are"
    )]
    async fn refused(&self, operation: &str, input: Value) -> String {
        self.world
            .ecs
            .call(operation, input)
            .unwrap_err()
            .to_string()
    }
}

#[tokio::test]
async fn task_sets_change_places_and_the_old_one_goes() {
    let shop = Shop::new().await;
    let ecs = &shop.world.ecs;
    let arn = shop.register().await;
    let green = ecs.create_task_set(shop.green_set()).unwrap();
    assert_eq!(
        (green.status, green.task_definition),
        (TaskSetStatus::Active, arn.clone())
    );
    assert_eq!(
        green.stability,
        Stability::SteadyState,
        "nothing is wanted, so nothing is missing"
    );

    let blue = ecs.service("shop", "shop").unwrap().task_sets[0].id.clone();
    let primary = ecs.delete_task_set("shop", "shop", &blue).unwrap_err();
    assert!(
        primary
            .message
            .contains("primary task set cannot be deleted"),
        "{primary}"
    );

    ecs.set_primary_task_set("shop", "shop", &green.id).unwrap();
    let service = ecs.service("shop", "shop").unwrap();
    assert_eq!(service.task_definition, Some(arn));
    assert_eq!(service.load_balancers[0].target_group_arn, shop.green);
    let statuses: Vec<_> = service.task_sets.iter().map(|set| set.status).collect();
    assert_eq!(statuses, [TaskSetStatus::Active, TaskSetStatus::Primary]);

    ecs.delete_task_set("shop", "shop", &blue).unwrap();
    for _ in 0..100 {
        if ecs.task_set("shop", "shop", &blue).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the drained task set is still there");
}

#[tokio::test]
async fn an_update_may_change_the_count_and_little_else() {
    let shop = Shop::new().await;
    let update = |field: &str, value: Value| {
        let mut input = json!({ "cluster": "shop", "service": "shop" });
        input[field] = value;
        input
    };
    let answer = shop
        .ok("UpdateService", update("desiredCount", json!(3)))
        .await;
    assert_eq!(answer["service"]["desiredCount"], 3);
    assert_eq!(
        shop.refused("UpdateService", update("taskDefinition", json!("shop:1")))
            .await,
        "InvalidParameterException: Unable to update task definition on services with a \
         CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment."
    );
    assert_eq!(
        shop.refused("UpdateService", update("forceNewDeployment", json!(true)))
            .await,
        "InvalidParameterException: Cannot force a new deployment on services with a CODE_DEPLOY \
         deployment controller. Use AWS CodeDeploy to trigger a new deployment."
    );
    shop.ok("UpdateService", update("forceNewDeployment", json!(false)))
        .await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let shop = Shop::new().await;
    let with = |field: &str, value: Value| {
        let mut service = shop.service();
        service["serviceName"] = json!("other");
        service[field] = value;
        service
    };
    let balancer = |group: &str, container: &str, port: u16| json!([{ "targetGroupArn": group, "containerName": container, "containerPort": port }]);
    for (input, expected) in [
        (
            with("cluster", json!("nowhere")),
            "ClusterNotFoundException",
        ),
        (
            with("taskDefinition", json!("other")),
            "ClientException: TaskDefinition not found.",
        ),
        (
            with("taskDefinition", json!("shop:7")),
            "ClientException: TaskDefinition not found.",
        ),
        (
            with("loadBalancers", balancer(&shop.blue, "app", 8080)),
            "InvalidParameterException: The container app does not exist in the task definition.",
        ),
        (
            with("loadBalancers", balancer(&shop.blue, "web", 80)),
            "InvalidParameterException: The container web did not have a container port 80",
        ),
        (
            with("loadBalancers", balancer(&shop.green, "web", 8080)),
            "does not have an associated load balancer.",
        ),
        (
            with("loadBalancers", balancer("arn:x", "web", 8080)),
            "arn:x does not exist.",
        ),
        (
            with("deploymentController", json!({ "type": "OTHER" })),
            "InvalidParameterException: Unknown deployment controller OTHER",
        ),
        (
            with("networkConfiguration", json!({})),
            "Network Configuration is not valid",
        ),
        (
            with("serviceName", json!("shop")),
            "Creation of service was not idempotent.",
        ),
    ] {
        let error = shop.refused("CreateService", input).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_service_is_deleted_by_force_and_can_be_made_again() {
    let shop = Shop::new().await;
    let named = json!({ "cluster": "shop", "service": "shop" });
    shop.ok(
        "UpdateService",
        json!({ "cluster": "shop", "service": "shop", "desiredCount": 2 }),
    )
    .await;
    let error = shop.refused("DeleteService", named).await;
    assert!(
        error.contains("cannot be stopped while it is scaled above 0"),
        "{error}"
    );
    let error = shop
        .refused("DeleteCluster", json!({ "cluster": "shop" }))
        .await;
    assert!(
        error.starts_with("ClusterContainsServicesException"),
        "{error}"
    );
    let forced = json!({ "cluster": "shop", "service": "shop", "force": true });
    let answer = shop.ok("DeleteService", forced).await;
    assert_eq!(answer["service"]["status"], "DRAINING");
    let status = async || {
        let described = json!({ "cluster": "shop", "services": ["shop"] });
        shop.ok("DescribeServices", described).await["services"][0]["status"].clone()
    };
    for _ in 0..100 {
        if status().await == "INACTIVE" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status().await, "INACTIVE");
    shop.ok("CreateService", shop.service()).await;
    assert_eq!(status().await, "ACTIVE");
}

#[tokio::test]
async fn what_is_missing_is_told_as_a_failure_and_not_as_an_error() {
    let shop = Shop::new().await;
    let answer = shop
        .ok(
            "DescribeServices",
            json!({ "cluster": "shop", "services": ["ghost"] }),
        )
        .await;
    assert_eq!(
        answer["failures"],
        json!([{
            "arn": "arn:aws:ecs:eu-west-1:111122223333:service/shop/ghost", "reason": "MISSING",
        }])
    );
    let answer = shop
        .ok("DescribeClusters", json!({ "clusters": ["ghost"] }))
        .await;
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    let task = json!({ "cluster": "shop", "tasks": ["0123"] });
    assert_eq!(
        shop.ok("DescribeTasks", task).await["failures"][0]["reason"],
        "MISSING"
    );
}

#[tokio::test]
async fn a_deregistered_revision_is_no_longer_the_newest() {
    let shop = Shop::new().await;
    let second = shop.register().await;
    let newest = || shop.world.ecs.task_definition("shop").unwrap().revision;
    assert_eq!(newest(), 2);
    shop.ok(
        "DeregisterTaskDefinition",
        json!({ "taskDefinition": second }),
    )
    .await;
    assert_eq!(newest(), 1);
    let inactive = shop.world.ecs.task_definition(&second).unwrap();
    assert!(!inactive.active);
    let list = json!({ "familyPrefix": "shop", "status": "INACTIVE" });
    assert_eq!(
        shop.ok("ListTaskDefinitions", list).await["taskDefinitionArns"][0],
        second
    );
}
