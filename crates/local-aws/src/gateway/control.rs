//! The control API under `/_local/`: what a test or a demo asks this local AWS itself.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Answer, Gateway, whole};
use crate::autoscaling::Alarm;
use crate::codepipeline::change_sets::Definition;
use crate::codepipeline::commits::Commit;
use crate::ecs::Lag;
use crate::faults::FaultSpec;
use crate::schedules::Rates;
use crate::timeline::TimelineEvent;

/// The largest body of a control call.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// The longest a call waits for events.
const MAX_WAIT: Duration = Duration::from_mins(1);

const PATHS: &str = "GET /_local/health, GET and POST /_local/clock, GET /_local/events, \
                     GET /_local/calls, GET, POST and DELETE /_local/faults, \
                     DELETE /_local/faults/{id}, POST /_local/lag, POST /_local/alarms, \
                     GET, POST and DELETE /_local/throttles, GET, POST and DELETE /_local/sinks, \
                     GET /_local/browser-sessions, GET, POST and DELETE /_local/model, POST /_local/change-sets, POST /_local/commits, GET /_local/authority";

/// Why a control call was refused: status and sentence.
pub(super) type Refused = (StatusCode, String);

/// Whether a path is of the control API.
pub(super) fn is_for(path: &str) -> bool {
    path == "/_local" || path.starts_with("/_local/")
}

/// Answers a control call.
pub(super) async fn answer(gateway: &Gateway, request: Request<Incoming>) -> Answer {
    let (status, value) = match route(gateway, request).await {
        Ok(value) => (StatusCode::OK, value),
        Err((status, message)) => (status, json!({ "error": message })),
    };
    let mut answer = Response::new(Bytes::from(value.to_string()));
    *answer.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    whole(answer)
}

async fn route(gateway: &Gateway, request: Request<Incoming>) -> Result<Value, Refused> {
    let (parts, body) = request.into_parts();
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes());
    let query: BTreeMap<String, String> = query.into_owned().collect();
    let path = parts
        .uri
        .path()
        .trim_start_matches("/_local")
        .trim_matches('/');
    match (&parts.method, path) {
        (&Method::GET, "health") => Ok(json!({ "status": "ok" })),
        (&Method::GET, "clock") => Ok(clock(gateway)),
        (&Method::POST, "clock") => advance(gateway, read(body).await?).await,
        (&Method::GET, "events") => events(gateway, &query).await,
        (&Method::GET, "authority") => {
            let pem = gateway
                .world
                .elb
                .authority()
                .map_err(|error| bad(error.message))?;
            Ok(json!({ "pem": pem }))
        }
        (&Method::GET, "calls") => calls(gateway, &query),
        (&Method::GET, "browser-sessions") => {
            Ok(json!({ "sessions": gateway.world.agentcore.sessions() }))
        }
        (&Method::POST, "model") => {
            gateway.world.bedrock.script(read(body).await?);
            Ok(json!({}))
        }
        (&Method::GET, "model") => Ok(json!({ "calls": gateway.world.bedrock.heard() })),
        (&Method::DELETE, "model") => {
            gateway.world.bedrock.clear();
            Ok(json!({}))
        }
        (&Method::GET, "faults") => Ok(json!({ "faults": gateway.faults.all() })),
        (&Method::POST, "faults") => {
            let spec: FaultSpec = read(body).await?;
            let id = gateway.faults.add(spec).map_err(bad)?;
            Ok(json!({ "id": id }))
        }
        (&Method::DELETE, "faults") => {
            gateway.faults.clear();
            Ok(json!({}))
        }
        (&Method::POST, "lag") => set_lag(gateway, read(body).await?),
        (&Method::POST, "alarms") => alarm(gateway, &read(body).await?),
        (&Method::GET, "throttles") => Ok(json!({ "buckets": gateway.throttles.seen() })),
        (&Method::POST, "throttles") => gateway.throttle(read(body).await?),
        (&Method::DELETE, "throttles") => {
            gateway.throttles.switch_off();
            Ok(json!({}))
        }
        (&Method::GET, "sinks") => messages(gateway, &query).await,
        (&Method::POST, "sinks") => {
            gateway.sinks.set_up(read(body).await?);
            Ok(json!({}))
        }
        (&Method::DELETE, "sinks") => {
            gateway.sinks.clear();
            Ok(json!({}))
        }
        (&Method::POST, "change-sets") => {
            let definition: Definition = read(body).await?;
            let id = gateway
                .codepipeline
                .change_sets()
                .define(definition)
                .map_err(bad)?;
            Ok(json!({ "id": id }))
        }
        (&Method::POST, "commits") => {
            let commit: Commit = read(body).await?;
            let id = commit.id.clone();
            gateway.codepipeline.commits().push(commit);
            Ok(json!({ "id": id }))
        }
        (&Method::DELETE, path) if path.starts_with("faults/") => {
            let id = &path["faults/".len()..];
            if gateway.faults.remove(id) {
                return Ok(json!({}));
            }
            Err((StatusCode::NOT_FOUND, format!("there is no fault {id}")))
        }
        (method, path) => {
            let message = format!("there is no {method} /_local/{path}; there are {PATHS}");
            Err((StatusCode::NOT_FOUND, message))
        }
    }
}

