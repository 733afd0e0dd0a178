//! `deploy-hooks judge`: what the limits of a suite would have decided of runs that are over. Only reads.
//!
//! Nothing is measured: recorded measurements go through the verdict of the gates. What a report does not hold is
//! unknown, and never counted as a pass.

mod outcomes;
mod runs;
mod show;
mod stats;
mod suggestion;

use std::path::PathBuf;

use gate::{GateLimits, Stage};

use self::outcomes::Outcomes;
use self::runs::{JudgedRun, RecordedReport};
use crate::check;
use crate::failure::{self, Failure};
use crate::gates::reports::{self, Selection};
use crate::screen::Screen;
use crate::suite_file;

/// Judge recorded runs by the limits of a suite
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The suite
    suite: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// Which releases proved good or bad later: lines of deployment or version, a comma, and `good` or `bad`; or JSON
    /// lines
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,
}

const HELP: &str = "\
Nothing is measured and nobody is asked: the measurements in the reports of past runs are judged by `traffic`, `severity`, `dry_run`, \
`inconclusive` and the limits of `latency` in `expect` that the suite has now. What a report does not hold is unknown, and never a pass: checks that were \
not measured then or measured something else, rounds that a run ended before, tries that would have been repeated. Samples of metrics and bodies \
are not recorded.

With --outcomes it says which stops were right, and for limits that are numbers the loosest value that still stops the bad releases, \
once 20 runs are known to be good or bad. A line of the file is `d-ABCDEF123,bad` or `1.2.0,good`, or JSON: \
{\"deployment\": \"d-ABCDEF123\", \"outcome\": \"bad\"} or {\"version\": \"1.2.0\", \"outcome\": \"good\"}. A \
version that several services have released is refused: say which service by --service, or write the deployment.

For a bucket your AWS credentials need s3:ListBucket on it and s3:GetObject on the reports.

Exit codes: 0 they are judged, 1 no file could be read as a report, 3 the suite, the outcomes or the call is wrong.

Examples:
  deploy-hooks judge shop.yaml s3://BUCKET/reports/ --service shop
  deploy-hooks judge shop.yaml reports/ --outcomes outcomes.csv
  deploy-hooks judge shop.yaml reports/d-ABCDEF123.json --json";

/// The limits of both gates.
struct Limits {
    before: GateLimits,
    after: GateLimits,
}

impl Limits {
    fn at(&self, stage: Stage) -> &GateLimits {
        match stage {
            Stage::PreTraffic => &self.before,
            Stage::PostTraffic => &self.after,
        }
    }
}

/// Judges them.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    match judge(args, screen).await.map_err(Failure::into_verdict) {
        Err(failure) if screen.json => check::told_as_json(&args.suite, failure, screen),
        done => done,
    }
}

async fn judge(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let text = failure::read(&args.suite)?;
    let suite = suite_file::yaml(&args.suite, &text).map_err(Failure::Suite)?;
    let outcomes = match &args.outcomes {
        None => None,
        Some(path) => Some(Outcomes::read(path)?),
    };
    let found = reports::read_with(&args.selection, RecordedReport::of).await?;
    crate::gates::show_unread(&found.unread, screen);
    if let (Some(outcomes), Some(path)) = (&outcomes, &args.outcomes) {
        let releases = found.runs.iter();
        let releases =
            releases.map(|run| (run.extra.deployment.as_deref(), run.version.as_deref()));
        outcomes.check(path, releases)?;
        let of_services = found.runs.iter().map(|run| {
            let deployment = run.extra.deployment.as_deref();
            (run.service.as_str(), deployment, run.version.as_deref())
        });
        outcomes.check_services(path, of_services)?;
    }
    let limits = Limits {
        before: suite.limits_at(Stage::PreTraffic),
        after: suite.limits_at(Stage::PostTraffic),
    };
    let runs: Vec<JudgedRun> = found
        .runs
        .iter()
        .map(|run| JudgedRun::of(run, limits.at(run.stage), outcomes.as_ref()))
        .collect();
    let judged = show::JudgedRuns::of(&found, &runs, &limits, outcomes.as_ref());
    if screen.json {
        screen.value(&serde_json::json!(judged))?;
        return Ok(());
    }
    judged.show(screen)
}
