//! ECS waits while people are asked: the evidence of a good release is not enough, and whoever hears the question looks at
//! it. They say yes if nothing but the supplier could not be measured.

use gate::Stage;
use serde_json::{Value, json};

use super::{End, Invocations, LEFT, Run, Tally};
use crate::gates::SUITE;
use crate::gates::ecs::event;
use crate::gates::lives::Gate;

/// What can't be measured, whatever the release is.
const SUPPLIER: &str = "the supplier answers";
/// So often ECS calls back before the time to answer is over.
const MAX_CALLS: usize = 6;

/// One check decides, and one can't be measured.
pub(super) fn suite() -> String {
    format!(
        "inconclusive: ask\n{SUITE}  - name: {SUPPLIER}\n    http: {{ url: \"http://supplier.invalid/\", \
         reaches_release: true }}\n"
    )
}

/// One hook before traffic, with all its calls.
pub(super) async fn ask(run: &Run) -> Tally {
    let gate = Gate {
        stage: Stage::PreTraffic,
        aws: &run.aws,
        settings: &[("STATE_TABLE", "state")],
        left: LEFT,
    };
    let mut seen = Invocations::default();
    let mut call = event("POST_TEST_TRAFFIC_SHIFT", None);
    loop {
        let ended = gate.invoke("request", call.clone()).await;
        seen.add(ended.took);
        let value = match ended.result {
            Ok(value) => value,
            Err(error) => return run.tally(seen, End::Wrong(format!("it failed: {error}"))),
        };
        let passed = match value["hookStatus"].as_str() {
            Some("SUCCEEDED") => true,
            Some("FAILED") => false,
            Some("IN_PROGRESS") if seen.count <= MAX_CALLS => {
                let handed_on = &value["hookDetails"]["deployHooksRun"];
                call["hookDetails"]["deployHooksRun"] = if seen.count == MAX_CALLS {
                    json!(late(handed_on.as_str().unwrap()))
                } else {
                    handed_on.clone()
                };
                answer(run);
                continue;
            }
            _ => return run.tally(seen, End::Wrong(format!("it never ends: {value}"))),
        };
        let asked = !questions(run).is_empty();
        if passed && !asked {
            let why = "it passed, and nobody was asked".to_owned();
            return run.tally(seen, End::Wrong(why));
        }
        return run.tally(seen, End::Answered { passed });
    }
}

/// The questions that are out: each case, and whether people say yes to what they are shown.
fn questions(run: &Run) -> Vec<(String, bool)> {
    let events = run.aws.events();
    let questions = events
        .iter()
        .filter(|entry| entry["DetailType"] == "Gate Question");
    questions
        .map(|entry| {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            let checks = detail["evidence"]["checks"].as_array().unwrap();
            let is_fine =
                |check: &Value| check["name"] == SUPPLIER || check["measurement"] == "passed";
            let case = detail["case"].as_str().unwrap().to_owned();
            (case, checks.len() == 2 && checks.iter().all(is_fine))
        })
        .collect()
}

fn answer(run: &Run) {
    for (case, approved) in questions(run) {
        let summary = "By A (slack:T/U), who has seen the checks";
        let body = json!({"approved": approved, "summary": summary, "at": "2026-05-04T10:00:00Z"});
        run.aws
            .put_item(&format!("gate-answer#{case}"), "answer", &body);
    }
}

/// What was handed on, as if the time to answer were over.
fn late(handed_on: &str) -> String {
    let mut parts: Vec<&str> = handed_on.split('.').collect();
    parts[3] = "1700000000";
    parts.join(".")
}
