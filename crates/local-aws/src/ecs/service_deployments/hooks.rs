//! Lifecycle hooks: how functions are called and pauses are waited for, and which answers count.
//!
//! A function's return value is its answer. It must never be kinder than AWS: whatever is no valid
//! answer brings the deployment down.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>

use std::time::Duration;

use futures::future::try_join_all;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::configuration::{Hook, HookAction, HookKind};
use super::driver::Driver;
use super::outcome::Halt;
use super::record::{HookRecord, HookStatus, ServiceDeployment};
use super::stage::{Share, Stage};
use crate::clock::later;
use crate::ids;
use crate::sync::lock;
use crate::upstream::FunctionAnswer;

/// The wait before a function that is not done is called again.
const CALL_BACK_DELAY: Duration = Duration::from_secs(30);
/// AWS documents no least delay; this keeps a function that says 0 from being called without a pause.
const MIN_CALL_BACK_DELAY: Duration = Duration::from_secs(1);

/// How much of the traffic the new revision has, as the event of a hook says it; none where it says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TrafficShares {
    pub(super) test: Option<Share>,
    pub(super) production: Option<Share>,
}

/// What a function answered.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Succeeded,
    Failed,
    /// To be called again.
    InProgress(Duration),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAnswer {
    hook_status: Option<Value>,
    call_back_delay: Option<f64>,
    hook_details: Option<Map<String, Value>>,
}

impl Driver {
    /// Enters a stage and runs its hooks, all at once; the first that fails ends it.
    pub(super) async fn stage(&self, stage: Stage, shares: TrafficShares) -> Result<(), Halt> {
        self.enter(stage);
        self.hooks(stage, shares).await
    }

    /// Runs the hooks of a stage.
    pub(super) async fn hooks(&self, stage: Stage, shares: TrafficShares) -> Result<(), Halt> {
        let hooks = self.configuration.hooks.iter().enumerate();
        let of_stage = hooks.filter(|(_, hook)| hook.stages.contains(&stage));
        let running = of_stage.map(|(place, hook)| self.hook(place, hook, stage, shares));
        try_join_all(running).await?;
        // Until the deployment sleeps: an hour that a test lets pass now is not to miss that sleep.
        *lock(&self.awake) = Some(self.clock().hold());
        Ok(())
    }

    async fn hook(
        &self,
        place: usize,
        hook: &Hook,
        stage: Stage,
        shares: TrafficShares,
    ) -> Result<(), Halt> {
        let expires_at = later(self.clock().now(), hook.timeout);
        let (kind, function, status) = match &hook.kind {
            HookKind::Lambda { function, .. } => {
                ("lambda", Some(function.clone()), HookStatus::InProgress)
            }
            HookKind::Pause => ("pause", None, HookStatus::AwaitingAction),
        };
        let id = format!("ecs-{kind}-{}", ids::url_safe(43));
        let record = HookRecord {
            id: id.clone(),
            function,
            stage,
            status,
            expires_at,
            timeout_action: hook.on_timeout,
            answer: None,
        };
        self.change(|deployment| deployment.hooks.push(record));
        self.report_hook(&id, None);
        let answered = tokio::select! {
            biased;
            answered = self.answer_of(&id, place, hook, stage, shares) => Some(answered),
            () = self.clock().sleep_until(expires_at) => None,
        };
        let (status, why) = match &answered {
            Some(Ok(())) => (HookStatus::Succeeded, None),
            Some(Err(Halt::HookFailed { why, .. })) => (HookStatus::Failed, Some(why.clone())),
            Some(Err(_)) => (HookStatus::Failed, None),
            None => (HookStatus::TimedOut, None),
        };
        self.change(|deployment| {
            if let Some(record) = deployment.hooks.iter_mut().find(|record| record.id == id) {
                record.status = status;
            }
        });
        self.report_hook(&id, why.as_deref());
        match (answered, hook.on_timeout) {
            (Some(answered), _) => answered,
            (None, HookAction::Continue) => Ok(()),
            (None, HookAction::Rollback) => Err(Halt::HookTimedOut {
                stage,
                pause: hook.kind == HookKind::Pause,
            }),
        }
    }

