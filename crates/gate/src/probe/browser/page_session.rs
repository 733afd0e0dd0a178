//! One way through the steps, at one width of the screen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use browser::{Audit, Endpoint, IntendedAction, Located, Locator, Navigation, Page, PageOptions};
use tokio::time::Instant;

use super::condition::Condition;
use super::demands::Findings;
use super::page_record::{PageRecord, ScreenshotMask};
use super::policy::{Policy, Requests};
use super::screens::{SessionEnd, SessionMode};
use super::step::{Action, Step};
use super::{Browser, Screen, page_url, unmeasured};
use crate::expect::{Actual, Finding, several};
use crate::measurement::Measurement;
use crate::probe::request_url::Origin;
use crate::probe::{ProbeContext, ProbeError, Trace};
use crate::recorder::{Attempt, StepRecord, UnreachedStep};
use crate::words;

/// How long nothing is done between two looks.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long a page may go on asking for things before it is looked at what these are.
pub(super) const MAX_SETTLE: Duration = Duration::from_secs(5);

/// A page, and how far its user has come.
pub(super) struct PageSession<'a> {
    pub(super) probe: &'a Browser,
    pub(super) context: &'a ProbeContext,
    pub(super) screen: &'a Screen,
    pub(super) page: Page,
    /// When the try began.
    pub(super) begun: Instant,
    /// When it must have come to an end.
    pub(super) end: Instant,
    /// What was typed and is secret.
    pub(super) secrets: Vec<String>,
    /// What is worth knowing of how it went.
    pub(super) noted: Vec<String>,
    /// Nothing more can be had of the page.
    is_lost: bool,
    /// Why all that was met may still not be what a customer sees: a model's word.
    pub(super) doubt: Option<String>,
    /// What a model did, as steps of a suite.
    pub(super) recording: Vec<String>,
    /// Something that it did can't be written down as a step.
    pub(super) is_recording_incomplete: bool,
}

impl<'a> PageSession<'a> {
    pub(super) async fn open(
        probe: &'a Browser,
        context: &'a ProbeContext,
        screen: &'a Screen,
        endpoint: &Endpoint,
        requests: &Arc<Mutex<Requests>>,
        (begun, end): (Instant, Instant),
    ) -> Result<Self, browser::Error> {
        let origins = probe.page_urls(context);
        let origins: Vec<Origin> = origins.into_iter().map(|url| url.origin).collect();
        let mut allowed = probe.allowed(&context.values).unwrap_or_default();
        let stated = match probe.reaches_release {
            Some(true) => origins,
            Some(false) => {
                allowed.extend(origins);
                Vec::new()
            }
            None => Vec::new(),
        };
        let policy = Policy {
            clients: Arc::clone(&context.clients),
            headers: Arc::clone(&context.release_headers),
            stated,
            allowed,
            requests: Arc::clone(requests),
        };
        let options = PageOptions {
            viewport: screen.viewport,
            user_agent: context.clients.user_agent.clone(),
            accept_dialogs: probe.accept_dialogs,
        };
        // The picture of what went wrong comes after the end of the steps.
        let until = end + super::EVIDENCE_RESERVE;
        let page = Page::open(endpoint, options, Box::new(policy), until).await?;
        Ok(Self {
            probe,
            context,
            screen,
            page,
            begun,
            end,
            secrets: Vec::new(),
            noted: Vec::new(),
            is_lost: false,
            doubt: None,
            recording: Vec::new(),
            is_recording_incomplete: false,
        })
    }

    pub(super) async fn close(self) {
        self.page.close().await;
    }

