//! What a decision is bound to: the same as long as nothing changes, another as soon as something does.

use approvals::ShownDigest;
use approvals::pipeline::PipelineError;
use briefing::{brief, shown_now};
use serde_json::json;

use crate::brief::lookups;
use crate::support::shop::{self, EXECUTION};
use crate::support::{Fake, Fault, Resource, Set, World};

async fn shown_first(fake: &Fake) -> ShownDigest {
    brief(&lookups(fake), &shop::action(), Some(EXECUTION))
        .await
        .1
}

async fn again(fake: &Fake, shown_first: &ShownDigest) -> Result<ShownDigest, PipelineError> {
    shown_now(&fake.aws, &shop::action(), EXECUTION, shown_first).await
}

#[tokio::test]
async fn nothing_has_changed() {
    let fake = Fake::start(shop::world()).await;
    let shown_first = shown_first(&fake).await;
    assert_eq!(again(&fake, &shown_first).await.unwrap(), shown_first);
    // In whichever pages and order AWS answers, and whatever else has happened in the execution.
    fake.change(|world| {
        world.page = 3;
        world
            .sets
            .get_mut("shop/release")
            .unwrap()
            .resources
            .reverse();
        let deploy = shop::deploy_action(200, "Production", "Deploy", "d-LATER1");
        world.actions.get_mut(EXECUTION).unwrap().insert(0, deploy);
        world.objects.clear();
        world.passed.clear();
    });
    assert_eq!(again(&fake, &shown_first).await.unwrap(), shown_first);
    assert!(!fake.calls().contains(&"PutApprovalResult".to_owned()));
}

/// Something that happens between the message and the decision.
type Change = fn(&mut World);

#[tokio::test]
async fn each_change_makes_a_difference() {
    let changes: [(&str, Change); 6] = [
        ("a property", |world| {
            let resources = &mut world.sets.get_mut("network/release").unwrap().resources;
            resources[0].details[0].3 = "10.0.0.0/16".into();
        }),
        ("a resource more", |world| {
            let more = Resource::new("Remove", "Bucket", "AWS::S3::Bucket");
            world
                .sets
                .get_mut("shop/release")
                .unwrap()
                .resources
                .push(more);
        }),
        ("another change set of the same name", |world| {
            world.sets.get_mut("shop/release").unwrap().id = "arn:new".into();
        }),
        ("a change set is gone", |world| {
            world.sets.remove("shop/release");
        }),
        ("another revision", |world| {
            let execution = world.executions.get_mut(EXECUTION).unwrap();
            execution["artifactRevisions"][0]["revisionId"] = json!("ffff");
        }),
        ("a change set more before the approval", |world| {
            let more = shop::change_set_action(60, "More", "CHANGE_SET_REPLACE", "staging");
            shop::insert(world, "staging", Vec::new());
            world.actions.get_mut(EXECUTION).unwrap().insert(1, more);
        }),
    ];
    for (what, change) in changes {
        let fake = Fake::start(shop::world()).await;
        let shown_first = shown_first(&fake).await;
        fake.change(change);
        assert_ne!(
            again(&fake, &shown_first).await.unwrap(),
            shown_first,
            "{what}"
        );
    }
}

#[tokio::test]
async fn what_can_not_be_read_now_is_an_error_and_never_equal() {
    for operation in [
        "GetPipelineExecution",
        "ListActionExecutions",
        "DescribeChangeSet",
        "DescribeChangeSet:network/release",
    ] {
        let fake = Fake::start(shop::world()).await;
        let shown_first = shown_first(&fake).await;
        fake.change(|world| {
            world.faults.insert(operation.to_owned(), Fault::Denied);
        });
        let error = again(&fake, &shown_first).await.unwrap_err();
        assert!(!error.is_transient(), "{operation}: {error}");
    }
}

#[tokio::test]
async fn what_nobody_was_shown_is_not_compared() {
    for (operation, unknown) in [
        ("GetPipelineExecution:e-2", "revisions"),
        ("ListActionExecutions:e-2", "change sets"),
        (
            "DescribeChangeSet:shop/release",
            "change set release of stack shop",
        ),
        (
            "DescribeChangeSet:nested",
            "changes of change set release of stack shop",
        ),
    ] {
        let mut world = shop::world();
        world.sets.insert("nested".into(), Set::default());
        let inner = Resource::new("Modify", "Inner", "AWS::CloudFormation::Stack");
        let set = world.sets.get_mut("shop/release").unwrap();
        set.resources.push(inner.nesting("nested"));
        world.faults.insert(operation.to_owned(), Fault::Denied);
        let fake = Fake::start(world).await;
        let shown_first = shown_first(&fake).await;
        assert_eq!(shown_first.unknown, [unknown]);
        // It fails still, or it works again: neither makes the approval undecidable.
        assert_eq!(
            again(&fake, &shown_first).await.unwrap(),
            shown_first,
            "{operation} fails"
        );
        fake.change(|world| world.faults.clear());
        assert_eq!(
            again(&fake, &shown_first).await.unwrap(),
            shown_first,
            "{operation} works"
        );
        // What was shown is compared all the same.
        fake.change(|world| {
            let network = world.sets.get_mut("network/release").unwrap();
            network.resources.clear();
            let execution = world.executions.get_mut(EXECUTION).unwrap();
            execution["artifactRevisions"] = json!([]);
        });
        assert_ne!(
            again(&fake, &shown_first).await.unwrap(),
            shown_first,
            "{operation} changed"
        );
    }
}

#[tokio::test]
async fn a_change_set_whose_changes_are_unknown_is_still_that_change_set() {
    let mut world = shop::world();
    let inner = Resource::new("Modify", "Inner", "AWS::CloudFormation::Stack");
    let set = world.sets.get_mut("shop/release").unwrap();
    set.resources.push(inner.nesting("gone"));
    let fake = Fake::start(world).await;
    let shown_first = shown_first(&fake).await;
    assert_eq!(
        shown_first.unknown,
        ["changes of change set release of stack shop"]
    );
    fake.change(|world| world.sets.get_mut("shop/release").unwrap().id = "arn:new".into());
    assert_ne!(again(&fake, &shown_first).await.unwrap(), shown_first);
}

#[tokio::test]
async fn without_an_execution_there_is_nothing_to_compare() {
    let fake = Fake::start(shop::world()).await;
    let (_, shown_first) = brief(&lookups(&fake), &shop::action(), None).await;
    assert_eq!(again(&fake, &shown_first).await.unwrap(), shown_first);
    assert!(fake.calls().is_empty());
}
