//! One screen after the other, each in a session of its own; and in a further one where what an agent has recorded no
//! longer fits.

use std::sync::{Arc, Mutex};

use browser::Endpoint;
use tokio::time::Instant;

use super::demands::Findings;
use super::page_session::PageSession;
use super::policy::Requests;
use super::visual_comparison::VisualComparison;
use super::{Browser, Screen, unmeasured};
use crate::expect::Finding;
use crate::probe::{ProbeContext, ProbeError, Trace};

/// What is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionMode {
    /// What an agent did earlier, without its model.
    Replay,
    /// The steps of the suite, or those that a model finds.
    Steps,
}

/// How far a session came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionEnd {
    Met,
    /// A step was not met, or the proof does not hold.
    Unmet,
    /// A recorded step is no longer met. A model may look for another way, in a session of its own.
    ReplayOutdated,
}

/// What came of the screens.
pub(super) struct ScreensOutcome {
    /// Whether every step was met.
    pub(super) met: bool,
    /// How it looks beside the old version.
    pub(super) looked: Vec<Finding>,
    /// Why all that was met may still not be what a customer sees.
    pub(super) doubt: Option<String>,
}

/// Goes through the steps at one screen after the other, until one is not met.
pub(super) async fn through_screens(
    probe: &Browser,
    context: &ProbeContext,
    endpoint: &Endpoint,
    requests: &Arc<Mutex<Requests>>,
    times: (Instant, Instant),
    trace: &mut Trace,
    findings: &mut Findings<'_>,
) -> Result<ScreensOutcome, ProbeError> {
    let mut outcome = ScreensOutcome {
        met: true,
        looked: Vec::new(),
        doubt: None,
    };
    for (index, screen) in probe.screens.iter().enumerate() {
        let has_recorded = probe
            .agent
            .as_ref()
            .is_some_and(|agent| !agent.recorded.is_empty());
        let mut mode = if has_recorded {
            SessionMode::Replay
        } else {
            SessionMode::Steps
        };
        let end = loop {
            let session =
                PageSession::open(probe, context, screen, endpoint, requests, times).await;
            let mut session = session.map_err(unmeasured)?;
            let end = session.through(mode, trace, findings).await;
            trace.notes.extend(session.notes());
            let doubt = session.doubt().map(str::to_owned);
            session.close().await;
            none_missed(requests)?;
            outcome.doubt = outcome.doubt.or(doubt);
            match end? {
                // Nothing of the way that was lost is left: no cookie, and no half-filled cart.
                SessionEnd::ReplayOutdated => mode = SessionMode::Steps,
                end => break end,
            }
        };
        outcome.met = end == SessionEnd::Met;
        if let (true, Some(tolerance)) = (outcome.met, probe.old_looks) {
            let looks = VisualComparison {
                probe,
                context,
                screen,
                endpoint,
                requests,
                times,
                tolerance,
            };
            outcome.looked.extend(looks.compare(trace).await?);
        }
        if !outcome.met {
            note_left(trace, &probe.screens[index + 1..]);
            break;
        }
    }
    Ok(outcome)
}

/// What a page is like without what did not go out says nothing of the release.
fn none_missed(requests: &Mutex<Requests>) -> Result<(), ProbeError> {
    let missed = requests
        .lock()
        .map_or_else(|_| Vec::new(), |requests| requests.missed.clone());
    if missed.is_empty() {
        return Ok(());
    }
    Err(ProbeError::errored(format!(
        "{}; if other services are meant to answer there, write allow_origins: [\"{{{{ target.url }}}}\"]",
        missed.join("; ")
    )))
}

fn note_left(trace: &mut Trace, left: &[Screen]) {
    let left: Vec<&str> = left.iter().map(|screen| screen.name.as_str()).collect();
    if !left.is_empty() {
        trace.notes.push(format!(
            "not gone through, as a step was not met: {}",
            left.join(", ")
        ));
    }
}
