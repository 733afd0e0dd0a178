//! `env down` and `env up`: what the schedule would do anyway, now and for a while. A dry run without `--yes`. Only the named
//! services are touched.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use environments::apply::{ApplyContext, ApplyResult, End, Outcome, apply_watched};
use environments::decide::Step;
use environments::plan::Plan;
use environments::run_report::{RunReport, summary};
use environments::savings::{CountedSleeps, savings};
use environments::schedule_overrides::{OverrideRequest, RequestKind};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use strict_yaml::words::count;
use tokio::time::Instant;

use super::requests::{Patterns, RequestTemplate};
use super::snapshot::{Snapshot, SnapshotArgs};
use super::times::{self, Until};
use super::{plain, stays_down, table};
use crate::failure::Failure;
use crate::screen::Screen;

/// Longer than any real run; what is left then is reported.
const MAX_WAIT: Duration = Duration::from_hours(2);
/// What is under way then has so long.
const MAX_OVERTIME: Duration = Duration::from_mins(5);

/// Stop or wake services.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    from: SnapshotArgs,
    /// Which: cluster/service or names, with * and ?; left out: all that are selected
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    #[command(flatten)]
    until: Until,
    /// Do it; without this nothing is changed
    #[arg(long)]
    yes: bool,
    /// Change nothing, which is what happens without --yes
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Who asks
    #[arg(long, env = "USER", default_value = "somebody at a command line")]
    by: String,
    /// The clock of a local AWS; never behind the real one
    #[arg(long, value_name = "INSTANT", value_parser = times::instant, hide = true)]
    at: Option<Timestamp>,
}

macro_rules! help {
    ($replaced_by:literal, $examples:literal) => {
        concat!(
            "Without --for and --until it holds until the next edge of each service's schedule. A later `",
            $replaced_by,
            "` for the same\nservices replaces it. It is about the account and region of your credentials alone. \
             Progress is on standard error, the summary on standard output.

Your AWS credentials need what the function's role has: the template lists it under EnvScheduler.

--yes counts whatever the function's own dry run (the parameter EnvironmentsDryRun) says. A function in dry run
changes nothing: it does not wake what was stopped here, nor stop again what was woken.

Exit codes: 0 done (or a dry run), 1 something failed or is left, 2 wrong call or configuration.

Examples:
",
            $examples
        )
    };
}

/// The help of `down`.
pub(crate) const DOWN_HELP: &str = help!(
    "up",
    "  deploy-hooks env down 'dev/*'                  what would be stopped
  deploy-hooks env down 'dev/*' --for 2h --yes
  deploy-hooks env down dev/shop --until 09:00 --yes"
);

/// The help of `up`.
pub(crate) const UP_HELP: &str = help!(
    "down",
    "  deploy-hooks env up dev/shop                   what would be woken
  deploy-hooks env up dev/shop --for 2h --yes
  deploy-hooks env up --yes                      everything that is selected"
);

/// Shown after something was done: nobody should find out only in the morning.
const OWN_DRY_RUN: &str = "\
Note: the function's own dry run (the parameter EnvironmentsDryRun) does not bind this command; a function in dry run \
does not wake in the morning what was stopped here: `env up` does.";

/// What is to be done.
struct Intent {
    /// All that people asked for, this included.
    requests: Vec<OverrideRequest>,
    /// This alone.
    new: Vec<OverrideRequest>,
    /// All services; only the named ones have a step.
    plan: Plan,
    /// The named ones.
    named: Plan,
}

/// Stops or wakes.
pub(crate) async fn run(ask: RequestKind, args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let patterns = Patterns::parse(&args.patterns)?;
    let began = Timestamp::now();
    let ahead = args
        .at
        .map_or(SignedDuration::ZERO, |at| at.duration_since(began));
    let ahead = ahead.max(SignedDuration::ZERO);
    let snapshot = args.from.read(began + ahead).await?;
    let intent = args.intent((ask, &patterns), &snapshot)?;
    if !args.yes {
        dry_run(&snapshot, &intent, screen)?;
        report_stays_down(ask, &intent, &snapshot, screen);
        return snapshot.whole();
    }
    for request in &intent.new {
        let written = snapshot.store().request(request).await;
        written.map_err(|error| Failure::Failed(format!("no service was touched: {error}")))?;
    }
    let clock = move || Timestamp::now() + ahead;
    let applied = reconcile(&snapshot, &intent, &clock).await;
    tell(&snapshot, &intent, &applied, screen)?;
    report_stays_down(ask, &intent, &snapshot, screen);
    let failed = applied.failures().count();
    let left = applied
        .outcomes
        .iter()
        .filter(|one| one.end == End::Continue)
        .count();
    if failed + left > 0 {
        let told = format!(
            "{} of {} did not succeed",
            failed + left,
            count(applied.outcomes.len(), "service")
        );
        return Err(Failure::Failed(told));
    }
    snapshot.whole()
}

