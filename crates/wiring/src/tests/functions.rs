//! CodeDeploy, Lambda compute platform.

use super::*;

#[test]
fn both_versions_are_published_ones() {
    insta::assert_snapshot!(with_lambda(|it| it.target_version = "$LATEST".to_owned()), @"function-versions: the AppSpec's TargetVersion is $LATEST, which changes with each update and can't be rolled back; publish a version and name its number");
    insta::assert_snapshot!(with_lambda(|it| it.current_version = "live".to_owned()), @r#"
    function-versions: the AppSpec's CurrentVersion is "live", which is no number of a published version; publish a version and name its number
    alias: the alias live of checkout leads to the version 7, and the AppSpec's CurrentVersion is live; write the version that the alias leads to as CurrentVersion
    "#);
    insta::assert_snapshot!(with_lambda(|it| it.target_version = "7".to_owned()), @"function-versions: the AppSpec's TargetVersion is 7, as CurrentVersion is: nothing would be deployed; publish a new version and name its number");
}

#[test]
fn the_target_version_exists_and_can_run() {
    insta::assert_snapshot!(with_lambda(|it| it.target_state = Ok(None)), @"function-versions: the version 8 of checkout does not exist; publish it, or correct the AppSpec's TargetVersion");
    insta::assert_snapshot!(with_lambda(|it| it.target_state = Ok(Some("Failed".to_owned()))), @"function-versions: the version 8 of checkout is Failed, and not Active; wait until it is, or find the reason in its StateReason, then deploy again");
    assert_eq!(
        with_lambda(|it| it.target_state = Ok(Some("Inactive".to_owned()))),
        ""
    );
}

#[test]
fn the_alias_leads_to_the_current_version() {
    insta::assert_snapshot!(with_lambda(|it| it.alias_versions = Ok(None)), @"alias: the alias live of checkout does not exist; make it, or correct the AppSpec's Alias");
    insta::assert_snapshot!(with_lambda(|it| it.alias_versions = Ok(Some(vec!["6".to_owned()]))), @"alias: the alias live of checkout leads to the version 6, and the AppSpec's CurrentVersion is 7; write the version that the alias leads to as CurrentVersion");
    let shifting = vec!["7".to_owned(), "8".to_owned()];
    assert_eq!(with_lambda(|it| it.alias_versions = Ok(Some(shifting))), "");
    assert_eq!(
        with_lambda(|it| it.alias_versions = Ok(Some(vec!["8".to_owned()]))),
        "",
        "after the shift"
    );
}

#[test]
fn an_older_version_needs_permission() {
    let older = with_lambda(|it| {
        it.current_version = "10".to_owned();
        it.target_version = "9".to_owned();
        it.alias_versions = Ok(Some(vec!["10".to_owned()]));
    });
    insta::assert_snapshot!(older, @"version-newer: the AppSpec's TargetVersion is 9, older than the version 10 that serves; deploy a newer version, or say `allow_downgrade: true` in the suite");
}

#[test]
fn rollback_and_alarms_are_judged_as_for_services() {
    assert!(with_lambda(|it| it.rollback.enabled = false).starts_with("automatic-rollback: "));
    assert!(with_lambda(|it| it.alarms.existing = Ok(Vec::new())).starts_with("alarms-exist: "));
}
