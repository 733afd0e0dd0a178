//! Actions of `CodePipeline`.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use gate::Stage;
use serde_json::{Value, json};
use test_support::gates::aws::{Changes, FAULTS, FakeAws, Fault, Plan};
use test_support::gates::ecs::EcsChanges;
use test_support::gates::service::{Behaviour, Service};
use test_support::gates::{SUITE, function, invoke_with, later};
use test_support::paced_time;

use super::{LEFT, MAX_CONCURRENT, baked, strip, with};

fn job(id: &str, parameters: &Value, token: Option<&str>) -> Value {
    json!({ "CodePipeline.job": { "id": id, "accountId": "111122223333", "data": {
        "actionConfiguration": { "configuration": {
            "FunctionName": "f", "UserParameters": parameters.to_string() } },
        "artifactCredentials": { "secretAccessKey": "hunter2" },
        "continuationToken": token,
    }}})
}

/// Whether what the last line of a summary leads to is stored; none where it is no link into the console.
fn linked(aws: &FakeAws, summary: &str) -> Option<bool> {
    let link = url::Url::parse(summary.lines().last()?).ok()?;
    let bucket = link.path().strip_prefix("/s3/object/")?.to_owned();
    let (_, key) = link.query_pairs().find(|(name, _)| name == "prefix")?;
    Some(aws.object(&format!("/{bucket}/{key}")).is_some())
}

fn parameters(service: &Service) -> Value {
    json!({ "suite": "s3://suites/shop/production.yaml", "target": {
        "url": format!("http://127.0.0.1:{}", service.port), "application": "shop", "version": "1.2.0" } })
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_hears_the_verdict_with_its_variables() {
    let _time = paced_time::start();
    let (service, aws) = with(Behaviour::Well, SUITE, EcsChanges::default()).await;
    let gate = function(Stage::PreTraffic, &aws);
    let asked = parameters(&service);
    invoke_with(&gate, LEFT, job("j-1", &asked, None))
        .await
        .result
        .unwrap();
    let answer = &aws.jobs()[0];
    assert_eq!(answer["outputVariables"]["verdict"], "passed");
    let link = answer["outputVariables"]["report_url"].as_str().unwrap();
    assert!(
        link.contains("reports%2Fshop%2Fj-1%2Fpre-traffic-"),
        "{link}"
    );

    let (service, aws) = with(Behaviour::Broken, SUITE, EcsChanges::default()).await;
    let gate = function(Stage::PreTraffic, &aws);
    let mut asked = parameters(&service);
    invoke_with(&gate, LEFT, job("j-2", &asked, None))
        .await
        .result
        .unwrap();
    let details = &aws.jobs()[0]["failureDetails"];
    assert_eq!(details["type"], "JobFailed");
    assert!(
        details["message"]
            .as_str()
            .unwrap()
            .contains("expected status 201")
    );
    asked["on_failed"] = json!("continue");
    invoke_with(&gate, LEFT, job("j-3", &asked, None))
        .await
        .result
        .unwrap();
    assert_eq!(aws.jobs()[1]["outputVariables"]["verdict"], "failed");
    invoke_with(&gate, LEFT, job("j-4", &json!("x"), None))
        .await
        .result
        .unwrap();
    let message = aws.jobs()[2]["failureDetails"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("UserParameters"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_calls_again_through_a_bake_of_three_hours() {
    let _time = paced_time::start();
    let (service, aws) = with(Behaviour::Well, &baked(), EcsChanges::default()).await;
    let gate = function(Stage::PostTraffic, &aws);
    let asked = parameters(&service);
    let (mut token, mut calls) = (None::<String>, 0);
    loop {
        calls += 1;
        assert!(calls < 400, "it never ends");
        let id = format!("j-{calls}");
        invoke_with(&gate, LEFT, job(&id, &asked, token.as_deref()))
            .await
            .result
            .unwrap();
        let answer = aws.jobs().last().unwrap().clone();
        if let Some(next) = answer["continuationToken"].as_str() {
            assert!(next.len() <= 2_048);
            assert_eq!(answer["outputVariables"], Value::Null, "not beside a token");
            let details = &answer["executionDetails"];
            assert_eq!(
                details["externalExecutionId"], "j-1",
                "the run, not the job"
            );
            assert!(details["percentComplete"].as_u64().unwrap() < 100);
            let summary = details["summary"].as_str().unwrap();
            assert!(summary.starts_with("the bake goes on after"), "{summary}");
            assert_eq!(linked(&aws, summary), Some(true), "{summary}");
            token = Some(later(next, Duration::from_mins(1)));
        } else {
            assert_eq!(answer["outputVariables"]["verdict"], "passed");
            let summary = answer["executionDetails"]["summary"].as_str().unwrap();
            break assert_eq!(linked(&aws, summary), Some(true), "{summary}");
        }
    }
    let stored = aws.object_below("/reports/reports/shop/j-1/post-traffic-", ".json");
    let report: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(strip(&report), "P".repeat(181));
}

#[tokio::test(start_paused = true)]
async fn each_answer_to_a_pipeline_that_fails_is_tried_again_or_reported() {
    let _time = paced_time::start();
    let cases = ["PutJobSuccessResult", "GetObject", "PutObject", "Publish"]
        .into_iter()
        .flat_map(|call| FAULTS.map(|fault| (call, fault)));
    let runs = cases.map(|(call, fault)| async move {
        let service = Service::start(Behaviour::Well).await;
        let plan: Plan = Arc::new(move |operation, _| (operation == call).then_some(fault));
        let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
        let asked = parameters(&service);
        let seen = invoke_with(
            &function(Stage::PreTraffic, &aws),
            LEFT,
            job("j", &asked, None),
        )
        .await;
        assert!(seen.took < LEFT);
        let jobs = aws.jobs();
        match (call, fault) {
            ("PutJobSuccessResult", Fault::Lost) => assert_eq!(jobs.len(), 1),
            (_, Fault::Slow) => {
                assert_eq!(jobs[0]["outputVariables"]["verdict"], "passed", "{call}");
            }
            // An error would be recorded with the event, which has credentials: people hear it from the gate.
            ("PutJobSuccessResult", _) => {
                assert_eq!(seen.result.unwrap()["delivery"], "undelivered", "{fault:?}");
                assert!(
                    aws.published()[0]["Subject"].starts_with("UNANSWERED"),
                    "{fault:?}"
                );
            }
            ("GetObject", _) => assert!(jobs[0].get("failureDetails").is_some(), "{fault:?}"),
            _ => assert_eq!(
                jobs[0]["outputVariables"]["verdict"], "passed",
                "{call} {fault:?}"
            ),
        }
    });
    let done: Vec<()> = stream::iter(runs)
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await;
    assert_eq!(done.len(), 24);
}
