//! Links: pages that change nothing, and forms that do what they say, once.

use crate::fixture::{CONFIG, Call, Fixture, MORNING, NIGHT, keys};

const LEAD: &str = "lead@example.com";
const ONE_HOUR: &str = "1 hour more, until 23:00:";
const WAKE: &str = "Wake them during the night:";

async fn notified() -> Fixture {
    told_with(CONFIG).await
}

async fn told_with(config: &str) -> Fixture {
    let fixture = Fixture::with(config, &[]).await;
    fixture.tick().await;
    fixture
}

/// Everything that lies in the state table.
fn table(fixture: &Fixture) -> String {
    fixture.world.with(|state| state.tables.dump())
}

#[tokio::test]
async fn reading_a_page_changes_nothing() {
    let fixture = notified().await;
    let before = table(&fixture);
    let path = fixture.link(LEAD, ONE_HOUR);
    for (method, path) in [
        ("GET", &path),
        ("HEAD", &path),
        ("GET", &fixture.link(LEAD, WAKE)),
    ] {
        for _ in 0..3 {
            let answer = fixture.call(&Call::new(method, path)).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.body().is_empty(), method == "HEAD");
            let headers = &answer.0["headers"];
            assert_eq!(headers["cache-control"], "no-store");
            assert_eq!(headers["referrer-policy"], "no-referrer");
            assert!(
                headers["content-security-policy"]
                    .as_str()
                    .unwrap()
                    .contains("default-src 'none'")
            );
        }
    }
    for method in ["PUT", "DELETE", "OPTIONS"] {
        let answer = fixture.call(&Call::new(method, &path)).await;
        assert_eq!(answer.status(), 405);
    }
    assert_eq!(table(&fixture), before);
    assert!(fixture.beside(|beside| beside.invoked.is_empty()));
}

#[tokio::test]
async fn a_snooze_keeps_the_services_awake_and_is_one_request() {
    let fixture = notified().await;
    let path = fixture.link(LEAD, ONE_HOUR);
    let page = fixture.call(&Call::new("GET", &path)).await;
    let form = page.send(&path, "");
    for _ in 0..3 {
        let answer = fixture.call(&form).await;
        assert_eq!(answer.status(), 200);
        assert!(
            answer
                .body()
                .contains("Done: awake until Mon 23 Nov 23:00 (UTC)."),
            "{}",
            answer.body()
        );
    }
    let requests = fixture.items("request#");
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0]["services"], "dev/api dev/web");
    assert_eq!(requests[0]["until"], "2026-11-23T23:00:00Z");
    assert_eq!(
        requests[0]["by"],
        "the holder of the link of email:lead@example.com"
    );
    let audit = fixture.audit();
    assert_eq!(audit.len(), 3, "each try is recorded: {audit:?}");
    assert!(
        audit[0].starts_with(
            "email:lead@example.com: snooze dev/api dev/web until 2026-11-23T23:00:00Z"
        )
    );
    fixture.tick_at(NIGHT).await;
    assert_eq!(
        (fixture.desired("dev/web"), fixture.desired("dev/api")),
        (3, 1)
    );
    fixture.tick_at("2026-11-23T23:00:00Z").await;
    assert_eq!(
        (fixture.desired("dev/web"), fixture.desired("dev/api")),
        (0, 0)
    );
}

#[tokio::test]
async fn only_the_page_that_was_shown_can_be_sent() {
    let fixture = notified().await;
    let before = table(&fixture);
    let path = fixture.link(LEAD, ONE_HOUR);
    let other = fixture.link("other@example.com", ONE_HOUR);
    assert_ne!(path, other, "each reader has a link of their own");
    let page = fixture.call(&Call::new("GET", &path)).await;
    let right = page.send(&path, "");
    let mut foreign = vec![
        Call::new("POST", &path),
        Call::new("POST", &path)
            .body("seal=x")
            .cookie("__Host-environment=x"),
        right.clone().header("sec-fetch-site", "cross-site"),
        right.clone().header("content-type", "text/plain"),
        right.clone().body("seal=x"),
        right.clone().cookie("__Host-environment=other"),
        page.send(&other, ""),
    ];
    let stranger = fixture.call(&Call::new("GET", &other)).await;
    foreign.push(stranger.send(&path, ""));
    for call in foreign {
        let answer = fixture.call(&call).await;
        assert_eq!(answer.status(), 403);
        assert!(answer.body().contains("was not sent from the page"));
    }
    assert_eq!(table(&fixture), before);
    let long = right.body(&"x".repeat(10_000));
    assert_eq!(fixture.call(&long).await.status(), 413);
}

