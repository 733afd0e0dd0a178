//! `CodePipeline` invokes asynchronously and waits for the one call that answers the job. An answer with a token is
//! followed by another job; a job that nobody answers runs into its time-out, and the action fails.

use std::time::Duration;

use gate::Stage;
use serde_json::{Value, json};

use super::{End, Invocations, MAX_INVOCATIONS, Run, Tally};
use crate::gates::{begun_ago, function, invoke_as};

/// Between two rounds of the bake.
const EVERY: Duration = Duration::from_mins(1);
pub(super) const BAKE: &str = "traffic: { bake: 3m, every: 1m }\n";

/// One action, with all its jobs.
pub(super) async fn job(run: &Run) -> Tally {
    let stage = if run.traffic.is_empty() {
        Stage::PreTraffic
    } else {
        Stage::PostTraffic
    };
    let gate = function(stage, &run.aws);
    let mut seen = Invocations::default();
    let mut token = None::<String>;
    let mut passed = Duration::ZERO;
    loop {
        if seen.count >= MAX_INVOCATIONS {
            return run.tally(seen, End::Wrong("it never ends".to_owned()));
        }
        let id = format!("job-{}", seen.count);
        let event = event(run, &id, token.as_deref());
        let ended = invoke_as(&id, &gate, run.left, event.clone()).await;
        seen.add(ended.took);
        let mut said_so = match ended.result {
            Ok(value) => value["delivery"] == "undelivered",
            // Lambda's record of a failed invocation has the event, and the event has credentials.
            Err(error) => return run.tally(seen, End::Wrong(format!("it failed: {error}"))),
        };
        if run.happens(&id, 8) {
            let again = invoke_as(&format!("{id}-again"), &gate, run.left, event).await;
            seen.add(again.took);
            said_so |= again
                .result
                .is_ok_and(|value| value["delivery"] == "undelivered");
        }
        let jobs = run.aws.jobs();
        let answers: Vec<&Value> = jobs.iter().filter(|job| job["jobId"] == *id).collect();
        let end = match answers[..] {
            [answer] => match answer["continuationToken"].as_str() {
                Some(next) => {
                    passed += EVERY;
                    token = Some(begun_ago(next, passed));
                    continue;
                }
                None => End::Answered {
                    passed: answer["outputVariables"]["passed"] == "true",
                },
            },
            [] if said_so => End::Unheard,
            [] => End::Wrong("it says that it has answered, and has not".to_owned()),
            _ => End::Wrong(format!("answered more than once: {answers:?}")),
        };
        return run.tally(seen, end);
    }
}

fn event(run: &Run, id: &str, token: Option<&str>) -> Value {
    let parameters = json!({ "suite": "s3://suites/shop/production.yaml", "target": {
        "url": format!("http://127.0.0.1:{}", run.service.port), "application": "shop" } });
    json!({ "CodePipeline.job": { "id": id, "accountId": "111122223333", "data": {
        "actionConfiguration": { "configuration": {
            "FunctionName": "f", "UserParameters": parameters.to_string() } },
        "artifactCredentials": { "secretAccessKey": "hunter2" },
        "continuationToken": token,
    }}})
}
