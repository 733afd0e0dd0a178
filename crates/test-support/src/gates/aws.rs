//! The part of AWS that a gate talks to: one server, all protocols, and a list of faults.

mod answers;
mod calls;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use serde_json::Value;

use super::balancing::RuleOf;
use super::codedeploy;
use super::ecs::EcsChanges;
use super::lives::Lives;
use crate::loopback::Loopback;

pub const DEPLOYMENT: &str = "d-ABCDEF123";
pub const EXECUTION: &str = "execution-1";
/// The eTag of every object.
pub const E_TAG: &str = "5d41402abc4b2a76b9719d911017c592";

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 500 with AWS's `InternalFailure`.
    Error,
    /// HTTP 400 with AWS's `ThrottlingException`.
    Throttle,
    /// The connection is closed without an answer.
    Close,
    /// Nothing comes, for longer than any function lives.
    Hang,
    /// The call is carried out, but its answer is lost.
    Lost,
    /// It takes a while, and is answered.
    Slow,
    /// HTTP 400 with this code.
    Refuse(&'static str),
    /// The caller panics over the answer.
    Panic,
}

/// All kinds that a busy AWS and a network have.
pub const FAULTS: [Fault; 6] = [
    Fault::Error,
    Fault::Throttle,
    Fault::Close,
    Fault::Hang,
    Fault::Lost,
    Fault::Slow,
];

/// Says which fault, if any, meets the `n`th call (from 0) of an operation.
pub type Plan = Arc<dyn Fn(&str, usize) -> Option<Fault> + Send + Sync>;

/// No fault at all.
pub fn none() -> Plan {
    Arc::new(|_, _| None)
}

#[derive(Default, Clone)]
struct Recorded {
    calls: Vec<String>,
    counts: HashMap<String, usize>,
    answers: Vec<String>,
    objects: HashMap<String, String>,
    published: Vec<HashMap<String, String>>,
    events: Vec<Value>,
    /// The state table: bodies by their two keys.
    items: BTreeMap<(String, String), String>,
    jobs: Vec<Value>,
    invoked: Vec<String>,
}

struct Inner {
    recorded: Mutex<Recorded>,
    lives: Lives,
    plan: Plan,
    service_port: u16,
    changes: Changes,
    ecs: Mutex<EcsChanges>,
}

