//! Notices: once for each sleep, to each reader, never late.

use futures::future::join_all;
use proptest::prelude::*;
use serde_json::json;

use crate::house::{CONFIG, Call, EVENING, House, NIGHT, TOPIC};
use crate::support::Svc;

const BOTH: [&str; 2] = ["lead@example.com", "other@example.com"];

#[tokio::test]
async fn a_sleep_is_told_once_however_many_ticks_there_are() {
    let house = House::with(CONFIG, &[("ENVIRONMENTS_TOPIC", TOPIC)]).await;
    house.tick_at("2026-11-23T21:44:59Z").await;
    assert!(house.addressees().is_empty(), "it is too early");
    for at in [
        "2026-11-23T21:45:00Z",
        "2026-11-23T21:50:00Z",
        "2026-11-23T21:59:59Z",
    ] {
        house.tick_at(at).await;
    }
    assert_eq!(house.addressees(), BOTH);
    assert_eq!(house.beside(|beside| beside.published.len()), 1);
}

#[tokio::test]
async fn of_many_invocations_at_once_one_tells() {
    let house = House::open().await;
    let events = (0..8).map(|n| {
        let action = if n % 2 == 0 { "tick" } else { "notice" };
        house.invoke(json!({"action": action}))
    });
    for answer in join_all(events).await {
        assert_eq!(answer.unwrap()["problems"], json!([]));
    }
    assert_eq!(house.addressees(), BOTH);
}

#[tokio::test]
async fn nobody_is_told_late_or_of_what_does_not_sleep() {
    let late = House::open().await;
    late.tick_at(NIGHT).await;
    assert!(late.addressees().is_empty());
    let dry = House::with(CONFIG, &[("ENVIRONMENTS_DRY_RUN", "true")]).await;
    dry.tick().await;
    assert!(dry.addressees().is_empty(), "nothing sleeps in a dry run");
    let part = House::open().await;
    part.invoke(json!({"action": "tick", "only": "dev/web"}))
        .await
        .unwrap();
    assert!(part.addressees().is_empty(), "a part would hide the rest");
    let silent = House::with(&CONFIG.replace("notice: leads, ", ""), &[]).await;
    silent.tick().await;
    assert!(silent.addressees().is_empty());
}

#[tokio::test]
async fn the_clock_of_a_notice_is_the_runs() {
    let house = House::open().await;
    house.set_clock("2026-11-20T12:00:00Z");
    let event = json!({"action": "tick", "at": EVENING});
    house.invoke(event).await.unwrap();
    assert_eq!(house.addressees(), BOTH, "a virtual clock is ahead");
}

#[tokio::test]
async fn what_somebody_has_put_off_is_not_told_again() {
    let house = House::open().await;
    house.add("dev/batch", Svc::new(2));
    let request = environments::overrides::Request {
        id: "1".into(),
        ask: environments::overrides::Ask::Snooze,
        services: "dev/web dev/api".into(),
        until: "2026-11-23T22:05:00Z".parse().unwrap(),
        by: "lead".into(),
        at: EVENING.parse().unwrap(),
        place: None,
    };
    let settings = house.function.settings.as_ref().unwrap();
    let records = house.function.record_store(settings);
    records.request(&request).await.unwrap();
    house.tick().await;
    let mail = house.mail("lead@example.com");
    assert!(
        mail.contains("dev/batch") && !mail.contains("dev/web"),
        "{mail}"
    );
    house.tick_at("2026-11-23T21:59:00Z").await;
    assert_eq!(house.addressees(), BOTH, "nor when the snooze ends soon");
}

#[tokio::test]
async fn each_schedule_and_each_evening_is_told_of_its_own() {
    let house = House::open().await;
    let early = Svc::new(2).tagged("deploy-hooks:schedule", "Mon-Fri 09:00-21:55");
    house.add("dev/early", early);
    house.tick().await;
    assert_eq!(house.addressees().len(), 4, "two schedules, two readers");
    house.tick_at("2026-11-24T21:45:00Z").await;
    assert_eq!(house.addressees().len(), 8, "and the next evening again");
}

