//! A small AWS, Slack, Teams, mail and webhook on loopback, and a notifier over them.
//!
//! Real HTTP, the real SDK and the real channels: what is checked is what went over the wire.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unreachable_pub, reason = "a test module has no outside")]
#![allow(
    dead_code,
    reason = "each test binary and the bench use their own part"
)]

pub mod events;
pub mod server;
pub mod world;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use approval_notifier::settings::Settings;
use approval_notifier::{Notifier, handle};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;

use server::Server;
use world::{ACCOUNT, Phase, REGION, SentMessage, World};

/// The configuration of these tests: a channel of each kind that they look at.
pub const CONFIG: &str = r#"
version: 1
channels:
  room: {slack: {channel: C0123456789, token: "secretsmanager:slack#bot_token"}}
  teams: {teams: {url: "ssm:/teams-url"}}
  machine: {webhook: {url: "secretsmanager:machine-url", secret: "secretsmanager:machine"}}
  mail: {ses: {from: releases@example.com, to: [lead@example.com, guest@example.com]}}
  list: {sns: {topic_arn: "arn:aws:sns:eu-central-1:111122223333:list"}}
routes:
  - name: production
    match: {pipeline: "shop*"}
    tell: [room, teams, machine, mail]
    mention: {room: ["<!here>"]}
    policy: {approvers: ["slack:T0123ABCD/U0123ABCD", "email:lead@example.com"]}
    reminders: [50%, 80%]
    escalate: {at: 90%, tell: [list, room]}
    version_variables: [RELEASE]
other_messages: {tell: [room]}
"#;

/// The channels of [`Stage::with_routes`], and the route of pipelines.
const BEGIN: &str = r#"
version: 1
channels:
  room: {slack: {channel: C0123456789, token: "secretsmanager:slack#bot_token"}}
  mail: {ses: {from: releases@example.com, to: [lead@example.com]}}
  list: {sns: {topic_arn: "arn:aws:sns:eu-central-1:111122223333:list"}}
routes:
  - name: pipelines
    match: {pipeline: "*"}
    tell: [list]
    policy: {decide: false}
"#;
const END: &str = "other_messages: {tell: [list]}\n";

/// Everybody whom the route of [`CONFIG`] tells at first.
pub const EVERYBODY: [&str; 5] = [
    "slack",
    "teams",
    "machine",
    "mail:lead@example.com",
    "mail:guest@example.com",
];

/// The server and a notifier that knows nothing else.
pub struct Stage {
    pub server: Server,
    pub notifier: Arc<Notifier>,
    pub time: Duration,
}

impl Stage {
    pub async fn start() -> Self {
        Self::with(CONFIG).await
    }

    pub async fn with(config: &str) -> Self {
        let server = Server::start().await;
        let objects = [("/config/approvals.yaml".to_owned(), config.to_owned())];
        server.world().objects = objects.into();
        let notifier = Arc::new(notifier(&server, 1));
        Self {
            server,
            notifier,
            time: Duration::from_secs(30),
        }
    }

    /// With these routes, beside one of pipelines that decides nothing.
    pub async fn with_routes(routes: &str) -> Self {
        Self::with(&format!("{BEGIN}{}{END}", routes.trim_start_matches('\n'))).await
    }

    /// The id of the only case.
    pub fn case_id(&self) -> String {
        let keys = self.world(|world| world.table.keys());
        let case = keys.iter().find_map(|key| {
            key.strip_prefix("approval#")?
                .strip_suffix("/case")
                .map(str::to_owned)
        });
        case.unwrap_or_else(|| panic!("no case among {keys:?}"))
    }

    /// Invokes the function.
    pub async fn invoke(&self, event: Value) -> Result<Value, String> {
        invoke(&self.notifier, event, self.time).await
    }

    /// Invokes the function, which must succeed.
    pub async fn expect(&self, event: Value) {
        self.invoke(event).await.unwrap();
    }

    /// What a channel was told so far.
    pub fn told(&self, channel: &str) -> Vec<SentMessage> {
        self.server.world().told_to(channel)
    }

    /// How often each of [`EVERYBODY`] was told something.
    pub fn counts(&self) -> Vec<usize> {
        EVERYBODY.iter().map(|to| self.told(to).len()).collect()
    }

    /// The pipeline goes on.
    pub fn now(&self, phase: Phase) {
        self.server.world().phase = phase;
    }

    /// Looks at the world.
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.server.world())
    }

    /// Lets every claim that is held be older than its lease.
    pub fn leases_run_out(&self) {
        self.world(|world| {
            world.table.edit("delivery#", |body| {
                body["since"] = "2020-01-01T00:00:00Z".into();
            });
        });
    }
}

/// Invokes a function that has `time` left.
pub async fn invoke(
    notifier: &Arc<Notifier>,
    event: Value,
    time: Duration,
) -> Result<Value, String> {
    let mut context = Context::default();
    context.request_id = "request-1".into();
    context.invoked_function_arn =
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:approval-notifier");
    let deadline = SystemTime::now() + time;
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = u64::try_from(deadline.as_millis()).unwrap();
    let result = handle(notifier.clone(), LambdaEvent::new(event, context)).await;
    result.map_err(|error| error.to_string())
}

/// A notifier over `server`, each of whose calls is tried so often.
pub fn notifier(server: &Server, tries: u32) -> Notifier {
    let url = server.url();
    let values = HashMap::from([
        ("STATE_TABLE", "approvals".to_owned()),
        ("APPROVALS_CONFIG", "s3://config/approvals.yaml".to_owned()),
        ("KEYS_SECRET_ARN", "keys".to_owned()),
        ("DECISION_URL", "https://decide.example.com".to_owned()),
        ("REPORT_BUCKET", "reports".to_owned()),
        ("SCHEDULE_GROUP", "approvals".to_owned()),
        (
            "SCHEDULE_ROLE_ARN",
            "arn:aws:iam::111122223333:role/schedules".to_owned(),
        ),
        (
            "SCHEDULE_DLQ_ARN",
            "arn:aws:sqs:eu-central-1:111122223333:undelivered".to_owned(),
        ),
        ("SLACK_API_URL", format!("{url}/slack/api")),
        ("ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
    ]);
    let settings = Settings::read(&|name| values.get(name).cloned());
    Notifier::new(settings, test_support::sdk::loopback(&url, REGION, tries))
}
