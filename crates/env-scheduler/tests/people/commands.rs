//! Slack: signatures, commands and buttons.

use serde_json::{Value, json};

use crate::house::{CONFIG, Call, EVENING, House, NIGHT, SLACK_SECRET, signature};

const MEMBER: &str = "T0123/U0123";

#[tokio::test]
async fn only_what_slack_has_signed_now_is_taken() {
    let house = House::open().await;
    let right = house.command(MEMBER, "up dev");
    let now = house.now().as_second();
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
        let answer = house.call(call).await;
        assert_eq!((answer.status(), answer.body()), (401, ""));
    }
    assert!(house.beside(|beside| beside.invoked.is_empty()));
    assert_eq!(house.call(&right).await.status(), 200);
    assert_eq!(house.call(&right).await.status(), 401, "once");
    assert_eq!(house.beside(|beside| beside.invoked.len()), 1);
    let get = Call::new("GET", "/slack/commands");
    assert_eq!(house.call(&get).await.status(), 405);
}

#[tokio::test]
async fn an_empty_secret_takes_nothing_and_none_is_no_address() {
    for secret in ["", "short"] {
        let house = House::open().await;
        house.beside(|beside| beside.secrets.insert("slack".into(), secret.into()));
        let answer = house.call(&house.command(MEMBER, "help")).await;
        assert_eq!(answer.status(), 503);
    }
    let without = House::with(CONFIG, &[("SLACK_SECRET", "")]).await;
    let answer = without.call(&without.command(MEMBER, "help")).await;
    assert_eq!(answer.status(), 404);
    let config = CONFIG.replace(
        "team: T0123",
        "team: T0123, signing_secret: 'secretsmanager:slack'",
    );
    let configured = House::with(&config, &[("SLACK_SECRET", "")]).await;
    let answer = configured.call(&configured.command(MEMBER, "help")).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn what_sleeps_is_woken_by_a_command() {
    let house = House::open().await;
    house.tick_at(NIGHT).await;
    house.set_clock("2026-11-24T01:00:00Z");
    let answer = house.call(&house.command(MEMBER, "up dev")).await;
    assert_eq!(
        answer.0["headers"]["content-type"],
        "application/json; charset=utf-8"
    );
    let said: Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!(
        (&said["response_type"], &said["text"]),
        (&json!("ephemeral"), &json!("On it..."))
    );
    house.run_handed_over().await;
    insta::assert_snapshot!(house.answered().join("\n"), @"2 services of dev will be awake until Tue 24 Nov 03:00. What sleeps wakes within a few minutes.");
    assert_eq!((house.desired("dev/web"), house.desired("dev/api")), (3, 1));
    let requests = house.items("request#");
    assert_eq!(requests[0]["services"], "dev/* dev");
    assert_eq!(requests[0]["by"], "lead (slack:T0123/U0123)");
    insta::assert_snapshot!(house.audit().join("\n"), @"slack:T0123/U0123: wake dev/* dev until 2026-11-24T03:00:00Z (request slack:T0123/U0123/1.2.3)");
    house.tick_at("2026-11-24T03:00:00Z").await;
    assert_eq!(house.desired("dev/web"), 0);
}

#[tokio::test]
async fn a_snooze_counts_from_the_sleep() {
    let house = House::open().await;
    house
        .call(&house.command(MEMBER, "snooze dev/web 3h"))
        .await;
    house.run_handed_over().await;
    insta::assert_snapshot!(house.answered().join("\n"), @"1 service of dev/web will be awake until Tue 24 Nov 01:00.");
    house.tick_at("2026-11-24T00:59:00Z").await;
    assert_eq!((house.desired("dev/web"), house.desired("dev/api")), (3, 0));
    house.tick_at("2026-11-24T01:00:00Z").await;
    assert_eq!(house.desired("dev/web"), 0);
}

#[tokio::test]
async fn status_and_help_are_told() {
    let house = House::open().await;
    house.tick_at(NIGHT).await;
    let help = house.call(&house.command(MEMBER, "help")).await;
    assert!(
        help.body().contains("wakes an environment"),
        "{}",
        help.body()
    );
    let unclear = house.call(&house.command(MEMBER, "<!channel>")).await;
    assert!(
        unclear
            .body()
            .contains("There is no such command. Try `help`.")
    );
    assert!(house.beside(|beside| beside.invoked.is_empty()));
    house.call(&house.command(MEMBER, "status")).await;
    house.call(&house.command(MEMBER, "status nowhere")).await;
    house.run_handed_over().await;
    insta::assert_snapshot!(house.answered().join("\n"), @"
    0 awake, 2 asleep
    dev: 0 awake, 2 asleep; wakes Tue 24 Nov 09:00
    No managed service matches nowhere.
    ");
    assert!(house.items("request#").is_empty());
}

#[tokio::test]
async fn strangers_and_those_who_are_not_listed_may_not() {
    let house = House::open().await;
    house.tick_at(NIGHT).await;
    house.call(&house.command("T0999/U0123", "up dev")).await;
    house.run_handed_over().await;
    assert_eq!(
        house.answered(),
        ["lead may not ask for this. Ask those who keep the configuration."]
    );
    assert_eq!(house.audit(), ["slack:T0999/U0123: refused: Wake dev"]);
    house.call(&house.command("T0999/U0124", "status")).await;
    house.run_handed_over().await;
    assert!(
        house.answered()[1].contains("may not ask for this"),
        "{:?}",
        house.answered()
    );
    assert_eq!(house.audit().len(), 2, "{:?}", house.audit());
    let listed = format!(
        "{CONFIG}  may: {{ snooze: ['slack:T0123/U0123'], wake: ['slack:T0123/U0777'] }}\n"
    );
    let house = House::with(&listed, &[]).await;
    house.call(&house.command(MEMBER, "snooze dev")).await;
    house.run_handed_over().await;
    assert_eq!(house.items("request#").len(), 1);
    house.tick_at("2026-11-24T01:00:00Z").await;
    assert_eq!(house.desired("dev/web"), 0);
    house.call(&house.command(MEMBER, "snooze dev")).await;
    house.run_handed_over().await;
    assert!(
        house.answered()[1].contains("may not"),
        "a snooze of what sleeps is a waking"
    );
    assert_eq!(
        (house.items("request#").len(), house.desired("dev/web")),
        (1, 0)
    );
}

/// A press of the button for two hours more, at Slack's time of it.
fn press(house: &House, user: &str, at: &str) -> Call {
    let offer = house.items("environment-offer#");
    let value = format!("{}.1", offer[0]["id"].as_str().unwrap());
    let payload = json!({"type": "block_actions", "user": {"id": user, "team_id": "T0123"},
        "actions": [{"action_id": "environment_snooze_1", "value": value, "action_ts": at}],
        "response_url": format!("{}/response", house.loopback)});
    house.slack("/slack/interactions", &[("payload", &payload.to_string())])
}

#[tokio::test]
async fn a_button_puts_the_sleep_off_once() {
    let house = House::open().await;
    house.tick().await;
    for at in [EVENING, "2026-11-23T21:45:05Z"] {
        house.set_clock(at);
        let answer = house.call(&press(&house, "U0123", "1.1")).await;
        assert_eq!((answer.status(), answer.body()), (200, ""));
        house.run_handed_over().await;
    }
    assert_eq!(house.items("request#").len(), 1, "Slack says it twice");
    assert_eq!(house.items("request#")[0]["until"], "2026-11-24T00:00:00Z");
    assert!(
        house.answered()[0]
            .starts_with("2 services of 22:00 will be awake until Tue 24 Nov 00:00.")
    );
    house.set_clock("2026-11-24T00:00:00Z");
    house.call(&press(&house, "U0123", "1.3")).await;
    house.run_handed_over().await;
    assert_eq!(
        house.answered()[2],
        "This message is too old; nothing was changed."
    );
}

#[tokio::test]
async fn a_button_counts_again_after_somebody_has_stopped_the_services() {
    let listed = format!("{CONFIG}  may: {{ wake: ['slack:T0123/U0123'] }}\n");
    let house = House::with(&listed, &[]).await;
    house.tick().await;
    for (stopped, pressed) in [
        ("2026-11-23T21:50:00Z", "2026-11-23T21:51:00Z"),
        ("2026-11-23T21:55:00Z", "2026-11-23T21:56:00Z"),
        ("2026-11-23T22:10:00Z", "2026-11-23T22:15:00Z"),
    ] {
        house.set_clock(stopped);
        house.down("dev/*").await;
        house.set_clock(pressed);
        house.call(&press(&house, "U0777", pressed)).await;
        house.run_handed_over().await;
        house.tick().await;
        assert_eq!(house.desired("dev/web"), 0, "{pressed}: may only put off");
        house.call(&press(&house, "U0123", pressed)).await;
        house.run_handed_over().await;
        assert_eq!(house.desired("dev/web"), 3, "{pressed}");
    }
}

#[tokio::test]
async fn words_that_nobody_handed_over_are_refused() {
    let house = House::open().await;
    house.call(&house.command(MEMBER, "up dev")).await;
    let event = house.beside(|beside| beside.invoked.remove(0));
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
        assert!(house.invoke(forged).await.is_err());
    }
    assert!(house.answered().is_empty() && house.items("request#").is_empty());
    house.set_clock("2026-11-23T22:01:00Z");
    house.invoke(event).await.unwrap();
    assert!(
        house.answered()[0].contains("took too long"),
        "{:?}",
        house.answered()
    );
    assert!(house.items("request#").is_empty());
}

#[tokio::test]
async fn nothing_from_outside_is_taken_for_an_event_of_the_functions_own() {
    let house = House::open().await;
    house.call(&house.command(MEMBER, "up dev")).await;
    let mut event = house.beside(|beside| beside.invoked.remove(0));
    event["rawPath"] = json!("/");
    event["requestContext"] = json!({"http": {"method": "POST"}});
    event["headers"] = json!({});
    event["action"] = json!("down");
    let answer = house.invoke(event).await.unwrap();
    assert_eq!(answer["statusCode"], 404);
    assert!(house.answered().is_empty());
}

#[tokio::test]
async fn a_service_whose_override_can_not_be_read_is_woken_all_the_same() {
    let house = House::open().await;
    house.tick_at(NIGHT).await;
    house.world.ecs(|ecs| {
        let tags = &mut ecs.services.get_mut("dev/web").unwrap().tags;
        tags.insert("deploy-hooks:keep-up-until".into(), "tomorrow".into());
    });
    house.call(&house.command(MEMBER, "up dev/web 2h")).await;
    house.run_handed_over().await;
    let told = house.answered().join("\n");
    assert!(
        told.contains("1 service of dev/web will be awake until"),
        "{told}"
    );
    house.tick_at("2026-11-23T22:10:00Z").await;
    assert_eq!(house.desired("dev/web"), 3);
}

/// A tag that keeps a service down, and one that somebody has set to zero.
pub fn keep_down(house: &House) {
    house.add("dev/zero", crate::support::Svc::new(0));
    house.world.ecs(|ecs| {
        let tags = &mut ecs.services.get_mut("dev/web").unwrap().tags;
        tags.insert(
            "deploy-hooks:force-down-until".into(),
            "2026-11-24T08:00:00Z".into(),
        );
    });
}

#[tokio::test]
async fn what_stays_down_all_the_same_is_not_said_to_be_awake() {
    let house = House::open().await;
    house.tick().await;
    keep_down(&house);
    house.tick_at(NIGHT).await;
    house.set_clock("2026-11-24T01:00:00Z");
    house.call(&house.command(MEMBER, "up dev")).await;
    house.run_handed_over().await;
    insta::assert_snapshot!(house.answered().join("\n"), @"
    1 service of dev will be awake until Tue 24 Nov 03:00. What sleeps wakes within a few minutes.
    Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).
    Stays down: dev/zero (it is at zero, and deploy-hooks did not stop it; set its count by hand).
    ");
    assert_eq!(
        ["dev/web", "dev/api", "dev/zero"].map(|place| house.desired(place)),
        [0, 1, 0]
    );
    house.set_clock("2026-11-23T22:05:00Z");
    house.call(&press(&house, "U0123", "1.1")).await;
    house.run_handed_over().await;
    insta::assert_snapshot!(house.answered()[1], @"
    1 service of 22:00 will be awake until Tue 24 Nov 00:00.
    Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).
    ");
    let house = House::open().await;
    keep_down(&house);
    house.call(&house.command(MEMBER, "snooze dev/web")).await;
    house.run_handed_over().await;
    insta::assert_snapshot!(house.answered().join("\n"), @"
    The request for dev/web is recorded until Mon 23 Nov 23:45, but none of its services will be awake.
    Stays down: dev/web (forced down until Tue 2026-11-24 08:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).
    ");
}

#[tokio::test]
async fn where_the_services_can_not_be_read_nothing_is_promised() {
    let house = House::open().await;
    house.tick().await;
    crate::house::refuse_reads(&house);
    house.call(&press(&house, "U0123", "1.1")).await;
    house.run_handed_over().await;
    insta::assert_snapshot!(house.answered().join("\n"), @"The request for 22:00 is recorded until Tue 24 Nov 00:00. Its services could not be read; the next run wakes what may be awake.");
    assert_eq!(house.items("request#").len(), 1);
}
