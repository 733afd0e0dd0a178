//! What a new case is made of, and where and how long it is looked up.

use std::time::Duration;

use approvals::config::Route;
use approvals::pipeline::OwnerNote;
use approvals::{Briefing, ShownDigest, Source};
use briefing::Lookups;
use jiff::Timestamp;

use crate::context::EventContext;

/// A look-up that people wait for takes no longer: the execution behind a token, for example, with a
/// pipeline's whole history in the way. What is claimed meanwhile must still be sent within its lease.
pub const LOOKUP_TIMEOUT: Duration = Duration::from_secs(4);

/// What a new case is made of.
#[derive(Debug)]
pub struct Findings {
    /// What waits, as AWS has it.
    pub source: Source,
    /// What helps to decide.
    pub briefing: Briefing,
    /// What a decision is bound to.
    pub shown: ShownDigest,
    /// When `CodePipeline` gives up.
    pub expires: Option<Timestamp>,
    /// What the action's owner says with it.
    pub words: OwnerNote,
}

/// Where the briefing is looked up.
pub fn lookups<'a>(context: &EventContext<'a>, route: Option<&'a Route>) -> Lookups<'a> {
    Lookups {
        aws: context.aws,
        report_bucket: context.settings.report_bucket.as_deref(),
        report_prefix: &context.settings.report_prefix,
        version_variables: route.map_or(&[], |route| &route.version_variables),
        budget: briefing::BRIEFING_TIMEOUT,
    }
}
