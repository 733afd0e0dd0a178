//! The decision function: clicks in Slack, links and forgeries while calls fail. At most one decision takes effect, and a yes
//! only where enough of those who may have said so, about what they were shown.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use approvals::link_claims::LinkAction;
use drill::{Row, Tally};
use serde_json::Value;
use test_support::approvals::{Act, CallFault};

use crate::decision_fixture::{Answer, Fixture, Plan, Request, filled};
use crate::story::{Dice, LAMBDA_RETRIES, dice, invoked, paced, stories};

/// The fixture gives an invocation so much.
const LIMIT: Duration = Duration::from_secs(30);
/// Requests of a story.
const REQUESTS: usize = 6;
/// Yes is said by so many.
const NEED: usize = 2;
const POLICY: &str = "approvals: 2, starter_may_approve: true";
/// Approvers are `U0001` to `U0060`.
const STRANGER: usize = 99;

/// The drill.
pub fn drill(count: usize, seed: u64) -> Vec<Row> {
    // One after another: each keeps the log of its thread.
    let tally = paced(stories(count, 1, |index| story(index, seed)));
    vec![Row {
        function: "approval-decision",
        caller: "Slack, links, anybody",
        tally,
    }]
}

/// One approval.
async fn story(index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let fixture = Fixture::with(Plan {
        policy: POLICY,
        ..Plan::default()
    })
    .await;
    // What was shown is no longer what would be deployed, so that no yes counts any more.
    let is_changed = dice.once_in(6);
    if is_changed {
        fixture.world.interfere(Act::Change);
    }
    let met = faults(&fixture, dice.split());
    let mut yes = BTreeSet::new();
    for _ in 0..REQUESTS {
        request(&fixture, &mut dice, &mut yes, &mut tally).await;
        handed_over(&fixture, &mut tally).await;
    }
    fixture.world.no_fates();
    tally.faults = met.load(Ordering::Relaxed);
    let taken = fixture.taken();
    if taken.len() > 1 {
        tally.wrong.push(format!(
            "story {index}: decided more than once: {}",
            taken.len()
        ));
    }
    let approved = taken.iter().any(|(_, status, _)| status == "Approved");
    tally.passes = usize::from(approved);
    tally.false_passes = usize::from(approved && (is_changed || yes.len() < NEED));
    tally
}

/// Somebody wants something.
async fn request(
    fixture: &Fixture,
    dice: &mut Dice,
    yes: &mut BTreeSet<String>,
    tally: &mut Tally,
) {
    fixture.hands.pass(1);
    match dice.below(8) {
        0..=2 => {
            let user = 1 + dice.below(4);
            yes.insert(format!("slack:{user}"));
            click(fixture, user, "approve", tally).await;
        }
        3 if dice.once_in(4) => click(fixture, 1 + dice.below(4), "reject", tally).await,
        3 => click(fixture, STRANGER, "approve", tally).await,
        4 => {
            let path = fixture.path(LinkAction::Approve);
            if link(fixture, &path, dice, tally).await {
                yes.insert("lead".to_owned());
            }
        }
        5 => {
            // Only looks.
            let path = fixture.path(LinkAction::View);
            ask(fixture, &Request::new("GET", &path), tally).await;
        }
        6 => {
            let click = fixture.slack(&fixture.payload(1, "approve"));
            let forged = match dice.below(3) {
                0 => click.without("x-slack-signature"),
                1 => click.header("x-slack-signature", "v0=00"),
                _ => click.header("x-slack-request-timestamp", "1"),
            };
            refused(fixture, &forged, tally).await;
        }
        _ => {
            let path = format!("{}x", fixture.path(LinkAction::Approve));
            refused(fixture, &Request::new("POST", &path).body("seal=x"), tally).await;
        }
    }
}

/// A click, which Slack sends again once in a while; the function hands it to itself.
async fn click(fixture: &Fixture, user: usize, action: &str, tally: &mut Tally) {
    let request = fixture.slack(&fixture.payload(user, action));
    ask(fixture, &request, tally).await;
}

/// A link that is opened, and whose form is sent: twice, once in a while. Whether there was a form.
async fn link(fixture: &Fixture, path: &str, dice: &mut Dice, tally: &mut Tally) -> bool {
    let Some(page) = ask(fixture, &Request::new("GET", path), tally).await else {
        return false;
    };
    if page.seal().is_none() || page.cookie().is_none() {
        return false;
    }
    let form = filled(path, &page, "as discussed");
    for _ in 0..=usize::from(dice.once_in(3)) {
        ask(fixture, &form, tally).await;
    }
    true
}

/// Whoever calls a function URL is answered once, whatever happens, or hears of an error.
async fn ask(fixture: &Fixture, request: &Request, tally: &mut Tally) -> Option<Answer> {
    if let Ok(answer) = invoked(tally, LIMIT, fixture.invoke(request.event())).await {
        tally.answered += 1;
        if !answer["statusCode"].is_u64() {
            tally
                .wrong
                .push(format!("no answer of a function URL: {answer}"));
        }
        Some(Answer(answer))
    } else {
        tally.unheard += 1;
        None
    }
}

/// Whoever can't prove anything decides nothing.
async fn refused(fixture: &Fixture, request: &Request, tally: &mut Tally) {
    let before = fixture.taken();
    if let Some(answer) = ask(fixture, request, tally).await
        && answer.status() < 400
    {
        tally
            .wrong
            .push(format!("a forgery was answered {}", answer.status()));
    }
    if fixture.taken() != before {
        tally
            .wrong
            .push("a forgery has decided something".to_owned());
    }
}

/// Runs what the function has handed to itself, as Lambda does: again where it fails, and once in a while twice.
async fn handed_over(fixture: &Fixture, tally: &mut Tally) {
    let events: Vec<Value> = fixture
        .world
        .with(|state| std::mem::take(&mut state.invoked));
    for event in events {
        let mut heard = false;
        for _ in 0..=LAMBDA_RETRIES {
            heard = invoked(tally, LIMIT, fixture.invoke(event.clone()))
                .await
                .is_ok();
            if heard {
                break;
            }
        }
        tally.answered += usize::from(heard);
        tally.unheard += usize::from(!heard);
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
        let looks = operation.starts_with("Get") || operation.starts_with("List");
        Some(match dice.below(9) {
            0 | 1 => CallFault::Lose,
            2 => CallFault::Hang,
            3 => CallFault::Freeze(1 + dice.below(3) as u64),
            4 => CallFault::Fail(500, "InternalFailure"),
            5 => CallFault::Fail(400, "AccessDeniedException"),
            6 if looks => CallFault::Panic,
            7 if dice.once_in(8) => CallFault::Before(Act::Supersede),
            _ => CallFault::Fail(400, "ThrottlingException"),
        })
    });
    met
}
