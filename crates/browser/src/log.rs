//! What a page did that people don't see: its console, its requests, and what went wrong with them. Bounded: what comes
//! beyond is counted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

/// How long a line may be, in bytes. Longer than anything that is shown, so that a secret is looked for before it is cut.
pub const MAX_LINE: usize = 8 * 1024;
/// Lines of the console, requests and problems that are kept.
const MAX_CONSOLE: usize = 200;
const MAX_REQUESTS: usize = 500;
const MAX_PROBLEMS: usize = 100;
/// Requests whose end is waited for.
const MAX_OPEN: usize = 5_000;

/// What went wrong with a page, whatever its steps came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind it is.
    pub kind: ProblemKind,
    /// `GET https://shop.example.com/cart.js: 404`
    pub text: String,
    /// How often it came.
    pub count: usize,
}

/// A request whose end is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRequest {
    /// `GET https://shop.example.com/cart`
    pub request: String,
    /// Whether at least the head of an answer has come.
    pub is_answered: bool,
    /// When it went out.
    pub since: Instant,
}

/// Which kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// A script threw, and nothing caught it.
    Exception,
    /// `console.error`, or what the browser itself writes as an error.
    Console,
    /// An answer of 400 or more, or none.
    Request,
    /// Content by `http` on a page by `https`.
    MixedContent,
    /// What the page's own policy of content forbids.
    ContentPolicy,
    /// `alert`, `confirm` and `prompt`, which nobody expected.
    Dialog,
    /// Another window.
    PopUp,
    /// A file.
    Download,
    /// A request that is not let through.
    Refused,
}

impl ProblemKind {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 9] = [
        Self::Exception,
        Self::Console,
        Self::Request,
        Self::MixedContent,
        Self::ContentPolicy,
        Self::Dialog,
        Self::PopUp,
        Self::Download,
        Self::Refused,
    ];
}

/// One request of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// `GET https://shop.example.com/`
    pub request: String,
    /// `200`, `net::ERR_CONNECTION_REFUSED`; none while there is no answer.
    pub outcome: Option<String>,
    /// Who really answered: `127.0.0.1:8080`.
    pub answered_by: Option<String>,
    /// The page itself, and not something in it.
    pub is_page: bool,
}

/// All that is known.
#[derive(Debug, Default)]
pub struct Log {
    /// Lines of the console, with their level.
    pub console: Vec<String>,
    /// Requests, in order.
    pub requests: Vec<RequestLine>,
    /// What went wrong.
    pub problems: Vec<Problem>,
    /// Problems of which nothing is kept, beyond the others: what they are is not known.
    pub problems_left_out: usize,
    /// The status of the last answer to a request for the page itself.
    pub page_status: Option<u16>,
    /// What was seen and is no problem: a service worker, which is bypassed.
    pub notes: Vec<String>,
    /// What was not kept.
    pub left_out: usize,
    open: HashMap<String, Open>,
    refused: HashSet<String>,
    quiet_since: Option<Instant>,
}

#[derive(Debug)]
struct Open {
    /// Among the requests, if it is kept.
    line: Option<usize>,
    request: String,
    url: String,
    counts: bool,
    is_page: bool,
    is_answered: bool,
    since: Instant,
}

/// What goes out.
#[derive(Clone, Copy)]
pub(crate) struct SentRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    /// Whether its end is waited for: not that of a stream, which has none.
    pub(crate) counts: bool,
    /// The page itself, and not something in it.
    pub(crate) is_page: bool,
}

impl Log {
    pub(crate) fn console(&mut self, line: &str) {
        if self.console.len() < MAX_CONSOLE {
            self.console.push(head(line));
        } else {
            self.left_out += 1;
        }
    }

    pub(crate) fn problem(&mut self, kind: ProblemKind, text: &str) {
        let text = head(text);
        let mut known = self.problems.iter_mut();
        if let Some(known) = known.find(|known| known.kind == kind && known.text == text) {
            known.count += 1;
        } else if self.problems.len() < MAX_PROBLEMS {
            let count = 1;
            self.problems.push(Problem { kind, text, count });
        } else {
            self.problems_left_out += 1;
        }
    }

