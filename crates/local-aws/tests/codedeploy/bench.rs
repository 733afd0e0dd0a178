//! A world with one shop in it, and short words for what the tests do with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use local_aws::codedeploy::{CodeDeploy, HookCall, HookCaller};
use local_aws::wire::QueryParams;
use local_aws::{World, WorldOptions};
use serde_json::{Value, json};
use test_support::ports::free_port;
use tokio::sync::mpsc;

/// Longest real time anything here may take.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// The shop: cluster, service, two target groups, two listeners, application and group.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) codedeploy: CodeDeploy,
    pub(crate) calls: mpsc::UnboundedReceiver<HookCall>,
    pub(crate) production: Listener,
    pub(crate) test: Listener,
}

pub(crate) struct Listener {
    pub(crate) arn: String,
    pub(crate) port: u16,
}

/// What differs between the tests' shops.
pub(crate) struct Setup {
    /// Tasks of a task set. None needs no process and is healthy at once.
    pub(crate) tasks: u32,
    pub(crate) config: &'static str,
    pub(crate) rollback: &'static [&'static str],
    pub(crate) termination_wait: u32,
    pub(crate) ready: Value,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tasks: 0,
            config: "CodeDeployDefault.ECSAllAtOnce",
            rollback: &["DEPLOYMENT_FAILURE"],
            termination_wait: 0,
            ready: json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0 }),
        }
    }
}

impl Bench {
    pub(crate) async fn new(setup: Setup) -> Self {
        let bench = Self::without_group(setup.tasks).await;
        let group = bench.group(&setup);
        bench.ok("CreateDeploymentGroup", group).await;
        bench
    }

    /// Everything but the deployment group.
    pub(crate) async fn without_group(tasks: u32) -> Self {
        let world = World::new(WorldOptions {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            upstream: "http://127.0.0.1:9".parse().unwrap(),
            data_dir: data_dir(),
            images: BTreeMap::from([("shop".to_owned(), test_support::programs::sample_shop())]),
        });
        let (sender, calls) = mpsc::unbounded_channel();
        let codedeploy = CodeDeploy::with_hook_caller(world.clone(), HookCaller::InProcess(sender));
        let (production, test) = build(&world, tasks).await;
        let bench = Self {
            world,
            codedeploy,
            calls,
            production,
            test,
        };
        let shop = json!({ "applicationName": "shop", "computePlatform": "ECS" });
        bench.ok("CreateApplication", shop).await;
        bench
    }

    /// A `CreateDeploymentGroup` that is accepted.
    pub(crate) fn group(&self, setup: &Setup) -> Value {
        group(setup, &self.production, &self.test)
    }

