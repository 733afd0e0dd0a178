//! The calls: what each meets, and who answers it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use common::aws::Aws;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::Hands;
use super::dynamodb::Tables;
use super::pipeline::Pipeline;

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The caller dies before the call is sent.
    DieBefore,
    /// The call takes effect; the caller dies before it hears of it.
    DieAfter,
    /// The call takes effect; its answer is lost.
    Lose,
    /// The call takes effect; its answer never comes.
    Hang,
    /// AWS answers with this status and error code; nothing happens.
    Fail(u16, &'static str),
    /// Somebody says yes in the console before the call is served.
    ConsoleApproves,
    /// Somebody says no in the console before the call is served.
    ConsoleRejects,
    /// A newer execution takes its place before the call is served.
    Supersede,
    /// Its time is over before the call is served.
    Expire,
    /// Somebody stops the execution before the call is served.
    Stop,
    /// The stage is retried before the call is served: a new wait with a new token.
    AskAnew,
    /// The change set is made anew before the call is served.
    Change,
}

/// Which fate meets the `n`th call (from 0), an operation of this name.
pub type Plan = Box<dyn FnMut(usize, &str) -> Option<Fate> + Send>;

pub struct State {
    pub tables: Tables,
    pub pipeline: Pipeline,
    pub calls: Vec<String>,
    /// Payloads of asynchronous invocations.
    pub invoked: Vec<Value>,
    /// Values of Secrets Manager, by name and stage.
    pub secrets: HashMap<(String, String), String>,
    deployable: String,
    plan: Plan,
    /// How often a call gives way to others before it is served.
    patience: Box<dyn FnMut() -> usize + Send>,
}

tokio::task_local! {
    /// How the run that makes a call is told that it has died.
    static DEATH: Arc<Notify>;
}

