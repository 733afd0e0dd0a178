//! What a link and its page don't let through, and the headers that protect both.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod house;

use approvals::link::{self, Link, LinkAction, LinkClaims};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use house::support::KEY;
use house::{Answer, House, Plan, Request, answer_page, filled};
use ledger::AuditKind;
use sha2::{Digest, Sha256};
use signing::Keys;
use signing::link::seal;

const YES: LinkAction = LinkAction::Approve;
const NO: LinkAction = LinkAction::Reject;

async fn get(house: &House, path: &str) -> Answer {
    house.call(&Request::new("GET", path)).await
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let house = House::open().await;
    let path = house.path(YES);
    let answers = [
        get(&house, &path).await,
        get(&house, "/").await,
        get(&house, "/d/x").await,
        house.call(&Request::new("HEAD", &path)).await,
        house.call(&Request::new("POST", &path)).await,
        house
            .call(&Request::new("POST", "/slack/interactions"))
            .await,
        house.call(&Request::new("DELETE", &path)).await,
        answer_page(&house, &path, "").await,
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
    let house = House::open().await;
    let page = get(&house, &house.path(YES)).await;
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
    let again = get(&house, &house.path(YES)).await;
    assert_ne!(page.cookie(), again.cookie(), "fresh each time");
    assert_ne!(page.seal(), again.seal());
}

#[tokio::test]
async fn an_answer_that_no_page_of_ours_has_sent_is_not_taken() {
    let house = House::open().await;
    let path = house.path(YES);
    let page = get(&house, &path).await;
    let other = get(&house, &path).await;
    let of_no = get(&house, &house.path(NO)).await;
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
        let answer = house.call(&request).await;
        assert_eq!(answer.status(), 403, "{what}");
        assert!(
            answer.seal().is_some(),
            "{what}: it can be answered from here"
        );
        assert!(house.taken().is_empty(), "{what}");
    }
    // Nothing of that has used the link up.
    assert_eq!(house.call(&right).await.status(), 200);
    assert_eq!(house.taken().len(), 1);
    house
        .records(async |records| {
            let audits = records.audits(&house.case.id).await.unwrap();
            let refused = audits
                .iter()
                .filter(|entry| entry.result.starts_with("refused"));
            assert_eq!(refused.count(), 12);
        })
        .await;
}

