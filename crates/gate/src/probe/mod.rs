//! Probes: how a check measures. A new kind of probe is one more variant of [`Probe`], which knows of itself what
//! [`ProbeKind`] asks, and the engine stays as it is.
//!
//! A probe says what it saw or why it saw nothing. It must never decide whether a check passed,
//! never keep cookies or other state for the next check (a journey has its own jar), and never wait on its own account:
//! the engine cuts it at its limits by dropping it.

pub(crate) mod alarms;
pub(crate) mod allowed_origins;
pub(crate) mod browser;
pub(crate) mod client;
mod connect;
pub(crate) mod connect_options;
mod connection_error;
pub(crate) mod cookie_jar;
pub(crate) mod crawl;
mod dial;
pub(crate) mod dns;
pub(crate) mod ecs_task;
mod error;
pub(crate) mod grpc;
pub(crate) mod http;
mod http_limits;
pub(crate) mod journey;
pub(crate) mod lambda;
pub(crate) mod load;
pub(crate) mod logs;
pub(crate) mod metric;
pub(crate) mod multipart;
pub(crate) mod place;
pub(crate) mod prepared_request;
mod received;
mod redirect;
mod release;
pub(crate) mod request_url;
pub(crate) mod targets;
pub(crate) mod tcp;
mod timing;
mod timing_connector;
pub(crate) mod tls;
pub(crate) mod trust;
pub(crate) mod web_place;
pub(crate) mod websocket;
pub(crate) mod wiring;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::browsers::Browsers;
use crate::cloud::CloudProbes;
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Expectation, Finding};
use crate::measurement::Measurement;
use crate::recorder::{StepRecord, UnreachedStep};
use crate::template::{Template, Values};
use crate::template_function::Moment;

use self::browser::PageRecord;
pub(crate) use self::client::Clients;
use self::cookie_jar::CookieJar;
pub(crate) use self::error::ProbeError;
use self::request_url::RequestUrl;

/// How a check measures.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    Http(Box<http::Request>),
    Alarms(alarms::Alarms),
    Tcp(tcp::Tcp),
    Dns(dns::Dns),
    Tls(tls::Tls),
    WebSocket(websocket::WebSocket),
    Grpc(grpc::Grpc),
    Crawl(crawl::Crawl),
    Browser(Box<browser::Browser>),
    Journey(journey::Journey),
    Targets(targets::Targets),
    Lambda(lambda::Lambda),
    Metric(Box<metric::Metric>),
    Logs(logs::Logs),
    Load(Box<load::Load>),
    EcsTask(Box<ecs_task::EcsTask>),
    Wiring(wiring::Wiring),
    /// Probes that misbehave, for the engine's own tests.
    #[cfg(test)]
    Misbehave(Misbehaviour),
}

impl Probe {
    /// The one place that knows every kind.
    pub(crate) fn kind(&self) -> &dyn ProbeKind {
        match self {
            Self::Http(request) => &**request,
            Self::Alarms(alarms) => alarms,
            Self::Tcp(tcp) => tcp,
            Self::Dns(dns) => dns,
            Self::Tls(tls) => tls,
            Self::WebSocket(websocket) => websocket,
            Self::Grpc(grpc) => grpc,
            Self::Crawl(crawl) => crawl,
            Self::Browser(browser) => &**browser,
            Self::Journey(journey) => journey,
            Self::Targets(targets) => targets,
            Self::Lambda(lambda) => lambda,
            Self::Metric(metric) => &**metric,
            Self::Logs(logs) => logs,
            Self::Load(load) => &**load,
            Self::EcsTask(task) => &**task,
            Self::Wiring(wiring) => wiring,
            #[cfg(test)]
            Self::Misbehave(misbehaviour) => misbehaviour,
        }
    }
}

/// What the engine asks of a kind of probe.
pub(crate) trait ProbeKind: Send + Sync {
    fn profile(&self) -> Profile;

