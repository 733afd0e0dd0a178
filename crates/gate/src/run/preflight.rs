//! What is known of a suite before there is a target: where each gate would refuse it, whatever is deployed.

use std::collections::BTreeMap;
use std::iter;

use tokio::time::Instant;

use super::{HttpOptions, Run, probe_context, refusals, selected};
use crate::probe::request_url::Origin;
use crate::probe::{FixedTime, Probe, ProbeContext, Subject};
use crate::severity::Severity;
use crate::suite::{Check, Problem, Suite};
use crate::{Stage, Target, words};

/// How a refusal goes on with what to write instead.
const RELEASE_ONLY: &str = "only the release counts: ";
/// What a refusal says where there is no target.
const NO_ADDRESS: &str = ", and this target has no address of its own";

/// What can be said of a suite without running it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// Why it passes no gate of a stage, whatever is deployed.
    pub problems: Vec<Problem>,
    /// What is allowed, and probably not meant.
    pub notes: Vec<Problem>,
}

impl Suite {
    /// What is known before there is a target.
    pub fn preflight(&self) -> Preflight {
        let mut preflight = Preflight::default();
        self.nothing_required(&mut preflight);
        preflight.problems.extend(self.not_of_the_release());
        preflight.problems.extend(self.beyond_limits());
        preflight.notes.extend(self.changed_in_each_round());
        for found in [&mut preflight.problems, &mut preflight.notes] {
            found.sort_by_key(|problem| (problem.file, problem.line, problem.column));
        }
        preflight
    }

    /// Stages at which nothing may block: a gate there fails, as nothing required was measured.
    fn nothing_required(&self, preflight: &mut Preflight) {
        let used = Stage::ALL
            .into_iter()
            .filter(|stage| self.checks_at(*stage) > 0);
        let (without, with): (Vec<Stage>, Vec<Stage>) =
            used.partition(|stage| self.required_checks_at(*stage) == 0);
        let message = |of: &str, checks: usize| {
            let all = if checks == 1 {
                "it is"
            } else {
                "all of them are"
            };
            format!(
                "no check{of} may block: {all} advisory or in a dry run, and a gate passes only if something required was \
                 measured"
            )
        };
        if let (true, Some(first)) = (with.is_empty(), self.checks.first()) {
            let message = message("", self.checks.len());
            let problem = first.problem(message, "make one of them required");
            preflight.problems.push(problem);
            return;
        }
        for stage in without {
            let mut of_stage = self.checks.iter().filter(|check| check.on.contains(&stage));
            let message = message(&format!(" of the {stage} stage"), self.checks_at(stage));
            let remedy =
                format!("make one of them required, or hook no {stage} gate to this suite");
            let note = of_stage.next().map(|first| first.problem(message, remedy));
            preflight.notes.extend(note);
        }
    }

    /// Checks for which the suite's own limit leaves no time.
    fn beyond_limits(&self) -> Vec<Problem> {
        let Some(overall) = self.limits.overall else {
            return Vec::new();
        };
        let found = self.checks.iter().filter_map(|check| {
            let FixedTime { of, longest } = check.probe.kind().fixed_time()?;
            (longest > overall).then(|| {
                let message = format!(
                    "{of} takes up to {}, and limits.overall is {}",
                    words::duration(longest),
                    words::duration(overall)
                );
                check.problem(message, "shorten it, or raise limits.overall")
            })
        });
        found.collect()
    }

