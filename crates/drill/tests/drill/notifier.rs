//! The notifier: a wait is announced, twice once in a while, and ends, while AWS and channels fail. Everybody is asked, and
//! nobody twice unless an answer was lost; and the function itself never answers an approval.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drill::{Row, Tally};
use serde_json::Value;

use crate::notifier_support::events::{action_changed, approval, execution_changed, notification};
use crate::notifier_support::server::Fault;
use crate::notifier_support::world::{Phase, TOKEN};
use crate::notifier_support::{EVERYBODY, Stage};
use crate::story::{Dice, LAMBDA_RETRIES, dice, invoked, paced, stories};

/// Side by side: they mostly wait.
const AT_A_TIME: usize = 20;
/// Calls that answer an approval or a pause.
const ANSWERS: [&str; 2] = ["PutApprovalResult", "ContinueServiceDeployment"];

/// The drill.
pub fn drill(count: usize, seed: u64) -> Vec<Row> {
    let tally = paced(stories(count, AT_A_TIME, |index| story(index, seed)));
    vec![Row {
        function: "approval-notifier",
        caller: "SNS, EventBridge",
        tally,
    }]
}

/// One wait, from its announcement to its end.
#[allow(clippy::similar_names, reason = "short in a test")]
async fn story(index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let stage = Stage::start().await;
    let faults = Faults::let_loose(&stage, dice.split());
    let mut announcements = vec![dice.one_of(&[approval, notification])];
    if dice.once_in(2) {
        announcements.push(dice.one_of(&[approval, notification]));
    }
    for announcement in announcements {
        deliver(&stage, announcement(), &mut tally).await;
    }
    stage.server.fail(|_, _| None);
    stage.leases_run_out();
    // What has failed lies in a queue, and is sent again from there.
    let asked = deliver(&stage, approval(), &mut tally).await;
    let losses = faults.losses.load(Ordering::Relaxed);
    for (channel, count) in EVERYBODY.iter().zip(stage.counts()) {
        let given_up = || stage.world(|world| world.table.dump().contains("failed"));
        if count == 0 && asked && !given_up() {
            tally
                .wrong
                .push(format!("story {index}: {channel} was never asked"));
        }
        if count > 1 + losses {
            tally.wrong.push(format!(
                "story {index}: {channel} was asked {count} times, and {losses} answers were lost"
            ));
        }
    }
    let ends = [
        (Phase::Deploying, "SUCCEEDED"),
        (Phase::Rejected, "FAILED"),
        (Phase::Superseded, "ABANDONED"),
    ];
    let (phase, state) = dice.one_of(&ends);
    let more = Faults::let_loose(&stage, dice.split());
    stage.now(phase);
    deliver(&stage, action_changed(state), &mut tally).await;
    if phase == Phase::Deploying {
        stage.now(Phase::Live);
        deliver(&stage, execution_changed("SUCCEEDED"), &mut tally).await;
    }
    tally.faults = faults.met.load(Ordering::Relaxed) + more.met.load(Ordering::Relaxed);
    for call in stage.server.calls() {
        tally.false_passes += usize::from(ANSWERS.contains(&call.operation.as_str()));
    }
    let told = stage.world(|world| format!("{:?}{}", world.told, world.table.dump()));
    if told.contains(TOKEN) {
        tally
            .wrong
            .push(format!("story {index}: the token was told"));
    }
    tally
}

/// An event as Lambda delivers it; whether an invocation succeeded.
async fn deliver(stage: &Stage, event: Value, tally: &mut Tally) -> bool {
    for _ in 0..=LAMBDA_RETRIES {
        if invoked(tally, stage.time, stage.invoke(event.clone()))
            .await
            .is_ok()
        {
            tally.answered += 1;
            return true;
        }
    }
    tally.unheard += 1;
    false
}

struct Faults {
    met: Arc<AtomicUsize>,
    /// Those after which nobody knows whether a message went out, or that it did.
    losses: Arc<AtomicUsize>,
}

impl Faults {
    fn let_loose(stage: &Stage, dice: Dice) -> Self {
        let made = Self {
            met: Arc::default(),
            losses: Arc::default(),
        };
        let (met, losses) = (made.met.clone(), made.losses.clone());
        let dice = std::sync::Mutex::new(dice);
        stage.server.fail(move |call, _| {
            let mut dice = dice.lock().unwrap();
            if !dice.once_in(8) {
                return None;
            }
            met.fetch_add(1, Ordering::Relaxed);
            let fault = match dice.below(6) {
                0 => Fault::Lost,
                1 => Fault::Hang(Duration::from_secs(1 + dice.below(12) as u64)),
                2 => Fault::Denied,
                3 if call.operation.starts_with("chat.") => Fault::SlackError("ratelimited"),
                4 => Fault::Status(503),
                _ => Fault::Status(500),
            };
            let writes = ["PutItem", "UpdateItem", "ExecuteStatement"];
            let is_loss = fault == Fault::Lost || writes.contains(&call.operation.as_str());
            losses.fetch_add(usize::from(is_loss), Ordering::Relaxed);
            Some(fault)
        });
        made
    }
}
