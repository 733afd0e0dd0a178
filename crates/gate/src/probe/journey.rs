//! A journey: steps that share captured values and cookies, as a visitor goes through a site. Here is what it is; how
//! it is gone through is in `run::journey`, as its steps are judged on the way.

use std::time::Duration;

use futures::FutureExt;

use super::http::Request;
use super::request_url::RequestUrl;
use super::{Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace};
use crate::expect::{Capture, Expectation, memory_to_judge};
use crate::measurement::Measurement;
use crate::template::Template;

/// What steps under `always` may take together, beyond every other limit of their check.
pub(crate) const ALWAYS_RESERVE: Duration = Duration::from_secs(10);

/// `journey:` of a check.
#[derive(Clone, Debug)]
pub(crate) struct Journey {
    /// One after the other, until one is not met; at least one.
    pub(crate) steps: Vec<Step>,
    /// After those, whatever came of them.
    pub(crate) always: Vec<Step>,
}

/// One step of a journey.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) name: Option<String>,
    pub(crate) request: Request,
    pub(crate) expect: Vec<Expectation>,
    pub(crate) captures: Vec<Capture>,
    /// The limit of one try of this step.
    pub(crate) timeout: Duration,
    /// Tries after the first, before the journey ends here.
    pub(crate) retries: u32,
    /// The pause between two tries.
    pub(crate) retry_every: Duration,
}

impl Step {
    /// All that is judged of its answer, as expectations: what captures need as well.
    pub(crate) fn judged(&self) -> Vec<Expectation> {
        let captures = self.captures.iter().filter_map(Capture::needs);
        self.expect.iter().cloned().chain(captures).collect()
    }

    /// What all its tries may take together.
    fn time(&self) -> Duration {
        self.timeout
            .saturating_mul(self.retries.saturating_add(1))
            .saturating_add(self.retry_every.saturating_mul(self.retries))
    }

    fn is_safe(&self) -> bool {
        self.request.profile().sampling == Sampling::Repeat
    }
}

impl Journey {
    fn all(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(&self.always)
    }

    /// What the steps may take together, by their own limits.
    pub(crate) fn timeout(&self) -> Duration {
        let times = self.steps.iter().map(Step::time);
        times.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// What is kept for the steps under `always`.
    pub(crate) fn reserve(&self) -> Duration {
        let times = self.always.iter().map(Step::time);
        let always = times.fold(Duration::ZERO, Duration::saturating_add);
        always.min(ALWAYS_RESERVE)
    }
}

impl ProbeKind for Journey {
    fn profile(&self) -> Profile {
        let received = self.all().map(|step| step.request.max_body);
        let judged = self
            .all()
            .map(|step| memory_to_judge(&step.judged(), step.request.max_body));
        Profile {
            key: "journey",
            answer: &[],
            received: received.max().unwrap_or_default(),
            judged: judged.max().unwrap_or_default(),
            needs_traffic: true,
            sampling: if self.all().all(Step::is_safe) {
                Sampling::Repeat
            } else {
                Sampling::Once
            },
            silence: Measurement::Failed,
        }
    }

    fn asks(&self) -> Vec<String> {
        let asked = |step: &Step| step.request.asks().into_iter().next();
        let named = |step: &Step| match (&step.name, asked(step)) {
            (Some(name), Some(asked)) => Some(format!("{name}: {asked}")),
            (_, asked) => asked,
        };
        let always = self.always.iter().filter_map(named);
        let always = always.map(|step| format!("always {step}"));
        self.steps.iter().filter_map(named).chain(always).collect()
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        for step in self.all() {
            step.request.templates(see);
            for expectation in step.judged() {
                expectation.templates(see);
            }
        }
    }

    fn hosts(&self) -> Vec<String> {
        self.all().flat_map(|step| step.request.hosts()).collect()
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        self.all()
            .flat_map(|step| step.request.urls(context))
            .collect()
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        let mut subject = Subject::Other;
        for (index, step) in self.steps.iter().enumerate() {
            match step.request.subject(context) {
                Subject::Refused(why) => {
                    return Subject::Refused(format!("step {}: {why}", index + 1));
                }
                Subject::Release => subject = Subject::Release,
                Subject::Other => {}
            }
        }
        for (index, step) in self.always.iter().enumerate() {
            if let Subject::Refused(why) = step.request.subject(context) {
                return Subject::Refused(format!("always, step {}: {why}", index + 1));
            }
        }
        subject
    }

    fn conditions(&self) -> usize {
        self.all().map(|step| step.expect.len()).sum()
    }

    fn execute<'a>(&'a self, _: &'a ProbeContext, _: &'a mut Trace) -> Execution<'a> {
        let why = "a journey is gone through step by step; this is a defect";
        std::future::ready(Err(ProbeError::errored(why))).boxed()
    }
}
