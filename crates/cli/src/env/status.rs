//! `env status`: what sleeps since when, what it had, when that changes, and what it saves. Only reads.

use environments::decide::Step;
use environments::plan::{Plan, PlanRow, Totals};
use environments::savings::{CountedSleeps, Savings, savings};
use environments::sleep_record::{Phase, SleepRecord};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::requests::Patterns;
use super::snapshot::{Selection, Snapshot};
use super::table::next_edge;
use super::{plain, times};
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::table::{Cell, lines};

/// Show what sleeps and since when, what it had before, and what that saves.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    only: Selection,
    /// Judge as of this instant: 2026-11-23T22:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = times::instant)]
    at: Option<Timestamp>,
}

const EXAMPLES: &str = "\
Savings are estimates, by the prices in the configuration, for the tasks that a service had.

Exit codes: 0 all was read, 1 something could not be read (the rest is shown), 2 wrong call or configuration.

Examples:
  deploy-hooks env status --config environments.yaml --table TABLE   # the stack's output EnvironmentsTableName
  deploy-hooks env status --json 'dev/*'";

/// Shows how all are.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let patterns = Patterns::parse(&args.only.patterns)?;
    let snapshot = args
        .only
        .from
        .read(args.at.unwrap_or_else(Timestamp::now))
        .await?;
    let plan = patterns.narrow(&snapshot.plan(&snapshot.found.requests));
    let mut entries = entries(&snapshot, &plan);
    entries.sort_by_key(|entry| entry.row.resource.place());
    let total = total(&entries, &snapshot);
    if screen.json {
        let services: Vec<Value> = entries.iter().map(Entry::as_json).collect();
        let problems = snapshot.problems();
        screen.value(
            &json!({"at": snapshot.now, "services": services, "saved": total, "problems": problems}),
        )?;
    } else {
        for line in as_text(&entries, &total, &snapshot, screen) {
            screen.line(line)?;
        }
    }
    snapshot.whole()
}

/// A service that is selected, or sleeps.
struct Entry<'a> {
    row: &'a PlanRow,
    record: Option<&'a SleepRecord>,
    saved: Savings,
}

fn entries<'a>(snapshot: &'a Snapshot, plan: &'a Plan) -> Vec<Entry<'a>> {
    let ours = plan
        .rows
        .iter()
        .filter(|row| row.desired_state.is_some() || row.phase.is_some() || row.attention);
    ours.map(|row| Entry {
        row,
        record: snapshot.found.records.get(&row.resource.arn),
        saved: saved(row, snapshot),
    })
    .collect()
}

/// By the sleep that lasts, or is about to end.
fn saved(row: &PlanRow, snapshot: &Snapshot) -> Savings {
    let alone = Plan {
        at: snapshot.now,
        rows: vec![row.clone()],
        totals: Totals::default(),
    };
    let which = if row.step.is_up() {
        CountedSleeps::Ending
    } else {
        CountedSleeps::Lasting
    };
    savings(
        &alone,
        &snapshot.found.records,
        &snapshot.config.prices,
        which,
    )
}

fn total(entries: &[Entry<'_>], snapshot: &Snapshot) -> Savings {
    let mut total = Savings {
        currency: snapshot.config.prices.currency.clone(),
        ..Savings::default()
    };
    for saved in entries.iter().map(|entry| &entry.saved) {
        total.vcpu_hours += saved.vcpu_hours;
        total.gb_hours += saved.gb_hours;
        total.money += saved.money;
        total.resources += saved.resources;
        total.unknown += saved.unknown;
    }
    total
}

impl Entry<'_> {
    /// Its state, in a word or two.
    fn state(&self) -> (&'static str, Option<Style>) {
        let runs = self.row.resource.desired > 0;
        match self.row.phase {
            _ if matches!(self.row.step, Step::Conflict { .. }) => {
                ("conflict", Some(Style::Careful))
            }
            Some(Phase::Conflict) => ("conflict", Some(Style::Careful)),
            Some(Phase::GoingDown) => ("going to sleep", None),
            Some(Phase::Down) if !self.row.sleeps() => ("still runs", Some(Style::Careful)),
            Some(Phase::Down) => ("asleep", Some(Style::Quiet)),
            Some(Phase::Up) if self.row.condition.is_some() => ("not up", Some(Style::Careful)),
            Some(Phase::GoingUp) => ("waking", None),
            Some(Phase::Left) if runs => ("awake by hand", Some(Style::Good)),
            _ if runs => ("awake", Some(Style::Good)),
            _ => ("at zero", Some(Style::Quiet)),
        }
    }

    /// What it had before we stopped it; none while it has it.
    fn had(&self) -> Option<String> {
        let away = !matches!(self.row.phase, None | Some(Phase::Up | Phase::Left));
        let was = self.record.filter(|_| away)?.was.as_ref()?;
        Some(was.level.to_string())
    }

    fn cells(&self, zone: &TimeZone) -> [Cell; 7] {
        let (state, style) = self.state();
        let since = self.row.since.map(|at| times::written(at, zone));
        let money = (self.saved.resources > self.saved.unknown)
            .then(|| format!("{:.2} {}", self.saved.money, self.saved.currency));
        let note = match self.row.step {
            Step::Nothing if self.row.condition.is_none() => String::new(),
            Step::Nothing => self.row.why.clone(),
            _ => format!("{}: {}", self.row.step.word(), self.row.why),
        };
        [
            (plain(&self.row.resource.place()), None),
            (state.to_owned(), style),
            (since.unwrap_or_default(), None),
            (self.had().unwrap_or_default(), None),
            (next_edge(self.row, zone), None),
            (money.unwrap_or_default(), None),
            (plain(&note), style.filter(|_| self.row.attention)),
        ]
    }

    fn as_json(&self) -> Value {
        let service = &self.row.resource;
        json!({
            "service": service.place(),
            "arn": service.arn,
            "state": self.state().0,
            "since": self.row.since,
            "has": service.level(),
            "had": self.record.and_then(|record| record.was.as_ref()).map(|was| was.level),
            "desired_state": self.row.desired_state.map(|state| state.to_string()),
            "rule": self.row.want_rule,
            "next_edge": self.row.next_edge,
            "do": self.row.step.word(),
            "why": self.row.why,
            "conflict": self.record.and_then(|record| record.conflict.as_ref()),
            "saved": self.saved,
        })
    }
}

fn as_text(
    entries: &[Entry<'_>],
    total: &Savings,
    snapshot: &Snapshot,
    screen: &Screen,
) -> Vec<String> {
    if entries.is_empty() {
        return vec!["No service is selected; `env plan --all` says why.".to_owned()];
    }
    let zone = snapshot.zone();
    let rows: Vec<[Cell; 7]> = entries.iter().map(|entry| entry.cells(&zone)).collect();
    let head = ["service", "state", "since", "had", "next", "saved", "note"];
    let mut told = lines(head, &rows, screen);
    if total.resources > 0 {
        told.push(format!("Saved so far: {total}."));
    }
    told.push(format!("Times are those of {}.", snapshot.zone_name()));
    told
}