    /// What is worth knowing.
    pub(super) fn notes(&self) -> Vec<String> {
        let name = &self.screen.name;
        let notes = self.noted.iter().chain(&self.page.log().notes);
        let mut notes: Vec<String> = notes.map(|note| format!("{name}: {note}")).collect();
        if let Some(by) = self.answered_by() {
            notes.push(format!("{name}: the pages were answered by {by}"));
        }
        for problem in &self.page.log().problems {
            if problem.count > 1 {
                let times = words::count(problem.count, "time");
                notes.push(format!("{name}: {times}: {}", problem.text));
            }
        }
        let left_out = self.page.log().left_out;
        if left_out > 0 {
            notes.push(format!(
                "{name}: {left_out} lines of the console and requests were not kept"
            ));
        }
        notes
    }

    /// Who really answered at the release's own origins.
    fn answered_by(&self) -> Option<String> {
        let urls = self.probe.page_urls(self.context);
        let origin = urls.first()?.origin.to_string();
        let mut by: Vec<&str> = Vec::new();
        for line in &self.page.log().requests {
            let is_own = line.request.split_once(' ').is_some_and(|(_, url)| {
                url.strip_prefix(&origin)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            });
            if let (true, Some(address)) = (is_own, line.answered_by.as_deref())
                && !by.contains(&address)
            {
                by.push(address);
            }
        }
        let count = by.len();
        (count > 0).then(|| several(by.into_iter().map(str::to_owned), count, ", "))
    }

