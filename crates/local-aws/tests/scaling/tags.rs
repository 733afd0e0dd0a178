//! What AWS takes as a tag.

use aws_sdk_ecs::types::Tag;

use crate::bench::{Bench, NO_PROCESS, refusal};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[tokio::test]
async fn tags_that_aws_refuses_are_refused_everywhere() {
    let bench = Bench::new().await;
    let create = |name: &str| {
        let call = bench.ecs.create_service().cluster("dev").service_name(name);
        call.task_definition(NO_PROCESS)
    };
    let made = create("web")
        .tags(tag("schedule", "Mon-Fri 09:00-22:00"))
        .send()
        .await
        .unwrap();
    let arn = made.service().unwrap().service_arn().unwrap();
    let long = "v".repeat(257);
    for (key, value) in [
        ("schedule", "Mon-Fri 09:00-22:00, Sat 10:00-12:00"),
        ("schedule", "off=[(M-F,19)]"),
        ("schedule", long.as_str()),
        ("aws:schedule", "default"),
    ] {
        let by_tagging = bench
            .ecs
            .tag_resource()
            .resource_arn(arn)
            .tags(tag(key, value));
        let refused = refusal(by_tagging.send().await);
        assert!(
            refused.starts_with("InvalidParameterException: "),
            "{refused}"
        );
        let by_creating = create("other").tags(tag(key, value)).send().await;
        assert_eq!(refusal(by_creating), refused);
    }
    let listed = bench
        .ecs
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.tags().len(), 1);
}

#[tokio::test]
async fn a_resource_has_fifty_tags_at_most() {
    let bench = Bench::new().await;
    let create = bench
        .ecs
        .create_service()
        .cluster("dev")
        .service_name("web");
    let many = (0..50).map(|n| tag(&format!("key-{n}"), "")).collect();
    let create = create.task_definition(NO_PROCESS).set_tags(Some(many));
    let made = create.send().await.unwrap();
    let arn = made.service().unwrap().service_arn().unwrap();
    let add = |key: &str| {
        bench
            .ecs
            .tag_resource()
            .resource_arn(arn)
            .tags(tag(key, "new"))
    };
    let refused = refusal(add("key-50").send().await);
    assert!(refused.contains("more than 50"), "{refused}");
    add("key-49").send().await.unwrap();
    let drop = bench
        .ecs
        .untag_resource()
        .resource_arn(arn)
        .tag_keys("key-0");
    drop.send().await.unwrap();
    add("key-50").send().await.unwrap();
}