    #[allow(
        clippy::unused_async,
        reason = "awaited, as calls of a real client are"
    )]
    pub(crate) async fn ok(&self, operation: &str, input: Value) -> Value {
        self.codedeploy.call(operation, &input).unwrap()
    }

    /// The code of the error a call is refused with.
    #[allow(
        clippy::unused_async,
        reason = "awaited, as calls of a real client are"
    )]
    pub(crate) async fn code(&self, operation: &str, input: Value) -> String {
        self.codedeploy.call(operation, &input).unwrap_err().code
    }

    /// Deploys version 2 with these hooks and returns the deployment's id.
    pub(crate) async fn deploy(&self, hooks: &[(&str, &str)]) -> String {
        self.deploy_text(&appspec("shop:2", "web", 8080, hooks))
            .await
    }

    pub(crate) async fn deploy_text(&self, appspec: &str) -> String {
        let made = self.ok("CreateDeployment", deployment(appspec)).await;
        made["deploymentId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn next_call(&mut self) -> HookCall {
        tokio::time::timeout(WAIT_TIMEOUT, self.calls.recv())
            .await
            .expect("a hook function is called in time")
            .expect("the driver still calls")
    }

    /// Waits for the next call of a hook function and answers it. Returns the function.
    pub(crate) async fn answer_next(&mut self, status: &str) -> String {
        let call = self.next_call().await;
        self.ok(
            "PutLifecycleEventHookExecutionStatus",
            answer(&call, status),
        )
        .await;
        call.function
    }

    pub(crate) async fn info(&self, id: &str) -> Value {
        self.ok("GetDeployment", json!({ "deploymentId": id }))
            .await["deploymentInfo"]
            .clone()
    }

    pub(crate) async fn target(&self, id: &str) -> Value {
        let input = json!({ "deploymentId": id, "targetId": "shop:shop" });
        self.ok("GetDeploymentTarget", input).await["deploymentTarget"]["ecsTarget"].clone()
    }

    /// Each lifecycle event with its status.
    pub(crate) async fn events(&self, id: &str) -> String {
        let target = self.target(id).await;
        let line = |event: &Value| {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("lifecycleEventName"), text("status"))
        };
        target["lifecycleEvents"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Waits, in real time, until the deployment has a status, and returns its info.
    pub(crate) async fn until(&self, id: &str, status: &str) -> Value {
        self.until_info(id, |info| info["status"] == status).await
    }

    pub(crate) async fn until_info(&self, id: &str, seen: impl Fn(&Value) -> bool) -> Value {
        let begin = tokio::time::Instant::now();
        loop {
            let info = self.info(id).await;
            if seen(&info) {
                return info;
            }
            assert!(
                begin.elapsed() < WAIT_TIMEOUT,
                "it stays as it is: {info:#}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Percent of a listener's traffic for `shop-blue` and `shop-green`.
    pub(crate) fn weights(&self, listener: &Listener) -> (u32, u32) {
        let forwards = self.world.elb.forwards(&listener.arn);
        let all: u32 = forwards.iter().map(|(_, weight)| weight).sum();
        let of = |name: &str| -> u32 {
            let arn = self.world.elb.target_group_by_name(name).unwrap().arn;
            let own = forwards.iter().filter(|(group, _)| *group == arn);
            own.map(|(_, weight)| weight * 100 / all).sum()
        };
        (of("shop-blue"), of("shop-green"))
    }

    pub(crate) async fn until_weights(&self, wanted: (u32, u32)) {
        let begin = tokio::time::Instant::now();
        while self.weights(&self.production) != wanted {
            assert!(
                begin.elapsed() < WAIT_TIMEOUT,
                "they stay {:?}",
                self.weights(&self.production)
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The task definition and the status of each task set of the service that is not going away.
    pub(crate) fn task_sets(&self) -> Vec<String> {
        let service = self.world.ecs.service("shop", "shop").unwrap();
        let mut sets: Vec<_> = service
            .task_sets
            .iter()
            .filter(|set| set.status.to_string() != "DRAINING")
            .map(|set| {
                let definition = set.task_definition.rsplit('/').next().unwrap().to_owned();
                format!("{definition} {}", set.status)
            })
            .collect();
        sets.sort();
        sets
    }

    /// The version that answers at a listener.
    pub(crate) async fn version(&self, listener: &Listener) -> String {
        let url = format!("http://127.0.0.1:{}/version", listener.port);
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["version"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// A `CreateDeploymentGroup` that is accepted.
pub(crate) fn group(setup: &Setup, production: &Listener, test: &Listener) -> Value {
    json!({
        "applicationName": "shop",
        "deploymentGroupName": "shop-production",
        "deploymentConfigName": setup.config,
        "serviceRoleArn": "arn:aws:iam::000000000000:role/codedeploy",
        "ecsServices": [{ "clusterName": "shop", "serviceName": "shop" }],
        "deploymentStyle": {
            "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        "loadBalancerInfo": { "targetGroupPairInfoList": [{
            "targetGroups": [{ "name": "shop-blue" }, { "name": "shop-green" }],
            "prodTrafficRoute": { "listenerArns": [production.arn] },
            "testTrafficRoute": { "listenerArns": [test.arn] },
        }]},
        "blueGreenDeploymentConfiguration": {
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": setup.termination_wait,
            },
            "deploymentReadyOption": setup.ready,
        },
        "autoRollbackConfiguration": {
            "enabled": !setup.rollback.is_empty(), "events": setup.rollback,
        },
    })
}

/// A `PutLifecycleEventHookExecutionStatus` for a call.
pub(crate) fn answer(call: &HookCall, status: &str) -> Value {
    json!({
        "deploymentId": call.payload["DeploymentId"],
        "lifecycleEventHookExecutionId": call.payload["LifecycleEventHookExecutionId"],
        "status": status,
    })
}

pub(crate) fn deployment(appspec: &str) -> Value {
    json!({
        "applicationName": "shop",
        "deploymentGroupName": "shop-production",
        "revision": {
            "revisionType": "AppSpecContent", "appSpecContent": { "content": appspec },
        },
    })
}

pub(crate) fn appspec(
    task_definition: &str,
    container: &str,
    port: u32,
    hooks: &[(&str, &str)],
) -> String {
    let hooks: Vec<_> = hooks
        .iter()
        .map(|(event, function)| json!({ *event: function }))
        .collect();
    json!({
        "version": 0.0,
        "Resources": [{ "TargetService": {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "TaskDefinition": task_definition,
                "LoadBalancerInfo": { "ContainerName": container, "ContainerPort": port },
            },
        }}],
        "Hooks": hooks,
    })
    .to_string()
}

pub(crate) async fn build(world: &World, tasks: u32) -> (Listener, Listener) {
    let ecs = async |operation: &str, input: Value| world.ecs.call(operation, input).unwrap();
    ecs("CreateCluster", json!({ "clusterName": "shop" })).await;
    for version in ["1", "2"] {
        ecs("RegisterTaskDefinition", task_definition(version)).await;
    }
    let balancer = elb(
        world,
        "CreateLoadBalancer",
        &[
            ("Name", "shop"),
            ("Subnets.member.1", "subnet-1"),
            ("Subnets.member.2", "subnet-2"),
        ],
        "LoadBalancerArn",
    )
    .await;
    for name in ["shop-blue", "shop-green"] {
        let params = [
            ("Name", name),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("VpcId", "vpc-1"),
            ("TargetType", "ip"),
            ("HealthCheckPath", "/health"),
            ("HealthCheckIntervalSeconds", "5"),
        ];
        elb(world, "CreateTargetGroup", &params, "TargetGroupArn").await;
    }
    let blue = world.elb.target_group_by_name("shop-blue").unwrap().arn;
    let production = listener(world, &balancer, &blue).await;
    let test = listener(world, &balancer, &blue).await;
    let service = json!({
        "cluster": "shop",
        "serviceName": "shop",
        "taskDefinition": "shop:1",
        "desiredCount": tasks,
        "launchType": "FARGATE",
        "deploymentController": { "type": "CODE_DEPLOY" },
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        "loadBalancers": [{
            "targetGroupArn": blue, "containerName": "web", "containerPort": 8080,
        }],
    });
    ecs("CreateService", service).await;
    (production, test)
}

fn task_definition(version: &str) -> Value {
    json!({
        "family": "shop",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{
            "name": "web",
            "image": format!("registry.example/shop:{version}.0.0"),
            "essential": true,
            "portMappings": [{ "containerPort": 8080 }],
            "environment": [{ "name": "SHOP_VERSION", "value": version }],
        }],
    })
}

async fn listener(world: &World, balancer: &str, target_group: &str) -> Listener {
    let port = free_port();
    let params = [
        ("LoadBalancerArn", balancer),
        ("Protocol", "HTTP"),
        ("Port", &port.to_string()),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", target_group),
    ];
    Listener {
        arn: elb(world, "CreateListener", &params, "ListenerArn").await,
        port,
    }
}

/// Calls the load balancer and returns the text of the first element named `wanted`.
#[allow(
    clippy::unused_async,
    reason = "awaited, as calls of a real client are"
)]
pub(crate) async fn elb(
    world: &World,
    operation: &str,
    params: &[(&str, &str)],
    wanted: &str,
) -> String {
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    let answer = world
        .elb
        .call(operation, &QueryParams::parse(form.as_bytes()))
        .unwrap();
    let text = answer.to_string();
    let (_, rest) = text.split_once(&format!("<{wanted}>")).unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

fn data_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("codedeploy-{}-{n}", std::process::id()))
}
