//! A gate that goes on in another invocation: what was measured is stored, and the caller, or Lambda, calls again.

use std::sync::Arc;

use gate::Paused;
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use crate::budget::Budget;
use crate::carried_state::Handover;
use crate::event::Call;
use crate::gate_function::GateFunction;
use crate::guard::{self, Interruption, Progress};
use crate::{codedeploy, codepipeline, ecs, publish};

/// Stores what was measured so far and hands the run to another invocation. An error says why nobody would go on.
pub(crate) async fn hand_on(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    paused: Paused,
    budget: Budget,
    progress: &Progress,
) -> Result<Value, String> {
    let handover = Handover::from(&paused);
    let (storing, call_to_store, facts) = (function.clone(), call.clone(), progress.facts());
    let work = async move {
        let Ok(settings) = &storing.settings else {
            return Ok(());
        };
        let name = call_to_store.report_name(storing.stage, &facts);
        publish::store_so_far(&storing.aws, settings, &name, &paused.report).await
    };
    // Handing on matters more.
    let left = budget
        .answer_until
        .saturating_duration_since(Instant::now());
    match guard::run(Instant::now() + left / 3, work.in_current_span()).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::error!("{problem}"),
        Err(cut) => tracing::error!(?cut, "the report so far could not be stored"),
    }
    hand_over(function, call, handover, budget).await
}
/// Has the caller, or Lambda, call again. An error says why nobody would go on.
pub(crate) async fn hand_over(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    handover: Handover,
    budget: Budget,
) -> Result<Value, String> {
    let (function, call) = (function.clone(), call.clone());
    let work = async move {
        match &*call {
            Call::Ecs(event) => Ok(ecs::answer::goes_on(event, &handover)),
            Call::CodePipeline(job) => {
                codepipeline::answer::goes_on(&function, job, &handover).await
            }
            Call::CodeDeploy(event) => {
                codedeploy::continuation::goes_on(&function, event, &handover).await
            }
        }
    };
    match guard::run(budget.before_answer(), work.in_current_span()).await {
        Ok(handed_on) => handed_on,
        Err(Interruption::Deadline) => {
            Err("the gate could not be handed on before the function's time was over".to_owned())
        }
        Err(Interruption::Panic(message)) => Err(format!(
            "the function panicked while it handed the gate on: {message}; this is a defect in it"
        )),
    }
}
