//! A function instance in a small AWS: the world of ECS and the state table, and beside it what only the
//! function calls: itself, STS and S3. Time is the runtime's, and stands still unless somebody waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use common::aws::Aws;
use env_scheduler::settings::Settings;
use env_scheduler::{Function, HandleError, handle};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, REGION, Svc, TABLE, World};

/// As much as a Lambda function can have.
pub const QUARTER: Duration = Duration::from_mins(15);
pub const NIGHT: &str = "2026-11-23T22:00:00Z";
pub const MORNING: &str = "2026-11-24T09:00:00Z";
/// Calls that change something.
const CHANGING: [&str; 6] = [
    "UpdateService",
    "RegisterScalableTarget",
    "TagResource",
    "UntagResource",
    "PutItem",
    "UpdateItem",
];

/// What lies beside the world.
#[derive(Default)]
pub struct Beside {
    /// The function's invocations of itself that wait.
    pub invoked: VecDeque<Value>,
    /// Whether Lambda refuses those.
    pub no_invoking: bool,
    /// Roles that can be taken, and the account that AWS says they are in.
    pub roles: BTreeMap<String, String>,
    /// What STS was asked.
    pub assumed: Vec<BTreeMap<String, String>>,
    /// Objects of S3, by their keys.
    pub objects: BTreeMap<String, String>,
    /// How often one was read.
    pub read: usize,
    /// Whose calls of ECS there were: access key and region, as they were signed.
    pub signed: Vec<String>,
    /// A cluster whose services can't be listed.
    pub broken_cluster: Option<&'static str>,
    /// Lines of metrics.
    pub lines: Vec<Value>,
}

#[derive(Clone)]
pub struct Wire {
    world: World,
    beside: Arc<Mutex<Beside>>,
}

pub struct Fixture {
    pub world: World,
    pub function: Arc<Function>,
    wire: Wire,
    requests: Mutex<usize>,
    /// The account that the function runs in.
    account: &'static str,
}

impl Fixture {
    /// A function that may change things, with this much of settings.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let world = World::new();
        let wire = Wire {
            world: world.clone(),
            beside: Arc::default(),
        };
        let mut values = BTreeMap::from([
            ("ENVIRONMENTS_DRY_RUN", "false"),
            ("STATE_TABLE", TABLE),
            ("KEYS_SECRET_ARN", "arn:keys"),
            ("AWS_LAMBDA_FUNCTION_NAME", "env-scheduler"),
            // Events may be ahead of the clock.
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ]);
        values.extend(settings.iter().copied());
        let settings = Settings::read(&|name| values.get(name).map(ToString::to_string));
        let mut function = Function::new(settings, wire.aws());
        let (clock, beside) = (world.clone(), wire.beside.clone());
        function.clock = Box::new(move || clock.now());
        function.emit = Box::new(move |line| beside.lock().unwrap().lines.push(line.clone()));
        Self {
            world,
            function: Arc::new(function),
            wire,
            requests: Mutex::new(0),
            account: ACCOUNT,
        }
    }

    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn in_account(mut self, account: &'static str) -> Self {
        self.account = account;
        self
    }

    pub fn add(&self, place: &str, service: Svc) {
        let tag = |mut service: Svc| {
            if let Some(value) = service.tags.get_mut("deploy-hooks:schedule") {
                "default".clone_into(value);
            }
            service
        };
        self.world.ecs(|ecs| ecs.add(place, tag(service)));
    }

    pub fn desired(&self, place: &str) -> u32 {
        self.world.ecs(|ecs| ecs.get(place).desired)
    }

    pub fn all(&self) -> BTreeMap<String, Svc> {
        self.world.ecs(|ecs| ecs.services.clone())
    }

    pub fn beside<T>(&self, act: impl FnOnce(&mut Beside) -> T) -> T {
        act(&mut self.wire.beside.lock().unwrap())
    }

    /// The changing calls since the last time.
    pub fn changing_calls(&self) -> Vec<String> {
        let mut calls = self.world.calls();
        calls.retain(|call| CHANGING.contains(&call.as_str()));
        calls
    }

    pub fn metrics(&self) -> Vec<Value> {
        self.beside(|beside| beside.lines.clone())
    }

    pub async fn until(&self, at: &str) {
        let at: Timestamp = at.parse().unwrap();
        let wait = at.duration_since(self.world.now());
        assert!(wait.is_positive(), "only forwards");
        tokio::time::sleep(wait.unsigned_abs()).await;
    }

    pub async fn invoke(&self, event: Value) -> Result<Value, HandleError> {
        self.invoke_for(QUARTER, event).await
    }

    /// One invocation with this time limit.
    pub async fn invoke_for(&self, limit: Duration, event: Value) -> Result<Value, HandleError> {
        let mut context = Context::default();
        context.request_id = {
            let mut requests = self.requests.lock().unwrap();
            *requests += 1;
            format!("run-{requests}")
        };
        context.invoked_function_arn = format!(
            "arn:aws:lambda:{REGION}:{}:function:env-scheduler",
            self.account
        );
        let deadline = SystemTime::now() + limit;
        let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = u64::try_from(since.as_millis()).unwrap();
        handle(self.function.clone(), LambdaEvent::new(event, context)).await
    }

    /// What the schedules send in the evening.
    pub async fn night(&self) -> Value {
        let event = json!({"action": "down", "at": NIGHT});
        self.invoke(event).await.unwrap()
    }

    pub async fn morning(&self) -> Value {
        let event = json!({"action": "up", "at": MORNING});
        self.invoke(event).await.unwrap()
    }
}

