//! Before traffic, only an answer of the release under test counts.

use super::wire::{Wire, reply};
use super::*;

/// The old release at the production listener, and a new one that redirects to it.
async fn two_releases() -> (Wire, Wire) {
    let old = Wire::open(|_| Some(reply("200 OK", &[], b"ok, says 1.0.0 (old)"))).await;
    let to = old.address;
    let new = Wire::open(move |asked| {
        let location = format!("location: http://{to}{}", asked.path());
        Some(reply("302 Found", &[&location], b""))
    })
    .await;
    (old, new)
}

async fn at(stage: Stage, wire: &Wire, lines: &str, check: &str) -> Outcome {
    let shop = Shop::open().await;
    let check = indented(check);
    let mut trial = Trial::of(&shop, &format!("  - name: it\n    retries: 0\n{check}"));
    trial.base_url = wire.url.clone();
    trial.with(lines).on(stage).run().await
}

/// Ports differ from run to run.
fn without_ports(outcome: &Outcome, wires: &[&Wire]) -> String {
    let mut text = summary(outcome);
    for (wire, name) in wires.iter().zip(["NEW", "OLD"]) {
        text = text.replace(&wire.address.port().to_string(), name);
    }
    text
}

const FOLLOW: &str = "http: { url: /health, follow_redirects: true }\nexpect: [{ status: 200 }, { body: { contains: ok } }]";

