//! The listener rule that leads to the release: a request that does not meet it reaches something else.

use http::{HeaderMap, HeaderName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::*;
use super::*;
use crate::{EarlierRule, HeaderCondition, ListenerRule, RuleConditions, RulePattern};

fn rule(hosts: &[&str], paths: &[&str]) -> ListenerRule {
    ListenerRule {
        conditions: RuleConditions {
            hosts: RulePattern::wildcards(hosts),
            paths: RulePattern::wildcards(paths),
            ..RuleConditions::default()
        },
        ..ListenerRule::default()
    }
}

/// Demands that the header is `value`.
fn rule_on(name: &'static str, value: &str) -> ListenerRule {
    ListenerRule {
        conditions: RuleConditions {
            headers: vec![HeaderCondition {
                name: HeaderName::from_static(name),
                values: RulePattern::wildcards(&[value]),
            }],
            ..RuleConditions::default()
        },
        ..ListenerRule::default()
    }
}

async fn behind(shop: &Shop, rule: ListenerRule, suite: &str) -> Outcome {
    behind_url(&shop.url, rule, suite).await
}

async fn behind_url(base: &Url, rule: ListenerRule, suite: &str) -> Outcome {
    let headers = rule.conditions.headers.iter().map(|condition| {
        let value = condition.values[0].to_string().replace('*', "");
        (condition.name.clone(), value.parse().unwrap())
    });
    let text = format!("version: 1\nname: shop\n{suite}\n");
    run(Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}")),
        stage: Stage::PreTraffic,
        target: Target {
            base_url: Some(base.clone()),
            headers: headers.collect::<HeaderMap>(),
            rule,
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await
}

/// The verdict on one check, tried once.
async fn of(shop: &Shop, rule: ListenerRule, check: &str) -> String {
    let suite = format!("checks:\n  - {{ name: a, retries: 0, {check} }}");
    summary(&behind(shop, rule, &suite).await)
}

#[tokio::test]
async fn a_check_that_the_rule_does_not_take_is_refused_unasked() {
    let shop = Shop::open().await;
    let check = "checks:\n  - { name: a, http: GET /two-revisions }";
    let with_host = format!("host: shop.example.com\n{check}");
    let of_production = behind(&shop, rule(&["test.example.com"], &[]), &with_host).await;
    let nameless = behind(&shop, rule(&["*.example.com"], &[]), check).await;
    let elsewhere = behind(&shop, rule(&[], &["/api/*"]), check).await;
    let port = format!(":{}", shop.url.port().unwrap());
    insta::assert_snapshot!(
        [of_production, nameless, elsewhere]
            .map(|it| summary(&it))
            .join("\n")
            .replace(&shop.url.to_string(), "http://SHOP/")
            .replace(&port, ":PORT"),
        @r#"
    failed
    check "a" (line 5) asks for http://shop.example.com:PORT/two-revisions, and the listener rule of the release takes the host test.example.com; correct `host`
    failed
    check "a" (line 4) asks for http://SHOP/two-revisions, and the listener rule of the release takes the host *.example.com; correct `host`
    failed
    check "a" (line 4) asks for http://SHOP/two-revisions, and the listener rule of the release takes the path /api/*, so something else would answer
    "#
    );
    assert_eq!(shop.requests(), 0);
}

#[tokio::test]
async fn a_check_that_the_rule_takes_is_measured() {
    let shop = Shop::open().await;
    let good = behind(
        &shop,
        rule(&["*.example.com"], &["/two*", "/api/*"]),
        "host: Shop.example.com\nchecks:\n  - { name: a, http: GET /two-revisions }",
    )
    .await;
    assert!(good.verdict.passed, "{}", summary(&good));
}

#[tokio::test]
async fn what_the_rule_demands_goes_with_each_request() {
    let shop = Shop::open().await;
    for (name, value) in [
        ("x-test", "green"),
        ("user-agent", "test*"),
        ("accept", "text/test"),
        ("cookie", "*canary=1*"),
    ] {
        for check in [
            "http: GET /api/books",
            "http: { url: /api/books, cookies: { other: x } }",
            "http: { url: /moved, follow_redirects: true }",
        ] {
            let told = of(&shop, rule_on(name, value), check).await;
            assert!(told.starts_with("passed"), "{name} {check}: {told}");
        }
    }
}

#[tokio::test]
async fn a_header_of_the_check_that_the_rule_does_not_take_is_no_pass() {
    let shop = Shop::open().await;
    let own = "http: { url: /api/books, headers: { X-Test: blue } }";
    insta::assert_snapshot!(of(&shop, rule_on("x-test", "green"), own).await.replace(&shop.url.to_string(), "http://SHOP/"), @r#"
    failed
    check "a" errored: GET http://SHOP/api/books does not reach the release, as its listener rule takes the header x-test: green; leave it out, and the gate sends it
    "#);
    assert_eq!(shop.requests(), 0);
    let fits = "http: { url: /api/books, headers: { X-Test: GREEN } }";
    assert!(
        of(&shop, rule_on("x-test", "green"), fits)
            .await
            .starts_with("passed")
    );
}

#[tokio::test]
async fn where_an_answer_leads_counts_as_well() {
    let shop = Shop::open().await;
    let redirected = "http: { url: /moved, follow_redirects: true }";
    insta::assert_snapshot!(of(&shop, rule(&[], &["/moved"]), redirected).await.replace(&shop.url.to_string(), "http://SHOP/"), @r#"
    failed
    check "a" errored: GET http://SHOP/version does not reach the release, as its listener rule takes the path /moved, so something else would answer
    "#);
    let journey = "checks:\n  - name: a\n    retries: 0\n    journey:\n      \
                   - { name: first, http: GET /version, capture: { where: { json: $.version } } }\n      \
                   - { name: second, http: 'GET /api/{{ where }}' }";
    let told = summary(&behind(&shop, rule(&[], &["/version"]), journey).await);
    assert!(told.contains("takes the path /version"), "{told}");
}

#[tokio::test]
async fn what_an_earlier_rule_takes_is_not_sent() {
    let shop = Shop::open().await;
    let mut rule = rule(&[], &[]);
    rule.earlier.push(EarlierRule {
        priority: 3,
        conditions: RuleConditions {
            paths: RulePattern::wildcards(&["/api/*"]),
            ..RuleConditions::default()
        },
    });
    insta::assert_snapshot!(of(&shop, rule.clone(), "http: GET /api/books").await.replace(&shop.url.to_string(), "http://SHOP/"), @r#"
    failed
    check "a" errored: GET http://SHOP/api/books does not reach the release, as its listener rule comes after the rule of priority 3, which may take this request first; give the release's rule a lower number
    "#);
    assert_eq!(shop.requests(), 0);
    assert!(
        of(&shop, rule, "http: GET /version")
            .await
            .starts_with("passed")
    );
}

#[tokio::test]
async fn a_crawl_leaves_what_another_rule_takes() {
    let base = page_with_links().await;
    let of = async |rule: ListenerRule| {
        let told = behind_url(
            &base,
            rule,
            "checks:\n  - { name: a, retries: 0, crawl: / }",
        )
        .await;
        assert!(told.verdict.passed, "{}", summary(&told));
        told.report.checks[0].rounds[0].tries[0].notes.concat()
    };
    let mut before = rule(&[], &[]);
    before.earlier.push(EarlierRule {
        priority: 3,
        conditions: RuleConditions {
            paths: RulePattern::wildcards(&["/api/*"]),
            ..RuleConditions::default()
        },
    });
    insta::assert_snapshot!(of(before).await, @"2 pages and 0 files were visited; 2 links led to what the listener does not lead to the release");
    // What the release's rule demands goes with each request, so that it leaves nothing out.
    insta::assert_snapshot!(of(rule_on("x-test", "green")).await, @"3 pages and 0 files were visited");
}

/// Each path is a page, with the same two links.
async fn page_with_links() -> Url {
    serving(|mut socket| async move {
        let body = "<title>t</title><main><h1>h</h1><a href=/api/x>x</a><a href=/y>y</a>";
        let mut bytes = [0; 4096];
        while let Ok(1..) = socket.read(&mut bytes).await {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            socket.write_all(answer.as_bytes()).await.ok();
        }
    })
    .await
}

#[tokio::test]
async fn other_probes_keep_to_the_rule_too() {
    let shop = Shop::open().await;
    let mut rule = rule(&[], &[]);
    rule.earlier.push(EarlierRule {
        priority: 1,
        conditions: RuleConditions::default(),
    });
    for check in [
        "websocket: { url: /socket }",
        "grpc: shop.Orders",
        "crawl: /",
        "load: { http: GET /version, rate: 20/s, for: 1s, errors: { fail_when: '> 1%' } }",
    ] {
        let told = of(&shop, rule.clone(), check).await;
        assert!(told.contains("the rule of priority 1"), "{check}: {told}");
    }
    assert_eq!(shop.requests(), 0);
}