impl Args {
    fn intent(
        &self,
        (ask, patterns): (RequestKind, &Patterns),
        snapshot: &Snapshot,
    ) -> Result<Intent, Failure> {
        let before = snapshot.plan(&snapshot.found.requests);
        let rows = patterns.choose(&before)?;
        let place = snapshot.where_it_is();
        let wish = RequestTemplate {
            ask,
            by: &self.by,
            now: snapshot.now,
            place: place.as_ref(),
        };
        let new = if let Some(until) = self.until.resolve(snapshot.now, &snapshot.zone())? {
            patterns.requests(wish, until)
        } else {
            let alike = snapshot.found.requests.iter().filter(|one| one.ask == ask);
            let alone = snapshot.plan(&alike.cloned().collect::<Vec<_>>());
            wish.until_next_edge(patterns, &rows, &alone)?
        };
        let mut requests = snapshot.found.requests.clone();
        requests.extend(new.iter().cloned());
        let mut plan = snapshot.plan(&requests);
        for row in plan
            .rows
            .iter_mut()
            .filter(|row| !patterns.match_one(&row.resource))
        {
            row.step = Step::Nothing;
            row.awaited_since = None;
        }
        let named = patterns.narrow(&plan);
        Ok(Intent {
            requests,
            new,
            plan,
            named,
        })
    }
}

fn dry_run(snapshot: &Snapshot, intent: &Intent, screen: &mut Screen) -> Result<(), Failure> {
    if screen.json {
        let value = json!({"dry_run": true, "requests": intent.new, "plan": intent.named});
        screen.value(&value)?;
        return Ok(());
    }
    let zone = snapshot.zone();
    for line in table::plan(&intent.named, &zone, false, screen) {
        screen.line(line)?;
    }
    for request in &intent.new {
        let until = times::written(request.until, &zone);
        screen.line(format!(
            "It would hold for {} until {until}, {}.",
            request.services,
            snapshot.zone_name()
        ))?;
    }
    screen.line("Dry run: nothing was changed. Say --yes to do it.")?;
    Ok(())
}

async fn reconcile(
    snapshot: &Snapshot,
    intent: &Intent,
    clock: &(dyn Fn() -> Timestamp + Sync),
) -> ApplyResult {
    let deadline = Instant::now() + MAX_WAIT;
    let work = ApplyContext {
        aws: &snapshot.aws,
        store: snapshot.store(),
        config: &snapshot.config,
        limiters: &snapshot.limiters,
        sizes: &snapshot.sizes,
        requests: &intent.requests,
        clock,
        run: &snapshot.run,
        deadline,
        cut: deadline + MAX_OVERTIME,
    };
    let (all, done) = (intent.plan.work().count(), AtomicUsize::new(0));
    let watch = |outcome: &Outcome| {
        let number = done.fetch_add(1, Ordering::Relaxed) + 1;
        // Progress that nobody can read is no reason to stop.
        let _ = writeln!(std::io::stderr(), "[{number}/{all}] {}", progress(outcome));
    };
    apply_watched(&work, &intent.plan, &watch).await
}

/// `dev/shop: wake: done`
fn progress(outcome: &Outcome) -> String {
    let end = match &outcome.end {
        End::Done => "done".to_owned(),
        End::Nothing => "nothing left to do".to_owned(),
        End::Busy => "another run holds it".to_owned(),
        End::Continue => "not begun, or not over in time".to_owned(),
        End::Refused { what, detail, .. } => format!("refused: {what}: {detail}"),
        End::Failed { what, detail, .. } => format!("failed: {what}: {detail}"),
    };
    plain(&format!(
        "{}: {}: {end}",
        outcome.place,
        outcome.step.word()
    ))
}

fn tell(
    snapshot: &Snapshot,
    intent: &Intent,
    applied: &ApplyResult,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let saved = savings(
        &intent.named,
        &snapshot.found.records,
        &snapshot.config.prices,
        CountedSleeps::Ending,
    );
    let told = summary(&RunReport {
        plan: &intent.named,
        applied: Some(applied),
        problems: &[],
        savings: Some(&saved),
    });
    if screen.json {
        let value =
            json!({"dry_run": false, "requests": intent.new, "applied": applied, "summary": told});
        screen.value(&value)?;
        return Ok(());
    }
    for line in told.lines() {
        screen.line(plain(line))?;
    }
    let zone = snapshot.zone();
    for request in &intent.new {
        let until = times::written(request.until, &zone);
        screen.line(format!(
            "It holds for {} until {until}, {}.",
            request.services,
            snapshot.zone_name()
        ))?;
    }
    if intent
        .new
        .iter()
        .any(|one| one.ask == RequestKind::ForceDown)
    {
        screen.line(OWN_DRY_RUN)?;
    }
    Ok(())
}

/// Services that stay down although they were named.
fn report_stays_down(ask: RequestKind, intent: &Intent, snapshot: &Snapshot, screen: &mut Screen) {
    if ask == RequestKind::Snooze {
        for line in stays_down(&intent.named, &snapshot.zone()) {
            screen.error(&line);
        }
    }
}
