//! Events that are malformed: samples of `events/` with something done to them, for every function. Each is refused or
//! answered, and nothing passes, as what stands behind them is broken.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use deploy_action::Event as Job;
use drill::{Row, Tally};
use gate::Stage as GateStage;
use hook::event::Payload;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use test_support::environments::{Svc, block_on};
use test_support::gates::aws::{Changes, FakeAws, none};
use test_support::gates::service::{Behaviour, Service};
use test_support::gates::{SUITE, function};
use test_support::scripted::{Scripted, ok};

use crate::decision_fixture::Fixture as DecisionFixture;
use crate::fixture::Fixture;
use crate::notifier_support::Stage;
use crate::story::{Dice, dice, invoked, paced, stories};

/// Until the time-out of each.
const LIMIT: Duration = Duration::from_secs(30);
/// Events for one fixture.
const PER_STORY: usize = 20;
const CALLER: &str = "malformed events";

/// The drill of all functions.
pub fn drill(count: usize, seed: u64) -> Vec<Row> {
    let row = |function, tally| Row {
        function,
        caller: CALLER,
        tally,
    };
    // What it is sent itself; of an event of another function it says only that it is none of its own.
    let of_gates = &samples(&["codedeploy-", "codepipeline-", "ecs-"]);
    let of_action = &samples(&["codepipeline-"]);
    let of_approvals = &samples(&["approval-"]);
    let of_environments = &samples(&["env-"]);
    let of_gate = |stage| {
        paced(stories(count, 8, |index| {
            gate(stage, of_gates, index, seed)
        }))
    };
    vec![
        row("pre-traffic", of_gate(GateStage::PreTraffic)),
        row("post-traffic", of_gate(GateStage::PostTraffic)),
        row(
            "deploy-action",
            paced(stories(count, 1, |index| {
                deploy_action(of_action, index, seed)
            })),
        ),
        row(
            "approval-notifier",
            paced(stories(count, 4, |index| {
                notifier(of_approvals, index, seed)
            })),
        ),
        row(
            "approval-decision",
            paced(stories(count, 1, |index| {
                decision(of_approvals, index, seed)
            })),
        ),
        row(
            "env-scheduler",
            block_on(stories(count, 1, |index| {
                scheduler(of_environments, index, seed)
            })),
        ),
    ]
}

/// The samples whose names begin so.
fn samples(beginnings: &[&str]) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    paths.sort();
    let is_meant = |path: &&std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        path.extension().is_some_and(|it| it == "json")
            && beginnings.iter().any(|it| name.starts_with(it))
    };
    paths
        .iter()
        .filter(is_meant)
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .collect()
}

/// An event that nobody has sent.
fn malformed(samples: &[Value], dice: &mut Dice) -> Value {
    if dice.once_in(10) {
        let garbage = [
            json!(null),
            json!([]),
            json!(42),
            json!(""),
            json!({}),
            json!([[[]]]),
            json!({"Records": 3}),
        ];
        return garbage[dice.below(garbage.len())].clone();
    }
    let mut event = samples[dice.below(samples.len())].clone();
    for _ in 0..=dice.below(3) {
        spoil(&mut event, dice);
    }
    event
}

/// Does something to one place of a value.
fn spoil(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !dice.once_in(6) => {
            let key = fields.keys().nth(dice.below(fields.len())).unwrap().clone();
            if dice.once_in(5) {
                fields.remove(&key);
            } else {
                spoil(&mut fields[&key], dice);
            }
        }
        Value::Array(items) if !items.is_empty() && !dice.once_in(6) => {
            let at = dice.below(items.len());
            spoil(&mut items[at], dice);
        }
        // JSON within a text is how SNS and CodePipeline carry what matters.
        Value::String(text) if text.starts_with('{') && dice.once_in(2) => {
            if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                spoil(&mut inner, dice);
                *text = inner.to_string();
            } else {
                text.truncate(text.floor_char_boundary(text.len() / 2));
            }
        }
        other => *other = replacement(dice),
    }
}

fn replacement(dice: &mut Dice) -> Value {
    match dice.below(10) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(1.0e300),
        3 => json!(true),
        4 => json!("x".repeat(70_000)),
        5 => json!("\u{0}\u{202e}{{ secrets }} ../../ '; --"),
        6 => (0..100).fold(json!(0), |inner, _| json!([inner])),
        7 => json!({"a": {"b": [1, "2", null]}}),
        8 => json!("9999-99-99T99:99:99Z"),
        _ => json!(""),
    }
}

/// Counts an invocation: whatever it returned, it is an answer or a refusal.
async fn count<E: ToString>(
    tally: &mut Tally,
    work: impl Future<Output = Result<Value, E>>,
) -> Option<Value> {
    match invoked(tally, LIMIT, work).await {
        Ok(value) => {
            tally.answered += 1;
            Some(value)
        }
        Err(why) if why.starts_with("it panicked") => {
            tally.wrong.push(why);
            None
        }
        Err(_) => {
            tally.unheard += 1;
            None
        }
    }
}

