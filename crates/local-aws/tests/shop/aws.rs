//! A local AWS, called over HTTP as the SDKs call it.

use std::path::PathBuf;
use std::time::Duration;

use local_aws::{Server, WorldOptions};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use test_support::ports::free_port;

/// A local AWS with a client for it.
pub(crate) struct Aws {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) data_dir: PathBuf,
}

impl Aws {
    pub(crate) async fn start(name: &str) -> Self {
        let unique = format!("local-aws-{name}-{}", std::process::id());
        let data_dir = std::env::temp_dir().join(unique);
        let shop = test_support::programs::sample_shop();
        let options = WorldOptions {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            // Nobody listens there: what is passed on fails, and says so.
            upstream: "http://127.0.0.1:1".parse().unwrap(),
            data_dir: data_dir.clone(),
            images: [("shop".to_owned(), shop)].into(),
        };
        let server = Server::start("127.0.0.1:0".parse().unwrap(), options)
            .await
            .unwrap();
        let client = Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self {
            server,
            client,
            data_dir,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    pub(crate) fn signature(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        )
    }

    /// An ECS call.
    pub(crate) async fn ecs(&self, operation: &str, input: Value) -> (StatusCode, Value) {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let answer = self
            .client
            .post(self.url("/"))
            .header("authorization", Self::signature("ecs"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(input.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap())
    }

    pub(crate) async fn ecs_ok(&self, operation: &str, input: Value) -> Value {
        let (status, answer) = self.ecs(operation, input).await;
        assert!(status.is_success(), "{operation}: {answer}");
        answer
    }

    /// A call of the load balancer service.
    pub(crate) async fn elb(
        &self,
        operation: &str,
        params: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let mut form = vec![("Action", operation), ("Version", "2015-12-01")];
        form.extend(params);
        let encoded: Vec<String> = form
            .iter()
            .map(|(key, value)| format!("{key}={}", value.replace(':', "%3A").replace('/', "%2F")))
            .collect();
        let answer = self
            .client
            .post(self.url("/"))
            .header("authorization", Self::signature("elasticloadbalancing"))
            .header(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )
            .body(encoded.join("&"))
            .send()
            .await
            .unwrap();
        let status = answer.status();
        (status, answer.text().await.unwrap())
    }

    pub(crate) async fn elb_ok(&self, operation: &str, params: &[(&str, &str)]) -> String {
        let (status, answer) = self.elb(operation, params).await;
        assert!(status.is_success(), "{operation}: {answer}");
        answer
    }

    pub(crate) async fn local(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let mut request = self
            .client
            .request(method, self.url(&format!("/_local/{path}")));
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn target_group(&self, name: &str) -> String {
        let answer = self
            .elb_ok(
                "CreateTargetGroup",
                &[
                    ("Name", name),
                    ("Protocol", "HTTP"),
                    ("Port", "8080"),
                    ("VpcId", "vpc-1"),
                    ("TargetType", "ip"),
                    ("HealthCheckPath", "/health"),
                    ("HealthCheckIntervalSeconds", "5"),
                ],
            )
            .await;
        element(&answer, "TargetGroupArn")
    }

    pub(crate) async fn task_definition(&self, image: &str, environment: Value) -> String {
        let container = json!({
            "name": "shop", "image": image, "memory": 64,
            "portMappings": [{ "containerPort": 8080 }], "environment": environment,
        });
        let input = json!({ "family": "shop", "containerDefinitions": [container] });
        let answer = self.ecs_ok("RegisterTaskDefinition", input).await;
        answer["taskDefinition"]["taskDefinitionArn"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Adds a task set with an image's version and fault to the service `shop`; gives its id.
    pub(crate) async fn task_set(&self, version: &str, fault: &str, group: &str) -> String {
        let environment = json!([
            { "name": "SHOP_VERSION", "value": version }, { "name": "SHOP_FAULT", "value": fault },
        ]);
        let image = format!("registry.local/team/shop:{version}");
        let definition = self.task_definition(&image, environment).await;
        let balancer =
            json!({ "targetGroupArn": group, "containerName": "shop", "containerPort": 8080 });
        let input = json!({
            "cluster": "shop", "service": "shop", "taskDefinition": definition,
            "loadBalancers": [balancer],
        });
        let answer = self.ecs_ok("CreateTaskSet", input).await;
        answer["taskSet"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn described(&self, task_set: &str) -> Value {
        let input = json!({ "cluster": "shop", "service": "shop", "taskSets": [task_set] });
        self.ecs_ok("DescribeTaskSets", input).await["taskSets"][0].clone()
    }

    pub(crate) async fn until_steady(&self, task_set: &str) {
        for _ in 0..200 {
            if self.described(task_set).await["stabilityStatus"] == "STEADY_STATE" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not steady: {}", self.described(task_set).await);
    }

    /// A listener that forwards by weight; gives its port and ARN.
    pub(crate) async fn listener(&self, balancer: &str, weights: &[(&str, &str)]) -> (u16, String) {
        let port = free_port();
        let text = port.to_string();
        let keys = forward_keys(weights.len());
        let mut params = vec![
            ("LoadBalancerArn", balancer),
            ("Protocol", "HTTP"),
            ("Port", text.as_str()),
        ];
        params.extend(forward_params(&keys, weights));
        let answer = self.elb_ok("CreateListener", &params).await;
        (port, element(&answer, "ListenerArn"))
    }

    pub(crate) async fn set_weights(&self, listener: &str, weights: &[(&str, &str)]) {
        let keys = forward_keys(weights.len());
        let mut params = vec![("ListenerArn", listener)];
        params.extend(forward_params(&keys, weights));
        self.elb_ok("ModifyListener", &params).await;
    }

    /// The versions that answered so many requests on a port.
    pub(crate) async fn versions(&self, port: u16, requests: usize) -> Vec<String> {
        let mut versions = Vec::new();
        for _ in 0..requests {
            let url = format!("http://127.0.0.1:{port}/version");
            let answer: Value = self
                .client
                .get(url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            versions.push(answer["version"].as_str().unwrap().to_owned());
        }
        versions
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
        // Not there when no task was started.
        let _ = std::fs::remove_dir_all(self.data_dir);
    }
}

pub(crate) fn forward_keys(groups: usize) -> Vec<(String, String)> {
    let prefix = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    let keys = |n| {
        (
            format!("{prefix}.{n}.TargetGroupArn"),
            format!("{prefix}.{n}.Weight"),
        )
    };
    (1..=groups).map(keys).collect()
}

pub(crate) fn forward_params<'a>(
    keys: &'a [(String, String)],
    weights: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut params = vec![("DefaultActions.member.1.Type", "forward")];
    for ((group_key, weight_key), (group, weight)) in keys.iter().zip(weights) {
        params.extend([(group_key.as_str(), *group), (weight_key.as_str(), *weight)]);
    }
    params
}

/// The text of the first element of that name.
pub(crate) fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).expect(xml);
    rest.split_once("</").unwrap().0.to_owned()
}

pub(crate) fn count(versions: &[String], version: &str) -> usize {
    versions.iter().filter(|v| *v == version).count()
}

/// A cluster, two target groups, a load balancer and an empty service of one task per task set.
pub(crate) async fn shop(aws: &Aws) -> (String, String, String) {
    let blue = aws.target_group("shop-blue").await;
    let green = aws.target_group("shop-green").await;
    let balancer = [
        ("Name", "shop"),
        ("Subnets.member.1", "subnet-a"),
        ("Subnets.member.2", "subnet-b"),
    ];
    let balancer = element(
        &aws.elb_ok("CreateLoadBalancer", &balancer).await,
        "LoadBalancerArn",
    );
    aws.ecs_ok("CreateCluster", json!({ "clusterName": "shop" }))
        .await;
    let service = json!({
        "cluster": "shop", "serviceName": "shop", "desiredCount": 1,
        "deploymentController": { "type": "EXTERNAL" },
    });
    aws.ecs_ok("CreateService", service).await;
    (balancer, blue, green)
}
