//! The `load` probe: requests at a fixed pace where customers send none, so that errors and latency can be judged
//! before traffic, on their own and against the old version in the same minutes.
//!
//! It only asks what changes nothing, and only the release; the old version only where its address is known. What we
//! ourselves could not send in time counts neither for nor against the target.

mod judge;
pub(super) mod old_version;
mod pace;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

pub(crate) use self::judge::{Demands, ErrorDemand};
pub(crate) use self::pace::{Rate, Schedule};
use self::pace::{RequestOutcome, Version};
use self::tally::{Sample, Tally};
use super::allowed_origins::AllowedOrigins;
use super::client::Clients;
use super::http::Request;
use super::prepared_request::PreparedRequest;
use super::request_url::{Origin, RequestUrl};
use super::{
    Execution, FixedTime, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace,
};
use crate::evidence::Observation;
use crate::measurement::Measurement;
use crate::template::Template;
use crate::words;

/// What a connection may buffer of an answer that is not kept.
const CONNECTION_BUFFER_BYTES: usize = 256 * 1024;
/// What a sample takes while it is judged: it is kept, copied, ranked with those of the other version and sorted.
const SAMPLE_BYTES: usize = 64;
/// For what comes beside the requests.
const SETUP_RESERVE: Duration = Duration::from_secs(5);

/// Requests at a fixed pace.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) request: Request,
    pub(crate) schedule: Schedule,
    /// The limit of one request.
    pub(crate) timeout: Duration,
    pub(crate) demands: Demands,
}

impl Load {
    /// Whether the URL leads to the release, as nothing else may get load.
    fn check_place(&self, url: &RequestUrl, context: &ProbeContext) -> Result<(), ProbeError> {
        let allowed = AllowedOrigins::of(&self.request, &url.origin, context)?;
        allowed.check_own_url(url)?;
        if allowed.is_release(&url.origin) {
            return Ok(());
        }
        Err(ProbeError::errored(format!(
            "{} is not the release under test, and nothing else gets load; write a path, or `reaches_release: true` if \
             the URL leads to the version under test",
            url.origin
        )))
    }

    /// What the old version is asked at its address.
    fn of_old(&self, origin: Origin, context: &ProbeContext) -> Result<LoadTarget, ProbeError> {
        let clients = context.clients.at(origin);
        let context = ProbeContext {
            clients: Arc::new(clients),
            // They lead to the release.
            release_headers: Arc::default(),
            ..context.clone()
        };
        Ok(LoadTarget {
            prepared: self.request.prepare(&context)?,
            clients: context.clients,
        })
    }
}

