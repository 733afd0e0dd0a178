//! Slack: signatures, commands and buttons.

use serde_json::{Value, json};

use crate::fixture::{CONFIG, Call, EVENING, Fixture, NIGHT, SLACK_SECRET, signature};

const MEMBER: &str = "T0123/U0123";

#[tokio::test]
async fn only_what_slack_has_signed_now_is_taken() {
    let fixture = Fixture::open().await;
    let right = fixture.command(MEMBER, "up dev");
    let now = fixture.now().as_second();
    let body = "team_id=T0123&user_id=U0123&text=up+dev";
    let with = |secret: &str, at: i64| {
        right
            .clone()
            .body(body)
            .header("x-slack-request-timestamp", &at.to_string())
            .header("x-slack-signature", &signature(secret, at, body))
    };
    let without = |name: &str| {
        let mut call = right.clone();
        call.headers.remove(name);
        call
    };
    let wrong = [
        with("another-secret-of-32-characters!", now),
        with("", now),
        with(SLACK_SECRET, now - 301),
        with(SLACK_SECRET, now + 301),
        without("x-slack-signature"),
        without("x-slack-request-timestamp"),
        right
            .clone()
            .body("team_id=T0123&user_id=U0999&text=up+dev"),
        right.clone().header("x-slack-signature", "v0="),
    ];
    for call in &wrong {
        let answer = fixture.call(call).await;
        assert_eq!((answer.status(), answer.body()), (401, ""));
    }
    assert!(fixture.beside(|beside| beside.invoked.is_empty()));
    assert_eq!(fixture.call(&right).await.status(), 200);
    assert_eq!(fixture.call(&right).await.status(), 401, "once");
    assert_eq!(fixture.beside(|beside| beside.invoked.len()), 1);
    let get = Call::new("GET", "/slack/commands");
    assert_eq!(fixture.call(&get).await.status(), 405);
}

#[tokio::test]
async fn an_empty_secret_takes_nothing_and_none_is_no_address() {
    for secret in ["", "short"] {
        let fixture = Fixture::open().await;
        fixture.beside(|beside| beside.secrets.insert("slack".into(), secret.into()));
        let answer = fixture.call(&fixture.command(MEMBER, "help")).await;
        assert_eq!(answer.status(), 503);
    }
    let without = Fixture::with(CONFIG, &[("SLACK_SECRET", "")]).await;
    let answer = without.call(&without.command(MEMBER, "help")).await;
    assert_eq!(answer.status(), 404);
    let config = CONFIG.replace(
        "team: T0123",
        "team: T0123, signing_secret: 'secretsmanager:slack'",
    );
    let configured = Fixture::with(&config, &[("SLACK_SECRET", "")]).await;
    let answer = configured.call(&configured.command(MEMBER, "help")).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn what_sleeps_is_woken_by_a_command() {
    let fixture = Fixture::open().await;
    fixture.tick_at(NIGHT).await;
    fixture.set_clock("2026-11-24T01:00:00Z");
    let answer = fixture.call(&fixture.command(MEMBER, "up dev")).await;
    assert_eq!(
        answer.0["headers"]["content-type"],
        "application/json; charset=utf-8"
    );
    let reply: Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!(
        (&reply["response_type"], &reply["text"]),
        (&json!("ephemeral"), &json!("On it..."))
    );
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered().join("\n"), @"2 services of dev will be awake until Tue 24 Nov 03:00. What sleeps wakes within a few minutes.");
    assert_eq!(
        (fixture.desired("dev/web"), fixture.desired("dev/api")),
        (3, 1)
    );
    let requests = fixture.items("request#");
    assert_eq!(requests[0]["services"], "dev/* dev");
    assert_eq!(requests[0]["by"], "lead (slack:T0123/U0123)");
    insta::assert_snapshot!(fixture.audit().join("\n"), @"slack:T0123/U0123: wake dev/* dev until 2026-11-24T03:00:00Z (request slack:T0123/U0123/1.2.3)");
    fixture.tick_at("2026-11-24T03:00:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 0);
}

#[tokio::test]
async fn a_dry_run_promises_nothing() {
    let fixture = Fixture::with(CONFIG, &[("ENVIRONMENTS_DRY_RUN", "true")]).await;
    fixture.set_clock("2026-11-24T01:00:00Z");
    fixture.call(&fixture.command(MEMBER, "up dev")).await;
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered().join("\n"), @"The request for dev is recorded until Tue 24 Nov 03:00, and nothing else was done. Dry run is on: nothing is put to sleep or woken.");
}

