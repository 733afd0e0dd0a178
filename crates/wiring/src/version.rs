//! Whether what is deployed is older than what serves, and whether all that names its version agrees.

use semver::Version;

use crate::facts::{EcsRelease, NamedVersion};
use crate::finding::{Outcome, RuleResult, existing, known, mismatch, not_judged};
use crate::service::{of_balancer, still_there};

/// By Semantic Versioning; other names have no order.
pub(crate) fn newer(release: &EcsRelease, allow_downgrade: bool) -> RuleResult {
    if allow_downgrade {
        return Err(not_judged("the suite allows a downgrade"));
    }
    still_there(release)?;
    let versions = &release.versions;
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

/// By Semantic Versioning; what else is named, a commit or a build, is another thing than a version.
pub(crate) fn agree(release: &EcsRelease) -> RuleResult {
    let container = match of_balancer(release) {
        Err(Outcome::Mismatch(_)) => return Err(not_judged("the container is not known")),
        other => other?,
    };
    let named = container.versions.iter();
    let named = named.filter_map(|it| Some((it, read(&it.version)?)));
    let named: Vec<(&NamedVersion, Version)> = named.collect();
    if named.is_empty() {
        return Err(not_judged("nothing names a version of Semantic Versioning"));
    }
    for (index, (first, version)) in named.iter().enumerate() {
        let mut others = named[index + 1..].iter();
        if let Some((other, _)) = others.find(|(_, other)| !may_be_same(version, other)) {
            return Err(mismatch(
                format!("{} of the container {}", first.place, container.name),
                format!(
                    "is {}, and {} is {}",
                    first.version, other.place, other.version
                ),
                "let the build write one version into both",
            ));
        }
    }
    Ok(())
}

/// Build metadata says nothing. What only one of them has behind the dash may be the kind of image: `1.2.0-alpine`.
fn may_be_same(one: &Version, other: &Version) -> bool {
    let core = |version: &Version| (version.major, version.minor, version.patch);
    let one_is_plain = one.pre.is_empty() || other.pre.is_empty();
    core(one) == core(other) && (one_is_plain || one.pre == other.pre)
}

fn read(version: &str) -> Option<Version> {
    Version::parse(version.strip_prefix('v').unwrap_or(version)).ok()
}
