//! What checks ask of the cloud that runs the release. The gate knows the questions and judges the answers; it
//! knows no SDK. Whoever runs a gate in a cloud brings [`CloudProbes`] in [`crate::Run::cloud`].
//!
//! A question is one method with a typed answer, so that no question can get another one's answer. To add one, see
//! "A probe of the cloud" in CONTRIBUTING.md.

use std::fmt;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

/// Answers what checks ask of the cloud.
///
/// An implementation only reads (or invokes or runs what the check names), tries each call within its own time limit, and never
/// judges. It may be dropped at any await: a check is cut at its limits.
pub trait CloudProbes: fmt::Debug + Send + Sync {
    /// The state of each alarm, metric and composite ones alike. One that does not exist is left out.
    fn alarms<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>>;

    /// The target group of the release under test, with its targets.
    fn targets(&self) -> BoxFuture<'_, Result<TargetGroup, CloudError>> {
        unasked("targets")
    }

    /// Invokes the version of a function that is under test with `payload`, a JSON text, and waits for its answer.
    fn invoke(&self, _payload: String) -> BoxFuture<'_, Result<Invocation, CloudError>> {
        unasked("an invocation of the function")
    }

    /// The values of a metric over a window that ends now.
    fn metric<'a>(
        &'a self,
        _query: &'a MetricQuery,
    ) -> BoxFuture<'a, Result<MetricValues, CloudError>> {
        unasked("metrics")
    }

    /// The lines of the release's log that a filter finds.
    fn log_events<'a>(
        &'a self,
        _query: &'a LogQuery,
    ) -> BoxFuture<'a, Result<LogEvents, CloudError>> {
        unasked("the log")
    }

    /// The headers that sign a request with the identity that the gate runs as.
    fn sign<'a>(
        &'a self,
        _request: &'a SigningRequest,
    ) -> BoxFuture<'a, Result<Vec<(String, String)>, CloudError>> {
        unasked("a signature of AWS")
    }

    /// Runs a task once, waits for its end, and stops it when its time is over or nobody waits any more.
    fn run_task<'a>(&'a self, _query: &'a TaskQuery) -> BoxFuture<'a, Result<TaskRun, CloudError>> {
        unasked("a task of ECS")
    }

    /// What a model says to this.
    fn converse<'a>(
        &'a self,
        _query: &'a ModelQuery,
    ) -> BoxFuture<'a, Result<serde_json::Value, CloudError>> {
        unasked("a model")
    }

    /// What the deployment is wired like.
    fn wiring(&self) -> BoxFuture<'_, Result<wiring::Facts, CloudError>> {
        unasked("the wiring of the deployment")
    }
}

/// The answer of a cloud that has no answer to a question.
fn unasked<T: Send>(what: &'static str) -> BoxFuture<'static, Result<T, CloudError>> {
    async move { Err(CloudError(format!("{what} can't be asked for here"))) }.boxed()
}

/// A request to be signed by AWS Signature Version 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningRequest {
    /// `execute-api`
    pub service: String,
    /// Without one, that of the gate.
    pub region: Option<String>,
    /// `POST`
    pub method: String,
    /// As it is sent.
    pub url: String,
    /// Those that are signed.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: bytes::Bytes,
}

/// A turn of a conversation with a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelQuery {
    /// An id, or the ARN of an inference profile.
    pub model: String,
    /// What the Converse API of Amazon Bedrock takes; so is the answer what it gives.
    pub body: serde_json::Value,
}

/// The target group of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its name.
    pub name: String,
    /// How many tasks of the release there are to be.
    pub desired: u32,
    /// Its targets, those of earlier releases that still drain included.
    pub targets: Vec<TargetHealth>,
}

/// A target and its health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHealth {
    /// `10.0.1.7:8080`
    pub id: String,
    /// As Elastic Load Balancing spells it: `healthy`, `unhealthy`, `initial`, `draining`, …
    pub state: String,
    /// Why, in its own words; may be empty.
    pub reason: String,
}

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// `checkout:8`
    pub function: String,
    /// The version that ran.
    pub executed_version: String,
    /// What it returned.
    pub payload: Vec<u8>,
    /// It failed: `Handled` or `Unhandled`; the payload says why.
    pub error: Option<String>,
    /// The end of its log.
    pub log_tail: String,
    /// From the call to its answer.
    pub took: Duration,
}

/// A metric over a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuery {
    /// The metrics that `expression` may use, of the new version.
    pub new: Vec<MetricStat>,
    /// The same of the old version, if both are compared.
    pub old: Option<Vec<MetricStat>>,
    /// Metric math over the ids of the metrics.
    pub expression: String,
    /// The id of the metric whose sum is the number of samples.
    pub count: Option<String>,
    /// The time from one value to the next.
    pub period: Duration,
    /// How long before its end the window begins. It never begins before the deployment did.
    pub window: Duration,
    /// How long before now the window ends: the newest values are not complete.
    pub delay: Duration,
}

