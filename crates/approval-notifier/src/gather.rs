//! What is looked up before people are asked: the execution behind a token, whether it still waits,
//! what helps to decide, and until when there is time. All of it at once, and in bounded time.

use std::time::Duration;

use approvals::config::Route;
use approvals::pipeline::{self, OwnerNote, Wait};
use approvals::{
    ApprovalAction, Briefing, Case, CaseId, Gap, GateQuestion, Lookup, ShownDigest, Status, Token,
    redact,
};
use aws_sdk_codepipeline::types::{PipelineDeclaration, StageDeclaration};
use common::arn::Place;
use common::aws::Identity;
use common::console;
use common::failure::{Failure, Hints};
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};

use crate::context::EventContext;
use crate::error::NotifierError;
use crate::findings::{Findings, LOOKUP_TIMEOUT, lookups};
use crate::pause;
use crate::question::{ApprovalQuestion, Question};

/// Characters of a reason.
const MAX_REASON_CHARS: usize = 400;
/// A message may arrive before `CodePipeline` shows its token: that is looked for again after this.
const EXECUTION_RETRY_PAUSES: [Duration; 2] =
    [Duration::from_millis(250), Duration::from_millis(750)];
/// A message that is younger than this is run again by Lambda if it fails: the second try comes a minute
/// after the first, the last one two minutes later.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
const RETRIED_AGE: SignedDuration = SignedDuration::from_secs(150);
/// Whoever has less time to decide is told at once, with what is known.
const URGENT_TIME_LEFT: SignedDuration = SignedDuration::from_mins(10);
/// How long an approval waits unless its action says otherwise.
/// <https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html>
const DEFAULT_APPROVAL_TIMEOUT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was found.
#[derive(Debug)]
pub struct CaseLookup {
    /// The case, or what one is made of.
    pub found: FoundCase,
    /// Whether it still waits. Where that can't be found out, it does.
    pub waits: bool,
}

/// A case, or what one is made of.
#[derive(Debug)]
pub enum FoundCase {
    /// It was told before.
    Known(Box<Case>),
    /// It is new.
    New(Box<Findings>),
}

/// The action with the account and region of this function where the message names none: only there
/// could it be decided. So that two messages about one wait speak of the same action.
pub fn in_own_place_by_default(
    context: &EventContext<'_>,
    mut action: ApprovalAction,
) -> ApprovalAction {
    if let Some(Place { account, region }) = context.invocation.place() {
        if action.account.is_empty() {
            action.account = account;
        }
        if action.region.is_empty() {
            action.region = region;
        }
    }
    action
}

/// The action as one of this function's account and region, where it was found there.
pub fn in_own_place(context: &EventContext<'_>, action: ApprovalAction) -> ApprovalAction {
    match context.invocation.place() {
        Some(Place { account, region }) => ApprovalAction {
            account,
            region,
            ..action
        },
        None => action,
    }
}

/// Pure: whether a look-up that fails may wait for Lambda's next try: there is one, and there is time.
pub fn is_fresh(sent: Option<Timestamp>, expires: Option<Timestamp>, now: Timestamp) -> bool {
    let young = sent.is_some_and(|sent| now.duration_since(sent).abs() < RETRIED_AGE);
    young && expires.is_none_or(|expires| expires.duration_since(now) > URGENT_TIME_LEFT)
}

/// The execution that a token belongs to. None costs the message its briefing and its buttons, and never
/// the message; so what may pass, as a token that is not shown yet, fails a message that is `fresh`.
pub async fn execution_of(
    context: &EventContext<'_>,
    action: &ApprovalAction,
    token: &Token,
    fresh: bool,
) -> Result<Option<String>, NotifierError> {
    let search = async {
        for pause in EXECUTION_RETRY_PAUSES {
            match pipeline::find_by_token(context.aws, action, token).await {
                Ok(None) => tokio::time::sleep(pause).await,
                found => return found,
            }
        }
        pipeline::find_by_token(context.aws, action, token).await
    };
    let (why, passes) = match tokio::time::timeout(LOOKUP_TIMEOUT, search).await {
        Ok(Ok(Some(execution))) => return Ok(Some(execution)),
        Ok(Ok(None)) => ("CodePipeline does not know its token".to_owned(), true),
        Ok(Err(error)) => (error.to_string(), error.is_transient()),
        Err(_) => ("no answer in time".to_owned(), true),
    };
    if passes && fresh {
        let action = action.to_string();
        return Err(NotifierError::Unfound { action, why });
    }
    tracing::warn!(%action, "which execution waits is not known: {why}");
    Ok(None)
}

