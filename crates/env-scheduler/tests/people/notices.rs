//! Notices: once for each sleep, to each reader, never late.

use futures::future::join_all;
use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{CONFIG, Call, EVENING, Fixture, NIGHT, TOPIC};
use crate::support::Svc;

const BOTH: [&str; 2] = ["lead@example.com", "other@example.com"];

#[tokio::test]
async fn a_sleep_is_told_once_however_many_ticks_there_are() {
    let fixture = Fixture::with(CONFIG, &[("ENVIRONMENTS_TOPIC", TOPIC)]).await;
    fixture.tick_at("2026-11-23T21:44:59Z").await;
    assert!(fixture.addressees().is_empty(), "it is too early");
    for at in [
        "2026-11-23T21:45:00Z",
        "2026-11-23T21:50:00Z",
        "2026-11-23T21:59:59Z",
    ] {
        fixture.tick_at(at).await;
    }
    assert_eq!(fixture.addressees(), BOTH);
    assert_eq!(fixture.beside(|beside| beside.published.len()), 1);
}

#[tokio::test]
async fn of_many_invocations_at_once_one_tells() {
    let fixture = Fixture::open().await;
    let events = (0..8).map(|n| {
        let action = if n % 2 == 0 { "tick" } else { "notice" };
        fixture.invoke(json!({"action": action}))
    });
    for answer in join_all(events).await {
        assert_eq!(answer.unwrap()["problems"], json!([]));
    }
    assert_eq!(fixture.addressees(), BOTH);
}

#[tokio::test]
async fn nobody_is_told_late_or_of_what_does_not_sleep() {
    let late = Fixture::open().await;
    late.tick_at(NIGHT).await;
    assert!(late.addressees().is_empty());
    let dry = Fixture::with(CONFIG, &[("ENVIRONMENTS_DRY_RUN", "true")]).await;
    dry.tick().await;
    assert!(dry.addressees().is_empty(), "nothing sleeps in a dry run");
    let part = Fixture::open().await;
    part.invoke(json!({"action": "tick", "only": "dev/web"}))
        .await
        .unwrap();
    assert!(part.addressees().is_empty(), "a part would hide the rest");
    let silent = Fixture::with(&CONFIG.replace("notice: leads, ", ""), &[]).await;
    silent.tick().await;
    assert!(silent.addressees().is_empty());
}

#[tokio::test]
async fn the_clock_of_a_notice_is_the_runs() {
    let fixture = Fixture::open().await;
    fixture.set_clock("2026-11-20T12:00:00Z");
    let event = json!({"action": "tick", "at": EVENING});
    fixture.invoke(event).await.unwrap();
    assert_eq!(fixture.addressees(), BOTH, "a virtual clock is ahead");
}

#[tokio::test]
async fn what_somebody_has_put_off_is_not_told_again() {
    let fixture = Fixture::open().await;
    fixture.add("dev/batch", Svc::new(2));
    let request = environments::schedule_overrides::OverrideRequest {
        id: "1".into(),
        ask: environments::schedule_overrides::RequestKind::Snooze,
        services: "dev/web dev/api".into(),
        until: "2026-11-23T22:05:00Z".parse().unwrap(),
        by: "lead".into(),
        at: EVENING.parse().unwrap(),
        place: None,
    };
    let settings = fixture.function.settings.as_ref().unwrap();
    let records = fixture.function.record_store(settings);
    records.request(&request).await.unwrap();
    fixture.tick().await;
    let mail = fixture.mail("lead@example.com");
    assert!(
        mail.contains("dev/batch") && !mail.contains("dev/web"),
        "{mail}"
    );
    fixture.tick_at("2026-11-23T21:59:00Z").await;
    assert_eq!(fixture.addressees(), BOTH, "nor when the snooze ends soon");
}

#[tokio::test]
async fn each_schedule_and_each_evening_is_told_of_its_own() {
    let fixture = Fixture::open().await;
    let early = Svc::new(2).tagged("deploy-hooks:schedule", "Mon-Fri 09:00-21:55");
    fixture.add("dev/early", early);
    fixture.tick().await;
    assert_eq!(fixture.addressees().len(), 4, "two schedules, two readers");
    fixture.tick_at("2026-11-24T21:45:00Z").await;
    assert_eq!(fixture.addressees().len(), 8, "and the next evening again");
}