#[tokio::test]
async fn a_snooze_counts_from_the_sleep() {
    let fixture = Fixture::open().await;
    fixture
        .call(&fixture.command(MEMBER, "snooze dev/web 3h"))
        .await;
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered().join("\n"), @"1 service of dev/web will be awake until Tue 24 Nov 01:00.");
    fixture.tick_at("2026-11-24T00:59:00Z").await;
    assert_eq!(
        (fixture.desired("dev/web"), fixture.desired("dev/api")),
        (3, 0)
    );
    fixture.tick_at("2026-11-24T01:00:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 0);
}

#[tokio::test]
async fn status_and_help_are_told() {
    let fixture = Fixture::open().await;
    fixture.tick_at(NIGHT).await;
    let help = fixture.call(&fixture.command(MEMBER, "help")).await;
    assert!(
        help.body().contains("wakes an environment"),
        "{}",
        help.body()
    );
    let unclear = fixture.call(&fixture.command(MEMBER, "<!channel>")).await;
    assert!(
        unclear
            .body()
            .contains("There is no such command. Try `help`.")
    );
    assert!(fixture.beside(|beside| beside.invoked.is_empty()));
    fixture.call(&fixture.command(MEMBER, "status")).await;
    fixture
        .call(&fixture.command(MEMBER, "status nowhere"))
        .await;
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered().join("\n"), @"
    0 awake, 2 asleep
    dev: 0 awake, 2 asleep; wakes Tue 24 Nov 09:00
    No managed service matches nowhere.
    ");
    assert!(fixture.items("request#").is_empty());
}

