//! Whether what is deployed is older than what serves.

use semver::Version;

use crate::facts::Versions;
use crate::finding::{Judged, existing, known, mismatch, not_judged};

/// By Semantic Versioning; other names have no order.
pub(crate) fn newer(versions: &Versions, allow_downgrade: bool) -> Judged {
    if allow_downgrade {
        return Err(not_judged("the suite allows a downgrade"));
    }
    let old = existing(&versions.old, "earlier revision")?;
    let new = known(&versions.new)?;
    let (Some(of_new), Some(of_old)) = (read(new), read(old)) else {
        return Err(not_judged(format!(
            "{new} and {old} are not both of Semantic Versioning"
        )));
    };
    // Build metadata has no order.
    if of_new.cmp_precedence(&of_old).is_ge() {
        return Ok(());
    }
    Err(mismatch(
        format!("the version {new}"),
        format!("is older than {old}, which serves"),
        "deploy a newer version, or say `allow_downgrade: true` in the suite",
    ))
}

fn read(version: &str) -> Option<Version> {
    Version::parse(version.strip_prefix('v').unwrap_or(version)).ok()
}
