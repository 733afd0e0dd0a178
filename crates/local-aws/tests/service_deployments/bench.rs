//! A world with one service in it, and short words for what the tests do with it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use local_aws::wire::QueryParams;
use local_aws::{Server, WorldOptions};
use serde_json::{Value, json};
use test_support::ports::free_port;

use crate::emulator::Emulator;

/// Longest real time anything here may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// A cluster, two target groups, and one listener with a rule for production and one for tests.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) emulator: Emulator,
    pub(crate) blue: String,
    pub(crate) green: String,
    pub(crate) production: String,
    pub(crate) test: String,
    pub(crate) port: u16,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let emulator = Emulator::default();
        let upstream = emulator.start().await;
        let options = WorldOptions {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            upstream: upstream.parse().unwrap(),
            data_dir: data_dir(),
            images: [("shop".to_owned(), test_support::programs::sample_shop())].into(),
        };
        let server = Server::start("127.0.0.1:0".parse().unwrap(), options)
            .await
            .unwrap();
        let elb = |operation: &str, params: &[(&str, &str)], wanted: &str| {
            elb(&server, operation, params, wanted)
        };
        let group = |name: &str| {
            let params = [
                ("Name", name),
                ("Protocol", "HTTP"),
                ("Port", "80"),
                ("VpcId", "vpc-1"),
                ("TargetType", "ip"),
                ("HealthCheckPath", "/health"),
                ("HealthCheckIntervalSeconds", "5"),
            ];
            elb("CreateTargetGroup", &params, "TargetGroupArn")
        };
        let (blue, green) = (group("blue"), group("green"));
        let subnets = [
            ("Name", "shop"),
            ("Subnets.member.1", "a"),
            ("Subnets.member.2", "b"),
        ];
        let balancer = elb("CreateLoadBalancer", &subnets, "LoadBalancerArn");
        let port = free_port();
        let port_text = port.to_string();
        let listener = [
            ("LoadBalancerArn", balancer.as_str()),
            ("Protocol", "HTTP"),
            ("Port", &port_text),
            ("DefaultActions.member.1.Type", "fixed-response"),
            (
                "DefaultActions.member.1.FixedResponseConfig.StatusCode",
                "404",
            ),
        ];
        let listener = elb("CreateListener", &listener, "ListenerArn");
        let rule = |priority: &str, host: &str| {
            let prefix = "Actions.member.1.ForwardConfig.TargetGroups.member";
            let (first, second) = (
                format!("{prefix}.1.TargetGroupArn"),
                format!("{prefix}.2.TargetGroupArn"),
            );
            let (full, none) = (format!("{prefix}.1.Weight"), format!("{prefix}.2.Weight"));
            let params = [
                ("ListenerArn", listener.as_str()),
                ("Priority", priority),
                ("Conditions.member.1.Field", "host-header"),
                ("Conditions.member.1.HostHeaderConfig.Values.member.1", host),
                ("Actions.member.1.Type", "forward"),
                (&first, &blue),
                (&full, "100"),
                (&second, &green),
                (&none, "0"),
            ];
            elb("CreateRule", &params, "RuleArn")
        };
        let (production, test) = (rule("1", "shop.test"), rule("2", "next.shop.test"));
        let bench = Self {
            server,
            emulator,
            blue,
            green,
            production,
            test,
            port,
        };
        bench.ok("CreateCluster", json!({ "clusterName": "dev" }));
        for version in ["1", "2", "3"] {
            bench.register("web", &format!("example/no-process:{version}"), version);
        }
        bench
    }

    /// A world whose service `web` runs `web:1`, and is deployed as the configuration says.
    pub(crate) async fn with_service(configuration: Value) -> Self {
        let bench = Self::new().await;
        let first = json!({ "strategy": configuration["strategy"] });
        bench.create(first, "web:1").await;
        bench.ok(
            "UpdateService",
            json!({ "cluster": "dev", "service": "web", "deploymentConfiguration": configuration }),
        );
        bench
    }

    /// Creates the service and waits until its first deployment is over.
    pub(crate) async fn create(&self, configuration: Value, definition: &str) -> Value {
        self.ok("CreateService", self.service(&configuration, definition));
        let first = self.newest();
        self.until_over(&first).await
    }

    /// A `CreateService` that is accepted.
    pub(crate) fn service(&self, configuration: &Value, definition: &str) -> Value {
        json!({
            "cluster": "dev", "serviceName": "web", "taskDefinition": definition, "desiredCount": 1,
            "deploymentController": { "type": "ECS" }, "deploymentConfiguration": configuration,
            "loadBalancers": [{
                "targetGroupArn": self.blue, "containerName": "web", "containerPort": 8080,
                "advancedConfiguration": {
                    "alternateTargetGroupArn": self.green,
                    "productionListenerRule": self.production,
                    "testListenerRule": self.test,
                    "roleArn": "arn:aws:iam::000000000000:role/ecs",
                },
            }],
        })
    }

    pub(crate) fn register(&self, family: &str, image: &str, version: &str) {
        let container = json!({
            "name": "web", "image": image, "memory": 64,
            "portMappings": [{ "containerPort": 8080 }],
            "environment": [{ "name": "SHOP_VERSION", "value": version }],
        });
        self.ok(
            "RegisterTaskDefinition",
            json!({ "family": family, "containerDefinitions": [container] }),
        );
    }

    /// Starts to deploy a task definition; gives the deployment's ARN.
    pub(crate) fn deploy(&self, definition: &str) -> String {
        let input = json!({ "cluster": "dev", "service": "web", "taskDefinition": definition });
        self.ok("UpdateService", input);
        self.newest()
    }

    pub(crate) fn newest(&self) -> String {
        let listed = self.ok(
            "ListServiceDeployments",
            json!({ "cluster": "dev", "service": "web" }),
        );
        let newest = &listed["serviceDeployments"][0];
        newest["serviceDeploymentArn"].as_str().unwrap().to_owned()
    }

    pub(crate) fn ok(&self, operation: &str, input: Value) -> Value {
        self.server.world().ecs.call(operation, input).unwrap()
    }

    /// `code: message` of the refusal.
    pub(crate) fn refused(&self, operation: &str, input: Value) -> String {
        let answer = self.server.world().ecs.call(operation, input);
        answer.unwrap_err().to_string()
    }

    pub(crate) fn described(&self, deployment: &str) -> Value {
        let input = json!({ "serviceDeploymentArns": [deployment] });
        self.ok("DescribeServiceDeployments", input)["serviceDeployments"][0].clone()
    }

    pub(crate) async fn until_over(&self, deployment: &str) -> Value {
        self.until(deployment, |seen| seen.get("finishedAt").is_some())
            .await
    }

    /// Waits, in real time, until a deployment is seen as wanted.
    pub(crate) async fn until(&self, deployment: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begin = tokio::time::Instant::now();
        loop {
            let seen = self.described(deployment);
            if wanted(&seen) {
                return seen;
            }
            assert!(
                begin.elapsed() < WAIT_TIMEOUT,
                "it stays as it is: {seen:#}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(crate) async fn until_stage(&self, deployment: &str, stage: &str) -> Value {
        self.until(deployment, |seen| seen["lifecycleStage"] == stage)
            .await
    }

    /// Waits until this many calls of functions were made.
    pub(crate) async fn until_called(&self, calls: usize) {
        let begin = tokio::time::Instant::now();
        while self.emulator.calls().len() < calls {
            assert!(
                begin.elapsed() < WAIT_TIMEOUT,
                "only {:?}",
                self.emulator.stages()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.server.world().clock.advance_in_steps(by).await;
    }

    /// The weights of a rule for blue and green.
    pub(crate) fn weights(&self, rule: &str) -> (u32, u32) {
        let forwards = self.server.world().elb.rule_forwards(rule).unwrap();
        let of = |group: &str| {
            let own = forwards.iter().find(|(arn, _)| arn == group);
            own.map_or(0, |(_, weight)| *weight)
        };
        (of(&self.blue), of(&self.green))
    }

    /// The task definition that the service says it runs, and those of its deployments.
    pub(crate) fn running(&self) -> (String, Vec<String>) {
        let input = json!({ "cluster": "dev", "services": ["web"] });
        let service = self.ok("DescribeServices", input)["services"][0].clone();
        let name = |value: &Value| {
            let arn = value["taskDefinition"].as_str().unwrap();
            arn.rsplit('/').next().unwrap().to_owned()
        };
        let deployments = service["deployments"].as_array().unwrap();
        (name(&service), deployments.iter().map(name).collect())
    }

    /// The version that answers under a host name.
    pub(crate) async fn version(&self, host: &str) -> String {
        let url = format!("http://127.0.0.1:{}/version", self.port);
        let request = reqwest::Client::new().get(url).header("host", host);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["version"].as_str().unwrap().to_owned()
    }
}

/// A Lambda hook.
pub(crate) fn hook(function: &str, stages: &[&str]) -> Value {
    json!({
        "hookTargetArn": format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
        "roleArn": "arn:aws:iam::000000000000:role/hooks",
        "lifecycleStages": stages,
    })
}

/// Every stage at which a hook may stand.
pub(crate) const HOOK_STAGES: &[&str] = &[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

/// Calls the load balancer and gives the text of the first element named `wanted`.
fn elb(server: &Server, operation: &str, params: &[(&str, &str)], wanted: &str) -> String {
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    let params = QueryParams::parse(form.as_bytes());
    let answer = server.world().elb.call(operation, &params).unwrap();
    let text = answer.to_string();
    let (_, rest) = text.split_once(&format!("<{wanted}>")).unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

fn data_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("service-deployments-{}-{n}", std::process::id()))
}
