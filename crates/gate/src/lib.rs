//! The heart of deploy-hooks: suite → probes → measurements → verdict → report.
//!
//! Why it is a crate of its own: whether a release may have traffic must not depend on who asks.
//! Nothing here knows Lambda, `CodeDeploy` or AWS; the caller brings the suite's text, the
//! [`Target`], the resolved secrets and a deadline, and gets an [`Outcome`] back.
//!
//! What must always hold:
//! - [`run()`] returns by its deadline, whatever a probe, a body or an expectation does.
//! - Zero measurements are never a pass; unknown is never success.
//! - [`judge`] is a pure function of what was measured.
//! - Redaction happens once, when the [`Report`] is built; nothing else leaves this crate.

mod bake;
mod body;
pub mod browsers;
pub mod cloud;
mod evidence;
mod expect;
mod json_template;
mod listener_rule;
mod measurement;
mod probe;
mod progress;
mod recorded;
mod recorder;
mod redact;
pub mod report;
mod run;
mod severity;
mod stage;
mod suite;
mod target;
mod template;
mod template_function;
mod verdict;
mod words;

pub use bake::{Bake, MAX_BAKE_WINDOW, NoDataPolicy};
pub use listener_rule::{
    EarlierRule, HeaderCondition, ListenerRule, QueryPattern, RuleConditions, RulePattern,
};
pub use measurement::Measurement;
pub use progress::{Observer, Progress};
pub use recorded::{
    Blocker, CheckLimits, GateLimits, Limit, RecordedRun, Rejudged, judge_recorded,
};
pub use redact::mask;
pub use report::{CheckReport, Report};
pub use run::{
    HttpOptions, Outcome, Part, PartEnd, PausePolicy, Paused, Preflight, Resume, Run, run,
    run_observed, run_part,
};
pub use severity::Severity;
pub use stage::Stage;
pub use suite::{
    AdjustError, CheckPlan, HurlSource, HurlSteps, MAX_FILE_BYTES, Problem, ReadHurl, Reading,
    SecretRef, StagePlan, Suite, SuiteFile, SuiteProblems, SuiteReader,
};
pub use target::{TARGET_KEYS, Target};
pub use verdict::{
    CheckHistory, Conclusion, Counters, End, InconclusivePolicy, RoundOutcome, RunHistory,
    RunState, Tally, Verdict, judge, passes_by_override,
};