fn context(tally: &Tally) -> Context {
    let mut context = Context::default();
    let deadline = SystemTime::now() + LIMIT;
    let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = u64::try_from(since.as_millis()).unwrap();
    context.request_id = format!("request-{}", tally.invocations);
    "arn:aws:lambda:eu-central-1:111122223333:function:f"
        .clone_into(&mut context.invoked_function_arn);
    context
}

async fn gate(stage: GateStage, samples: &[Value], index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let service = Service::start(Behaviour::Broken).await;
    // A job says itself where its target is; nothing is asked but on this machine.
    let here = format!("http://127.0.0.1:{}", service.port);
    let samples = samples.iter().map(|sample| {
        let text = sample
            .to_string()
            .replace("https://shop.example.com", &here);
        serde_json::from_str(&text).unwrap()
    });
    let samples = &samples.collect::<Vec<Value>>();
    for _ in 0..PER_STORY {
        // Of its own, as a deployment hears one answer.
        let aws = FakeAws::with(service.port, SUITE, Changes::default(), none()).await;
        aws.put("/suites/shop.yaml", SUITE);
        let gate = function(stage, &aws);
        let event = malformed(samples, &mut dice);
        let context = context(&tally);
        let run = async {
            let payload: Payload =
                serde_json::from_str(&event.to_string()).map_err(|it| it.to_string())?;
            let done = hook::handle(gate, LambdaEvent::new(payload, context)).await;
            done.map_err(|error| error.to_string())
        };
        let returned = count(&mut tally, run).await;
        let succeeded = returned.is_some_and(|value| value["hookStatus"] == "SUCCEEDED")
            || aws.answers().iter().any(|answer| answer == "Succeeded")
            || aws
                .jobs()
                .iter()
                .any(|job| job["outputVariables"]["passed"] == "true");
        // A rollback is let through without a question.
        let is_rollback = |value: &Value| {
            value.to_string().contains("RECONCILE_SERVICE")
                || value.to_string().contains("SCALE_UP")
        };
        if succeeded && !is_rollback(&event) {
            tally.false_passes += 1;
            tally.wrong.push(format!("passed: {}", text_of(&event)));
        }
    }
    tally
}

fn text_of(event: &Value) -> String {
    event.to_string().chars().take(600).collect()
}

async fn deploy_action(samples: &[Value], index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    for _ in 0..PER_STORY {
        let taken = [
            ("PutJobSuccessResult", vec![ok("{}")]),
            ("PutJobFailureResult", vec![ok("{}")]),
        ];
        let aws = Scripted::start(taken).await;
        let function = Arc::new(deploy_action::Function::with(
            aws.clients(),
            "us-east-1".to_owned(),
        ));
        let event = malformed(samples, &mut dice);
        let context = context(&tally);
        let run = async {
            let job: Job = serde_json::from_value(event).map_err(|it| it.to_string())?;
            let done = deploy_action::handle(function, LambdaEvent::new(job, context)).await;
            done.map_err(|error| error.to_string())
        };
        count(&mut tally, run).await;
        let successes = aws.bodies("PutJobSuccessResult");
        // There is no service, so nothing can be deployed; a job that goes on has a token.
        tally.false_passes += successes
            .iter()
            .filter(|body| !body.contains("continuationToken"))
            .count();
    }
    tally
}

async fn notifier(samples: &[Value], index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let stage = Stage::start().await;
    for _ in 0..PER_STORY {
        let event = malformed(samples, &mut dice);
        count(&mut tally, stage.invoke(event)).await;
    }
    let answers = ["PutApprovalResult", "ContinueServiceDeployment"];
    let calls = stage.server.calls();
    tally.false_passes = calls
        .iter()
        .filter(|it| answers.contains(&it.operation.as_str()))
        .count();
    tally
}

async fn decision(samples: &[Value], index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let fixture = DecisionFixture::open().await;
    let mut samples = samples.to_vec();
    // What the function itself is sent: a request of a button, and one of a page.
    let click = fixture.slack(&fixture.payload(1, "approve"));
    samples.extend(vec![click.without("x-slack-signature").event(); 20]);
    for _ in 0..PER_STORY {
        let event = malformed(&samples, &mut dice);
        count(&mut tally, fixture.invoke(event)).await;
    }
    tally.false_passes = fixture.taken().len();
    tally
}

async fn scheduler(samples: &[Value], index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let fixture = Fixture::new();
    fixture.add("prod/web", Svc::new(5));
    fixture.add("test/plain", Svc::plain(4));
    let before = fixture.all();
    for _ in 0..PER_STORY {
        let event = malformed(samples, &mut dice);
        count(&mut tally, fixture.invoke_for(LIMIT, event)).await;
    }
    tally.false_passes = usize::from(fixture.all() != before);
    tally
}
