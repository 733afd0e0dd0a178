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
pub(super) enum Way {
    /// What an agent did earlier, without its model.
    Recorded,
    /// The steps of the suite, or those that a model finds.
    Steps,
}

/// How far a session came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    Met,
    /// A step was not met, or the proof does not hold.
    Unmet,
    /// A recorded step is no longer met. A model may look for another way, in a session of its own.
    WayLost,
}

/// What came of the screens.
pub(super) struct Seen {
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
) -> Result<Seen, ProbeError> {
    let mut seen = Seen {
        met: true,
        looked: Vec::new(),
        doubt: None,
    };
    for (index, screen) in probe.screens.iter().enumerate() {
        let has_recorded = probe
            .agent
            .as_ref()
            .is_some_and(|agent| !agent.recorded.is_empty());
        let mut way = if has_recorded {
            Way::Recorded
        } else {
            Way::Steps
        };
        let through = loop {
            let session =
                PageSession::open(probe, context, screen, endpoint, requests, times).await;
            let mut session = session.map_err(unmeasured)?;
            let through = session.through(way, trace, findings).await;
            trace.notes.extend(session.notes());
            let doubt = session.doubt().map(str::to_owned);
            session.close().await;
            none_missed(requests)?;
            seen.doubt = seen.doubt.or(doubt);
            match through? {
                // Nothing of the way that was lost is left: no cookie, and no half-filled cart.
                Through::WayLost => way = Way::Steps,
                through => break through,
            }
        };
        seen.met = through == Through::Met;
        if let (true, Some(tolerance)) = (seen.met, probe.old_looks) {
            let looks = VisualComparison {
                probe,
                context,
                screen,
                endpoint,
                requests,
                times,
                tolerance,
            };
            seen.looked.extend(looks.compare(trace).await?);
        }
        if !seen.met {
            note_left(trace, &probe.screens[index + 1..]);
            break;
        }
    }
    Ok(seen)
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
