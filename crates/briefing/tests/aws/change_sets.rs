//! Large, nested and hostile change sets.

use approvals::{Briefing, Risk, Shown, What};
use briefing::{brief, shown_again};

use crate::brief::lookups;
use crate::support::shop::{self, EXECUTION};
use crate::support::{Fake, Resource, Set, World};

const STACK: &str = "AWS::CloudFormation::Stack";

/// A world with one change set, of `resources`.
fn world(resources: Vec<Resource>) -> World {
    let mut world = shop::world();
    world.actions.insert(
        EXECUTION.into(),
        vec![
            shop::approval(100),
            shop::change_set_action(50, "Shop", "CHANGE_SET_REPLACE", "shop"),
        ],
    );
    shop::insert(&mut world, "shop", resources);
    world
}

fn nested(world: &mut World, arn: &str, resources: Vec<Resource>) {
    let id = arn.to_owned();
    world.sets.insert(arn.into(), Set { id, resources });
}

fn harmless(count: usize) -> Vec<Resource> {
    (0..count)
        .map(|n| Resource::new("Add", &format!("Alarm{n:04}"), "AWS::CloudWatch::Alarm"))
        .collect()
}

async fn told(fake: &Fake) -> (Briefing, Shown) {
    brief(&lookups(fake), &shop::action(), Some(EXECUTION)).await
}

fn described(fake: &Fake) -> usize {
    let calls = fake.calls();
    calls
        .iter()
        .filter(|call| *call == "DescribeChangeSet")
        .count()
}

#[tokio::test]
async fn two_hundred_resources_with_nested_sets_have_the_dangerous_ones_on_top() {
    let mut resources = harmless(120);
    resources.insert(
        60,
        Resource::new("Modify", "Data", STACK).nesting("arn:data"),
    );
    resources.push(Resource::new("Modify", "Edge", STACK).nesting("arn:edge"));
    let mut world = world(resources);
    let mut data = harmless(70);
    data.push(Resource::new("Remove", "Orders", "AWS::DynamoDB::Table"));
    data.push(Resource::new("Modify", "Deep", STACK).nesting("arn:deep"));
    nested(&mut world, "arn:data", data);
    let role = Resource::new("Modify", "Role", "AWS::IAM::Role");
    let queue = Resource::new("Modify", "Queue", "AWS::SQS::Queue").replaced("True");
    nested(&mut world, "arn:deep", vec![role, queue]);
    let edge = Resource::new("Modify", "Pool", "AWS::Cognito::UserPool").replaced("Conditional");
    nested(&mut world, "arn:edge", vec![edge]);
    world.page = 50;
    let fake = Fake::start(world).await;
    let (briefing, shown) = told(&fake).await;
    assert!(briefing.gaps.is_empty() && shown.unknown.is_empty());
    let set = &briefing.change_sets[0];
    assert_eq!((set.total, set.changes.len()), (197, 100));
    let top: Vec<_> = set.changes[..5]
        .iter()
        .map(|change| (change.risk, change.logical_id.as_str()))
        .collect();
    insta::assert_debug_snapshot!(top, @r#"
    [
        (
            Removal,
            "Data/Orders",
        ),
        (
            Replacement,
            "Data/Deep/Queue",
        ),
        (
            Replacement,
            "Edge/Pool",
        ),
        (
            Access,
            "Data/Deep/Role",
        ),
        (
            Other,
            "Data",
        ),
    ]
    "#);
    // 3 + 2 pages and two sets of one page.
    assert_eq!(described(&fake), 7);
    let bytes = serde_json::to_vec(&briefing).unwrap().len();
    assert!(bytes < 200_000, "{bytes}");
}

#[tokio::test]
async fn sets_that_name_each_other_end() {
    let mut world = world(vec![Resource::new("Modify", "A", STACK).nesting("arn:a")]);
    nested(
        &mut world,
        "arn:a",
        vec![Resource::new("Modify", "B", STACK).nesting("arn:b")],
    );
    let root = shop::arn("shop");
    let back = vec![
        Resource::new("Modify", "A", STACK).nesting("arn:a"),
        Resource::new("Modify", "Root", STACK).nesting(&root),
    ];
    nested(&mut world, "arn:b", back);
    let fake = Fake::start(world).await;
    let (briefing, _) = told(&fake).await;
    assert_eq!((described(&fake), briefing.change_sets[0].total), (3, 4));
    assert!(briefing.gaps.is_empty());
}

#[tokio::test]
async fn stacks_nested_without_end_are_cut_and_said_so() {
    let mut world = world(vec![Resource::new("Modify", "S", STACK).nesting("arn:0")]);
    for n in 0..30 {
        let next = Resource::new("Modify", "S", STACK).nesting(&format!("arn:{}", n + 1));
        nested(&mut world, &format!("arn:{n}"), vec![next]);
    }
    let fake = Fake::start(world).await;
    let (briefing, shown) = told(&fake).await;
    assert_eq!(described(&fake), 9);
    insta::assert_snapshot!(briefing.gaps[0].why, @"change set release of stack shop is cut: it has stacks nested more than 8 deep; look at the rest in the console");
    // A bound is met again the next time: the ARN is what a decision is bound to.
    assert!(shown.unknown.is_empty());
    let again = shown_again(&fake.aws, &shop::action(), EXECUTION, &shown).await;
    assert_eq!(again.unwrap(), shown);
}

#[tokio::test]
async fn more_changes_than_are_read_keep_the_dangerous_of_those_that_are() {
    let mut resources = harmless(5_200);
    resources.insert(
        4_000,
        Resource::new("Remove", "Orders", "AWS::DynamoDB::Table"),
    );
    let mut world = world(resources);
    world.page = 500;
    let fake = Fake::start(world).await;
    let (briefing, shown) = told(&fake).await;
    let set = &briefing.change_sets[0];
    assert_eq!((set.total, set.changes.len()), (5_000, 100));
    assert_eq!(set.changes[0].risk, Risk::Removal);
    assert_eq!(briefing.gaps[0].what, What::ChangeSet);
    insta::assert_snapshot!(briefing.gaps[0].why, @"change set release of stack shop is cut: it has more than 5000 changes; look at the rest in the console");
    let again = shown_again(&fake.aws, &shop::action(), EXECUTION, &shown).await;
    assert_eq!(again.unwrap(), shown);
}

#[tokio::test]
async fn a_change_set_without_changes_is_told_as_such() {
    let fake = Fake::start(world(Vec::new())).await;
    let (briefing, shown) = told(&fake).await;
    assert_eq!(briefing.change_sets[0].total, 0);
    assert_eq!(shown.change_sets.len(), 1);
    assert!(shown.unknown.is_empty() && briefing.gaps.is_empty());
}

#[tokio::test]
async fn words_that_are_not_known_count_as_dangerous() {
    let new = Resource::new("Teleport", "Orders", "AWS::DynamoDB::Table");
    let half = Resource::new("Modify", "Half", "AWS::ECS::Service").replaced("Perhaps");
    let fake = Fake::start(world(vec![new, half])).await;
    let (briefing, _) = told(&fake).await;
    let changes = &briefing.change_sets[0].changes;
    assert!(
        changes
            .iter()
            .all(|change| change.risk == Risk::Replacement)
    );
}
