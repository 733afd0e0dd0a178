//! The scheduler: a night and a morning under faults. What must never sleep never changes, and in the end everything is as
//! it was in the evening.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drill::{Row, Tally};
use serde_json::{Value, json};
use test_support::environments::{CallFault, Svc, block_on};

use crate::fixture::{Fixture, MORNING, NIGHT};
use crate::story::{Dice, LAMBDA_RETRIES, dice, invoked, stories};

/// What may sleep.
const OURS: [&str; 3] = ["dev/web", "dev/api", "test/web"];
/// Runs with nothing in the way, until everything has come to rest.
const CALM_TICKS: usize = 6;

/// The drill.
pub fn drill(count: usize, seed: u64) -> Vec<Row> {
    let tally = block_on(stories(count, 1, |index| story(index, seed)));
    vec![Row {
        function: "env-scheduler",
        caller: "schedules",
        tally,
    }]
}

/// One night.
async fn story(index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let fixture = Fixture::new();
    fixture.add("dev/web", Svc::new(3).scaled(2, 6, [false, true, false]));
    fixture.add("dev/api", Svc::new(2));
    fixture.add("test/web", Svc::new(1));
    fixture.add("test/plain", Svc::plain(4));
    fixture.add("prod/web", Svc::new(5));
    let evening = fixture.all();
    fixture.until(NIGHT).await;
    let met = faults(&fixture, dice.split());
    runs(
        &fixture,
        &json!({"action": "down", "at": NIGHT}),
        &mut dice,
        &mut tally,
    )
    .await;
    runs(&fixture, &json!({"action": "tick"}), &mut dice, &mut tally).await;
    calm(&fixture, &mut tally).await;
    let awake: Vec<&str> = OURS
        .into_iter()
        .filter(|it| fixture.desired(it) > 0)
        .collect();
    if !awake.is_empty() {
        tally
            .wrong
            .push(format!("night {index}: {awake:?} never sleep"));
    }
    fixture.until(MORNING).await;
    let met_in_the_morning = faults(&fixture, dice.split());
    runs(
        &fixture,
        &json!({"action": "up", "at": MORNING}),
        &mut dice,
        &mut tally,
    )
    .await;
    calm(&fixture, &mut tally).await;
    tally.faults += met.load(Ordering::Relaxed) + met_in_the_morning.load(Ordering::Relaxed);
    judge(&fixture, evening, index, &mut tally);
    tally
}

/// An event as a schedule sends it: repeated by Lambda where it fails, delivered twice once in a while.
async fn runs(fixture: &Fixture, event: &Value, dice: &mut Dice, tally: &mut Tally) {
    for _ in 0..=usize::from(dice.once_in(3)) {
        let mut failed = false;
        for _ in 0..=LAMBDA_RETRIES {
            let limit = dice.one_of(&[Duration::from_mins(15), Duration::from_mins(2)]);
            // Lambda ends it in the middle of its work.
            let killed = dice
                .once_in(6)
                .then(|| Duration::from_secs(1 + dice.below(20) as u64));
            let run = async {
                match killed {
                    None => fixture
                        .invoke_for(limit, event.clone())
                        .await
                        .map_err(|it| it.to_string()),
                    Some(after) => {
                        let run = fixture.invoke_for(limit, event.clone());
                        let ended = tokio::time::timeout(after, run).await;
                        ended
                            .map_err(|_| "Task timed out".to_owned())?
                            .map_err(|it| it.to_string())
                    }
                }
            };
            failed = invoked(tally, limit, run).await.is_err();
            if !failed {
                break;
            }
        }
        tally.answered += usize::from(!failed);
        tally.unheard += usize::from(failed);
        rest(fixture, tally).await;
    }
}

/// What a run has handed to itself.
async fn rest(fixture: &Fixture, tally: &mut Tally) {
    while let Some(next) = fixture.beside(|beside| beside.invoked.pop_front()) {
        let limit = Duration::from_mins(15);
        let _ = invoked(tally, limit, fixture.invoke_for(limit, next)).await;
    }
}

/// Ticks, with nothing in the way.
async fn calm(fixture: &Fixture, tally: &mut Tally) {
    fixture.world.no_fates();
    for _ in 0..CALM_TICKS {
        tokio::time::sleep(Duration::from_mins(5)).await;
        let limit = Duration::from_mins(15);
        let run = fixture.invoke_for(limit, json!({"action": "tick"}));
        match invoked(tally, limit, run).await {
            Ok(_) => tally.answered += 1,
            Err(why) => tally.wrong.push(format!("with nothing in the way: {why}")),
        }
    }
}

fn faults(fixture: &Fixture, mut dice: Dice) -> Arc<AtomicUsize> {
    let met = Arc::new(AtomicUsize::new(0));
    let counter = met.clone();
    fixture.world.fates(move |_, operation| {
        if !dice.once_in(8) {
            return None;
        }
        counter.fetch_add(1, Ordering::Relaxed);
        let looks = operation.starts_with("Describe") || operation.starts_with("List");
        Some(match dice.below(7) {
            0 => CallFault::Lose,
            // One that hangs is cut by the time limits of the real clients, which these have none of.
            1 | 2 => CallFault::Freeze(1 + dice.below(5) as u64),
            3 => CallFault::Fail(500, "ServerException"),
            4 => CallFault::Fail(400, "AccessDeniedException"),
            5 if looks => CallFault::Panic,
            _ => CallFault::Fail(400, "ThrottlingException"),
        })
    });
    met
}

/// A wake-up is a pass here: of what slept, to what it had, and of nothing else.
fn judge(
    fixture: &Fixture,
    evening: std::collections::BTreeMap<String, Svc>,
    index: u64,
    tally: &mut Tally,
) {
    let mut morning = fixture.all();
    for (place, service) in &mut morning {
        service.counts.clone_from(&evening[place].counts);
        tally.passes += usize::from(OURS.contains(&place.as_str()));
    }
    for (place, service) in evening {
        if morning[&place] != service {
            tally.false_passes += usize::from(OURS.contains(&place.as_str()));
            let now = &morning[&place];
            tally.wrong.push(format!(
                "night {index}: {place} is not as it was: {} of {} tasks",
                now.desired, service.desired
            ));
        }
    }
    let others = fixture.world.ecs(|ecs| {
        let changes = ecs
            .changes
            .iter()
            .filter(|it| !OURS.contains(&it.place.as_str()));
        changes.map(|it| it.place.clone()).collect::<Vec<_>>()
    });
    if !others.is_empty() {
        tally.false_passes += others.len();
        tally
            .wrong
            .push(format!("night {index}: {others:?} must never be changed"));
    }
}
