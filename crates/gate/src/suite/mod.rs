//! The suite: what a user wrote, checked and typed.
//!
//! Everything that can be known to be wrong without a target is found here, when the suite is
//! loaded, with its place in the file. A [`Suite`] that exists can be run; it must never hold a
//! check that would be skipped in silence.

mod adjust;
mod alarms;
mod body;
mod browser;
mod check;
mod check_fingerprint;
mod comparison;
mod connect;
mod context;
mod contradiction;
mod crawl;
mod credentials;
mod css;
mod decode;
mod defaults;
mod dns;
mod ecs_task;
mod expect;
mod files;
pub(crate) mod filled_size;
mod grpc;
mod http;
mod hurl;
mod include;
mod journey;
mod json;
mod json_schema;
pub(crate) mod keys;
mod lambda;
mod latency;
mod load;
mod logs;
mod metric;
mod multipart;
mod patterns;
mod place;
mod plan;
mod probes;
mod redirects;
mod schema_assertions;
mod schema_pattern;
mod targets;
mod tcp;
#[cfg(test)]
mod tests;
mod that;
mod tls;
mod traffic;
mod web_place;
mod websocket;
mod wiring;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use self::adjust::AdjustError;
pub(crate) use self::browser::element::is_role;
pub use self::files::{MAX_FILE_BYTES, Reading, SuiteFile, SuiteReader};
pub use self::hurl::{HurlSource, HurlSteps, ReadHurl};
pub use self::plan::{CheckPlan, StagePlan};
use strict_yaml::{Node, Position};
pub use strict_yaml::{Problem, Problems as SuiteProblems, SecretRef};

use crate::Stage;
use crate::bake::Bake;
use crate::expect::{Expectation, LatencyLimit};
use crate::probe::Probe;
use crate::severity::Severity;
use crate::template::{Reference, Template, Var};
use crate::verdict::InconclusivePolicy;

/// How many checks run at once unless the suite says otherwise.
pub(crate) const DEFAULT_CONCURRENCY: usize = 10;

/// How problems speak of the file.
pub(crate) const FILE: strict_yaml::Document = strict_yaml::Document {
    noun: "suite",
    begin: "write a suite: version, name, checks",
    split: "split it into several suites",
};

/// A loaded suite.
#[derive(Clone, Debug)]
pub struct Suite {
    /// What the suite calls itself.
    pub name: String,
    /// Secrets that the checks use, by their name in the suite. The caller resolves them.
    pub secrets: BTreeMap<String, SecretRef>,
    /// The virtual host, if the target must be spoken to by another name than its address.
    pub(crate) host: Option<String>,
    /// Certificate authorities to trust beside the system's: PEM.
    pub(crate) ca_certificates: Vec<Template>,
    pub(crate) vars: BTreeMap<String, Var>,
    pub(crate) limits: Limits,
    pub(crate) checks: Vec<Check>,
    pub(crate) traffic: Option<Bake>,
    /// What an answer of the revision under test has, where another one answers at the same address.
    pub(crate) revision: Vec<Expectation>,
    /// What happens where the evidence is not enough.
    pub(crate) inconclusive: InconclusivePolicy,
    /// Whether the gate only reports, and lets everything pass.
    pub dry_run: bool,
    /// Whether a named person may let checks of it not pass.
    pub overridable: bool,
    /// What the values of functions stand on, if the suite says so.
    pub(crate) seed: Option<u64>,
    /// Whether there are functions in its texts.
    pub(crate) uses_functions: bool,
    /// Differs between two suites of different texts: a run that goes on in another invocation goes on with the
    /// same suite, or not at all.
    pub fingerprint: u64,
    /// The files that made it, itself first.
    pub files: Vec<SuiteFile>,
    /// Bytes that it holds of files that lie beside it.
    pub(crate) held: usize,
    /// The names of the files that it includes, by their numbers in places, from 1.
    pub(crate) included: Vec<String>,
}

impl Suite {
    /// Reads a suite that has no files beside it. Problems name it `source`, usually the file's name.
    pub fn parse(source: &str, text: &str) -> Result<Self, SuiteProblems> {
        let nothing =
            |_: &str| Err("this suite has no place, so nothing can lie beside it".to_owned());
        SuiteReader::new(source, text).finish(nothing)
    }

