//! A configuration that people wrote, right and wrong.

use env_scheduler::HandleError;
use serde_json::json;

use crate::house::{House, NIGHT};
use crate::support::{Svc, block_on};

const GOOD: &str = "version: 1
accounts: ['111122223333']
zone: UTC
schedules:
  office: Mon-Fri 09:00-22:00
default_schedule: office
deny: ['*/never-*']
";

const BAD: &str = "version: 1
accounts: ['111122223333']
zone: Europe/Berlinn
shedules:
  office: Mon-Fri 09:00-22:00
deny: ['a b']
";

async fn written(text: &str) -> House {
    let house = House::with(&[("ENVIRONMENTS_CONFIG", "s3://config/env/environments.yaml")]);
    house.add("dev/web", Svc::new(2));
    house.add("dev/never-this", Svc::new(2));
    house.beside(|beside| {
        beside
            .objects
            .insert("env/environments.yaml".into(), text.into())
    });
    house.until(NIGHT).await;
    house
}

fn write(house: &House, text: &str) {
    house.beside(|beside| {
        beside
            .objects
            .insert("env/environments.yaml".into(), text.into())
    });
}

#[test]
fn it_is_read_and_kept_for_a_minute() {
    block_on(async {
        let house = written(GOOD).await;
        house.night().await;
        assert_eq!(
            (house.desired("dev/web"), house.desired("dev/never-this")),
            (0, 2)
        );
        house.night().await;
        assert_eq!(house.beside(|beside| beside.read), 1);
        write(&house, &GOOD.replace("*/never-*", "*"));
        house.add("dev/new", Svc::new(1));
        house.until("2026-11-23T22:02:00Z").await;
        house.night().await;
        assert_eq!(house.beside(|beside| beside.read), 2);
        assert_eq!(house.desired("dev/new"), 1, "it is denied now");
    });
}

#[test]
fn with_a_broken_one_nothing_is_touched() {
    block_on(async {
        let house = written(BAD).await;
        let event = json!({"action": "down", "at": NIGHT});
        let error = house.invoke(event.clone()).await.unwrap_err();
        assert!(matches!(error, HandleError::Configuration(_)));
        insta::assert_snapshot!(error, @r#"
        nothing was touched: s3://config/env/environments.yaml:3:7: zone: the default time zone can't be used: unknown time zone "Europe/Berlinn"; did you mean Europe/Berlin?
        s3://config/env/environments.yaml:4:1: unknown key "shedules"; did you mean "schedules"?
        s3://config/env/environments.yaml:6:8: deny: "a b" can't match any name; write a service's name or cluster/service: letters, digits, -, _ and ., with * for any text and ? for one character
        "#);
        let touched = house.beside(|beside| beside.signed.len());
        assert_eq!(touched, 0, "ECS was not even asked");
        // Once it is repaired, the same event, tried again, does what it should.
        write(&house, GOOD);
        house.invoke(event).await.unwrap();
        assert_eq!(house.desired("dev/web"), 0);
    });
}

#[test]
fn a_good_one_that_is_broken_later_does_not_go_on_being_used() {
    block_on(async {
        let house = written(GOOD).await;
        house.night().await;
        write(&house, BAD);
        house.add("dev/new", Svc::new(1));
        house.until("2026-11-23T22:05:00Z").await;
        let error = house.invoke(json!({"action": "tick"})).await.unwrap_err();
        assert!(matches!(error, HandleError::Configuration(_)));
        assert_eq!(house.desired("dev/new"), 1);
    });
}

#[test]
fn a_missing_one_is_no_empty_one() {
    block_on(async {
        let house = written(GOOD).await;
        house.beside(|beside| beside.objects.clear());
        let error = house.invoke(json!({"action": "down"})).await.unwrap_err();
        insta::assert_snapshot!(error, @"nothing was touched: the configuration s3://config/env/environments.yaml could not be read: NoSuchKey; upload the configuration to this key, or change ENVIRONMENTS_CONFIG");
    });
}

#[test]
fn its_warnings_are_in_the_answer() {
    block_on(async {
        let never =
            "schedules:\n  night: { syntax: py-kube-downscaler, text: 'Mon-Fri 20:00-06:00 CET' }";
        let house = written(&GOOD.replace("schedules:", never)).await;
        let answer = house.night().await;
        let told = answer["problems"][0].as_str().unwrap();
        assert!(
            told.starts_with("configuration:5:") && told.contains("it is never on"),
            "{told}"
        );
        assert_eq!(answer["done"]["stopped"], 1);
    });
}