    pub(crate) fn note(&mut self, text: String) {
        if self.notes.len() < MAX_PROBLEMS && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// A request goes out.
    pub(crate) fn asked(&mut self, id: String, what: &SentRequest<'_>) {
        let SentRequest {
            method,
            url,
            counts,
            is_page,
        } = *what;
        let request = head(&format!("{method} {url}"));
        // A redirect goes on under the same number.
        if let Some(earlier) = self.open.remove(&id) {
            self.settle(&earlier, "redirected".to_owned());
        }
        let line = (self.requests.len() < MAX_REQUESTS).then(|| {
            self.requests.push(RequestLine {
                request: request.clone(),
                outcome: None,
                answered_by: None,
                is_page,
            });
            self.requests.len() - 1
        });
        self.left_out += usize::from(line.is_none());
        if self.open.len() < MAX_OPEN || is_page {
            let url = head(url);
            self.open.insert(
                id,
                Open {
                    line,
                    request,
                    url,
                    counts,
                    is_page,
                    is_answered: false,
                    since: Instant::now(),
                },
            );
        }
        self.quiet_since = None;
    }

    pub(crate) fn answered(&mut self, id: &str, status: u16, by: Option<String>) {
        let Some(open) = self.open.get_mut(id) else {
            return;
        };
        open.is_answered = true;
        if open.is_page {
            self.page_status = Some(status);
        }
        if let Some(line) = open.line.and_then(|line| self.requests.get_mut(line)) {
            line.outcome = Some(status.to_string());
            line.answered_by = by;
        }
        if status >= 400 && !is_icon(&open.url) {
            let text = format!("{}: {status}", open.request);
            self.problem(ProblemKind::Request, &text);
        }
    }

    /// Nothing more comes of a request.
    pub(crate) fn ended(&mut self, id: &str) {
        self.open.remove(id);
    }

    /// A request broke. One that was given up, because the page goes on to another one, did not.
    pub(crate) fn broke(&mut self, id: &str, why: &str, blocked: Option<&str>, given_up: bool) {
        let Some(open) = self.open.remove(id) else {
            return;
        };
        let refused = self.refused.remove(id);
        let why = match blocked {
            Some(reason) => format!("blocked ({reason})"),
            None => why.to_owned(),
        };
        self.settle(&open, why.clone());
        // What the page's policy and mixed content block comes with an entry of the browser's own log.
        let told_elsewhere = refused || matches!(blocked, Some("csp" | "mixed-content"));
        if !given_up && !told_elsewhere && !is_icon(&open.url) {
            let text = format!("{}: {why}", open.request);
            self.problem(ProblemKind::Request, &text);
        }
    }

    /// We do not let a request through ourselves.
    pub(crate) fn refuse(&mut self, id: Option<&str>, text: &str) {
        if let Some(id) = id {
            self.refused.insert(id.to_owned());
        }
        self.problem(ProblemKind::Refused, text);
    }

    fn settle(&mut self, open: &Open, outcome: String) {
        if let Some(line) = open.line.and_then(|line| self.requests.get_mut(line)) {
            line.outcome = Some(outcome);
        }
    }

    /// The requests whose end is waited for, the oldest first.
    pub fn pending(&self) -> Vec<PendingRequest> {
        let counting = self.open.values().filter(|open| open.counts);
        let mut pending: Vec<PendingRequest> = counting
            .map(|open| PendingRequest {
                request: open.request.clone(),
                is_answered: open.is_answered,
                since: open.since,
            })
            .collect();
        pending.sort_by_key(|one| one.since);
        pending
    }

    /// What was quiet until now does not count.
    pub(crate) fn listen_anew(&mut self) {
        self.quiet_since = None;
    }

    /// How long no request that is waited for has been under way, but for these.
    pub(crate) fn quiet_for(&mut self, now: Instant, but_for: &[String]) -> Duration {
        let is_waited_for = |open: &Open| open.counts && !but_for.contains(&open.request);
        if self.open.values().any(is_waited_for) {
            self.quiet_since = None;
            return Duration::ZERO;
        }
        now.saturating_duration_since(*self.quiet_since.get_or_insert(now))
    }
}

/// Browsers ask for it whatever the page says.
fn is_icon(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let after_host = path.split_once("://").map_or(path, |(_, rest)| rest);
    after_host
        .split_once('/')
        .is_some_and(|(_, path)| path == "favicon.ico")
}

fn head(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_LINE)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(url: &str, counts: bool) -> SentRequest<'_> {
        SentRequest {
            method: "GET",
            url,
            counts,
            is_page: false,
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut log = Log::default();
        for number in 0..10_000 {
            log.console(&"x".repeat(20_000));
            log.problem(ProblemKind::Console, "bad");
            log.problem(ProblemKind::Console, &format!("bad {number}"));
            log.asked(number.to_string(), &get("http://a/", true));
        }
        assert_eq!(log.console.len(), MAX_CONSOLE);
        assert!(log.console.iter().all(|line| line.len() == MAX_LINE));
        assert_eq!(log.problems.len(), MAX_PROBLEMS);
        assert_eq!(
            (log.problems[0].count, log.problems_left_out),
            (10_000, 10_001 - MAX_PROBLEMS)
        );
        assert!(log.requests.len() == MAX_REQUESTS && log.open.len() == MAX_OPEN);
        assert_eq!(log.left_out, 20_000 - MAX_CONSOLE - MAX_REQUESTS);
    }

