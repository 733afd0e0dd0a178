//! A function in a small AWS, with the places where people are: SES, SNS, and a service on loopback that
//! stands for Slack, Teams and a webhook. The test moves the clock.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use common::aws::Aws;
use env_scheduler::settings::Settings;
use env_scheduler::{Function, HandleError, handle};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use sha2::Sha256;
use signing::Keys;

use crate::support::{ACCOUNT, CallFault, REGION, Svc, TABLE, World};

pub const KEY: &str = "a-signing-key-of-at-least-32-characters";
/// Slack's own example of a signing secret.
pub const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:environments";
/// A quarter of an hour before the sleep of a Monday.
pub const EVENING: &str = "2026-11-23T21:45:00Z";
pub const NIGHT: &str = "2026-11-23T22:00:00Z";
pub const MORNING: &str = "2026-11-24T09:00:00Z";

pub const CONFIG: &str = "version: 1
accounts: ['111122223333']
zone: UTC
schedules: { office: 'Mon-Fri 09:00-22:00' }
default_schedule: office
notice: 15m
people:
  channels:
    leads: { ses: { from: environments@example.com, to: [lead@example.com, other@example.com] } }
    shanghai: { ses: { from: environments@example.com, to: shanghai@example.com }, language: zh }
  tell: { notice: leads, morning: leads, problems: leads }
  slack_app: { team: T0123, buttons: true }
";

/// What the places were sent, and what lies in AWS.
#[derive(Default)]
pub struct Beside {
    /// The function's invocations of itself that wait.
    pub invoked: Vec<Value>,
    /// Mails: to whom, and what.
    pub mails: Vec<(String, Value)>,
    /// How often Lambda was asked for the function's URL; it has none.
    pub asked_url: usize,
    /// So many mails are refused first.
    pub refuse_mails: usize,
    /// Messages of topics.
    pub published: Vec<BTreeMap<String, String>>,
    /// Secrets by their names.
    pub secrets: BTreeMap<String, String>,
    /// The configuration's text.
    pub config: String,
    /// Requests on loopback.
    pub heard: Vec<(String, Value)>,
}

#[derive(Clone)]
struct Wire {
    world: World,
    beside: Arc<Mutex<Beside>>,
}

pub struct Fixture {
    pub world: World,
    pub function: Arc<Function>,
    /// Where the service on loopback is.
    pub loopback: String,
    wire: Wire,
    hands: Arc<Mutex<Timestamp>>,
    requests: Mutex<usize>,
}

impl Fixture {
    pub async fn open() -> Self {
        Self::with(CONFIG, &[]).await
    }

    /// With this configuration, in which `LOOPBACK` is an address, and these settings besides.
    pub async fn with(config: &str, settings: &[(&str, &str)]) -> Self {
        let wire = Wire {
            world: World::new(),
            beside: Arc::default(),
        };
        let loopback = listen(wire.beside.clone()).await;
        {
            let mut beside = wire.beside.lock().unwrap();
            beside.config = config.replace("LOOPBACK", &loopback);
            let secrets = [
                ("keys", KEY),
                ("slack", SLACK_SECRET),
                ("bot", "xoxb-token"),
                (
                    "signing",
                    "whsec_YS1zZWNyZXQtb2YtYS1tYWNoaW5lLW9mLTMyLWJ5dGU=",
                ),
            ];
            for (name, value) in secrets {
                beside.secrets.insert(name.to_owned(), value.to_owned());
            }
            let hook = format!("{loopback}/hook");
            beside.secrets.insert("hook".to_owned(), hook);
        }
        let mut values = BTreeMap::from([
            ("ENVIRONMENTS_CONFIG", "s3://config/environments.yaml"),
            ("ENVIRONMENTS_DRY_RUN", "false"),
            ("ENVIRONMENTS_URL", "https://env.example.com"),
            ("STATE_TABLE", TABLE),
            ("KEYS_SECRET_ARN", "keys"),
            ("SLACK_SECRET", "secretsmanager:slack"),
            ("SLACK_API_URL", &loopback),
            ("ALLOW_PRIVATE_ADDRESSES", "true"),
            ("AWS_LAMBDA_FUNCTION_NAME", "env-scheduler"),
            // Events may be ahead of the clock.
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ]);
        values.extend(settings.iter().copied());
        let settings = Settings::read(&|name| values.get(name).map(ToString::to_string));
        let mut function = Function::new(settings, wire.aws());
        let hands = Arc::new(Mutex::new(EVENING.parse().unwrap()));
        let clock = hands.clone();
        function.clock = Box::new(move || *clock.lock().unwrap());
        function.emit = Box::new(|_| {});
        let fixture = Self {
            world: wire.world.clone(),
            function: Arc::new(function),
            loopback,
            wire,
            hands,
            requests: Mutex::new(0),
        };
        fixture.add("dev/web", Svc::new(3));
        fixture.add("dev/api", Svc::new(1));
        fixture
    }

