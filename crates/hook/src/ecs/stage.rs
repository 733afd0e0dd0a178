//! Which question can be asked at a stage, and by which rule. Pure.
//!
//! A gate that runs where its question can't be answered gives a false answer: at a partial step the production rule
//! serves both revisions, and a check there fails on the old one's answers, or passes on them.

use gate::Stage;

use super::deployment::ServiceDeployment;
use crate::event::EcsEvent;

/// The way to the new revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// No request reaches the new revision yet, whose tasks run: only checks that need none can be asked.
    None,
    /// By the test rule, before production traffic moves.
    Test,
    /// By the test rule while the production rule serves both revisions.
    TestAtPartialStep {
        /// Of production traffic, for the new revision.
        percent: u32,
    },
    /// By the production rule while it serves both revisions, where no test rule leads to the new one alone: answers
    /// that the new one did not give don't count.
    Sampled {
        /// Of production traffic, for the new revision.
        percent: u32,
    },
    /// By the production rule, which leads to the new revision alone.
    Production,
}

/// The stage at which the new tasks run, and nothing leads to them.
pub(crate) const POST_SCALE_UP: &str = "POST_SCALE_UP";
/// The stage at which all test traffic has moved to the new revision.
pub(super) const POST_TEST_TRAFFIC_SHIFT: &str = "POST_TEST_TRAFFIC_SHIFT";

/// How the new revision is reached, or why the question of `stage` can't be asked here.
pub(crate) fn route(
    stage: Stage,
    event: &EcsEvent,
    deployment: &ServiceDeployment,
    has_test_rule: bool,
) -> Result<Route, String> {
    let to_new = || leads_to_new_revision(event, deployment, has_test_rule);
    let lifecycle_stage = event.lifecycle_stage.as_str();
    match (stage, lifecycle_stage) {
        (Stage::PreTraffic, POST_SCALE_UP) => Ok(Route::None),
        (Stage::PreTraffic, POST_TEST_TRAFFIC_SHIFT | "PRE_PRODUCTION_TRAFFIC_SHIFT") => {
            to_new()?;
            Ok(Route::Test)
        }
        (Stage::PostTraffic, "POST_PRODUCTION_TRAFFIC_SHIFT") => Ok(Route::Production),
        (Stage::PostTraffic, "PRODUCTION_TRAFFIC_SHIFT") => {
            let percent = weight(&event.production_weights, event)
                .or(deployment.production_percent)
                .ok_or_else(|| {
                    "ECS does not say how much production traffic the new revision has, so nobody knows whose answers \
                     would be measured"
                        .to_owned()
                })?;
            if percent >= 100 {
                return Ok(Route::Production);
            }
            // What ECS does not say is not taken for granted while customers are served by both.
            let said = weight(&event.test_weights, event).or(deployment.test_percent);
            Ok(if has_test_rule && said == Some(100) {
                Route::TestAtPartialStep { percent }
            } else {
                Route::Sampled { percent }
            })
        }
        _ => Err(wrong_stage(stage, lifecycle_stage)),
    }
}

/// The gate that may stand at a stage of ECS, or why none may.
pub(crate) fn gate_at(stage: &str) -> Result<Stage, String> {
    match stage {
        POST_SCALE_UP | POST_TEST_TRAFFIC_SHIFT | "PRE_PRODUCTION_TRAFFIC_SHIFT" => {
            Ok(Stage::PreTraffic)
        }
        "PRODUCTION_TRAFFIC_SHIFT" | "POST_PRODUCTION_TRAFFIC_SHIFT" => Ok(Stage::PostTraffic),
        "RECONCILE_SERVICE" | "PRE_SCALE_UP" | "TEST_TRAFFIC_SHIFT" => Err(format!(
            "no gate can stand at {stage}, where nothing reaches the new revision yet; hook the pre-traffic gate to \
             {POST_TEST_TRAFFIC_SHIFT}"
        )),
        _ => Err(format!(
            "no gate can stand at {stage}: it is not known what serves whom there"
        )),
    }
}

/// Why a gate refuses to stand at a stage of ECS's own deployments, and where it belongs; none where it may stand.
#[must_use]
pub fn stage_refusal(gate: Stage, stage: &str) -> Option<String> {
    (gate_at(stage) != Ok(gate)).then(|| wrong_stage(gate, stage))
}

