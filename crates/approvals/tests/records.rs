//! The records: cases are found again, deliveries are made once, the audit is in order.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::approvals as support;

use approvals::records::{ApprovalAudit, CaseCreation};
use common::state::ReplaceOutcome;
use futures::future::join_all;
use jiff::SignedDuration;
use ledger::{AuditKind, AuditRecord, Claim, DeliveryState, LEASE};
use serde_json::json;
use support::{CallFault, EXECUTION, Fixture, START, case};

const ONE: &str = "approvals: 1, starter_may_approve: true";

#[tokio::test]
async fn a_case_is_opened_once_and_found_by_its_execution() {
    let fixture = Fixture::open(ONE).await;
    let records = fixture.records();
    let mut again = case();
    again.comment = Some("told differently".into());
    let opened = records.open_case(&again).await.unwrap();
    assert_eq!(
        opened,
        CaseCreation::Exists(Box::new(case())),
        "what was written first counts"
    );
    let ids = records.cases_of_execution("shop", EXECUTION).await.unwrap();
    assert_eq!(ids, [case().id]);
    assert!(
        records
            .cases_of_execution("shop", "another")
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(records.case(&case().id).await.unwrap(), Some(case()));
}

#[tokio::test]
async fn records_end_after_their_time() {
    let fixture = Fixture::open(ONE).await;
    let entry: ApprovalAudit =
        AuditRecord::new(AuditKind::Told, case().id, fixture.hands.now(), "told");
    let records = fixture
        .records()
        .with_audit_retention(SignedDuration::from_hours(48));
    records.ledger.audit(&entry).await.unwrap();
    let items: Vec<serde_json::Value> = serde_json::from_str(&fixture.world.items()).unwrap();
    for item in items {
        let (pk, sk) = (
            item["pk"]["S"].as_str().unwrap(),
            item["sk"]["S"].as_str().unwrap(),
        );
        let days = match (pk.starts_with("execution#"), sk.starts_with("audit#")) {
            // By it the audit is found: as long as an audit is kept by default.
            (true, _) => 400,
            (_, true) => 2,
            _ => 90,
        };
        let ends = (START + days * 86_400).to_string();
        assert_eq!(item["expires_at"]["N"], ends, "{}", item["sk"]);
    }
}

fn claim_guard(claim: Claim) -> ledger::ClaimGuard {
    match claim {
        Claim::Granted(yours) => yours,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_delivery_is_claimed_by_one_of_many() {
    let fixture = Fixture::open(ONE).await;
    let records = fixture.records();
    let id = case().id;
    let claims = join_all((0..20).map(|_| records.ledger.claim_delivery(&id, "ask", "room"))).await;
    let granted = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Granted(_))));
    assert_eq!(granted.count(), 1);
    // Another channel or occasion is another delivery.
    let _mail = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "ask", "mail")
            .await
            .unwrap(),
    );
    let _later = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "reminder-1", "room")
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn what_was_delivered_is_not_delivered_again_and_is_found() {
    let fixture = Fixture::open(ONE).await;
    let records = fixture.records();
    let id = case().id;
    let claim = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "ask", "room")
            .await
            .unwrap(),
    );
    assert_eq!(claim.tries(), 1);
    let message = json!({"channel": "C0123456789", "ts": "1772445600.000100"});
    assert_eq!(
        records
            .ledger
            .delivered(claim, Some(message.clone()))
            .await
            .unwrap(),
        ReplaceOutcome::Yes
    );
    fixture.hands.pass(LEASE.as_secs() * 10);
    let claim = records
        .ledger
        .claim_delivery(&id, "ask", "room")
        .await
        .unwrap();
    let Claim::AlreadySent(sent) = claim else {
        panic!("{claim:?}")
    };
    assert_eq!(sent.message_ref, Some(message));
    assert_eq!(
        records.ledger.delivery(&id, "ask", "room").await.unwrap(),
        Some(sent)
    );
    assert_eq!(
        records.ledger.delivery(&id, "ask", "mail").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_lease_that_is_over_is_taken_over_and_its_late_owner_changes_nothing() {
    let fixture = Fixture::open(ONE).await;
    let records = fixture.records();
    let id = case().id;
    let first = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "ask", "room")
            .await
            .unwrap(),
    );
    fixture.hands.pass(LEASE.as_secs() - 1);
    let busy = records
        .ledger
        .claim_delivery(&id, "ask", "room")
        .await
        .unwrap();
    assert!(matches!(busy, Claim::Busy { .. }), "{busy:?}");
    fixture.hands.pass(1);
    let second = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "ask", "room")
            .await
            .unwrap(),
    );
    assert_eq!(second.tries(), 2);
    assert_eq!(
        records
            .ledger
            .delivery_failed(first, "too late")
            .await
            .unwrap(),
        ReplaceOutcome::Lost
    );
    assert_eq!(
        records.ledger.delivered(second, None).await.unwrap(),
        ReplaceOutcome::Yes
    );
    let delivery = records
        .ledger
        .delivery(&id, "ask", "room")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((delivery.state, delivery.tries), (DeliveryState::Sent, 2));
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_still_its_owners() {
    let mut fixture = Fixture::open(ONE).await;
    fixture.aws = fixture.world.aws_with_tries(2);
    let records = fixture.records();
    let id = case().id;
    fixture.world.at(0, CallFault::Lose);
    let first = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "ask", "room")
            .await
            .unwrap(),
    );
    assert_eq!(first.tries(), 1);
    fixture.hands.pass(LEASE.as_secs());
    // The claim is there and is refused; then it is taken over, unheard.
    fixture.world.at(1, CallFault::Lose);
    let second = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "ask", "room")
            .await
            .unwrap(),
    );
    assert_eq!(second.tries(), 2);
    assert_eq!(
        records.ledger.delivered(first, None).await.unwrap(),
        ReplaceOutcome::Lost
    );
    assert_eq!(
        records.ledger.delivered(second, None).await.unwrap(),
        ReplaceOutcome::Yes
    );
}

