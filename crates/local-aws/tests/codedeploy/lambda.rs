//! Lambda deployments: an alias in the emulator moves by steps, asked before and after, and comes back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{Method, StatusCode};
use local_aws::codedeploy::{CodeDeploy, HookCall, HookCaller};
use local_aws::{World, WorldOptions};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::bench::{MINUTE, WAIT_TIMEOUT, answer};

/// A function `prices` with the versions 1 and 2 and the alias `live`, as the emulator has it.
type Alias = Arc<Mutex<Value>>;

struct Bench {
    world: World,
    codedeploy: CodeDeploy,
    calls: mpsc::UnboundedReceiver<HookCall>,
    alias: Alias,
}

impl Bench {
    async fn new(config: &str) -> Self {
        let alias: Alias = Arc::new(Mutex::new(json!({ "FunctionVersion": "1" })));
        let app = Router::new()
            .route(
                "/2015-03-31/functions/prices/aliases/live",
                get(
                    |State(alias): State<Alias>| async move { Json(alias.lock().unwrap().clone()) },
                )
                .put(put),
            )
            .route(
                "/2015-03-31/functions/{name}/configuration",
                get(configuration),
            )
            .with_state(alias.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = format!("http://{}", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, app).await });
        let world = World::new(WorldOptions {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            upstream: upstream.parse().unwrap(),
            data_dir: "/nowhere".into(),
            images: BTreeMap::default(),
        });
        let (sender, calls) = mpsc::unbounded_channel();
        let codedeploy = CodeDeploy::with_hook_caller(world.clone(), HookCaller::InProcess(sender));
        let bench = Self {
            world,
            codedeploy,
            calls,
            alias,
        };
        let application = json!({ "applicationName": "prices", "computePlatform": "Lambda" });
        bench.ok("CreateApplication", &application);
        bench.ok("CreateDeploymentGroup", &group(config));
        bench
    }

    fn ok(&self, operation: &str, input: &Value) -> Value {
        self.codedeploy.call(operation, input).unwrap()
    }

    fn deploy(&self, current: &str, target: &str) -> String {
        let spec = json!({
            "version": 0.0,
            "Resources": [{ "prices": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Name": "prices", "Alias": "live",
                    "CurrentVersion": current, "TargetVersion": target,
                },
            }}],
            "Hooks": [{ "BeforeAllowTraffic": "before" }, { "AfterAllowTraffic": "after" }],
        });
        let made = self.ok(
            "CreateDeployment",
            &json!({
                "applicationName": "prices", "deploymentGroupName": "live",
                "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": spec.to_string() } },
            }),
        );
        made["deploymentId"].as_str().unwrap().to_owned()
    }

    /// Answers the next call of a hook function; gives its name.
    async fn answer_next(&mut self, status: &str) -> String {
        let call = tokio::time::timeout(WAIT_TIMEOUT, self.calls.recv());
        let call = call.await.expect("a hook is called in time").unwrap();
        self.ok(
            "PutLifecycleEventHookExecutionStatus",
            &answer(&call, status),
        );
        call.function
    }

    async fn until(&self, id: &str, status: &str) -> Value {
        let begin = tokio::time::Instant::now();
        loop {
            let info = self.ok("GetDeployment", &json!({ "deploymentId": id }));
            let info = info["deploymentInfo"].clone();
            if info["status"] == status {
                return info;
            }
            assert!(
                begin.elapsed() < WAIT_TIMEOUT,
                "it stays as it is: {info:#}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn until_alias(&self, wanted: Value) {
        let begin = tokio::time::Instant::now();
        while *self.alias.lock().unwrap() != wanted {
            let alias = self.alias.lock().unwrap().clone();
            assert!(begin.elapsed() < WAIT_TIMEOUT, "it stays {alias}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// The alias is moved before the deployment says so.
    async fn until_target_weight(&self, id: &str, wanted: f64) -> Value {
        let begin = tokio::time::Instant::now();
        loop {
            let target = self.target(id);
            if target["lambdaFunctionInfo"]["targetVersionWeight"] == wanted {
                return target;
            }
            assert!(begin.elapsed() < WAIT_TIMEOUT, "it stays {target:#}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    fn target(&self, id: &str) -> Value {
        let input = json!({ "deploymentId": id, "targetIds": ["prices:live"] });
        let targets = self.ok("BatchGetDeploymentTargets", &input);
        assert_eq!(
            targets["deploymentTargets"][0]["deploymentTargetType"],
            "LambdaTarget"
        );
        targets["deploymentTargets"][0]["lambdaTarget"].clone()
    }
}

async fn put(State(alias): State<Alias>, request: Request) -> Response {
    assert_eq!(request.method(), Method::PUT);
    let body = axum::body::to_bytes(request.into_body(), 10_000).await;
    *alias.lock().unwrap() = serde_json::from_slice(&body.unwrap()).unwrap();
    Json(json!({})).into_response()
}

async fn configuration(Path(name): Path<String>, request: Request) -> Response {
    if name == "prices" && ["Qualifier=1", "Qualifier=2"].contains(&request.uri().query().unwrap())
    {
        return Json(json!({ "FunctionName": name })).into_response();
    }
    let error = json!({ "__type": "ResourceNotFoundException", "message": "Function not found" });
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

fn group(config: &str) -> Value {
    json!({
        "applicationName": "prices",
        "deploymentGroupName": "live",
        "deploymentConfigName": config,
        "serviceRoleArn": "arn:aws:iam::000000000000:role/codedeploy",
        "deploymentStyle": {
            "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_FAILURE"] },
    })
}

fn shared(version: &str, percent: f64) -> Value {
    json!({
        "FunctionVersion": "1",
        "RoutingConfig": { "AdditionalVersionWeights": { version: percent } },
    })
}

fn all(version: &str) -> Value {
    json!({ "FunctionVersion": version, "RoutingConfig": { "AdditionalVersionWeights": {} } })
}

#[tokio::test]
async fn a_canary_of_a_function_moves_its_alias_between_two_questions() {
    let mut bench = Bench::new("CodeDeployDefault.LambdaCanary10Percent5Minutes").await;
    let id = bench.deploy("1", "2");
    assert_eq!(bench.answer_next("Succeeded").await, "before");
    bench.until_alias(shared("2", 0.1)).await;
    let target = bench.until_target_weight(&id, 0.1).await;
    assert_eq!(
        target["lambdaFunctionInfo"],
        json!({
            "functionName": "prices", "functionAlias": "live", "currentVersion": "1",
            "targetVersion": "2", "targetVersionWeight": 0.1,
        })
    );
    let events = target["lifecycleEvents"].as_array().unwrap();
    let names: Vec<&Value> = events
        .iter()
        .map(|event| &event["lifecycleEventName"])
        .collect();
    assert_eq!(
        names,
        ["BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"]
    );
    bench.world.clock.advance_in_steps(MINUTE * 5).await;
    assert_eq!(bench.answer_next("Succeeded").await, "after");
    bench.until_alias(all("2")).await;
    let info = bench.until(&id, "Succeeded").await;
    assert_eq!(info["computePlatform"], "Lambda");
    assert_eq!(info.get("loadBalancerInfo"), None);
}

#[tokio::test]
async fn a_function_that_is_refused_gets_its_old_version_back() {
    let mut bench = Bench::new("CodeDeployDefault.LambdaAllAtOnce").await;
    let id = bench.deploy("1", "2");
    bench.answer_next("Succeeded").await;
    bench.until_alias(all("2")).await;
    assert_eq!(bench.answer_next("Failed").await, "after");
    let failed = bench.until(&id, "Failed").await;
    assert_eq!(failed["errorInformation"]["code"], "HOOK_EXECUTION_FAILURE");
    let rollback = failed["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    bench.until(rollback, "Succeeded").await;
    bench.until_alias(all("1")).await;
    let info = bench.target(rollback)["lambdaFunctionInfo"].clone();
    assert_eq!(info["targetVersion"], "1");
    assert_eq!(info["targetVersionWeight"], 1.0);
}

#[tokio::test]
async fn what_does_not_fit_the_function_fails_before_any_traffic_moves() {
    let bench = Bench::new("CodeDeployDefault.LambdaAllAtOnce").await;
    for (current, target, why) in [
        ("2", "1", "points to version 1, not to the CurrentVersion 2"),
        ("1", "3", "ResourceNotFoundException"),
    ] {
        let id = bench.deploy(current, target);
        let info = bench.until(&id, "Failed").await;
        let error = &info["errorInformation"];
        assert_eq!(error["code"], "INVALID_LAMBDA_FUNCTION");
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
        assert_eq!(
            *bench.alias.lock().unwrap(),
            json!({ "FunctionVersion": "1" })
        );
    }
}

#[tokio::test]
async fn groups_of_functions_have_no_service_and_no_configuration_of_ecs() {
    let bench = Bench::new("CodeDeployDefault.LambdaAllAtOnce").await;
    let refused = |change: Value| {
        let mut group = group("CodeDeployDefault.LambdaAllAtOnce");
        group["deploymentGroupName"] = json!("other");
        for (name, value) in change.as_object().unwrap() {
            group[name] = value.clone();
        }
        let error = bench.codedeploy.call("CreateDeploymentGroup", &group);
        error.unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused(json!({ "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce" })), @"InvalidDeploymentConfigNameException: The deployment configuration CodeDeployDefault.ECSAllAtOnce is for the compute platform ECS, not Lambda");
    insta::assert_snapshot!(refused(json!({ "ecsServices": [{ "clusterName": "a", "serviceName": "b" }] })), @"InvalidInputException: For Lambda deployment group, ecsServices can not be specified");
    insta::assert_snapshot!(refused(json!({ "deploymentStyle": { "deploymentType": "IN_PLACE" } })), @"InvalidDeploymentStyleException: For Lambda deployment group, deploymentStyle must be deploymentType BLUE_GREEN and deploymentOption WITH_TRAFFIC_CONTROL");
    let input = json!({ "applicationName": "prices", "deploymentGroupName": "live" });
    let info = bench.ok("GetDeploymentGroup", &input)["deploymentGroupInfo"].clone();
    assert_eq!(info["computePlatform"], "Lambda");
    assert_eq!(info.get("ecsServices"), None);
}
