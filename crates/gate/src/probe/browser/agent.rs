//! A model in the browser: it goes where its goal leads, and the expectations judge.
//!
//! What was recorded of an earlier run is tried first, without a model. Only where that no longer fits, before traffic, is
//! the model asked for another way, and the report says that there was one.
//!
//! Nothing that the model is told has a secret in it, and each request of the page goes through the same policy as ever.

use std::time::Duration;

use agent::{
    Action, Agent, Answer, Element, End, Expectations, Next, PageState, RunJudgement, Scroll,
    TypedInput, judge,
};
use browser::Node;
use tokio::time::{Instant, timeout_at};

use super::agent_task::{AgentTask, SeenPage};
use super::demands::Findings;
use super::page_session::{ActionOutcome, ElementAction, PageSession};
use super::recorded_step::{self, RecordedStep};
use super::screens::SessionEnd;
use super::unmeasured;
use crate::cloud::ModelQuery;
use crate::expect::{Actual, Finding};
use crate::measurement::Measurement;
use crate::probe::{ProbeError, Trace};
use crate::recorder::Attempt;
use crate::redact::Redactor;
use crate::words;

/// How long nothing is done between two tries of an action.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Characters of a page that a model reads as text.
const MAX_READ: usize = 8_000;

impl PageSession<'_> {
    /// Does again what was recorded, and judges. Only a step that no longer fits is a way lost: where all fit and the proof
    /// does not hold, the release has failed, and no model looks for a way around that.
    pub(super) async fn replay(
        &mut self,
        task: &AgentTask,
        trace: &mut Trace,
        findings: &mut Findings<'_>,
    ) -> Result<SessionEnd, ProbeError> {
        let replayed = self.steps(&task.recorded, trace, findings).await;
        if !matches!(replayed, Ok(true)) {
            self.leave(task.proof.said(), trace);
        }
        if replayed? {
            let is_met = self.prove(&task.proof, trace, findings).await?;
            if is_met {
                self.noted
                    .push("what was recorded was done again, without a model".to_owned());
                return Ok(SessionEnd::Met);
            }
            return Ok(SessionEnd::Unmet);
        }
        let can_ask = self.context.clients.only_release && self.context.cloud.is_some();
        if !can_ask || self.is_lost() {
            return Ok(SessionEnd::Unmet);
        }
        // It is no failure yet that the way has changed.
        trace.not_reached.clear();
        let unmet = trace.steps.last_mut();
        let unmet = unmet.map_or_else(String::new, |step| {
            step.attempt.measurement = Measurement::Inconclusive;
            step.name.clone().unwrap_or_default()
        });
        self.noted.push(format!(
            "what was recorded no longer fits at {unmet:?}: the model looks for another way"
        ));
        Ok(SessionEnd::ReplayOutdated)
    }

    /// Goes where the goal leads, and judges. False if it was not reached.
    pub(super) async fn agent(
        &mut self,
        task: &AgentTask,
        trace: &mut Trace,
        findings: &mut Findings<'_>,
    ) -> Result<bool, ProbeError> {
        let end = match self.goes(task, trace).await {
            Ok(end) => end,
            Err(why) => {
                self.leave(task.proof.said(), trace);
                return Err(why);
            }
        };
        let is_met = match &end {
            End::Done { .. } | End::GaveUp(_) => {
                Some(self.prove(&task.proof, trace, findings).await?)
            }
            _ => {
                self.leave(task.proof.said(), trace);
                None
            }
        };
        let expectations = match is_met {
            Some(true) => Expectations::Met,
            Some(false) => Expectations::Unmet,
            None => Expectations::Unknown,
        };
        self.noted.push(end.to_string());
        match judge(expectations, &end) {
            RunJudgement::Passed => {
                if !self.is_recording_incomplete {
                    trace.recording.append(&mut self.recording);
                }
                Ok(true)
            }
            RunJudgement::Failed => Ok(false),
            RunJudgement::Inconclusive(why) => {
                self.doubt = Some(why);
                Ok(true)
            }
            RunJudgement::Errored(why) => {
                let record = self.record().await;
                trace.pages.push(record);
                Err(ProbeError::errored(why))
            }
        }
    }

    /// Asks the model what to do, and does it, until there is an end.
    async fn goes(&mut self, task: &AgentTask, trace: &mut Trace) -> Result<End, ProbeError> {
        let context = self.context;
        let cloud = context.cloud("a model")?;
        let mut origins = self.probe.allowed(&context.values)?;
        origins.extend(
            self.probe
                .page_urls(context)
                .into_iter()
                .map(|url| url.origin),
        );
        let origins = origins.iter().map(ToString::to_string).collect();
        let redactor = task.redactor(&context.values);
        let begun = Instant::now();
        let mut seen = self.seen(&redactor).await?;
        let mut agent = Agent::new(task.task(origins, &context.values)?, seen.state.clone());
        let end = loop {
            match agent.next(begun.elapsed()) {
                Next::End(end) => break end,
                Next::Ask(body) => {
                    let query = ModelQuery {
                        model: task.model.clone(),
                        body,
                    };
                    let until = self.end.min(begun + task.bounds.time);
                    let asking = timeout_at(until, cloud.converse(&query));
                    match self.page.wait_for(asking).await.map_err(unmeasured)? {
                        Ok(Ok(answer)) => agent.hear(Answer::read(&answer)),
                        Ok(Err(error)) => agent.lose(error.0),
                        Err(_) => agent.lose("the model did not answer in time".to_owned()),
                    }
                }
                Next::Act(action) => {
                    let said = action.described(&seen.state);
                    let came = self
                        .record_action(task, &action, &seen, said, trace)
                        .await?;
                    let came = came
                        .map(|text| redactor.text(&text))
                        .map_err(|why| redactor.text(&why));
                    seen = self.seen(&redactor).await?;
                    agent.see(came, seen.state.clone());
                }
            }
        };
        let spent = agent.spent();
        let cost = task.price.map_or_else(String::new, |price| {
            format!(", {:.4} USD", spent.usd(price))
        });
        self.noted.push(format!(
            "{} was asked {}: {} in, {} out{cost}",
            task.model,
            words::count(usize::try_from(spent.steps).unwrap_or(usize::MAX), "time"),
            words::count(
                usize::try_from(spent.input_tokens).unwrap_or(usize::MAX),
                "token"
            ),
            words::count(
                usize::try_from(spent.output_tokens).unwrap_or(usize::MAX),
                "token"
            ),
        ));
        Ok(end)
    }

    /// The page at rest, without secrets.
    async fn seen(&mut self, redactor: &Redactor) -> Result<SeenPage, ProbeError> {
        // What the action has just begun.
        self.come_to_rest().await.map_err(unmeasured)?;
        let view = self.page.view().await.map_err(unmeasured)?;
        let tree = self.page.tree().await.map_err(unmeasured)?;
        let backends = tree.iter().map(|node| node.backend).collect();
        let element = |node: Node| Element {
            depth: node.depth,
            role: node.role,
            name: redactor.text(&node.name),
            value: node.value.map(|value| redactor.text(&value)),
        };
        Ok(SeenPage {
            state: PageState {
                url: redactor.text(&view.url),
                title: redactor.text(&view.title),
                elements: tree.into_iter().map(element).collect(),
            },
            backends,
        })
    }

    /// Does one thing, as a step of the report.
    async fn record_action(
        &mut self,
        task: &AgentTask,
        action: &Action,
        seen: &SeenPage,
        said: String,
        trace: &mut Trace,
    ) -> Result<Result<String, String>, ProbeError> {
        let from = Instant::now();
        let mut attempt =
            Attempt::begun(trace.started + from.saturating_duration_since(self.begun));
        // Before it: an element may be gone afterwards.
        let step = recorded_step::step(self, task, action, seen)
            .await
            .map_err(unmeasured)?;
        let came = self.acts(task, action, seen, &mut attempt).await?;
        match step {
            RecordedStep::AsPage if came.is_ok() => {
                // The page that is left is shown until the one before has come.
                self.come_to_rest().await.map_err(unmeasured)?;
                let view = self.page.view().await.map_err(unmeasured)?;
                let url = task.redactor(&self.context.values).text(&view.url);
                self.add_to_recording(recorded_step::opened(&url, self.context), &said);
            }
            step if came.is_ok() => self.add_to_recording(step, &said),
            _ => {}
        }
        // That it could not be done is for the model to find a way around, and no failure.
        attempt.measurement = Measurement::Passed;
        attempt.duration = from.elapsed();
        let got = match (&came, action) {
            (Ok(_), Action::Read) => Actual::Words("read".to_owned()),
            (Ok(got), _) => Actual::Words(got.clone()),
            (Err(why), _) => Actual::Value(why.clone()),
        };
        attempt.findings = vec![Finding::new("something to be done", got, true)];
        self.add_step(trace, &said, attempt);
        Ok(came)
    }

    /// Keeps a step of the recording. One that can't be kept makes a recording that leads elsewhere, so there is none.
    fn add_to_recording(&mut self, step: RecordedStep, said: &str) {
        match step {
            RecordedStep::As(line) => self.recording.push(line),
            RecordedStep::Not(why) => {
                self.is_recording_incomplete = true;
                self.noted
                    .push(format!("{said:?} can't be recorded, so nothing is: {why}"));
            }
            RecordedStep::AsPage | RecordedStep::Needless => {}
        }
    }

    /// What came of it, or why it can't be done.
    async fn acts(
        &mut self,
        task: &AgentTask,
        action: &Action,
        seen: &SeenPage,
        attempt: &mut Attempt,
    ) -> Result<Result<String, String>, ProbeError> {
        let until = (Instant::now() + self.probe.step_timeout).min(self.end);
        match action {
            Action::Navigate(url) => {
                let found = self.go(url, attempt, until).await?;
                let is_met = found
                    .iter()
                    .all(|one| one.measurement == Measurement::Passed);
                let said = found.into_iter().next().map(|one| match one.got {
                    Actual::Words(got) | Actual::Value(got) => got,
                });
                let said = said.unwrap_or_default();
                Ok(if is_met {
                    Ok("opened".to_owned())
                } else {
                    Err(format!("no page: {said}"))
                })
            }
            Action::Click(index) => self.uses(*index, seen, &ElementAction::Click, until).await,
            Action::Select(index, option) => {
                self.uses(*index, seen, &ElementAction::Select(option), until)
                    .await
            }
            Action::Type(index, TypedInput::Text(text)) => {
                self.uses(*index, seen, &ElementAction::Type(text, false), until)
                    .await
            }
            Action::Type(index, TypedInput::Datum(name)) => {
                let datum = task.data.iter().find(|datum| datum.name == *name);
                let Some(datum) = datum else {
                    return Ok(Err(format!("there is no data {name:?}")));
                };
                let text = datum.value.render(&self.context.values)?;
                if datum.is_secret && !text.is_empty() {
                    self.secrets.push(text.clone());
                }
                self.uses(
                    *index,
                    seen,
                    &ElementAction::Type(&text, datum.is_secret),
                    until,
                )
                .await
            }
            Action::Scroll(to) => {
                self.page
                    .scroll(*to == Scroll::Down)
                    .await
                    .map_err(unmeasured)?;
                Ok(Ok("scrolled".to_owned()))
            }
            Action::Back => {
                self.page.back().await.map_err(unmeasured)?;
                self.page.wait(POLL_INTERVAL).await.map_err(unmeasured)?;
                Ok(Ok("went back".to_owned()))
            }
            Action::Read => {
                let view = self.page.view().await.map_err(unmeasured)?;
                Ok(Ok(view.text.chars().take(MAX_READ).collect()))
            }
        }
    }

    async fn uses(
        &mut self,
        index: usize,
        seen: &SeenPage,
        act: &ElementAction<'_>,
        until: Instant,
    ) -> Result<Result<String, String>, ProbeError> {
        let Some(backend) = seen.backends.get(index).copied().flatten() else {
            return Ok(Err("it is no element that can be used".to_owned()));
        };
        loop {
            let found = self.page.take_node(backend).await.map_err(unmeasured)?;
            let unmet = match self.act_on(found, act).await.map_err(unmeasured)? {
                ActionOutcome::Yes => return Ok(Ok(act.done().to_owned())),
                ActionOutcome::Never(why) => return Ok(Err(why)),
                ActionOutcome::NotYet(why) => why,
            };
            if Instant::now() >= until {
                return Ok(Err(unmet));
            }
            self.page.wait(POLL_INTERVAL).await.map_err(unmeasured)?;
        }
    }
}
