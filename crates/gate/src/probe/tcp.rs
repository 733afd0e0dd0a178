//! The `tcp` probe: a connection, and what comes over it.
//!
//! It reads until what it waits for has come, and never beyond its bound: a server that floods or never ends is cut.

use std::time::Duration;

use futures::FutureExt;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::place::{self, Place};
use super::received;
use super::{Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace};
use crate::body::Body;
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Actual, Finding, TextCondition};
use crate::measurement::Measurement;
use crate::template::{Template, Values};
use crate::words::{self, MAX_RAW_BYTES};

/// How much is read of what a server sends.
pub(crate) const MAX_RECEIVED: usize = 64 * 1024;

/// What has come is looked at when nothing more comes for so long.
const QUIET_TIME: Duration = Duration::from_millis(10);

/// A conversation over TCP.
#[derive(Clone, Debug)]
pub(crate) struct Tcp {
    pub(crate) place: Place,
    pub(crate) send: Option<Template>,
    /// What must come; nothing is read without it.
    pub(crate) receives: Vec<TextCondition>,
}

impl ProbeKind for Tcp {
    fn profile(&self) -> Profile {
        Profile {
            key: "tcp",
            answer: &[Facet::Latency],
            received: MAX_RECEIVED,
            // The text of it, and what a pattern takes.
            judged: 4 * MAX_RECEIVED,
            needs_traffic: true,
            // A connection does not say which revision it is with.
            sampling: Sampling::Indistinct,
            silence: Measurement::Failed,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        self.place.templates(see);
        self.send.iter().for_each(&mut *see);
        for test in &self.receives {
            test.templates(see);
        }
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        self.place.subject(None, context)
    }

    fn asks(&self) -> Vec<String> {
        let sends = self.send.as_ref().map_or("", |_| ", and sends a text");
        vec![format!("{}{sends}", self.place.written())]
    }

    fn conditions(&self) -> usize {
        self.receives.len()
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

async fn execute(
    tcp: &Tcp,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let values = &context.values;
    let origin = tcp.place.origin(None, context)?;
    let place = format!("{}:{}", origin.host, origin.port);
    trace.request = Some(format!("TCP {place}"));
    let of_release = place::admit(tcp.subject(context))?;
    let text = match &tcp.send {
        None => None,
        Some(text) => Some(text.render(values)?),
    };
    let begun = Instant::now();
    let mut stream = context.clients.dial(&origin).await?;
    if let Some(text) = text {
        let sent = stream.write_all(text.as_bytes()).await;
        sent.map_err(|error| ProbeError::of_broken(&place, &error))?;
    }
    let demand = format!("a connection to {place}");
    let mut findings = vec![Finding::new(demand, Actual::Words("made".to_owned()), true)];
    let mut received = Vec::new();
    if !tcp.receives.is_empty() {
        let (bytes, found) = receive(&mut stream, tcp, &place, values, trace).await?;
        received = bytes;
        findings.extend(found);
    }
    let latency = begun.elapsed();
    Ok(Observation {
        answer: Some(Evidence {
            status: None,
            headers: HeaderMap::new(),
            body: Body::new(received, MAX_RECEIVED, &HeaderMap::new()),
            body_cut_at: None,
            latency,
            exchange: None,
        }),
        findings,
        of_release,
    })
}

/// Reads until what came meets the conditions, or nothing more can come.
async fn receive(
    stream: &mut TcpStream,
    tcp: &Tcp,
    place: &str,
    values: &Values,
    trace: &mut Trace,
) -> Result<(Vec<u8>, Vec<Finding>), ProbeError> {
    let mut received: Vec<u8> = Vec::new();
    let mut chunk = [0; 4096];
    let noted = trace.notes.len();
    loop {
        let mut end = read(stream, &mut chunk, &mut received, place).await?;
        // Several segments are often one answer.
        while end.is_none() && received.len() < MAX_RECEIVED {
            match timeout(QUIET_TIME, read(stream, &mut chunk, &mut received, place)).await {
                Ok(more) => end = more?,
                Err(_quiet) => break,
            }
        }
        let text = String::from_utf8_lossy(&received).into_owned();
        let findings = received::judge("what was received", text, &tcp.receives, values).await?;
        let is_met = findings
            .iter()
            .all(|finding| finding.measurement == Measurement::Passed);
        let is_full = received.len() >= MAX_RECEIVED;
        trace.notes.truncate(noted);
        if !is_met {
            // Where the time is over before the rest comes, this is what is known.
            let text = String::from_utf8_lossy(&received);
            let text = words::head(&text, MAX_RAW_BYTES);
            trace.notes.push(format!("received so far: {text}"));
        }
        if !is_met && (is_full || end.is_some()) {
            trace.notes.truncate(noted);
            let bound = words::bytes(MAX_RECEIVED);
            let full = is_full.then(|| format!("not read beyond {bound}"));
            trace.notes.extend(full.or_else(|| end.clone()));
        }
        if is_met || is_full || end.is_some() {
            return Ok((received, findings));
        }
    }
}

/// Reads once, within the bound. Says how the connection ended, if it did; what came before that is judged.
async fn read(
    stream: &mut TcpStream,
    chunk: &mut [u8],
    received: &mut Vec<u8>,
    place: &str,
) -> Result<Option<String>, ProbeError> {
    let room = (MAX_RECEIVED - received.len()).min(chunk.len());
    match stream.read(&mut chunk[..room]).await {
        Ok(0) => {
            let after = words::bytes(received.len());
            Ok(Some(format!(
                "the other side closed the connection after {after}"
            )))
        }
        Ok(count) => {
            received.extend_from_slice(&chunk[..count]);
            Ok(None)
        }
        Err(error) => {
            let broken = ProbeError::of_broken(place, &error);
            if received.is_empty() {
                return Err(broken);
            }
            Ok(Some(broken.message))
        }
    }
}
