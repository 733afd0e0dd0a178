//! `gates overrides`: who has overridden a gate for a release, and what used it. Only reads.

use common::state::StateError;
use gate_question::overrides::{self, OverrideScope};
use serde_json::json;

use super::{StateTable, override_gate, source};
use crate::clients;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// List who has overridden a gate for a release, why, and which deployment used it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A report of that gate for that release: its s3:// address, a file, or - for standard input
    report: String,
    #[command(flatten)]
    state: StateTable,
}

const EXAMPLES: &str = "\
Your AWS credentials need dynamodb:Query and dynamodb:GetItem on the table.

Example:
  deploy-hooks gates overrides s3://reports/reports/shop/d-1/pre-traffic-AfterAllowTestTraffic.html \\
      --table deploy-hooks-state";

/// Lists them, newest first.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let aws = clients::aws().await?;
    let (report, _) = source::report(&aws, &args.report).await?;
    let scope = OverrideScope::of(report.stage.as_str(), &report.target)
        .map_err(|why| Failure::Wrong(format!("this report can't be overridden: {why}")))?;
    let table = args.state.of(&aws);
    let failed = |error: StateError| Failure::Failed(error.to_string());
    let mut all = Vec::new();
    for recorded in overrides::list(table, &scope).await.map_err(failed)? {
        let recorded = recorded.map_err(failed)?;
        let used = overrides::used_by(table, &recorded).await.map_err(failed)?;
        all.push((recorded, used));
    }
    if screen.json {
        let all = all
            .iter()
            .map(|(recorded, used)| json!({ "override": recorded, "used": used }));
        screen.value(&json!(all.collect::<Vec<_>>()))?;
        return Ok(());
    }
    if all.is_empty() {
        screen.line(format!("Nobody has overridden {scope}."))?;
    }
    for (recorded, used) in &all {
        for line in override_gate::lines(recorded) {
            screen.line(line)?;
        }
        let used = match used {
            Some(used) => format!("    used by {} at {}", used.deployment, used.at),
            None => "    not used".to_owned(),
        };
        screen.line(screen.styled(Style::Quiet, &text::clean::shown(&used)))?;
    }
    Ok(())
}
