//! The calls: what each meets, and who answers it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use common::aws::Aws;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::dynamodb::Tables;
use super::ecs::Ecs;
use super::others::Others;
use super::{REGION, START};

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The caller dies before the call is sent.
    DieBefore,
    /// The call takes effect; the caller dies before it hears of it.
    DieAfter,
    /// The call takes effect; its answer is lost.
    Lose,
    /// AWS answers with this status and error code; nothing happens.
    Fail(u16, &'static str),
    /// The caller is frozen for so many seconds before the call is sent.
    Freeze(u64),
}

pub type Fates = Box<dyn FnMut(usize, &str) -> Option<Fate> + Send>;

/// An answer, or an error of 400.
pub type Reply = Result<Value, Value>;

pub struct State {
    pub tables: Tables,
    pub ecs: Ecs,
    pub others: Others,
    /// Every operation that was called, in order.
    pub calls: Vec<String>,
    fates: Fates,
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
    began: Instant,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl World {
    pub fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                tables: Tables::default(),
                ecs: Ecs::default(),
                others: Others::default(),
                calls: Vec::new(),
                fates: Box::new(|_, _| None),
                patience: Box::new(|| 0),
            })),
            began: Instant::now(),
        }
    }

    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap();
        Timestamp::from_second(START).unwrap() + passed
    }

    /// Clients of this world; the SDK does not try again by itself, so that a test sees each try.
    pub fn aws(&self) -> Aws {
        use aws_sdk_ecs::config::retry::RetryConfig;
        use aws_sdk_ecs::config::{BehaviorVersion, Credentials, SharedCredentialsProvider};
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let sleep = aws_smithy_async::rt::sleep::TokioSleep::new();
        Aws::from_config(
            SdkConfig::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new(REGION))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .retry_config(RetryConfig::disabled())
                .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(sleep))
                .http_client(SharedHttpClient::new(self.clone()))
                .build(),
        )
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    pub fn ecs<T>(&self, act: impl FnOnce(&mut Ecs) -> T) -> T {
        self.with(|state| act(&mut state.ecs))
    }

    /// Which fate meets the `n`th call from now (from 0), an operation of this name.
    pub fn fates(&self, fates: impl FnMut(usize, &str) -> Option<Fate> + Send + 'static) {
        self.with(|state| {
            state.calls.clear();
            state.fates = Box::new(fates);
        });
    }

    pub fn no_fates(&self) {
        self.fates(|_, _| None);
        self.patience(|| 0);
    }

    /// How often a call gives way to others before it is served.
    pub fn patience(&self, patience: impl FnMut() -> usize + Send + 'static) {
        self.with(|state| state.patience = Box::new(patience));
    }

    pub fn calls(&self) -> Vec<String> {
        self.with(|state| state.calls.clone())
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

    async fn begin(&self, operation: &str) -> Option<Fate> {
        let patience = self.with(|state| (state.patience)());
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        let fate = self.with(|state| {
            let n = state.calls.len();
            state.calls.push(operation.to_owned());
            (state.fates)(n, operation)
        });
        if let Some(Fate::Freeze(seconds)) = fate {
            tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
            return None;
        }
        fate
    }

    async fn die<T>(&self) -> T {
        DEATH.with(|death| death.notify_one());
        std::future::pending().await
    }

    async fn serve(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let call = Call::read(&request);
        match self.begin(&call.operation).await {
            None | Some(Fate::Freeze(_)) => Ok(self.answer(&call)),
            Some(Fate::DieBefore) => self.die().await,
            Some(Fate::DieAfter) => {
                self.answer(&call);
                self.die().await
            }
            Some(Fate::Lose) => {
                self.answer(&call);
                Err(ConnectorError::io("the connection was reset".into()))
            }
            Some(Fate::Fail(status, code)) if call.form.is_some() => {
                let inside = format!("<Code>{code}</Code><Message>injected</Message>");
                let text = format!("<ErrorResponse><Error>{inside}</Error></ErrorResponse>");
                Ok(HttpResponse::new(
                    status.try_into().unwrap(),
                    SdkBody::from(text),
                ))
            }
            Some(Fate::Fail(status, code)) => Ok(respond(status, &error(code, "injected"))),
        }
    }

    fn answer(&self, call: &Call) -> HttpResponse {
        let now = self.now();
        if let Some(form) = &call.form {
            let answered = self.with(|state| state.others.serve(&call.operation, form));
            return HttpResponse::new(answered.0.try_into().unwrap(), SdkBody::from(answered.1));
        }
        let answered = self.with(|state| match call.service.as_str() {
            "dynamodb" => state.tables.serve(&call.operation, &call.json),
            "ecs" => state.ecs.serve(&call.operation, &call.json, now),
            "scaling" => Ok(state.ecs.scaling(&call.operation, &call.json, now)),
            other => panic!("nobody answers {other} {}", call.operation),
        });
        match answered {
            Ok(body) => respond(200, &body),
            Err(body) => respond(400, &body),
        }
    }
}

pub fn error(code: &str, message: &str) -> Value {
    json!({"__type": code, "message": message})
}

fn respond(status: u16, body: &Value) -> HttpResponse {
    let text = body.to_string();
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(text))
}

struct Call {
    service: String,
    operation: String,
    json: Value,
    /// Of services that speak the query protocol.
    form: Option<BTreeMap<String, String>>,
}

impl Call {
    fn read(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default();
        if request.headers().get("x-amz-target").is_none() {
            let form = super::others::form(std::str::from_utf8(body).unwrap());
            return Self {
                service: String::new(),
                operation: form["Action"].clone(),
                json: Value::Null,
                form: Some(form),
            };
        }
        let target = request.headers().get("x-amz-target").unwrap();
        let (service, operation) = target.split_once('.').unwrap();
        let service = match service {
            "DynamoDB_20120810" => "dynamodb",
            "AmazonEC2ContainerServiceV20141113" => "ecs",
            "AnyScaleFrontendService" => "scaling",
            other => other,
        };
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            json: serde_json::from_slice(body).unwrap(),
            form: None,
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
