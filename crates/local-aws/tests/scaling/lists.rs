//! Pages, filters and limits of lists and descriptions.

use aws_sdk_ecs::types::{SchedulingStrategy, ServiceField, Tag};

use crate::bench::{Bench, NO_PROCESS, refusal};

#[tokio::test]
async fn services_are_listed_ten_at_a_time_unless_a_hundred_are_asked_for() {
    let bench = Bench::new().await;
    for n in 0..112 {
        bench.service(&format!("web-{n:03}"), 0).await;
    }
    let list = || bench.ecs.list_services().cluster("dev");
    let ten = list().send().await.unwrap();
    assert_eq!(ten.service_arns().len(), 10);
    let hundred = list().max_results(100).send().await.unwrap();
    assert_eq!(hundred.service_arns().len(), 100);
    let rest = list()
        .max_results(100)
        .next_token(hundred.next_token().unwrap());
    let rest = rest.send().await.unwrap();
    assert_eq!((rest.service_arns().len(), rest.next_token()), (12, None));
    let refused = refusal(list().max_results(101).send().await);
    assert!(
        refused.starts_with("InvalidParameterException"),
        "{refused}"
    );
}

#[tokio::test]
async fn services_are_listed_by_their_strategy() {
    let bench = Bench::new().await;
    bench.service("web", 1).await;
    let daemon = bench
        .ecs
        .create_service()
        .cluster("dev")
        .service_name("logs");
    let daemon = daemon.task_definition(NO_PROCESS);
    daemon
        .scheduling_strategy(SchedulingStrategy::Daemon)
        .send()
        .await
        .unwrap();
    let listed = async |strategy: Option<SchedulingStrategy>| {
        let call = bench.ecs.list_services().cluster("dev");
        let answer = call.set_scheduling_strategy(strategy).send().await.unwrap();
        let arns = answer.service_arns.unwrap();
        let names = arns
            .iter()
            .map(|arn| arn.rsplit('/').next().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, ["web", "logs"]);
    assert_eq!(listed(Some(SchedulingStrategy::Replica)).await, ["web"]);
    assert_eq!(listed(Some(SchedulingStrategy::Daemon)).await, ["logs"]);
}

#[tokio::test]
async fn clusters_are_listed_in_pages() {
    let bench = Bench::new().await;
    for name in ["test", "staging"] {
        bench
            .ecs
            .create_cluster()
            .cluster_name(name)
            .send()
            .await
            .unwrap();
    }
    bench
        .ecs
        .delete_cluster()
        .cluster("test")
        .send()
        .await
        .unwrap();
    let first = bench
        .ecs
        .list_clusters()
        .max_results(1)
        .send()
        .await
        .unwrap();
    assert!(first.cluster_arns()[0].ends_with(":cluster/dev"));
    let rest = bench
        .ecs
        .list_clusters()
        .next_token(first.next_token().unwrap());
    let rest = rest.send().await.unwrap();
    assert!(rest.cluster_arns()[0].ends_with(":cluster/staging"));
    assert_eq!((rest.cluster_arns().len(), rest.next_token()), (1, None));
}

#[tokio::test]
async fn ten_services_are_described_at_once_and_tags_only_to_who_asks() {
    let bench = Bench::new().await;
    let create = bench
        .ecs
        .create_service()
        .cluster("dev")
        .service_name("web");
    let tag = Tag::builder()
        .key("deploy-hooks:schedule")
        .value("default")
        .build();
    create
        .task_definition(NO_PROCESS)
        .tags(tag)
        .send()
        .await
        .unwrap();
    let describe = || bench.ecs.describe_services().cluster("dev");
    let many = (0..11).map(|n| format!("web-{n}")).collect();
    let refused = refusal(describe().set_services(Some(many)).send().await);
    assert!(refused.contains("more than 10"), "{refused}");
    let bare = describe().services("web").send().await.unwrap();
    assert!(bare.services()[0].tags().is_empty());
    let tagged = describe().services("web").include(ServiceField::Tags);
    let tagged = tagged.send().await.unwrap();
    assert_eq!(tagged.services()[0].tags()[0].value(), Some("default"));
}
