//! Target groups, their facts and their targets.

use super::*;

const TARGETS: &str = "<TargetHealthDescriptions>\
    <member><Target><Id>10.0.0.1</Id><Port>8080</Port></Target><TargetHealth><State>healthy</State></TargetHealth></member>\
    <member><Target><Id>10.0.0.2</Id><Port>8080</Port></Target><TargetHealth><State>unhealthy</State>\
    <Reason>Target.Timeout</Reason><Description>Request timed out</Description></TargetHealth></member></TargetHealthDescriptions>";

fn health(result: &str) -> (&'static str, Vec<Answer>) {
    (
        "DescribeTargetHealth",
        vec![xml("DescribeTargetHealth", result)],
    )
}

#[tokio::test]
async fn the_targets_are_those_of_the_green_task_set() {
    let groups = ("DescribeTargetGroups", vec![target_group("green")]);
    let (cloud, aws) = cloud(service(), &[], vec![groups, health(TARGETS)]).await;
    let group = cloud.targets().await.unwrap();
    assert_eq!((group.name.as_str(), group.desired), ("green", 2));
    let told: Vec<String> = group
        .targets
        .iter()
        .map(|target| format!("{} {} {}", target.id, target.state, target.reason))
        .collect();
    assert_eq!(
        told,
        [
            "10.0.0.1:8080 healthy ",
            "10.0.0.2:8080 unhealthy Target.Timeout: Request timed out"
        ]
    );
    assert!(aws.bodies("DescribeTargetGroups")[0].contains("Names.member.1=green"));
    assert!(aws.bodies("DescribeTargetHealth")[0].contains("targetgroup%2Fgreen%2F1"));
}

#[tokio::test]
async fn ecs_itself_names_the_group_of_the_new_revision() {
    let groups = ("DescribeTargetGroups", vec![target_group("green")]);
    let release = DescribedRelease::Ecs(Box::new(ecs_release()));
    let (cloud, aws) = cloud(
        release,
        &[],
        vec![groups, health("<TargetHealthDescriptions/>")],
    )
    .await;
    let group = cloud.targets().await.unwrap();
    assert_eq!((group.desired, group.targets.len()), (3, 0));
    assert!(aws.bodies("DescribeTargetGroups")[0].contains("TargetGroupArns.member.1="));
}

#[tokio::test]
async fn targets_that_can_not_be_asked_for_are_no_answer() {
    let with = async |release, facts: &[(&str, &str)], answers| {
        let (cloud, _aws) = cloud(release, facts, answers).await;
        cloud.targets().await.unwrap_err().0
    };
    let denied = vec![("DescribeTargetGroups", vec![refused("AccessDenied")])];
    insta::assert_snapshot!(with(service(), &[], denied).await, @"DescribeTargetGroups green failed: AccessDenied: scripted; the function's role needs elasticloadbalancing:DescribeTargetGroups");
    let groups = || ("DescribeTargetGroups", vec![target_group("green")]);
    let throttled = vec![groups(), ("DescribeTargetHealth", vec![throttled()])];
    assert!(
        with(service(), &[], throttled)
            .await
            .contains("AWS throttled")
    );
    assert!(
        with(function(), FUNCTION, Vec::new())
            .await
            .contains("a function has no targets")
    );
    assert!(
        with(DescribedRelease::Pipeline, &[], Vec::new())
            .await
            .contains("names no target group")
    );
    let mut bare = service_release();
    bare.targets.clear();
    let bare = DescribedRelease::CodeDeploy(Box::new(bare));
    assert!(
        with(bare, &[], Vec::new())
            .await
            .contains("names no task set Green")
    );
}

#[tokio::test]
async fn cloud_watch_calls_groups_and_balancers_by_the_end_of_their_arns() {
    let groups = ("DescribeTargetGroups", vec![target_group("green")]);
    let (cloud_, _aws) = cloud(service(), &[], vec![groups]).await;
    let known = cloud_.costly_facts().await;
    assert_eq!(known.facts["target_group"], "targetgroup/green/1");
    assert_eq!(known.facts["load_balancer"], "app/shop/50dc");
    let mut first = ecs_release();
    first.old = None;
    let groups = ("DescribeTargetGroups", vec![target_group("green")]);
    let (cloud, _aws) = cloud(DescribedRelease::Ecs(Box::new(first)), &[], vec![groups]).await;
    let known = cloud.costly_facts().await;
    assert_eq!(
        known.unknown["old_target_group"],
        "there is no earlier revision"
    );
    assert!(known.facts.contains_key("target_group"));
}