fn clock(gateway: &Gateway) -> Value {
    let clock = &gateway.world.clock;
    json!({ "now": clock.now(), "offset_seconds": clock.offset().as_secs_f64() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
    /// Which ticks of `rate(…)` schedules fire.
    #[serde(default)]
    rates: Rates,
}

async fn advance(gateway: &Gateway, asked: Advance) -> Result<Value, Refused> {
    let seconds = asked.advance_seconds;
    let by = Duration::try_from_secs_f64(seconds)
        .map_err(|error| bad(format!("advance_seconds {seconds}: {error}")))?;
    gateway.world.timeline.record(TimelineEvent {
        kind: "clock".to_owned(),
        deployment_id: None,
        message: format!("The clock advances by {seconds} s."),
        detail: json!({ "advance_seconds": seconds }),
    });
    let fired = gateway.schedules.advance(by, asked.rates).await;
    let mut answer = clock(gateway);
    answer["fired"] = json!(fired.map_err(bad)?);
    Ok(answer)
}

/// How long tasks without processes take, in virtual time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LagSpec {
    cluster: Option<String>,
    service: Option<String>,
    #[serde(default)]
    start_seconds: f64,
    #[serde(default)]
    stop_seconds: f64,
}

fn set_lag(gateway: &Gateway, spec: LagSpec) -> Result<Value, Refused> {
    let seconds = |name: &str, seconds: f64| {
        Duration::try_from_secs_f64(seconds)
            .map_err(|error| bad(format!("{name} {seconds}: {error}")))
    };
    let lag = Lag {
        start: seconds("start_seconds", spec.start_seconds)?,
        stop: seconds("stop_seconds", spec.stop_seconds)?,
    };
    let service = match (spec.cluster, spec.service) {
        (Some(cluster), Some(service)) => Some((cluster, service)),
        (None, None) => None,
        _ => {
            return Err(bad(
                "give `cluster` and `service`, or neither for all services",
            ));
        }
    };
    gateway.world.ecs.set_lag(service, lag);
    Ok(json!({}))
}

fn alarm(gateway: &Gateway, alarm: &Alarm) -> Result<Value, Refused> {
    let reaction = gateway.world.autoscaling.alarm(alarm).ok_or_else(|| {
        let message = format!("there is no scalable target {}", alarm.resource_id);
        (StatusCode::NOT_FOUND, message)
    })?;
    Ok(json!({ "desired": reaction.desired, "reason": reaction.reason }))
}

async fn events(gateway: &Gateway, query: &BTreeMap<String, String>) -> Result<Value, Refused> {
    let after: u64 = number(query, "after")?.unwrap_or(0);
    let wait = wait(query)?;
    let events = gateway.world.timeline.wait_after(after, wait).await;
    let next = events.last().map_or(after, |event| event.seq);
    Ok(json!({ "events": events, "next": next }))
}

async fn messages(gateway: &Gateway, query: &BTreeMap<String, String>) -> Result<Value, Refused> {
    let after: u64 = number(query, "after")?.unwrap_or(0);
    let service = query.get("service").filter(|service| !service.is_empty());
    let service = service.map(String::as_str);
    let messages = gateway.sinks.after(after, service, wait(query)?).await;
    Ok(json!({ "messages": messages }))
}

/// How long a call is held, at most.
fn wait(query: &BTreeMap<String, String>) -> Result<Duration, Refused> {
    let wait: f64 = number(query, "wait")?.unwrap_or(0.0);
    let wait = Duration::try_from_secs_f64(wait);
    let wait = wait.map_err(|error| bad(format!("wait: {error}")))?;
    Ok(wait.min(MAX_WAIT))
}

fn calls(gateway: &Gateway, query: &BTreeMap<String, String>) -> Result<Value, Refused> {
    let after = number(query, "after")?.unwrap_or(0);
    let text = |name: &str| {
        query
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    let calls = gateway
        .calls
        .after(after, text("service"), text("operation"));
    Ok(json!({ "calls": calls }))
}

fn number<T: std::str::FromStr>(
    query: &BTreeMap<String, String>,
    name: &str,
) -> Result<Option<T>, Refused> {
    let Some(text) = query.get(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| bad(format!("{name} must be a number, not '{text}'")))
}

async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, Refused> {
    let body = Limited::new(body, MAX_BODY_BYTES)
        .collect()
        .await
        .map_err(bad)?;
    serde_json::from_slice(&body.to_bytes()).map_err(bad)
}

pub(super) fn bad(problem: impl Display) -> Refused {
    (StatusCode::BAD_REQUEST, problem.to_string())
}
