//! Other accounts and regions: only those that are allowed, only by a role that is there.

use env_scheduler::HandleError;
use serde_json::{Value, json};

use crate::fixture::{Fixture, NIGHT};
use crate::support::{ACCOUNT, REGION, Svc, block_on};

/// The world's services are in `ACCOUNT`; this is where the function runs.
const HOME: &str = "999900001111";
const ROLE: &str = "arn:aws:iam::111122223333:role/worker";

async fn away(accounts: &str) -> Fixture {
    let config = format!(
        "version: 1\naccounts: [{accounts}]\nzone: UTC\nschedules: {{ office: 'Mon-Fri 09:00-22:00' }}\n\
         default_schedule: office\n"
    );
    let fixture = Fixture::with(&[
        ("ENVIRONMENTS_CONFIG", "s3://config/environments.yaml"),
        ("ENVIRONMENTS_EXTERNAL_ID", "shop-7"),
    ])
    .in_account(HOME);
    fixture.add("dev/web", Svc::new(2));
    fixture.beside(|beside| {
        beside.objects.insert("environments.yaml".into(), config);
        beside.roles.insert(ROLE.into(), ACCOUNT.into());
    });
    fixture.until(NIGHT).await;
    fixture
}

fn target(role_arn: &str) -> Value {
    json!({"action": "down", "at": NIGHT, "account": ACCOUNT, "region": REGION, "role_arn": role_arn})
}

async fn refused(fixture: &Fixture, event: Value) -> String {
    let error = fixture.invoke(event).await.unwrap_err();
    assert!(matches!(error, HandleError::CrossAccount(_)), "{error}");
    assert_eq!(fixture.desired("dev/web"), 2);
    assert_eq!(
        fixture.beside(|beside| beside.signed.len()),
        0,
        "ECS was not even asked"
    );
    error.to_string()
}

#[test]
fn an_allowed_account_is_worked_in_as_its_role() {
    block_on(async {
        let fixture = away("'111122223333'").await;
        let answer = fixture.invoke(target(ROLE)).await.unwrap();
        assert_eq!(
            (&answer["account"], &answer["done"]["stopped"]),
            (&json!(ACCOUNT), &json!(1))
        );
        assert_eq!(fixture.desired("dev/web"), 0);
        fixture.beside(|beside| {
            assert!(
                beside.signed.iter().all(|by| by == "THERE eu-central-1"),
                "{:?}",
                beside.signed
            );
            let asked = &beside.assumed[0];
            assert_eq!(asked["RoleSessionName"], "env-scheduler-run-1");
            assert_eq!(asked["ExternalId"], "shop-7");
        });
        // The record lies in the function's own account, under the service's own ARN.
        let memories = fixture.world.with(|state| state.tables.memories());
        assert_eq!(memories.len(), 1);
    });
}

#[test]
fn an_account_that_is_not_allowed_is_not_touched() {
    block_on(async {
        let fixture = away("'999900001111'").await;
        insta::assert_snapshot!(refused(&fixture, target(ROLE)).await, @"nothing was touched: the account 111122223333 is not allowed; write it under `accounts` in the configuration (now: 999900001111), or take it off the targets");
        assert_eq!(
            fixture.beside(|beside| beside.assumed.len()),
            0,
            "nor is its role taken"
        );
        // Without a configuration only the function's own account is allowed.
        let bare = Fixture::new().in_account(HOME);
        bare.add("dev/web", Svc::new(2));
        refused(&bare, target(ROLE)).await;
    });
}

#[test]
fn a_role_of_another_account_is_refused() {
    block_on(async {
        let fixture = away("'111122223333', '999900001111'").await;
        let problem = refused(&fixture, target("arn:aws:iam::999900001111:role/worker")).await;
        insta::assert_snapshot!(problem, @"nothing was touched: the role arn:aws:iam::999900001111:role/worker is not in the account 111122223333; one of the two is wrong in the event");
        assert_eq!(fixture.beside(|beside| beside.assumed.len()), 0);
        // And one that turns out to be elsewhere only when it is taken.
        fixture.beside(|beside| beside.roles.insert(ROLE.into(), HOME.into()));
        let problem = refused(&fixture, target(ROLE)).await;
        assert!(
            problem.contains("AWS gave a role of another account"),
            "{problem}"
        );
    });
}

#[test]
fn a_role_that_can_not_be_taken_is_told_with_its_remedy() {
    block_on(async {
        let fixture = away("'111122223333'").await;
        fixture.beside(|beside| beside.roles.clear());
        insta::assert_snapshot!(refused(&fixture, target(ROLE)).await, @"nothing was touched: the role arn:aws:iam::111122223333:role/worker could not be taken: AccessDenied: not authorized to perform: sts:AssumeRole; it must trust the function's role (and its external id, if there is one), and the function's role needs sts:AssumeRole on it");
    });
}

#[test]
fn another_region_must_be_allowed_too() {
    block_on(async {
        let fixture = Fixture::new();
        fixture.add("dev/web", Svc::new(2));
        fixture.until(NIGHT).await;
        let event = json!({"action": "down", "region": "us-east-1"});
        insta::assert_snapshot!(refused(&fixture, event).await, @"nothing was touched: the region us-east-1 is not allowed; write it under `regions` in the configuration (now: eu-central-1), or take it off the targets");
    });
}

#[test]
fn in_another_region_of_its_own_account_the_function_is_itself() {
    block_on(async {
        let fixture = Fixture::with(&[("ENVIRONMENTS_CONFIG", "s3://config/environments.yaml")]);
        let config = "version: 1\naccounts: ['111122223333']\nregions: [eu-west-1]\nzone: UTC\n";
        fixture.beside(|beside| {
            beside
                .objects
                .insert("environments.yaml".into(), config.into())
        });
        fixture.add("dev/web", Svc::plain(2));
        let event = json!({"action": "tick", "region": "eu-west-1"});
        let answer = fixture.invoke(event).await.unwrap();
        assert_eq!(answer["region"], "eu-west-1");
        fixture.beside(|beside| {
            assert!(
                beside.signed.iter().all(|by| by == "OWN eu-west-1"),
                "{:?}",
                beside.signed
            );
        });
    });
}
