//! How a deployment ended, and what that means for whoever waits for it. Pure.

use common::arn::Arn;
use serde_json::{Value, json};

use crate::deployment::{Deployment, LIFECYCLE_STAGES};

/// The end of following.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All traffic has the new revision, for good.
    Successful,
    /// It is at the stage that was waited for, or beyond, and goes on.
    Reached,
    /// The revision before serves.
    RolledBack,
    /// It failed, and nothing says that the revision before serves.
    Failed,
    /// ECS's word for the end is not known here.
    Unknown,
}

/// How it ended; none while it goes on.
pub fn outcome(now: &Deployment, until: Option<&str>) -> Option<Outcome> {
    match now.status.as_str() {
        "SUCCESSFUL" => Some(Outcome::Successful),
        "ROLLBACK_SUCCESSFUL" => Some(Outcome::RolledBack),
        "ROLLBACK_FAILED" | "STOPPED" => Some(Outcome::Failed),
        // ECS says what it rolls back to before it says the status.
        "IN_PROGRESS" if now.rollback.is_some() => None,
        "IN_PROGRESS" => {
            let place = |name: &str| LIFECYCLE_STAGES.iter().position(|stage| *stage == name);
            let (at, wanted) = (now.stage.as_deref().and_then(place)?, place(until?)?);
            (at >= wanted).then_some(Outcome::Reached)
        }
        "PENDING" | "STOP_REQUESTED" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => None,
        _ => now.is_finished.then_some(Outcome::Unknown),
    }
}

/// The hooks that failed, by id, in words: ECS's last description may lack them.
#[derive(Debug, Default)]
pub struct FailedHooks(Vec<(String, String)>);

impl FailedHooks {
    /// Those that were noted before, as [`FailedHooks::as_pairs`] returned them.
    pub fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The id of each, and what is said of it.
    pub fn as_pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Adds those of a description.
    pub fn note(&mut self, now: &Deployment) {
        for hook in now.hooks.iter().filter(|hook| hook.has_failed()) {
            if self.0.iter().all(|(id, _)| *id != hook.id) {
                let word = match hook.status.as_str() {
                    "TIMED_OUT" => "timed out",
                    _ => "failed",
                };
                let said = format!("{} {word}", hook.name());
                self.0.push((hook.id.clone(), said));
            }
        }
    }

    fn all(&self) -> Vec<&str> {
        self.0.iter().map(|(_, said)| said.as_str()).collect()
    }
}

impl Outcome {
    /// The word in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::Reached => "reached",
            Self::RolledBack => "rolled_back",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// What people read at the end, without a line break.
    pub fn sentence(&self, now: &Deployment, failed: &FailedHooks) -> String {
        let service = now.service();
        let stage = now.stage.as_deref().unwrap_or_default();
        match self {
            Self::Successful => format!("{service}: the deployment succeeded."),
            Self::Reached => format!("{service}: the deployment is at {stage} and goes on."),
            Self::RolledBack => format!(
                "{service}: the deployment was rolled back{}.",
                reasons(now, failed)
            ),
            Self::Failed if now.status == "STOPPED" => {
                format!(
                    "{service}: the deployment was stopped{}.",
                    reasons(now, failed)
                )
            }
            Self::Failed => format!(
                "{service}: the deployment failed, and so did its rollback{}. Check what serves now.",
                reasons(now, failed)
            ),
            Self::Unknown => format!(
                "{service}: the deployment ended as {}, which this version does not know{}.",
                now.status,
                reasons(now, failed)
            ),
        }
    }

    /// The result for programs.
    pub fn as_json(&self, now: &Deployment, failed: &FailedHooks) -> Value {
        json!({
            "outcome": self.word(),
            "service": now.service(),
            "service_deployment": now.arn,
            "status": now.status,
            "stage": now.stage,
            "production_percent": now.production,
            "reason": now.reason,
            "rollback_reason": now.rollback,
            "failed_hooks": failed.all(),
            "alarms": now.alarms,
        })
    }
}

/// `: hook gate failed; alarm errors; Rolled back because …`, each once.
fn reasons(now: &Deployment, failed: &FailedHooks) -> String {
    let mut parts: Vec<String> = failed.all().into_iter().map(str::to_owned).collect();
    parts.extend(
        now.alarms
            .iter()
            .map(|alarm| format!("alarm {alarm} went off")),
    );
    // The longer one often quotes the other.
    for reason in [&now.reason, &now.rollback].into_iter().flatten() {
        let reason = reason.trim().trim_end_matches('.').to_owned();
        if !reason.is_empty() && !parts.iter().any(|part| part.contains(&reason)) {
            parts.push(reason);
        }
    }
    if parts.is_empty() {
        return "; ECS gives no reason".to_owned();
    }
    format!(": {}", parts.join("; "))
}

/// How a deployment is followed and stopped by hand.
pub fn commands(arn: &str) -> String {
    format!(
        "  to follow it: deploy-hooks ecs follow --deployment {arn}\n  \
         to stop it:   aws ecs stop-service-deployment --stop-type ROLLBACK --service-deployment-arn {arn}{}",
        region_option(arn)
    )
}

