//! What a gate measures of a revision by its route, and what of the suite can be asked there.

use gate::{Stage, Suite};

use super::stage::{self, Route};
use super::target::FoundTarget;
use crate::caller::gate_target;

/// The revision as the checks see it, and what people must know of that. The suite keeps what can be asked by this route.
pub(super) fn target(
    route: Route,
    gate: Stage,
    found: &FoundTarget,
    suite: &mut Suite,
) -> Result<(gate::Target, Vec<String>), String> {
    let mut notes = Vec::new();
    if route == Route::None {
        let left = suite.leave_out_checks_that_need_traffic_at(gate);
        if suite.checks_at(gate) == 0 && !left.is_empty() {
            return Err(stage::all_need_traffic());
        }
        notes.extend((!left.is_empty()).then(|| stage::left_to_a_later_stage(&left)));
    }
    let mut target = gate_target(found.url.as_deref(), &found.known)?;
    target.host.clone_from(&found.host);
    target.headers.clone_from(&found.headers);
    target.rule = found.rule.clone();
    // An earlier revision serves customers: elsewhere it may answer.
    target.only_release = matches!(
        route,
        Route::TestAtPartialStep { .. } | Route::Sampled { .. }
    );
    if let Route::Sampled { percent } = route {
        let version = |key: &str| found.known.facts.get(key);
        let same = version("version").is_some() && version("version") == version("old_version");
        if !suite.tells_revisions_apart() || same {
            return Err(stage::nothing_tells_apart(percent));
        }
        target.sampled_percent = Some(percent);
    }
    Ok((target, notes))
}