/// Links that don't count, whatever the reason.
fn bad_links(house: &House) -> Vec<(&'static str, String)> {
    let right = house.link("email:lead@example.com", YES);
    let path = house.path_of(&right);
    let stranger = Keys::new("somebody else's key of at least 32 characters", None).unwrap();
    let unknown = approvals::CaseId::try_from("a".repeat(26)).unwrap();
    let sealed = |link: &Link| house.path_of(link);
    vec![
        ("a forged one", format!("/d/{}", seal(&stranger, &right))),
        (
            "one for another stack",
            sealed(&Link {
                audience: link::audience("another-table"),
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
    let house = House::open().await;
    let neutral = get(&house, "/nothing").await;
    assert_eq!(neutral.status(), 404);
    for (what, path) in bad_links(&house) {
        for method in ["GET", "POST"] {
            let answer = house.call(&Request::new(method, &path)).await;
            assert_eq!(answer, neutral, "{what}: {method}");
        }
    }
    let link = house.path(YES);
    house.hands.pass(7 * 86_400);
    let over = get(&house, &link).await;
    assert_eq!(
        (over.status(), over.body()),
        (410, neutral.body()),
        "not even that it was one"
    );
    assert!(house.taken().is_empty());
    assert!(!neutral.body().contains("shop"));
    house
        .records(async |records| {
            let audits = records.audits(&house.case.id).await.unwrap();
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
    let house = House::open().await;
    let path = house.path(YES);
    for place in 3..path.len() {
        let mut bytes = path.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let answer = get(&house, &String::from_utf8(bytes).unwrap()).await;
        assert_eq!(answer.status(), 404, "{place}");
    }
}

#[tokio::test]
async fn a_link_does_its_own_thing_for_its_own_person_only() {
    let house = House::open().await;
    let view = house.path(LinkAction::View);
    let page = get(&house, &view).await;
    assert_eq!(page.seal(), None);
    assert!(page.text().contains("can&#39;t decide it"));
    let answer = house.call(&Request::new("POST", &view)).await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (405, Some("GET, HEAD"))
    );
    // A form that says something else than its link says what the link says.
    let path = house.path(NO);
    let page = get(&house, &path).await;
    let form = filled(&path, &page, "because");
    house.call(&form).await;
    assert_eq!(house.taken()[0].1, "Rejected");
    // Somebody who isn't on the list has a link that is right, and may not.
    let house = House::open().await;
    let stranger = house.link("email:stranger@example.com", YES);
    let answer = answer_page(&house, &house.path_of(&stranger), "").await;
    assert_eq!(answer.status(), 403);
    assert!(
        answer
            .text()
            .contains("You are not among those who may decide this.")
    );
    assert!(house.taken().is_empty());
}

#[tokio::test]
async fn rotating_the_key_keeps_links_and_open_pages_alive() {
    let house = House::open().await;
    let path = house.path(YES);
    let page = get(&house, &path).await;
    house.world.with(|state| {
        let new = "the next signing key of at least 32 characters";
        state
            .secrets
            .insert(("keys".into(), "AWSCURRENT".into()), new.into());
        state
            .secrets
            .insert(("keys".into(), "AWSPREVIOUS".into()), KEY.into());
    });
    house.hands.pass(600);
    let answer = house.call(&filled(&path, &page, "")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        house.taken().len(),
        1,
        "the token's hash of the previous key counts too"
    );
}

#[tokio::test]
async fn what_was_signed_with_a_key_that_is_newer_than_those_read_counts() {
    const NEW: &str = "the next signing key of at least 32 characters";
    // As the function told people that has read the new key.
    let newer = Keys::new(NEW, Some(KEY)).unwrap();
    let house = House::with(Plan {
        change: |case| {
            let newer = Keys::new(NEW, Some(KEY)).unwrap();
            let token = approvals::Token::new(house::support::TOKEN);
            case.token_mac = approvals::token_mac::token_mac(&newer, &case.action, &token);
        },
        ..Plan::default()
    })
    .await;
    let old_path = house.path(YES);
    let new_path = format!(
        "/d/{}",
        seal(&newer, &house.link("email:lead@example.com", YES))
    );
    assert_eq!(get(&house, &old_path).await.status(), 200);
    house.world.with(|state| {
        let secrets = &mut state.secrets;
        secrets.insert(("keys".into(), "AWSCURRENT".into()), NEW.into());
        secrets.insert(("keys".into(), "AWSPREVIOUS".into()), KEY.into());
    });
    assert_eq!(get(&house, &new_path).await.status(), 404, "read just now");
    house.hands.pass(10);
    house.world.forget_calls();
    assert_eq!(get(&house, &new_path).await.status(), 200);
    let read = |house: &House| {
        let calls = house.world.calls();
        calls
            .iter()
            .filter(|call| *call == "GetSecretValue")
            .count()
    };
    assert_eq!(read(&house), 2, "once: the current and the previous");
    let answer = answer_page(&house, &new_path, "").await;
    assert_eq!((answer.status(), read(&house)), (200, 2));
    assert_eq!(house.taken().len(), 1);
}

#[tokio::test]
async fn a_case_of_a_key_that_is_not_known_is_not_told_as_superseded() {
    const NEW: &str = "the next signing key of at least 32 characters";
    let house = House::with(Plan {
        change: |case| {
            let newer = Keys::new(NEW, None).unwrap();
            let token = approvals::Token::new(house::support::TOKEN);
            case.token_mac = approvals::token_mac::token_mac(&newer, &case.action, &token);
        },
        ..Plan::default()
    })
    .await;
    let path = house.path(YES);
    let answer = answer_page(&house, &path, "").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.text().contains("Nothing was decided"));
    assert!(house.taken().is_empty());
    // Once the function can read that key, the same link counts.
    house.world.with(|state| {
        let secrets = &mut state.secrets;
        secrets.insert(("keys".into(), "AWSCURRENT".into()), NEW.into());
        secrets.insert(("keys".into(), "AWSPREVIOUS".into()), KEY.into());
    });
    house.hands.pass(10);
    let answer = answer_page(&house, &path, "").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(house.taken().len(), 1);
}

#[tokio::test]
async fn attempts_without_end_leave_one_record_an_hour() {
    let house = House::open().await;
    let stranger = Keys::new("somebody else's key of at least 32 characters", None).unwrap();
    let link = house.link("email:lead@example.com", YES);
    let path = format!("/d/{}", seal(&stranger, &link));
    let records = async |house: &House| {
        house
            .records(async |records| records.audits(&house.case.id).await.unwrap().len())
            .await
    };
    for _ in 0..5 {
        house.call(&Request::new("POST", &path)).await;
    }
    assert_eq!(records(&house).await, 1);
    house.hands.pass(3600);
    house.call(&Request::new("POST", &path)).await;
    assert_eq!(records(&house).await, 2);
}

#[tokio::test]
async fn a_short_signing_key_lets_nobody_in() {
    let house = House::open().await;
    let path = house.path(YES);
    for key in ["", "short"] {
        house.world.with(|state| {
            state
                .secrets
                .insert(("keys".into(), "AWSCURRENT".into()), key.into())
        });
        house.hands.pass(600);
        let answer = get(&house, &path).await;
        assert_eq!(answer.status(), 503);
        assert!(answer.text().contains("Nothing was changed"));
    }
    assert!(house.logs().contains("at least 32 are needed"));
}

#[tokio::test]
async fn other_methods_are_refused() {
    let house = House::open().await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = house.call(&Request::new(method, &house.path(YES))).await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("GET, HEAD, POST"))
        );
    }
    let path = house.path(YES);
    let page = get(&house, &path).await;
    let long = filled(&path, &page, &"x".repeat(40_000));
    assert_eq!(house.call(&long).await.status(), 413);
    assert!(!house.wrote());
}