/// How a pause is answered by hand.
pub fn continue_command(now: &Deployment, hook: &str) -> String {
    format!(
        "aws ecs continue-service-deployment --service-deployment-arn {} --hook-id {hook} --action CONTINUE{}  (or ROLLBACK)",
        now.arn,
        region_option(&now.arn)
    )
}

fn region_option(arn: &str) -> String {
    Arn::parse(arn).map_or_else(String::new, |arn| format!(" --region {}", arn.region))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::tests::{deployment, hook};

    fn of(status: &str) -> Deployment {
        Deployment {
            status: status.to_owned(),
            is_finished: true,
            ..deployment()
        }
    }

    fn at(status: &str, stage: &str) -> Deployment {
        Deployment {
            stage: Some(stage.to_owned()),
            ..of(status)
        }
    }

    #[test]
    fn only_a_success_is_one() {
        let all = [
            ("SUCCESSFUL", Some(Outcome::Successful)),
            ("ROLLBACK_SUCCESSFUL", Some(Outcome::RolledBack)),
            ("ROLLBACK_FAILED", Some(Outcome::Failed)),
            ("STOPPED", Some(Outcome::Failed)),
            ("PENDING", None),
            ("IN_PROGRESS", None),
            ("STOP_REQUESTED", None),
            ("ROLLBACK_REQUESTED", None),
            ("ROLLBACK_IN_PROGRESS", None),
            ("SOMETHING_NEW", Some(Outcome::Unknown)),
        ];
        for (status, wanted) in all {
            assert_eq!(outcome(&of(status), None), wanted, "{status}");
        }
        let goes_on = Deployment {
            is_finished: false,
            ..of("SOMETHING_NEW")
        };
        assert_eq!(outcome(&goes_on, None), None);
    }

    #[test]
    fn a_stage_is_reached_on_the_way_forward_only() {
        let until = Some("PRODUCTION_TRAFFIC_SHIFT");
        let reached = |status, stage| outcome(&at(status, stage), until);
        assert_eq!(reached("IN_PROGRESS", "SCALE_UP"), None);
        assert_eq!(reached("IN_PROGRESS", "SOMETHING_NEW"), None);
        for stage in ["PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"] {
            assert_eq!(reached("IN_PROGRESS", stage), Some(Outcome::Reached));
        }
        assert_eq!(reached("ROLLBACK_IN_PROGRESS", "BAKE_TIME"), None);
        assert_eq!(reached("STOP_REQUESTED", "BAKE_TIME"), None);
        assert_eq!(reached("SUCCESSFUL", "CLEAN_UP"), Some(Outcome::Successful));
        let back = Deployment {
            rollback: Some("alarm(s) detected".to_owned()),
            ..at("IN_PROGRESS", "BAKE_TIME")
        };
        assert_eq!(outcome(&back, until), None);
    }

    #[test]
    fn an_end_says_why_each_reason_once() {
        let mut failed = FailedHooks::default();
        let mut seen = deployment();
        seen.hooks = vec![
            hook("1", Some("post-traffic"), "FAILED"),
            hook("2", None, "TIMED_OUT"),
        ];
        failed.note(&seen);
        failed.note(&seen);
        let over = Deployment {
            reason: Some("hook execution failure(s).".to_owned()),
            rollback: Some("hook execution failure(s)".to_owned()),
            alarms: vec!["errors".to_owned()],
            ..of("ROLLBACK_SUCCESSFUL")
        };
        let none = FailedHooks::default();
        let told = [
            Outcome::RolledBack.sentence(&over, &failed),
            Outcome::Failed.sentence(&of("STOPPED"), &none),
            Outcome::Failed.sentence(&of("ROLLBACK_FAILED"), &none),
            Outcome::Unknown.sentence(&of("SOMETHING_NEW"), &none),
            Outcome::Successful.sentence(&of("SUCCESSFUL"), &none),
            Outcome::Reached.sentence(&at("IN_PROGRESS", "BAKE_TIME"), &none),
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        production/shop: the deployment was rolled back: hook post-traffic failed; pause 2 timed out; alarm errors went off; hook execution failure(s).
        production/shop: the deployment was stopped; ECS gives no reason.
        production/shop: the deployment failed, and so did its rollback; ECS gives no reason. Check what serves now.
        production/shop: the deployment ended as SOMETHING_NEW, which this version does not know; ECS gives no reason.
        production/shop: the deployment succeeded.
        production/shop: the deployment is at BAKE_TIME and goes on.
        ");
        insta::assert_snapshot!(Outcome::RolledBack.as_json(&over, &failed), @r#"{"outcome":"rolled_back","service":"production/shop","service_deployment":"arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc","status":"ROLLBACK_SUCCESSFUL","stage":null,"production_percent":null,"reason":"hook execution failure(s).","rollback_reason":"hook execution failure(s)","failed_hooks":["hook post-traffic failed","pause 2 timed out"],"alarms":["errors"]}"#);
    }
}