#[tokio::test]
async fn what_an_earlier_look_has_missed_is_told_once_and_alone() {
    const HOUR: &str = "1 hour more, until 23:00:";
    let fixture = Fixture::open().await;
    fixture.tick().await;
    fixture.add("dev/late", Svc::new(2));
    for at in ["2026-11-23T21:50:00Z", "2026-11-23T21:51:00Z"] {
        fixture.tick_at(at).await;
        assert_eq!(fixture.addressees().len(), 4, "{at}");
    }
    let mail = fixture.mail("lead@example.com");
    assert!(
        mail.contains("1 service will sleep") && !mail.contains("dev/web"),
        "{mail}"
    );
    let path = fixture.link("lead@example.com", HOUR);
    fixture.add("dev/later", Svc::new(1));
    for at in ["2026-11-23T21:55:00Z", "2026-11-23T21:56:00Z"] {
        fixture.tick_at(at).await;
        assert_eq!(fixture.addressees().len(), 6, "{at}");
    }
    let mail = fixture.mail("lead@example.com");
    assert!(
        mail.contains("dev/later") && !mail.contains("dev/late:"),
        "{mail}"
    );
    let page = fixture.call(&Call::new("GET", &path)).await;
    fixture.call(&page.send(&path, "")).await;
    fixture.tick_at(NIGHT).await;
    let places = ["dev/web", "dev/late", "dev/later"];
    assert_eq!(places.map(|place| fixture.desired(place)), [0, 2, 0]);
}

#[tokio::test]
async fn a_mail_that_was_refused_is_sent_at_the_next_tick() {
    let fixture = Fixture::open().await;
    fixture.beside(|beside| beside.refuse_mails = 1);
    let answer = fixture.tick().await;
    let problems = answer["problems"].to_string();
    assert!(problems.contains("SES did not take the mail"), "{problems}");
    assert_eq!(fixture.addressees().len(), 1);
    fixture.tick_at("2026-11-23T21:50:00Z").await;
    assert_eq!(fixture.addressees(), BOTH);
}

#[tokio::test]
async fn without_keys_there_are_no_links_and_the_notice_is_told() {
    let fixture = Fixture::open().await;
    fixture.beside(|beside| beside.secrets.insert("keys".into(), String::new()));
    let answer = fixture.tick().await;
    assert!(
        answer["problems"]
            .to_string()
            .contains("signing key has 0 characters")
    );
    let mail = fixture.mail("lead@example.com");
    assert!(!mail.contains("https://env.example.com"), "{mail}");
}

#[tokio::test]
async fn without_a_url_there_are_no_links_and_that_is_no_problem() {
    let fixture = Fixture::with(CONFIG, &[("ENVIRONMENTS_URL", "")]).await;
    for at in [EVENING, "2026-11-24T21:45:00Z"] {
        let answer = fixture.tick_at(at).await;
        assert_eq!(answer["problems"], json!([]));
    }
    assert_eq!(fixture.addressees().len(), 4, "two evenings, two readers");
    let mail = fixture.mail("lead@example.com");
    assert!(!mail.contains("http"), "{mail}");
    assert_eq!(fixture.beside(|beside| beside.asked_url), 1, "asked once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_when_each_reader_is_told_once_and_in_time(
        minutes in prop::collection::vec((0_i64..40, 1_usize..5, 0_usize..3), 1..8)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::open().await;
            let mut minutes = minutes;
            minutes.sort_unstable();
            let night: jiff::Timestamp = NIGHT.parse().unwrap();
            for (minute, at_once, refused) in minutes {
                let at = night - jiff::SignedDuration::from_mins(20 - minute);
                fixture.set_clock(&at.to_string());
                fixture.beside(|beside| beside.refuse_mails = refused);
                let before = fixture.addressees();
                let runs = (0..at_once).map(|_| fixture.invoke(json!({"action": "tick"})));
                join_all(runs).await;
                if at >= night {
                    let outcome = fixture.beside(|beside| {
                        let late = beside.mails.iter().skip(before.len());
                        late.filter(|(_, mail)| mail.to_string().contains("will sleep")).count()
                    });
                    prop_assert_eq!(outcome, 0, "told late");
                }
            }
            let mut notices = fixture.beside(|beside| {
                let all = beside.mails.iter();
                let outcome = all.filter(|(_, mail)| mail.to_string().contains("will sleep"));
                outcome.map(|(to, _)| to.clone()).collect::<Vec<_>>()
            });
            let all = notices.len();
            notices.sort();
            notices.dedup();
            prop_assert_eq!(notices.len(), all, "told twice");
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn who_may_have_been_asked_to_be_kept_up_is_not_announced() {
    let fixture = Fixture::open().await;
    fixture.world.ecs(|ecs| {
        let tags = &mut ecs.services.get_mut("dev/web").unwrap().tags;
        tags.insert("deploy-hooks:keep-up-until".into(), "tomorrow".into());
    });
    fixture.tick().await;
    let mail = fixture.mail("lead@example.com");
    assert!(
        mail.contains("dev/api") && !mail.contains("dev/web"),
        "{mail}"
    );
}

#[tokio::test]
async fn a_group_of_any_size_is_announced() {
    let fixture = Fixture::open().await;
    for number in 0..1_700 {
        fixture.add(&format!("dev/{number:0>250}"), Svc::new(1));
    }
    fixture.tick().await;
    assert!(
        !fixture.addressees().is_empty(),
        "an item of the table holds 390 KiB"
    );
    let offers = fixture.items("offer#");
    assert!(offers.len() > 1, "{}", offers.len());
}