    async fn answer_of(
        &self,
        id: &str,
        place: usize,
        hook: &Hook,
        stage: Stage,
        shares: TrafficShares,
    ) -> Result<(), Halt> {
        let HookKind::Lambda { function, .. } = &hook.kind else {
            return match self.pause_answer(id).await {
                HookAction::Continue => Ok(()),
                HookAction::Rollback => Err(Halt::RolledBackAtPause { stage }),
            };
        };
        let execution = ids::uuid();
        loop {
            let event = self.read(|deployment| {
                let details = deployment.hook_details.get(&place);
                event(deployment, &execution, stage, shares, details).to_string()
            });
            // Calling takes real time, and no virtual time.
            let held = self.clock().hold();
            self.rest();
            let called = self.upstream().call_function(function, &event);
            let answer = match called.await {
                Ok(FunctionAnswer::Returned(text)) => parse(&text),
                Ok(FunctionAnswer::Failed(text)) => Err(format!("{INVOKE} {text}")),
                Err(error) => Err(format!("{INVOKE} {error}")),
            };
            drop(held);
            let (answer, details) = answer.map_err(|why| Halt::HookFailed {
                stage,
                why: why.replace("{}", function),
            })?;
            self.change(|deployment| {
                let known = deployment.hook_details.entry(place).or_default();
                known.extend(details);
            });
            match answer {
                Answer::Succeeded => return Ok(()),
                Answer::Failed => {
                    let why = format!("Lifecycle hook target {function} returned FAILED status.");
                    return Err(Halt::HookFailed { stage, why });
                }
                Answer::InProgress(delay) => self.sleep(delay).await,
            }
        }
    }

    /// Waits for `ContinueServiceDeployment`.
    async fn pause_answer(&self, id: &str) -> HookAction {
        self.rest();
        let mut changes = self.read(|deployment| deployment.changes.subscribe());
        loop {
            let answer = self.read(|deployment| {
                let mut hooks = deployment.hooks.iter();
                hooks.find(|hook| hook.id == id)?.answer
            });
            if let Some(answer) = answer {
                return answer;
            }
            // The sender lives in the record, which is never removed.
            let _ = changes.changed().await;
        }
    }

    fn report_hook(&self, id: &str, why: Option<&str>) {
        let hook = self.read(|deployment| {
            let hook = deployment.hooks.iter().find(|hook| hook.id == id)?.clone();
            self.ecs.announce_hook(deployment, &hook);
            Some(hook)
        });
        let Some(hook) = hook else {
            return;
        };
        let what = match &hook.function {
            Some(function) => format!("{} hook {function}", hook.stage),
            None => format!("{} pause", hook.stage),
        };
        let status = hook.status.as_str();
        let message = match why {
            Some(why) => format!("{what} is {status}: {why}"),
            None => format!("{what} is {status}."),
        };
        let detail = json!({
            "lifecycle_stage": hook.stage.name(), "hook_id": hook.id, "status": status,
            "function": hook.function,
        });
        self.record("hook", message, detail);
    }
}

/// The event that a function is called with.
fn event(
    deployment: &ServiceDeployment,
    execution: &str,
    stage: Stage,
    shares: TrafficShares,
    details: Option<&Map<String, Value>>,
) -> Value {
    let base = deployment.base_source();
    let weights = |target: Option<Share>| {
        let mut weights = Map::new();
        if let Some(share) = target {
            weights.insert(deployment.target.arn.clone(), share.weight());
            for source in &deployment.sources {
                let is_base = base.is_some_and(|base| base.set == source.set);
                let share = if is_base { share.rest() } else { Share::NONE };
                weights.insert(source.arn.clone(), share.weight());
            }
        }
        weights
    };
    let mut event = json!({
        "executionId": execution,
        "lifecycleStage": stage.name(),
        "resourceArn": deployment.arn,
        "executionDetails": {
            "serviceArn": deployment.service_arn,
            "targetServiceRevisionArn": deployment.target.arn,
            "testTrafficWeights": weights(shares.test),
            "productionTrafficWeights": weights(shares.production),
        },
    });
    if let Some(details) = details.filter(|details| !details.is_empty()) {
        event["hookDetails"] = json!(details);
    }
    event
}

