//! Journeys through the shop: what steps share, where they end, and what is shown of them.

use std::sync::atomic::Ordering;

use super::shop::{CSRF, SESSION};
use super::*;

const BUY: &str = "  - name: a reader buys a book
    retries: 0
    journey:
      - name: form
        http: GET /login
        capture: { csrf: { css: 'input[name=csrf]', attribute: value } }
      - name: login
        http: { method: POST, url: /login, form: { csrf: '{{ csrf }}', user: '{{ reader }}' } }
        expect: [{ status: 200 }]
        capture: { id: { json: $.reader }, session: { json: $.token, secret: true } }
      - name: cart
        http: { method: POST, url: /cart, json: { reader: '{{ id }}', book: 7 } }
        expect: [{ status: 201 }]
        capture:
          cart: { json: $.cart }
          shelf: { header: x-cart }
          number: { regex: '\"lines\":([0-9]+)' }
      - name: pay
        http: { method: POST, url: /pay, json: { cart: '{{ cart }}', shelf: '{{ shelf }}', lines: '{{ number }}', as: '{{ session }}' } }
        expect: [{ status: 201 }]
      - http: GET /
    always:
      - name: empty the cart
        http: DELETE /cart
        expect: [{ status: 204 }]
      - name: log out
        http: { method: POST, url: /logout }";

async fn bought(shop: &Shop) -> Outcome {
    Trial::of(shop, BUY)
        .with("vars: { reader: demo }")
        .run()
        .await
}