/// Looks everything up at once. A case that is known already needs no briefing.
pub async fn gather(
    context: &EventContext<'_>,
    id: &CaseId,
    question: &Question,
    route: &Route,
) -> Result<CaseLookup, NotifierError> {
    match question {
        Question::Approval(question) => {
            let findings = findings(context, question, route);
            let (found, waits) = tokio::join!(
                Box::pin(find(context, id, findings)),
                Box::pin(waits(context, question))
            );
            Ok(CaseLookup {
                found: found?,
                waits: waits?,
            })
        }
        Question::Pause(question) => {
            let (known, read) = tokio::join!(
                Box::pin(context.records.case(id)),
                Box::pin(pause::read(context, question, route))
            );
            let (known, (findings, waits)) = (known?, read?);
            let found = match known {
                Some(case) => FoundCase::Known(Box::new(case)),
                None => FoundCase::New(Box::new(findings)),
            };
            Ok(CaseLookup { found, waits })
        }
        Question::Gate(asking) => {
            let (known, heard) = tokio::join!(
                Box::pin(context.records.case(id)),
                Box::pin(context.records.gate_resolution(id))
            );
            let waits = heard?.is_none() && asking.question.expires > context.now();
            let found = match known? {
                Some(case) => FoundCase::Known(Box::new(case)),
                None => FoundCase::New(Box::new(of_gate(id, &asking.question))),
            };
            Ok(CaseLookup { found, waits })
        }
    }
}

/// What a gate's case is made of: the question has all of it.
fn of_gate(id: &CaseId, question: &GateQuestion) -> Findings {
    Findings {
        source: question.asking.clone().into(),
        briefing: Briefing {
            gate: Some(question.evidence.clone()),
            ..Briefing::default()
        },
        shown: ShownDigest {
            digest: id.to_string(),
            ..ShownDigest::default()
        },
        expires: Some(question.expires),
        words: OwnerNote::default(),
    }
}

async fn find(
    context: &EventContext<'_>,
    id: &CaseId,
    findings: impl Future<Output = Findings>,
) -> Result<FoundCase, NotifierError> {
    let known = Box::pin(context.records.case(id));
    let findings = Box::pin(findings);
    Ok(match select(known, findings).await {
        Either::Left((known, findings)) => match known? {
            Some(case) => FoundCase::Known(Box::new(case)),
            None => FoundCase::New(Box::new(findings.await)),
        },
        Either::Right((findings, known)) => match known.await? {
            Some(case) => FoundCase::Known(Box::new(case)),
            None => FoundCase::New(Box::new(findings)),
        },
    })
}

async fn findings(
    context: &EventContext<'_>,
    question: &ApprovalQuestion,
    route: &Route,
) -> Findings {
    let lookups = lookups(context, Some(route));
    let execution = question.execution_id.as_deref();
    let ((mut briefing, shown), expires, (words, gap)) = tokio::join!(
        Box::pin(briefing::brief(&lookups, &question.action, execution)),
        Box::pin(expires(context, question)),
        Box::pin(words(context, question))
    );
    briefing.gaps.extend(gap);
    Findings {
        source: question.action.clone().into(),
        briefing,
        shown,
        expires,
        words,
    }
}

/// What the action's owner says, as `CodePipeline` has it. Where it can't be asked, what the message says,
/// marked as such: anybody who may publish to the topic can have written it.
async fn words(
    context: &EventContext<'_>,
    question: &ApprovalQuestion,
) -> (OwnerNote, Option<Gap>) {
    let said = OwnerNote {
        comment: question.comment.clone(),
        external_link: question.external_link.clone(),
    };
    let Some(execution) = &question.execution_id else {
        return unconfirmed(said, "which execution waits is not known");
    };
    let call = pipeline::owner_note(context.aws, &question.action, execution, &question.token);
    match tokio::time::timeout(LOOKUP_TIMEOUT, call).await {
        Ok(Ok(Some(words))) => (words, None),
        Ok(Ok(None)) => unconfirmed(
            said,
            "CodePipeline does not show the action's configuration",
        ),
        Ok(Err(error)) => unconfirmed(said, &error.to_string()),
        Err(_) => unconfirmed(said, "no answer in time"),
    }
}

fn unconfirmed(said: OwnerNote, why: &str) -> (OwnerNote, Option<Gap>) {
    let any = said.comment.is_some() || said.external_link.is_some();
    let gap = any.then(|| Gap {
        what: Lookup::OwnerWords,
        why: redact::line(
            &format!("what is shown is what the message says, which anybody who may publish to the topic can write ({why})"),
            MAX_REASON_CHARS,
        ),
    });
    (said, gap)
}

