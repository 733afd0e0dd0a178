//! `env explain`: why one service is on or off, what comes next, and its week. Only reads.

use environments::explain::explain;
use environments::plan::PlanRow;
use jiff::Timestamp;
use serde_json::json;
use strict_yaml::words::list;

use super::requests::unknown;
use super::snapshot::{Snapshot, SnapshotArgs};
use super::week::{WeekQuery, weeks};
use super::{chart, plain, times};
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// Say why a service is on or off, and what comes next.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    from: SnapshotArgs,
    /// Its ARN, cluster/name, or name
    service: String,
    /// Judge as of this instant: 2026-11-23T22:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = times::instant)]
    at: Option<Timestamp>,
}

const EXAMPLES: &str = "\
Exit codes: 0 it was found, 1 something could not be read, 2 there is no such service, or wrong call.

Examples:
  deploy-hooks env explain --config environments.yaml --table TABLE dev/shop   # the stack's output EnvironmentsTableName
  deploy-hooks env explain shop --at 2026-12-25T12:00:00+01:00 --json";

/// Explains.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let snapshot = args
        .from
        .read(args.at.unwrap_or_else(Timestamp::now))
        .await?;
    let plan = snapshot.plan(&snapshot.found.requests);
    let Some(row) = plan.find(&args.service) else {
        let named = plan
            .rows
            .iter()
            .filter(|row| row.resource.name == args.service);
        let places: Vec<String> = named.map(|row| row.resource.place()).collect();
        let daemon = snapshot.found.daemons.iter().find(|place| {
            **place == args.service || place.rsplit('/').next() == Some(&args.service)
        });
        return Err(Failure::Wrong(match daemon {
            _ if !places.is_empty() => {
                format!(
                    "there are several: name one of {}",
                    list(places.iter().map(String::as_str))
                )
            }
            Some(place) => format!(
                "{place} is a DAEMON service: ECS takes no count for it, so it never sleeps"
            ),
            None => unknown(&args.service, &plan),
        }));
    };
    tell(&snapshot, row, screen)?;
    snapshot.whole()
}

fn tell(snapshot: &Snapshot, row: &PlanRow, screen: &mut Screen) -> Result<(), Failure> {
    let explanation = explain(
        row,
        snapshot.found.records.get(&row.resource.arn),
        &snapshot.zone(),
    );
    let asked = WeekQuery {
        requests: &snapshot.found.requests,
        at: snapshot.now,
        first: None,
        zone: None,
    };
    let weeks = weeks([&row.resource], &snapshot.config, asked).map_err(Failure::Wrong)?;
    // What the week can't show, the sentences say.
    let weeks = weeks.zones;
    if screen.json {
        let value = json!({
            "at": snapshot.now,
            "service": explanation.place,
            "zone": snapshot.zone_name(),
            "sentences": explanation.sentences,
            "row": row,
            "weeks": weeks,
        });
        screen.value(&value)?;
        return Ok(());
    }
    let heading = format!(
        "{}, times of {}",
        plain(&explanation.place),
        snapshot.zone_name()
    );
    screen.line(screen.styled(Style::Heading, &heading))?;
    for sentence in &explanation.sentences {
        screen.line(format!("  {}", plain(sentence)))?;
    }
    let width = screen.width();
    for week in &weeks {
        for line in chart::chart(week, width, screen) {
            screen.line(line)?;
        }
    }
    Ok(())
}