/// A handle to the world; clones are the same world.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    pub hands: Hands,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl World {
    pub fn new(hands: Hands) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                tables: Tables::default(),
                pipeline: Pipeline::waiting(),
                calls: Vec::new(),
                invoked: Vec::new(),
                secrets: HashMap::new(),
                deployable: "1.1.0".into(),
                plan: Box::new(|_, _| None),
                patience: Box::new(|| 0),
            })),
            hands,
        }
    }

    /// Clients of this world, without retries: a test sees each try.
    pub fn aws(&self) -> Aws {
        self.aws_with_tries(1)
    }

    pub fn aws_with_tries(&self, tries: u32) -> Aws {
        use aws_sdk_dynamodb::config::retry::RetryConfig;
        use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, SharedCredentialsProvider};
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let sleep = aws_smithy_async::rt::sleep::TokioSleep::new();
        Aws::from_config(
            SdkConfig::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new("eu-central-1"))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .retry_config(RetryConfig::standard().with_max_attempts(tries))
                .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(sleep))
                .http_client(aws_smithy_runtime_api::client::http::SharedHttpClient::new(
                    self.clone(),
                ))
                .build(),
        )
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    pub fn plan(&self, plan: impl FnMut(usize, &str) -> Option<Fate> + Send + 'static) {
        self.with(|state| state.plan = Box::new(plan));
    }

    /// This fate at the `n`th call from now, and no other.
    pub fn at(&self, n: usize, fate: Fate) {
        self.forget_calls();
        self.plan(move |call, _| (call == n).then_some(fate));
    }

    pub fn no_plan(&self) {
        self.plan(|_, _| None);
    }

    pub fn patience(&self, patience: impl FnMut() -> usize + Send + 'static) {
        self.with(|state| state.patience = Box::new(patience));
    }

    pub fn calls(&self) -> Vec<String> {
        self.with(|state| state.calls.clone())
    }

    pub fn forget_calls(&self) {
        self.with(|state| state.calls.clear());
    }

    pub fn deployable(&self) -> String {
        self.with(|state| state.deployable.clone())
    }

    /// Everything in all tables, as text.
    pub fn items(&self) -> String {
        self.with(|state| state.tables.dump())
    }

    /// Runs `work` until it ends or dies; none if it died.
    pub async fn live<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let death = Arc::new(Notify::new());
        tokio::select! {
            biased;
            done = DEATH.scope(death.clone(), work) => Some(done),
            () = death.notified() => None,
        }
    }

    /// What a call that is none of AWS's own meets: the caller's look-ups.
    pub async fn meets(&self, operation: &str) -> Result<(), Fate> {
        match self.begin(operation).await {
            None => Ok(()),
            Some(Fate::DieBefore | Fate::DieAfter) => self.die().await,
            Some(other @ (Fate::Fail(..) | Fate::Lose)) => Err(other),
            Some(other) => {
                self.interfere(other);
                Ok(())
            }
        }
    }

    async fn begin(&self, operation: &str) -> Option<Fate> {
        let patience = self.with(|state| (state.patience)());
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        self.with(|state| {
            let n = state.calls.len();
            state.calls.push(operation.to_owned());
            (state.plan)(n, operation)
        })
    }

    async fn die<T>(&self) -> T {
        DEATH.with(|death| death.notify_one());
        std::future::pending().await
    }

    /// Somebody or something else acts.
    pub fn interfere(&self, fate: Fate) {
        let now = self.hands.now();
        self.with(|state| {
            let pipeline = &mut state.pipeline;
            match fate {
                Fate::ConsoleApproves => pipeline.console(true, now),
                Fate::ConsoleRejects => pipeline.console(false, now),
                Fate::Supersede => pipeline.end("Superseded", now),
                Fate::Stop => pipeline.end("Stopped", now),
                Fate::Expire => pipeline.expire(now),
                Fate::AskAnew => pipeline.ask_anew(now),
                Fate::Change => {
                    pipeline.revision = "another revision".into();
                    state.deployable = "1.1.0 made anew".into();
                }
                Fate::DieBefore | Fate::DieAfter | Fate::Lose | Fate::Hang | Fate::Fail(..) => {}
            }
        });
    }

    async fn serve(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let call = Call::read(&request);
        match self.begin(&call.operation).await {
            None => Ok(self.answer(&call)),
            Some(Fate::DieBefore) => self.die().await,
            Some(Fate::DieAfter) => {
                self.answer(&call);
                self.die().await
            }
            Some(Fate::Lose) => {
                self.answer(&call);
                Err(ConnectorError::io("the connection was reset".into()))
            }
            Some(Fate::Hang) => {
                self.answer(&call);
                std::future::pending().await
            }
            Some(Fate::Fail(status, code)) => Ok(respond(status, &error(code, "injected"))),
            Some(other) => {
                self.interfere(other);
                Ok(self.answer(&call))
            }
        }
    }

    fn answer(&self, call: &Call) -> HttpResponse {
        let now = self.hands.now();
        self.with(|state| match call.service.as_str() {
            "dynamodb" => reply(state.tables.serve(&call.operation, &call.json)),
            "codepipeline" => reply(state.pipeline.serve(&call.operation, &call.json, now)),
            "secretsmanager" => {
                let text = |name: &str| call.json[name].as_str().unwrap_or_default().to_owned();
                let stage = match text("VersionStage") {
                    stage if stage.is_empty() => "AWSCURRENT".to_owned(),
                    stage => stage,
                };
                match state.secrets.get(&(text("SecretId"), stage)) {
                    Some(secret) => respond(200, &json!({"SecretString": secret})),
                    None => respond(400, &error("ResourceNotFoundException", "no such secret")),
                }
            }
            "lambda" => {
                state.invoked.push(call.json.clone());
                respond(202, &Value::Null)
            }
            other => panic!("nobody answers {other} {}", call.operation),
        })
    }
}

/// An answer, or an error of 400.
pub type Reply = Result<Value, Value>;

pub fn error(code: &str, message: &str) -> Value {
    json!({"__type": code, "message": message})
}

fn reply(reply: Reply) -> HttpResponse {
    match reply {
        Ok(body) => respond(200, &body),
        Err(body) => respond(400, &body),
    }
}

fn respond(status: u16, body: &Value) -> HttpResponse {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(text))
}

struct Call {
    service: String,
    operation: String,
    json: Value,
}

impl Call {
    fn read(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default();
        let json = serde_json::from_slice(body).unwrap_or(Value::Null);
        let Some(target) = request.headers().get("x-amz-target") else {
            assert_eq!(
                request.headers().get("x-amz-invocation-type"),
                Some("Event")
            );
            return Self {
                service: "lambda".into(),
                operation: "Invoke".into(),
                json,
            };
        };
        let (service, operation) = target.split_once('.').unwrap();
        let service = service.split('_').next().unwrap().to_ascii_lowercase();
        Self {
            service,
            operation: operation.to_owned(),
            json,
        }
    }
}

impl HttpConnector for World {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let world = self.clone();
        HttpConnectorFuture::new(async move { world.serve(request).await })
    }
}

impl HttpClient for World {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