/// How this AWS differs from the usual one.
#[derive(Default, Clone)]
pub struct Changes {
    pub no_test_listener: bool,
    pub rollback_of: Option<&'static str>,
    /// Who began the deployment.
    pub creator: Option<&'static str>,
    /// The deployment names no group and no revision, as those of CloudFormation's blue/green.
    pub bare: bool,
    /// There is no production listener.
    pub no_production_listener: bool,
    /// The group names its production listener as its test listener, too.
    pub one_listener: bool,
    pub app_spec: Option<&'static str>,
    /// The image of the new task definition.
    pub image: Option<&'static str>,
    /// The environment of its container.
    pub environment: &'static [(&'static str, &'static str)],
    /// The tags that the registry has beside a digest.
    pub registry_tags: &'static [&'static str],
    /// What CodeDeploy says of the lifecycle events, whatever was answered.
    pub event_status: Option<&'static str>,
    /// Lifecycle events with what CodeDeploy says of each, instead of the usual two.
    pub events: &'static [(&'static str, &'static str)],
    /// How many seconds ago they began, of which CodeDeploy says nothing otherwise.
    pub events_began: Option<i64>,
    /// The state of the only alarm.
    pub alarm: Option<&'static str>,
    /// How the deployment ended.
    pub ended: Option<&'static str>,
    /// The revision is in S3, and has this eTag.
    pub revision_e_tag: Option<&'static str>,
    /// Protocol and port of the two listeners, production first.
    pub listeners: Option<[(&'static str, u16); 2]>,
    /// The target groups that the two listeners forward to, production first; the new release's is `shop-green`. A listener
    /// that forwards to none redirects.
    pub forwards: Option<[&'static str; 2]>,
    /// The rules of the two listeners, production first.
    pub rules: [&'static [RuleOf]; 2],
    /// What ECS says of its own deployment.
    pub ecs: EcsChanges,
}

/// A running server; stops when dropped.
pub struct FakeAws {
    inner: Arc<Inner>,
    server: Loopback,
}

impl FakeAws {
    /// An AWS whose listeners lead to the service on `service_port`.
    pub async fn start(service_port: u16, suite: &str) -> Self {
        Self::with(
            service_port,
            suite,
            Changes::default(),
            Arc::new(|_, _| None),
        )
        .await
    }

    /// The same with changes and faults.
    pub async fn with(service_port: u16, suite: &str, changes: Changes, plan: Plan) -> Self {
        let mut recorded = Recorded::default();
        if !suite.is_empty() {
            recorded
                .objects
                .insert("/suites/shop/production.yaml".into(), suite.into());
            let of_ecs = "/suites/web/shop.yaml".to_owned();
            recorded.objects.insert(of_ecs, suite.into());
        }
        if changes.revision_e_tag.is_some() {
            let text = changes.app_spec.unwrap_or(codedeploy::APP_SPEC).to_owned();
            recorded.objects.insert("/appspecs/shop.yaml".into(), text);
        }
        Self::serving(service_port, recorded, changes, plan).await
    }

    /// Another AWS, in which everything is as it is in this one by now, and nothing goes wrong.
    pub async fn fork(&self) -> Self {
        let recorded = self.inner.recorded.lock().unwrap().clone();
        let ecs = *self.inner.ecs.lock().unwrap();
        let changes = Changes {
            ecs,
            ..self.inner.changes.clone()
        };
        Self::serving(self.inner.service_port, recorded, changes, none()).await
    }

    async fn serving(service_port: u16, recorded: Recorded, changes: Changes, plan: Plan) -> Self {
        let inner = Arc::new(Inner {
            recorded: Mutex::new(recorded),
            lives: Lives::default(),
            plan,
            service_port,
            ecs: Mutex::new(changes.ecs),
            changes,
        });
        let app = Router::new()
            .fallback(calls::serve)
            .with_state(inner.clone());
        let server = Loopback::start(app).await;
        Self { inner, server }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The answers that were accepted.
    pub fn answers(&self) -> Vec<String> {
        self.inner.recorded.lock().unwrap().answers.clone()
    }

    /// CodeDeploy asks anew, as if nothing had been answered.
    pub fn ask_anew(&self) {
        self.inner.recorded.lock().unwrap().answers.clear();
    }

    /// Every operation called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.inner.recorded.lock().unwrap().calls.clone()
    }

    /// A stored object.
    pub fn object(&self, path: &str) -> Option<String> {
        self.inner
            .recorded
            .lock()
            .unwrap()
            .objects
            .get(path)
            .cloned()
    }

    /// The paths of all stored objects.
    pub fn paths(&self) -> Vec<String> {
        let recorded = self.inner.recorded.lock().unwrap();
        recorded.objects.keys().cloned().collect()
    }

    pub(super) fn lives(&self) -> &Lives {
        &self.inner.lives
    }

    /// The only stored object whose path begins and ends so.
    pub fn object_below(&self, prefix: &str, suffix: &str) -> String {
        let recorded = self.inner.recorded.lock().unwrap();
        let is_meant = |path: &String| {
            path.starts_with(prefix) && path.ends_with(suffix) && !path.contains("-so-far")
        };
        let found: Vec<&String> = recorded
            .objects
            .keys()
            .filter(|path| is_meant(path))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        recorded.objects[found[0]].clone()
    }

    /// Stores an object.
    pub fn put(&self, path: &str, text: &str) {
        let mut recorded = self.inner.recorded.lock().unwrap();
        recorded.objects.insert(path.into(), text.into());
    }

    /// The answers to jobs of CodePipeline, with the fields of their calls.
    pub fn jobs(&self) -> Vec<Value> {
        self.inner.recorded.lock().unwrap().jobs.clone()
    }

    /// The payloads that functions were invoked with.
    pub fn invoked(&self) -> Vec<String> {
        self.inner.recorded.lock().unwrap().invoked.clone()
    }

    /// Writes an item of the state table, by its keys.
    pub fn put_item(&self, partition: &str, sort: &str, body: &Value) {
        let mut recorded = self.inner.recorded.lock().unwrap();
        let key = (partition.to_owned(), sort.to_owned());
        recorded.items.insert(key, body.to_string());
    }

    /// The bodies of all items whose partition begins so.
    pub fn items(&self, partition: &str) -> Vec<Value> {
        let recorded = self.inner.recorded.lock().unwrap();
        let items = recorded.items.iter();
        items
            .filter(|((pk, _), _)| pk.starts_with(partition))
            .map(|(_, body)| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// From now on ECS says something else of its deployment.
    pub fn change_ecs(&self, changes: EcsChanges) {
        *self.inner.ecs.lock().unwrap() = changes;
    }

    /// The entries of events that were put on a bus.
    pub fn events(&self) -> Vec<Value> {
        self.inner.recorded.lock().unwrap().events.clone()
    }

    /// What was published, as the fields of the Publish call.
    pub fn published(&self) -> Vec<HashMap<String, String>> {
        self.inner.recorded.lock().unwrap().published.clone()
    }
}
