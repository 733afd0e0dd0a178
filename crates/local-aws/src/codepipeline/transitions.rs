//! Closing and opening the way into a stage.

use serde_json::{Value, json};

use super::check::{Check, DISABLED_REASON, NAME, Rule};
use super::stages::Closed;
use super::{Call, CodePipeline};
use crate::error::AwsError;

const DIRECTIONS: Rule = Rule::one_of(&["Inbound", "Outbound"]);

impl CodePipeline {
    pub(super) fn disable_stage_transition(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(call.input);
        let reason = check.text("reason", DISABLED_REASON);
        let (name, stage) = target(check)?;
        let closed = Some(Closed {
            reason: reason.to_owned(),
        });
        self.change(name, stage, call, closed)
    }

    pub(super) fn enable_stage_transition(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        let (name, stage) = target(Check::of(call.input))?;
        self.change(name, stage, call, None)
    }

    fn change(
        &self,
        name: &str,
        stage: &str,
        call: &Call<'_>,
        closed: Option<Closed>,
    ) -> Result<Value, AwsError> {
        let now = self.now();
        let mut all = self.state();
        let pipeline = all.pipeline_mut(name)?;
        let place = pipeline.stage(stage)?;
        // What leaves a stage enters the next.
        let outbound = call.input["transitionType"] == "Outbound";
        let stages = &pipeline.current().stages;
        let Some(entered) = stages.get(place + usize::from(outbound)) else {
            return Err(AwsError::client(
                "StageNotFoundException",
                format!("No stage follows stage '{stage}' of pipeline '{name}'"),
            ));
        };
        let entered = entered.name.clone();
        let gate = pipeline.gates.entry(entered.clone()).or_default();
        gate.closed = closed;
        gate.changed = Some((call.caller.to_owned(), now));
        let happened = pipeline.admit(&entered, now);
        self.announce_entrances(pipeline, name, &happened);
        Ok(json!({}))
    }
}

fn target(mut check: Check<'_>) -> Result<(&str, &str), AwsError> {
    let name = check.text("pipelineName", NAME);
    let stage = check.text("stageName", NAME);
    check.text("transitionType", DIRECTIONS);
    check.done()?;
    Ok((name, stage))
}