/// Whether it still waits. A message may be hours old: repeated, or taken from a dead-letter queue.
async fn waits(
    context: &EventContext<'_>,
    question: &ApprovalQuestion,
) -> Result<bool, NotifierError> {
    if question
        .expires
        .is_some_and(|expires| expires <= context.now())
    {
        return Ok(false);
    }
    let (waits, other) = tokio::join!(
        Box::pin(execution_waits(context, question)),
        Box::pin(another_waits(context, question))
    );
    if !(waits && other) {
        return Ok(waits);
    }
    let action = &question.action;
    // One that is not known at all may have begun just now.
    if question.execution_id.is_none() && question.fresh {
        return Err(NotifierError::Unfound {
            action: action.to_string(),
            why: "CodePipeline shows another wait there".to_owned(),
        });
    }
    tracing::info!(%action, "its token is not the one that is open now: it was asked anew since");
    Ok(false)
}

/// Whether this very wait is open in its execution, as far as is known.
async fn execution_waits(context: &EventContext<'_>, question: &ApprovalQuestion) -> bool {
    let Some(execution) = &question.execution_id else {
        return true;
    };
    let wait = Wait {
        owns: &|token| *token == question.token,
        asked_at: None,
    };
    let action_state = pipeline::state_of_wait(context.aws, &question.action, execution, wait);
    let why = match tokio::time::timeout(LOOKUP_TIMEOUT, action_state).await {
        Ok(Ok(action_state)) => return action_state.status == Status::Waiting,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::warn!("whether it still waits is not known: {why}");
    true
}

/// Whether another wait than the one in question is open there: a stage that was retried asks anew, in
/// the same execution and with another token.
async fn another_waits(context: &EventContext<'_>, question: &ApprovalQuestion) -> bool {
    let execution = question.execution_id.as_deref();
    let open = pipeline::open_approval(context.aws, &question.action, execution);
    let why = match tokio::time::timeout(LOOKUP_TIMEOUT, open).await {
        Ok(Ok(open)) => return open.is_some_and(|open| open.token != question.token),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::warn!("which wait is open is not known: {why}");
    false
}

/// When `CodePipeline` gives up: as the message says, else as the pipeline's definition does.
async fn expires(context: &EventContext<'_>, question: &ApprovalQuestion) -> Option<Timestamp> {
    if question.expires.is_some() {
        return question.expires;
    }
    let since = question.since?;
    let call = context.aws.codepipeline().get_pipeline();
    let call = call.name(&question.action.pipeline).send();
    let why = match tokio::time::timeout(LOOKUP_TIMEOUT, call).await {
        Ok(Ok(answer)) => {
            let timeout = timeout_of(&answer.pipeline?, &question.action)?;
            return since.checked_add(timeout).ok();
        }
        Ok(Err(error)) => Failure::of(&error).sentence(
            Identity::Function,
            Hints {
                permission: "codepipeline:GetPipeline",
                absent: "check the pipeline's name",
            },
        ),
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::warn!("until when it waits is not known: {why}");
    None
}

/// How long the action waits, by the pipeline's definition.
fn timeout_of(pipeline: &PipelineDeclaration, action: &ApprovalAction) -> Option<SignedDuration> {
    let stages = pipeline.stages().iter();
    let action = stages
        .filter(|stage| stage.name() == action.stage)
        .flat_map(StageDeclaration::actions)
        .find(|found| found.name() == action.action)?;
    let minutes = action.timeout_in_minutes();
    let timeout = minutes.map(|minutes| SignedDuration::from_mins(minutes.into()));
    Some(timeout.unwrap_or(DEFAULT_APPROVAL_TIMEOUT))
}

/// The pipeline in the console, for a message that has no link to it.
pub fn console_link(action: &ApprovalAction) -> Option<String> {
    console::pipeline(&action.region, &action.pipeline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_and_has_time_is_fresh() {
        let at = |time: &str| Some(format!("2026-05-04T{time}Z").parse().unwrap());
        let fresh = |sent, expires| is_fresh(sent, expires, at("10:00:00").unwrap());
        assert!(fresh(at("09:58:00"), None));
        assert!(fresh(at("09:58:00"), at("11:00:00")));
        assert!(!fresh(at("09:58:00"), at("10:05:00")), "little time");
        assert!(!fresh(at("09:57:00"), None), "the last try");
        assert!(!fresh(at("12:00:00"), None), "a clock that is wrong");
        assert!(!fresh(None, None));
    }
}
