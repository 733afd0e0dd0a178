//! `CodeDeploy` invokes asynchronously, so Lambda repeats what failed, and waits for the one call that answers.

use std::collections::VecDeque;
use std::time::Duration;

use gate::Stage;
use serde_json::{Value, json};

use super::{End, Invocations, LAMBDA_RETRIES, MAX_INVOCATIONS, Run, Tally};
use crate::gates::{begun_ago, event, function, invoke_as};

/// Between two rounds of the bake.
const EVERY: Duration = Duration::from_mins(5);
pub(super) const BAKE: &str = "traffic: { bake: 20m, every: 5m }\n";

/// One hook before traffic.
pub(super) async fn before_traffic(run: &Run) -> Tally {
    calls(Stage::PreTraffic, run).await
}

/// A bake that is handed on within the hour.
pub(super) async fn bake(run: &Run) -> Tally {
    calls(Stage::PostTraffic, run).await
}

async fn calls(stage: Stage, run: &Run) -> Tally {
    let gate = function(stage, &run.aws);
    let mut seen = Invocations::default();
    let mut failed = false;
    let mut waiting = VecDeque::from([event()]);
    // A duplicate delivery, once in a while.
    if run.happens("duplicate", 8) {
        waiting.push_back(event());
    }
    let mut handed_on = 0;
    while let Some(payload) = waiting.pop_front() {
        if seen.count >= MAX_INVOCATIONS {
            return run.tally(seen, End::Wrong("it never ends".to_owned()));
        }
        let request = format!("request-{}", seen.count);
        for attempt in 0..=LAMBDA_RETRIES {
            let ended = invoke_as(&request, &gate, run.left, payload.clone()).await;
            seen.add(ended.took);
            seen.retries += usize::from(attempt > 0);
            failed = ended.result.is_err();
            if !failed {
                break;
            }
        }
        let invoked = run.aws.invoked();
        waiting.extend(
            invoked[handed_on..]
                .iter()
                .map(|payload| in_its_time(payload)),
        );
        handed_on = invoked.len();
    }
    let end = match &run.aws.answers()[..] {
        [answer] => End::Answered {
            passed: answer == "Succeeded",
        },
        [] if failed => End::Unheard,
        [] => End::Wrong("no invocation failed, and none has answered".to_owned()),
        answers => End::Wrong(format!("answered more than once: {answers:?}")),
    };
    run.tally(seen, end)
}

/// What the function hands to itself, at the time until which it would have waited.
fn in_its_time(payload: &str) -> Value {
    let mut payload: Value = serde_json::from_str(payload).unwrap();
    let run = payload["deployHooksRun"].as_str().unwrap().to_owned();
    let part: u32 = run.split_once('~').unwrap().0.parse().unwrap();
    payload["deployHooksRun"] = json!(begun_ago(&run, EVERY * part));
    payload
}