impl Wire {
    fn aws(&self) -> Aws {
        test_support::sdk::in_memory(self.clone(), REGION, "OWN", 1)
    }

    /// None: the world answers.
    fn answer(&self, request: &HttpRequest) -> Option<(u16, String)> {
        let mut beside = self.beside.lock().unwrap();
        let uri = request.uri();
        let (host, path) = uri
            .strip_prefix("https://")
            .and_then(|rest| rest.split_once('/'))
            .unwrap();
        let body = request.body().bytes().unwrap_or_default();
        let service = host
            .split('.')
            .find(|part| ["lambda", "sts", "s3", "ecs"].contains(part));
        match service {
            Some("lambda") => Some(beside.invoke(path, body)),
            Some("sts") => Some(beside.assume(std::str::from_utf8(body).unwrap())),
            Some("s3") => Some(beside.object(path)),
            Some("ecs") => beside.ecs(request),
            _ => None,
        }
    }
}

impl Beside {
    fn invoke(&mut self, path: &str, body: &[u8]) -> (u16, String) {
        assert!(
            path.ends_with("/invocations") && path.contains("env-scheduler"),
            "{path}"
        );
        if self.no_invoking {
            let refused = json!({"Type": "User", "Message": "not authorized"});
            return (403, refused.to_string());
        }
        self.invoked
            .push_back(serde_json::from_slice(body).unwrap());
        (202, String::new())
    }

    fn assume(&mut self, body: &str) -> (u16, String) {
        let form = test_support::world::form(body);
        assert_eq!(form["Action"], "AssumeRole");
        self.assumed.push(form.clone());
        let Some(account) = self.roles.get(&form["RoleArn"]) else {
            let error = "<Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message>";
            return (
                403,
                format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"),
            );
        };
        let session = &form["RoleSessionName"];
        let body = format!(
            "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:{session}</AssumedRoleId>\
             <Arn>arn:aws:sts::{account}:assumed-role/worker/{session}</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>THERE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        );
        (200, body)
    }

    fn object(&mut self, path: &str) -> (u16, String) {
        self.read += 1;
        let key = path.split('?').next().unwrap();
        match self.objects.get(key) {
            Some(text) => (200, text.clone()),
            None => (404, "<Error><Code>NoSuchKey</Code></Error>".to_owned()),
        }
    }

    fn ecs(&mut self, request: &HttpRequest) -> Option<(u16, String)> {
        let signature = request.headers().get("authorization").unwrap();
        let scope = signature.split_once("Credential=").unwrap().1;
        let parts: Vec<&str> = scope.split('/').collect();
        self.signed.push(format!("{} {}", parts[0], parts[2]));
        let cluster = self.broken_cluster?;
        let target = request.headers().get("x-amz-target").unwrap();
        let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
        let hit = target.ends_with(".ListServices") && body.contains(&format!("\"{cluster}\""));
        let error = json!({"__type": "AccessDeniedException", "message": "not authorized"});
        hit.then(|| (400, error.to_string()))
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.answer(&request) {
            None => self.world.call(request),
            Some((status, body)) => {
                let mut response =
                    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                if status == 403 {
                    // Where Lambda says what kind of error it is.
                    let headers = response.headers_mut();
                    headers.insert("x-amzn-errortype", "AccessDeniedException");
                }
                HttpConnectorFuture::ready(Ok(response))
            }
        }
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}
