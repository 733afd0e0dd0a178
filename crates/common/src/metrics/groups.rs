//! The metrics that exist, by groups of the same dimensions.

use super::{OTHER_WORD, Reason};

/// Metrics that are written together.
#[derive(Debug)]
pub struct Group {
    /// Their namespace in CloudWatch.
    pub namespace: &'static str,
    /// The dimensions beside the function's name.
    pub dimensions: &'static [Dimension],
    /// The metrics.
    pub metrics: &'static [Metric],
}

/// A metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit, in CloudWatch's words.
    pub unit: &'static str,
    /// What it says.
    pub says: &'static str,
}

/// A dimension.
#[derive(Debug)]
pub struct Dimension {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub words: DimensionValues,
}

/// What a dimension can be.
#[derive(Debug)]
pub enum DimensionValues {
    /// One of these, or [`OTHER_WORD`].
    Of(&'static [&'static str]),
    /// The account that was worked in.
    Account,
    /// Its region.
    Region,
}

impl Dimension {
    /// The value as it is written.
    pub fn word<'a>(&self, value: &'a str) -> &'a str {
        let fits = match self.words {
            DimensionValues::Of(words) => words.contains(&value),
            DimensionValues::Account => {
                value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())
            }
            DimensionValues::Region => {
                let plain =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                (1..=32).contains(&value.len()) && value.bytes().all(plain)
            }
        };
        if fits { value } else { OTHER_WORD }
    }
}

const fn dimension(name: &'static str, words: &'static [&'static str]) -> Dimension {
    let words = DimensionValues::Of(words);
    Dimension { name, words }
}

const fn metric(name: &'static str, unit: &'static str, says: &'static str) -> Metric {
    Metric { name, unit, says }
}

const GATES: &str = "DeployHooks/Gates";
const APPROVALS: &str = "DeployHooks/Approvals";
const SLEEP: &str = "DeployHooks/Environments";

const STAGE: Dimension = dimension("Stage", &["pre-traffic", "post-traffic"]);
const KIND: Dimension = dimension("Kind", &["approval", "pause", "gate"]);
const REASONS: [&str; Reason::ALL.len()] = {
    let mut words = [""; Reason::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = Reason::ALL[at].as_str();
        at += 1;
    }
    words
};

/// All groups.
pub static GROUPS: [&Group; 7] = [
    &VERDICTS,
    &GATE_RUNS,
    &ANSWERS,
    &ASKED,
    &ENDED_CASES,
    &ENVIRONMENTS,
    &ASLEEP,
];

pub(super) static VERDICTS: Group = Group {
    namespace: GATES,
    dimensions: &[
        STAGE,
        dimension("Verdict", &["passed", "failed", "inconclusive"]),
        dimension("Reason", &REASONS),
    ],
    metrics: &[metric(
        "Verdicts",
        "Count",
        "Decisions of a gate, by what the evidence says and where that comes from.",
    )],
};

pub(super) static GATE_RUNS: Group = Group {
    namespace: GATES,
    dimensions: &[STAGE],
    metrics: &[
        metric(
            "Stopped",
            "Count",
            "1 if the release was stopped, else 0: the average is the share of releases that were.",
        ),
        metric(
            "RunTime",
            "Milliseconds",
            "How long a run took, from its beginning to its verdict.",
        ),
        metric("Rounds", "Count", "Rounds that a run has measured."),
        metric(
            "CheckLatency",
            "Milliseconds",
            "How long an answer to a check took, to its last byte: of each round that the report keeps, the last try.",
        ),
    ],
};

pub(super) static ANSWERS: Group = Group {
    namespace: GATES,
    dimensions: &[
        dimension("Caller", &["CodeDeploy", "ECS", "CodePipeline"]),
        dimension(
            "Answer",
            &["Succeeded", "Failed", "Undelivered", "Unconfirmed"],
        ),
    ],
    metrics: &[metric(
        "Answers",
        "Count",
        "Answers, by who has called and what it has heard.",
    )],
};

pub(super) static ASKED: Group = Group {
    namespace: APPROVALS,
    dimensions: &[KIND],
    metrics: &[metric(
        "Asked",
        "Count",
        "Cases that began to wait for people.",
    )],
};

pub(super) static ENDED_CASES: Group = Group {
    namespace: APPROVALS,
    dimensions: &[
        KIND,
        dimension(
            "End",
            &["approved", "rejected", "expired", "superseded", "stopped"],
        ),
    ],
    metrics: &[
        metric(
            "Over",
            "Count",
            "Cases that no longer wait, by what became of them. `Asked` less `Over` is what is pending.",
        ),
        metric(
            "TimeToDecide",
            "Seconds",
            "From the question to its end, as the functions saw it.",
        ),
    ],
};

pub(super) static ENVIRONMENTS: Group = Group {
    namespace: SLEEP,
    dimensions: &[],
    metrics: &[
        metric("Stopped", "Count", "Resources that a run has put to sleep."),
        metric("Woken", "Count", "Resources that a run has woken."),
        metric(
            "Failed",
            "Count",
            "Resources that could not be changed, read or understood, or that run against what was asked for.",
        ),
        metric(
            "Conflicts",
            "Count",
            "Resources that somebody else has changed while they slept.",
        ),
        metric(
            "Deferred",
            "Count",
            "Resources whose deployment in progress is waited for.",
        ),
        metric(
            "Continued",
            "Count",
            "Resources that were left for the next run: the time was over, or what they wait for still sleeps.",
        ),
        metric(
            "SavedVcpuHours",
            "None",
            "Hours of one vCPU that did not run, of the sleeps that ended.",
        ),
        metric(
            "SavedGbHours",
            "None",
            "Hours of one GB of memory that did not run, of the sleeps that ended.",
        ),
        metric(
            "SavedMoney",
            "None",
            "What these would have cost by the prices of the configuration, in its currency.",
        ),
    ],
};

pub(super) static ASLEEP: Group = Group {
    namespace: SLEEP,
    dimensions: &[
        Dimension {
            name: "Account",
            words: DimensionValues::Account,
        },
        Dimension {
            name: "Region",
            words: DimensionValues::Region,
        },
    ],
    metrics: &[metric(
        "Asleep",
        "Count",
        "Resources that slept when a run was over. A run for some services only writes none.",
    )],
};
