//! The `browser` probe: a user on the site. It goes through steps in a real browser, at each width of the screen, and
//! reports what keeps a user from them, and what goes wrong behind what they see.
//!
//! Pages come from the release and from what the check names, and from nowhere else. It has a time of its own, so that a
//! step that is not met still ends with a picture of the page.

mod agent;
mod agent_task;
mod condition;
mod demands;
mod locator;
mod page_record;
mod page_session;
mod page_settled;
mod picture;
mod policy;
mod proof;
mod recorded_step;
mod screens;
mod step;
mod visual_comparison;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use browser::Viewport;
use futures::FutureExt;
use text::glob;
use tokio::time::Instant;

pub(crate) use self::agent_task::{AgentTask, TaskValueTemplate};
pub(crate) use self::condition::{Condition, ElementCondition};
pub(crate) use self::demands::{Vital, VitalLimit};
pub(crate) use self::locator::{LocatorTemplate, MatchTemplate};
pub(crate) use self::page_record::PageRecord;
use self::policy::Requests;
pub(crate) use self::proof::Proof;
use self::screens::{ScreensOutcome, through_screens};
pub(crate) use self::step::{Action, Step};
use super::http::Request;
use super::request_url::{Origin, RequestUrl, split_fragment};
use super::{
    Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace, place,
};
use crate::evidence::Observation;
use crate::expect::{Actual, Finding};
use crate::measurement::Measurement;
use crate::template::{Template, Values};

/// What is held beside one message: what is known of a page, pictures included.
const MAX_HELD: usize = 4 * 1024 * 1024;
/// Two pictures of a large screen, as they are compared.
const MAX_PICTURES: usize = 16 * 1024 * 1024;
/// Kept of the time of a try for the picture of what went wrong, and for the farewell.
const EVIDENCE_RESERVE: Duration = Duration::from_secs(3);

/// Steps in a browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(crate) steps: Vec<Step>,
    pub(crate) screens: Vec<Screen>,
    /// What a model does after the steps.
    pub(crate) agent: Option<Box<AgentTask>>,
    /// Whether absolute URLs lead to the release under test, where the check says so.
    pub(crate) reaches_release: Option<bool>,
    /// Other places that pages may come from.
    pub(crate) allow_origins: Vec<Template>,
    /// Problems to ignore, by their text, with `*` and `?`.
    pub(crate) allow: Vec<String>,
    pub(crate) accept_dialogs: bool,
    pub(crate) vitals: Vec<VitalLimit>,
    /// What pictures don't show, by CSS selectors.
    pub(crate) mask: Vec<String>,
    /// How much of a page may look otherwise than the old version's, in percent, if both are compared.
    pub(crate) old_looks: Option<f64>,
    /// How long one step may take.
    pub(crate) step_timeout: Duration,
    /// The limit of a try; that of the check.
    pub(crate) time: Duration,
}

/// A width of the screen, and what reports call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) name: String,
    pub(crate) viewport: Viewport,
}

impl Screen {
    pub(crate) fn desktop() -> Self {
        Self::of("desktop", 1280, 800, false)
    }

    pub(crate) fn phone() -> Self {
        Self::of("phone", 390, 844, true)
    }

    pub(crate) fn of(name: &str, width: u32, height: u32, mobile: bool) -> Self {
        Self {
            name: name.to_owned(),
            viewport: Viewport {
                width,
                height,
                mobile,
            },
        }
    }
}

impl Browser {
    /// Other places that pages may come from, filled.
    fn allowed(&self, values: &Values) -> Result<Vec<Origin>, ProbeError> {
        let origin = |template: &Template| {
            let written = template.render(values)?;
            Origin::parse(&written).ok_or_else(|| {
                ProbeError::errored(format!(
                    "allow_origins: {written:?} is not an origin such as https://login.example.com"
                ))
            })
        };
        self.allow_origins.iter().map(origin).collect()
    }

    /// Whether a problem is none, by its text.
    fn allows(&self, problem: &str) -> bool {
        let mut allow = self.allow.iter();
        allow.any(|pattern| glob::matches(pattern, problem))
    }

    fn pages(&self) -> impl Iterator<Item = &Template> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Go(url) => Some(url),
            _ => None,
        })
    }

    /// Where its pages are, as far as that is known.
    fn page_urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        let pages = self.pages();
        let rendered = pages.filter_map(|url| url.render(&context.values).ok());
        rendered
            .filter_map(|url| resolved(&url, context).ok())
            .collect()
    }

    /// What an agent's proof asks for beside the page.
    fn requests(&self) -> impl Iterator<Item = &Request> {
        let agents = self.agent.iter();
        agents.flat_map(|agent| agent.proof.requests.iter().map(|step| &step.request))
    }

    /// Whether a request of an agent's proof may change something.
    pub(crate) fn may_change_by_requests(&self) -> bool {
        self.requests().any(|request| !request.method.is_safe())
    }

    /// Names of the release that lead elsewhere by themselves, and where they must lead.
    fn hosts(context: &ProbeContext) -> Vec<(String, String)> {
        let release = &context.clients.release;
        let Some(own) = &release.origin else {
            return Vec::new();
        };
        let names = release.names.iter().filter(|name| **name != own.host);
        names
            .map(|name| {
                let port = own.port;
                (format!("{name}:{port}"), format!("{}:{port}", own.host))
            })
            .collect()
    }
}

