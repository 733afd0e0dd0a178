//! The `crawl` probe: walks the site as a visitor does, from one page on, and reports what is broken.
//!
//! It asks for nothing but GET, at the origin of its first page only, and stops at its bounds of pages, depth, bytes
//! and time. Where a link leads elsewhere it is not followed.

mod fetch;
mod page;

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use http::{HeaderMap, Method};
use text::glob;

use self::fetch::{Fetch, Outcome};
pub(crate) use self::page::Landmark;
use self::page::{MAX_LINK, Purpose};
use super::client::Clients;
use super::request_url::{Origin, RequestUrl};
use super::web_place::WebPlace;
use super::{
    Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace, place,
};
use crate::evidence::Observation;
use crate::expect::{Actual, Finding, several};
use crate::measurement::Measurement;
use crate::template::Template;
use crate::words;

/// How many requests are under way at once.
const CONCURRENT_FETCHES: usize = 4;
/// Files for each page: scripts, styles, images.
const MAX_FILES_PER_PAGE: usize = 10;

/// A walk over a site.
#[derive(Clone, Debug)]
pub(crate) struct Crawl {
    pub(crate) start: WebPlace,
    pub(crate) max_pages: usize,
    /// How many links away from the first page.
    pub(crate) max_depth: usize,
    pub(crate) max_body: usize,
    /// Paths that are not asked for, with `*` and `?`.
    pub(crate) ignore: Vec<String>,
    pub(crate) landmarks: Vec<Landmark>,
}

impl ProbeKind for Crawl {
    fn profile(&self) -> Profile {
        let urls = self.max_pages * (1 + MAX_FILES_PER_PAGE);
        Profile {
            key: "crawl",
            answer: &[],
            // Each with its text and its links, until these are looked at; and all that was named once.
            received: CONCURRENT_FETCHES * self.max_body + urls * 2 * MAX_LINK,
            judged: CONCURRENT_FETCHES * 8 * self.max_body,
            needs_traffic: true,
            sampling: Sampling::Indistinct,
            silence: Measurement::Failed,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        see(&self.start.url);
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        self.start.url(context).into_iter().collect()
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        self.start.subject(context)
    }

    fn asks(&self) -> Vec<String> {
        let pages = words::count(self.max_pages, "page");
        vec![format!(
            "from {} on, up to {pages}",
            self.start.url.written()
        )]
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

async fn execute(
    crawl: &Crawl,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let start = crawl.start.url(context)?;
    trace.request = Some(format!("crawl {start}"));
    let of_release = place::admit(crawl.subject(context))?;
    let headers = fetch::headers(&start.origin, context)?;
    let mut walk = Walk::new(crawl, &start, &context.clients, &headers);
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < CONCURRENT_FETCHES
            && let Some(fetch) = walk.queue.pop_front()
        {
            under_way.push(fetch::send(fetch, headers.clone(), crawl.max_body, context));
        }
        let Some(fetched) = under_way.next().await else {
            break;
        };
        let (fetch, outcome) = fetched?;
        walk.take(&fetch, outcome);
    }
    trace.notes.push(walk.summary());
    Ok(Observation {
        answer: None,
        findings: walk.findings(),
        of_release,
    })
}

/// What is known of the site so far.
struct Walk<'a> {
    crawl: &'a Crawl,
    clients: &'a Clients,
    /// What goes with each request.
    headers: &'a HeaderMap,
    origin: Origin,
    queue: VecDeque<Fetch>,
    /// Everything that was ever put into the queue.
    named: HashSet<String>,
    pages: usize,
    files: usize,
    /// Pages in the queue, under way and seen.
    planned_pages: usize,
    /// Links that were not followed, because a bound was reached.
    left: usize,
    /// Links that the listener leads past the release: its rule does not take them, or an earlier one does.
    led_elsewhere: usize,
    problems: Problems,
}

/// In the order in which they were met.
#[derive(Default)]
struct Problems {
    missing: Vec<String>,
    broken: Vec<String>,
    mixed: Vec<String>,
    landmarks: Vec<String>,
}

impl<'a> Walk<'a> {
    fn new(
        crawl: &'a Crawl,
        start: &RequestUrl,
        clients: &'a Clients,
        headers: &'a HeaderMap,
    ) -> Self {
        let first = Fetch {
            url: start.clone(),
            depth: 0,
            from: None,
            is_page: true,
        };
        Self {
            crawl,
            clients,
            headers,
            origin: start.origin.clone(),
            queue: VecDeque::from([first]),
            named: HashSet::from([start.path.clone()]),
            pages: 0,
            files: 0,
            planned_pages: 1,
            left: 0,
            led_elsewhere: 0,
            problems: Problems::default(),
        }
    }