    /// Reads a suite that was made of a file in another form, as the tree that YAML would have given. Its places are
    /// those in that file; `text` is that file, so that a changed one is noticed.
    pub fn of_tree(source: &str, root: &Node, text: &str) -> Result<Self, SuiteProblems> {
        decode::tree(source, root, text)
    }

    /// The name of the file in which a problem stands, where it is not that of the suite.
    pub fn included_file(&self, problem: &Problem) -> Option<&str> {
        let index = usize::from(problem.file).checked_sub(1)?;
        self.included.get(index).map(String::as_str)
    }

    /// How long and how often post-traffic checks are measured. Without `traffic:` that is one
    /// round, which must pass.
    pub fn bake(&self) -> Bake {
        self.traffic.unwrap_or(Bake::ONE_ROUND)
    }

    /// How many rounds of checks that are.
    pub(crate) fn rounds(&self) -> u128 {
        let bake = self.bake();
        traffic::rounds(bake.window, bake.every)
    }

    /// Whether the suite says how to distinguish the answers of two revisions.
    pub fn tells_revisions_apart(&self) -> bool {
        !self.revision.is_empty()
    }

    /// Whether a check uses one of these facts of the target. Some cost a call, and are looked up only for it.
    pub fn uses_facts(&self, keys: &[&str]) -> bool {
        let mut uses = false;
        for check in &self.checks {
            filled_size::templates(check, &mut |template| {
                uses |= template.references().any(|reference| {
                    matches!(reference, Reference::Target(key) if keys.contains(&key.as_str()))
                });
            });
        }
        uses
    }

    /// Whether people are to be asked where the evidence is not enough.
    pub fn asks_people(&self) -> bool {
        self.inconclusive == InconclusivePolicy::Ask
    }

    /// What each `wiring` check says about the rules.
    pub fn wiring_options(&self) -> Vec<&::wiring::Options> {
        let checks = self.checks.iter();
        let options = checks.filter_map(|check| match &check.probe {
            Probe::Wiring(wiring) => Some(&wiring.options),
            _ => None,
        });
        options.collect()
    }

    /// The secrets that a run at `stage` needs: those that its checks name, and what all checks share.
    pub fn secrets_at(&self, stage: Stage) -> BTreeMap<&str, &SecretRef> {
        let mut needed = BTreeSet::new();
        let mut see = |template: &Template| {
            needed.extend(
                template
                    .references()
                    .filter_map(|reference| match reference {
                        Reference::Name(name) => Some(name.clone()),
                        Reference::Target(_) | Reference::Function(_) => None,
                    }),
            );
        };
        self.ca_certificates.iter().for_each(&mut see);
        for expectation in &self.revision {
            expectation.templates(&mut see);
        }
        for check in self.checks.iter().filter(|check| check.on.contains(&stage)) {
            filled_size::templates(check, &mut see);
        }
        let secrets = self
            .secrets
            .iter()
            .filter(|(name, _)| needed.contains(*name));
        secrets
            .map(|(name, secret)| (name.as_str(), secret))
            .collect()
    }

    /// Lets the required checks of these names not pass: a named person has said so.
    pub fn override_checks(&mut self, names: &[String]) {
        for check in &mut self.checks {
            if check.severity == Severity::Required && names.contains(&check.name) {
                check.severity = Severity::Overridden;
            }
        }
    }

    /// How many checks of `stage` must pass.
    pub fn required_checks_at(&self, stage: Stage) -> usize {
        self.checks
            .iter()
            .filter(|check| check.on.contains(&stage) && check.severity == Severity::Required)
            .count()
    }

    /// Every name that checks speak to the target by, beside the suite's own.
    pub(crate) fn hosts(&self) -> BTreeSet<String> {
        let checks = self.checks.iter();
        checks
            .flat_map(|check| check.probe.kind().hosts())
            .collect()
    }

    /// The names of the checks of `stage` that measure something only where requests reach the new release.
    pub fn checks_that_need_traffic_at(&self, stage: Stage) -> Vec<&str> {
        let of_stage = self.checks.iter().filter(|check| check.on.contains(&stage));
        let need = of_stage.filter(|check| check.probe.kind().profile().needs_traffic);
        need.map(|check| check.name.as_str()).collect()
    }