    #[test]
    fn a_request_fails_by_its_status_or_by_breaking_and_only_once() {
        let mut log = Log::default();
        let ask = |log: &mut Log, id: &str, url: &str| log.asked(id.to_owned(), &get(url, true));
        ask(&mut log, "1", "http://a/x.js");
        log.answered("1", 404, Some("127.0.0.1:80".to_owned()));
        log.ended("1");
        ask(&mut log, "2", "http://a/y");
        log.broke("2", "net::ERR_CONNECTION_REFUSED", None, false);
        // The page went on; the browser asks for it by itself; the policy of the page says it.
        ask(&mut log, "3", "http://a/z");
        log.broke("3", "net::ERR_ABORTED", None, true);
        ask(&mut log, "4", "http://a/favicon.ico");
        log.answered("4", 404, None);
        ask(&mut log, "5", "http://b/i.png");
        log.broke("5", "", Some("csp"), false);
        let problems: Vec<&str> = log.problems.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            problems,
            [
                "GET http://a/x.js: 404",
                "GET http://a/y: net::ERR_CONNECTION_REFUSED"
            ]
        );
        assert_eq!(log.requests[0].answered_by.as_deref(), Some("127.0.0.1:80"));
        assert_eq!(log.requests[4].outcome.as_deref(), Some("blocked (csp)"));
    }

    #[test]
    fn the_status_of_a_page_is_known_whatever_else_is_asked_for() {
        let mut log = Log::default();
        for number in 0..10_000 {
            log.asked(number.to_string(), &get("http://a/x", true));
        }
        let page = SentRequest {
            is_page: true,
            ..get("http://a/", true)
        };
        log.asked("page".to_owned(), &page);
        assert_eq!(log.page_status, None);
        log.answered("page", 503, None);
        log.answered("7", 200, None);
        assert_eq!(log.page_status, Some(503));
    }

    #[test]
    fn what_has_no_end_is_told_but_for_streams() {
        let mut log = Log::default();
        log.asked("1".to_owned(), &get("http://a/x", true));
        log.asked("2".to_owned(), &get("http://a/live", false));
        log.asked("3".to_owned(), &get("http://a/y", true));
        log.asked("4".to_owned(), &get("http://a/z", true));
        log.answered("3", 200, None);
        log.ended("4");
        let pending = log.pending();
        let told = pending
            .iter()
            .map(|one| (one.request.as_str(), one.is_answered));
        let told: Vec<(&str, bool)> = told.collect();
        assert_eq!(told, [("GET http://a/x", false), ("GET http://a/y", true)]);
    }

    #[tokio::test]
    async fn it_is_quiet_where_nothing_is_under_way() {
        let mut log = Log::default();
        let now = Instant::now();
        log.asked("1".to_owned(), &get("http://a/", true));
        assert_eq!(log.quiet_for(now, &[]), Duration::ZERO);
        log.ended("1");
        assert_eq!(log.quiet_for(now, &[]), Duration::ZERO);
        let second = Duration::from_secs(1);
        assert_eq!(log.quiet_for(now + second, &[]), second);
        // A stream never ends.
        log.asked("2".to_owned(), &get("http://a/live", false));
        log.quiet_for(now + second, &[]);
        assert!(log.quiet_for(now + 2 * second, &[]) > Duration::ZERO);
        // One that is known to go on.
        log.asked("3".to_owned(), &get("http://a/poll", true));
        let known = ["GET http://a/poll".to_owned()];
        assert_eq!(log.quiet_for(now, &[]), Duration::ZERO);
        log.quiet_for(now, &known);
        assert_eq!(log.quiet_for(now + second, &known), second);
    }
}
