//! ECS invokes synchronously and takes the value for its answer. What a hook returned as `hookDetails` is merged into
//! the next call of the same hook, whatever the stage; a value that ECS can't read rolls the deployment back.

use std::time::Duration;

use gate::Stage;
use serde_json::{Value, json};

use super::{End, Invocations, MAX_INVOCATIONS, Run, Tally};
use crate::gates::{begun_ago, ecs::event, function, invoke_with};

pub(super) const BAKE: &str = "traffic: { bake: 2m, every: 1m }\n";

/// The stages of a canary that have a hook, with the new revision's percent of production traffic.
const STEPS: [(&str, Stage, Option<u32>); 7] = [
    ("POST_TEST_TRAFFIC_SHIFT", Stage::PreTraffic, None),
    ("PRE_PRODUCTION_TRAFFIC_SHIFT", Stage::PreTraffic, Some(0)),
    ("PRODUCTION_TRAFFIC_SHIFT", Stage::PostTraffic, Some(10)),
    ("PRE_PRODUCTION_TRAFFIC_SHIFT", Stage::PreTraffic, Some(10)),
    ("PRODUCTION_TRAFFIC_SHIFT", Stage::PostTraffic, Some(50)),
    ("PRODUCTION_TRAFFIC_SHIFT", Stage::PostTraffic, Some(100)),
    ("POST_PRODUCTION_TRAFFIC_SHIFT", Stage::PostTraffic, None),
];

/// One deployment, to its end or to its rollback.
pub(super) async fn canary(run: &Run) -> Tally {
    let mut seen = Invocations::default();
    // Of the service definition.
    let fixed = json!({ "suite": "s3://suites/web/shop.yaml", "dry_run": false });
    let mut details = [fixed.clone(), fixed];
    for (name, stage, percent) in STEPS {
        let gate = function(stage, &run.aws);
        let of_hook = &mut details[usize::from(stage == Stage::PostTraffic)];
        let mut passed = Duration::ZERO;
        loop {
            if seen.count >= MAX_INVOCATIONS {
                return run.tally(seen, End::Wrong("it never ends".to_owned()));
            }
            let mut call = event(name, percent);
            call["hookDetails"] = of_hook.clone();
            let ended = invoke_with(&gate, run.left, call).await;
            seen.add(ended.took);
            match read(ended.result, of_hook, &mut passed) {
                Ok(GateResolution::Succeeded) => break,
                Ok(GateResolution::Failed) => {
                    return run.tally(seen, End::Answered { passed: false });
                }
                Ok(GateResolution::InProgress) => {}
                Err(why) => return run.tally(seen, End::Wrong(format!("at {name}: {why}"))),
            }
        }
    }
    run.tally(seen, End::Answered { passed: true })
}

enum GateResolution {
    Succeeded,
    Failed,
    InProgress,
}

/// What ECS makes of the value; `details` is what the next call has, after the time that has `passed` then.
fn read(
    result: Result<Value, String>,
    details: &mut Value,
    passed: &mut Duration,
) -> Result<GateResolution, String> {
    let value = result.map_err(|error| format!("the function failed: {error}"))?;
    let unread = || format!("no answer that ECS can read: {value}");
    let returned = value["hookDetails"].as_object().ok_or_else(unread)?;
    for (key, detail) in returned {
        details[key] = detail.clone();
    }
    match value["hookStatus"].as_str() {
        Some("SUCCEEDED") => Ok(GateResolution::Succeeded),
        Some("FAILED") => Ok(GateResolution::Failed),
        Some("IN_PROGRESS") => {
            let delay = value["callBackDelay"].as_u64().ok_or_else(unread)?;
            let handed_on = details["deployHooksRun"].as_str().ok_or_else(unread)?;
            *passed += Duration::from_secs(delay);
            details["deployHooksRun"] = json!(begun_ago(handed_on, *passed));
            Ok(GateResolution::InProgress)
        }
        _ => Err(unread()),
    }
}
