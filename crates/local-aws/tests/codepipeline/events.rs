//! What rules of the emulator are given.

use aws_sdk_codepipeline::types::ApprovalStatus;
use serde_json::{Value, json};

use crate::bench::Bench;

/// What the rules' function got so far.
fn got(bench: &Bench) -> Vec<Value> {
    let invoked = bench.emulator.invoked().into_iter();
    let of_rule = invoked.filter(|(function, _)| function.contains("on-event"));
    of_rule.map(|(_, event)| event).collect()
}

#[tokio::test]
async fn a_rule_gets_each_change_of_an_action_in_its_order_and_without_the_token() {
    let bench = Bench::with_pipeline().await;
    bench
        .emulator
        .rule("CodePipeline Action Execution State Change");
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    bench
        .answer(&token, ApprovalStatus::Rejected, "no")
        .await
        .unwrap();
    bench
        .until(|| async { (got(&bench).len() == 4).then_some(()) })
        .await;
    let events = got(&bench);
    let seen: Vec<String> = events
        .iter()
        .map(|event| {
            let text = |name: &str| event["detail"][name].as_str().unwrap().to_owned();
            format!("{} {}", text("action"), text("state"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            "Source STARTED",
            "Source SUCCEEDED",
            "Ask STARTED",
            "Ask FAILED"
        ]
    );
    let mut asked = events[2].clone();
    assert!(!asked.to_string().contains(&token));
    for name in ["id", "time"] {
        asked[name] = json!(null);
    }
    for name in ["execution-id", "action-execution-id", "start-time"] {
        assert!(asked["detail"][name].is_string());
        asked["detail"][name] = json!(null);
    }
    insta::assert_json_snapshot!(asked, @r#"
    {
      "version": "0",
      "id": null,
      "detail-type": "CodePipeline Action Execution State Change",
      "source": "aws.codepipeline",
      "account": "000000000000",
      "time": null,
      "region": "us-east-1",
      "resources": [
        "arn:aws:codepipeline:us-east-1:000000000000:shop"
      ],
      "detail": {
        "pipeline": "shop",
        "execution-id": null,
        "state": "STARTED",
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
        "stage": "Approval",
        "action": "Ask",
        "action-execution-id": null,
        "start-time": null,
        "type": {
          "owner": "AWS",
          "provider": "Manual",
          "category": "Approval",
          "version": "1"
        },
        "region": "us-east-1"
      }
    }
    "#);
    assert_eq!(
        events[3]["detail"]["execution-result"]["external-execution-summary"],
        "no"
    );
    let timeline = bench.get("/_local/events").await;
    assert!(
        !timeline.to_string().contains(&token),
        "the timeline tells no token"
    );
}
