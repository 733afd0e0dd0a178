//! The listener rule that leads to the release: a request that does not meet it reaches something else.

use super::*;

async fn behind(shop: &Shop, suite: &str, hosts: &[&str], paths: &[&str]) -> Outcome {
    let text = format!(
        "version: 1\nname: shop\n{suite}\nchecks:\n  - {{ name: a, http: GET /two-revisions }}\n"
    );
    let listed = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect();
    run(Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}")),
        stage: Stage::PreTraffic,
        target: Target {
            base_url: Some(shop.url.clone()),
            rule: crate::ListenerRule {
                hosts: listed(hosts),
                paths: listed(paths),
            },
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await
}

#[tokio::test]
async fn a_check_that_the_rule_does_not_take_is_refused_unasked() {
    let shop = Shop::open().await;
    let of_production = behind(&shop, "host: shop.example.com", &["test.example.com"], &[]).await;
    insta::assert_snapshot!(summary(&of_production), @r#"
    failed
    check "a" (line 5) asks for the host shop.example.com, and the listener rule of the release takes test.example.com; correct `host`
    "#);
    let nameless = behind(&shop, "", &["*.example.com"], &[]).await;
    assert!(
        summary(&nameless).contains("takes *.example.com"),
        "{}",
        summary(&nameless)
    );
    let elsewhere = behind(&shop, "", &[], &["/api/*"]).await;
    insta::assert_snapshot!(summary(&elsewhere), @r#"
    failed
    check "a" (line 5) asks for the path /two-revisions, and the listener rule of the release takes /api/*, so something else would answer
    "#);
    assert_eq!(shop.requests(), 0);
}

#[tokio::test]
async fn a_check_that_the_rule_takes_is_measured() {
    let shop = Shop::open().await;
    let good = behind(
        &shop,
        "host: Shop.example.com",
        &["*.example.com"],
        &["/two*", "/api/*"],
    )
    .await;
    assert!(good.verdict.passed, "{}", summary(&good));
}
