//! Reports each problem once, and again if it is still there a day later: a tick every few minutes must not fill a channel
//! with the same sentence.

use std::collections::{BTreeMap, HashSet};

use channels::{
    Announcement, AnnouncementList, DispatchError, MessageKey, Recipient, Severity, fill,
};
use contacts::Language;
use environments::apply::{ApplyResult, End};
use environments::condition::Condition;
use environments::decide::Step;
use environments::plan::PlanRow;
use environments::sleep_record::Phase;
use futures::future::join_all;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use ledger::ClaimGuard;
use signing::OpaqueId;

use super::messenger::{Broadcast, Messenger};
use super::morning_summary::whereabouts;
use super::offer::derived_id;
use super::texts::{Texts, Zone};
use super::{FailedRun, NotifyError};
use crate::event::Action;
use crate::run::{RunContext, RunOutcome};
use crate::{Function, Invocation};

/// Claims at once.
const CONCURRENT_CLAIMS: usize = 32;
/// More problems of one run than these are only counted.
const MAX_PROBLEMS: usize = 500;
/// The name of these messages in records.
const MESSAGE_NAME: &str = "problems";
/// Lines of an error.
const MAX_ERROR_LINES: usize = 40;

/// One problem, and the key by which the next tick recognises it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    key: String,
    what: ProblemKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ProblemKind {
    Failed {
        place: String,
        why: String,
        remedy: String,
    },
    Stuck {
        place: String,
        why: String,
    },
    Unmet {
        place: String,
        why: String,
        remedy: &'static str,
    },
    Unread(String),
    Restarted(String),
    More(usize),
}

/// Sends each recipient the problems of a run that are new to it.
pub(super) async fn report(
    run: &RunContext<'_>,
    done: &RunOutcome,
    messenger: &Messenger<'_>,
) -> Vec<NotifyError> {
    let recipients = messenger.recipients(&run.config.people.tell.problems);
    if recipients.is_empty() {
        return Vec::new();
    }
    let all = at_most(MAX_PROBLEMS, problems(run, done.applied.as_ref()));
    let sending = recipients
        .iter()
        .map(|to| Box::pin(send_one(run, messenger, to, &all)));
    join_all(sending).await.into_iter().flatten().collect()
}

/// A problem counts as reported only when its message was delivered: what fails is sent by the next run.
async fn send_one(
    run: &RunContext<'_>,
    messenger: &Messenger<'_>,
    to: &Recipient,
    all: &[Problem],
) -> Vec<NotifyError> {
    let (new, mut unsent) = claimed(run, messenger, to, all).await;
    if new.is_empty() {
        return unsent;
    }
    let mut parts = vec![MESSAGE_NAME];
    parts.extend(new.iter().map(|one| one.id.as_str()));
    let id = derived_id(&parts);
    let problems: Vec<&Problem> = new.iter().map(|one| one.problem).collect();
    let message = Broadcast {
        id: &id,
        occasion: MESSAGE_NAME,
        is_late: &|| false,
        news: &|_, texts| news(run, &problems, texts),
    };
    let failed = messenger.send(std::slice::from_ref(to), &message).await;
    let why = failed.first().map(ToString::to_string);
    unsent.extend(failed.into_iter().map(NotifyError::from));
    let ledger = messenger.ledger();
    let noting = stream::iter(new).map(|one| {
        let (ledger, why) = (&ledger, &why);
        async move {
            match why {
                None => ledger.delivered(one.claim, None).await,
                Some(why) => ledger.delivery_failed(one.claim, why).await,
            }
        }
    });
    let noted: Vec<_> = noting.buffered(CONCURRENT_CLAIMS).collect().await;
    let unnoted = noted.into_iter().find_map(Result::err);
    unsent.extend(unnoted.map(NotifyError::Note));
    unsent
}

