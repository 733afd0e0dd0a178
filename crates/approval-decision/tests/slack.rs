//! Buttons in Slack, from the request of the function URL to what the person is told.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;

use std::time::Duration;

use fixture::support::{Act, CallFault};
use fixture::{Fixture, Plan, Request, SLACK_SECRET, signature};
use serde_json::json;

#[tokio::test]
async fn a_click_is_acknowledged_handed_over_and_decided_once() {
    let fixture = Fixture::open().await;
    let request = fixture.slack(&fixture.payload(1, "approve"));
    let answer = fixture.call(&request).await;
    assert_eq!((answer.status(), answer.body()), (200, ""));
    assert!(
        fixture.taken().is_empty(),
        "nothing is decided before Slack has its answer"
    );
    assert_eq!(
        fixture.world.calls(),
        [
            "GetSecretValue",
            "PutItem",
            "GetSecretValue",
            "GetSecretValue",
            "Invoke"
        ]
    );
    fixture.run_handed_over().await;
    assert_eq!(fixture.taken().len(), 1);
    assert_eq!(
        fixture.taken()[0].2,
        "Approved by user1 (slack:T0001/U0001): as <discussed>"
    );
    insta::assert_snapshot!(fixture.last_answer(), @r"
    Approved
    Decided by user1 (slack:T0001/U0001). “as &lt;discussed&gt;”
    ");
}

#[tokio::test]
async fn what_is_handed_over_holds_no_more_than_is_needed() {
    let fixture = Fixture::open().await;
    fixture
        .call(&fixture.slack(&fixture.payload(1, "reject")))
        .await;
    let event = fixture.world.with(|state| state.invoked[0].clone());
    let mut keys: Vec<&String> = event["slack_click"].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "at",
            "case",
            "comment",
            "decision",
            "id",
            "name",
            "response_url",
            "team",
            "user"
        ]
    );
    assert!(
        !fixture.logs().contains(&fixture.response_url),
        "the address is as good as a password"
    );
}

#[tokio::test]
async fn the_same_event_again_decides_nothing_again() {
    let fixture = Fixture::open().await;
    fixture
        .call(&fixture.slack(&fixture.payload(1, "approve")))
        .await;
    let event = fixture.world.with(|state| state.invoked[0].clone());
    for _ in 0..3 {
        fixture.invoke(event.clone()).await.unwrap();
    }
    assert_eq!(fixture.taken().len(), 1);
    assert_eq!(fixture.answers.lock().unwrap().len(), 3);
    assert!(fixture.last_answer().starts_with("Approved"));
}

/// Every way of not coming from Slack.
fn forgeries(fixture: &Fixture) -> Vec<(&'static str, Request)> {
    let right = fixture.slack(&fixture.payload(1, "approve"));
    let body = "payload=%7B%7D";
    let now = fixture.hands.now().as_second();
    let at = |seconds: i64| {
        fixture
            .signed(body)
            .header("x-slack-request-timestamp", &seconds.to_string())
            .header("x-slack-signature", &signature(SLACK_SECRET, seconds, body))
    };
    let twice = format!("{0},{0}", right.header_value("x-slack-signature"));
    vec![
        ("no signature", right.clone().without("x-slack-signature")),
        (
            "no timestamp",
            right.clone().without("x-slack-request-timestamp"),
        ),
        (
            "an empty signature",
            right.clone().header("x-slack-signature", ""),
        ),
        (
            "a doubled signature",
            right.clone().header("x-slack-signature", &twice),
        ),
        (
            "another body",
            right.clone().body("payload=%7B%22type%22%3A1%7D"),
        ),
        (
            "another timestamp",
            right
                .clone()
                .header("x-slack-request-timestamp", &(now - 1).to_string()),
        ),
        (
            "a key of nothing",
            right
                .clone()
                .header("x-slack-signature", &signature("", now, body)),
        ),
        (
            "another key",
            fixture.signed(body).header(
                "x-slack-signature",
                &signature("another key of Slack", now, body),
            ),
        ),
        ("an old request", at(now - 301)),
        ("a request from the future", at(now + 301)),
        ("no body", right.body("")),
    ]
}

