//! Large, nested and hostile change sets.

use approvals::{Briefing, Lookup, Risk, ShownDigest};
use briefing::{brief, shown_now};

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

async fn briefed(fake: &Fake) -> (Briefing, ShownDigest) {
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
    let (briefing, shown) = briefed(&fake).await;
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
    let (briefing, _) = briefed(&fake).await;
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
    let (briefing, shown) = briefed(&fake).await;
    assert_eq!(described(&fake), 9);
    insta::assert_snapshot!(briefing.gaps[0].why, @"change set release of stack shop is cut: it has stacks nested more than 8 deep; look at the rest in the console");
    // A bound is met again the next time: the ARN is what a decision is bound to.
    assert!(shown.unknown.is_empty());
    let again = shown_now(&fake.aws, &shop::action(), EXECUTION, &shown).await;
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
    let (briefing, shown) = briefed(&fake).await;
    let set = &briefing.change_sets[0];
    assert_eq!((set.total, set.changes.len()), (5_000, 100));
    assert_eq!(set.changes[0].risk, Risk::Removal);
    assert_eq!(briefing.gaps[0].what, Lookup::ChangeSet);
    insta::assert_snapshot!(briefing.gaps[0].why, @"change set release of stack shop is cut: it has more than 5000 changes; look at the rest in the console");
    let again = shown_now(&fake.aws, &shop::action(), EXECUTION, &shown).await;
    assert_eq!(again.unwrap(), shown);
}

#[tokio::test]
async fn a_change_set_without_changes_is_told_as_such() {
    let fake = Fake::start(world(Vec::new())).await;
    let (briefing, shown) = briefed(&fake).await;
    assert_eq!(briefing.change_sets[0].total, 0);
    assert_eq!(shown.change_sets.len(), 1);
    assert!(shown.unknown.is_empty() && briefing.gaps.is_empty());
}

/// Made and carried out here, then made under the same names in the production account.
#[tokio::test]
async fn a_change_set_in_another_account_is_never_taken_for_one_of_the_same_name_here() {
    const PRODUCTION: &str = "999988887777";
    let made = |start, name| shop::change_set_action(start, name, "CHANGE_SET_REPLACE", "shop");
    let mut world = world(harmless(3));
    world.actions.insert(
        EXECUTION.into(),
        vec![
            shop::approval(100),
            shop::elsewhere(made(52, "There"), PRODUCTION),
            shop::change_set_action(51, "Carry out", "CHANGE_SET_EXECUTE", "shop"),
            shop::elsewhere(made(50, "Here"), "111122223333"),
        ],
    );
    let fake = Fake::start(world).await;
    let (briefing, shown) = briefed(&fake).await;
    assert!(briefing.change_sets.is_empty() && shown.change_sets.is_empty());
    insta::assert_snapshot!(briefing.gaps[0].why, @"change set release of stack shop in account 999988887777 can't be read from here; look at it in that account");
    assert_eq!(
        shown.unknown,
        ["change set release of stack shop in account 999988887777"]
    );
    let again = shown_now(&fake.aws, &shop::action(), EXECUTION, &shown).await;
    assert_eq!(again.unwrap(), shown);
    assert_eq!(described(&fake), 0, "this account has another one");
    // Messages that were sent while it was still read from here show something else.
    let earlier = ShownDigest {
        unknown: Vec::new(),
        ..shown
    };
    let again = shown_now(&fake.aws, &shop::action(), EXECUTION, &earlier).await;
    assert_ne!(again.unwrap(), earlier);
    assert_eq!(described(&fake), 0);
}

#[tokio::test]
async fn change_sets_beyond_those_that_are_looked_at_are_unknown() {
    let mut world = world(harmless(1));
    let actions = world.actions.get_mut(EXECUTION).unwrap();
    for n in 0..20 {
        let (name, stack) = (format!("More{n}"), format!("more{n}"));
        actions.insert(
            1,
            shop::change_set_action(51 + n, &name, "CHANGE_SET_REPLACE", &stack),
        );
    }
    for n in 0..20 {
        shop::insert(&mut world, &format!("more{n}"), Vec::new());
    }
    let fake = Fake::start(world).await;
    let (briefing, shown) = briefed(&fake).await;
    assert_eq!(shown.change_sets.len(), 20);
    insta::assert_snapshot!(briefing.gaps[0].why, @"1 more change sets of the execution were not looked at");
    assert_eq!(shown.unknown, ["1 more change sets"]);
    let again = shown_now(&fake.aws, &shop::action(), EXECUTION, &shown).await;
    assert_eq!(again.unwrap(), shown);
    // Another number of them is another release.
    fake.change(|world| {
        let more = shop::change_set_action(90, "Last", "CHANGE_SET_REPLACE", "last");
        world.actions.get_mut(EXECUTION).unwrap().insert(1, more);
    });
    let again = shown_now(&fake.aws, &shop::action(), EXECUTION, &shown).await;
    assert_ne!(again.unwrap(), shown);
}

#[tokio::test]
async fn words_that_are_not_known_count_as_dangerous() {
    let new = Resource::new("Teleport", "Orders", "AWS::DynamoDB::Table");
    let half = Resource::new("Modify", "Half", "AWS::ECS::Service").replaced("Perhaps");
    let fake = Fake::start(world(vec![new, half])).await;
    let (briefing, _) = briefed(&fake).await;
    let changes = &briefing.change_sets[0].changes;
    assert!(
        changes
            .iter()
            .all(|change| change.risk == Risk::Replacement)
    );
}