fn problems(run: &RunContext<'_>, applied: Option<&ApplyResult>) -> Vec<Problem> {
    let outcomes = applied.into_iter().flat_map(ApplyResult::failures);
    let failed = outcomes.filter_map(|outcome| {
        let End::Failed {
            call,
            detail,
            remedy,
            ..
        } = &outcome.end
        else {
            return None;
        };
        let detail = detail
            .replace(&outcome.arn, "ARN")
            .replace(&outcome.place, "SERVICE");
        Some(Problem {
            key: format!("failed {call} {}", outcome.arn),
            what: ProblemKind::Failed {
                place: outcome.place.clone(),
                why: format!("{call}: {detail}"),
                remedy: remedy.clone(),
            },
        })
    });
    let unread = run.gathered.problems.iter().map(|problem| Problem {
        key: format!("unread {}", problem.key),
        what: ProblemKind::Unread(problem.to_string()),
    });
    let restarted = stopped_again(&run.plan.rows, applied).into_iter();
    let restarted = restarted.map(|row| Problem {
        key: format!("restarted {}", row.resource.arn),
        what: ProblemKind::Restarted(row.resource.place()),
    });
    let stuck = run.plan.rows.iter().filter(|row| row.stuck);
    let stuck = stuck.map(|row| Problem {
        key: format!("stuck {}", row.resource.arn),
        what: ProblemKind::Stuck {
            place: row.resource.place(),
            why: row.why.clone(),
        },
    });
    // By the name under which the next plan knows it.
    let outcomes = applied.into_iter().flat_map(|applied| &applied.outcomes);
    let refused = outcomes.filter_map(|outcome| match &outcome.end {
        End::Refused {
            detail,
            again: false,
            ..
        } => {
            let condition = Condition::Refused {
                detail: detail.clone(),
            };
            Some((&outcome.arn, outcome.place.clone(), condition))
        }
        _ => None,
    });
    let rows = run.plan.rows.iter();
    let unmet = rows.filter_map(|row| {
        let condition = row.condition.clone()?;
        Some((&row.resource.arn, row.resource.place(), condition))
    });
    let unmet = unmet.chain(refused).map(|(arn, place, condition)| Problem {
        key: format!("unmet {} {arn}", condition.word()),
        what: ProblemKind::Unmet {
            place,
            why: condition.to_string(),
            remedy: condition.remedy(),
        },
    });
    let more = restarted.chain(stuck).chain(unmet);
    failed.chain(unread).chain(more).collect()
}

/// The databases that AWS had started again, and that this run has stopped.
fn stopped_again<'r>(rows: &'r [PlanRow], applied: Option<&ApplyResult>) -> Vec<&'r PlanRow> {
    let outcomes = applied.into_iter().flat_map(|applied| &applied.outcomes);
    let stopped: HashSet<&str> = outcomes
        .filter(|outcome| outcome.end == End::Done && outcome.step.is_down())
        .map(|outcome| outcome.arn.as_str())
        .collect();
    let is_stopped = |row: &&PlanRow| stopped.contains(row.resource.arn.as_str());
    let restarted = rows.iter().filter(|row| was_restarted(row));
    restarted.filter(is_stopped).collect()
}

/// Only AWS itself makes a sleeping database run as it did before, so that it must be stopped again.
fn was_restarted(row: &PlanRow) -> bool {
    row.resource.kind.restarted_after().is_some()
        && row.phase == Some(Phase::Down)
        && matches!(row.step, Step::FinishSleep { .. })
}

/// The first ones, and how many more there are.
fn at_most(most: usize, mut all: Vec<Problem>) -> Vec<Problem> {
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    if more > 0 {
        all.push(Problem {
            key: "more".to_owned(),
            what: ProblemKind::More(more),
        });
    }
    all
}

/// A day from noon to noon, so that a night is one day: what fails in the evening is reported again on the next afternoon.
fn day(at: Timestamp, zone: &Zone) -> String {
    let at = at.to_zoned(zone.zone().clone());
    let date = at.date();
    let date = if at.hour() < 12 {
        date.yesterday().unwrap_or(date)
    } else {
        date
    };
    date.to_string()
}

/// A problem that this run is to send to one recipient.
struct ClaimedProblem<'a> {
    id: OpaqueId,
    claim: ClaimGuard,
    problem: &'a Problem,
}

