//! A local AWS with the cluster `dev`, and clients that do not try again by themselves.

use std::time::Duration;

use aws_sdk_applicationautoscaling as scaling;
use aws_sdk_ecs as ecs;
use ecs::config::retry::RetryConfig;
use ecs::config::{BehaviorVersion, Credentials, Region};
use ecs::error::ProvideErrorMetadata;
use ecs::types::{ContainerDefinition, Service};
use local_aws::{Server, WorldOptions};
use scaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace};
use serde_json::{Value, json};

pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) ecs: ecs::Client,
    pub(crate) scaling: scaling::Client,
    http: reqwest::Client,
}

/// The task definition whose tasks are no processes, and the one of the sample shop.
pub(crate) const NO_PROCESS: &str = "plain";
pub(crate) const SHOP: &str = "shop";

impl Bench {
    pub(crate) async fn new() -> Self {
        let data = format!("local-aws-scaling-{}", std::process::id());
        let shop = test_support::programs::sample_shop();
        let options = WorldOptions {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            // Nobody listens there: what is passed on fails, and says so.
            upstream: "http://127.0.0.1:1".parse().unwrap(),
            data_dir: std::env::temp_dir().join(data),
            images: [("shop".to_owned(), shop)].into(),
        };
        let server = Server::start("127.0.0.1:0".parse().unwrap(), options)
            .await
            .unwrap();
        let url = format!("http://{}", server.address());
        let credentials = Credentials::new("test", "test", None, None, "test");
        let ecs = ecs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&url)
            .retry_config(RetryConfig::disabled())
            .credentials_provider(credentials.clone())
            .build();
        let scaling = scaling::Config::builder()
            .behavior_version(scaling::config::BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&url)
            .retry_config(RetryConfig::disabled())
            .credentials_provider(credentials)
            .build();
        let bench = Self {
            server,
            ecs: ecs::Client::from_conf(ecs),
            scaling: scaling::Client::from_conf(scaling),
            http: reqwest::Client::new(),
        };
        let cluster = bench.ecs.create_cluster().cluster_name("dev");
        cluster.send().await.unwrap();
        bench
            .define(NO_PROCESS, "registry.example/no-process:1")
            .await;
        bench.define(SHOP, "registry.example/team/shop:1").await;
        bench
    }

    async fn define(&self, family: &str, image: &str) {
        let container = ContainerDefinition::builder()
            .name("main")
            .image(image)
            .memory(64)
            .build();
        let call = self.ecs.register_task_definition().family(family);
        call.container_definitions(container).send().await.unwrap();
    }

    /// A service of the cluster `dev` without processes.
    pub(crate) async fn service(&self, name: &str, desired: i32) {
        let call = self.ecs.create_service().cluster("dev").service_name(name);
        let call = call.task_definition(NO_PROCESS).desired_count(desired);
        call.send().await.unwrap();
    }

    pub(crate) async fn described(&self, name: &str) -> Service {
        let call = self.ecs.describe_services().cluster("dev").services(name);
        let answer = call.send().await.unwrap();
        answer.services.unwrap().remove(0)
    }

    pub(crate) async fn set_count(&self, name: &str, desired: i32) {
        let call = self.ecs.update_service().cluster("dev").service(name);
        call.desired_count(desired).send().await.unwrap();
    }

    pub(crate) async fn desired(&self, name: &str) -> i32 {
        self.described(name).await.desired_count
    }

    /// `RegisterScalableTarget` of a service of `dev`, still to be completed and sent.
    pub(crate) fn register(
        &self,
        name: &str,
    ) -> scaling::operation::register_scalable_target::builders::RegisterScalableTargetFluentBuilder
    {
        self.scaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(id(name))
    }

    pub(crate) async fn bounds(&self, name: &str, min: i32, max: i32) {
        let call = self.register(name).min_capacity(min).max_capacity(max);
        call.send().await.unwrap();
    }

    pub(crate) async fn target(&self, name: &str) -> Option<ScalableTarget> {
        let call = self.scaling.describe_scalable_targets();
        let call = call.service_namespace(ServiceNamespace::Ecs);
        let answer = call.resource_ids(id(name)).send().await.unwrap();
        answer.scalable_targets.unwrap_or_default().pop()
    }

    /// A call of the control API that has to succeed.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("http://{}/_local/{path}", self.server.address());
        let sent = self.http.post(url).body(body.to_string()).send();
        let answer = sent.await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}/_local/{path}", self.server.address());
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) async fn advance(&self, seconds: u32) {
        self.control("clock", json!({ "advance_seconds": seconds }))
            .await;
    }

    /// Waits, 20 seconds at most, until something is so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        for _ in 0..1000 {
            if is_so(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never: {what}");
    }
}

/// The id of a service of `dev`.
pub(crate) fn id(name: &str) -> String {
    format!("service/dev/{name}")
}

/// `code: message` of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug, E>(answer: Result<T, ecs::error::SdkError<E>>) -> String
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = answer.unwrap_err();
    format!(
        "{}: {}",
        error.code().unwrap_or_default(),
        error.message().unwrap_or_default()
    )
}
