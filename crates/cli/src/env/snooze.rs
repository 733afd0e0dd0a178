//! `env snooze`: a sleep is put off. Writes one record for each pattern into the state table and nothing else.

use common::state::Table;
use environments::record_store::RecordStore;
use environments::schedule_overrides::{OverrideRequest, RequestKind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::requests::{Patterns, RequestTemplate};
use super::snapshot::{Snapshot, SnapshotArgs};
use super::table;
use super::times::{self, Until};
use crate::failure::Failure;
use crate::screen::Screen;

/// Put the sleep of services off.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    from: SnapshotArgs,
    /// Which: cluster/service or names, with * and ?
    #[arg(value_name = "PATTERN", required = true)]
    patterns: Vec<String>,
    #[command(flatten)]
    until: Until,
    /// Change nothing
    #[arg(long)]
    dry_run: bool,
    /// Who asks
    #[arg(long, env = "USER", default_value = "somebody at a command line")]
    by: String,
    /// The clock of a local AWS; never behind the real one
    #[arg(long, value_name = "INSTANT", value_parser = times::instant, hide = true)]
    at: Option<Timestamp>,
}

const EXAMPLES: &str = "\
With a configuration it says which services it is about, and refuses a pattern that is about none. Without one it
only needs the state table (dynamodb:PutItem), and holds in each account and region that shares it. What sleeps already wakes with the next tick; `env up` wakes at once.

Exit codes: 0 done, 1 it could not be written, 2 wrong call or configuration.

Examples:
  deploy-hooks env snooze dev/shop --for 2h --table TABLE   # the stack's output EnvironmentsTableName
  deploy-hooks env snooze 'dev/*' --until 23:30 --config environments.yaml --by lead";

/// Puts it off.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let patterns = Patterns::parse(&args.patterns)?;
    if !args.until.is_given() {
        return Err(Failure::Wrong(
            "say how long, with --for 2h or --until 23:30".to_owned(),
        ));
    }
    let real = Timestamp::now();
    let now = args.at.map_or(real, |at| at.max(real));
    let mut wish = RequestTemplate {
        ask: RequestKind::Snooze,
        by: &args.by,
        now,
        place: None,
    };
    if !args.from.has_config() {
        let until = args.until.resolve(now, &TimeZone::UTC)?;
        let requests = patterns.requests(wish, until.expect("it is given"));
        let (aws, name) = (args.from.aws().await?, args.from.table()?);
        let table = Table { aws: &aws, name };
        args.write(RecordStore { table }, &requests).await?;
        return args.tell(&requests, (&TimeZone::UTC, "UTC"), screen);
    }
    let snapshot = args.from.read(now).await?;
    patterns.choose(&snapshot.plan(&snapshot.found.requests))?;
    let until = args.until.resolve(now, &snapshot.zone())?;
    let place = snapshot.where_it_is();
    wish.place = place.as_ref();
    let requests = patterns.requests(wish, until.expect("it is given"));
    args.write(snapshot.store(), &requests).await?;
    args.tell(&requests, (&snapshot.zone(), snapshot.zone_name()), screen)?;
    if !screen.json {
        services(&snapshot, &patterns, requests, screen)?;
    }
    snapshot.whole()
}

impl Args {
    async fn write(
        &self,
        records: RecordStore<'_>,
        requests: &[OverrideRequest],
    ) -> Result<(), Failure> {
        if self.dry_run {
            return Ok(());
        }
        for request in requests {
            let written = records.request(request).await;
            written.map_err(|error| Failure::Failed(error.to_string()))?;
        }
        Ok(())
    }

    fn tell(
        &self,
        requests: &[OverrideRequest],
        (zone, name): (&TimeZone, &str),
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        if screen.json {
            screen.value(&json!({"dry_run": self.dry_run, "requests": requests}))?;
            return Ok(());
        }
        for request in requests {
            let until = times::written(request.until, zone);
            let does = if self.dry_run { "would be" } else { "is" };
            screen.line(format!(
                "The sleep of {} {does} put off until {until}, {name}.",
                request.services
            ))?;
        }
        if self.dry_run {
            screen.line("Dry run: nothing was changed.")?;
        }
        Ok(())
    }
}

/// Who it is about, and when they sleep now.
fn services(
    snapshot: &Snapshot,
    patterns: &Patterns,
    new: Vec<OverrideRequest>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let mut requests = snapshot.found.requests.clone();
    requests.extend(new);
    let zone = snapshot.zone();
    let plan = snapshot.plan(&requests);
    for row in patterns.choose(&plan)? {
        let rule = row.want_rule.as_deref().unwrap_or_default();
        let next = table::next_edge(row, &zone);
        screen.line(format!(
            "  {}: {rule}; next: {next}",
            super::plain(&row.resource.place())
        ))?;
    }
    for line in super::stays_down(&patterns.narrow(&plan), &zone) {
        screen.line(line)?;
    }
    Ok(())
}
