//! Overrides: a named person lets a release pass a gate although checks of it do not pass (`deploy-hooks gates override`).
//!
//! Off unless the suite says `overridable: true` and the gate is connected to the approvals. The checks that an override
//! names are measured and reported like the others; all others must pass as ever, and at least one of them is
//! required. Whatever can't be found out or written down is no override.

use std::sync::Arc;

use common::aws::Aws;
use common::state::Table;
use gate::Suite;
use gate_question::{Override, OverrideScope, OverrideUse};
use jiff::Timestamp;
use tracing::Instrument;

use crate::budget::Budget;
use crate::facts::Facts;
use crate::gate_function::GateFunction;
use crate::guard;
use crate::settings::Settings;

/// What a run is, for overrides.
#[derive(Debug, Clone)]
pub(crate) struct OverrideRun {
    pub(crate) gate: &'static str,
    /// The caller and its deployment: what uses an override.
    pub(crate) deployment: String,
    /// When it began: an override that was recorded later is for the next one.
    pub(crate) begun: Timestamp,
}

/// Lets checks of the suite not pass that a named person has overridden for this run, and returns what says so.
pub(crate) async fn of_suite(
    function: &GateFunction,
    suite: &mut Suite,
    run: OverrideRun,
    facts: &Facts,
    budget: Budget,
) -> Option<(Override, OverrideRun)> {
    let settings = function.settings.as_ref().ok()?;
    if !suite.overridable || suite.dry_run {
        return None;
    }
    if table_of(settings).is_none() {
        tracing::warn!(
            "the suite says `overridable: true`, and this gate is not connected to the approvals"
        );
        // Nobody is told that an override would help.
        suite.overridable = false;
        return None;
    }
    let find = find(&function.aws, settings, &run, facts);
    let found = tokio::time::timeout(budget.lookup_timeout(), find).await;
    let found = found.unwrap_or_else(|_| {
        Err("whether somebody overrides this gate could not be read in time".to_owned())
    });
    let recorded = found
        .inspect_err(|problem| tracing::error!("{problem}"))
        .ok()
        .flatten()?;
    suite.override_checks(&recorded.checks);
    Some((recorded, run))
}

/// Uses an override up for its run; returns who has recorded it, and the reason that people read. An error says why it
/// does not count.
pub(crate) async fn use_up(
    function: &Arc<GateFunction>,
    overridden: Option<(Override, OverrideRun)>,
    budget: Budget,
) -> Result<(String, String), String> {
    let Some((recorded, run)) = overridden else {
        return Err("nobody has overridden this gate; this is a defect".to_owned());
    };
    let function = function.clone();
    let work = async move {
        let settings = function.settings.as_ref().map_err(ToString::to_string)?;
        let reason = take(&function.aws, settings, &recorded, &run).await?;
        Ok((gate::mask(&recorded.by), reason))
    };
    guard::run(budget.before_answer(), work.in_current_span())
        .await
        .unwrap_or_else(|cut| {
            Err(format!(
                "the use of an override could not be written down in time, so it does not count: {cut:?}"
            ))
        })
}

/// The newest override that counts for this run, and that no other deployment has used. An error is a sentence.
async fn find(
    aws: &Aws,
    settings: &Settings,
    run: &OverrideRun,
    facts: &Facts,
) -> Result<Option<Override>, String> {
    let (Some(name), Ok(scope)) = (table_of(settings), OverrideScope::of(run.gate, facts)) else {
        return Ok(None);
    };
    let table = Table { aws, name };
    let unknown = |error: &dyn std::fmt::Display| {
        format!("whether somebody overrides this gate could not be read: {error}")
    };
    let listed = gate_question::overrides::list(table, &scope).await;
    for recorded in listed.map_err(|error| unknown(&error))? {
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(error) => {
                tracing::error!("{}", unknown(&error));
                continue;
            }
        };
        if !recorded.counts_for(&scope, run.begun) {
            continue;
        }
        let used = gate_question::overrides::used_by(table, &recorded).await;
        let used = used.map_err(|error| unknown(&error))?;
        if used.is_none_or(|used| used.deployment == run.deployment) {
            return Ok(Some(recorded));
        }
    }
    Ok(None)
}

/// Uses an override for this deployment, and returns the reason that people read. An error says why it does not count.
async fn take(
    aws: &Aws,
    settings: &Settings,
    recorded: &Override,
    run: &OverrideRun,
) -> Result<String, String> {
    let name = table_of(settings).ok_or("this gate is not connected to the approvals any more")?;
    let by = OverrideUse {
        deployment: run.deployment.clone(),
        at: Timestamp::now(),
    };
    let table = Table { aws, name };
    let used = gate_question::overrides::take(table, recorded, &by).await;
    match used {
        Ok(Some(used)) if used.deployment == run.deployment => Ok(reason(recorded)),
        Ok(Some(used)) => Err(format!(
            "the override of {} was used by another deployment, {}",
            recorded.by, used.deployment
        )),
        Ok(None) => Err("the use of an override could not be read back".to_owned()),
        Err(error) => Err(format!(
            "the use of the override of {} could not be written down, so it does not count: {error}",
            recorded.by
        )),
    }
}

fn table_of(settings: &Settings) -> Option<&str> {
    // With the bus: what was overridden is never only in a report.
    settings.event_bus.as_ref()?;
    settings.state_table.as_deref()
}

/// Pure: who, what and why.
fn reason(recorded: &Override) -> String {
    let checks: Vec<String> = recorded
        .checks
        .iter()
        .map(|check| format!("{check:?}"))
        .collect();
    format!(
        "overridden by {}, at {}: {} (it lets {} not pass, for this deployment alone)",
        gate::mask(&recorded.by),
        recorded.at,
        gate::mask(&recorded.reason),
        checks.join(", "),
    )
}