/// Those that this recipient did not get today and that no other run is sending.
async fn claimed<'a>(
    run: &RunContext<'_>,
    messenger: &Messenger<'_>,
    to: &Recipient,
    all: &'a [Problem],
) -> (Vec<ClaimedProblem<'a>>, Vec<NotifyError>) {
    let zone = Zone::of(run.config.zone.as_deref());
    let today = day(run.now, &zone);
    let dispatcher = messenger.dispatcher();
    let place = run.place;
    let asked = stream::iter(all).map(|problem| {
        let (today, dispatcher) = (&today, &dispatcher);
        async move {
            let parts = [&place.account, &place.region, &problem.key, today];
            let id = derived_id(&parts.map(String::as_str));
            let claim = dispatcher
                .claim(MessageKey::About(&id, MESSAGE_NAME), to)
                .await?;
            Ok::<_, DispatchError>(match claim {
                channels::DeliveryClaim::Granted(claim) => {
                    Some(ClaimedProblem { id, claim, problem })
                }
                channels::DeliveryClaim::Before(_) | channels::DeliveryClaim::Left => None,
            })
        }
    });
    let asked: Vec<_> = asked.buffered(CONCURRENT_CLAIMS).collect().await;
    let (mut new, mut failed) = (Vec::new(), None);
    for one in asked {
        match one {
            Ok(one) => new.extend(one),
            Err(error) => failed = failed.or(Some(NotifyError::Claim(error))),
        }
    }
    (new, failed.into_iter().collect())
}

fn title(new: usize, texts: &Texts) -> String {
    fill(
        texts.problems_title,
        &[("problems", &texts.problems.of(new))],
    )
}

/// How many problems these are.
fn number(problems: &[&Problem]) -> usize {
    let number = |problem: &&Problem| match problem.what {
        ProblemKind::More(more) => more,
        _ => 1,
    };
    problems.iter().map(number).sum()
}

fn news(run: &RunContext<'_>, new: &[&Problem], texts: &Texts) -> Announcement {
    let zone = Zone::of(run.config.zone.as_deref());
    let (mut unread, mut unmet) = (Vec::new(), Vec::new());
    let mut restarted = Vec::new();
    let mut more = Vec::new();
    let mut alike: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut stuck: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for problem in new {
        match &problem.what {
            ProblemKind::Failed { place, why, remedy } => {
                alike.entry((why, remedy)).or_default().push(place);
            }
            ProblemKind::Stuck { place, why } => stuck.entry(why).or_default().push(place),
            ProblemKind::Unmet { place, why, remedy } => {
                let remedy = fill(texts.remedy, &[("remedy", remedy)]);
                unmet.push(format!("{place}: {why}. {remedy}"));
            }
            ProblemKind::Unread(text) => unread.push(text.clone()),
            ProblemKind::Restarted(place) => {
                restarted.push(fill(texts.restarted_line, &[("place", place)]));
            }
            ProblemKind::More(n) => more.push(fill(texts.and_more, &[("n", &n.to_string())])),
        }
    }
    let failed = alike.into_iter().map(|((why, remedy), places)| {
        let remedy = fill(texts.remedy, &[("remedy", remedy)]);
        format!("{}: {why}. {remedy}", texts.names(&places))
    });
    let stuck = stuck.into_iter();
    let stuck = stuck.map(|(why, places)| format!("{}: {why}.", texts.names(&places)));
    let list = |heading: &str, lines: Vec<String>, first| AnnouncementList {
        heading: heading.to_owned(),
        lines,
        first,
    };
    Announcement {
        name: MESSAGE_NAME,
        title: title(number(new), texts),
        ascii_title: title(number(new), Texts::of(Language::English)),
        severity: Severity::Bad,
        lead: vec![whereabouts(run, texts), texts.problems_once.to_owned()],
        lists: vec![
            list(texts.failed, failed.collect(), true),
            list(texts.unread, unread, true),
            list(texts.unmet, unmet, true),
            list(texts.stuck, stuck.collect(), true),
            list(texts.restarted, restarted, false),
            list("", more, true),
        ],
        choices: Vec::new(),
        footer: fill(texts.footer, &[("zone", &zone.name)]),
    }
}

/// Reports that a run could not even begin.
pub(super) async fn report_run(
    (function, invocation): (&Function, &Invocation),
    messenger: &Messenger<'_>,
    failed: &FailedRun<'_>,
    names: &[String],
) -> Vec<NotifyError> {
    let recipients = messenger.recipients(names);
    let event = failed.event;
    let error = failed.error.key();
    let at = event.at.map(|at| at.to_string());
    // At each evening and morning; at ticks once in a day.
    let when = match event.action {
        Action::Down | Action::Up => at.unwrap_or_else(|| invocation.request_id.clone()),
        _ => day(function.now(), &Zone::of(None)),
    };
    let word = match event.action {
        Action::Down | Action::Up => event.action.word(),
        _ => "tick",
    };
    let account = event.account.as_deref().unwrap_or_default();
    let region = event.region.as_deref().unwrap_or_default();
    let id = derived_id(&["run", account, region, word, &when, &error]);
    let message = Broadcast {
        id: &id,
        occasion: MESSAGE_NAME,
        is_late: &|| false,
        news: &|_, texts| run_news(failed, texts),
    };
    let failed = messenger.send(&recipients, &message).await;
    failed.into_iter().map(NotifyError::from).collect()
}

