//! ECS waits while people are asked: the evidence of a good release is not enough, and whoever hears the question says
//! yes. Nobody is asked about a broken one.

use gate::Stage;
use serde_json::{Value, json};

use super::{End, Invocations, LEFT, Run, Tally};
use crate::gates::SUITE;
use crate::gates::ecs::event;
use crate::gates::lives::Gate;

/// So often ECS calls back before the time to answer is over.
const MAX_CALLS: usize = 6;

/// One check decides, and one can't be measured.
pub(super) fn suite() -> String {
    format!(
        "inconclusive: ask\n{SUITE}  - name: the supplier answers\n    http: {{ url: \"http://supplier.invalid/\", \
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

/// The cases of the questions that are out.
fn questions(run: &Run) -> Vec<String> {
    let events = run.aws.events();
    let questions = events
        .iter()
        .filter(|entry| entry["DetailType"] == "Gate Question");
    questions
        .map(|entry| {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            detail["case"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn answer(run: &Run) {
    for case in questions(run) {
        let body = json!({"approved": true, "summary": "Approved by A (slack:T/U)", "at": "2026-05-04T10:00:00Z"});
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