impl ProbeKind for Browser {
    fn profile(&self) -> Profile {
        let agent = self.agent.as_ref();
        let (received, judged) = agent.map_or((0, 0), |agent| agent.proof.memory());
        Profile {
            key: if self.agent.is_some() {
                "agent"
            } else {
                "browser"
            },
            answer: &[],
            received: browser::MAX_MESSAGE_BYTES + MAX_HELD + received,
            // Two pictures without their compression.
            judged: if self.old_looks.is_some() {
                MAX_PICTURES
            } else {
                judged
            },
            needs_traffic: true,
            sampling: Sampling::Indistinct,
            // The target's silence ends within the probe's own time; beyond that it is the browser's.
            silence: Measurement::Errored,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        self.allow_origins.iter().for_each(&mut *see);
        for step in &self.steps {
            step.templates(see);
        }
        if let Some(agent) = &self.agent {
            agent.templates(see);
        }
    }

    fn asks(&self) -> Vec<String> {
        let steps = self.steps.iter().map(Step::written);
        let agent = self.agent.iter().flat_map(|agent| agent.written());
        steps.chain(agent).collect()
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        let requests = self.requests().flat_map(|request| request.urls(context));
        self.page_urls(context)
            .into_iter()
            .chain(requests)
            .collect()
    }

    fn hosts(&self) -> Vec<String> {
        self.requests().flat_map(ProbeKind::hosts).collect()
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        let mut subject = Subject::Other;
        let allowed = self.allowed(&context.values).unwrap_or_default();
        for page in self.pages() {
            let url = page.render(&context.values).ok();
            let url = url.and_then(|url| resolved(&url, context).ok());
            let Some(url) = url else {
                // The check itself will say why it can't be asked, and does not pass.
                subject = Subject::Release;
                continue;
            };
            let instead = "write a path, or name the place in `allow_origins`";
            match place::subject(&url.origin, self.reaches_release, instead, context) {
                Subject::Release => subject = Subject::Release,
                Subject::Refused(why) if !allowed.contains(&url.origin) => {
                    return Subject::Refused(why);
                }
                Subject::Refused(_) | Subject::Other => {}
            }
        }
        let agent = self.agent.as_ref();
        match agent.and_then(|agent| agent.proof.refused(context)) {
            Some(why) => Subject::Refused(why),
            None => subject,
        }
    }

    fn conditions(&self) -> usize {
        let steps: usize = self.steps.iter().map(Step::conditions).sum();
        let proof = self.agent.iter().map(|agent| agent.proof.conditions());
        steps + proof.sum::<usize>()
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

/// What a browser asks for: the URL without its fragment.
fn resolved(url: &str, context: &ProbeContext) -> Result<RequestUrl, ProbeError> {
    context.clients.resolve(split_fragment(url).0, None)
}

/// What a browser is given.
fn page_url(url: &str, context: &ProbeContext) -> Result<String, ProbeError> {
    let fragment = split_fragment(url).1;
    Ok(format!("{}{fragment}", resolved(url, context)?))
}

async fn execute(
    probe: &Browser,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let begun = Instant::now();
    let mut context = context.clone();
    if let Some(agent) = &probe.agent {
        context.values = agent.values(&context.values)?;
    }
    let context = &context;
    // What can't be filled is said, and not as pages that come from elsewhere.
    probe.allowed(&context.values)?;
    let of_release = place::admit(probe.subject(context))?;
    let browsers = context.browsers.as_deref().ok_or_else(none_here)?;
    let hosts = Browser::hosts(context);
    let open = browsers.open(&hosts).await;
    let open = open.map_err(|error| ProbeError::errored(error.to_string()))?;
    if let (false, Some((name, address))) = (open.maps_hosts, hosts.first()) {
        return Err(ProbeError::errored(format!(
            "the browser at {} can't be led to the release by its name: {name} must lead to {address}; leave out `host`, or \
             have the gate start a browser itself",
            open.endpoint.place()
        )));
    }
    let end = begun
        + probe
            .time
            .saturating_sub(EVIDENCE_RESERVE.min(probe.time / 4));
    let requests = Arc::new(Mutex::new(Requests::default()));
    let mut findings = demands::Findings::new(probe);
    let seen = through_screens(
        probe,
        context,
        &open.endpoint,
        &requests,
        (begun, end),
        trace,
        &mut findings,
    );
    let seen = seen.await;
    let reached = requests.lock().is_ok_and(|mut requests| {
        trace.notes.append(&mut requests.elsewhere);
        requests.reached
    });
    let ScreensOutcome { met, looked, doubt } = seen?;
    let mut all = vec![Finding::new(
        "every step",
        Actual::Words(
            if met {
                "all of them"
            } else {
                "one that was not met"
            }
            .to_owned(),
        ),
        met,
    )];
    all.extend(findings.all(trace));
    all.extend(looked);
    let is_good = all.iter().all(|one| one.measurement == Measurement::Passed);
    if let (true, Some(message)) = (is_good, doubt) {
        // A model takes away from what holds, and never adds to it.
        return Err(ProbeError {
            measurement: Measurement::Inconclusive,
            message,
        });
    }
    Ok(Observation {
        answer: None,
        findings: all,
        of_release: of_release && reached,
    })
}

/// What a browser can't do says nothing of the release, unless it is the page's doing.
#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unmeasured(error: browser::Error) -> ProbeError {
    if error.is_of_page() {
        ProbeError::failed(error.to_string())
    } else {
        ProbeError::errored(error.to_string())
    }
}

fn none_here() -> ProbeError {
    ProbeError::errored(NO_BROWSER)
}

/// Why a check in a browser can't be measured, and what to do.
pub(crate) const NO_BROWSER: &str = "there is no browser here: name where one listens for the Chrome DevTools Protocol (the stack's parameter \
     BrowserEndpoint; of the command line --browser), or leave the check out (--skip, `on`)";