    /// Takes step after step until one is not met, and then judges what is behind the page.
    pub(super) async fn through(
        &mut self,
        mode: SessionMode,
        trace: &mut Trace,
        findings: &mut Findings<'_>,
    ) -> Result<SessionEnd, ProbeError> {
        let probe = self.probe;
        let mut met = self.steps(&probe.steps, trace, findings).await;
        if let Some(agent) = &probe.agent {
            met = match (met, mode) {
                (Ok(true), SessionMode::Replay) => {
                    match self.replay(agent, trace, findings).await {
                        Ok(SessionEnd::ReplayOutdated) => {
                            findings.take_log_of_outdated_replay(self.page.log(), self.screen);
                            return Ok(SessionEnd::ReplayOutdated);
                        }
                        other => other.map(|end| end == SessionEnd::Met),
                    }
                }
                (Ok(true), SessionMode::Steps) => self.agent(agent, trace, findings).await,
                (other, mode) => {
                    if mode == SessionMode::Replay {
                        self.leave(agent.recorded.iter().map(Step::said), trace);
                    }
                    self.leave(agent.proof.said(), trace);
                    other
                }
            };
        }
        let met = met?;
        let before = findings.len();
        let judged = self.judge(findings).await;
        if met {
            judged?;
        }
        findings.take_log(self.page.log(), self.screen);
        if met && (findings.len() > before || self.doubt.is_some()) {
            let record = self.record().await;
            trace.pages.push(record);
        }
        Ok(if met {
            SessionEnd::Met
        } else {
            SessionEnd::Unmet
        })
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Why all that was met is in doubt.
    pub(super) fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Takes step after step until one is not met; false then.
    pub(super) async fn steps(
        &mut self,
        steps: &[Step],
        trace: &mut Trace,
        findings: &mut Findings<'_>,
    ) -> Result<bool, ProbeError> {
        for (index, step) in steps.iter().enumerate() {
            let from = Instant::now();
            if matches!(step.action, Action::Go(_)) && self.number(trace) > 1 {
                // The page that is left is judged as long as it is there.
                self.judge(findings).await?;
            }
            let mut attempt =
                Attempt::begun(trace.started + from.saturating_duration_since(self.begun));
            let taken = self.take(step, &mut attempt).await;
            let measurement = match taken {
                Ok(found) => {
                    let measurement = worst(&found);
                    attempt.findings = found;
                    measurement
                }
                Err(error) => {
                    self.is_lost = error.measurement == Measurement::Failed;
                    attempt.error = Some(error.message);
                    error.measurement
                }
            };
            attempt.measurement = measurement;
            attempt.duration = from.elapsed();
            if measurement != Measurement::Passed {
                attempt.pages.push(self.record().await);
            }
            let met = self.took(&step.said(), attempt, trace);
            if !matches!(met, Ok(true)) {
                self.leave(steps[index + 1..].iter().map(Step::said), trace);
                return met;
            }
        }
        Ok(true)
    }

    /// Writes down steps that are not reached any more.
    pub(super) fn leave(&self, steps: impl Iterator<Item = String>, trace: &mut Trace) {
        let first = self.number(trace) + trace.not_reached.len();
        let left = steps.enumerate().map(|(index, said)| UnreachedStep {
            number: first + index,
            name: Some(format!("{}: {said}", self.screen.name)),
        });
        let left: Vec<UnreachedStep> = left.collect();
        trace.not_reached.extend(left);
    }

    /// Writes a step down. False if it was not met, and an error if it could not be judged.
    pub(super) fn took(
        &self,
        said: &str,
        attempt: Attempt,
        trace: &mut Trace,
    ) -> Result<bool, ProbeError> {
        let (measurement, why) = (attempt.measurement, why(&attempt));
        let number = self.number(trace);
        self.add_step(trace, said, attempt);
        match measurement {
            Measurement::Passed => Ok(true),
            Measurement::Failed => Ok(false),
            _ => {
                let why = why.unwrap_or_else(|| "a step could not be judged".to_owned());
                let screen = &self.screen.name;
                Err(ProbeError::errored(format!(
                    "{screen}, step {number}: {why}"
                )))
            }
        }
    }

    /// Records a step that was taken.
    pub(super) fn add_step(&self, trace: &mut Trace, said: &str, attempt: Attempt) {
        trace.steps.push(StepRecord {
            number: self.number(trace),
            name: Some(format!("{}: {said}", self.screen.name)),
            always: false,
            attempt,
            captured: Vec::new(),
        });
    }

    /// The number of the next step at this screen.
    pub(super) fn number(&self, trace: &Trace) -> usize {
        let of_screen = format!("{}: ", self.screen.name);
        let steps = trace.steps.iter().rev();
        let taken = steps.take_while(|step| {
            let name = step.name.as_ref();
            name.is_some_and(|name| name.starts_with(&of_screen))
        });
        taken.count() + 1
    }

    pub(super) async fn record(&mut self) -> PageRecord {
        let cover = ScreenshotMask {
            mask: &self.probe.mask,
            secrets: &self.secrets,
        };
        PageRecord::of(&mut self.page, self.screen, cover, self.is_lost).await
    }

    /// What is behind the page that is shown: once it has come to rest.
    async fn judge(&mut self, findings: &mut Findings<'_>) -> Result<(), ProbeError> {
        if self.is_lost {
            return Ok(());
        }
        let until = (Instant::now() + MAX_SETTLE).min(self.end);
        let judged = async {
            if !self.page.settle(until).await? {
                self.noted
                    .push("the page goes on asking for things; it was judged meanwhile".to_owned());
                for text in self.unanswered().await? {
                    findings.take_unanswered(&text, self.screen);
                }
            }
            let Audit {
                view,
                overflow,
                contrast,
            } = self.page.audit().await?;
            if view.url.starts_with("about:") || view.url.starts_with("chrome-error:") {
                return Ok(());
            }
            let tree = self.page.tree().await?;
            if !contrast.complete {
                let note = format!("not all text was looked at for its contrast: {}", view.url);
                self.noted.push(note);
            }
            findings.take_page(&view, overflow, &tree, &contrast, self.screen);
            Ok(())
        };
        match judged.await {
            Ok(()) => Ok(()),
            Err(error) => Err(unmeasured(error)),
        }
    }

    /// What came of a step.
    async fn take(
        &mut self,
        step: &Step,
        attempt: &mut Attempt,
    ) -> Result<Vec<Finding>, ProbeError> {
        let values = &self.context.values;
        let timeout = step.timeout.unwrap_or(self.probe.step_timeout);
        let until = (Instant::now() + timeout).min(self.end);
        match &step.action {
            Action::Go(url) => self.go(&url.render(values)?, attempt, until).await,
            Action::Click(locator) => {
                self.act(&locator.filled(values)?, ElementAction::Click, until)
                    .await
            }
            Action::Type { into, text, secret } => {
                let text = text.render(values)?;
                if *secret && !text.is_empty() {
                    self.secrets.push(text.clone());
                }
                let act = ElementAction::Type(&text, *secret);
                self.act(&into.filled(values)?, act, until).await
            }
            Action::Select { from, option } => {
                let option = option.render(values)?;
                self.act(&from.filled(values)?, ElementAction::Select(&option), until)
                    .await
            }
            Action::Press(_, key) => {
                self.page.press(key).await.map_err(unmeasured)?;
                Ok(vec![Finding::new(
                    "the key to be pressed",
                    Actual::Words("pressed".to_owned()),
                    true,
                )])
            }
            Action::WaitFor(locator) => {
                self.act(&locator.filled(values)?, ElementAction::See, until)
                    .await
            }
            Action::Expect(conditions) => self.expect(conditions, until).await,
        }
    }

    pub(super) async fn go(
        &mut self,
        url: &str,
        attempt: &mut Attempt,
        until: Instant,
    ) -> Result<Vec<Finding>, ProbeError> {
        let url = page_url(url, self.context)?;
        attempt.request = Some(format!("GET {url}"));
        let went = self.page.go(&url, until).await.map_err(unmeasured)?;
        attempt.status = self.page.log().page_status;
        if went == Navigation::Loaded && attempt.status.is_none() {
            let why = "the browser did not say with which status";
            return Ok(vec![Finding::errored("a page", why)]);
        }
        let status = attempt
            .status
            .map_or_else(String::new, |status| format!(" with status {status}"));
        let got = match &went {
            Navigation::Loaded => format!("one{status}"),
            Navigation::Failed(why) => format!("none: {why}"),
            Navigation::Unfinished => "one that was not complete in time".to_owned(),
        };
        let loaded =
            went == Navigation::Loaded && attempt.status.is_some_and(|status| status < 400);
        Ok(vec![Finding::new("a page", Actual::Words(got), loaded)])
    }

    /// Does something with an element as soon as people could: when it is there, alone, visible, still, enabled and not
    /// covered.
    async fn act(
        &mut self,
        locator: &Locator,
        act: ElementAction<'_>,
        until: Instant,
    ) -> Result<Vec<Finding>, ProbeError> {
        let demand = format!("{locator} {}", act.demand());
        loop {
            let found = self.page.locate(locator).await.map_err(unmeasured)?;
            let unmet = match self.act_on(found, &act).await.map_err(unmeasured)? {
                ActionOutcome::Yes => {
                    let got = Actual::Words(act.done().to_owned());
                    return Ok(vec![Finding::new(demand, got, true)]);
                }
                ActionOutcome::Never(why) => return Ok(vec![Finding::errored(demand, why)]),
                ActionOutcome::NotYet(why) => why,
            };
            if Instant::now() >= until {
                return Ok(vec![Finding::new(demand, Actual::Value(unmet), false)]);
            }
            self.page.wait(POLL_INTERVAL).await.map_err(unmeasured)?;
        }
    }

    /// Does it with what was found, if people could.
    pub(super) async fn act_on(
        &mut self,
        located: Located,
        act: &ElementAction<'_>,
    ) -> Result<ActionOutcome, browser::Error> {
        if located.invalid {
            let why = "it is no CSS selector that the browser knows";
            return Ok(ActionOutcome::Never(why.to_owned()));
        }
        let hidden = located.all.saturating_sub(located.seen);
        match (located.seen, act) {
            (0, _) if hidden > 0 => {
                return Ok(ActionOutcome::NotYet(format!(
                    "{hidden} in the page, none visible"
                )));
            }
            (0, _) => return Ok(ActionOutcome::NotYet("none in the page".to_owned())),
            (_, ElementAction::See) | (1, _) => {}
            (count, _) => {
                let names = self.page.names().await?;
                let names = several(names.into_iter(), count, ", ");
                return Ok(ActionOutcome::NotYet(format!("{count} of them: {names}")));
            }
        }
        let intended = match act {
            ElementAction::See => return Ok(ActionOutcome::Yes),
            ElementAction::Select(_) => IntendedAction::Select,
            ElementAction::Click => IntendedAction::Click,
            ElementAction::Type(..) => IntendedAction::Type,
        };
        let refused = match (self.page.ready(intended).await?, act) {
            (Err(why), _) => Some(why),
            (Ok(_), ElementAction::Select(option)) => self.page.choose(option).await?.err(),
            (Ok(at), _) => {
                self.page.click(at).await?;
                None
            }
        };
        if let Some(why) = refused {
            return Ok(ActionOutcome::NotYet(why.to_string()));
        }
        if let ElementAction::Type(text, secret) = act {
            if !self.page.enter(*secret).await? {
                let why = "it does not take the cursor";
                return Ok(ActionOutcome::NotYet(why.to_owned()));
            }
            self.page.type_text(text).await?;
        }
        Ok(ActionOutcome::Yes)
    }

    async fn expect(
        &mut self,
        conditions: &[Condition],
        until: Instant,
    ) -> Result<Vec<Finding>, ProbeError> {
        let unrest = if conditions.iter().any(Condition::may_hold_too_early) {
            self.unrest(until).await.map_err(unmeasured)?
        } else {
            None
        };
        loop {
            let mut found = Vec::new();
            for condition in conditions {
                let judged = condition.judge(&mut self.page, &self.context.values).await;
                let mut judged =
                    judged.map_err(super::condition::ConditionError::into_probe_error)?;
                if let (Some(why), true) = (&unrest, condition.may_hold_too_early()) {
                    // It may still come.
                    for one in &mut judged {
                        if one.measurement == Measurement::Passed {
                            *one = Finding::errored(one.demand.clone(), why.clone());
                        }
                    }
                }
                found.append(&mut judged);
            }
            let is_settled = matches!(worst(&found), Measurement::Passed | Measurement::Errored);
            if is_settled || Instant::now() >= until {
                return Ok(found);
            }
            self.page.wait(POLL_INTERVAL).await.map_err(unmeasured)?;
        }
    }
}

/// What is done with an element.
pub(super) enum ElementAction<'a> {
    See,
    Click,
    Type(&'a str, bool),
    Select(&'a str),
}

impl ElementAction<'_> {
    fn demand(&self) -> &'static str {
        match self {
            Self::See => "to be seen",
            Self::Click => "to be clicked",
            Self::Type(..) => "to be typed into",
            Self::Select(_) => "to be chosen from",
        }
    }

    pub(super) fn done(&self) -> &'static str {
        match self {
            Self::See => "seen",
            Self::Click => "clicked",
            Self::Type(..) => "typed",
            Self::Select(_) => "chosen",
        }
    }
}

/// Whether something was done.
pub(super) enum ActionOutcome {
    Yes,
    /// It can't be yet.
    NotYet(String),
    /// It will never be, whatever the page does.
    Never(String),
}

/// Why a step could not be judged.
fn why(attempt: &Attempt) -> Option<String> {
    let mut errored = attempt.findings.iter();
    let errored = errored.find(|one| one.measurement == Measurement::Errored);
    let of_finding = || {
        errored.map(|one| {
            let (Actual::Words(why) | Actual::Value(why)) = &one.got;
            format!("{}: {why}", one.demand)
        })
    };
    attempt.error.clone().or_else(of_finding)
}

pub(super) fn worst(findings: &[Finding]) -> Measurement {
    let any = |measurement| findings.iter().any(|one| one.measurement == measurement);
    if any(Measurement::Failed) {
        Measurement::Failed
    } else if !findings.is_empty()
        && findings
            .iter()
            .all(|one| one.measurement == Measurement::Passed)
    {
        Measurement::Passed
    } else {
        Measurement::Errored
    }
}