#[tokio::test]
async fn forged_and_old_links_are_refused_and_say_nothing() {
    let fixture = notified().await;
    let path = fixture.link(LEAD, ONE_HOUR);
    let before = table(&fixture);
    let sealed = path.strip_prefix("/e/").unwrap();
    let (payload, seal) = sealed.split_once('.').unwrap();
    let elsewhere = keys().seal_text("form", payload);
    for wrong in [
        String::new(),
        payload.to_owned(),
        format!("{payload}."),
        format!("{}x.{seal}", &payload[..payload.len() - 1]),
        format!("{payload}.{}0", &seal[..seal.len() - 1]),
        format!("{payload}.{elsewhere}"),
        "../../etc/passwd".to_owned(),
    ] {
        if wrong == sealed {
            continue;
        }
        for method in ["GET", "POST"] {
            let answer = fixture
                .call(&Call::new(method, &format!("/e/{wrong}")))
                .await;
            assert_eq!(answer.status(), 404, "{wrong}");
            assert!(!answer.body().contains("dev/"), "{}", answer.body());
        }
    }
    assert_eq!(fixture.call(&Call::new("GET", "/")).await.status(), 404);
    fixture.set_clock("2026-11-23T23:00:00Z");
    let over = fixture.call(&Call::new("GET", &path)).await;
    assert_eq!(over.status(), 410);
    assert!(over.body().contains("This link has expired"));
    assert_eq!(table(&fixture), before);
}

#[tokio::test]
async fn without_a_key_no_link_counts() {
    let fixture = notified().await;
    let path = fixture.link(LEAD, ONE_HOUR);
    let bare = Fixture::open().await;
    for key in ["", "short"] {
        bare.beside(|beside| beside.secrets.insert("keys".into(), key.into()));
        assert_eq!(bare.call(&Call::new("GET", &path)).await.status(), 503);
    }
}