    /// What is expected of a check that says nothing.
    fn presumed(&self) -> Vec<Expectation> {
        Vec::new()
    }

    /// Every text that is filled for a run.
    fn templates(&self, _see: &mut dyn FnMut(&Template)) {}

    /// What it asks, one line for each request, with references as they were written.
    fn asks(&self) -> Vec<String> {
        Vec::new()
    }

    /// How many conditions of its own the suite has it judge, beside the check's `expect`.
    fn conditions(&self) -> usize {
        0
    }

    /// Names that it speaks to the target by, beside the suite's own.
    fn hosts(&self) -> Vec<String> {
        Vec::new()
    }

    /// What it asks for by HTTP, as far as that is known: a listener's rule may not take it.
    fn urls(&self, _context: &ProbeContext) -> Vec<RequestUrl> {
        Vec::new()
    }

    /// How long it takes at most, where the suite says so and a shorter time would be none at all.
    fn fixed_time(&self) -> Option<FixedTime> {
        None
    }

    /// Whether it measures the release, where only the release counts. A kind that gets no answer of the release
    /// leaves it at this.
    fn subject(&self, _context: &ProbeContext) -> Subject {
        Subject::Other
    }

    /// Whether it goes where the release does, and so where two revisions may answer.
    fn goes_to_release(&self, context: &ProbeContext) -> bool {
        self.subject(context) == Subject::Release
    }

    /// Measures once.
    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a>;
}

/// How long a measurement takes at most, whatever it measures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FixedTime {
    /// `the load`
    pub(crate) of: &'static str,
    pub(crate) longest: Duration,
}

/// A measurement under way; dropping it ends it.
pub(crate) type Execution<'a> = BoxFuture<'a, Result<Observation, ProbeError>>;

/// What is always so of one probe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    /// Its key in a check.
    pub(crate) key: &'static str,
    /// What its answer has that `expect` can judge; nothing where it has conditions of its own only.
    pub(crate) answer: &'static [Facet],
    /// Bytes that it holds at most of what it receives. It must stop reading there.
    pub(crate) received: usize,
    /// Bytes that judging its own conditions takes at most beside that.
    pub(crate) judged: usize,
    /// It measures something only where requests reach the new release.
    pub(crate) needs_traffic: bool,
    pub(crate) sampling: Sampling,
    /// What it means that nothing was seen in time: *failed* if the target was asked, *errored* if somebody else.
    pub(crate) silence: Measurement,
}

impl Profile {
    /// A kind that asks somebody else about the release, judges by conditions of its own, and holds little.
    pub(crate) const fn asks_others(key: &'static str) -> Self {
        Self {
            key,
            answer: &[],
            received: 0,
            judged: 0,
            needs_traffic: false,
            sampling: Sampling::Unshared,
            silence: Measurement::Errored,
        }
    }
}

/// How it is asked where two revisions answer at the target's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// It does not ask there.
    Unshared,
    /// It changes nothing, so it may be repeated until the new revision answers.
    Repeat,
    /// It may change something.
    Once,
    /// Nothing that it sees says which revision it was.
    Indistinct,
}

/// What a probe measures: the release, or something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The release; or the probe itself will report why it can't.
    Release,
    /// Another place, which the check names. Such checks alone make no pass.
    Other,
    /// A place that nothing shows to be the release, where only the release counts: why, and what to write if it is
    /// meant.
    Refused(String),
}

/// What the engine must survive.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misbehaviour {
    Panic,
    Hang,
}

#[cfg(test)]
impl ProbeKind for Misbehaviour {
    fn profile(&self) -> Profile {
        Profile {
            key: "misbehave",
            answer: &Facet::ALL,
            received: 0,
            judged: 0,
            needs_traffic: true,
            sampling: Sampling::Once,
            silence: Measurement::Failed,
        }
    }

    fn subject(&self, _: &ProbeContext) -> Subject {
        Subject::Release
    }

