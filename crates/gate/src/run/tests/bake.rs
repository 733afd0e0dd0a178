//! Rounds: how many, when they stop, what the last one decides.

use super::*;

const BAKE: &str = "traffic: { bake: 2s, every: 400ms }";

#[tokio::test]
async fn rounds_go_on_until_the_window_is_over() {
    let shop = Shop::open().await;
    let begun = Instant::now();
    let outcome = Trial::of(&shop, "  - { name: it, http: GET / }")
        .with(BAKE)
        .on(Stage::PostTraffic)
        .run()
        .await;
    assert!(begun.elapsed() >= Duration::from_secs(2));
    insta::assert_snapshot!(summary(&outcome), @"
    passed
    the required check stayed within the limits over 6 rounds in 2s and passed the last
    ");
    assert_eq!(strip(&outcome, 0), "PPPPPP");
    // Passing rounds in the middle keep no tries.
    let kept: Vec<usize> = outcome.report.checks[0]
        .rounds
        .iter()
        .map(|r| r.number)
        .collect();
    assert_eq!(kept, [1, 6]);
    insta::assert_snapshot!(outcome.report.notes.join("\n"), @"Of each check, the first round, the last one and the first 10 that did not pass are shown with their tries; the strip has every round.");
}

#[tokio::test]
async fn pre_traffic_is_one_round() {
    let shop = Shop::open().await;
    let outcome = Trial::of(&shop, "  - { name: it, http: GET / }")
        .with(BAKE)
        .run()
        .await;
    assert!(outcome.verdict.passed);
    assert_eq!(strip(&outcome, 0), "P");
    assert!(outcome.report.bake.is_none());
}

#[tokio::test]
async fn a_limit_ends_the_bake_early() {
    let shop = Shop::open().await;
    let begun = Instant::now();
    let outcome = Trial::of(&shop, "  - { name: it, http: GET /down, retries: 0 }")
        .with("traffic: { bake: 10s, every: 100ms, failure_limit: 2 }")
        .on(Stage::PostTraffic)
        .run()
        .await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed 3 of 3 rounds, limit 2; last: expected status 2xx, got 503
    "#);
    assert_eq!(strip(&outcome, 0), "FFF");
}

#[tokio::test]
async fn advice_does_not_end_it() {
    let shop = Shop::open().await;
    let checks = "  - { name: it, http: GET / }
  - { name: advice, http: GET /down, retries: 0, severity: advisory }";
    let outcome = Trial::of(&shop, checks)
        .with(BAKE)
        .on(Stage::PostTraffic)
        .run()
        .await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    passed
    the required check stayed within the limits over 6 rounds in 2s and passed the last
    advisory check "advice" did not pass 6 of 6 rounds (never blocks); last: expected status 2xx, got 503
    "#);
}

#[tokio::test]
async fn the_last_round_must_pass() {
    let shop = Shop::open().await;
    let outcome = Trial::of(&shop, "  - { name: it, http: GET /worn, retries: 0 }")
        .with("traffic: { bake: 2s, every: 400ms, failure_limit: 9 }")
        .on(Stage::PostTraffic)
        .run()
        .await;
    let strip = strip(&outcome, 0);
    assert!(strip.starts_with('P') && strip.ends_with('F'), "{strip}");
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed in the last of 6 rounds, and a bake must end on a pass; last: expected status 2xx, got 502
    "#);
}

#[tokio::test]
async fn a_window_that_does_not_fit_fails_at_once() {
    let shop = Shop::open().await;
    let begun = Instant::now();
    let outcome = Trial::of(&shop, "  - { name: it, http: GET / }")
        .with("traffic: { bake: 10m, every: 30s }")
        .on(Stage::PostTraffic)
        .within(Duration::from_mins(1))
        .run()
        .await;
    assert!(begun.elapsed() < Duration::from_secs(30));
    let summary = summary(&outcome)
        .replace("59.99", "60")
        .replace("600s", "1m")
        .replace("60s", "1m");
    assert!(
        summary.contains("the bake window of 10m does not fit: "),
        "{summary}"
    );
    assert!(
        summary.contains("shorten traffic.bake or allow the gate more time"),
        "{summary}"
    );
    assert_eq!(shop.requests(), 0);
    assert_eq!(outcome.report.checks.len(), 1);
}

#[tokio::test]
async fn a_window_that_the_deadline_cuts_fails() {
    let shop = Shop::open().await;
    // Fits by the figures; the slow last round does not.
    let outcome = Trial::of(
        &shop,
        "  - { name: it, http: GET /trickle, timeout: 1m, retries: 0 }",
    )
    .with("traffic: { bake: 1s, every: 200ms }")
    .on(Stage::PostTraffic)
    .within(Duration::from_millis(2_100))
    .run()
    .await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" was not measured in 1 of 1 round
    "#);
}

#[tokio::test]
async fn each_round_makes_connections_of_its_own() {
    let wire = super::wire::Wire::open(|_| Some(super::wire::reply("200 OK", &[], b"ok"))).await;
    let shop = Shop::open().await;
    let checks = "  - { name: a, http: GET / }\n  - { name: b, http: GET / }";
    let mut trial = Trial::of(&shop, checks)
        .with("limits: { concurrency: 1 }\ntraffic: { bake: 1s, every: 500ms }")
        .on(Stage::PostTraffic);
    trial.base_url = wire.url.clone();
    let outcome = trial.run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let connections: Vec<usize> = wire.asked().iter().map(|asked| asked.connection).collect();
    assert_eq!(connections, [1, 1, 2, 2, 3, 3]);
}
