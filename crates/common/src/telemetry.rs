//! Logs as JSON lines, with the keys that users of Powertools for AWS Lambda know from Python and
//! TypeScript, so that one CloudWatch Logs Insights query serves all their functions.
//!
//! Written by hand because Rust has no Powertools. It must never log an event as it came in: a
//! CodePipeline job carries credentials, an approval its token.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;

use crate::lookup::Lookup;
use crate::metrics;

/// The field that names the deployment in every line; Powertools calls it `correlation_id`.
pub const CORRELATION_ID: &str = "correlation_id";

/// What a release is called on its way from a commit to a verdict. Each function writes what it knows of these into each
/// of its lines, so that one query over their logs finds all of a release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReleaseIds<'a> {
    /// The deployment of `CodeDeploy` or ECS.
    pub deployment_id: Option<&'a str>,
    /// The execution of `CodePipeline` that brought it about.
    pub pipeline_execution_id: Option<&'a str>,
    /// The commit that it was built from.
    pub commit: Option<&'a str>,
}

impl ReleaseIds<'_> {
    /// Notes what is known in the span of the invocation: it stands in each line from here on.
    pub fn note(&self) {
        let span = tracing::Span::current();
        for (field, id) in [
            ("deployment_id", self.deployment_id),
            ("pipeline_execution_id", self.pipeline_execution_id),
            ("commit", self.commit),
        ] {
            if let Some(id) = id.filter(|id| !id.is_empty()) {
                span.record(field, id);
            }
        }
    }
}

/// Where the lines go: standard output in a function, a buffer in a test.
type Sink = Arc<Mutex<dyn Write + Send>>;

/// What every line says about the function it comes from.
#[derive(Debug, Clone, Default)]
struct Function {
    service: String,
    name: Option<String>,
    memory_size: Option<u64>,
}

/// Starts logging to standard output and sends panics through the log, where alarms look.
///
/// Lines of `crates` and of this one are written at the wished level, all others only from WARN: the SDK's own
/// debug lines may hold request bodies.
///
/// Reads `POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_LOG_LEVEL` (also `AWS_LAMBDA_LOG_LEVEL` and
/// `LOG_LEVEL`), `AWS_LAMBDA_FUNCTION_NAME` and `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
pub fn start(lookup: Lookup<'_>, crates: &[&str]) {
    let sink: Sink = Arc::new(Mutex::new(std::io::stdout()));
    // A second start (a test in the same process) keeps the first subscriber.
    let _ = subscriber(lookup, crates, sink).try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        // Not what it says: a panic over a string quotes it, and that may be a body or a secret.
        tracing::error!(target: "panic", panicked_at = place, "the function panicked");
    }));
}

