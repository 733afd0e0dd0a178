//! A case: a manual approval, a paused deployment or an inconclusive gate that waits, or has waited, for people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

use crate::source::approval_action::{ApprovalAction, CaseId};
use crate::{Briefing, ShownDigest, Source, Starter, Status, TimeoutAction, Token};

/// One wait for people, with what they were shown. Written once, when it is first told; what happens to
/// it afterwards has records of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its opaque name.
    pub id: CaseId,
    /// What waits. Records have called it so since there were approvals only.
    #[serde(rename = "action")]
    pub source: Source,
    /// The pipeline execution, where it could be found out; the ARN of a service deployment.
    pub execution_id: Option<String>,
    /// A keyed hash of the token, `<key id>:<hex>`, to recognise it at decision time; empty for a pause,
    /// which is recognised by its hook.
    pub token_mac: String,
    /// The name of the route in the configuration that it took.
    pub route: String,
    /// When it was told first.
    pub asked_at: Timestamp,
    /// When AWS gives up waiting.
    pub expires: Option<Timestamp>,
    /// The pipeline or the service in the console: never the review link, which carries the token.
    pub console_link: Option<String>,
    /// The link that the action's owner configured, without tokens. Only https may be opened; anything else
    /// is shown as text.
    pub external_link: Option<String>,
    /// The comment that the action's owner configured.
    pub comment: Option<String>,
    /// What helps to decide, redacted.
    pub briefing: Briefing,
    /// What a decision is bound to.
    pub shown: ShownDigest,
}

impl Case {
    /// The id of a wait's case: the same for each message about it.
    pub fn id_of(action: &ApprovalAction, token: &Token) -> CaseId {
        let parts = [&["deploy-hooks case"][..], &action.with_token(token)].concat();
        OpaqueId::of(&parts)
    }

    /// Who started what waits, as far as that was found out. ECS keeps nobody's name: whoever may update
    /// the service can have started a deployment. Nor does a gate know of anybody.
    pub fn starter(&self) -> Option<Starter> {
        match &self.source {
            Source::Pipeline(_) => self.briefing.starter.clone(),
            Source::Ecs(_) => Some(Starter {
                trigger: "UpdateService".to_owned(),
                detail: String::new(),
                name: String::new(),
            }),
            Source::Gate(gate) => Some(Starter {
                trigger: gate.caller.clone(),
                detail: String::new(),
                name: String::new(),
            }),
        }
    }

    /// Whether the release goes on once the case stands so: after a yes, and after the time of a pause that lets it
    /// pass when nobody decides.
    pub fn goes_on_after(&self, status: Status) -> bool {
        let passes = || {
            let paused = self.source.paused();
            paused.and_then(|paused| paused.timeout_action) == Some(TimeoutAction::Continue)
        };
        match status {
            Status::Approved => true,
            Status::Expired => passes(),
            Status::Waiting | Status::Rejected | Status::Superseded | Status::Stopped => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_one_id_and_another_wait_another_one() {
        let action = ApprovalAction::sample();
        let id = Case::id_of(&action, &Token::new("one"));
        assert_eq!(id, Case::id_of(&action, &Token::new("one")));
        assert_ne!(id, Case::id_of(&action, &Token::new("two")));
    }
}