/// Whether the test rule leads to the new revision alone, as far as ECS says.
fn leads_to_new_revision(
    event: &EcsEvent,
    deployment: &ServiceDeployment,
    has_test_rule: bool,
) -> Result<(), String> {
    if !has_test_rule {
        return Err(
            "the service has no testListenerRule, so nothing reaches the new revision alone"
                .to_owned(),
        );
    }
    match weight(&event.test_weights, event).or(deployment.test_percent) {
        Some(100) => Ok(()),
        // ECS sends no weights there. The stage itself says it: it comes when the test traffic has moved, all of it.
        // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>
        None if event.lifecycle_stage == POST_TEST_TRAFFIC_SHIFT => Ok(()),
        None => Err(format!(
            "ECS does not say how much test traffic the new revision has at {}, so an answer may be the old one's; hook \
             this gate to {POST_TEST_TRAFFIC_SHIFT}, where it has all of it",
            event.lifecycle_stage
        )),
        Some(percent) => Err(format!(
            "the test rule gives the new revision {percent} % of its traffic, so an answer may be the old one's"
        )),
    }
}

/// Why a partial step can't be measured.
pub(crate) fn nothing_tells_apart(percent: u32) -> String {
    format!(
        "the production rule serves both revisions, the new one with {percent} %, and no test rule leads to the new one \
         alone; give the service a testListenerRule, let the suite say how to tell them apart (`revision`), or hook \
         this gate to POST_PRODUCTION_TRAFFIC_SHIFT"
    )
}

/// Why a suite can't be asked before test traffic moves.
pub(crate) fn all_need_traffic() -> String {
    format!(
        "every check of the suite needs requests that reach the new revision, and none does at {POST_SCALE_UP}; write \
         checks that need none (`targets`, `wiring`), or hook this gate to {POST_TEST_TRAFFIC_SHIFT}"
    )
}

/// What is said of checks that a later stage must ask.
pub(crate) fn left_to_a_later_stage(checks: &[String]) -> String {
    format!(
        "not asked at {POST_SCALE_UP}, as no request reaches the new revision there: {}; they belong to \
         {POST_TEST_TRAFFIC_SHIFT}",
        checks.join(", ")
    )
}

/// The weight of the new revision; none where ECS sends none.
fn weight(weights: &[(String, u32)], event: &EcsEvent) -> Option<u32> {
    if weights.is_empty() {
        return None;
    }
    let of_new = weights
        .iter()
        .find(|(revision, _)| *revision == event.target_revision_arn);
    Some(of_new.map_or(0, |(_, percent)| *percent))
}

fn wrong_stage(stage: Stage, lifecycle_stage: &str) -> String {
    let why = why_not(stage, lifecycle_stage);
    let right = match stage {
        Stage::PreTraffic => {
            "POST_TEST_TRAFFIC_SHIFT, or to PRE_PRODUCTION_TRAFFIC_SHIFT for each step"
        }
        Stage::PostTraffic => {
            "POST_PRODUCTION_TRAFFIC_SHIFT, or to PRODUCTION_TRAFFIC_SHIFT for each step"
        }
    };
    format!("the {stage} gate is hooked to {lifecycle_stage}, where {why}; hook it to {right}")
}

/// Why the question of a gate can't be asked at a stage.
pub(super) fn why_not(stage: Stage, lifecycle_stage: &str) -> &'static str {
    match (stage, lifecycle_stage) {
        (
            Stage::PreTraffic,
            "PRODUCTION_TRAFFIC_SHIFT" | "POST_PRODUCTION_TRAFFIC_SHIFT" | "CLEAN_UP",
        ) => "customers are already served by the new revision",
        (
            Stage::PreTraffic,
            "RECONCILE_SERVICE" | "PRE_SCALE_UP" | "SCALE_UP" | "TEST_TRAFFIC_SHIFT",
        ) => "nothing reaches the new revision yet",
        (
            Stage::PostTraffic,
            "RECONCILE_SERVICE"
            | "PRE_SCALE_UP"
            | "SCALE_UP"
            | "POST_SCALE_UP"
            | "TEST_TRAFFIC_SHIFT"
            | "POST_TEST_TRAFFIC_SHIFT"
            | "PRE_PRODUCTION_TRAFFIC_SHIFT",
        ) => "production traffic has not moved yet",
        _ => "it is not known what serves whom",
    }
}
