//! Closing and opening the way into a stage.

use serde_json::{Value, json};

use super::stage_entry::Closed;
use super::validation::{Check, DISABLED_REASON, NAME, Rule};
use super::{CodePipeline, Request};
use crate::error::AwsError;

const DIRECTIONS: Rule = Rule::one_of(&["Inbound", "Outbound"]);

impl CodePipeline {
    pub(super) fn disable_stage_transition(
        &self,
        request: &Request<'_>,
    ) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let reason = check.text("reason", DISABLED_REASON);
        let (name, stage) = target(check)?;
        let closed = Some(Closed {
            reason: reason.to_owned(),
        });
        self.change(name, stage, request, closed)
    }

    pub(super) fn enable_stage_transition(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let (name, stage) = target(Check::of(request.input))?;
        self.change(name, stage, request, None)
    }

    fn change(
        &self,
        name: &str,
        stage: &str,
        request: &Request<'_>,
        closed: Option<Closed>,
    ) -> Result<Value, AwsError> {
        let now = self.now();
        let mut all = self.state();
        let pipeline = all.pipeline_mut(name)?;
        let place = pipeline.stage(stage)?;
        // What leaves a stage enters the next.
        let outbound = request.input["transitionType"] == "Outbound";
        let stages = &pipeline.current().stages;
        let Some(entered) = stages.get(place + usize::from(outbound)) else {
            return Err(AwsError::client(
                "StageNotFoundException",
                format!("No stage follows stage '{stage}' of pipeline '{name}'"),
            ));
        };
        let entered = entered.name.clone();
        let entrance = pipeline.entrances.entry(entered.clone()).or_default();
        entrance.closed = closed;
        entrance.changed = Some((request.caller.to_owned(), now));
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