    fn execute<'a>(&'a self, _: &'a ProbeContext, _: &'a mut Trace) -> Execution<'a> {
        Box::pin(async move {
            match self {
                Self::Panic => panic!("the probe fell over"),
                Self::Hang => std::future::pending().await,
            }
        })
    }
}

/// What a run shares with its probes.
#[derive(Clone, Debug)]
pub(crate) struct ProbeContext {
    pub(crate) clients: Arc<Clients>,
    /// Of a run, or of one try.
    pub(crate) values: Values,
    /// What the release's listener rule demands of every request.
    pub(crate) release_headers: Arc<::http::HeaderMap>,
    pub(crate) cloud: Option<Arc<dyn CloudProbes>>,
    pub(crate) browsers: Option<Arc<dyn Browsers>>,
    /// In place of the system's name servers, if there are any.
    pub(crate) nameservers: Vec<SocketAddr>,
    /// Whether a connection must be made for the try, because how long that takes is judged.
    pub(crate) new_connection: bool,
    /// Whether the body is needed to its end, because it or the time that it takes is judged.
    pub(crate) whole_body: bool,
    /// The cookies of a journey; none where no check keeps any.
    pub(crate) jar: Option<Arc<Mutex<CookieJar>>>,
    /// Judges what a probe asked for by itself; there is one while a run goes on.
    pub(crate) judge: Option<Arc<dyn Judge>>,
}

/// Judges an answer as the run judges those of its checks: off the runtime's threads, and within its memory.
pub(crate) trait Judge: std::fmt::Debug + Send + Sync {
    fn judge<'a>(
        &'a self,
        step: &'a journey::Step,
        evidence: Evidence,
        values: &'a Values,
        limit: Instant,
    ) -> BoxFuture<'a, Result<ProbeJudgement, ProbeError>>;
}

/// What came of an answer.
pub(crate) struct ProbeJudgement {
    pub(crate) findings: Vec<Finding>,
    /// Its beginning.
    pub(crate) body: Option<String>,
}

impl ProbeContext {
    /// The same for one try.
    pub(crate) fn at(&self, moment: Moment) -> Self {
        let mut context = self.clone();
        context.values.moment = Some(moment);
        context
    }

    /// What the request must be like, so that these can be judged.
    pub(crate) fn prepare_for(&mut self, expect: &[Expectation]) {
        self.new_connection = expect.iter().any(Expectation::needs_new_connection);
        self.whole_body = expect.iter().any(Expectation::needs_whole_body);
    }

    /// The instant of the try, as functions have it.
    pub(crate) fn now(&self) -> Timestamp {
        let moment = self.values.moment.as_ref();
        moment.map_or(Timestamp::UNIX_EPOCH, |moment| moment.now)
    }

    /// The cloud, where there is one; `what` names the question in the error.
    pub(crate) fn cloud(&self, what: &str) -> Result<&dyn CloudProbes, ProbeError> {
        self.cloud.as_deref().ok_or_else(|| {
            ProbeError::errored(format!(
                "{what} can't be asked for here: a gate in AWS asks for it; on a laptop and in CI leave the check out \
                 (--skip)"
            ))
        })
    }
}

/// What is known of a try so far; filled as the probe goes, so that it survives a cut.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// `GET https://shop.example.com/version`
    pub(crate) request: Option<String>,
    pub(crate) status: Option<u16>,
    /// Redirects followed, bodies cut.
    pub(crate) notes: Vec<String>,
    /// When the try began, since the beginning of the run.
    pub(crate) started: Duration,
    /// Of a probe that takes steps by itself.
    pub(crate) steps: Vec<StepRecord>,
    /// The steps after the one of those that was not met.
    pub(crate) not_reached: Vec<UnreachedStep>,
    /// What a browser showed.
    pub(crate) pages: Vec<PageRecord>,
    /// What a model did, as steps of a suite.
    pub(crate) recording: Vec<String>,
}