    pub fn add(&self, place: &str, service: Svc) {
        self.world.ecs(|ecs| ecs.add(place, service));
    }

    pub fn desired(&self, place: &str) -> u32 {
        self.world.ecs(|ecs| ecs.get(place).desired)
    }

    pub fn beside<T>(&self, act: impl FnOnce(&mut Beside) -> T) -> T {
        act(&mut self.wire.beside.lock().unwrap())
    }

    /// To whom mails went, in order of their addresses.
    pub fn addressees(&self) -> Vec<String> {
        let mut to: Vec<String> =
            self.beside(|beside| beside.mails.iter().map(|(to, _)| to.clone()).collect());
        to.sort();
        to
    }

    /// The last mail to somebody, as text.
    pub fn mail(&self, to: &str) -> String {
        self.beside(|beside| {
            let mail = beside.mails.iter().rfind(|(own, _)| own == to);
            let content = &mail.expect("a mail was sent").1["Content"]["Simple"];
            let subject = content["Subject"]["Data"].as_str().unwrap();
            let text = content["Body"]["Text"]["Data"].as_str().unwrap();
            format!("Subject: {subject}\n\n{text}")
        })
    }

    /// The path of a link in the last mail to somebody, by its label.
    pub fn link(&self, to: &str, label: &str) -> String {
        let mail = self.mail(to);
        let (_, after) = mail.split_once(label).expect("the mail has the label");
        let (_, link) = after.split_once("https://env.example.com").unwrap();
        link.lines().next().unwrap().to_owned()
    }

    pub fn set_clock(&self, at: &str) {
        *self.hands.lock().unwrap() = at.parse().unwrap();
    }

    pub fn now(&self) -> Timestamp {
        *self.hands.lock().unwrap()
    }

    pub async fn invoke(&self, event: Value) -> Result<Value, HandleError> {
        let mut context = Context::default();
        context.request_id = {
            let mut requests = self.requests.lock().unwrap();
            *requests += 1;
            format!("run-{requests}")
        };
        context.invoked_function_arn =
            format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:env-scheduler");
        let deadline = SystemTime::now() + Duration::from_mins(15);
        let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = u64::try_from(since.as_millis()).unwrap();
        handle(self.function.clone(), LambdaEvent::new(event, context)).await
    }

    pub async fn tick(&self) -> Value {
        self.invoke(json!({"action": "tick"})).await.unwrap()
    }

    /// A tick at this instant.
    pub async fn tick_at(&self, at: &str) -> Value {
        self.set_clock(at);
        self.tick().await
    }

    /// Somebody stops services now, as with the CLI; it holds until the morning.
    pub async fn down(&self, services: &str) {
        let request = environments::schedule_overrides::OverrideRequest {
            id: format!("down-{}", self.now()),
            ask: environments::schedule_overrides::RequestKind::ForceDown,
            services: services.to_owned(),
            until: MORNING.parse().unwrap(),
            by: "lead".to_owned(),
            at: self.now(),
            place: None,
        };
        let settings = self.function.settings.as_ref().unwrap();
        let records = self.function.record_store(settings);
        records.request(&request).await.unwrap();
        self.tick().await;
    }

