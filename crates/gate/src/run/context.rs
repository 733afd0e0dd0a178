//! What all checks of a run share.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Run;
use super::memory::Budget;
use super::part::PausePolicy;
use crate::Stage;
use crate::bake::Bake;
use crate::expect::Expectation;
use crate::probe::client::ClientPlan;
use crate::probe::{Clients, ProbeContext};
use crate::progress::ProgressReporter;
use crate::recorder::Recorder;
use crate::suite::Check;
use crate::template::{Missing, Values, Var};
use crate::template_function::Moment;
use crate::verdict::RunState;

/// What all checks of a run share.
#[derive(Debug)]
pub(super) struct RunContext {
    pub(super) probe: ProbeContext,
    pub(super) checks: Vec<Check>,
    pub(super) concurrency: usize,
    pub(super) memory: Budget,
    pub(super) bake: Bake,
    /// Where the run stood when this invocation took it on.
    pub(super) prior: RunState,
    /// How long the run had been going on then.
    pub(super) elapsed_before: Duration,
    /// When this invocation took it on.
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
    /// What the values of functions stand on.
    pub(super) seed: u64,
    /// The deadline of this invocation, whatever the suite's own limit is.
    pub(super) function_deadline: Instant,
    /// Whether the run may be handed on to another invocation.
    pub(super) pause: Option<PausePolicy>,
    /// What an answer of the new revision looks like.
    pub(super) revision: Vec<Expectation>,
    /// The new revision's share where two answer; none where it answers alone.
    pub(super) sampled_percent: Option<u32>,
    pub(super) recorder: Arc<Recorder>,
    /// Says what happens, where somebody waits.
    pub(super) speaker: Option<ProgressReporter>,
}

impl RunContext {
    /// Since the beginning of the run.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed_at(Instant::now())
    }

    pub(super) fn elapsed_at(&self, instant: Instant) -> Duration {
        self.elapsed_before + instant.saturating_duration_since(self.begun)
    }

    /// What functions in the texts of a try stand on.
    pub(super) fn moment(&self, index: usize, number: u32) -> Moment {
        let name = &self.checks[index].name;
        let before = usize::try_from(self.prior.rounds()).unwrap_or(usize::MAX);
        let round = before.saturating_add(self.recorder.measurements(index).len());
        Moment {
            seed: self.seed,
            place: format!("{name}/{round}/{}", number + 1),
            now: self.prior.begun + self.elapsed(),
        }
    }

    /// The instant that lies so long after the beginning of the run; now if it is over.
    pub(super) fn instant_of(&self, elapsed: Duration) -> Instant {
        self.begun + elapsed.saturating_sub(self.elapsed_before)
    }
}

/// What the probes of a run share, before there is a judge.
pub(super) fn probe_context(run: &Run) -> Result<ProbeContext, Missing> {
    let mut names = run.suite.vars.clone();
    names.extend(
        run.secrets
            .iter()
            .map(|(name, value)| (name.clone(), Var::Text(value.clone()))),
    );
    let values = Values {
        names: Arc::new(names),
        target: Arc::new(run.target.facts.clone()),
        unknown: Arc::new(run.target.unknown.clone()),
        captures: Arc::default(),
        moment: None,
    };
    let mut ca_certificates = run.http.ca_certificates.clone();
    for template in &run.suite.ca_certificates {
        ca_certificates.push(template.render(&values)?);
    }
    let clients = Clients::new(ClientPlan {
        ca_certificates,
        stage: run.stage,
        only_release: run.stage == Stage::PreTraffic || run.target.only_release,
        concurrency: run.suite.limits.concurrency,
        base: run.target.base_url.clone(),
        virtual_host: run.suite.host.clone().or_else(|| run.target.host.clone()),
        names: run.suite.hosts(),
        rule: run.target.rule.clone(),
    });
    Ok(ProbeContext {
        clients: Arc::new(clients),
        values,
        release_headers: Arc::new(run.target.headers.clone()),
        cloud: run.cloud.clone(),
        browsers: run.browsers.clone(),
        nameservers: run.http.nameservers.clone(),
        new_connection: false,
        whole_body: false,
        jar: None,
        judge: None,
    })
}
