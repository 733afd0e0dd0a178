//! Many calls of a gate under random faults, from a seed: one call of AWS in [`ODDS`] goes wrong, every second release is
//! broken, breaks on the way, hangs or is hostile, or its suite is malformed, and some functions have little time.
//!
//! What must hold whatever happens: each invocation ends before its deadline, each call is answered once, and nothing
//! that is broken passes. Bounded in calls; a run that never ends counts as one that was not answered.

mod codedeploy;
mod codepipeline;
mod ecs;
mod questions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt};

use super::SUITE;
use super::aws::{Changes, FAULTS, FakeAws, Fault, Plan};
use super::service::{Behaviour, HOSTILE_ANSWERS, Service};

/// What hostile answers miss.
const STRICT: &str = "{ status: 201 }, { json: { path: $.ok, equals: true } }, { header: { name: x-1, exists: false } }";

/// Until the time-out of each invocation.
pub const LEFT: Duration = Duration::from_secs(9);
/// The same of every eighth run.
const LITTLE_LEFT: Duration = Duration::from_secs(5);
/// How many runs go on side by side.
const MAX_CONCURRENT: usize = 30;
/// One call in so many meets a fault.
const ODDS: u64 = 6;
/// How often Lambda repeats an asynchronous invocation that failed; the template says so.
const LAMBDA_RETRIES: usize = 2;
/// A run with more invocations than this has no end.
const MAX_INVOCATIONS: usize = 60;
/// A release that breaks on the way does so after this many requests: within the first bake.
const BREAKS_AFTER: usize = 2;

/// Who calls, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// A hook before traffic.
    CodeDeploy,
    /// A bake after traffic, which the function hands to itself.
    CodeDeployBake,
    /// A canary with a gate at each step; ECS calls back during its bakes.
    Ecs,
    /// A job, with continuation tokens after traffic.
    CodePipeline,
    /// ECS waits while people are asked, who say yes to what they are shown, if that is good.
    Question,
}

/// All of them.
pub const CONTRACTS: [Contract; 5] = [
    Contract::CodeDeploy,
    Contract::CodeDeployBake,
    Contract::Ecs,
    Contract::CodePipeline,
    Contract::Question,
];

/// What a storm has shown.
#[derive(Debug, Default)]
pub struct Tally {
    pub seed: u64,
    /// Runs whose calls were all answered once, each invocation within its time.
    pub answered: usize,
    /// Runs that ended in time without an answer, of which the function said so itself.
    pub unheard: usize,
    pub invocations: usize,
    /// Invocations that Lambda had to repeat.
    pub retries: usize,
    pub passes: usize,
    /// Passes of a release that was broken.
    pub false_passes: usize,
    /// Faults that were met.
    pub faults: usize,
    /// The slowest invocation.
    pub slowest: Duration,
    /// What was wrong, of runs that were neither answered nor unheard.
    pub wrong: Vec<String>,
}

impl Tally {
    fn and(mut self, one: Self) -> Self {
        self.answered += one.answered;
        self.unheard += one.unheard;
        self.invocations += one.invocations;
        self.retries += one.retries;
        self.passes += one.passes;
        self.false_passes += one.false_passes;
        self.faults += one.faults;
        self.slowest = self.slowest.max(one.slowest);
        self.wrong.extend(one.wrong);
        self
    }
}

/// How a run ended.
enum End {
    Answered {
        passed: bool,
    },
    /// The function could not answer, and said so.
    Unheard,
    /// What must never be, and why.
    Wrong(String),
}

/// What the invocations of a run have shown.
#[derive(Default)]
struct Invocations {
    count: usize,
    retries: usize,
    slowest: Duration,
}

impl Invocations {
    fn add(&mut self, took: Duration) {
        self.count += 1;
        self.slowest = self.slowest.max(took);
    }
}

