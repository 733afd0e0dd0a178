//! A small AWS under the real SDK clients. Each call can go wrong in the ways that matter, at the very
//! place where it matters: the caller can die before or after it, its answer can be lost, somebody else
//! can act first.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Reply;
use crate::sdk::INJECTED_PANIC;

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault<A> {
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
    /// The caller is frozen for so many seconds before the call is sent.
    Freeze(u64),
    /// The caller panics before the call is sent.
    Panic,
    /// Somebody else acts before the call is served.
    Before(A),
}

/// The services of a world.
pub trait Services: Send + 'static {
    /// What somebody else can do in it.
    type Act: fmt::Debug + Copy + Send + Sync + 'static;

    /// Serves a call.
    fn serve(&mut self, call: &Call) -> Answer;

    /// An object of S3, whose bytes need not be text.
    fn object(&mut self) -> Vec<u8> {
        panic!("there are no objects here")
    }

    /// Somebody else acts.
    fn act(&mut self, act: Self::Act);
}

/// A call, whatever its protocol.
pub struct Call {
    /// `dynamodb`, `ecs`, …; empty for services of the query protocol.
    pub service: String,
    pub operation: String,
    pub json: Value,
    /// Of services that speak the query protocol.
    pub form: Option<BTreeMap<String, String>>,
}

/// Status and body.
pub type Answer = (u16, String);

/// Which fate meets the `n`th call (from 0), an operation of this name.
type Plan<A> = Box<dyn FnMut(usize, &str) -> Option<CallFault<A>> + Send>;

struct State<S: Services> {
    services: S,
    /// Every operation that was called, in order.
    calls: Vec<String>,
    plan: Plan<S::Act>,
    /// How often a call gives way to others before it is served.
    yields: Box<dyn FnMut() -> usize + Send>,
}

tokio::task_local! {
    /// How the run that makes a call learns that it has died.
    static DEATH: Arc<Notify>;
}

/// A handle to the world; clones are the same world.
pub struct World<S: Services> {
    state: Arc<Mutex<State<S>>>,
    /// When it was made.
    pub began: Instant,
}

impl<S: Services> Clone for World<S> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            began: self.began,
        }
    }
}

impl<S: Services> fmt::Debug for World<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl<S: Services> World<S> {
    /// A world of these services, in which nothing goes wrong.
    pub fn of(services: S) -> Self {
        let state = State {
            services,
            calls: Vec::new(),
            plan: Box::new(|_, _| None),
            yields: Box::new(|| 0),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            began: Instant::now(),
        }
    }

