//! The morning's summary and problems: reported once, with what to do.

use serde_json::json;

use crate::fixture::{CONFIG, Fixture, MORNING, NIGHT, TOPIC};
use crate::support::CallFault;

async fn slept() -> Fixture {
    let fixture = Fixture::open().await;
    fixture.tick_at(NIGHT).await;
    assert_eq!(fixture.desired("dev/web"), 0);
    fixture.beside(|beside| beside.mails.clear());
    fixture
}

#[tokio::test]
async fn a_morning_is_told_once() {
    let fixture = slept().await;
    fixture.set_clock(MORNING);
    for action in ["up", "tick", "up", "morning"] {
        fixture
            .invoke(json!({"action": action, "at": MORNING}))
            .await
            .unwrap();
    }
    fixture.tick_at("2026-11-24T09:05:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 3);
    assert_eq!(
        fixture.addressees(),
        ["lead@example.com", "other@example.com"]
    );
    insta::assert_snapshot!(fixture.mail("lead@example.com"), @"
    Subject: 2 services woke at 09:00

    2 services woke at 09:00
    Since Tue 24 Nov 09:00 (UTC) the schedule wants 2 services awake; 2 woke.
    Saved by this sleep: about 1.09 USD (22.0 vCPU-hours, 44.0 GB-hours). An estimate.
    Account 111122223333, eu-central-1.

    Awake
    - dev/api
    - dev/web

    -- 
    Sent by deploy-hooks. Times are those of UTC.
    ");
}

#[tokio::test]
async fn the_sum_of_several_runs_is_told() {
    let fixture = slept().await;
    fixture.set_clock(MORNING);
    let part = json!({"action": "tick", "only": "dev/web"});
    fixture.invoke(part).await.unwrap();
    assert!(fixture.addressees().is_empty(), "a part is no morning");
    fixture.tick_at("2026-11-24T09:05:00Z").await;
    assert!(
        fixture.addressees().is_empty(),
        "it was asked to run, and is seen to run later"
    );
    fixture.tick_at("2026-11-24T09:10:00Z").await;
    let mail = fixture.mail("lead@example.com");
    assert!(mail.contains("- dev/api\n- dev/web"), "{mail}");
    assert!(mail.contains("2 services woke at 09:00"), "{mail}");
    assert!(mail.contains("(22.0 vCPU-hours"), "{mail}");
}

#[tokio::test]
async fn a_conflict_is_told_with_what_to_do() {
    let fixture = slept().await;
    fixture
        .world
        .ecs(|ecs| ecs.services.get_mut("dev/api").unwrap().desired = 7);
    fixture.tick_at(MORNING).await;
    fixture.tick_at("2026-11-24T09:05:00Z").await;
    let mail = fixture.mail("lead@example.com");
    insta::assert_snapshot!(mail, @"
    Subject: 1 service not awake as before

    1 service not awake as before
    Since Tue 24 Nov 09:00 (UTC) the schedule wants 2 services awake; 1 woke.
    Saved by this sleep: about 0.81 USD (16.5 vCPU-hours, 33.0 GB-hours). An estimate.
    Account 111122223333, eu-central-1.

    Changed by somebody while asleep, and left alone
    - dev/api: somebody changed it while it slept: set to 0, found at 7; left alone. If that is not intended, set it to 1 by hand.

    Awake
    - dev/web

    -- 
    Sent by deploy-hooks. Times are those of UTC.
    ");
    fixture.beside(|beside| beside.mails.clear());
    fixture.tick_at("2026-11-24T09:10:00Z").await;
    assert!(fixture.addressees().is_empty());
}

#[tokio::test]
async fn who_was_woken_at_night_is_no_morning() {
    let fixture = slept().await;
    fixture.set_clock("2026-11-24T01:00:00Z");
    fixture
        .call(&fixture.command("T0123/U0123", "up dev"))
        .await;
    fixture.run_handed_over().await;
    fixture.tick_at("2026-11-24T01:10:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 3);
    assert!(fixture.addressees().is_empty());
}

#[tokio::test]
async fn a_failure_is_told_once_and_the_morning_waits_for_it() {
    let fixture = slept().await;
    let refuse = |_: usize, operation: &str| {
        (operation == "UpdateService").then_some(CallFault::Fail(400, "AccessDeniedException"))
    };
    fixture.world.fates(refuse);
    fixture.tick_at(MORNING).await;
    insta::assert_snapshot!(fixture.mail("lead@example.com"), @"
    Subject: Environments: 2 new problems

    Environments: 2 new problems
    Account 111122223333, eu-central-1.
    Each problem is reported once, and again if it is still there a day later.

    Failed; will be tried again at the next run
    - dev/api, dev/web: UpdateService: AccessDeniedException: injected. What to do: give the role ecs:UpdateService.

    -- 
    Sent by deploy-hooks. Times are those of UTC.
    ");
    fixture.tick_at("2026-11-24T09:05:00Z").await;
    fixture.tick_at("2026-11-24T09:10:00Z").await;
    assert_eq!(fixture.addressees().len(), 2, "once, to each reader");
    fixture.tick_at("2026-11-24T09:20:00Z").await;
    let mail = fixture.mail("lead@example.com");
    assert!(
        mail.starts_with("Subject: 2 services not awake as before"),
        "{mail}"
    );
    assert_eq!(fixture.addressees().len(), 4);
    fixture.tick_at("2026-11-24T13:00:00Z").await;
    assert_eq!(fixture.addressees().len(), 6, "and again in another day");
}

#[tokio::test]
async fn who_does_not_come_up_has_not_woken_and_is_reported() {
    let fixture = slept().await;
    fixture
        .world
        .ecs(|ecs| ecs.services.get_mut("dev/web").unwrap().broken = true);
    for minute in ["09:00", "09:05"] {
        fixture.tick_at(&format!("2026-11-24T{minute}:00Z")).await;
        assert!(fixture.addressees().is_empty(), "{minute}");
    }
    fixture.tick_at("2026-11-24T09:10:00Z").await;
    let mail = fixture.mail("lead@example.com");
    assert!(
        mail.contains("dev/web: it was woken at 2026-11-24T09:00:00Z: desired 3, but 0 tasks run"),
        "{mail}"
    );
    fixture.beside(|beside| beside.mails.clear());
    fixture.tick_at("2026-11-24T09:15:00Z").await;
    assert!(fixture.addressees().is_empty(), "once a day");
    let answer = fixture.tick_at("2026-11-24T09:20:00Z").await;
    assert_eq!(answer["done"]["unmet"], 1);
    let mail = fixture.mail("lead@example.com");
    assert!(mail.contains("1 service not awake as before"), "{mail}");
    assert!(mail.contains("1 woke"), "{mail}");
}

#[tokio::test]
async fn who_runs_on_is_reported_once_a_day_and_not_asleep() {
    let fixture = Fixture::open().await;
    fixture
        .world
        .ecs(|ecs| ecs.services.get_mut("dev/web").unwrap().stubborn = true);
    fixture.tick_at(NIGHT).await;
    fixture.beside(|beside| beside.mails.clear());
    let answer = fixture.tick_at("2026-11-23T22:10:00Z").await;
    assert_eq!(answer["totals"]["asleep"], 1);
    let summary = answer["summary"].as_str().unwrap();
    assert!(
        summary.contains("Not asleep: dev/web: it was stopped at"),
        "{summary}"
    );
    let mail = fixture.mail("lead@example.com");
    assert!(mail.contains("desired 0, but 3 tasks run"), "{mail}");
    fixture.beside(|beside| beside.mails.clear());
    let answer = fixture.tick_at("2026-11-24T01:00:00Z").await;
    assert!(fixture.addressees().is_empty());
    assert_eq!(answer["done"]["unmet"], 1, "but each run says so");
}

#[tokio::test]
async fn a_failure_that_could_not_be_told_is_told_at_the_next_tick() {
    for refused in [1, 2] {
        let fixture = slept().await;
        fixture.world.fates(|_: usize, operation: &str| {
            (operation == "UpdateService").then_some(CallFault::Fail(400, "AccessDeniedException"))
        });
        fixture.beside(|beside| beside.refuse_mails = refused);
        let answer = fixture.tick_at(MORNING).await;
        let problems = answer["problems"].to_string();
        assert!(problems.contains("SES did not take the mail"), "{problems}");
        assert_eq!(fixture.addressees().len(), 2 - refused);
        fixture.tick_at("2026-11-24T09:05:00Z").await;
        fixture.tick_at("2026-11-24T09:10:00Z").await;
        let both = ["lead@example.com", "other@example.com"];
        assert_eq!(fixture.addressees(), both, "each once");
        let mail = fixture.mail("lead@example.com");
        assert!(mail.contains("dev/api, dev/web: UpdateService"), "{mail}");
    }
}

#[tokio::test]
async fn who_follows_no_schedule_any_more_is_told_once_a_day() {
    let fixture = slept().await;
    // Somebody renames a schedule that tags name, and denies a service that sleeps.
    fixture.beside(|beside| {
        beside.config = CONFIG.replace("office", "hours") + "deny: ['*/api']\n";
    });
    fixture.tick_at("2026-11-24T01:00:00Z").await;
    let (web, api) = (fixture.desired("dev/web"), fixture.desired("dev/api"));
    assert_eq!((web, api), (3, 0));
    insta::assert_snapshot!(fixture.mail("lead@example.com"), @r#"
    Subject: Environments: 2 new problems

    Environments: 2 new problems
    Account 111122223333, eu-central-1.
    Each problem is reported once, and again if it is still there a day later.

    Follows no schedule until somebody corrects it
    - dev/api: denied by "*/api" in the configuration; it sleeps and is left asleep: select it again, or set its count by hand and remove the tag deploy-hooks:asleep.
    - dev/web: its schedule can't be read, so what it had is restored; the tag deploy-hooks:schedule says "office": column 1: unknown schedule "office"; write the name of a configured schedule, or a window such as Mon-Fri 09:00-22:00 Europe/Berlin.

    -- 
    Sent by deploy-hooks. Times are those of UTC.
    "#);
    fixture.tick_at("2026-11-24T01:05:00Z").await;
    assert_eq!(fixture.addressees().len(), 2, "once, to each reader");
    fixture.tick_at("2026-11-24T13:00:00Z").await;
    assert_eq!(fixture.addressees().len(), 4, "and again in another day");
    fixture.beside(|beside| beside.config = CONFIG.to_owned());
    fixture.tick_at("2026-11-24T13:05:00Z").await;
    let (web, api) = (fixture.desired("dev/web"), fixture.desired("dev/api"));
    assert_eq!((web, api), (3, 1));
}

#[tokio::test]
async fn who_was_started_by_hand_in_the_night_saves_nothing_in_the_morning() {
    let fixture = slept().await;
    fixture.world.ecs(|ecs| {
        let web = ecs.services.get_mut("dev/web").unwrap();
        (web.desired, web.running) = (3, 3);
    });
    fixture.tick_at("2026-11-23T23:00:00Z").await;
    fixture.tick_at(MORNING).await;
    fixture.tick_at("2026-11-24T09:05:00Z").await;
    let mail = fixture.mail("lead@example.com");
    // Of one task of dev/api alone; dev/web's three would make it 44.
    assert!(mail.contains("(5.5 vCPU-hours, 11.0 GB-hours)"), "{mail}");
}

#[tokio::test]
async fn who_was_started_and_stopped_by_hand_in_the_night_wakes_in_the_morning() {
    let fixture = slept().await;
    let set = |count: u32| {
        fixture.world.ecs(|ecs| {
            let web = ecs.services.get_mut("dev/web").unwrap();
            (web.desired, web.running) = (count, count);
        });
    };
    set(3);
    fixture.tick_at("2026-11-23T23:00:00Z").await;
    set(0);
    fixture.tick_at(MORNING).await;
    fixture.tick_at("2026-11-24T09:05:00Z").await;
    assert_eq!(fixture.desired("dev/web"), 3);
    let mail = fixture.mail("lead@example.com");
    assert!(mail.contains("2 services woke at 09:00"), "{mail}");
    // When it was stopped again is not known, so that the sum is that of dev/api.
    assert!(mail.contains("(5.5 vCPU-hours, 11.0 GB-hours)"), "{mail}");
}

#[tokio::test]
async fn a_broken_configuration_is_told_to_the_topic_once_a_day() {
    let fixture = Fixture::with(CONFIG, &[("ENVIRONMENTS_TOPIC", TOPIC)]).await;
    fixture.beside(|beside| beside.config = "version: 1\nacounts: x\n".into());
    for at in [
        "2026-11-23T21:45:00Z",
        "2026-11-23T21:50:00Z",
        "2026-11-24T08:00:00Z",
    ] {
        fixture.set_clock(at);
        assert!(fixture.invoke(json!({"action": "tick"})).await.is_err());
    }
    let published = fixture.beside(|beside| beside.published.clone());
    assert_eq!(published.len(), 1);
    insta::assert_snapshot!(published[0]["Message"], @r#"
    Environments: the run failed
    The run "tick" stopped before it changed anything. What sleeps stays asleep, and what runs keeps running.

    nothing was touched: s3://config/environments.yaml:2:1: unknown key "acounts"; did you mean "accounts"?

    -- 
    Sent by deploy-hooks. Times are those of UTC.
    "#);
    for _ in 0..2 {
        let event = json!({"action": "down", "at": NIGHT});
        assert!(fixture.invoke(event).await.is_err());
    }
    assert_eq!(
        fixture.beside(|beside| beside.published.len()),
        2,
        "each evening"
    );
    assert!(
        fixture.addressees().is_empty(),
        "its channels are not known"
    );
}
