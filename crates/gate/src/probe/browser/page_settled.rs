//! Whether a page has come to rest, and what keeps it from that.

use std::time::Duration;

use browser::PendingRequest;
use tokio::time::Instant;

use super::page_session::{MAX_SETTLE, POLL_INTERVAL, PageSession};
use crate::expect::several;

/// How long something may come of what was done last, without a request, until what is not there counts as missing.
const PUT_OFF: Duration = Duration::from_secs(1);

/// How long a page is listened to before it may count as being at rest.
const SETTLE_AFTER: Duration = Duration::from_millis(100);

impl PageSession<'_> {
    /// Listens until what was done last has come to its end, or for so long as a page may go on asking for things.
    pub(super) async fn come_to_rest(&mut self) -> Result<(), browser::Error> {
        self.page.wait(SETTLE_AFTER).await?;
        let until = (Instant::now() + MAX_SETTLE).min(self.end);
        self.page.settle(until).await?;
        Ok(())
    }

    /// The requests that are under way and get no answer as long as a step may take.
    pub(super) async fn unanswered(&mut self) -> Result<Vec<String>, browser::Error> {
        let before = Instant::now();
        let until = (before + self.probe.step_timeout).min(self.end);
        loop {
            let pending = self.page.log().pending().into_iter();
            let old = pending.filter(|one| !one.is_answered && one.since <= before);
            let texts: Vec<String> = old.map(|one| unended(&one)).collect();
            let is_known = texts.iter().all(|text| self.probe.allows(text));
            if is_known || Instant::now() >= until {
                return Ok(texts);
            }
            self.page.wait(POLL_INTERVAL).await?;
        }
    }

    /// Why the page does not come to rest, if so: a request goes on that the suite does not allow to.
    pub(super) async fn unrest(
        &mut self,
        until: Instant,
    ) -> Result<Option<String>, browser::Error> {
        // A script may have put its work off, which nothing tells.
        let left = until.saturating_duration_since(Instant::now());
        self.page.wait(PUT_OFF.min(left / 4)).await?;
        let now = Instant::now();
        let first = MAX_SETTLE.min(until.saturating_duration_since(now) / 2);
        if self.page.settle(now + first).await? {
            return Ok(None);
        }
        // A long poll that the suite knows of is not waited for any longer.
        let pending = self.page.log().pending().into_iter();
        let allowed = pending.filter(|one| self.probe.allows(&unended(one)));
        let allowed: Vec<String> = allowed.map(|one| one.request).collect();
        if self.page.settle_but_for(&allowed, until).await? {
            return Ok(None);
        }
        let mut others = self.page.log().pending();
        others.retain(|one| !allowed.contains(&one.request));
        let why = "the page does not come to rest";
        Ok(Some(if others.is_empty() {
            why.to_owned()
        } else {
            let what = several(others.iter().map(unended), others.len(), ", ");
            format!("{why}: {what}")
        }))
    }
}

/// As a problem is told, and allowed.
pub(super) fn unended(pending: &PendingRequest) -> String {
    let request = &pending.request;
    if pending.is_answered {
        format!("{request}: no end")
    } else {
        format!("{request}: no answer")
    }
}