/// One run: a release, and what AWS does meanwhile.
struct Run {
    index: u64,
    seed: u64,
    broken: bool,
    /// The bake of its suite.
    traffic: &'static str,
    /// Until the time-out of each invocation.
    left: Duration,
    service: Service,
    aws: FakeAws,
    met: Arc<AtomicUsize>,
}

/// Suites that are none: each is the right one with something done to it.
const MALFORMED: [fn(&str) -> String; 7] = [
    |suite| suite.replace("status: 201", "staus: 201"),
    |suite| suite.replace("version: 1", "version: 99"),
    |suite| suite.replace("checks:", "checks: []\nrest:"),
    |suite| suite.replace("    http:", "\thttp:"),
    |suite| format!("{suite}{suite}"),
    |_| "[".repeat(100_000),
    |_| "\u{0}\u{1}\u{2}".to_owned(),
];

/// How a release behaves, and what is done to its suite.
fn release(broken: bool, turn: usize, bakes: bool) -> (Behaviour, fn(&str) -> String) {
    let as_it_is: fn(&str) -> String = str::to_owned;
    match (broken, turn % 5) {
        // Whether it passes depends on when it is looked at.
        (false, 4) => (Behaviour::Flapping, as_it_is),
        (false, _) => (Behaviour::Well, as_it_is),
        (true, 0) => (Behaviour::Broken, as_it_is),
        (true, 1) if bakes => (Behaviour::WellFor(BREAKS_AFTER), as_it_is),
        (true, 2) => (Behaviour::Hanging, as_it_is),
        (true, 3) => (Behaviour::Well, MALFORMED[turn / 5 % MALFORMED.len()]),
        (true, _) => (
            Behaviour::Hostile(HOSTILE_ANSWERS[turn / 5 % HOSTILE_ANSWERS.len()]),
            as_it_is,
        ),
    }
}