#[tokio::test]
async fn what_does_not_come_from_slack_is_refused_and_told_nothing() {
    let fixture = Fixture::open().await;
    let mut refused = Vec::new();
    for (what, request) in forgeries(&fixture) {
        let answer = fixture.call(&request).await;
        assert_eq!(answer.status(), 401, "{what}");
        refused.push(answer);
    }
    refused.dedup();
    assert_eq!(refused.len(), 1, "all are told the same");
    assert_eq!(refused[0].body(), "");
    assert!(!fixture.wrote());
    assert!(
        fixture.logs().contains("its signature is wrong"),
        "the operator knows why"
    );
}

#[tokio::test]
async fn a_signature_counts_once() {
    let fixture = Fixture::open().await;
    let request = fixture.slack(&fixture.payload(1, "approve"));
    assert_eq!(fixture.call(&request).await.status(), 200);
    let again = fixture.call(&request).await;
    assert_eq!((again.status(), again.body()), (401, ""));
    assert_eq!(fixture.world.with(|state| state.invoked.len()), 1);
}

#[tokio::test]
async fn a_body_in_base64_is_decoded_before_it_is_checked() {
    let fixture = Fixture::open().await;
    let request = fixture.slack(&fixture.payload(1, "approve"));
    assert_eq!(fixture.call(&request.in_base64()).await.status(), 200);
}

#[tokio::test]
async fn an_empty_or_short_signing_secret_lets_nobody_in() {
    for secret in ["", "  ", "short"] {
        let fixture = Fixture::with(Plan {
            slack_secret: secret,
            ..Plan::default()
        })
        .await;
        let body = "payload=%7B%7D";
        let now = fixture.hands.now().as_second();
        for key in ["", secret, secret.trim()] {
            let request = fixture
                .signed(body)
                .header("x-slack-signature", &signature(key, now, body));
            let answer = fixture.call(&request).await;
            assert_eq!((answer.status(), answer.body()), (503, ""), "{secret:?}");
        }
        assert!(fixture.logs().contains("slack"), "{}", fixture.logs());
        assert!(!fixture.wrote());
    }
}

#[tokio::test]
async fn without_slack_there_is_no_slack() {
    let fixture = Fixture::with(Plan {
        slack_setting: "",
        ..Plan::default()
    })
    .await;
    let request = fixture.slack(&fixture.payload(1, "approve"));
    assert_eq!(fixture.call(&request).await.status(), 404);
}

#[tokio::test]
async fn what_needs_no_answer_is_acknowledged() {
    let fixture = Fixture::open().await;
    assert_eq!(
        fixture
            .call(&fixture.signed("ssl_check=1&token=x"))
            .await
            .status(),
        200
    );
    assert_eq!(
        fixture
            .call(&fixture.slack(&fixture.payload(1, "view")))
            .await
            .status(),
        200
    );
    assert_eq!(
        fixture
            .call(&fixture.slack(&json!({"type": "view_submission"})))
            .await
            .status(),
        200
    );
    assert_eq!(
        fixture
            .call(&fixture.slack(&json!({"type": "block_actions"})))
            .await
            .status(),
        200
    );
    assert!(!fixture.wrote());
}

#[tokio::test]
async fn what_is_malformed_is_refused() {
    let fixture = Fixture::open().await;
    for body in [
        "",
        "payload=%7B",
        "x=1",
        "payload=[]",
        &format!("payload={}", "x".repeat(10_000)),
    ] {
        assert_eq!(
            fixture.call(&fixture.signed(body)).await.status(),
            400,
            "{body:.40}"
        );
    }
    let long = fixture.signed(&"x".repeat(300 * 1024));
    assert_eq!(fixture.call(&long).await.status(), 413);
    for method in ["GET", "HEAD", "PUT", "OPTIONS"] {
        let answer = fixture
            .call(&Request::new(method, "/slack/interactions"))
            .await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("POST"))
        );
    }
    assert!(!fixture.wrote());
}

