//! The function in a small AWS, called as Lambda would call it. Everything that it says or logs is kept,
//! and searched for the approval token when a test ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

pub use test_support::approvals as support;

mod logs;

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approval_decision::Decision;
use approval_decision::settings::Settings;
use approvals::link::{self, Link, LinkAction};
use approvals::records::Records;
use approvals::token_mac::token_mac;
use approvals::{Case, Token};
use axum::Router;
use axum::body::Bytes;
use common::aws::Aws;
use common::state::Table;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use sha2::Sha256;
use signing::Keys;
use support::{Hands, KEY, TABLE, TOKEN, World};

/// Slack's own example of a signing secret.
pub const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

pub struct House {
    pub world: World,
    pub hands: Hands,
    pub aws: Aws,
    pub function: Arc<Decision>,
    pub case: Case,
    pub keys: Keys,
    /// What was posted to the response URL.
    pub answers: Arc<Mutex<Vec<Value>>>,
    pub response_url: String,
    said: Mutex<String>,
    logs: logs::Logs,
}

/// How a house differs from the usual one.
#[derive(Clone)]
pub struct Plan {
    pub policy: &'static str,
    pub language: &'static str,
    pub slack_setting: &'static str,
    pub slack_secret: &'static str,
    pub stand_in: bool,
    pub change: fn(&mut Case),
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            policy: "approvals: 1, starter_may_approve: true",
            language: "en",
            slack_setting: "secretsmanager:slack#signing_secret",
            slack_secret: SLACK_SECRET,
            stand_in: true,
            change: |_| {},
        }
    }
}

impl House {
    pub async fn open() -> Self {
        Self::with(Plan::default()).await
    }

    pub async fn with(plan: Plan) -> Self {
        let logs = logs::Logs::start();
        let hands = Hands::new();
        let world = World::new(hands.clone());
        world.with(|state| {
            let current = || "AWSCURRENT".to_owned();
            let slack = json!({"signing_secret": plan.slack_secret}).to_string();
            state.secrets.insert(("keys".into(), current()), KEY.into());
            state.secrets.insert(("slack".into(), current()), slack);
        });
        let aws = world.aws();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let response_url = listen(answers.clone()).await;
        let settings = settings(&plan, &response_url);
        let mut function = Decision::new(settings, world.aws());
        let clock = hands.clone();
        function.clock = Box::new(move || clock.now());
        let keys = support::keys();
        let mut case = support::case();
        case.token_mac = token_mac(&keys, &case.action, &Token::new(TOKEN));
        case.shown = shown(&aws, &case).await;
        (plan.change)(&mut case);
        let house = Self {
            world,
            hands,
            aws,
            function: Arc::new(function),
            case,
            keys,
            answers,
            response_url,
            said: Mutex::default(),
            logs,
        };
        house
            .records(async |records| records.open_case(&house.case).await.unwrap())
            .await;
        house.world.forget_calls();
        house
    }

    pub async fn records<T>(&self, act: impl AsyncFnOnce(Records<'_>) -> T) -> T {
        let hands = self.hands.clone();
        let clock = move || hands.now();
        let table = Table {
            aws: &self.aws,
            name: TABLE,
        };
        act(Records::new(table, &clock, &signing::new_id)).await
    }

    pub fn taken(&self) -> Vec<(String, String, String)> {
        self.world.with(|state| state.pipeline.taken.clone())
    }

    /// One invocation.
    pub async fn invoke(&self, payload: Value) -> Result<Value, String> {
        let mut context = Context::default();
        context.request_id = signing::new_id();
        context.invoked_function_arn =
            "arn:aws:lambda:eu-central-1:111122223333:function:approval-decision".into();
        let deadline = std::time::SystemTime::now() + Duration::from_secs(30);
        let deadline = deadline.duration_since(std::time::UNIX_EPOCH).unwrap();
        context.deadline = u64::try_from(deadline.as_millis()).unwrap();
        let event = LambdaEvent::new(payload, context);
        let answer = approval_decision::handle(self.function.clone(), event).await;
        let answer = answer.map_err(|error| error.to_string());
        writeln!(self.said.lock().unwrap(), "{answer:?}").unwrap();
        answer
    }

    pub async fn call(&self, request: &Request) -> Answer {
        let answer = self.invoke(request.event()).await.unwrap();
        Answer(answer)
    }

    /// Runs all clicks that the function has handed to itself.
    pub async fn run_handed_over(&self) {
        let events = self.world.with(|state| std::mem::take(&mut state.invoked));
        for event in events {
            self.invoke(event).await.unwrap();
        }
    }

    pub fn link(&self, approver: &str, action: LinkAction) -> Link {
        let approver = approver.parse().unwrap();
        link::link(&link::audience(TABLE), &self.case, &approver, action)
    }

    /// The path of the link of `lead@example.com`.
    pub fn path(&self, action: LinkAction) -> String {
        self.path_of(&self.link("email:lead@example.com", action))
    }

    pub fn path_of(&self, link: &Link) -> String {
        format!("/d/{}", signing::link::seal(&self.keys, link))
    }

    /// A click in Slack, signed.
    pub fn slack(&self, payload: &Value) -> Request {
        let payload = payload.to_string();
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload)
            .finish();
        self.signed(&body)
    }

