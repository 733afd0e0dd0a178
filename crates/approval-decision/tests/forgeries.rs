//! What a link and its page don't let through, and the headers that protect both.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;

use approvals::link_claims::{self, Link, LinkAction, LinkClaims};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fixture::support::KEY;
use fixture::{Answer, Fixture, Plan, Request, answer_page, filled};
use ledger::AuditKind;
use sha2::{Digest, Sha256};
use signing::Keys;
use signing::link::seal;

const YES: LinkAction = LinkAction::Approve;
const NO: LinkAction = LinkAction::Reject;

async fn get(fixture: &Fixture, path: &str) -> Answer {
    fixture.call(&Request::new("GET", path)).await
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    let answers = [
        get(&fixture, &path).await,
        get(&fixture, "/").await,
        get(&fixture, "/d/x").await,
        fixture.call(&Request::new("HEAD", &path)).await,
        fixture.call(&Request::new("POST", &path)).await,
        fixture
            .call(&Request::new("POST", "/slack/interactions"))
            .await,
        fixture.call(&Request::new("DELETE", &path)).await,
        answer_page(&fixture, &path, "").await,
    ];
    for answer in answers {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex, nofollow"),
            ("strict-transport-security", "max-age=63072000"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
        let policy = answer.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        if let Some((_, rest)) = answer.body().split_once("<style>") {
            let (style, _) = rest.split_once("</style>").unwrap();
            let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
            assert!(
                policy.contains(&format!("style-src 'sha256-{hash}';")),
                "the browser takes the style"
            );
        }
        assert!(!answer.body().contains("<script"));
        assert!(
            !answer.body().contains(" style="),
            "the policy would block it"
        );
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_this_browser_only() {
    let fixture = Fixture::open().await;
    let page = get(&fixture, &fixture.path(YES)).await;
    let cookie = page.0["cookies"][0].as_str().unwrap();
    assert!(cookie.starts_with("__Host-decide-"), "{cookie}");
    for attribute in [
        "; Path=/;",
        "; Secure;",
        "; HttpOnly;",
        "; SameSite=Strict;",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let again = get(&fixture, &fixture.path(YES)).await;
    assert_ne!(page.cookie(), again.cookie(), "fresh each time");
    assert_ne!(page.seal(), again.seal());
}

#[tokio::test]
async fn an_answer_that_no_page_of_ours_has_sent_is_not_taken() {
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    let page = get(&fixture, &path).await;
    let other = get(&fixture, &path).await;
    let of_no = get(&fixture, &fixture.path(NO)).await;
    let right = filled(&path, &page, "");
    let name = page.cookie().unwrap().split('=').next().unwrap().to_owned();
    let without = Request::new("POST", &path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("seal=&comment=");
    let seal = |text: &str| format!("seal={text}");
    let own = page.seal().unwrap();
    let wrong = [
        ("no cookie and no seal", without.clone()),
        (
            "a cookie without a seal",
            without.clone().cookie(&page.cookie().unwrap()),
        ),
        ("a seal without a cookie", without.clone().body(&seal(&own))),
        (
            "an empty cookie",
            without
                .clone()
                .body(&seal(&own))
                .cookie(&format!("{name}=")),
        ),
        (
            "the cookie of another showing",
            without
                .clone()
                .body(&seal(&own))
                .cookie(&other.cookie().unwrap()),
        ),
        (
            "the seal of another link",
            without
                .clone()
                .body(&seal(&of_no.seal().unwrap()))
                .cookie(&page.cookie().unwrap()),
        ),
        (
            "two seals",
            right.clone().body(&format!("seal={own}&seal={own}")),
        ),
        ("two cookies", right.clone().cookie(&page.cookie().unwrap())),
        (
            "another site",
            right.clone().header("sec-fetch-site", "cross-site"),
        ),
        (
            "a sister site",
            right.clone().header("sec-fetch-site", "same-site"),
        ),
        (
            "plain text",
            right.clone().header("content-type", "text/plain"),
        ),
        ("no type", right.clone().without("content-type")),
    ];
    for (what, request) in wrong {
        let answer = fixture.call(&request).await;
        assert_eq!(answer.status(), 403, "{what}");
        assert!(
            answer.seal().is_some(),
            "{what}: it can be answered from here"
        );
        assert!(fixture.taken().is_empty(), "{what}");
    }
    // Nothing of that has used the link up.
    assert_eq!(fixture.call(&right).await.status(), 200);
    assert_eq!(fixture.taken().len(), 1);
    fixture
        .records(async |records| {
            let audits = records.audits(&fixture.case.id).await.unwrap();
            let refused = audits
                .iter()
                .filter(|entry| entry.result.starts_with("refused"));
            assert_eq!(refused.count(), 12);
        })
        .await;
}

/// Links that don't count, whatever the reason.
fn bad_links(fixture: &Fixture) -> Vec<(&'static str, String)> {
    let right = fixture.link("email:lead@example.com", YES);
    let path = fixture.path_of(&right);
    let stranger = Keys::new("somebody else's key of at least 32 characters", None).unwrap();
    let unknown = approvals::CaseId::try_from("a".repeat(26)).unwrap();
    let sealed = |link: &Link| fixture.path_of(link);
    vec![
        ("a forged one", format!("/d/{}", seal(&stranger, &right))),
        (
            "one for another stack",
            sealed(&Link {
                audience: link_claims::audience("another-table"),
                ..right.clone()
            }),
        ),
        (
            "one for no case",
            sealed(&Link {
                claims: LinkClaims {
                    case: unknown,
                    ..right.claims.clone()
                },
                ..right.clone()
            }),
        ),
        ("half of one", path[..path.len() / 2].to_owned()),
        ("one with more", format!("{path}x")),
        ("one below it", format!("{path}/more")),
        ("an encoded one", path.replace('.', "%2e")),
        ("none", "/d/".to_owned()),
        ("nonsense", "/d/../../etc/passwd".to_owned()),
        (
            "a long one",
            format!("/d/{}.{}", "A".repeat(4000), "A".repeat(43)),
        ),
    ]
}

#[tokio::test]
async fn links_that_do_not_count_lead_to_one_page_that_says_nothing() {
    let fixture = Fixture::open().await;
    let neutral = get(&fixture, "/nothing").await;
    assert_eq!(neutral.status(), 404);
    for (what, path) in bad_links(&fixture) {
        for method in ["GET", "POST"] {
            let answer = fixture.call(&Request::new(method, &path)).await;
            assert_eq!(answer, neutral, "{what}: {method}");
        }
    }
    let link = fixture.path(YES);
    fixture.hands.pass(7 * 86_400);
    let over = get(&fixture, &link).await;
    assert_eq!(
        (over.status(), over.body()),
        (410, neutral.body()),
        "not even that it was one"
    );
    assert!(fixture.taken().is_empty());
    assert!(!neutral.body().contains("shop"));
    fixture
        .records(async |records| {
            let audits = records.audits(&fixture.case.id).await.unwrap();
            assert!(
                !audits.is_empty(),
                "attempts that name the case are in the audit"
            );
            assert!(audits.iter().all(|entry| entry.kind == AuditKind::BadLink));
        })
        .await;
}

#[tokio::test]
async fn a_link_with_any_byte_changed_is_refused() {
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    for place in 3..path.len() {
        let mut bytes = path.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let answer = get(&fixture, &String::from_utf8(bytes).unwrap()).await;
        assert_eq!(answer.status(), 404, "{place}");
    }
}

#[tokio::test]
async fn a_link_does_its_own_thing_for_its_own_person_only() {
    let fixture = Fixture::open().await;
    let view = fixture.path(LinkAction::View);
    let page = get(&fixture, &view).await;
    assert_eq!(page.seal(), None);
    assert!(page.text().contains("can&#39;t decide it"));
    let answer = fixture.call(&Request::new("POST", &view)).await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (405, Some("GET, HEAD"))
    );
    // A form that says something else than its link says what the link says.
    let path = fixture.path(NO);
    let page = get(&fixture, &path).await;
    let form = filled(&path, &page, "because");
    fixture.call(&form).await;
    assert_eq!(fixture.taken()[0].1, "Rejected");
    // Somebody who isn't on the list has a link that is right, and may not.
    let fixture = Fixture::open().await;
    let stranger = fixture.link("email:stranger@example.com", YES);
    let answer = answer_page(&fixture, &fixture.path_of(&stranger), "").await;
    assert_eq!(answer.status(), 403);
    assert!(
        answer
            .text()
            .contains("You are not among those who may decide this.")
    );
    assert!(fixture.taken().is_empty());
}

#[tokio::test]
async fn rotating_the_key_keeps_links_and_open_pages_alive() {
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    let page = get(&fixture, &path).await;
    fixture.world.with(|state| {
        let new = "the next signing key of at least 32 characters";
        state
            .secrets
            .insert(("keys".into(), "AWSCURRENT".into()), new.into());
        state
            .secrets
            .insert(("keys".into(), "AWSPREVIOUS".into()), KEY.into());
    });
    fixture.hands.pass(600);
    let answer = fixture.call(&filled(&path, &page, "")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        fixture.taken().len(),
        1,
        "the token's hash of the previous key counts too"
    );
}

#[tokio::test]
async fn what_was_signed_with_a_key_that_is_newer_than_those_read_counts() {
    const NEW: &str = "the next signing key of at least 32 characters";
    // As the function told people that has read the new key.
    let newer = Keys::new(NEW, Some(KEY)).unwrap();
    let fixture = Fixture::with(Plan {
        change: |case| {
            let newer = Keys::new(NEW, Some(KEY)).unwrap();
            let token = approvals::Token::new(fixture::support::TOKEN);
            case.token_mac =
                approvals::token_mac::token_mac(&newer, case.source.action().unwrap(), &token);
        },
        ..Plan::default()
    })
    .await;
    let old_path = fixture.path(YES);
    let new_path = format!(
        "/d/{}",
        seal(&newer, &fixture.link("email:lead@example.com", YES))
    );
    assert_eq!(get(&fixture, &old_path).await.status(), 200);
    fixture.world.with(|state| {
        let secrets = &mut state.secrets;
        secrets.insert(("keys".into(), "AWSCURRENT".into()), NEW.into());
        secrets.insert(("keys".into(), "AWSPREVIOUS".into()), KEY.into());
    });
    assert_eq!(
        get(&fixture, &new_path).await.status(),
        404,
        "read just now"
    );
    fixture.hands.pass(10);
    fixture.world.forget_calls();
    assert_eq!(get(&fixture, &new_path).await.status(), 200);
    let read = |fixture: &Fixture| {
        let calls = fixture.world.calls();
        calls
            .iter()
            .filter(|call| *call == "GetSecretValue")
            .count()
    };
    assert_eq!(read(&fixture), 2, "once: the current and the previous");
    let answer = answer_page(&fixture, &new_path, "").await;
    assert_eq!((answer.status(), read(&fixture)), (200, 2));
    assert_eq!(fixture.taken().len(), 1);
}

#[tokio::test]
async fn a_case_of_a_key_that_is_not_known_is_not_told_as_superseded() {
    const NEW: &str = "the next signing key of at least 32 characters";
    let fixture = Fixture::with(Plan {
        change: |case| {
            let newer = Keys::new(NEW, None).unwrap();
            let token = approvals::Token::new(fixture::support::TOKEN);
            case.token_mac =
                approvals::token_mac::token_mac(&newer, case.source.action().unwrap(), &token);
        },
        ..Plan::default()
    })
    .await;
    let path = fixture.path(YES);
    let answer = answer_page(&fixture, &path, "").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.text().contains("Nothing was decided"));
    assert!(fixture.taken().is_empty());
    // Once the function can read that key, the same link counts.
    fixture.world.with(|state| {
        let secrets = &mut state.secrets;
        secrets.insert(("keys".into(), "AWSCURRENT".into()), NEW.into());
        secrets.insert(("keys".into(), "AWSPREVIOUS".into()), KEY.into());
    });
    fixture.hands.pass(10);
    let answer = answer_page(&fixture, &path, "").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(fixture.taken().len(), 1);
}

#[tokio::test]
async fn attempts_without_end_leave_one_record_an_hour() {
    let fixture = Fixture::open().await;
    let stranger = Keys::new("somebody else's key of at least 32 characters", None).unwrap();
    let link = fixture.link("email:lead@example.com", YES);
    let path = format!("/d/{}", seal(&stranger, &link));
    let records = async |fixture: &Fixture| {
        fixture
            .records(async |records| records.audits(&fixture.case.id).await.unwrap().len())
            .await
    };
    for _ in 0..5 {
        fixture.call(&Request::new("POST", &path)).await;
    }
    assert_eq!(records(&fixture).await, 1);
    fixture.hands.pass(3600);
    fixture.call(&Request::new("POST", &path)).await;
    assert_eq!(records(&fixture).await, 2);
}

#[tokio::test]
async fn a_short_signing_key_lets_nobody_in() {
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    for key in ["", "short"] {
        fixture.world.with(|state| {
            state
                .secrets
                .insert(("keys".into(), "AWSCURRENT".into()), key.into())
        });
        fixture.hands.pass(600);
        let answer = get(&fixture, &path).await;
        assert_eq!(answer.status(), 503);
        assert!(answer.text().contains("Nothing was changed"));
    }
    assert!(fixture.logs().contains("at least 32 are needed"));
}

#[tokio::test]
async fn other_methods_are_refused() {
    let fixture = Fixture::open().await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = fixture
            .call(&Request::new(method, &fixture.path(YES)))
            .await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("GET, HEAD, POST"))
        );
    }
    let path = fixture.path(YES);
    let page = get(&fixture, &path).await;
    let long = filled(&path, &page, &"x".repeat(40_000));
    assert_eq!(fixture.call(&long).await.status(), 413);
    assert!(!fixture.wrote());
}