impl ProbeKind for Load {
    fn profile(&self) -> Profile {
        Profile {
            key: "load",
            answer: &[],
            received: self.schedule.at_once(self.timeout) * CONNECTION_BUFFER_BYTES,
            judged: self.schedule.requests() * SAMPLE_BYTES,
            needs_traffic: true,
            sampling: Sampling::Indistinct,
            // Each request has its own limit: if these are not kept, it is our doing.
            silence: Measurement::Errored,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        self.request.templates(see);
    }

    fn asks(&self) -> Vec<String> {
        let Schedule {
            rate,
            length,
            compared,
        } = self.schedule;
        let whom = if compared { ", of both versions" } else { "" };
        let length = words::duration(length);
        let asks = self.request.asks().into_iter();
        asks.map(|asked| format!("{asked} {rate} for {length}{whom}"))
            .collect()
    }

    fn hosts(&self) -> Vec<String> {
        self.request.hosts()
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        self.request.urls(context)
    }

    fn fixed_time(&self) -> Option<FixedTime> {
        Some(FixedTime {
            of: "the load",
            longest: self.schedule.length + self.timeout + SETUP_RESERVE,
        })
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        self.request.subject(context)
    }

    fn conditions(&self) -> usize {
        let demands = &self.demands;
        1 + usize::from(demands.latency.is_some()) + usize::from(demands.compare.is_some())
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

/// Whom one version is, and what it is asked.
struct LoadTarget {
    clients: Arc<Clients>,
    prepared: PreparedRequest,
}

async fn execute(
    load: &Load,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let new = LoadTarget {
        prepared: load.request.prepare(context)?,
        clients: Arc::clone(&context.clients),
    };
    let Schedule { rate, length, .. } = load.schedule;
    let what = format!("{} {}", new.prepared.method, new.prepared.url);
    trace.request = Some(format!("{what} {rate} for {}", words::duration(length)));
    load.check_place(&new.prepared.url, context)?;
    new.clients.prepare(&new.prepared)?;
    let old = if load.schedule.compared {
        let origin = match old_version::origin(context) {
            Ok(origin) => origin,
            Err(why) => {
                return Ok(Observation::of_others([judge::nothing_to_compare_with(
                    &why,
                )]));
            }
        };
        trace
            .notes
            .push(format!("the old version was asked at {origin}"));
        let old = load.of_old(origin, context)?;
        old.clients.prepare(&old.prepared)?;
        Some(old)
    } else {
        None
    };
    let each = load.schedule.of_each();
    let mut of_new = Tally::with_capacity(each);
    let mut of_old = old.as_ref().map(|_| Tally::with_capacity(each));
    let send = |version| {
        let asked = match version {
            Version::New => &new,
            Version::Old => old.as_ref().unwrap_or(&new),
        };
        sample(load, asked)
    };
    pace::keep(&load.schedule, send, |version, sent| {
        let tally = match (version, &mut of_old) {
            (Version::Old, Some(of_old)) => of_old,
            _ => &mut of_new,
        };
        match sent {
            RequestOutcome::Done(sample) => tally.add(sample),
            RequestOutcome::Late => tally.add_late(),
        }
    })
    .await;
    trace.notes.push(of_new.summary("new version"));
    trace
        .notes
        .extend(of_old.as_ref().map(|old| old.summary("old version")));
    let faults = [
        ("", Some(&of_new)),
        ("of the old version: ", of_old.as_ref()),
    ];
    for (of, tally) in faults {
        if let Some(fault) = tally.and_then(Tally::own_fault) {
            return Err(ProbeError::errored(format!("{of}{fault}")));
        }
    }
    Ok(Observation {
        answer: None,
        findings: judge::findings(&load.demands, &of_new, of_old.as_ref()),
        of_release: true,
    })
}

/// Sends one request, and takes its answer in without keeping it.
async fn sample(load: &Load, asked: &LoadTarget) -> Sample {
    let begun = Instant::now();
    let answer = ask(asked, load.request.max_body);
    match timeout(load.timeout, answer).await {
        Err(_) => Sample::TimedOut(load.timeout),
        Ok(Err(error)) if error.measurement == Measurement::Failed => Sample::Bad(error.message),
        Ok(Err(error)) => Sample::OwnFault(error.message),
        Ok(Ok((status, lost))) if status.is_success() => {
            Sample::Good(begun.elapsed().saturating_sub(lost))
        }
        Ok(Ok((status, _))) => Sample::Bad(format!("status {}", status.as_u16())),
    }
}

/// The status, and what a connection that was no longer there has cost.
async fn ask(
    asked: &LoadTarget,
    max_body: usize,
) -> Result<(::http::StatusCode, Duration), ProbeError> {
    let head = asked.clients.send(&asked.prepared).await?;
    let status = head.response.status();
    let whole = take_in(head.response.into_body(), max_body).await;
    if status.is_success() {
        whole?;
    }
    Ok((status, head.lost.unwrap_or_default()))
}

/// Reads to the end of the body, which is when the answer is there, and keeps nothing of it.
async fn take_in(mut body: Incoming, max_body: usize) -> Result<(), ProbeError> {
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ProbeError::of_body(&error))?;
        size += frame.data_ref().map_or(0, bytes::Bytes::len);
        if size > max_body {
            return Err(ProbeError::errored(format!(
                "a body is larger than max_body ({}), so how long it takes is not known; raise max_body",
                words::bytes(max_body)
            )));
        }
    }
    Ok(())
}