    pub fn signed(&self, body: &str) -> Request {
        let timestamp = self.hands.now().as_second();
        Request::new("POST", "/slack/interactions")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", &timestamp.to_string())
            .header(
                "x-slack-signature",
                &signature(SLACK_SECRET, timestamp, body),
            )
            .body(body)
    }

    pub fn payload(&self, user: usize, action: &str) -> Value {
        json!({"type": "block_actions", "trigger_id": "1.2.3",
               "user": {"id": format!("U{user:04}"), "username": format!("user{user}"), "team_id": "T0001"},
               "team": {"id": "T0001"}, "channel": {"id": "C0123456789"},
               "actions": [{"action_id": action, "block_id": "answer", "value": self.case.id,
                            "type": "button", "action_ts": format!("1772445600.{user:06}")}],
               "state": {"values": {"comment": {"comment": {"type": "plain_text_input", "value": "as <discussed>"}}}},
               "response_url": self.response_url})
    }

    /// A whole click in Slack: acknowledged, and decided in a run of its own.
    pub async fn click(&self, user: usize, action: &str) -> Answer {
        self.hands.pass(1);
        let answer = self.call(&self.slack(&self.payload(user, action))).await;
        self.run_handed_over().await;
        answer
    }

    pub fn last_answer(&self) -> String {
        let answers = self.answers.lock().unwrap();
        let answer = answers.last().expect("somebody was told");
        assert_eq!(answer["response_type"], "ephemeral");
        assert_eq!(answer["replace_original"], false);
        answer["text"].as_str().unwrap().to_owned()
    }

    pub fn logs(&self) -> String {
        self.logs.text()
    }

    /// Whether a call has written anything since the calls were forgotten.
    pub fn wrote(&self) -> bool {
        let writes = [
            "PutItem",
            "UpdateItem",
            "ExecuteStatement",
            "PutApprovalResult",
            "Invoke",
        ];
        self.world
            .calls()
            .iter()
            .any(|call| writes.contains(&call.as_str()))
    }

    /// The token is in nothing that was said, logged, stored or handed over.
    pub fn no_token(&self) {
        let places = [
            ("an answer", self.said.lock().unwrap().clone()),
            ("a log line", self.logs()),
            ("the table", self.world.items()),
            ("a message", format!("{:?}", self.answers.lock().unwrap())),
            (
                "an event",
                self.world.with(|state| format!("{:?}", state.invoked)),
            ),
        ];
        for (place, text) in places {
            assert!(!text.contains(TOKEN), "the token is in {place}: {text}");
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.no_token();
        }
    }
}

async fn shown(aws: &Aws, case: &Case) -> approvals::Shown {
    let lookups = briefing::Lookups {
        aws,
        report_bucket: None,
        report_prefix: "",
        version_variables: &[],
        budget: briefing::BUDGET,
    };
    let (_, shown) = briefing::brief(&lookups, &case.action, case.execution_id.as_deref()).await;
    assert!(!shown.digest.is_empty());
    shown
}

