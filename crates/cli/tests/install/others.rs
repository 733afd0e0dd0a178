//! What belongs to somebody else: a stack that was deployed meanwhile, the bucket of another account, the suites of a team.

use insta::assert_snapshot;
use test_support::scripted::{Answer, not_found, ok, refused, refused_saying};

use super::{
    Answers, Seen, but, change_set, change_sets, in_turn, install, no_stack, stack, usual,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_that_somebody_else_deployed_or_looks_at_is_not_deleted() {
    let only_the_set = ["CreateChangeSet", "DeleteChangeSet"];
    let states = |states: &[Answer]| ("DescribeStacks", states.to_vec());
    // Somebody else deployed it while this one was looked at.
    let deployed = in_turn([states(&[no_stack(), stack("CREATE_COMPLETE")])]);
    for arguments in [&["--dry-run"][..], &[]] {
        let seen = install(deployed.clone(), arguments).await;
        assert_eq!(seen.made[2..], only_the_set, "{}", seen.told());
    }
    let deploys = in_turn([states(&[no_stack(), stack("CREATE_IN_PROGRESS")])]);
    let seen = install(deploys, &["--dry-run"]).await;
    assert_eq!(seen.made[2..], only_the_set, "{}", seen.told());
    // It was even there before the change set was made.
    let exists = in_turn([
        states(&[no_stack(), stack("CREATE_COMPLETE")]),
        (
            "CreateChangeSet",
            vec![refused_saying(
                "ValidationError",
                "Stack deploy-hooks already exists and cannot be created again with the changeSet",
            )],
        ),
        ("DeleteChangeSet", vec![refused("ChangeSetNotFound")]),
    ]);
    let seen = install(exists, &["--yes"]).await;
    assert_eq!(seen.made[2..], only_the_set, "{}", seen.told());
    assert!(seen.told().contains("already exists"), "{}", seen.told());
    // Somebody else looks at it, too.
    let others = but(&[("ListChangeSets", change_sets(&["of-a-colleague"]))]);
    let seen = install(others, &["--dry-run"]).await;
    assert_eq!(seen.made[2..], only_the_set, "{}", seen.told());
    // And it was there in review before this run.
    let in_review = but(&[("DescribeStacks", stack("REVIEW_IN_PROGRESS"))]);
    let seen = install(in_review, &["--dry-run"]).await;
    assert_eq!(seen.made[2..], only_the_set, "{}", seen.told());
    // What can't be known is not deleted either, and is said.
    let unknown = but(&[("ListChangeSets", refused("AccessDenied"))]);
    let seen = install(unknown, &["--dry-run"]).await;
    assert_eq!(seen.made[2..], only_the_set, "{}", seen.told());
    let said = seen.told();
    assert!(
        said.contains(
            "cloudformation:ListChangeSets; so it is not known whether somebody else uses the stack deploy-hooks, and it stays"
        ),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_stored_in_a_bucket_of_another_account() {
    let foreign = but(&[("HeadBucket", not_found().status(403))]);
    let seen = install(foreign, &["--yes"]).await;
    assert_snapshot!(seen.refused(), @"
    the bucket deploy-hooks-111122223333-eu-central-1 can't be used: it belongs to another account than 111122223333, or your AWS identity may not s3:ListBucket on it; name one of yours with --bucket
    (ends with 1)
    ");
    let seen = install(usual(), &["--dry-run"]).await;
    let owners = seen
        .calls
        .iter()
        .filter(|(name, _)| name == "HeadBucket" || name == "PutObject");
    let owners: Vec<bool> = owners
        .map(|(_, call)| call.contains("x-amz-expected-bucket-owner: 111122223333"))
        .collect();
    assert_eq!(owners, [true, true, true]);
}

/// The usual account, where the change set is carried out.
fn deployed(before: Answer, changes: &[(&'static str, Answer)]) -> Answers {
    let states = vec![before, stack("CREATE_COMPLETE")];
    let done = ok("<ExecuteChangeSetResponse/>");
    let changes = changes
        .iter()
        .map(|(name, answer)| (*name, vec![answer.clone()]));
    in_turn(
        [("DescribeStacks", states), ("ExecuteChangeSet", vec![done])]
            .into_iter()
            .chain(changes),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_suite_comes_with_a_new_stack_only_and_its_failure_is_a_warning() {
    let absent = ("HeadObject", not_found());
    let stored = |seen: &Seen| {
        let puts = seen.calls.iter().filter(|(name, _)| name == "PutObject");
        puts.filter(|(_, call)| call.contains("/suites/starter.yaml"))
            .count()
    };
    let seen = install(
        deployed(no_stack(), std::slice::from_ref(&absent)),
        &["--yes"],
    )
    .await;
    assert!(seen.output.status.success(), "{}", seen.told());
    assert_eq!(stored(&seen), 1, "{:?}", seen.calls);
    // The team's bucket is left alone in an upgrade, also where nothing changes.
    let upgraded = deployed(stack("UPDATE_COMPLETE"), std::slice::from_ref(&absent));
    let same = change_set("FAILED", "The submitted information didn't contain changes");
    let unchanged = deployed(
        stack("UPDATE_COMPLETE"),
        &[absent, ("DescribeChangeSet", same)],
    );
    for upgrade in [upgraded, unchanged] {
        let seen = install(upgrade, &["--yes"]).await;
        assert!(seen.output.status.success(), "{}", seen.told());
        assert!(!seen.calls.iter().any(|(name, _)| name == "HeadObject"));
        assert_eq!(
            seen.made.iter().filter(|name| *name == "PutObject").count(),
            2
        );
    }
    // It is deployed, whatever becomes of the suite.
    let denied = deployed(no_stack(), &[("HeadObject", not_found().status(403))]);
    let seen = install(denied, &["--yes"]).await;
    let said = seen.told();
    assert!(seen.output.status.success(), "{said}");
    assert!(said.contains("deploy-hooks: deployed"), "{said}");
    assert!(
        said.contains("the stack is deployed all the same, without a first suite: `deploy-hooks init --url URL` writes one"),
        "{said}"
    );
}
