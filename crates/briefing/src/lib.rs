//! What helps an approver decide: who started the execution, what its sources brought, the step between
//! the versions, the change sets by risk, and what the gates said; later, what became of it.
//!
//! What must always hold:
//! - A look-up that fails or hangs costs its [`approvals::Gap`], never the message, and never more than
//!   the budget.
//! - Everything that leaves this crate is masked first, cut afterwards, and bounded as a whole.
//! - No approval token is in it.
//! - The digest is over what AWS said, not over what there was room for.

mod actions;
mod brief;
mod change_sets;
mod current_digest;
mod digest;
mod ecs;
mod gates;
mod limits;
mod outcome;
mod revisions;
mod started_by;
mod text;
mod tokens;
mod version;

use std::time::Duration;

use common::aws::Aws;

pub use brief::brief;
pub use change_sets::change_set;
pub use current_digest::{shown_now, shown_now_of};
pub use ecs::{Pause, brief_pause, nothing_shown, pause_outcome};
pub use outcome::outcome;

/// The time that all look-ups of a briefing have together.
pub const BRIEFING_TIMEOUT: Duration = Duration::from_secs(4);

/// The names under which a version is looked for, unless a route says otherwise.
pub const VERSION_VARIABLES: [&str; 5] =
    ["VERSION", "RELEASE", "RELEASE_VERSION", "IMAGE_TAG", "TAG"];

/// Where and how long is looked.
#[derive(Debug, Clone, Copy)]
pub struct Lookups<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The bucket of the gates' reports; none: they are left out.
    pub report_bucket: Option<&'a str>,
    /// What the reports' keys begin with; may be empty.
    pub report_prefix: &'a str,
    /// The names under which a version is looked for, best first; empty: [`VERSION_VARIABLES`].
    pub version_variables: &'a [String],
    /// The time for everything; [`BRIEFING_TIMEOUT`] unless there is a reason.
    pub budget: Duration,
}

impl Lookups<'_> {
    fn version_names(&self) -> Vec<&str> {
        if self.version_variables.is_empty() {
            return VERSION_VARIABLES.to_vec();
        }
        self.version_variables.iter().map(String::as_str).collect()
    }
}
