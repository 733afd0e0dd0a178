//! What is known of a suite before there is a target.

use super::*;

fn preflight(suite: &str) -> Preflight {
    let text = format!("version: 1\nname: shop\n{suite}\n");
    let suite = Suite::parse("shop.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    suite.preflight()
}

/// The problems, then the notes, a line each.
fn told_of(suite: &str) -> String {
    let Preflight { problems, notes } = preflight(suite);
    let problems = problems.iter().map(ToString::to_string);
    let notes = notes.iter().map(|note| format!("note: {note}"));
    problems.chain(notes).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_url_that_nothing_says_is_the_release_is_told_with_its_place() {
    insta::assert_snapshot!(told_of("checks:\n  - name: home\n    http: GET https://www.example.com/"), @"5:11: nothing says that https://www.example.com is the release under test; before traffic, and while an earlier release serves customers, only the release counts; write a path, or `reaches_release: true` if the URL leads to the version under test, or `allow_origins: [\"https://www.example.com\"]` if another place is meant, or `on: post-traffic`");
    insta::assert_snapshot!(told_of("vars: { shop: www.example.com }\nchecks:\n  - { name: home, http: GET / }\n  - name: chat\n    websocket: { url: \"wss://{{ shop }}/chat\" }"), @"7:16: nothing says that www.example.com:443 is the release under test; before traffic, and while an earlier release serves customers, only the release counts; write a path, or write `reaches_release: true` if it leads to the version under test, or `reaches_release: false` if another place is meant, or `on: post-traffic`");
    insta::assert_snapshot!(told_of("checks:\n  - name: mail\n    tcp: { host: mail.example.com, port: 25 }"), @"5:10: nothing says that mail.example.com:25 is the release under test; before traffic, and while an earlier release serves customers, only the release counts; leave out `host` and `port`, or write `reaches_release: true` if it leads to the version under test, or `reaches_release: false` if another place is meant, or `on: post-traffic`");
    let journey = "checks:\n  - name: buy\n    journey:\n      - { name: a, http: GET / }\n      - { name: b, http: GET https://pay.example.com/ }";
    assert!(
        told_of(journey).contains(": step 2: nothing says that https://pay.example.com is"),
        "{}",
        told_of(journey)
    );
}

#[test]
fn what_may_be_the_release_at_some_target_is_left_to_the_gate() {
    for right in [
        "checks: [{ name: a, http: GET / }]",
        "checks: [{ name: a, on: post-traffic, http: 'GET https://www.example.com/' }]",
        "host: www.example.com\nchecks: [{ name: a, http: 'GET https://www.example.com:8443/' }]",
        "checks: [{ name: a, http: 'GET https://b.example.com/' }, { name: b, http: { url: /, host: b.example.com } }]",
        "checks: [{ name: a, http: { url: 'https://www.example.com/', reaches_release: true } }]",
        "checks: [{ name: a, http: 'GET http://internal-shop-1.eu-central-1.elb.amazonaws.com:8080/' }]",
        "checks: [{ name: a, http: 'GET {{ target.url }}/x' }]",
        "secrets: { place: 'ssm:/place' }\nchecks: [{ name: a, http: 'GET https://{{ place }}/x' }]",
        "host: db.example.com\nchecks: [{ name: a, tcp: { host: db.example.com, port: 5432 } }]",
        "checks: [{ name: a, http: GET / }, { name: b, tcp: { host: db.example.com, port: 5432, reaches_release: false } }]",
        "checks: [{ name: a, on: pre-traffic, browser: { steps: [{ go: / }] } }]",
        "checks: [{ name: a, on: pre-traffic, agent: { goal: Buy a book., model: m, price: { input: 1.00, output: 5.00 }, proof: [{ text: Thank you! }] } }]",
        "secrets: { ca: 'ssm:/ca' }\nca_certificates: '{{ ca }}'\nchecks: [{ name: a, http: GET / }]",
    ] {
        assert_eq!(preflight(right), Preflight::default(), "{right}");
    }
}

#[test]
fn checks_of_other_places_alone_measure_no_release() {
    let elsewhere = "checks:\n  - { name: login, on: pre-traffic, http: { url: 'https://login.example.com/', allow_origins: ['https://login.example.com'] } }\n  \
         - { name: wired, on: pre-traffic, wiring: all }";
    insta::assert_snapshot!(told_of(elsewhere), @"4:43: nothing required measures the release before traffic: every required check asks another place; write one with a path, or with `reaches_release: true`");
    let beside = format!("{elsewhere}\n  - {{ name: home, http: GET / }}");
    assert_eq!(preflight(&beside), Preflight::default());
}

#[test]
fn a_suite_in_which_nothing_blocks_can_not_pass() {
    insta::assert_snapshot!(told_of("checks:\n  - { name: a, severity: advisory, http: GET / }\n  - { name: b, dry_run: true, http: GET / }"), @"4:42: no check may block: all of them are advisory or in a dry run, and a gate passes only if something required was measured; make one of them required");
    // Of one stage only: nobody may have hooked a gate there.
    insta::assert_snapshot!(told_of("checks:\n  - { name: a, severity: advisory, http: GET / }\n  - { name: b, on: pre-traffic, http: GET / }"), @"note: 4:42: no check of the post-traffic stage may block: it is advisory or in a dry run, and a gate passes only if something required was measured; make one of them required, or hook no post-traffic gate to this suite");
}

#[test]
fn what_a_bake_would_order_again_and_again_is_noted() {
    let order = |more: &str| {
        format!(
            "traffic: {{ bake: 10m, every: 30s }}\nchecks:\n  - {{ name: order{more}, http: {{ method: POST, url: /orders }} }}\n  - {{ name: home, http: GET / }}"
        )
    };
    insta::assert_snapshot!(told_of(&order("")), @r#"note: 5:26: check "order" may change something, and the bake sends it 21 times; write `on: [pre-traffic]`, and a request beside it that only reads"#);
    assert_eq!(
        preflight(&order(", on: [pre-traffic]")),
        Preflight::default()
    );
    let once = order("").replace("traffic: { bake: 10m, every: 30s }\n", "");
    assert_eq!(preflight(&once), Preflight::default());
    let journey = |always: &str| {
        format!(
            "traffic: {{ bake: 10m, every: 30s }}\nchecks:\n  - name: buy\n    journey: [{{ name: pay, http: {{ method: POST, url: /pay }} }}]\n{always}"
        )
    };
    assert_eq!(preflight(&journey("")).notes.len(), 1);
    let cleaned = journey("    always: [{ name: undo, http: DELETE /pay }]");
    assert_eq!(preflight(&cleaned), Preflight::default());
}

#[test]
fn all_examples_can_pass() {
    let suites = [
        include_str!("../../../../../examples/suites/shop.yaml"),
        include_str!("../../../../../examples/suites/ecs-service.yaml"),
        include_str!("../../../../../examples/suites/lambda-function.yaml"),
        include_str!("../../../../../examples/suites/journey.yaml"),
    ];
    for suite in suites {
        let suite = Suite::parse("shop.yaml", suite).unwrap();
        assert_eq!(suite.preflight(), Preflight::default(), "{}", suite.name);
    }
}

/// What is told without a target comes true with one.
#[tokio::test]
async fn a_suite_with_a_problem_is_refused_by_the_gate() {
    let shop = Shop::open().await;
    for checks in [
        "  - { name: a, http: 'GET https://www.example.com/' }",
        "  - { name: a, tcp: { host: mail.example.com, port: 25 } }",
        "  - { name: a, wiring: all }",
    ] {
        let trial = Trial::of(&shop, checks);
        let suite = Suite::parse("suite.yaml", &trial.suite).unwrap();
        assert!(!suite.preflight().problems.is_empty(), "{checks}");
        let outcome = trial.run().await;
        assert!(outcome.refused && !outcome.verdict.passed, "{checks}");
    }
    let passing = Trial::of(&shop, "  - { name: a, http: GET / }").run().await;
    assert!(!passing.refused && passing.verdict.passed);
    let failing = Trial::of(&shop, "  - { name: a, retries: 0, http: GET /down }");
    let failing = failing.run().await;
    assert!(!failing.refused && !failing.verdict.passed);
}

#[test]
fn only_the_secrets_of_a_stage_are_needed_for_it() {
    let text = "version: 1\nname: shop\nsecrets: { a: 'ssm:/a', b: 'ssm:/b', c: 'ssm:/c', d: 'ssm:/d', ca: 'ssm:/ca' }\nca_certificates: '{{ ca }}'\n\
        defaults: { http: { headers: { x-key: '{{ c }}' } } }\n\
        checks:\n  - { name: one, on: pre-traffic, tcp: { send: '{{ a }}', receives: { contains: x } } }\n  \
        - { name: two, on: post-traffic, http: GET /, expect: [{ body: { contains: '{{ b }}' } }] }\n";
    let mut suite = Suite::parse("shop.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    let names = |suite: &Suite, stage| {
        suite
            .secrets_at(stage)
            .into_keys()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&suite, Stage::PreTraffic), ["a", "ca"]);
    assert_eq!(names(&suite, Stage::PostTraffic), ["b", "c", "ca"]);
    suite.skip_checks(&["two".to_owned()]).unwrap();
    assert_eq!(names(&suite, Stage::PostTraffic), ["ca"]);
}

#[test]
fn a_load_for_which_the_suite_leaves_no_time_is_told() {
    insta::assert_snapshot!(told_of("limits: { overall: 1m }\nchecks:\n  - name: a\n    load: { http: GET /, rate: 5/s, for: 1m }"), @"6:11: the load takes up to 1m10s, and limits.overall is 1m; shorten it, or raise limits.overall");
    insta::assert_snapshot!(told_of("checks:\n  - name: a\n    load: { http: GET https://www.example.com/, rate: 5/s, for: 1m }"), @r#"5:11: nothing says that https://www.example.com is the release under test; before traffic, and while an earlier release serves customers, only the release counts; write a path, or `reaches_release: true` if the URL leads to the version under test, or `allow_origins: ["https://www.example.com"]` if another place is meant, or `on: post-traffic`"#);
}

#[test]
fn a_task_in_each_round_of_a_bake_is_noted() {
    insta::assert_snapshot!(told_of("checks: [{ name: a, http: GET / }, { name: tests, ecs_task: { task_definition: t } }]\ntraffic: { bake: 10m, every: 30s }"), @r#"note: 3:61: check "tests" runs a task, and the bake runs it 21 times; write `on: [pre-traffic]`"#);
    assert_eq!(
        told_of(
            "checks: [{ name: a, http: GET / }, { name: tests, on: [pre-traffic], ecs_task: { task_definition: t } }]\ntraffic: { bake: 10m, every: 30s }"
        ),
        ""
    );
}
