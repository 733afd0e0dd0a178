//! A partial step of a canary: two revisions answer at one address.

use super::*;

const BY_HEADER: &str = "revision: { header: { name: x-version, equals: '{{ target.version }}' } }";
const BY_FIELD: &str = "revision: { json: { path: $.version, equals: '{{ target.version }}' } }";

async fn sampled(shop: &Shop, revision: &str, check: &str, percent: u32) -> Outcome {
    let text = format!("version: 1\nname: shop\n{revision}\nchecks:\n  - {check}\n");
    let outcome = run(Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}")),
        stage: Stage::PostTraffic,
        target: Target {
            base_url: Some(shop.url.clone()),
            facts: BTreeMap::from([("version".to_owned(), "1.2.0".to_owned())]),
            sampled_percent: Some(percent),
            only_release: true,
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    });
    outcome.await
}

fn conclusion(outcome: &Outcome) -> &'static str {
    outcome.verdict.conclusion.as_str()
}

#[tokio::test]
async fn the_old_revisions_answers_neither_pass_nor_fail_a_check() {
    let shop = Shop::open().await;
    for revision in [BY_HEADER, BY_FIELD] {
        let of =
            |query: &str| format!("{{ name: a, retries: 0, http: GET /two-revisions?{query} }}");
        let good = sampled(&shop, revision, &of("broken=old"), 20).await;
        assert_eq!(
            conclusion(&good),
            "passed",
            "{revision}: {:?}",
            good.verdict
        );
        let bad = sampled(&shop, revision, &of("broken=new"), 20).await;
        assert_eq!(conclusion(&bad), "failed", "{revision}");
    }
}

#[tokio::test]
async fn a_revision_that_never_answers_is_inconclusive_and_never_a_pass() {
    let shop = Shop::open().await;
    let check = "{ name: a, retries: 0, http: GET /two-revisions?no-new=1 }";
    let outcome = sampled(&shop, BY_HEADER, check, 20).await;
    assert_eq!(conclusion(&outcome), "inconclusive");
    assert_eq!(
        shop.requests(),
        31,
        "as often as a share of 20 % makes likely"
    );
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a" was inconclusive: no answer came from the new revision, which has 20 % of the traffic, by what `revision` of the suite says (31 asked)
    "#);
}

#[tokio::test]
async fn every_step_of_a_journey_is_answered_by_the_new_revision() {
    let shop = Shop::open().await;
    let one = |query: &str| {
        format!("{{ name: a, retries: 0, journey: [{{ http: GET /two-revisions?{query} }}] }}")
    };
    let good = sampled(&shop, BY_HEADER, &one("broken=old"), 20).await;
    assert_eq!(conclusion(&good), "passed", "{:?}", good.verdict);
    let bad = sampled(&shop, BY_HEADER, &one("broken=new"), 20).await;
    assert_eq!(conclusion(&bad), "failed");
    let before = shop.requests();
    let posted = "{ name: a, retries: 0, journey: [{ http: GET /two-revisions }, { http: POST /two-revisions }] }";
    let outcome = sampled(&shop, BY_HEADER, posted, 20).await;
    assert_eq!(conclusion(&outcome), "inconclusive");
    assert_eq!(shop.requests(), before + 1, "it is not begun again");
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a" was inconclusive: not every step of the journey was answered by the new revision, which has 20 % of the traffic, by what `revision` of the suite says (1 tried)
    "#);
}

#[tokio::test]
async fn what_may_change_something_is_not_repeated() {
    let shop = Shop::open().await;
    // Retries are for what failed.
    let check = "{ name: a, retries: 2, http: POST /two-revisions }";
    let outcome = sampled(&shop, BY_HEADER, check, 20).await;
    assert_eq!((conclusion(&outcome), shop.requests()), ("inconclusive", 1));
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a" was inconclusive: the answer did not come from the new revision, which has 20 % of the traffic, by what `revision` of the suite says (1 asked); a request that may change something is not repeated to find it
    "#);
}

#[tokio::test]
async fn without_a_word_on_the_revision_nothing_is_asked() {
    let shop = Shop::open().await;
    let outcome = sampled(&shop, "", "{ name: a, http: GET / }", 20).await;
    assert_eq!((conclusion(&outcome), shop.requests()), ("failed", 0));
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    two revisions answer at this address, and the suite does not say how to tell them apart; name what an answer of the new one has: `revision: { header: { name: x-version, equals: "{{ target.version }}" } }`
    "#);
}

#[tokio::test]
async fn bad_answers_that_do_not_say_whose_they_are_make_no_pass() {
    let shop = Shop::open().await;
    // Each answer of the old revision is an error page without a mark: it might as well be the new one's.
    let check = "{ name: a, retries: 0, http: 'GET /two-revisions?broken=old&unmarked=1' }";
    let outcome = sampled(&shop, BY_HEADER, check, 20).await;
    assert_eq!(conclusion(&outcome), "inconclusive");
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a" was inconclusive: 4 bad answers do not say which revision gave them: status 2xx: got 502
    "#);
}