#[tokio::test]
async fn what_an_earlier_look_has_missed_is_told_once_and_alone() {
    const HOUR: &str = "1 hour more, until 23:00:";
    let house = House::open().await;
    house.tick().await;
    house.add("dev/late", Svc::new(2));
    for at in ["2026-11-23T21:50:00Z", "2026-11-23T21:51:00Z"] {
        house.tick_at(at).await;
        assert_eq!(house.addressees().len(), 4, "{at}");
    }
    let mail = house.mail("lead@example.com");
    assert!(
        mail.contains("1 service will sleep") && !mail.contains("dev/web"),
        "{mail}"
    );
    let path = house.link("lead@example.com", HOUR);
    house.add("dev/later", Svc::new(1));
    for at in ["2026-11-23T21:55:00Z", "2026-11-23T21:56:00Z"] {
        house.tick_at(at).await;
        assert_eq!(house.addressees().len(), 6, "{at}");
    }
    let mail = house.mail("lead@example.com");
    assert!(
        mail.contains("dev/later") && !mail.contains("dev/late:"),
        "{mail}"
    );
    let page = house.call(&Call::new("GET", &path)).await;
    house.call(&page.send(&path, "")).await;
    house.tick_at(NIGHT).await;
    let places = ["dev/web", "dev/late", "dev/later"];
    assert_eq!(places.map(|place| house.desired(place)), [0, 2, 0]);
}

#[tokio::test]
async fn a_mail_that_was_refused_is_sent_at_the_next_tick() {
    let house = House::open().await;
    house.beside(|beside| beside.refuse_mails = 1);
    let answer = house.tick().await;
    let problems = answer["problems"].to_string();
    assert!(problems.contains("SES did not take the mail"), "{problems}");
    assert_eq!(house.addressees().len(), 1);
    house.tick_at("2026-11-23T21:50:00Z").await;
    assert_eq!(house.addressees(), BOTH);
}

#[tokio::test]
async fn without_keys_there_are_no_links_and_the_notice_is_told() {
    let house = House::open().await;
    house.beside(|beside| beside.secrets.insert("keys".into(), String::new()));
    let answer = house.tick().await;
    assert!(
        answer["problems"]
            .to_string()
            .contains("signing key has 0 characters")
    );
    let mail = house.mail("lead@example.com");
    assert!(!mail.contains("https://env.example.com"), "{mail}");
}

#[tokio::test]
async fn without_a_url_there_are_no_links_and_that_is_no_problem() {
    let house = House::with(CONFIG, &[("ENVIRONMENTS_URL", "")]).await;
    for at in [EVENING, "2026-11-24T21:45:00Z"] {
        let answer = house.tick_at(at).await;
        assert_eq!(answer["problems"], json!([]));
    }
    assert_eq!(house.addressees().len(), 4, "two evenings, two readers");
    let mail = house.mail("lead@example.com");
    assert!(!mail.contains("http"), "{mail}");
    assert_eq!(house.beside(|beside| beside.asked_url), 1, "asked once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_when_each_reader_is_told_once_and_in_time(
        minutes in prop::collection::vec((0_i64..40, 1_usize..5, 0_usize..3), 1..8)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let house = House::open().await;
            let mut minutes = minutes;
            minutes.sort_unstable();
            let night: jiff::Timestamp = NIGHT.parse().unwrap();
            for (minute, at_once, refused) in minutes {
                let at = night - jiff::SignedDuration::from_mins(20 - minute);
                house.set_clock(&at.to_string());
                house.beside(|beside| beside.refuse_mails = refused);
                let before = house.addressees();
                let runs = (0..at_once).map(|_| house.invoke(json!({"action": "tick"})));
                join_all(runs).await;
                if at >= night {
                    let told = house.beside(|beside| {
                        let late = beside.mails.iter().skip(before.len());
                        late.filter(|(_, mail)| mail.to_string().contains("will sleep")).count()
                    });
                    prop_assert_eq!(told, 0, "told late");
                }
            }
            let mut notices = house.beside(|beside| {
                let all = beside.mails.iter();
                let told = all.filter(|(_, mail)| mail.to_string().contains("will sleep"));
                told.map(|(to, _)| to.clone()).collect::<Vec<_>>()
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
    let house = House::open().await;
    house.world.ecs(|ecs| {
        let tags = &mut ecs.services.get_mut("dev/web").unwrap().tags;
        tags.insert("deploy-hooks:keep-up-until".into(), "tomorrow".into());
    });
    house.tick().await;
    let mail = house.mail("lead@example.com");
    assert!(
        mail.contains("dev/api") && !mail.contains("dev/web"),
        "{mail}"
    );
}

#[tokio::test]
async fn a_group_of_any_size_is_announced() {
    let house = House::open().await;
    for number in 0..1_700 {
        house.add(&format!("dev/{number:0>250}"), Svc::new(1));
    }
    house.tick().await;
    assert!(
        !house.addressees().is_empty(),
        "an item of the table holds 390 KiB"
    );
    let offers = house.items("offer#");
    assert!(offers.len() > 1, "{}", offers.len());
}