#[tokio::test]
async fn what_sleeps_is_woken_for_the_hours_that_are_asked_for() {
    let fixture = notified().await;
    let path = fixture.link(LEAD, WAKE);
    fixture.tick_at(NIGHT).await;
    assert_eq!(fixture.desired("dev/web"), 0);
    fixture.set_clock("2026-11-24T01:00:00Z");
    let page = fixture.call(&Call::new("GET", &path)).await;
    for wrong in [
        "",
        "&hours=0",
        "&hours=13",
        "&hours=-1",
        "&hours=x",
        "&hours=2&hours=3",
    ] {
        let answer = fixture.call(&page.send(&path, wrong)).await;
        assert_eq!(answer.status(), 422, "{wrong}");
    }
    assert!(fixture.items("request#").is_empty());
    let sent = page.send(&path, "&hours=2");
    fixture.call(&sent).await;
    let answer = fixture.call(&sent).await;
    assert!(
        answer.body().contains("until Tue 24 Nov 03:00"),
        "{}",
        answer.body()
    );
    assert_eq!(
        fixture.items("request#").len(),
        1,
        "a page that is sent twice"
    );
    assert_eq!(
        fixture.items("request#")[0]["place"],
        serde_json::json!({"account": crate::support::ACCOUNT, "region": crate::support::REGION})
    );
    fixture.set_clock("2026-11-24T01:30:00Z");
    let late = fixture.call(&sent).await;
    assert!(
        late.body().contains("until Tue 24 Nov 03:00"),
        "what was asked for first counts: {}",
        late.body()
    );
    let other = fixture.call(&page.send(&path, "&hours=1")).await;
    assert!(
        other.body().contains("until Tue 24 Nov 02:30"),
        "{}",
        other.body()
    );
    assert_eq!(
        fixture.items("request#").len(),
        2,
        "another choice on the same page"
    );
    fixture.run_handed_over().await;
    assert_eq!(
        (fixture.desired("dev/web"), fixture.desired("dev/api")),
        (3, 1)
    );
    let again = fixture.call(&Call::new("GET", &path)).await;
    fixture.call(&again.send(&path, "&hours=3")).await;
    assert_eq!(
        fixture.items("request#").len(),
        3,
        "another page is another wish"
    );
    fixture.tick_at("2026-11-24T04:30:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 0, "it sleeps again");
    fixture.set_clock(MORNING);
    assert_eq!(fixture.call(&Call::new("GET", &path)).await.status(), 410);
}

#[tokio::test]
async fn an_hour_more_also_wakes_what_sleeps_already() {
    let fixture = notified().await;
    let path = fixture.link(LEAD, ONE_HOUR);
    fixture.tick_at(NIGHT).await;
    fixture.set_clock("2026-11-23T22:10:00Z");
    let page = fixture.call(&Call::new("GET", &path)).await;
    assert!(page.body().contains("went to sleep"), "{}", page.body());
    fixture.call(&page.send(&path, "")).await;
    fixture.run_handed_over().await;
    assert_eq!(fixture.desired("dev/web"), 3);
    assert!(
        fixture.audit()[0].contains(": wake dev/api dev/web until"),
        "{:?}",
        fixture.audit()
    );
}

#[tokio::test]
async fn the_same_link_counts_again_after_somebody_has_stopped_the_services() {
    let fixture = notified().await;
    let path = fixture.link(LEAD, ONE_HOUR);
    fixture.tick_at(NIGHT).await;
    for (woken, stopped) in [
        ("2026-11-23T22:05:00Z", "2026-11-23T22:10:00Z"),
        ("2026-11-23T22:15:00Z", "2026-11-23T22:20:00Z"),
    ] {
        fixture.set_clock(woken);
        let page = fixture.call(&Call::new("GET", &path)).await;
        let answer = fixture.call(&page.send(&path, "")).await;
        assert!(
            answer.body().contains("until Mon 23 Nov 23:00"),
            "{}",
            answer.body()
        );
        fixture.run_handed_over().await;
        assert_eq!(fixture.desired("dev/web"), 3, "{woken}");
        fixture.set_clock(stopped);
        fixture.down("dev/*").await;
        assert_eq!(fixture.desired("dev/web"), 0, "{stopped}");
    }
}

#[tokio::test]
async fn who_may_only_put_off_does_not_wake_what_somebody_has_stopped() {
    let config = format!("{CONFIG}  may: {{ wake: ['email:lead@example.com'] }}\n");
    let fixture = told_with(&config).await;
    let (lead, other) = (
        fixture.link(LEAD, ONE_HOUR),
        fixture.link("other@example.com", ONE_HOUR),
    );
    let page = fixture.call(&Call::new("GET", &other)).await;
    let sent = page.send(&other, "");
    fixture.set_clock("2026-11-23T21:50:00Z");
    fixture.add("dev/batch", crate::support::Svc::new(1));
    fixture.down("dev/batch").await;
    let page = fixture.call(&Call::new("GET", &other)).await;
    assert!(page.body().contains("<form"), "nothing of it is stopped");
    fixture.set_clock("2026-11-23T21:51:00Z");
    fixture.down("dev/w*").await;
    fixture.set_clock("2026-11-23T21:55:00Z");
    let page = fixture.call(&Call::new("GET", &other)).await;
    assert!(
        page.body()
            .contains("other@example.com may not ask for this"),
        "{}",
        page.body()
    );
    assert_eq!(fixture.call(&sent).await.status(), 403);
    fixture.run_handed_over().await;
    fixture.tick().await;
    assert_eq!(
        (fixture.desired("dev/web"), fixture.desired("dev/api")),
        (0, 1)
    );
    assert!(
        fixture.audit()[0].starts_with("email:other@example.com: refused: wake dev/api dev/web"),
        "{:?}",
        fixture.audit()
    );
    let page = fixture.call(&Call::new("GET", &lead)).await;
    let answer = fixture.call(&page.send(&lead, "")).await;
    assert_eq!(answer.status(), 200);
    fixture.run_handed_over().await;
    assert_eq!(fixture.desired("dev/web"), 3, "at once");
}

#[tokio::test]
async fn who_is_not_on_the_list_gets_no_link_and_may_not() {
    let open = notified().await;
    let (hour, wake) = (
        open.link("other@example.com", ONE_HOUR),
        open.link("other@example.com", WAKE),
    );
    let page = open.call(&Call::new("GET", &hour)).await;
    let sent = page.send(&hour, "");
    // Taken off the list after the mail was sent.
    let listed = format!("{CONFIG}  may: {{ snooze: ['email:lead@example.com'], wake: [] }}\n");
    open.beside(|beside| beside.config.clone_from(&listed));
    open.set_clock("2026-11-23T21:50:00Z");
    for path in [&hour, &wake] {
        let page = open.call(&Call::new("GET", path)).await;
        assert!(
            page.body()
                .contains("other@example.com may not ask for this")
        );
        assert!(!page.body().contains("<form"));
    }
    assert_eq!(open.call(&sent).await.status(), 403);
    assert!(open.items("request#").is_empty());
    let audit = open.audit();
    assert!(
        audit[0].starts_with("email:other@example.com: refused: snooze"),
        "{audit:?}"
    );
    let fixture = told_with(&listed).await;
    assert!(fixture.mail(LEAD).contains(ONE_HOUR) && !fixture.mail(LEAD).contains(WAKE));
    assert!(!fixture.mail("other@example.com").contains("https://"));
}

#[tokio::test]
async fn a_page_names_what_stays_down_all_the_same() {
    let fixture = notified().await;
    let path = fixture.link(LEAD, ONE_HOUR);
    let page = fixture.call(&Call::new("GET", &path)).await;
    crate::commands::keep_down(&fixture);
    let answer = fixture.call(&page.send(&path, "")).await;
    let banner = |answer: &crate::fixture::Answer| {
        let (_, after) = answer
            .body()
            .split_once("<section class=\"card banner")
            .unwrap();
        after.split("<p><a href").next().unwrap().trim().to_owned()
    };
    insta::assert_snapshot!(banner(&answer), @r#"
    good" role="status">
    <h1 tabindex="-1" autofocus>Done: awake until Mon 23 Nov 23:00 (UTC).</h1>
    <p dir="auto">They stay as they are; there is nothing else to do.</p>
    <p dir="auto">Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).</p>
    "#);
    fixture
        .world
        .ecs(|ecs| ecs.services.get_mut("dev/api").unwrap().desired = 0);
    let page = fixture.call(&Call::new("GET", &path)).await;
    let answer = fixture.call(&page.send(&path, "")).await;
    insta::assert_snapshot!(banner(&answer), @r#"
    bad" role="status">
    <h1 tabindex="-1" autofocus>Recorded until Mon 23 Nov 23:00 (UTC), but none of the services will be awake.</h1>
    <p dir="auto">Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).</p>
    <p dir="auto">Stays down: dev/api (it is at zero, and deploy-hooks did not stop it; set its count by hand).</p>
    "#);
    crate::fixture::refuse_reads(&fixture);
    let page = fixture.call(&Call::new("GET", &path)).await;
    let answer = fixture.call(&page.send(&path, "")).await;
    insta::assert_snapshot!(banner(&answer), @r#"
    bad" role="status">
    <h1 tabindex="-1" autofocus>Recorded until Mon 23 Nov 23:00 (UTC). The services could not be read; the next run wakes what may be awake.</h1>
    "#);
}