#[tokio::test(start_paused = true)]
async fn a_click_that_can_not_be_taken_in_makes_slack_warn_in_time() {
    let fixture = Fixture::open().await;
    for (operation, fate) in [
        ("Invoke", CallFault::Fail(500, "ServiceException")),
        ("Invoke", CallFault::Fail(403, "AccessDeniedException")),
        ("Invoke", CallFault::Lose),
        ("PutItem", CallFault::Fail(400, "ThrottlingException")),
    ] {
        fixture.hands.pass(1);
        fixture
            .world
            .plan(move |_, call| (call == operation).then_some(fate));
        let request = fixture.slack(&fixture.payload(1, "approve"));
        let answer = fixture.call(&request).await;
        assert_eq!(
            (answer.status(), answer.body()),
            (503, ""),
            "{operation} {fate:?}"
        );
    }
    for operation in ["Invoke", "PutItem", "GetSecretValue"] {
        // The signing secret is read again by then.
        fixture.hands.pass(6 * 60);
        fixture
            .world
            .plan(move |_, call| (call == operation).then_some(CallFault::Hang));
        let request = fixture.slack(&fixture.payload(1, "approve"));
        let answer =
            tokio::time::timeout(Duration::from_millis(2500), fixture.call(&request)).await;
        assert_eq!(answer.expect(operation).status(), 503);
    }
}

#[tokio::test]
async fn an_event_that_waited_too_long_does_not_count() {
    let fixture = Fixture::open().await;
    fixture
        .call(&fixture.slack(&fixture.payload(1, "approve")))
        .await;
    fixture.hands.pass(16 * 60);
    fixture.run_handed_over().await;
    assert!(fixture.taken().is_empty());
    assert!(
        fixture.last_answer().contains("took too long"),
        "{}",
        fixture.last_answer()
    );
    fixture
        .records(async |records| {
            let audits = records.audits(&fixture.case.id).await.unwrap();
            assert_eq!(audits.len(), 1, "{audits:?}");
            assert!(audits[0].result.starts_with("refused: "));
            assert_eq!(audits[0].by[0].approver, "slack:T0001/U0001");
        })
        .await;
}

#[tokio::test]
async fn a_token_that_is_pasted_is_not_even_handed_over() {
    let fixture = Fixture::open().await;
    let mut payload = fixture.payload(1, "approve");
    let other = "7d1f5a0e-0000-4000-8000-e02120b524c3";
    payload["state"]["values"]["comment"]["comment"]["value"] =
        json!(format!("see approve%2F{other} and x-{other}"));
    fixture.call(&fixture.slack(&payload)).await;
    let event = fixture.world.with(|state| state.invoked[0].to_string());
    assert!(!event.contains(other), "{event}");
    fixture.run_handed_over().await;
    assert_eq!(fixture.taken().len(), 1);
    assert!(
        fixture.taken()[0]
            .2
            .ends_with("see approve%2F*** and x-***")
    );
}

#[tokio::test]
async fn our_own_event_can_not_come_through_the_url() {
    let fixture = Fixture::open().await;
    fixture
        .call(&fixture.slack(&fixture.payload(1, "approve")))
        .await;
    let event = fixture.world.with(|state| state.invoked.remove(0));
    for path in ["/", "/slack/interactions", "/d/x"] {
        let request = Request::new("POST", path)
            .header("content-type", "application/json")
            .body(&event.to_string());
        let answer = fixture.call(&request).await;
        assert!([401, 404].contains(&answer.status()), "{path}");
    }
    // Nor by whoever may invoke the function and doesn't have its keys.
    for seal in ["", "00000000.00", event["seal"].as_str().unwrap()] {
        let mut forged = event.clone();
        forged["seal"] = json!(seal);
        forged["slack_click"]["user"] = json!("U0002");
        assert!(fixture.invoke(forged).await.is_err(), "{seal}");
    }
    let both = json!({"slack_click": event["slack_click"], "requestContext": {"http": {"method": "POST"}}});
    assert!(fixture.invoke(both).await.is_err());
    assert!(fixture.taken().is_empty());
}