    /// Leaves out the checks of `stage` that measure something only where requests reach the new release; returns
    /// their names.
    pub fn leave_out_checks_that_need_traffic_at(&mut self, stage: Stage) -> Vec<String> {
        let needs = |check: &Check| check.probe.kind().profile().needs_traffic;
        let left = self
            .checks
            .iter()
            .filter(|check| needs(check) && check.on.contains(&stage));
        let left = left.map(|check| check.name.clone()).collect();
        self.checks.retain(|check| !needs(check));
        left
    }

    /// Whether a check at `stage` is measured in a browser.
    pub fn needs_browser(&self, stage: Stage) -> bool {
        self.checks
            .iter()
            .any(|check| check.on.contains(&stage) && matches!(check.probe, Probe::Browser(_)))
    }

    /// Forgets what was recorded, so that agents ask their models.
    pub fn forget_recordings(&mut self) {
        for check in &mut self.checks {
            if let Probe::Browser(browser) = &mut check.probe
                && let Some(agent) = &mut browser.agent
            {
                agent.recorded.clear();
            }
        }
    }

    /// Line and column at which the keys of a check's `agent` begin, and how many steps are recorded; none of a check
    /// without an agent, or in another file.
    pub fn agent_of(&self, name: &str) -> Option<(usize, usize, usize)> {
        let check = self.checks.iter().find(|check| check.name == name)?;
        let Probe::Browser(browser) = &check.probe else {
            return None;
        };
        let agent = browser.agent.as_ref()?;
        let is_here = check.file.is_none();
        is_here.then_some((check.at.line, check.at.column, agent.recorded.len()))
    }

    /// The checks with an agent that are written in this file.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        let names = self.checks.iter().map(|check| check.name.as_str());
        names.filter(|name| self.agent_of(name).is_some())
    }

    /// Whether a check at `stage` asks a model: surely, or only where what was recorded no longer fits. None: no check.
    pub fn asks_model(&self, stage: Stage) -> Option<bool> {
        let agents = self.checks.iter().filter_map(|check| match &check.probe {
            Probe::Browser(browser) if check.on.contains(&stage) => browser.agent.as_ref(),
            _ => None,
        });
        agents.map(|agent| agent.recorded.is_empty()).max()
    }

    /// How many checks are selected at `stage`, advisory ones included.
    pub fn checks_at(&self, stage: Stage) -> usize {
        self.checks
            .iter()
            .filter(|check| check.on.contains(&stage))
            .count()
    }
}

/// Limits of a whole run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) concurrency: usize,
    pub(crate) overall: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: DEFAULT_CONCURRENCY,
            overall: None,
        }
    }
}

/// One entry of a suite.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: String,
    /// Where its probe stands.
    pub(crate) at: Position,
    /// The file that it is included from.
    pub(crate) file: Option<String>,
    pub(crate) on: Vec<Stage>,
    pub(crate) tags: Vec<String>,
    pub(crate) severity: Severity,
    pub(crate) probe: Probe,
    pub(crate) retry: RetryPolicy,
    pub(crate) expect: Vec<Expectation>,
    /// Differs between two checks that do not measure the same: see `definition`.
    pub(crate) definition: u64,
}

impl Check {
    /// `line 7`, or `line 7 of shared/login.yaml`
    pub(crate) fn place(&self) -> String {
        match &self.file {
            None => format!("line {}", self.at.line),
            Some(file) => format!("line {} of {file}", self.at.line),
        }
    }

    /// How long its answers may take; those of a journey's steps are no part of it.
    pub(crate) fn latency_limits(&self) -> impl Iterator<Item = LatencyLimit> {
        let limits = self.expect.iter().map(|expectation| match expectation {
            Expectation::Latency(limits) => limits.as_slice(),
            _ => &[],
        });
        limits.flatten().copied()
    }
}

/// How long and how often a check is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    /// The limit of one try.
    pub(crate) timeout: Duration,
    /// Tries after the first.
    pub(crate) retries: u32,
    /// The pause between two tries.
    pub(crate) retry_every: Duration,
    /// The limit of all tries together.
    pub(crate) within: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            retries: 2,
            retry_every: Duration::from_secs(1),
            within: None,
        }
    }
}