    fn take(&mut self, fetch: &Fetch, outcome: Outcome) {
        let place = fetch.place();
        match outcome {
            Outcome::Missing(status) => self.problems.missing.push(format!("{place}: {status}")),
            Outcome::Broken(why) => self.problems.broken.push(format!("{place}: {why}")),
            Outcome::File => {
                self.files += 1;
                if fetch.from.is_none() {
                    let why = "the first page is not HTML";
                    self.problems.broken.push(format!("{place}: {why}"));
                }
            }
            Outcome::Redirect(to) => {
                // The page that it leads to takes its place.
                self.planned_pages -= usize::from(fetch.is_page);
                self.follow(fetch, &to, fetch.is_page, fetch.depth);
            }
            Outcome::Page(page) => {
                self.pages += 1;
                self.look_at(fetch, &page);
            }
        }
    }

    fn look_at(&mut self, fetch: &Fetch, page: &page::Page) {
        let is_there = |landmark: &&Landmark| !page.landmarks.contains(landmark);
        let missing: Vec<&str> = self
            .crawl
            .landmarks
            .iter()
            .filter(is_there)
            .map(|landmark| landmark.as_str())
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            self.problems
                .landmarks
                .push(format!("{} has no {missing}", fetch.url.path));
        }
        let base = match &page.base {
            Some(base) => fetch.url.join(base).unwrap_or_else(|| fetch.url.clone()),
            None => fetch.url.clone(),
        };
        for link in &page.links {
            let is_insecure = link
                .to
                .get(..7)
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
            if fetch.url.origin.secure && is_insecure && link.purpose != Purpose::Navigation {
                self.problems
                    .mixed
                    .push(format!("{} in {}", link.to, fetch.url.path));
                continue;
            }
            let is_page = link.purpose == Purpose::Navigation;
            let depth = fetch.depth + usize::from(is_page);
            if let Some(to) = base.join(&link.to) {
                self.follow(fetch, &to, is_page, depth);
            }
        }
    }

    /// Puts a place into the queue, if it is the site's, new and within the bounds.
    fn follow(&mut self, from: &Fetch, to: &RequestUrl, is_page: bool, depth: usize) {
        let path = to.path.split('?').next().unwrap_or_default();
        let is_ignored = self
            .crawl
            .ignore
            .iter()
            .any(|pattern| glob::matches(pattern, path));
        if to.origin != self.origin || is_ignored || self.named.contains(&to.path) {
            return;
        }
        let asked = self.clients.meets_rule(&Method::GET, to, self.headers);
        if asked.is_err() {
            self.led_elsewhere += 1;
            return;
        }
        let most = self.crawl.max_pages * (1 + MAX_FILES_PER_PAGE);
        let is_full =
            self.named.len() >= most || (is_page && self.planned_pages >= self.crawl.max_pages);
        if is_full || depth > self.crawl.max_depth {
            self.left += 1;
            return;
        }
        self.named.insert(to.path.clone());
        self.planned_pages += usize::from(is_page);
        self.queue.push_back(Fetch {
            url: to.clone(),
            depth,
            from: Some(from.url.path.clone()),
            is_page,
        });
    }

    fn summary(&self) -> String {
        let mut summary = format!("{} pages and {} files were visited", self.pages, self.files);
        if self.led_elsewhere > 0 {
            let links = words::count(self.led_elsewhere, "link");
            let _ = write!(
                summary,
                "; {links} led to what the listener does not lead to the release"
            );
        }
        if self.left == 0 {
            return summary;
        }
        format!(
            "{summary}; {} links were not followed, beyond max_pages ({}) or max_depth ({})",
            self.left, self.crawl.max_pages, self.crawl.max_depth
        )
    }

    fn findings(self) -> Vec<Finding> {
        let finding = |demand: &str, problems: Vec<String>| {
            let count = problems.len();
            let got = if count == 0 {
                Actual::Words("none".to_owned())
            } else {
                Actual::Value(several(problems.into_iter(), count, "; "))
            };
            Finding::new(demand, got, count == 0)
        };
        let Problems {
            missing,
            broken,
            mixed,
            landmarks,
        } = self.problems;
        let pages = Actual::Words(self.pages.to_string());
        let mut findings = vec![
            // A site of which nothing was seen is not without faults.
            Finding::new("at least 1 page", pages, self.pages > 0),
            finding("no broken links", missing),
            finding("no errors of the server", broken),
            finding("no content by http on pages by https", mixed),
        ];
        if !self.crawl.landmarks.is_empty() {
            findings.push(finding("no page without its landmarks", landmarks));
        }
        findings
    }
}