/// A metric of `CloudWatch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricStat {
    /// What the expression calls it.
    pub id: String,
    /// `AWS/ApplicationELB`
    pub namespace: String,
    /// `RequestCount`
    pub metric: String,
    /// Names and values.
    pub dimensions: Vec<(String, String)>,
    /// `Sum`, `Average`, `p99`
    pub statistic: String,
}

/// Values of a metric, the oldest first. A period without data has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricValues {
    /// Of the new version.
    pub new: Vec<f64>,
    /// The number of samples behind them, where the query says what counts them.
    pub new_count: Option<u64>,
    /// Of the old version, where the query asks for it.
    pub old: Option<Vec<f64>>,
}

/// Lines of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// The log group; without it, that of the release.
    pub group: Option<String>,
    /// How the names of its streams begin; without both, the streams of the release.
    pub streams: Option<String>,
    /// A filter pattern of `CloudWatch` Logs.
    pub filter: String,
    /// How far back it goes. It never goes back before the deployment began.
    pub window: Duration,
    /// Counting may stop beyond this.
    pub enough: u64,
}

/// What a filter found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEvents {
    /// `3 streams of /ecs/shop`
    pub place: String,
    /// How many streams there are; without one, nothing was measured.
    pub streams: usize,
    /// How many lines were found.
    pub count: u64,
    /// There may be more.
    pub is_partial: bool,
    /// The first of them.
    pub first: Vec<String>,
}

/// A task that runs a team's own tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskQuery {
    /// The same for the same try of the same check, so that no call that is repeated starts a second task.
    pub token: String,
    /// A family, a family with its revision, or an ARN.
    pub task_definition: String,
    /// Whose exit code counts; the only one if none is named.
    pub container: Option<String>,
    /// Without it, that of the service under test.
    pub cluster: Option<String>,
    /// Without them, those of the service under test.
    pub subnets: Vec<String>,
    /// They go with the subnets.
    pub security_groups: Vec<String>,
    /// It goes with the subnets.
    pub assign_public_ip: Option<bool>,
    /// In place of the container's own command, if it is not empty.
    pub command: Vec<String>,
    /// Added to the container's environment.
    pub environment: Vec<(String, String)>,
    /// How long it may take, its start included; then it is stopped.
    pub time: Duration,
    /// Where its tests leave their result, if it is judged.
    pub results: Option<ResultSource>,
}

/// Where tests leave their result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultSource {
    /// An object in S3, whose address the task finds in [`RESULTS_VARIABLE`].
    S3 {
        /// `xml`
        extension: &'static str,
    },
    /// Its log, between a line [`RESULTS_BEGIN`] and a line [`RESULTS_END`].
    Log,
}

/// The variable of a task's environment with the address in S3 where its result belongs.
pub const RESULTS_VARIABLE: &str = "DEPLOY_HOOKS_RESULTS";
/// The line of a log after which a result begins.
pub const RESULTS_BEGIN: &str = "DEPLOY_HOOKS_RESULTS_BEGIN";
/// The line of a log before which it has ended.
pub const RESULTS_END: &str = "DEPLOY_HOOKS_RESULTS_END";
/// How large a result may be, in bytes.
pub const MAX_RESULTS: usize = 4 * 1024 * 1024;

/// What became of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRun {
    /// `shop-tests:7 (1f2e3d4c)`
    pub task: String,
    /// The container whose end counts.
    pub container: String,
    /// How it ended.
    pub end: TaskEnd,
    /// The last lines of its log, the oldest first; a few.
    pub log_tail: Vec<String>,
    /// Why there are none, if that is not because it wrote nothing.
    pub log_missing: Option<String>,
    /// The result of its tests, where it was asked for and they have ended by themselves; or why there is none.
    pub results: Option<Result<Vec<u8>, CloudError>>,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// By itself, with this exit code of its container.
    Exited(i32),
    /// It was not started, or not by itself: why, in the words of ECS.
    NotRun(String),
    /// Its time was over before it had ended, and it was stopped.
    TimedOut {
        /// It ran by then.
        started: bool,
    },
}

/// Why a question was not answered: throttled, denied, unreachable. The check is errored, and says this: what was
/// asked of what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CloudError(pub String);

/// An alarm as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: AlarmState,
    /// Why, in the cloud's own words; empty if it does not say.
    pub reason: String,
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// What it watches is within its limits.
    Ok,
    /// What it watches is beyond its limits.
    Alarm,
    /// It has too little data to know.
    InsufficientData,
}

impl AlarmState {
    /// As `CloudWatch` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}
