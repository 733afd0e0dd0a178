//! What the functions measure, as CloudWatch's embedded metric format: a line in the log that CloudWatch reads metrics
//! from, so that no call can fail, be throttled or hold a run up.
//!
//! Every metric stands in [`GROUPS`], with its dimensions and the words that each dimension takes. A word that is not
//! listed is written as [`OTHER_WORD`]: each combination of dimensions is a metric that costs, and no text of a user, name of
//! a service or secret must ever be one. `docs/metrics.md` has the same tables, and a test compares the two.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

mod groups;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::arn::Place;

pub use groups::{Dimension, DimensionValues, GROUPS, Group, Metric};

/// The target of the log events that are metrics. [`crate::telemetry`] writes them whatever the log level is.
pub const TARGET: &str = "deploy_hooks_metrics";
/// The dimension that every group has; telemetry knows its value.
pub const FUNCTION_NAME: &str = "FunctionName";
/// What a word becomes that its dimension doesn't list.
pub const OTHER_WORD: &str = "other";
/// CloudWatch takes so many values of one metric in a line.
const MAX_VALUES: usize = 100;
/// More values of one metric than fit into so many lines are left out.
const MAX_LINES: usize = 10;

/// Where a gate's verdict comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Every required check passed.
    ChecksPassed,
    /// A required check failed.
    CheckFailed,
    /// Required checks could not be measured.
    CheckErrored,
    /// Required checks had no data.
    NoData,
    /// What was measured is not enough: cut off, or too few passes in a row.
    NotEnough,
    /// The gate could not begin: the event, the settings, the suite, the target or a secret.
    NotBegun,
    /// The function's time was over.
    TimeOver,
    /// The function panicked.
    Panic,
    /// A rollback or a first step, which no gate hinders.
    Waived,
    /// People were asked.
    People,
    /// A named person lets it pass.
    Override,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ChecksPassed,
        Self::CheckFailed,
        Self::CheckErrored,
        Self::NoData,
        Self::NotEnough,
        Self::NotBegun,
        Self::TimeOver,
        Self::Panic,
        Self::Waived,
        Self::People,
        Self::Override,
    ];

    /// Its word in the dimension `Reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChecksPassed => "checks-passed",
            Self::CheckFailed => "check-failed",
            Self::CheckErrored => "check-errored",
            Self::NoData => "no-data",
            Self::NotEnough => "not-enough",
            Self::NotBegun => "not-begun",
            Self::TimeOver => "time-over",
            Self::Panic => "panic",
            Self::Waived => "waived",
            Self::People => "people",
            Self::Override => "override",
        }
    }
}

/// What a run of `env-scheduler` did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EnvironmentsRun {
    /// Put to sleep.
    pub stopped: usize,
    /// Woken.
    pub woken: usize,
    /// What somebody should look at.
    pub failed: usize,
    /// Recorded as changed by somebody else.
    pub conflicts: usize,
    /// Put off because of a deployment in progress.
    pub deferred: usize,
    /// Left for the next run.
    pub continued: usize,
    /// Hours of one vCPU that the sleeps which ended have saved.
    pub saved_vcpu_hours: f64,
    /// The same of one GB of memory.
    pub saved_gb_hours: f64,
    /// By the prices of the configuration.
    pub saved_money: f64,
}

/// Something that was measured.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricRecord<'a> {
    /// A gate has decided.
    Verdict {
        /// `pre-traffic` or `post-traffic`.
        stage: &'a str,
        /// What the evidence says.
        verdict: &'a str,
        /// Where that comes from.
        reason: Reason,
    },
    /// The run that the verdict is made of.
    GateRun {
        /// `pre-traffic` or `post-traffic`.
        stage: &'a str,
        /// Whether the release was stopped.
        stopped: bool,
        /// How long it took.
        duration_ms: u64,
        /// Rounds that were measured.
        rounds: u32,
        /// How long each answer took that the report keeps.
        latencies_ms: Vec<u64>,
    },
    /// What the caller of a gate has heard.
    Answer {
        /// Who called.
        caller: &'a str,
        /// What it has heard.
        answer: &'a str,
    },
    /// People were asked.
    Asked {
        /// What waits for them.
        kind: &'a str,
    },
    /// They need not be asked any more.
    Over {
        /// What waited for them.
        kind: &'a str,
        /// What became of it.
        end: &'a str,
        /// How long it waited.
        waited_s: f64,
    },
    /// A run of `env-scheduler`.
    Environments(EnvironmentsRun),
    /// What slept when a run was over.
    Asleep {
        /// Where.
        place: &'a Place,
        /// How many resources.
        asleep: usize,
    },
}