/// Why a function's answer does not count; `{}` stands for the function.
const PARSE: &str = "ECS was unable to parse the response from {} due to";
const INVOKE: &str = "ECS was unable to invoke hook target {} due to";

/// What a function's return value means, and the details it returned.
fn parse(returned: &str) -> Result<(Answer, Map<String, Value>), String> {
    let answer: WireAnswer =
        serde_json::from_str(returned).map_err(|error| format!("{PARSE} {error}"))?;
    let details = answer.hook_details.unwrap_or_default();
    let delay = answer.call_back_delay.map(Duration::try_from_secs_f64);
    let delay = match delay {
        None => CALL_BACK_DELAY,
        Some(Ok(delay)) => delay.max(MIN_CALL_BACK_DELAY),
        Some(Err(error)) => return Err(format!("{PARSE} callBackDelay: {error}")),
    };
    let answer = match &answer.hook_status {
        Some(Value::String(status)) => match status.as_str() {
            "SUCCEEDED" => Answer::Succeeded,
            "FAILED" => Answer::Failed,
            "IN_PROGRESS" => Answer::InProgress(delay),
            other => return Err(format!("{PARSE} HookStatus {other} is not valid")),
        },
        None | Some(Value::Null) => return Err(format!("{PARSE} HookStatus must not be null")),
        Some(other) => return Err(format!("{PARSE} HookStatus {other} is not valid")),
    };
    Ok((answer, details))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(returned: &str) -> Answer {
        parse(returned).unwrap().0
    }

    #[test]
    fn the_return_value_is_the_answer() {
        assert_eq!(status(r#"{"hookStatus":"SUCCEEDED"}"#), Answer::Succeeded);
        let failed = r#"{"hookStatus":"FAILED","reason":"checkout is slow"}"#;
        assert_eq!(status(failed), Answer::Failed);
        let later = r#"{"hookStatus":"IN_PROGRESS"}"#;
        assert_eq!(status(later), Answer::InProgress(CALL_BACK_DELAY));
        let soon = r#"{"hookStatus":"IN_PROGRESS","callBackDelay":5,"hookDetails":{"round":2}}"#;
        let (answer, details) = parse(soon).unwrap();
        assert_eq!(answer, Answer::InProgress(Duration::from_secs(5)));
        assert_eq!(Value::Object(details), json!({ "round": 2 }));
    }

    #[test]
    fn whatever_is_no_answer_is_a_failure() {
        for returned in [
            "",
            "null",
            "\"SUCCEEDED\"",
            "[]",
            "{}",
            r#"{"status":"SUCCEEDED"}"#,
            r#"{"hookStatus":null}"#,
            r#"{"hookStatus":"succeeded"}"#,
            r#"{"hookStatus":"Succeeded"}"#,
            r#"{"hookStatus":true}"#,
            r#"{"hookStatus":"IN_PROGRESS","callBackDelay":"30"}"#,
            r#"{"hookStatus":"IN_PROGRESS","callBackDelay":-1}"#,
            r#"{"hookStatus":"SUCCEEDED","hookDetails":"{}"}"#,
        ] {
            assert!(parse(returned).is_err(), "{returned}");
        }
        let why = parse("{}").unwrap_err();
        insta::assert_snapshot!(why, @"ECS was unable to parse the response from {} due to HookStatus must not be null");
    }
}
