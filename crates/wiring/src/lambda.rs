//! A function that CodeDeploy deploys: its versions and its alias.

use crate::facts::CodeDeployLambda;
use crate::finding::{RuleResult, join, known, mismatch, not_judged};

/// Both versions are published ones, and the target version can run.
pub(crate) fn versions(facts: &CodeDeployLambda) -> Vec<RuleResult> {
    vec![
        published("CurrentVersion", &facts.current_version),
        published("TargetVersion", &facts.target_version),
        two(facts),
        target(facts),
    ]
}

fn published(key: &str, version: &str) -> RuleResult {
    if version.parse::<u64>().is_ok() {
        return Ok(());
    }
    let what = if version == "$LATEST" {
        "is $LATEST, which changes with each update and can't be rolled back".to_owned()
    } else {
        format!("is {version:?}, which is no number of a published version")
    };
    Err(mismatch(
        format!("the AppSpec's {key}"),
        what,
        "publish a version and name its number",
    ))
}

fn two(facts: &CodeDeployLambda) -> RuleResult {
    if facts.current_version != facts.target_version {
        return Ok(());
    }
    Err(mismatch(
        "the AppSpec's TargetVersion",
        format!(
            "is {}, as CurrentVersion is: nothing would be deployed",
            facts.target_version
        ),
        "publish a new version and name its number",
    ))
}

fn target(facts: &CodeDeployLambda) -> RuleResult {
    let place = format!("the version {} of {}", facts.target_version, facts.function);
    match known(&facts.target_state)?.as_deref() {
        // An inactive one wakes at its next invocation.
        Some("Active" | "Inactive") => Ok(()),
        Some(state) => Err(mismatch(
            place,
            format!("is {state}, and not Active"),
            "wait until it is, or find the reason in its StateReason, then deploy again",
        )),
        None => Err(mismatch(
            place,
            "does not exist",
            "publish it, or correct the AppSpec's TargetVersion",
        )),
    }
}

/// The alias leads to the version that CodeDeploy takes for the current one.
pub(crate) fn alias(facts: &CodeDeployLambda) -> RuleResult {
    let place = format!("the alias {} of {}", facts.alias, facts.function);
    let Some(versions) = known(&facts.alias_versions)? else {
        return Err(mismatch(
            place,
            "does not exist",
            "make it, or correct the AppSpec's Alias",
        ));
    };
    // During the shift it leads to both, and after it to the new one alone.
    let expected = [&facts.current_version, &facts.target_version];
    if versions.iter().any(|version| expected.contains(&version)) {
        return Ok(());
    }
    Err(mismatch(
        place,
        format!(
            "leads to the version {}, and the AppSpec's CurrentVersion is {}",
            join(versions.iter().map(String::as_str)),
            facts.current_version
        ),
        "write the version that the alias leads to as CurrentVersion",
    ))
}

/// The number of the target version is higher.
pub(crate) fn newer(facts: &CodeDeployLambda, allow_downgrade: bool) -> RuleResult {
    let number = |version: &str| version.parse::<u64>().ok();
    let (Some(new), Some(old)) = (
        number(&facts.target_version),
        number(&facts.current_version),
    ) else {
        return Err(not_judged("a version is no number"));
    };
    if allow_downgrade || new >= old {
        return Ok(());
    }
    Err(mismatch(
        "the AppSpec's TargetVersion",
        format!("is {new}, older than the version {old} that serves"),
        "deploy a newer version, or say `allow_downgrade: true` in the suite",
    ))
}
