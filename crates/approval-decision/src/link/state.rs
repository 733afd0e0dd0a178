//! How a case stands, read for the page. Reads only, and what can't be read is left out: the page is
//! shown even when `CodePipeline` can't be asked.

use std::time::Duration;

use approvals::config::{Config, Route};
use approvals::decide::{self, DecisionOutcome};
use approvals::link_claims::{Link, LinkAction};
use approvals::policy;
use approvals::records::{Decision, DecisionRecord, LinkUse, Vote};
use approvals::source::wait;
use approvals::{Case, Status};
use ledger::Actor;

use crate::RequestContext;
use crate::texts::Texts;

/// For asking `CodePipeline`.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// Where a case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseStatus {
    /// It waits.
    Waits,
    /// It was decided, or is over.
    Settled(DecisionOutcome),
    /// A decision is being carried out.
    InProgress(Vec<Actor>),
    /// It could not be looked up.
    Unknown,
}

/// All that the page is made from.
#[derive(Debug)]
pub struct State {
    /// The case.
    pub case: Case,
    /// Where it stands.
    pub case_status: CaseStatus,
    /// How many have said yes, of how many; none where one is enough.
    pub votes: Option<(usize, u32)>,
    /// Whether this link's yes is among them.
    pub voted: bool,
    /// The use of this link, if it was used.
    pub used: Option<LinkUse>,
    /// Whether a rejection needs a reason.
    pub reason_needed: bool,
    /// The words.
    pub texts: &'static Texts,
}

impl State {
    /// Reads it; none if there is no such case.
    pub async fn read(context: &RequestContext<'_>, link: &Link) -> Result<Option<Self>, String> {
        let records = context.records();
        let (case, decision, votes, used, config) = tokio::join!(
            records.case(&link.claims.case),
            records.decision(&link.claims.case),
            records.votes(&link.claims.case),
            records.link_use(&link.claims.case, &link.claims.jti),
            context.config(),
        );
        let Some(case) = case.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let config = config.inspect_err(|why| tracing::error!("{why}")).ok();
        let route = config
            .as_ref()
            .and_then(|config| config.route_named(&case.route));
        let record = decision.map_err(|error| error.to_string())?;
        let record = record.map(|item| item.value).unwrap_or_default();
        let case_status = case_status(context, &case, &record).await;
        let votes = votes.map_err(|error| error.to_string())?;
        let approver = link.claims.approver.to_string();
        Ok(Some(Self {
            case_status,
            votes: counted(route, &case, &votes),
            voted: votes.iter().any(|vote| vote.voter.approver == approver),
            used: used.map_err(|error| error.to_string())?,
            reason_needed: route.is_some_and(|route| route.policy.reason_for_rejection),
            texts: words(config.as_ref(), route),
            case,
        }))
    }

    /// What the link may still answer, and so the page asks.
    pub fn asks(&self, link: &Link) -> Option<Decision> {
        if matches!(self.case_status, CaseStatus::Settled(_)) {
            return None;
        }
        match link.claims.action {
            LinkAction::View => None,
            LinkAction::Reject => Some(Decision::Reject),
            // Its yes counts already, unless a run died with it: then it is sent again.
            LinkAction::Approve
                if self.voted && self.votes.is_some_and(|(have, need)| have < need as usize) =>
            {
                None
            }
            LinkAction::Approve => Some(Decision::Approve),
        }
    }
}

fn words(config: Option<&Config>, route: Option<&Route>) -> &'static Texts {
    Texts::of(config, route)
}

fn counted(route: Option<&Route>, case: &Case, votes: &[Vote]) -> Option<(usize, u32)> {
    let policy = &route?.policy;
    let have = policy::counted(policy, votes).len();
    let need = policy::needed(policy, case.starter().as_ref(), case.source.account());
    (need > 1).then_some((have, need))
}

async fn case_status(
    context: &RequestContext<'_>,
    case: &Case,
    record: &DecisionRecord,
) -> CaseStatus {
    if let Some(outcome) = &record.outcome {
        let decisive = record.decisive();
        return CaseStatus::Settled(DecisionOutcome {
            action_state: outcome.action_state.clone(),
            by: decisive.map(|intent| intent.by.clone()).unwrap_or_default(),
            comment: decisive.and_then(|intent| intent.comment.clone()),
        });
    }
    let Some(execution) = &case.execution_id else {
        return CaseStatus::Unknown;
    };
    let keys = match context.keys().await {
        Ok(keys) => keys,
        Err(why) => {
            tracing::warn!("{why}");
            return CaseStatus::Unknown;
        }
    };
    let action_state = wait::state(
        &context.function.aws,
        context.records(),
        &keys,
        case,
        execution,
    );
    match tokio::time::timeout(LOOKUP_TIMEOUT, action_state).await {
        Ok(Ok(action_state)) if action_state.status == Status::Waiting => match record.standing() {
            Some(intent) => CaseStatus::InProgress(intent.by.clone()),
            None => CaseStatus::Waits,
        },
        Ok(Ok(action_state)) => {
            let ours = decide::own_intent(case, record, &action_state);
            CaseStatus::Settled(DecisionOutcome {
                by: ours.map(|intent| intent.by.clone()).unwrap_or_default(),
                comment: ours.and_then(|intent| intent.comment.clone()),
                action_state,
            })
        }
        Ok(Err(error)) => {
            tracing::warn!("{error}");
            CaseStatus::Unknown
        }
        Err(_) => {
            tracing::warn!("CodePipeline did not say in time how the approval stands");
            CaseStatus::Unknown
        }
    }
}