#[tokio::test]
async fn strangers_and_those_who_are_not_listed_may_not() {
    let fixture = Fixture::open().await;
    fixture.tick_at(NIGHT).await;
    fixture
        .call(&fixture.command("T0999/U0123", "up dev"))
        .await;
    fixture.run_handed_over().await;
    assert_eq!(
        fixture.answered(),
        ["lead may not ask for this. Ask those who keep the configuration."]
    );
    assert_eq!(fixture.audit(), ["slack:T0999/U0123: refused: Wake dev"]);
    fixture
        .call(&fixture.command("T0999/U0124", "status"))
        .await;
    fixture.run_handed_over().await;
    assert!(
        fixture.answered()[1].contains("may not ask for this"),
        "{:?}",
        fixture.answered()
    );
    assert_eq!(fixture.audit().len(), 2, "{:?}", fixture.audit());
    let listed = format!(
        "{CONFIG}  may: {{ snooze: ['slack:T0123/U0123'], wake: ['slack:T0123/U0777'] }}\n"
    );
    let fixture = Fixture::with(&listed, &[]).await;
    fixture.call(&fixture.command(MEMBER, "snooze dev")).await;
    fixture.run_handed_over().await;
    assert_eq!(fixture.items("request#").len(), 1);
    fixture.tick_at("2026-11-24T01:00:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 0);
    fixture.call(&fixture.command(MEMBER, "snooze dev")).await;
    fixture.run_handed_over().await;
    assert!(
        fixture.answered()[1].contains("may not"),
        "a snooze of what sleeps is a waking"
    );
    assert_eq!(
        (fixture.items("request#").len(), fixture.desired("dev/web")),
        (1, 0)
    );
}

/// A press of the button for two hours more, at Slack's time of it.
fn press(fixture: &Fixture, user: &str, at: &str) -> Call {
    let offer = fixture.items("environment-offer#");
    let value = format!("{}.1", offer[0]["id"].as_str().unwrap());
    let payload = json!({"type": "block_actions", "user": {"id": user, "team_id": "T0123"},
        "actions": [{"action_id": "environment_snooze_1", "value": value, "action_ts": at}],
        "response_url": format!("{}/response", fixture.loopback)});
    fixture.slack("/slack/interactions", &[("payload", &payload.to_string())])
}

#[tokio::test]
async fn a_button_puts_the_sleep_off_once() {
    let fixture = Fixture::open().await;
    fixture.tick().await;
    for at in [EVENING, "2026-11-23T21:45:05Z"] {
        fixture.set_clock(at);
        let answer = fixture.call(&press(&fixture, "U0123", "1.1")).await;
        assert_eq!((answer.status(), answer.body()), (200, ""));
        fixture.run_handed_over().await;
    }
    assert_eq!(fixture.items("request#").len(), 1, "Slack says it twice");
    assert_eq!(
        fixture.items("request#")[0]["until"],
        "2026-11-24T00:00:00Z"
    );
    assert!(
        fixture.answered()[0]
            .starts_with("2 services of 22:00 will be awake until Tue 24 Nov 00:00.")
    );
    fixture.set_clock("2026-11-24T00:00:00Z");
    fixture.call(&press(&fixture, "U0123", "1.3")).await;
    fixture.run_handed_over().await;
    assert_eq!(
        fixture.answered()[2],
        "This message is too old; nothing was changed."
    );
}

#[tokio::test]
async fn a_button_counts_again_after_somebody_has_stopped_the_services() {
    let listed = format!("{CONFIG}  may: {{ wake: ['slack:T0123/U0123'] }}\n");
    let fixture = Fixture::with(&listed, &[]).await;
    fixture.tick().await;
    for (stopped, pressed) in [
        ("2026-11-23T21:50:00Z", "2026-11-23T21:51:00Z"),
        ("2026-11-23T21:55:00Z", "2026-11-23T21:56:00Z"),
        ("2026-11-23T22:10:00Z", "2026-11-23T22:15:00Z"),
    ] {
        fixture.set_clock(stopped);
        fixture.down("dev/*").await;
        fixture.set_clock(pressed);
        fixture.call(&press(&fixture, "U0777", pressed)).await;
        fixture.run_handed_over().await;
        fixture.tick().await;
        assert_eq!(fixture.desired("dev/web"), 0, "{pressed}: may only put off");
        fixture.call(&press(&fixture, "U0123", pressed)).await;
        fixture.run_handed_over().await;
        assert_eq!(fixture.desired("dev/web"), 3, "{pressed}");
    }
}

#[tokio::test]
async fn words_that_nobody_handed_over_are_refused() {
    let fixture = Fixture::open().await;
    fixture.call(&fixture.command(MEMBER, "up dev")).await;
    let event = fixture.beside(|beside| beside.invoked.remove(0));
    for forged in [
        json!({"slack_words": event["slack_words"], "seal": "0000.00"}),
        json!({"slack_words": event["slack_words"]}),
        json!({"slack_words": {}, "seal": event["seal"]}),
        {
            let mut other = event.clone();
            other["slack_words"]["user"] = json!("U0777");
            other
        },
    ] {
        assert!(fixture.invoke(forged).await.is_err());
    }
    assert!(fixture.answered().is_empty() && fixture.items("request#").is_empty());
    fixture.set_clock("2026-11-23T22:01:00Z");
    fixture.invoke(event).await.unwrap();
    assert!(
        fixture.answered()[0].contains("took too long"),
        "{:?}",
        fixture.answered()
    );
    assert!(fixture.items("request#").is_empty());
}

#[tokio::test]
async fn nothing_from_outside_is_taken_for_an_event_of_the_functions_own() {
    let fixture = Fixture::open().await;
    fixture.call(&fixture.command(MEMBER, "up dev")).await;
    let mut event = fixture.beside(|beside| beside.invoked.remove(0));
    event["rawPath"] = json!("/");
    event["requestContext"] = json!({"http": {"method": "POST"}});
    event["headers"] = json!({});
    event["action"] = json!("down");
    let answer = fixture.invoke(event).await.unwrap();
    assert_eq!(answer["statusCode"], 404);
    assert!(fixture.answered().is_empty());
}

#[tokio::test]
async fn a_service_whose_override_can_not_be_read_is_woken_all_the_same() {
    let fixture = Fixture::open().await;
    fixture.tick_at(NIGHT).await;
    fixture.world.ecs(|ecs| {
        let tags = &mut ecs.services.get_mut("dev/web").unwrap().tags;
        tags.insert("deploy-hooks:keep-up-until".into(), "tomorrow".into());
    });
    fixture
        .call(&fixture.command(MEMBER, "up dev/web 2h"))
        .await;
    fixture.run_handed_over().await;
    let replies = fixture.answered().join("\n");
    assert!(
        replies.contains("1 service of dev/web will be awake until"),
        "{replies}"
    );
    fixture.tick_at("2026-11-23T22:10:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 3);
}

/// A tag that keeps a service down, and one that somebody has set to zero.
pub fn keep_down(fixture: &Fixture) {
    fixture.add("dev/zero", crate::support::Svc::new(0));
    fixture.world.ecs(|ecs| {
        let tags = &mut ecs.services.get_mut("dev/web").unwrap().tags;
        tags.insert(
            "deploy-hooks:force-down-until".into(),
            "2026-11-24T08:00:00Z".into(),
        );
    });
}

#[tokio::test]
async fn what_stays_down_all_the_same_is_not_said_to_be_awake() {
    let fixture = Fixture::open().await;
    fixture.tick().await;
    keep_down(&fixture);
    fixture.tick_at(NIGHT).await;
    fixture.set_clock("2026-11-24T01:00:00Z");
    fixture.call(&fixture.command(MEMBER, "up dev")).await;
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered().join("\n"), @"
    1 service of dev will be awake until Tue 24 Nov 03:00. What sleeps wakes within a few minutes.
    Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).
    Stays down: dev/zero (it is at zero, and deploy-hooks did not stop it; set its count by hand).
    ");
    assert_eq!(
        ["dev/web", "dev/api", "dev/zero"].map(|place| fixture.desired(place)),
        [0, 1, 0]
    );
    fixture.set_clock("2026-11-23T22:05:00Z");
    fixture.call(&press(&fixture, "U0123", "1.1")).await;
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered()[1], @"
    1 service of 22:00 will be awake until Tue 24 Nov 00:00.
    Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).
    ");
    let fixture = Fixture::open().await;
    keep_down(&fixture);
    fixture
        .call(&fixture.command(MEMBER, "snooze dev/web"))
        .await;
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered().join("\n"), @"
    The request for dev/web is recorded until Mon 23 Nov 23:45, but none of its services will be awake.
    Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).
    ");
}

#[tokio::test]
async fn where_the_services_can_not_be_read_nothing_is_promised() {
    let fixture = Fixture::open().await;
    fixture.tick().await;
    crate::fixture::refuse_reads(&fixture);
    fixture.call(&press(&fixture, "U0123", "1.1")).await;
    fixture.run_handed_over().await;
    insta::assert_snapshot!(fixture.answered().join("\n"), @"The request for 22:00 is recorded until Tue 24 Nov 00:00. Its services could not be read; the next run wakes what may be awake.");
    assert_eq!(fixture.items("request#").len(), 1);
}
