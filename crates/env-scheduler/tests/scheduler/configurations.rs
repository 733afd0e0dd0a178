//! A configuration that people wrote, right and wrong.

use env_scheduler::HandleError;
use serde_json::json;

use crate::fixture::{Fixture, NIGHT};
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

async fn written(text: &str) -> Fixture {
    let fixture = Fixture::with(&[("ENVIRONMENTS_CONFIG", "s3://config/env/environments.yaml")]);
    fixture.add("dev/web", Svc::new(2));
    fixture.add("dev/never-this", Svc::new(2));
    fixture.beside(|beside| {
        beside
            .objects
            .insert("env/environments.yaml".into(), text.into())
    });
    fixture.until(NIGHT).await;
    fixture
}

fn write(fixture: &Fixture, text: &str) {
    fixture.beside(|beside| {
        beside
            .objects
            .insert("env/environments.yaml".into(), text.into())
    });
}

#[test]
fn it_is_read_and_kept_for_a_minute() {
    block_on(async {
        let fixture = written(GOOD).await;
        fixture.night().await;
        assert_eq!(
            (
                fixture.desired("dev/web"),
                fixture.desired("dev/never-this")
            ),
            (0, 2)
        );
        fixture.night().await;
        assert_eq!(fixture.beside(|beside| beside.read), 1);
        write(&fixture, &GOOD.replace("*/never-*", "*"));
        fixture.add("dev/new", Svc::new(1));
        fixture.until("2026-11-23T22:02:00Z").await;
        fixture.night().await;
        assert_eq!(fixture.beside(|beside| beside.read), 2);
        assert_eq!(fixture.desired("dev/new"), 1, "it is denied now");
    });
}

#[test]
fn with_a_broken_one_nothing_is_touched() {
    block_on(async {
        let fixture = written(BAD).await;
        let event = json!({"action": "down", "at": NIGHT});
        let error = fixture.invoke(event.clone()).await.unwrap_err();
        assert!(matches!(error, HandleError::Configuration(_)));
        insta::assert_snapshot!(error, @r#"
        nothing was touched: s3://config/env/environments.yaml:3:7: zone: the default time zone can't be used: unknown time zone "Europe/Berlinn"; did you mean Europe/Berlin?
        s3://config/env/environments.yaml:4:1: unknown key "shedules"; did you mean "schedules"?
        s3://config/env/environments.yaml:6:8: deny: "a b" can't match any name; write a service's name or cluster/service: letters, digits, -, _ and ., with * for any text and ? for one character
        "#);
        let touched = fixture.beside(|beside| beside.signed.len());
        assert_eq!(touched, 0, "ECS was not even asked");
        // Once it is repaired, the same event, tried again, does what it should.
        write(&fixture, GOOD);
        fixture.invoke(event).await.unwrap();
        assert_eq!(fixture.desired("dev/web"), 0);
    });
}

#[test]
fn a_good_one_that_is_broken_later_does_not_go_on_being_used() {
    block_on(async {
        let fixture = written(GOOD).await;
        fixture.night().await;
        write(&fixture, BAD);
        fixture.add("dev/new", Svc::new(1));
        fixture.until("2026-11-23T22:05:00Z").await;
        let error = fixture.invoke(json!({"action": "tick"})).await.unwrap_err();
        assert!(matches!(error, HandleError::Configuration(_)));
        assert_eq!(fixture.desired("dev/new"), 1);
    });
}

#[test]
fn a_missing_one_is_no_empty_one() {
    block_on(async {
        let fixture = written(GOOD).await;
        fixture.beside(|beside| beside.objects.clear());
        let error = fixture.invoke(json!({"action": "down"})).await.unwrap_err();
        insta::assert_snapshot!(error, @"nothing was touched: the configuration s3://config/env/environments.yaml could not be read: NoSuchKey; upload the configuration to this key, or change ENVIRONMENTS_CONFIG");
    });
}

#[test]
fn its_warnings_are_in_the_answer() {
    block_on(async {
        let never =
            "schedules:\n  night: { syntax: py-kube-downscaler, text: 'Mon-Fri 20:00-06:00 CET' }";
        let fixture = written(&GOOD.replace("schedules:", never)).await;
        let answer = fixture.night().await;
        let problem = answer["problems"][0].as_str().unwrap();
        assert!(
            problem.starts_with("configuration:5:") && problem.contains("it is never on"),
            "{problem}"
        );
        assert_eq!(answer["done"]["stopped"], 1);
    });
}