fn settings(plan: &Plan, slack: &str) -> Result<Settings, common::settings::SettingsError> {
    let place = format!(
        "{}/approvals-{}.yaml",
        env!("CARGO_TARGET_TMPDIR"),
        signing::new_id()
    );
    let text = support::config_text(plan.policy).replace(
        "version: 1",
        &format!("version: 1\nlanguage: {}", plan.language),
    );
    std::fs::write(&place, text).unwrap();
    Settings::read(&|name| {
        Some(match name {
            "STATE_TABLE" => TABLE.to_owned(),
            "APPROVALS_CONFIG" => format!("file:{place}"),
            "KEYS_SECRET_ARN" => "keys".to_owned(),
            "SLACK_SECRET" => plan.slack_setting.to_owned(),
            "SLACK_API_URL" if plan.stand_in => slack.to_owned(),
            "AWS_LAMBDA_FUNCTION_NAME" => "approval-decision".to_owned(),
            _ => return None,
        })
    })
}

/// Stands in for Slack's response URLs.
async fn listen(answers: Arc<Mutex<Vec<Value>>>) -> String {
    let app = Router::new().fallback(move |body: Bytes| {
        answers
            .lock()
            .unwrap()
            .push(serde_json::from_slice(&body).unwrap());
        async { "ok" }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://127.0.0.1:{port}/response")
}

pub fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let mut hex = String::new();
    for byte in mac.finalize().into_bytes() {
        write!(hex, "{byte:02x}").unwrap();
    }
    format!("v0={hex}")
}

/// A request, as the function URL passes it on.
#[derive(Clone)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    body: Option<String>,
    base64: bool,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: None,
            base64: false,
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    pub fn cookie(mut self, cookie: &str) -> Self {
        self.cookies.push(cookie.into());
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn in_base64(mut self) -> Self {
        use base64::Engine;
        let body = self.body.take().unwrap();
        self.body = Some(base64::engine::general_purpose::STANDARD.encode(body));
        self.base64 = true;
        self
    }

    pub fn header_value(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.unwrap().1.clone()
    }

    fn event(&self) -> Value {
        let headers: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        json!({"version": "2.0", "routeKey": "$default", "rawPath": self.path, "rawQueryString": "",
               "headers": headers, "cookies": self.cookies, "body": self.body, "isBase64Encoded": self.base64,
               "requestContext": {"accountId": "anonymous", "domainName": "x.lambda-url.eu-central-1.on.aws",
                                  "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1",
                                           "sourceIp": "192.0.2.7", "userAgent": "test"}}})
    }
}

/// An answer, as the function URL takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer(pub Value);

impl Answer {
    pub fn status(&self) -> u64 {
        self.0["statusCode"].as_u64().unwrap()
    }

    pub fn body(&self) -> &str {
        self.0["body"].as_str().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"][name].as_str()
    }

    /// `name=value` of the cookie that is set.
    pub fn cookie(&self) -> Option<String> {
        let cookie = self.0["cookies"][0].as_str()?;
        Some(cookie.split(';').next().unwrap().to_owned())
    }

    /// The hidden field of the form.
    pub fn seal(&self) -> Option<String> {
        let (_, rest) = self.body().split_once(r#"name="seal" value=""#)?;
        Some(rest.split_once('"').unwrap().0.to_owned())
    }

    /// The page without its marks, a line each.
    pub fn text(&self) -> String {
        let (_, body) = self.body().split_once("<body>").unwrap();
        let mut text = String::new();
        let mut inside = false;
        for c in body.replace("<br>", "\n").chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => text.push(c),
                _ => {}
            }
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Opens a page and sends its form.
pub async fn answer_page(house: &House, path: &str, comment: &str) -> Answer {
    let page = house.call(&Request::new("GET", path)).await;
    house.call(&filled(path, &page, comment)).await
}

/// The form of a page, filled in.
pub fn filled(path: &str, page: &Answer, comment: &str) -> Request {
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("seal", &page.seal().expect("the page has a form"))
        .append_pair("comment", comment)
        .finish();
    Request::new("POST", path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .cookie(&page.cookie().expect("the page sets a cookie"))
        .body(&body)
}

/// The time of a test.
pub fn now(house: &House) -> Timestamp {
    house.hands.now()
}