    /// Checks that each gate before traffic refuses, as nothing says that they measure the release.
    fn not_of_the_release(&self) -> Vec<Problem> {
        let run = |target: Target| Run {
            suite: Suite {
                // They may be secrets, and nothing is asked.
                ca_certificates: Vec::new(),
                ..self.clone()
            },
            stage: Stage::PreTraffic,
            target,
            secrets: BTreeMap::new(),
            http: HttpOptions::default(),
            cloud: None,
            browsers: None,
            memory: None,
            deadline: Instant::now(),
        };
        let checks = selected(&run(Target::default()));
        let context = |base: Option<&Origin>| {
            let base_url = base.and_then(|origin| origin.to_string().parse().ok());
            probe_context(&run(Target {
                base_url,
                ..Target::default()
            }))
            .ok()
        };
        let Some(nowhere) = context(None) else {
            return Vec::new();
        };
        // Every origin at which a target might answer, so that what is asked there is the release.
        let asked = checks.iter().flat_map(|check| origins(check, &nowhere));
        let possible = asked.filter(|origin| {
            let host = origin.host.as_str();
            nowhere.clients.release.names_host(host) || is_load_balancer(host)
        });
        let possible: Vec<Origin> = possible.collect();
        let contexts: Vec<ProbeContext> = iter::once(None)
            .chain(possible.iter().map(Some))
            .filter_map(context)
            .collect();
        let refused = checks.iter().filter_map(|check| {
            let mut whys =
                contexts
                    .iter()
                    .map(|context| match check.probe.kind().subject(context) {
                        Subject::Refused(why) => Some(why),
                        Subject::Release | Subject::Other => None,
                    });
            let why = whys.next()??;
            whys.all(|why| why.is_some()).then(|| {
                let why = why.replacen(NO_ADDRESS, "", 1);
                let (message, remedy) = match why.split_once(RELEASE_ONLY) {
                    Some((before, instead)) => (
                        format!("{before}{}", RELEASE_ONLY.trim_end_matches([':', ' '])),
                        format!("{instead}, or `on: post-traffic`"),
                    ),
                    None => (why, "write a path, or `on: post-traffic`".to_owned()),
                };
                check.problem(message, remedy)
            })
        });
        let refused: Vec<Problem> = refused.collect();
        if !refused.is_empty() {
            return refused;
        }
        let required = |check: &&Check| check.severity == Severity::Required;
        let measures_nothing = |context| {
            refusals::not_of_the_release(&checks, context) == [refusals::NOT_OF_THE_RELEASE]
        };
        match checks.iter().find(required) {
            Some(first) if contexts.iter().all(measures_nothing) => {
                let message = "nothing required measures the release before traffic: every required check asks another place";
                let remedy = "write one with a path, or with `reaches_release: true`";
                vec![first.problem(message, remedy)]
            }
            _ => Vec::new(),
        }
    }

    /// Requests that may change something, and tasks, which are sent and run again in each round of a bake.
    fn changed_in_each_round(&self) -> Vec<Problem> {
        if self.bake().window.is_zero() {
            return Vec::new();
        }
        let rounds = self.rounds();
        let under_traffic = |check: &&Check| check.on.contains(&Stage::PostTraffic);
        let noted = self
            .checks
            .iter()
            .filter(under_traffic)
            .filter_map(|check| {
                let changes = match &check.probe {
                    Probe::Http(request) => !request.method.is_safe(),
                    Probe::Journey(journey) => {
                        journey.always.is_empty()
                            && journey
                                .steps
                                .iter()
                                .any(|step| !step.request.method.is_safe())
                    }
                    Probe::Browser(browser) => browser.may_change_by_requests(),
                    _ => false,
                };
                let name = &check.name;
                let (message, remedy) = if matches!(check.probe, Probe::EcsTask(_)) {
                    (
                        format!("check {name:?} runs a task, and the bake runs it {rounds} times"),
                        "write `on: [pre-traffic]`",
                    )
                } else if changes {
                    (
                        format!("check {name:?} may change something, and the bake sends it {rounds} times"),
                        "write `on: [pre-traffic]`, and a request beside it that only reads",
                    )
                } else {
                    return None;
                };
                Some(check.problem(message, remedy))
            });
        noted.collect()
    }
}

/// Whether it is the own name of one; which one the target has is not known here.
fn is_load_balancer(host: &str) -> bool {
    host.contains(".elb.")
        && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
}

/// Where a check asks, as far as that is known.
fn origins(check: &Check, context: &ProbeContext) -> Vec<Origin> {
    match &check.probe {
        Probe::Tcp(tcp) => tcp.place.origin(None, context).into_iter().collect(),
        Probe::Tls(tls) => tls.place.origin(Some(443), context).into_iter().collect(),
        probe => {
            let urls = probe.kind().urls(context).into_iter();
            urls.map(|url| url.origin).collect()
        }
    }
}

impl Check {
    fn problem(&self, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.at.problem(message, remedy)
    }
}