fn run_news(failed: &FailedRun<'_>, texts: &Texts) -> Announcement {
    let mut lines: Vec<String> = failed
        .error
        .to_string()
        .lines()
        .map(str::to_owned)
        .collect();
    let more = lines.len().saturating_sub(MAX_ERROR_LINES);
    lines.truncate(MAX_ERROR_LINES);
    if more > 0 {
        lines.push(fill(texts.more_in_log, &[("n", &more.to_string())]));
    }
    let action = failed.event.action.word();
    Announcement {
        name: MESSAGE_NAME,
        title: texts.problems_run.to_owned(),
        ascii_title: Texts::of(Language::English).problems_run.to_owned(),
        severity: Severity::Bad,
        lead: vec![fill(texts.problems_run_lead, &[("action", action)])],
        lists: vec![AnnouncementList {
            heading: String::new(),
            lines,
            first: true,
        }],
        choices: Vec::new(),
        footer: fill(texts.footer, &[("zone", "UTC")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted() {
        let problem = |n: usize| Problem {
            key: n.to_string(),
            what: ProblemKind::Unread(n.to_string()),
        };
        let of = |n| at_most(3, (0..n).map(problem).collect());
        assert_eq!(of(3), [problem(0), problem(1), problem(2)]);
        let cut = of(10);
        assert_eq!(cut[..3], of(3));
        assert_eq!((cut.len(), &cut[3].what), (4, &ProblemKind::More(7)));
        assert_eq!(number(&cut.iter().collect::<Vec<_>>()), 10);
    }

    #[test]
    fn only_a_database_that_slept_was_restarted_by_aws() {
        use environments::resource::{Kind, Resource};
        let row = |kind, phase| PlanRow {
            resource: Resource {
                kind,
                ..Resource::default()
            },
            phase: Some(phase),
            since: None,
            desired_state: None,
            step: Step::FinishSleep {
                was: environments::resource::Capacity::default(),
            },
            why: String::new(),
            want_rule: None,
            source: None,
            remarks: Vec::new(),
            next_edge: None,
            tier: String::new(),
            tier_number: 0,
            order: None,
            about_when: None,
            condition: None,
            gives: None,
            notes: Vec::new(),
            noted_short: false,
            awaited_since: None,
            is_override_unclear: false,
            left_asleep: false,
            attention: false,
            stuck: false,
        };
        let restarted = [row(Kind::RdsInstance, Phase::Down)];
        let ended = |end| ApplyResult {
            outcomes: vec![environments::apply::Outcome {
                arn: restarted[0].resource.arn.clone(),
                kind: Kind::RdsInstance,
                place: restarted[0].resource.place(),
                step: restarted[0].step.clone(),
                why: String::new(),
                end,
            }],
            ..ApplyResult::default()
        };
        let told = |end: Option<End>| {
            let applied = end.map(ended);
            stopped_again(&restarted, applied.as_ref()).len()
        };
        assert_eq!(told(Some(End::Done)), 1);
        // It runs on: in a dry run, and where the stop has failed.
        assert_eq!(told(None), 0);
        assert_eq!(told(Some(End::Continue)), 0);
        assert!(was_restarted(&row(Kind::RdsInstance, Phase::Down)));
        assert!(was_restarted(&row(Kind::RdsCluster, Phase::Down)));
        assert!(!was_restarted(&row(Kind::RdsInstance, Phase::GoingDown)));
        assert!(!was_restarted(&row(Kind::EcsService, Phase::Down)));
    }

    #[test]
    fn a_night_is_one_day() {
        let berlin = Zone::of(Some("Europe/Berlin"));
        let on = |text: &str| day(text.parse().unwrap(), &berlin);
        assert_eq!(on("2026-11-20T21:00:00Z"), on("2026-11-21T08:00:00Z"));
        assert_eq!(on("2026-11-21T10:59:59Z"), "2026-11-20");
        assert_eq!(on("2026-11-21T11:00:00Z"), "2026-11-21");
    }
}
