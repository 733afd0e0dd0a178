//! Whether the pages of a release look as the old version's do. Both are opened anew, at the same screen, as somebody sees
//! them who has just come, and what `mask` finds is covered in both.

use std::sync::{Arc, Mutex};

use browser::{Decision, Endpoint, Navigation, Page, PageOptions, PageRequest, RequestPolicy};
use data_encoding::BASE64;
use tokio::time::Instant;
use url::Url;

use super::page_record::{PageRecord, ScreenshotMask};
use super::page_session::PageSession;
use super::page_settled::unended;
use super::picture::{Picture, difference};
use super::policy::Requests;
use super::{Browser, Screen, page_url, unmeasured};
use crate::expect::{Actual, Finding};
use crate::probe::load::old_version;
use crate::probe::request_url::Origin;
use crate::probe::{ProbeContext, ProbeError, Trace};

/// A comparison at one screen.
pub(super) struct VisualComparison<'a> {
    pub(super) probe: &'a Browser,
    pub(super) context: &'a ProbeContext,
    pub(super) screen: &'a Screen,
    pub(super) endpoint: &'a Endpoint,
    pub(super) requests: &'a Arc<Mutex<Requests>>,
    pub(super) times: (Instant, Instant),
    /// In percent.
    pub(super) tolerance: f64,
}

/// Pages come from the old version alone.
struct OldVersion(Origin);

impl RequestPolicy for OldVersion {
    fn decide(&mut self, request: &PageRequest<'_>) -> Decision {
        let origin = Url::parse(request.url).ok().as_ref().and_then(Origin::of);
        match origin {
            Some(origin) if request.is_page && origin != self.0 => Decision::Refuse(format!(
                "{}: this page is not the old version's",
                request.url
            )),
            _ => Decision::Send,
        }
    }
}

impl VisualComparison<'_> {
    /// Each page that the steps open by its path, beside the old version's.
    pub(super) async fn compare(&self, trace: &mut Trace) -> Result<Vec<Finding>, ProbeError> {
        let old = match old_version::origin(self.context) {
            Ok(origin) => origin,
            Err(why) => return Ok(vec![Finding::errored(self.demand("each page"), why)]),
        };
        let mut paths: Vec<String> = Vec::new();
        for url in self.probe.pages() {
            let path = url.render(&self.context.values)?;
            if path.starts_with('/') && !paths.contains(&path) {
                paths.push(path);
            }
        }
        let mut findings = Vec::new();
        for path in paths {
            findings.push(self.page(&path, &old, trace).await?);
        }
        if findings.is_empty() {
            let why = "no step opens a page by its path, which the old version could be asked for as well";
            findings.push(Finding::errored(self.demand("each page"), why));
        }
        Ok(findings)
    }

    fn demand(&self, path: &str) -> String {
        let tolerance = self.tolerance;
        format!(
            "{path} to look as the old version's at {}, within {tolerance} %",
            self.screen.name
        )
    }

    async fn page(
        &self,
        path: &str,
        old: &Origin,
        trace: &mut Trace,
    ) -> Result<Finding, ProbeError> {
        let new = PageSession::open(
            self.probe,
            self.context,
            self.screen,
            self.endpoint,
            self.requests,
            self.times,
        );
        let new = new.await.map_err(unmeasured)?;
        let url = page_url(path, self.context)?;
        let new = self.look(new.page, &url).await?;
        let until = self.times.1 + super::EVIDENCE_RESERVE;
        let policy = Box::new(OldVersion(old.clone()));
        let options = PageOptions {
            viewport: self.screen.viewport,
            user_agent: self.context.clients.user_agent.clone(),
            accept_dialogs: true,
        };
        let page = Page::open(self.endpoint, options, policy, until)
            .await
            .map_err(unmeasured)?;
        let mut old = self.look(page, &format!("{old}{path}")).await?;
        let demand = self.demand(path);
        let (Some(of_new), Some(of_old)) = (picture(&new), picture(&old)) else {
            return Ok(Finding::errored(demand, "one of both has no picture"));
        };
        let differs = difference(&of_new, &of_old);
        let is_same = differs <= self.tolerance;
        if !is_same {
            old.screen.push_str(", the old version");
            trace.pages.extend([new, old]);
        }
        Ok(Finding::new(
            demand,
            Actual::Words(format!("{differs:.1} % of it differs")),
            is_same,
        ))
    }

    /// A page at rest.
    async fn look(&self, mut page: Page, url: &str) -> Result<PageRecord, ProbeError> {
        let end = self.times.1;
        let until = (Instant::now() + self.probe.step_timeout).min(end);
        let went = page.go(url, until).await.map_err(unmeasured)?;
        if went != Navigation::Loaded {
            page.close().await;
            return Err(ProbeError::errored(format!(
                "{url} could not be compared, as it did not load"
            )));
        }
        if !self
            .comes_to_rest(&mut page, until)
            .await
            .map_err(unmeasured)?
        {
            page.close().await;
            return Err(ProbeError::errored(format!(
                "{url} could not be compared, as it does not come to rest"
            )));
        }
        let cover = ScreenshotMask {
            mask: &self.probe.mask,
            secrets: &[],
        };
        let record = PageRecord::of(&mut page, self.screen, cover, false).await;
        page.close().await;
        Ok(record)
    }
}

impl VisualComparison<'_> {
    /// Whether nothing is under way in the end, but for what the suite allows.
    async fn comes_to_rest(&self, page: &mut Page, until: Instant) -> Result<bool, browser::Error> {
        let now = Instant::now();
        let first = until.saturating_duration_since(now) / 2;
        if page.settle(now + first).await? {
            return Ok(true);
        }
        let pending = page.log().pending().into_iter();
        let allowed = pending.filter(|one| self.probe.allows(&unended(one)));
        let allowed: Vec<String> = allowed.map(|one| one.request).collect();
        page.settle_but_for(&allowed, until).await
    }
}

fn picture(record: &PageRecord) -> Option<Picture> {
    let shot = record.screenshot.as_ref()?;
    Picture::read(&BASE64.decode(shot.png.as_bytes()).ok()?)
}