#[tokio::test]
async fn an_answer_goes_to_slack_only() {
    let fixture = Fixture::with(Plan {
        stand_in: false,
        ..Plan::default()
    })
    .await;
    fixture.click(1, "approve").await;
    assert_eq!(fixture.taken().len(), 1, "the decision stands");
    assert!(
        fixture.answers.lock().unwrap().is_empty(),
        "nothing was sent elsewhere"
    );
    assert!(fixture.logs().contains("does not lead to Slack"));
}

#[tokio::test]
async fn who_is_not_listed_is_refused_and_told_so() {
    let fixture = Fixture::open().await;
    fixture.click(99, "approve").await;
    insta::assert_snapshot!(fixture.last_answer(), @r"
    Your answer does not count
    You are not among those who may decide this.
    ");
    let mut payload = fixture.payload(1, "approve");
    payload["user"]["team_id"] = json!("T9999");
    fixture.hands.pass(1);
    fixture.call(&fixture.slack(&payload)).await;
    fixture.run_handed_over().await;
    assert!(
        fixture.last_answer().contains("not among those"),
        "the same id in another workspace"
    );
    assert!(fixture.taken().is_empty());
}

#[tokio::test]
async fn two_are_needed_and_each_is_told_where_it_stands() {
    let fixture = Fixture::with(Plan {
        policy: "approvals: 2, starter_may_approve: true",
        ..Plan::default()
    })
    .await;
    fixture.click(1, "approve").await;
    insta::assert_snapshot!(fixture.last_answer(), @r"
    Recorded: 1 of 2 approvals
    Your yes counts. The pipeline goes on when 2 people have said yes.
    ");
    fixture.click(1, "approve").await;
    assert!(fixture.last_answer().starts_with("Recorded: 1 of 2"));
    fixture.click(2, "approve").await;
    assert!(fixture.last_answer().starts_with("Approved"));
    fixture.click(3, "reject").await;
    insta::assert_snapshot!(fixture.last_answer(), @r"
    Approved
    It was decided already. Decided by user1 (slack:T0001/U0001), user2 (slack:T0001/U0002). “as &lt;discussed&gt;”
    ");
}

#[tokio::test]
async fn whatever_happened_meanwhile_is_what_people_are_told() {
    for (fate, told) in [
        (
            Act::ConsoleApproves,
            "Approved\nIt was decided already. Decided in AWS itself, by arn:aws:sts::111122223333:assumed-role/Admin/release-manager.",
        ),
        (Act::ConsoleRejects, "Rejected\n"),
        (Act::Expire, "Expired: nobody answered in time\n"),
        (
            Act::Supersede,
            "Superseded: a newer execution took its place\n",
        ),
        (Act::Stop, "Stopped: "),
        (
            Act::Change,
            "Superseded: this is no longer asked\nWhat would be deployed is no longer what this message showed.",
        ),
    ] {
        let fixture = Fixture::open().await;
        fixture.world.interfere(fate);
        fixture.click(1, "approve").await;
        assert!(
            fixture.last_answer().starts_with(told),
            "{fate:?}: {}",
            fixture.last_answer()
        );
        assert!(fixture.taken().is_empty());
    }
}

#[tokio::test]
async fn a_look_up_that_fails_is_no_approval_and_its_detail_stays_here() {
    let fixture = Fixture::open().await;
    fixture.world.plan(|_, call| {
        (call == "GetPipelineState").then_some(CallFault::Fail(400, "AccessDeniedException"))
    });
    fixture.click(1, "approve").await;
    assert!(fixture.taken().is_empty());
    assert!(fixture.last_answer().starts_with("Nothing was decided\n"));
    assert!(!fixture.last_answer().contains("AccessDenied"));
    assert!(fixture.logs().contains("AccessDenied"));
}

#[tokio::test]
async fn people_are_told_in_their_language() {
    let fixture = Fixture::with(Plan {
        language: "zh",
        ..Plan::default()
    })
    .await;
    fixture.click(1, "approve").await;
    assert!(
        fixture.last_answer().starts_with("已批准\n"),
        "{}",
        fixture.last_answer()
    );
}