/// Whether an operation asks, and changes nothing: only there the caller panics.
fn is_look_up(operation: &str) -> bool {
    ["Get", "Describe", "List", "BatchGet", "Query"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

impl Run {
    /// A run under random faults.
    async fn random(contract: Contract, index: u64, seed: u64) -> Self {
        let traffic = match contract {
            // Three of four have a bake, and tokens.
            Contract::CodePipeline if happens(index, seed, "before traffic", 4) => "",
            _ => bake_of(contract),
        };
        let broken = index % 2 == 1;
        let turn = usize::try_from(index / 2).unwrap();
        let (behaviour, malform) = release(broken, turn, !traffic.is_empty());
        let strict = matches!(behaviour, Behaviour::Hostile(_)) || turn % 2 == 1;
        let expected = if strict { STRICT } else { "{ status: 201 }" };
        let suite = malform(&suite_of(contract, traffic).replace("{ status: 201 }", expected));
        let plan: Plan = Arc::new(move |operation, n| {
            let roll = mix(seed ^ (index << 20) ^ hash(operation) ^ (n as u64));
            if !roll.is_multiple_of(ODDS) {
                return None;
            }
            let which = usize::try_from((roll >> 32) % (FAULTS.len() as u64 + 1)).unwrap();
            let panics = || is_look_up(operation).then_some(Fault::Panic);
            FAULTS.get(which).copied().or_else(panics)
        });
        let run = Self::start(behaviour, &suite, plan).await;
        Self {
            index,
            seed,
            broken,
            traffic,
            left: if happens(index, seed, "little time", 8) {
                LITTLE_LEFT
            } else {
                LEFT
            },
            ..run
        }
    }

    /// A run of a release that is good, or broken: from the start, or on its way through a bake.
    async fn chosen(contract: Contract, broken: bool, plan: Plan) -> Self {
        let traffic = bake_of(contract);
        let behaviour = match (broken, traffic) {
            (false, _) => Behaviour::Well,
            (true, "") => Behaviour::Broken,
            (true, _) => Behaviour::WellFor(BREAKS_AFTER),
        };
        let run = Self::start(behaviour, &suite_of(contract, traffic), plan).await;
        Self {
            broken,
            traffic,
            ..run
        }
    }

    async fn start(behaviour: Behaviour, suite: &str, plan: Plan) -> Self {
        let service = Service::start(behaviour).await;
        let met = Arc::new(AtomicUsize::new(0));
        let counter = met.clone();
        let counted: Plan = Arc::new(move |operation, n| {
            let fault = plan(operation, n);
            counter.fetch_add(usize::from(fault.is_some()), Ordering::Relaxed);
            fault
        });
        let aws = FakeAws::with(service.port, suite, Changes::default(), counted).await;
        Self {
            index: 0,
            seed: 0,
            broken: false,
            traffic: "",
            left: LEFT,
            service,
            aws,
            met,
        }
    }

    /// Whether a thing happens that happens once in `odds`.
    fn happens(&self, what: &str, odds: u64) -> bool {
        happens(self.index, self.seed, what, odds)
    }

    fn tally(&self, invocations: Invocations, end: End) -> Tally {
        let in_time = invocations.slowest < self.left;
        let passed = matches!(end, End::Answered { passed: true });
        let mut tally = Tally {
            invocations: invocations.count,
            retries: invocations.retries,
            passes: usize::from(passed),
            false_passes: usize::from(passed && self.broken),
            faults: self.met.load(Ordering::Relaxed),
            slowest: invocations.slowest,
            ..Tally::default()
        };
        match end {
            End::Answered { .. } if in_time => tally.answered = 1,
            End::Unheard if in_time => tally.unheard = 1,
            End::Wrong(why) => tally.wrong.push(format!("run {}: {why}", self.index)),
            _ => tally.wrong.push(format!(
                "run {}: an invocation took {:?} of {:?}",
                self.index, invocations.slowest, self.left
            )),
        }
        tally
    }
}

/// What a run of the contract bakes.
fn bake_of(contract: Contract) -> &'static str {
    match contract {
        Contract::CodeDeploy | Contract::Question => "",
        Contract::CodeDeployBake => codedeploy::BAKE,
        Contract::Ecs => ecs::BAKE,
        Contract::CodePipeline => codepipeline::BAKE,
    }
}

fn suite_of(contract: Contract, traffic: &str) -> String {
    match contract {
        Contract::Question => questions::suite(),
        _ => format!("{SUITE}{traffic}"),
    }
}

async fn to_its_end(contract: Contract, run: &Run) -> Tally {
    match contract {
        Contract::CodeDeploy => codedeploy::before_traffic(run).await,
        Contract::CodeDeployBake => codedeploy::bake(run).await,
        Contract::Ecs => ecs::canary(run).await,
        Contract::CodePipeline => codepipeline::job(run).await,
        Contract::Question => questions::ask(run).await,
    }
}

/// One run under chosen faults, of a release that is good or broken; and each call that it has made of AWS.
pub async fn under(contract: Contract, broken: bool, plan: Plan) -> (Tally, Vec<String>) {
    let run = Run::chosen(contract, broken, plan).await;
    let tally = to_its_end(contract, &run).await;
    (tally, run.aws.calls())
}

/// Makes `runs` runs of the contract.
pub async fn run(contract: Contract, runs: u64, seed: u64) -> Tally {
    let one = |index| async move {
        let run = Run::random(contract, index, seed).await;
        to_its_end(contract, &run).await
    };
    let results: Vec<Tally> = stream::iter((0..runs).map(one))
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await;
    let none = Tally {
        seed,
        ..Tally::default()
    };
    results.into_iter().fold(none, Tally::and)
}

fn happens(index: u64, seed: u64, what: &str, odds: u64) -> bool {
    mix(seed ^ (index << 20) ^ hash(what)).is_multiple_of(odds)
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `SplitMix64`: every bit of the result depends on every bit of the input.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