    /// Runs what the function has handed to itself, until nothing is left.
    pub async fn run_handed_over(&self) {
        loop {
            let events = self.beside(|beside| std::mem::take(&mut beside.invoked));
            if events.is_empty() {
                return;
            }
            for event in events {
                self.invoke(event).await.unwrap();
            }
        }
    }

    /// A request of the function URL.
    pub async fn call(&self, request: &Call) -> Answer {
        Answer(self.invoke(request.event()).await.unwrap())
    }

    /// Items of the state table whose partition key or sort key has this in it.
    pub fn items(&self, part: &str) -> Vec<Value> {
        self.world.with(|state| {
            let items = state.tables.items().iter();
            let has =
                |(_, pk, sk): &(String, String, String)| pk.contains(part) || sk.contains(part);
            let found = items.filter(|(key, _)| has(key));
            found
                .map(|(_, item)| serde_json::from_str(item["body"]["S"].as_str().unwrap()).unwrap())
                .collect()
        })
    }

    /// What was recorded of what people said, oldest first.
    pub fn audit(&self) -> Vec<String> {
        let mut items = self.items("audit#");
        items.sort_by_key(|item| item["at"].as_str().unwrap().to_owned());
        let stored = items.iter().map(|item| {
            let by = item["by"][0]["approver"].as_str().unwrap();
            format!("{by}: {}", item["result"].as_str().unwrap())
        });
        stored.collect()
    }

    /// A request of Slack, signed now.
    pub fn slack(&self, path: &str, fields: &[(&str, &str)]) -> Call {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        let body = body.finish();
        let timestamp = self.now().as_second();
        Call::new("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", &timestamp.to_string())
            .header(
                "x-slack-signature",
                &signature(SLACK_SECRET, timestamp, &body),
            )
            .body(&body)
    }

    /// A command of a member.
    pub fn command(&self, user: &str, text: &str) -> Call {
        let (team, user) = user.split_once('/').unwrap();
        let url = format!("{}/response", self.loopback);
        self.slack(
            "/slack/commands",
            &[
                ("team_id", team),
                ("user_id", user),
                ("user_name", "lead"),
                ("command", "/env"),
                ("text", text),
                ("trigger_id", "1.2.3"),
                ("response_url", &url),
            ],
        )
    }

    /// What was answered in Slack, by texts.
    pub fn answered(&self) -> Vec<String> {
        self.beside(|beside| {
            let heard = beside.heard.iter().filter(|(path, _)| path == "/response");
            heard
                .map(|(_, body)| body["text"].as_str().unwrap().to_owned())
                .collect()
        })
    }
}

/// ECS lets nobody read its services.
pub fn refuse_reads(fixture: &Fixture) {
    let refuse = |_: usize, operation: &str| {
        (operation == "DescribeServices").then_some(CallFault::Fail(400, "AccessDeniedException"))
    };
    fixture.world.fates(refuse);
}

pub fn keys() -> Keys {
    Keys::new(KEY, None).unwrap()
}

pub fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let mut text = String::from("v0=");
    for byte in mac.finalize().into_bytes() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// A request as Lambda passes it on.
#[derive(Clone)]
pub struct Call {
    method: String,
    path: String,
    pub headers: BTreeMap<String, String>,
    cookies: Vec<String>,
    body: String,
}

impl Call {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: BTreeMap::new(),
            cookies: Vec::new(),
            body: String::new(),
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub fn cookie(mut self, cookie: &str) -> Self {
        let pair = cookie.split(';').next().unwrap();
        self.cookies.push(pair.to_owned());
        self
    }

