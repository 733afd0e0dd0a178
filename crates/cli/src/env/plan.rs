//! `env plan`: what would be done now or at another instant, and the week as a picture. Changes nothing.

use std::path::{Path, PathBuf};

use environments::plan::Plan;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::listed_services::{self, ListedServices};
use super::requests::Patterns;
use super::snapshot::{Selection, Snapshot};
use super::week::{WeekQuery, Weeks, schedules, weeks};
use super::{chart, html, plain, table, times};
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// Show what would be done and when, and the week as a picture; changes nothing.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    only: Selection,
    /// Plan for this instant, from what is there today: 2026-11-23T22:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = times::instant)]
    at: Option<Timestamp>,
    /// List what is not selected, too, with the reason
    #[arg(long)]
    all: bool,
    /// Show the week instead of the table
    #[arg(long)]
    week: bool,
    /// The first day of the week; left out: today
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Without an AWS account: the week of the configuration's schedules, or of --services
    #[arg(long)]
    offline: bool,
    /// The services of this file, as `aws ecs describe-services --include TAGS` writes them, instead of those in an AWS
    /// account; may be given several times
    #[arg(long, value_name = "FILE")]
    services: Vec<PathBuf>,
    /// The zone of the week; left out: that of each schedule
    #[arg(long, value_parser = zone_name)]
    zone: Option<String>,
    /// Write table and week into a file that any browser shows; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Your AWS credentials need to read only: ecs:List*, ecs:Describe*, application-autoscaling:DescribeScalableTargets,
dynamodb:GetItem and dynamodb:Query on the state table (and what `also:` in the configuration asks for).

Before anything is installed, --offline and --services need no account: nothing sleeps, and nobody has asked for anything.
A file of services is made by
  for cluster in dev test; do
    aws ecs list-services --cluster $cluster --query 'serviceArns[]' --output text |
      xargs -r -n 10 aws ecs describe-services --include TAGS --cluster $cluster --services
  done > services.json

Exit codes: 0 all was read, 1 something could not be read (the rest is shown), 2 wrong call or configuration.

Examples:
  deploy-hooks env plan --config environments.yaml --offline --week
  deploy-hooks env plan --config environments.yaml --services services.json --html week.html
  deploy-hooks env plan --config environments.yaml --table TABLE      # the stack's output EnvironmentsTableName
  deploy-hooks env plan --at 2026-11-23T22:00:00Z 'dev/*'
  deploy-hooks env plan --week --from 2026-03-23
  deploy-hooks env plan --html week.html";

const NO_SERVICES: &str = "\
a plan needs services, and without an AWS account there are none; give --services FILE, or --week for the week of \
the configuration's schedules";

/// Shows the plan.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let patterns = Patterns::parse(&args.only.patterns)?;
    let now = args.at.unwrap_or_else(Timestamp::now);
    let snapshot = if args.is_offline() {
        let mut listed = ListedServices::default();
        for file in &args.services {
            listed.extend(listed_services::read(file)?);
        }
        if args.shows_schedules() && !args.week && args.html.is_none() {
            return Err(Failure::Wrong(NO_SERVICES.to_owned()));
        }
        args.only.from.offline(listed, now).await?
    } else {
        args.only.from.read(now).await?
    };
    let plan = patterns.narrow(&snapshot.plan(&snapshot.found.requests));
    if let Some(file) = &args.html {
        let page = html::page(&plan, &args.weeks(&snapshot, &plan)?, &snapshot)?;
        write(file, &page, screen)?;
    } else if screen.json {
        screen.value(&args.as_json(&snapshot, &plan)?)?;
    } else if args.week {
        let width = screen.width();
        let weeks = args.weeks(&snapshot, &plan)?;
        for week in &weeks.zones {
            for line in chart::chart(week, width, screen) {
                screen.line(line)?;
            }
        }
        for note in &weeks.notes {
            screen.line(screen.styled(Style::Careful, &plain(note)))?;
        }
    } else {
        as_text(&snapshot, &plan, args.all, screen)?;
    }
    snapshot.whole()
}

fn as_text(
    snapshot: &Snapshot,
    plan: &Plan,
    all: bool,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let zone = snapshot.zone();
    let title = format!(
        "Plan for {}, {}",
        times::written(plan.at, &zone),
        snapshot.zone_name()
    );
    screen.line(screen.styled(Style::Heading, &title))?;
    for line in table::plan(plan, &zone, all, screen) {
        screen.line(line)?;
    }
    if let Some(line) = snapshot.daemons() {
        screen.line(line)?;
    }
    Ok(())
}

impl Args {
    fn is_offline(&self) -> bool {
        self.offline || !self.services.is_empty()
    }

    /// There is nothing else to show.
    fn shows_schedules(&self) -> bool {
        self.is_offline() && self.services.is_empty()
    }

    fn weeks(&self, snapshot: &Snapshot, plan: &Plan) -> Result<Weeks, Failure> {
        let asked = WeekQuery {
            requests: &snapshot.found.requests,
            at: plan.at,
            first: self.from,
            zone: self.zone.as_deref(),
        };
        if self.shows_schedules() {
            return schedules(&snapshot.config, asked).map_err(Failure::Wrong);
        }
        let mut services: Vec<_> = plan.rows.iter().map(|row| &row.resource).collect();
        services.sort_by_key(|service| service.place());
        weeks(services, &snapshot.config, asked).map_err(Failure::Wrong)
    }

    fn as_json(&self, snapshot: &Snapshot, plan: &Plan) -> Result<Value, Failure> {
        let mut value = json!(plan);
        value["problems"] = json!(snapshot.problems());
        value["daemons"] = json!(snapshot.found.daemons);
        if self.week {
            let weeks = self.weeks(snapshot, plan)?;
            value["weeks"] = json!(weeks.zones);
            value["notes"] = json!(weeks.notes);
        }
        Ok(value)
    }
}

fn write(file: &Path, page: &str, screen: &mut Screen) -> Result<(), Failure> {
    if file == Path::new("-") {
        screen.line(page)?;
        return Ok(());
    }
    std::fs::write(file, page).map_err(|error| {
        Failure::Failed(format!("{} could not be written: {error}", file.display()))
    })?;
    screen.line(format!("{} was written.", file.display()))?;
    Ok(())
}

fn zone_name(text: &str) -> Result<String, String> {
    times::zone(text).map(|_| text.to_owned())
}

impl Snapshot {
    /// The zone in which people read times.
    pub(crate) fn zone(&self) -> TimeZone {
        times::zone(self.zone_name()).unwrap_or(TimeZone::UTC)
    }

    /// Its name.
    pub(crate) fn zone_name(&self) -> &str {
        self.config.zone.as_deref().unwrap_or("UTC")
    }
}