#[tokio::test]
async fn a_journey_goes_on_until_a_step_is_not_met() {
    let shop = Shop::open().await;
    let outcome = bought(&shop).await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a reader buys a book" failed: step 4 "pay": expected status 201, got 503
    "#);
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    let came: Vec<String> = steps
        .iter()
        .map(|step| {
            let name = step.name.as_deref().unwrap_or_default();
            format!(
                "{}{} {name} {}",
                if step.always { "always " } else { "" },
                step.number,
                step.measurement.as_str()
            )
        })
        .collect();
    assert_eq!(
        came,
        [
            "1 form passed",
            "2 login passed",
            "3 cart passed",
            "4 pay failed",
            "always 1 empty the cart passed",
            "always 2 log out failed",
        ]
    );
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    assert_eq!(
        one.not_reached,
        [report::UnreachedStepReport {
            number: 5,
            name: None
        }]
    );
    assert!(crate::report::html(&outcome.report).contains("Not reached: step 5</p>"));
    // Numbers stay what they were, as numbers; the rest is text.
    assert_eq!(
        shop.visits(),
        [
            "login".to_owned(),
            "cart {\"reader\":17,\"book\":7}".to_owned(),
            format!(
                "pay {{\"cart\":9007199254740993,\"shelf\":\"c-42\",\"lines\":\"1\",\"as\":\"{SESSION}\"}}"
            ),
            "empty".to_owned(),
            "logout".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_journey_passes_whatever_came_of_the_steps_under_always() {
    let shop = Shop::open().await;
    shop.seen.till_works.store(true, Ordering::SeqCst);
    let outcome = bought(&shop).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    assert_eq!(steps.len(), 7);
    assert!(
        outcome.report.checks[0].rounds[0].tries[0]
            .not_reached
            .is_empty()
    );
    assert!(!crate::report::json(&outcome.report).contains("not_reached"));
    assert_eq!(steps[6].measurement, Measurement::Failed, "logging out");
}

#[tokio::test]
async fn nothing_secret_of_a_journey_is_shown() {
    let shop = Shop::open().await;
    let outcome = bought(&shop).await;
    let page = crate::report::html(&outcome.report);
    let report = crate::report::json(&outcome.report);
    for shown in [&page, &report, &summary(&outcome)] {
        // By `secret: true`, as a cookie, and by its name.
        assert!(!shown.contains(SESSION) && !shown.contains(CSRF), "{shown}");
    }
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    let captured: Vec<String> = steps
        .iter()
        .flat_map(|step| &step.captured)
        .map(|one| format!("{}={}", one.name, one.value))
        .collect();
    assert_eq!(
        captured,
        [
            "csrf=***",
            "id=17",
            "session=***",
            "cart=9007199254740993",
            "shelf=c-42",
            "number=1"
        ]
    );
    // What the till said back is shown, without the session.
    let body = steps[3].body_excerpt.as_deref().unwrap();
    assert!(
        body.starts_with("no till for ") && body.contains("***"),
        "{body}"
    );
    for shown in [
        "Step 4: pay",
        "Always, step 1: empty the cart",
        "captured id = 17, session = ***",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[tokio::test]
async fn each_try_is_the_whole_journey_with_new_cookies() {
    let shop = Shop::open().await;
    let again = BUY.replace("retries: 0", "retries: 1\n    retry_every: 1ms");
    let outcome = Trial::of(&shop, &again)
        .with("vars: { reader: demo }")
        .run()
        .await;
    assert!(!outcome.verdict.passed);
    let visits = shop.visits();
    assert_eq!(visits.len(), 10, "{visits:?}");
    assert_eq!(visits[5], "login");
    assert_eq!(outcome.report.checks[0].rounds[0].tries.len(), 2);
}

#[tokio::test]
async fn a_step_is_asked_again_before_the_journey_ends_at_it() {
    let shop = Shop::open().await;
    let check = |retries: u32| {
        format!(
            "  - name: it\n    retries: 0\n    journey:\n      - {{ http: {{ method: POST, url: /cart, json: {{}} }}, expect: [{{ status: 401 }}] }}\n      \
             - {{ http: GET /cookie }}\n      - {{ http: GET /nowhere, retries: {retries}, retry_every: 1ms }}"
        )
    };
    let outcome = Trial::of(&shop, &check(2)).run().await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed: step 3: expected status 2xx, got 404
    "#);
    // The steps before are not gone through again, and one try of the step is shown.
    assert_eq!(shop.visits(), ["cart {}"]);
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    assert_eq!(steps.len(), 3);
    assert_eq!(
        steps[2].notes,
        ["the step was asked 3 times; this is the last"]
    );
    let outcome = Trial::of(&shop, &check(0)).run().await;
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    assert!(steps[2].notes.is_empty(), "{:?}", steps[2].notes);
}

#[tokio::test]
async fn a_step_that_is_met_at_last_is_met() {
    let shop = Shop::open().await;
    let check = "  - name: it
    retries: 0
    journey:
      - { http: GET /flaky, retries: 5, retry_every: 1ms }";
    let outcome = Trial::of(&shop, check).run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    assert!(steps[0].notes[0].contains("times"), "{:?}", steps[0].notes);
}

#[tokio::test]
async fn the_tries_of_a_step_end_with_those_of_the_check() {
    let shop = Shop::open().await;
    let check = "  - name: it
    retries: 0
    timeout: 300ms
    journey:
      - { http: GET /nowhere, retries: 100, retry_every: 100ms }";
    let begun = Instant::now();
    let outcome = Trial::of(&shop, check).run().await;
    assert!(!outcome.verdict.passed);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    assert!(steps[0].notes[0].contains("times"), "{:?}", steps[0].notes);
}

#[tokio::test]
async fn a_group_that_takes_no_part_has_no_value() {
    let shop = Shop::open().await;
    let check = "  - name: it
    retries: 0
    journey:
      - { http: { method: POST, url: /form, body: b }, capture: { x: { regex: '(a)|b' } } }";
    let outcome = Trial::of(&shop, check).run().await;
    assert!(
        summary(&outcome).contains("got nothing there"),
        "{}",
        summary(&outcome)
    );
}

#[tokio::test]
async fn a_capture_that_finds_nothing_fails_its_step() {
    let shop = Shop::open().await;
    let summary_of = |capture: &str| {
        let check = format!(
            "  - name: it\n    retries: 0\n    journey:\n      - http: GET /api/books\n        capture: {{ x: {{ {capture} }} }}\n      - http: GET /never"
        );
        let trial = Trial::of(&shop, &check);
        async move { summary(&trial.run().await) }
    };
    insta::assert_snapshot!(summary_of("json: '$[5].id'").await, @r#"
    failed
    check "it" failed: step 1: expected a value to capture as x from $[5].id, got nothing there
    "#);
    insta::assert_snapshot!(summary_of("json: '$[*].id'").await, @r#"
    failed
    check "it" failed: step 1: expected a value to capture as x from $[*].id, got 2 values, and a capture takes one
    "#);
    insta::assert_snapshot!(summary_of("header: x-order").await, @r#"
    failed
    check "it" failed: step 1: expected a value to capture as x from header x-order, got nothing there
    "#);
    insta::assert_snapshot!(summary_of("cookie: sid").await, @r#"
    failed
    check "it" failed: step 1: expected a value to capture as x from cookie sid, got nothing there
    "#);
    insta::assert_snapshot!(summary_of("regex: 'id=([0-9]+)'").await, @r#"
    failed
    check "it" failed: step 1: expected a value to capture as x from /id=([0-9]+)/, got nothing there
    "#);
    insta::assert_snapshot!(summary_of("css: h1").await, @r#"
    failed
    check "it" failed: step 1: expected a value to capture as x from h1, got a body that is not HTML: its content-type is application/json
    "#);
}

#[tokio::test]
async fn what_a_limit_cuts_off_is_cleaned_up_all_the_same() {
    let shop = Shop::open().await;
    let check = |limits: &str| {
        format!(
            "  - name: it\n    {limits}\n    journey:\n      - http: {{ method: POST, url: /cart, json: {{}} }}\n        expect: [{{ status: 401 }}]\n      - {{ name: hang, http: GET /trickle }}\n    always:\n      - http: DELETE /cart"
        )
    };
    // By the limit of the try, of the step, and of all tries.
    for limits in [
        "timeout: 300ms\n    retries: 0",
        "timeout: 20s\n    within: 300ms",
    ] {
        let outcome = Trial::of(&shop, &check(limits)).run().await;
        assert!(!outcome.verdict.passed);
        assert!(
            summary(&outcome).contains("step 2 \"hang\": no complete answer: all"),
            "{}",
            summary(&outcome)
        );
        assert_eq!(shop.visits().last().map(String::as_str), Some("empty"));
        shop.seen.visits.lock().unwrap().clear();
    }
    // By the deadline, which says nothing about the release.
    let outcome = Trial::of(
        &shop,
        &check("timeout: 60s\n    retries: 0").replace("/trickle }", "/trickle, timeout: 60s }"),
    )
    .within(Duration::from_secs(2))
    .run()
    .await;
    assert_eq!(
        outcome.report.checks[0].measurement,
        Measurement::NoData,
        "{}",
        summary(&outcome)
    );
    assert_eq!(shop.visits(), ["cart {}", "empty"]);
}

#[tokio::test]
async fn an_answer_does_not_say_whom_to_ask_inside() {
    let shop = Shop::open().await;
    // A captured URL is trusted no more than a redirect: not before traffic, and not inside after it.
    let check = "  - name: it
    retries: 0
    journey:
      - http: { method: POST, url: /form, body: 'http://127.0.0.2:9/latest/meta-data' }
        capture: { next: { regex: '.+' } }
      - http: GET {{ next }}";
    for (stage, word) in [
        (
            Stage::PreTraffic,
            "nothing says that http://127.0.0.2:9 is the release under test",
        ),
        (Stage::PostTraffic, "is an address inside"),
    ] {
        let outcome = Trial::of(&shop, check).on(stage).run().await;
        assert!(!outcome.verdict.passed);
        assert!(summary(&outcome).contains(word), "{}", summary(&outcome));
    }
}

#[tokio::test]
async fn each_step_obeys_the_rule_of_origins() {
    let shop = Shop::open().await;
    let check = "  - { name: it, journey: [{ http: GET / }, { http: GET http://127.0.0.2/ }] }";
    let outcome = Trial::of(&shop, check).run().await;
    assert!(
        summary(&outcome).contains("step 2: nothing says that http://127.0.0.2 is the release"),
        "{}",
        summary(&outcome)
    );
    assert_eq!(shop.requests(), 0);
}

#[tokio::test]
async fn no_check_sees_the_cookies_of_a_journey() {
    let shop = Shop::open().await;
    let checks = "  - name: a
    journey:
      - http: GET /cookie
      - http: GET /echo
        expect: [{ json: { path: $.headers.cookie, equals: sid=1 } }]
  - { name: b, http: GET /echo, expect: [{ json: { path: $.headers.cookie, exists: false } }] }
  - name: c
    journey:
      - http: { url: /echo, cookies: { own: x } }
        expect: [{ json: { path: $.headers.cookie, equals: own=x } }]";
    let outcome = Trial::of(&shop, checks)
        .with("limits: { concurrency: 1 }")
        .run()
        .await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn the_example_of_a_journey_is_one() {
    let shop = Shop::open().await;
    let mut trial = Trial::of(&shop, "");
    trial.suite = include_str!("../../../../../examples/suites/journey.yaml").to_owned();
    let run = |trial: Trial| trial.secret("password", "hunter2-hunter2").run();
    let outcome = run(trial).await;
    let reason = "step 4 \"pay\": expected status 201, got 503";
    assert!(summary(&outcome).contains(reason), "{}", summary(&outcome));
    assert!(!crate::report::json(&outcome.report).contains(SESSION));
    shop.seen.till_works.store(true, Ordering::SeqCst);
    let mut trial = Trial::of(&shop, "");
    trial.suite = include_str!("../../../../../examples/suites/journey.yaml").to_owned();
    let outcome = run(trial).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    assert!(outcome.report.seed.is_some());
    assert_eq!(shop.visits().last().map(String::as_str), Some("empty"));
}

#[tokio::test]
async fn a_step_that_is_silent_to_its_last_try_names_its_own_limit() {
    let shop = Shop::open().await;
    let check = "  - name: it
    journey:
      - { name: asks, http: GET /, timeout: 60ms, retries: 2, retry_every: 10ms }";
    let mut trial = Trial::of(&shop, check);
    trial.base_url = server::silent().await;
    let text = summary(&trial.run().await);
    assert!(text.contains("no complete answer within 60ms"), "{text}");
}
