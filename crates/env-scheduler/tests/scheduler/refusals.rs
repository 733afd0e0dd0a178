//! What goes wrong, and what goes on all the same.

use env_scheduler::HandleError;
use serde_json::{Value, json};

use crate::fixture::{Fixture, NIGHT};
use crate::support::{CallFault, Svc, block_on};

#[test]
fn one_cluster_that_can_not_be_read_does_not_stop_the_rest() {
    block_on(async {
        let fixture = Fixture::new();
        for place in ["a/web", "broken/web", "c/web"] {
            fixture.add(place, Svc::new(2));
        }
        fixture.beside(|beside| beside.broken_cluster = Some("broken"));
        fixture.until(NIGHT).await;
        let answer = fixture.night().await;
        assert_eq!(answer["done"]["stopped"], 2);
        assert_eq!(
            ["a/web", "broken/web", "c/web"].map(|place| fixture.desired(place)),
            [0, 2, 0]
        );
        insta::assert_snapshot!(answer["summary"].as_str().unwrap(), @r"
        Stopped 2 services, woke 0 services.
        Not read: cluster broken: ListServices in broken failed: AccessDeniedException: not authorized; the function's role needs ecs:ListServices
        ");
        assert_eq!(fixture.metrics()[0]["Failed"], 1);
        fixture.beside(|beside| beside.broken_cluster = None);
        fixture.night().await;
        assert_eq!(fixture.desired("broken/web"), 0);
    });
}

#[test]
fn one_service_that_fails_does_not_stop_the_rest() {
    block_on(async {
        let fixture = Fixture::new();
        (0..6).for_each(|n| fixture.add(&format!("dev/web-{n}"), Svc::new(1)));
        fixture.until(NIGHT).await;
        let mut updates = 0;
        fixture.world.fates(move |_, operation| {
            updates += usize::from(operation == "UpdateService");
            let hit = operation == "UpdateService" && updates == 3;
            hit.then_some(CallFault::Fail(400, "AccessDeniedException"))
        });
        let answer = fixture.night().await;
        assert_eq!(
            (&answer["done"]["stopped"], &answer["done"]["failed"]),
            (&json!(5), &json!(1))
        );
        assert!(
            answer["summary"]
                .as_str()
                .unwrap()
                .contains("What to do: give the role ecs:UpdateService")
        );
        assert_eq!(fixture.metrics()[0]["Failed"], 1);
    });
}

#[test]
fn an_invocation_fails_where_nothing_can_be_read() {
    block_on(async {
        for operation in ["ListClusters", "Query"] {
            let fixture = Fixture::new();
            fixture.add("dev/web", Svc::new(2));
            fixture.until(NIGHT).await;
            fixture.world.fates(move |_, called| {
                (called == operation).then_some(CallFault::Fail(400, "AccessDeniedException"))
            });
            let error = fixture.invoke(json!({"action": "down"})).await.unwrap_err();
            assert!(matches!(error, HandleError::NothingRead(_)), "{error}");
            assert!(
                error
                    .to_string()
                    .starts_with("nothing could be read, and nothing was touched: ")
            );
            assert_eq!(fixture.desired("dev/web"), 2);
        }
    });
}

#[test]
fn an_account_without_services_is_no_failure() {
    block_on(async {
        let fixture = Fixture::new();
        let answer = fixture.invoke(json!({"action": "tick"})).await.unwrap();
        assert_eq!(answer["totals"]["services"], 0);
        assert_eq!(answer["problems"], json!([]));
    });
}

#[test]
fn an_event_that_is_not_understood_does_nothing() {
    block_on(async {
        let fixture = Fixture::new();
        let error = fixture
            .invoke(json!({"action": "sleep"}))
            .await
            .unwrap_err();
        insta::assert_snapshot!(error, @r#"the event can't be used, and nothing was done: action is "sleep", which is unknown; actions are down, up, tick, notice, morning"#);
        let far = json!({"action": "down", "at": "2126-11-23T22:00:00Z"});
        let error = fixture.invoke(far).await.unwrap_err();
        insta::assert_snapshot!(error, @"the event can't be used, and nothing was done: at is more than a year ahead; send the instant at which the schedule was due");
        assert_eq!(fixture.world.calls(), [""; 0]);
    });
}

#[test]
fn a_clock_that_is_ahead_changes_nothing_in_a_real_aws() {
    block_on(async {
        let fixture = Fixture::with(&[("AWS_ENDPOINT_URL", "")]);
        fixture.add("dev/web", Svc::new(3));
        let error = fixture.invoke(json!({"action": "down", "at": NIGHT})).await;
        insta::assert_snapshot!(error.unwrap_err(), @r#"the event can't be used, and nothing was done: at is 2h ahead of the clock; send the instant at which the schedule was due, or "dry_run": true to see what would be done then"#);
        assert_eq!(fixture.world.calls(), [""; 0]);
        let dry = json!({"action": "down", "at": NIGHT, "dry_run": true});
        let answer = fixture.invoke(dry).await.unwrap();
        assert_eq!(
            (&answer["at"], &answer["totals"]["sleep"]),
            (&json!(NIGHT), &json!(1))
        );
        assert_eq!(fixture.desired("dev/web"), 3);
        let soon = fixture.world.now() + jiff::SignedDuration::from_secs(110);
        let answer = fixture
            .invoke(json!({"action": "tick", "at": soon}))
            .await
            .unwrap();
        assert_eq!(answer["dry_run"], false, "clocks differ a little");
    });
}

#[test]
fn wrong_settings_fail_each_event_with_all_problems() {
    block_on(async {
        let fixture = Fixture::with(&[
            ("STATE_TABLE", ""),
            ("KEYS_SECRET_ARN", ""),
            ("ENVIRONMENTS_ZONE", "Mars"),
        ]);
        let error = fixture.invoke(json!({"action": "down"})).await.unwrap_err();
        insta::assert_snapshot!(error, @r#"the function's settings can't be used: ENVIRONMENTS_ZONE is "Mars": the default time zone can't be used: unknown time zone "Mars"; write a name of the IANA database, such as Europe/Berlin; STATE_TABLE is not set; it gives the DynamoDB table of what services had before they slept; KEYS_SECRET_ARN is not set; it gives the secret that signs links"#);
        assert_eq!(fixture.world.calls(), [""; 0]);
    });
}

#[test]
fn a_request_of_the_url_is_never_taken_for_a_scheduled_event() {
    block_on(async {
        let fixture = Fixture::new();
        fixture.add("dev/web", Svc::new(2));
        fixture.until(NIGHT).await;
        let event: Value = json!({"action": "down", "version": "2.0", "rawPath": "/", "headers": {},
            "requestContext": {"http": {"method": "POST", "path": "/"}}, "body": "{\"action\":\"down\"}"});
        let answer = fixture.invoke(event).await.unwrap();
        assert!(answer["statusCode"].is_number(), "{answer}");
        assert_eq!(fixture.desired("dev/web"), 2);
    });
}

#[test]
fn a_service_that_looks_wrong_is_told() {
    block_on(async {
        let fixture = Fixture::new();
        let odd = Svc::new(2).tagged("deploy-hooks:keep-up-until", "tomorrow");
        fixture.add("dev/web", odd);
        fixture.until(NIGHT).await;
        let answer = fixture.night().await;
        insta::assert_json_snapshot!(answer["problems"], @r#"
        [
          "dev/web is skipped: the tag deploy-hooks:keep-up-until says \"tomorrow\", which is no instant; write it as 2026-11-21T23:30:00Z; it is left as it is until that is corrected"
        ]
        "#);
    });
}