    fn event(&self) -> Value {
        json!({"version": "2.0", "rawPath": self.path, "rawQueryString": "", "headers": self.headers,
               "cookies": self.cookies, "body": self.body, "isBase64Encoded": false,
               "requestContext": {"http": {"method": self.method, "sourceIp": "192.0.2.7"}}})
    }
}

/// What a request was answered.
pub struct Answer(pub Value);

impl Answer {
    pub fn status(&self) -> u64 {
        self.0["statusCode"].as_u64().unwrap()
    }

    pub fn body(&self) -> &str {
        self.0["body"].as_str().unwrap()
    }

    pub fn cookie(&self) -> Option<&str> {
        self.0["cookies"][0].as_str()
    }

    /// The form of the page, sent as a browser does.
    pub fn send(&self, path: &str, more: &str) -> Call {
        let (_, after) = self.body().split_once("name=\"seal\" value=\"").unwrap();
        let seal = after.split('"').next().unwrap();
        Call::new("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .cookie(self.cookie().unwrap())
            .body(&format!("seal={seal}{more}"))
    }
}

async fn listen(beside: Arc<Mutex<Beside>>) -> String {
    async fn hear(State(beside): State<Arc<Mutex<Beside>>>, uri: Uri, body: Bytes) -> String {
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let mut beside = beside.lock().unwrap();
        beside.heard.push((uri.path().to_owned(), body));
        json!({"ok": true, "channel": "C0123ABCD", "ts": "1.2"}).to_string()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback(hear).with_state(beside);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

impl Wire {
    fn aws(&self) -> Aws {
        test_support::sdk::in_memory(self.clone(), REGION, "OWN", 1)
    }

    /// None: the world answers.
    fn answer(&self, request: &HttpRequest) -> Option<(u16, String)> {
        let mut beside = self.beside.lock().unwrap();
        let rest = request.uri().strip_prefix("https://").unwrap();
        let host = rest.split('/').next().unwrap();
        let body = request.body().bytes().unwrap_or_default();
        let service = host
            .split('.')
            .find(|part| ["lambda", "s3", "secretsmanager", "sns", "email"].contains(part))?;
        Some(match service {
            "lambda" if request.method() == "GET" => {
                beside.asked_url += 1;
                let error = json!({"__type": "ResourceNotFoundException", "Message": "none"});
                (404, error.to_string())
            }
            "lambda" => {
                beside.invoked.push(serde_json::from_slice(body).unwrap());
                (202, String::new())
            }
            "s3" => (200, beside.config.clone()),
            "secretsmanager" => beside.secret(&serde_json::from_slice(body).unwrap()),
            "sns" => {
                let text = std::str::from_utf8(body).unwrap();
                beside.published.push(test_support::world::form(text));
                let id = "<PublishResult><MessageId>1</MessageId></PublishResult>";
                (200, format!("<PublishResponse>{id}</PublishResponse>"))
            }
            _ => beside.mail(serde_json::from_slice(body).unwrap()),
        })
    }
}

impl Beside {
    fn secret(&self, call: &Value) -> (u16, String) {
        let value = self.secrets.get(call["SecretId"].as_str().unwrap());
        if let Some(value) = value.filter(|_| call["VersionStage"] != "AWSPREVIOUS") {
            return (200, json!({"SecretString": value}).to_string());
        }
        let error = json!({"__type": "ResourceNotFoundException", "message": "no such secret"});
        (400, error.to_string())
    }

    fn mail(&mut self, call: Value) -> (u16, String) {
        if self.refuse_mails > 0 {
            self.refuse_mails -= 1;
            let error = json!({"message": "Maximum sending rate exceeded"});
            return (429, error.to_string());
        }
        let to = &call["Destination"]["ToAddresses"];
        assert_eq!(
            to.as_array().unwrap().len(),
            1,
            "nobody sees another's links"
        );
        let to = to[0].as_str().unwrap().to_owned();
        self.mails.push((to, call));
        (200, json!({"MessageId": "1"}).to_string())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.answer(&request) {
            None => self.world.call(request),
            Some((status, body)) => {
                let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
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