fn subscriber(
    lookup: Lookup<'_>,
    crates: &[&str],
    sink: Sink,
) -> impl Subscriber + SubscriberInitExt {
    let function = Function {
        service: lookup("POWERTOOLS_SERVICE_NAME").unwrap_or_else(|| "deploy-hooks".into()),
        name: lookup("AWS_LAMBDA_FUNCTION_NAME"),
        memory_size: lookup("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|mib| mib.parse().ok()),
    };
    let targets = ["common", "panic"].iter().chain(crates).fold(
        Targets::new().with_default(LevelFilter::WARN),
        |targets, name| targets.with_target(*name, level(lookup)),
    );
    // No level of the log turns metrics off.
    let targets = targets.with_target(metrics::TARGET, LevelFilter::INFO);
    tracing_subscriber::registry().with(JsonLines { function, sink }.with_filter(targets))
}

/// The wished level; an unknown word means INFO, as a log level must never stop a gate.
fn level(lookup: Lookup<'_>) -> LevelFilter {
    let wished = ["POWERTOOLS_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL", "LOG_LEVEL"]
        .into_iter()
        .find_map(lookup)
        .unwrap_or_default();
    match wished.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" | "WARNING" => LevelFilter::WARN,
        "ERROR" | "CRITICAL" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

/// The span of one invocation; what it carries stands in every line written inside it.
///
/// `correlation_id` is recorded when it is known: `span.record(CORRELATION_ID, id)`.
pub fn invocation(request_id: &str, function_arn: &str, trace_id: Option<&str>) -> tracing::Span {
    static IS_WARM: AtomicBool = AtomicBool::new(false);
    tracing::error_span!(
        "invocation",
        cold_start = !IS_WARM.swap(true, Ordering::Relaxed),
        function_request_id = request_id,
        function_arn,
        xray_trace_id = trace_id.map(root_of_trace),
        correlation_id = tracing::field::Empty,
        deployment_id = tracing::field::Empty,
        pipeline_execution_id = tracing::field::Empty,
        commit = tracing::field::Empty,
    )
}

/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…;Sampled=1` → the root alone, as Powertools
/// logs it.
fn root_of_trace(header: &str) -> &str {
    header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="))
        .unwrap_or(header)
}

/// The fields of a span, kept beside it until a line needs them.
struct Fields(Map<String, Value>);

struct JsonLines {
    function: Function,
    sink: Sink,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let is_metric = event.metadata().target() == metrics::TARGET;
        let mut line = if is_metric {
            BTreeMap::new()
        } else {
            self.head(event)
        };
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.extend(fields.0.clone());
            }
        }
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        if is_metric {
            line.extend(self.metric(&fields.0));
        } else {
            line.extend(fields.0);
        }
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        // A failure to log can't be logged.
        let _ = sink.write_all(&text).and_then(|()| sink.flush());
    }
}

impl JsonLines {
    fn head(&self, event: &Event<'_>) -> BTreeMap<String, Value> {
        let metadata = event.metadata();
        let mut head = BTreeMap::from([
            ("level".to_owned(), Value::from(metadata.level().as_str())),
            ("location".to_owned(), Value::from(location(metadata))),
            ("timestamp".to_owned(), Value::from(now())),
            (
                "service".to_owned(),
                Value::from(self.function.service.as_str()),
            ),
        ]);
        if let Some(name) = &self.function.name {
            head.insert("function_name".to_owned(), Value::from(name.as_str()));
        }
        if let Some(size) = self.function.memory_size {
            head.insert("function_memory_size".to_owned(), Value::from(size));
        }
        head
    }
}

impl JsonLines {
    /// The line of a metric: what it says, and the function's name, which is a dimension of all.
    fn metric(&self, fields: &Map<String, Value>) -> Map<String, Value> {
        let line = fields.get("line").and_then(Value::as_str);
        let line = line.and_then(|line| serde_json::from_str(line).ok());
        let mut line: Map<String, Value> = line.unwrap_or_default();
        let name = self.function.name.as_deref().unwrap_or(metrics::OTHER_WORD);
        line.insert(metrics::FUNCTION_NAME.to_owned(), name.into());
        line
    }
}

fn location(metadata: &tracing::Metadata<'_>) -> String {
    match metadata.line() {
        Some(line) => format!("{}:{line}", metadata.target()),
        None => metadata.target().to_owned(),
    }
}

fn now() -> String {
    // Milliseconds, as Powertools writes them.
    format!("{:.3}", jiff::Timestamp::now())
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .insert(field.name().to_owned(), Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(lookup: Lookup<'_>, act: impl FnOnce()) -> Vec<Map<String, Value>> {
        let buffer = Arc::new(Mutex::new(Vec::new()));
        let sink: Sink = buffer.clone();
        tracing::subscriber::with_default(subscriber(lookup, &["hook"], sink), act);
        let bytes = buffer.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_carries_the_keys_that_powertools_users_query() {
        let lookup = |name: &str| match name {
            "POWERTOOLS_SERVICE_NAME" => Some("shop".to_owned()),
            "AWS_LAMBDA_FUNCTION_NAME" => Some("CodeDeployHook_pre-traffic".to_owned()),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" => Some("256".to_owned()),
            _ => None,
        };
        let lines = lines_of(&lookup, || {
            let span = invocation("req-1", "arn:f", Some("Root=1-57-bd;Parent=0;Sampled=1"));
            let _in = span.enter();
            span.record(CORRELATION_ID, "d-ABC");
            tracing::info!(target: "hook", checks = 3, "the gate has decided");
        });
        let line = &lines[0];
        for key in ["timestamp", "location", "cold_start"] {
            assert!(line.contains_key(key), "{key} is missing in {line:?}");
        }
        let logged: Vec<_> = [
            "level",
            "message",
            "service",
            "function_name",
            "function_memory_size",
            "function_arn",
            "function_request_id",
            "xray_trace_id",
            "correlation_id",
            "checks",
        ]
        .iter()
        .map(|key| line.get(*key).cloned().unwrap_or_default().to_string())
        .collect();
        insta::assert_snapshot!(logged.join(" "), @r#""INFO" "the gate has decided" "shop" "CodeDeployHook_pre-traffic" 256 "arn:f" "req-1" "1-57-bd" "d-ABC" 3"#);
    }

    #[test]
    fn a_metric_is_a_line_of_its_own_form_whatever_the_level_is() {
        let lookup = |name: &str| match name {
            "AWS_LAMBDA_FUNCTION_NAME" => Some("CodeDeployHook_pre-traffic".to_owned()),
            "POWERTOOLS_LOG_LEVEL" => Some("ERROR".to_owned()),
            _ => None,
        };
        let lines = lines_of(&lookup, || {
            let span = invocation("req-1", "arn:f", None);
            let _in = span.enter();
            span.record(CORRELATION_ID, "d-ABC");
            let ids = ReleaseIds {
                deployment_id: Some("d-ABC"),
                pipeline_execution_id: None,
                commit: Some("0a1b2c3"),
            };
            ids.note();
            metrics::MetricRecord::Asked { kind: "pause" }.emit();
            tracing::info!(target: "hook", "left out at this level");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line["FunctionName"], "CodeDeployHook_pre-traffic");
        assert_eq!(
            (&line["Asked"], &line["Kind"]),
            (&1.into(), &"pause".into())
        );
        // By these the line is found from a deployment, and the deployment from a line.
        assert_eq!(line["correlation_id"], "d-ABC");
        assert_eq!(line["commit"], "0a1b2c3");
        assert!(line["_aws"]["Timestamp"].is_i64());
        assert!(!line.contains_key("pipeline_execution_id"), "{line:?}");
        for key in ["level", "message", "line", "timestamp"] {
            assert!(!line.contains_key(key), "{key} is in a metric: {line:?}");
        }
    }

    #[test]
    fn debug_lines_of_others_stay_out_even_at_debug() {
        let lookup = |name: &str| (name == "POWERTOOLS_LOG_LEVEL").then(|| "debug".to_owned());
        let lines = lines_of(&lookup, || {
            tracing::debug!(target: "aws_smithy_runtime", "a request with its body");
            tracing::debug!(target: "hook", "ours");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "ours");
    }

    #[test]
    fn an_unknown_level_means_info() {
        assert_eq!(level(&|_| Some("LOUD".into())), LevelFilter::INFO);
    }
}