#[tokio::test]
async fn a_redirect_away_from_the_release_is_no_answer_of_it() {
    let (old, new) = two_releases().await;
    let outcome = at(Stage::PreTraffic, &new, "", FOLLOW).await;
    insta::assert_snapshot!(without_ports(&outcome, &[&new, &old]), @r#"
    failed
    check "it" failed: 302 leads away from the release, from http://127.0.0.1:NEW/health to http://127.0.0.1:OLD/health; before traffic only an answer of the release counts; if the other place is meant, write allow_origins: ["http://127.0.0.1:OLD"]
    "#);
    assert!(old.asked().is_empty());
    let outcome = at(Stage::PostTraffic, &new, "", FOLLOW).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn a_name_does_not_lead_to_the_release_on_another_port() {
    let (old, new) = two_releases().await;
    let to = old.address.port();
    let named = Wire::open(move |_| {
        let location = format!("location: http://shop.example.com:{to}/health");
        Some(reply("301 Moved Permanently", &[&location], b""))
    })
    .await;
    drop(new);
    let outcome = at(Stage::PreTraffic, &named, "host: shop.example.com", FOLLOW).await;
    let summary = summary(&outcome);
    assert!(
        summary.contains("301 leads away from the release"),
        "{summary}"
    );
    assert!(old.asked().is_empty());
}

#[tokio::test]
async fn redirects_within_the_release_are_followed() {
    let new = Wire::open(|asked| {
        Some(match asked.path() {
            "/health" => {
                let port = asked.header("host").unwrap().split(':').nth(1).unwrap();
                let location = format!("location: http://WWW.example.com:{port}/ready");
                reply("307 Temporary Redirect", &[&location], b"")
            }
            _ => reply(
                "200 OK",
                &[],
                format!("ok {}", asked.header("host").unwrap()).as_bytes(),
            ),
        })
    })
    .await;
    let check = "http: { url: /health, host: api.example.com, follow_redirects: true }\nexpect: [{ body: { contains: ok www.example.com } }]";
    let outcome = at(Stage::PreTraffic, &new, "host: www.example.com", check).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn another_place_counts_where_the_check_names_it() {
    let (old, new) = two_releases().await;
    let check = format!(
        "http: {{ url: /health, follow_redirects: true, allow_origins: ['http://{}', 'http://{{{{ other }}}}'] }}",
        old.address
    );
    let vars = "vars: { other: login.example.com }";
    let alone = at(Stage::PreTraffic, &new, vars, &check).await;
    let why = summary(&alone);
    assert!(
        why.starts_with("failed\nnothing required measures the release"),
        "{why}"
    );
    let own = format!("  - {{ name: own, http: GET /, expect: [{{ status: 302 }}] }}\n{vars}");
    let outcome = at(Stage::PreTraffic, &new, &own, &check).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let notes = &outcome.report.checks[0].rounds[0].tries[0].notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
}

#[tokio::test]
async fn an_absolute_url_counts_where_the_check_says_what_it_is() {
    let other = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    let own = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    let url = format!("http://{}/orders", other.address);
    let outcome = at(Stage::PreTraffic, &own, "", &format!("http: GET {url}")).await;
    insta::assert_snapshot!(without_ports(&outcome, &[&own, &other]), @r#"
    failed
    check "it" (line 6): nothing says that http://127.0.0.1:OLD is the release under test, which answers at http://127.0.0.1:NEW; before traffic, and while an earlier release serves customers, only the release counts: write a path, or `reaches_release: true` if the URL leads to the version under test, or `allow_origins: ["http://127.0.0.1:OLD"]` if another place is meant; or `on: post-traffic`
    "#);
    assert!(other.asked().is_empty() && own.asked().is_empty());
    let stated = format!("http: {{ url: '{url}', reaches_release: true }}");
    assert!(
        at(Stage::PreTraffic, &own, "", &stated)
            .await
            .verdict
            .passed
    );
    let after = at(Stage::PostTraffic, &own, "", &format!("http: GET {url}")).await;
    assert!(after.verdict.passed, "{}", summary(&after));
    // The target's own address, written out.
    let same = format!("http: GET http://{}/x", own.address);
    assert!(at(Stage::PreTraffic, &own, "", &same).await.verdict.passed);
}

#[tokio::test]
async fn a_suite_that_asks_others_only_measures_nothing() {
    let other = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    let own = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    let origin = format!("http://{}", other.address);
    let named = format!("http: {{ url: '{origin}/x', allow_origins: ['{origin}'] }}");
    insta::assert_snapshot!(summary(&at(Stage::PreTraffic, &own, "", &named).await), @"
    failed
    nothing required measures the release: every required check asks another place, or was redirected to one; write one with a path, or with `reaches_release: true`
    ");
    let shop = Shop::open().await;
    let checks = format!(
        "  - name: dependency\n{}  - {{ name: own, http: GET / }}",
        indented(&named)
    );
    let outcome = Trial::of(&shop, &checks).run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn a_target_without_an_address_needs_the_word_of_the_check() {
    let old =
        Wire::open(|_| Some(reply("201 Created", &[], b"{\"servedBy\": \"version 7\"}"))).await;
    let of = |key: &str| {
        format!(
            "version: 1\nname: s\nchecks: [{{ name: it, retries: 0, http: {{ method: POST, url: 'http://{}/orders'{key} }} }}]",
            old.address
        )
    };
    let run_it = async |suite: String| {
        run(Run {
            suite: Suite::parse("s", &suite).unwrap(),
            stage: Stage::PreTraffic,
            target: Target {
                base_url: None,
                facts: BTreeMap::new(),
                ..Target::default()
            },
            secrets: BTreeMap::new(),
            http: HttpOptions::default(),
            cloud: None,
            browsers: None,
            memory: None,
            deadline: Instant::now() + Duration::from_secs(10),
        })
        .await
    };
    let outcome = run_it(of("")).await;
    let text = summary(&outcome);
    assert!(
        text.contains("and this target has no address of its own")
            && text.contains("reaches_release: true"),
        "{text}"
    );
    assert!(!outcome.verdict.passed && old.asked().is_empty());
    assert!(run_it(of(", reaches_release: true")).await.verdict.passed);
}

#[tokio::test]
async fn each_check_may_have_a_name_of_its_own() {
    let wire = Wire::open(|asked| {
        let fine = asked
            .header("host")
            .is_some_and(|host| host.starts_with("api."));
        Some(if fine {
            reply("200 OK", &[], b"ok")
        } else {
            reply("502 Bad Gateway", &[], b"www is broken")
        })
    })
    .await;
    let shop = Shop::open().await;
    let checks = "  - { name: api, http: { url: /health, host: api.example.com }, retries: 0 }
  - { name: www, http: { url: /health, host: WWW.example.com }, retries: 0 }";
    let mut trial = Trial::of(&shop, checks);
    trial.base_url = wire.url.clone();
    insta::assert_snapshot!(summary(&trial.run().await), @r#"
    failed
    check "www" failed: expected status 2xx, got 502
    "#);
    let hosts: Vec<String> = wire
        .asked()
        .iter()
        .map(|a| {
            a.header("host")
                .unwrap()
                .replace(&wire.address.port().to_string(), "0")
        })
        .collect();
    assert!(
        hosts.contains(&"api.example.com:0".to_owned())
            && hosts.contains(&"www.example.com:0".to_owned()),
        "{hosts:?}"
    );
}

#[tokio::test]
async fn a_redirect_does_not_lead_inside_even_after_traffic() {
    for (location, inside) in [
        (
            "http://169.254.169.254/latest/meta-data/",
            "169.254.169.254",
        ),
        ("http://[::ffff:10.0.0.1]/", "::ffff:a00:1"),
        ("http://localhost:9/", "\"localhost\""),
    ] {
        let wire =
            Wire::open(move |_| Some(reply("302 Found", &[&format!("location: {location}")], b"")))
                .await;
        let text = summary(
            &at(
                Stage::PostTraffic,
                &wire,
                "",
                "http: { url: /, follow_redirects: true }",
            )
            .await,
        );
        assert!(
            text.contains(&format!("is not followed: {inside} is an address inside")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_body_is_not_repeated_to_another_origin() {
    let other = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    let to = other.address;
    let wire = Wire::open(move |_| {
        Some(reply(
            "307 Temporary Redirect",
            &[&format!("location: http://{to}/")],
            b"",
        ))
    })
    .await;
    let check = format!(
        "http: {{ method: POST, url: /, body: secret, follow_redirects: true, allow_origins: ['http://{to}'] }}"
    );
    for stage in Stage::ALL {
        let text = summary(&at(stage, &wire, "", &check).await);
        assert!(
            text.contains("307 asks for the body once more at"),
            "{text}"
        );
    }
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn an_advisory_check_that_can_not_be_asked_measures_nothing() {
    let other = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    let own = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    let place = format!("http://{}", other.address);
    let check = format!("http: {{ url: '{place}/', allow_origins: ['{place}'] }}");
    for advisory in ["GET /v/{{ target.old_version }}", "GET /"] {
        let advisory = format!("  - {{ name: b, severity: advisory, http: '{advisory}' }}\n");
        let outcome = at(Stage::PreTraffic, &own, &advisory, &check).await;
        let why = summary(&outcome);
        assert!(
            why.contains("nothing required measures the release"),
            "{why}"
        );
    }
}