#[tokio::test]
async fn a_journey_that_met_bad_answers_without_a_mark_does_not_pass() {
    let shop = Shop::open().await;
    let check =
        "{ name: a, retries: 0, journey: [{ http: 'GET /two-revisions?broken=old&unmarked=1' }] }";
    let outcome = sampled(&shop, BY_HEADER, check, 20).await;
    assert_eq!(conclusion(&outcome), "inconclusive");
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a" was inconclusive: 4 bad answers do not say which revision gave them: status 2xx: got 502
    "#);
    // Where the new one never answers, both are said.
    let check = "{ name: a, retries: 0, journey: [{ http: 'GET /two-revisions?no-new=1&broken=old&unmarked=1' }] }";
    let outcome = sampled(&shop, BY_HEADER, check, 50).await;
    assert_eq!(conclusion(&outcome), "inconclusive");
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a" was inconclusive: not every step of the journey was answered by the new revision, which has 50 % of the traffic, by what `revision` of the suite says (10 tried); 10 bad answers do not say which revision gave them: status 2xx: got 502
    "#);
}

#[tokio::test]
async fn another_place_is_asked_once_and_needs_no_mark() {
    let (shop, other) = (Shop::open().await, Shop::open().await);
    let sign_in = format!(
        "http: {{ url: '{}two-revisions?no-new=1', allow_origins: ['{}'] }}",
        other.url, other.url
    );
    let release = "{ name: a, retries: 0, http: GET /two-revisions }";
    let check = format!("{release}\n  - {{ name: b, retries: 0, {sign_in} }}");
    let outcome = sampled(&shop, BY_HEADER, &check, 20).await;
    assert_eq!(conclusion(&outcome), "passed", "{:?}", outcome.verdict);
    assert_eq!(other.requests(), 1);
    let check = format!(
        "{{ name: a, retries: 0, journey: [{{ {sign_in} }}, {{ http: GET /two-revisions }}] }}"
    );
    let outcome = sampled(&shop, BY_HEADER, &check, 50).await;
    assert_eq!(conclusion(&outcome), "passed", "{:?}", outcome.verdict);
    // What fails there, fails: no other revision has answered.
    let down = sign_in.replace("two-revisions?no-new=1", "down");
    let check = format!(
        "{{ name: a, retries: 0, journey: [{{ {down} }}, {{ http: GET /two-revisions }}] }}"
    );
    let outcome = sampled(&shop, BY_HEADER, &check, 50).await;
    assert_eq!(conclusion(&outcome), "failed", "{:?}", outcome.verdict);
}

#[tokio::test]
async fn a_connection_to_the_release_by_its_name_says_nothing_of_the_revision() {
    let shop = Shop::open().await;
    let (host, port) = (shop.url.host_str().unwrap(), shop.url.port().unwrap());
    for place in [String::new(), format!("host: '{host}', port: {port}")] {
        let check = format!(
            "{{ name: a, retries: 0, tcp: {{ {place} }} }}\n  - {{ name: b, http: GET /two-revisions }}"
        );
        let outcome = sampled(&shop, BY_HEADER, &check, 20).await;
        assert_eq!(conclusion(&outcome), "inconclusive", "{place}");
        assert!(summary(&outcome).contains("two revisions answer at this address"));
    }
}

#[tokio::test]
async fn tests_of_a_team_meet_either_revision_and_are_not_run() {
    let shop = Shop::open().await;
    let task = "{ name: it, retries: 0, timeout: 2s, ecs_task: { task_definition: shop-tests } }";
    let check = format!("{task}\n  - {{ name: a, retries: 0, http: GET /two-revisions }}");
    let outcome = sampled(&shop, BY_HEADER, &check, 20).await;
    let text = summary(&outcome);
    assert_eq!(conclusion(&outcome), "inconclusive", "{text}");
    assert!(text.contains("what `ecs_task` sees does not say"), "{text}");
}

#[tokio::test]
async fn a_mark_that_is_not_known_is_an_error_and_no_storm() {
    let shop = Shop::open().await;
    let revision = "revision: { header: { name: x-version, equals: '{{ target.image }}' } }";
    let check = "{ name: a, retries: 0, http: GET /two-revisions }";
    let outcome = sampled(&shop, revision, check, 20).await;
    assert_eq!((conclusion(&outcome), shop.requests()), ("inconclusive", 1));
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "a" errored: which revision gave the answer is not known: header x-version: got target.image is not known for this deployment
    "#);
}

#[tokio::test]
async fn while_an_earlier_revision_serves_only_the_release_counts() {
    let (shop, other) = (Shop::open().await, Shop::open().await);
    let check = format!("{{ name: a, http: 'GET {}two-revisions' }}", other.url);
    let outcome = sampled(&shop, BY_HEADER, &check, 20).await;
    assert_eq!((conclusion(&outcome), other.requests()), ("failed", 0));
    assert!(
        summary(&outcome).contains("is the release under test"),
        "{}",
        summary(&outcome)
    );
}