    /// Looks at the services, or changes them.
    pub fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(&mut self.state.lock().unwrap().services)
    }

    /// From now on calls meet these fates; they are counted from the last time they were forgotten.
    pub fn plan(
        &self,
        plan: impl FnMut(usize, &str) -> Option<CallFault<S::Act>> + Send + 'static,
    ) {
        self.state.lock().unwrap().plan = Box::new(plan);
    }

    /// The same, with calls counted from now.
    pub fn fates(
        &self,
        fates: impl FnMut(usize, &str) -> Option<CallFault<S::Act>> + Send + 'static,
    ) {
        self.forget_calls();
        self.plan(fates);
    }

    /// This fate at the `n`th call from now, and no other.
    pub fn at(&self, n: usize, fate: CallFault<S::Act>) {
        self.fates(move |call, _| (call == n).then_some(fate));
    }

    pub fn no_plan(&self) {
        self.plan(|_, _| None);
    }

    /// Nothing goes wrong any more, and no call gives way.
    pub fn no_fates(&self) {
        self.fates(|_, _| None);
        self.patience(|| 0);
    }

    /// How often a call gives way to others before it is served.
    pub fn patience(&self, yields: impl FnMut() -> usize + Send + 'static) {
        self.state.lock().unwrap().yields = Box::new(yields);
    }

    /// Every operation that was called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    pub fn forget_calls(&self) {
        self.state.lock().unwrap().calls.clear();
    }

    /// Somebody or something else acts.
    pub fn interfere(&self, act: S::Act) {
        self.with(|services| services.act(act));
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

    /// What a call that is none of AWS's own meets: a look-up of the caller's.
    pub async fn meets(&self, operation: &str) -> Result<(), CallFault<S::Act>> {
        match self.begin(operation).await {
            None => Ok(()),
            Some(CallFault::DieBefore | CallFault::DieAfter) => die().await,
            Some(other @ (CallFault::Fail(..) | CallFault::Lose)) => Err(other),
            Some(CallFault::Before(act)) => {
                self.interfere(act);
                Ok(())
            }
            Some(CallFault::Hang | CallFault::Freeze(_)) => Ok(()),
            Some(CallFault::Panic) => panic!("{INJECTED_PANIC}"),
        }
    }

    async fn begin(&self, operation: &str) -> Option<CallFault<S::Act>> {
        let yields = (self.state.lock().unwrap().yields)();
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        let fate = {
            let mut state = self.state.lock().unwrap();
            let n = state.calls.len();
            state.calls.push(operation.to_owned());
            (state.plan)(n, operation)
        };
        if let Some(CallFault::Freeze(seconds)) = fate {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            return None;
        }
        fate
    }

    async fn serve(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let call = Call::read(&request);
        let answer = || {
            self.with(|services| match call.service.as_str() {
                "s3" => response(200, services.object().into()),
                _ => respond(services.serve(&call)),
            })
        };
        match self.begin(&call.operation).await {
            None | Some(CallFault::Freeze(_)) => Ok(answer()),
            Some(CallFault::DieBefore) => die().await,
            Some(CallFault::DieAfter) => {
                answer();
                die().await
            }
            Some(CallFault::Lose) => {
                answer();
                Err(ConnectorError::io("the connection was reset".into()))
            }
            Some(CallFault::Hang) => {
                answer();
                std::future::pending().await
            }
            Some(CallFault::Fail(status, code)) => Ok(respond((status, call.error(code)))),
            Some(CallFault::Before(act)) => {
                self.interfere(act);
                Ok(answer())
            }
            Some(CallFault::Panic) => panic!("{INJECTED_PANIC}"),
        }
    }
}

async fn die<T>() -> T {
    DEATH.with(|death| death.notify_one());
    std::future::pending().await
}

/// The answer of a service of the JSON protocols.
pub fn reply(reply: Reply) -> Answer {
    match reply {
        Ok(body) => (200, body.to_string()),
        Err(body) => (400, body.to_string()),
    }
}

fn respond((status, body): Answer) -> HttpResponse {
    response(status, SdkBody::from(body))
}

fn response(status: u16, body: SdkBody) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), body)
}

impl Call {
    fn read(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default();
        if let Some(target) = request.headers().get("x-amz-target") {
            let (service, operation) = target.split_once('.').unwrap();
            let service = match service {
                "AmazonEC2ContainerServiceV20141113" => "ecs".to_owned(),
                "AnyScaleFrontendService" => "scaling".to_owned(),
                versioned => versioned.split('_').next().unwrap().to_ascii_lowercase(),
            };
            return Self {
                service,
                operation: operation.to_owned(),
                json: serde_json::from_slice(body).unwrap(),
                form: None,
            };
        }
        if request.method() == "GET" {
            return Self {
                service: "s3".to_owned(),
                operation: "GetObject".to_owned(),
                json: Value::Null,
                form: None,
            };
        }
        if let Some(kind) = request.headers().get("x-amz-invocation-type") {
            assert_eq!(kind, "Event");
            return Self {
                service: "lambda".to_owned(),
                operation: "Invoke".to_owned(),
                json: serde_json::from_slice(body).unwrap_or(Value::Null),
                form: None,
            };
        }
        let form = form(std::str::from_utf8(body).unwrap());
        Self {
            service: String::new(),
            operation: form["Action"].clone(),
            json: Value::Null,
            form: Some(form),
        }
    }

    /// An injected error, in the protocol of the call.
    fn error(&self, code: &str) -> String {
        if self.form.is_none() {
            return crate::error(code, "injected").to_string();
        }
        let inside = format!("<Code>{code}</Code><Message>injected</Message>");
        format!("<ErrorResponse><Error>{inside}</Error></ErrorResponse>")
    }
}

/// The fields of a form.
pub fn form(body: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

impl<S: Services> HttpConnector for World<S> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let world = self.clone();
        HttpConnectorFuture::new(async move { world.serve(request).await })
    }
}

impl<S: Services> HttpClient for World<S> {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