#[tokio::test]
async fn a_failed_delivery_may_be_tried_again_at_once() {
    let fixture = Fixture::open(ONE).await;
    let records = fixture.records();
    let id = case().id;
    let claim = claim_guard(
        records
            .ledger
            .claim_delivery(&id, "ask", "room")
            .await
            .unwrap(),
    );
    records
        .ledger
        .delivery_failed(claim, &"é".repeat(400))
        .await
        .unwrap();
    let delivery = records
        .ledger
        .delivery(&id, "ask", "room")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert!(delivery.why.unwrap().len() <= 500);
    assert_eq!(
        claim_guard(
            records
                .ledger
                .claim_delivery(&id, "ask", "room")
                .await
                .unwrap()
        )
        .tries(),
        2
    );
}

#[tokio::test]
async fn the_audit_is_in_the_order_of_time() {
    let fixture = Fixture::open(ONE).await;
    let records = fixture.records();
    for n in 0..12 {
        let now = fixture.hands.now() + SignedDuration::from_millis(n * 100);
        let entry: ApprovalAudit =
            AuditRecord::new(AuditKind::Click, case().id, now, n.to_string());
        records.ledger.audit(&entry).await.unwrap();
    }
    let results: Vec<String> = records
        .audits(&case().id)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.result)
        .collect();
    let expected: Vec<String> = (0..12).map(|n: i64| n.to_string()).collect();
    assert_eq!(results, expected);
}

#[tokio::test]
async fn a_first_time_is_one_and_survives_a_lost_answer() {
    let fixture = Fixture::open(ONE).await;
    let records = fixture.records();
    let hour = SignedDuration::from_hours(1);
    assert!(
        records
            .ledger
            .first_time("slack-x", "request-1", hour)
            .await
            .unwrap()
    );
    assert!(
        records
            .ledger
            .first_time("slack-x", "request-1", hour)
            .await
            .unwrap(),
        "its own second try"
    );
    assert!(
        !records
            .ledger
            .first_time("slack-x", "request-2", hour)
            .await
            .unwrap()
    );
    fixture.world.at(0, CallFault::Fail(500, "InternalFailure"));
    assert!(
        records
            .ledger
            .first_time("slack-y", "request-1", hour)
            .await
            .is_err()
    );
}