impl MetricRecord<'_> {
    /// Its group.
    pub fn group(&self) -> &'static Group {
        match self {
            Self::Verdict { .. } => &groups::VERDICTS,
            Self::GateRun { .. } => &groups::GATE_RUNS,
            Self::Answer { .. } => &groups::ANSWERS,
            Self::Asked { .. } => &groups::ASKED,
            Self::Over { .. } => &groups::ENDED_CASES,
            Self::Environments(_) => &groups::ENVIRONMENTS,
            Self::Asleep { .. } => &groups::ASLEEP,
        }
    }

    /// The values of its dimensions but for the function's name, in the order of the group.
    fn dimensions(&self) -> Vec<&str> {
        match self {
            Self::Verdict {
                stage,
                verdict,
                reason,
            } => vec![stage, verdict, reason.as_str()],
            Self::GateRun { stage, .. } => vec![stage],
            Self::Answer { caller, answer } => vec![caller, answer],
            Self::Asked { kind } => vec![kind],
            Self::Over { kind, end, .. } => vec![kind, end],
            Self::Environments(_) => Vec::new(),
            Self::Asleep { place, .. } => vec![&place.account, &place.region],
        }
    }

    /// The values of its metrics, in the order of the group; several of one metric are spread over lines.
    fn values(&self) -> Vec<Vec<f64>> {
        #[allow(clippy::cast_precision_loss, reason = "counts and milliseconds")]
        let one = |value: usize| vec![value as f64];
        #[allow(clippy::cast_precision_loss, reason = "milliseconds")]
        let ms = |value: &u64| *value as f64;
        match self {
            Self::Verdict { .. } | Self::Answer { .. } | Self::Asked { .. } => vec![vec![1.0]],
            Self::GateRun {
                stopped,
                duration_ms,
                rounds,
                latencies_ms,
                ..
            } => vec![
                one(usize::from(*stopped)),
                vec![ms(duration_ms)],
                vec![f64::from(*rounds)],
                latencies_ms.iter().map(ms).collect(),
            ],
            Self::Over { waited_s, .. } => vec![vec![1.0], vec![*waited_s]],
            Self::Environments(run) => vec![
                one(run.stopped),
                one(run.woken),
                one(run.failed),
                one(run.conflicts),
                one(run.deferred),
                one(run.continued),
                vec![run.saved_vcpu_hours],
                vec![run.saved_gb_hours],
                vec![run.saved_money],
            ],
            Self::Asleep { asleep, .. } => vec![one(*asleep)],
        }
    }

    /// The lines, without the function's name. `at` is the real time: CloudWatch takes nothing of the future.
    /// `properties` stand beside the metrics, for queries of the log; they must not be called like a metric.
    pub fn lines(&self, at: Timestamp, properties: &[(&'static str, &str)]) -> Vec<Value> {
        let group = self.group();
        // CloudWatch would refuse the whole line for a value that is no number.
        let values: Vec<Vec<f64>> = self
            .values()
            .into_iter()
            .map(|values| values.into_iter().filter(|one| one.is_finite()).collect())
            .collect();
        let count = values
            .iter()
            .map(|values| values.len().div_ceil(MAX_VALUES))
            .max();
        let count = count.unwrap_or_default().min(MAX_LINES);
        (0..count)
            .map(|number| {
                let chunk = |values: &Vec<f64>| {
                    let chunk = values.chunks(MAX_VALUES).nth(number);
                    chunk.unwrap_or_default().to_vec()
                };
                self.line(
                    group,
                    &values.iter().map(chunk).collect::<Vec<_>>(),
                    at,
                    properties,
                )
            })
            .collect()
    }

    fn line(
        &self,
        group: &Group,
        values: &[Vec<f64>],
        at: Timestamp,
        properties: &[(&'static str, &str)],
    ) -> Value {
        let measured = group.metrics.iter().zip(values);
        let measured: Vec<_> = measured.filter(|(_, values)| !values.is_empty()).collect();
        let declared: Vec<Value> = measured
            .iter()
            .map(|(metric, _)| json!({"Name": metric.name, "Unit": metric.unit}))
            .collect();
        let names = group.dimensions.iter().map(|dimension| dimension.name);
        let names: Vec<&str> = std::iter::once(FUNCTION_NAME).chain(names).collect();
        let mut line = Map::new();
        for (name, value) in properties {
            line.insert((*name).to_owned(), json!(value));
        }
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": at.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": group.namespace,
                    "Dimensions": [names],
                    "Metrics": declared,
                }],
            }),
        );
        for (dimension, value) in group.dimensions.iter().zip(self.dimensions()) {
            line.insert(dimension.name.to_owned(), json!(dimension.word(value)));
        }
        for (metric, values) in measured {
            let value = match values.as_slice() {
                [only] => number(*only),
                several => several.iter().copied().map(number).collect(),
            };
            line.insert(metric.name.to_owned(), value);
        }
        Value::Object(line)
    }

    /// Writes it into the log.
    pub fn emit(&self) {
        for line in self.lines(Timestamp::now(), &[]) {
            emit(&line);
        }
    }
}

/// Writes a line into the log, if this process keeps one that CloudWatch reads.
pub fn emit(line: &Value) {
    let line = line.to_string();
    tracing::info!(target: TARGET, line);
}

/// `3`, not `3.0`: most are counts.
fn number(value: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "compared with the value")]
    let whole = value as i64;
    #[allow(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "whether it is whole"
    )]
    if whole as f64 == value {
        json!(whole)
    } else {
        json!(value)
    }
}

#[cfg(test)]
mod tests;
