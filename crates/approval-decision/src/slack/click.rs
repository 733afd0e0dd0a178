//! The second half of a click: decided in a run of its own, and answered where only the person who
//! clicked sees it. The message itself changes when `CodePipeline` says what became of it.

use std::sync::Arc;
use std::time::Duration;

use approvals::decide::{Answer, Click};
use approvals::policy::Refusal;
use channels::{answer_slack, leads_to_slack};
use contacts::Approver;
use function_url::slack_request::message;
use jiff::{SignedDuration, Timestamp};
use ledger::Via;
use signing::Keys;
use text::mask::Masker;

use super::SlackClick;
use crate::RequestContext;
use crate::texts::{self, Texts};

/// A click that waited longer does not count: the person has long gone on, or clicked again.
const MAX_CLICK_AGE: SignedDuration = SignedDuration::from_mins(15);
/// For telling the person, with all tries.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// Kept of the function's time for telling.
const ANSWER_RESERVE: Duration = Duration::from_secs(4);

/// Decides a click, and tells the person who clicked.
pub async fn decide_click(context: &RequestContext<'_>, keys: &Arc<Keys>, click: &SlackClick) {
    let (texts, answer) = decided(context, keys, click).await;
    let Some(url) = &click.response_url else {
        tracing::warn!(
            case = click.case.as_str(),
            "Slack gave no address for an answer"
        );
        return;
    };
    let api = context.settings.slack_api_url.as_str();
    if !leads_to_slack(url, api) {
        tracing::error!(
            case = click.case.as_str(),
            "the address for an answer does not lead to Slack; nothing was sent there"
        );
        return;
    }
    let report = texts::answer(texts, &answer, context.function.now());
    let message = message(&Masker::new().mask(&report));
    if let Err(error) =
        answer_slack(&context.function.http, (url, api), &message, ANSWER_TIMEOUT).await
    {
        tracing::warn!(
            case = click.case.as_str(),
            "Slack did not take the answer: {error}"
        );
    }
}

async fn decided(
    context: &RequestContext<'_>,
    keys: &Arc<Keys>,
    click: &SlackClick,
) -> (&'static Texts, Answer) {
    let (team, user) = (click.team.clone(), click.user.clone());
    let said = Click {
        id: click.id.clone(),
        form: None,
        case: click.case.clone(),
        approver: Approver::Slack { team, user },
        name: click.name.clone(),
        decision: click.decision,
        comment: click.comment.clone(),
        via: Via::Slack,
        from: None,
    };
    let config = match context.config().await {
        Ok(config) => config,
        Err(why) => {
            tracing::error!("{why}");
            let answer = Answer::TryAgain {
                why: why.to_string().into(),
            };
            context.note_undecided(&said, &answer).await;
            return (Texts::of(None, None), answer);
        }
    };
    let route = context.route_of(&config, &click.case).await;
    let texts = Texts::of(Some(&config), route);
    if too_old(click, context.function.now()) {
        let answer = Answer::Refused(Refusal::TooLate);
        context.note_undecided(&said, &answer).await;
        return (texts, answer);
    }
    // A run that is cut off here is one that died: whoever clicks next finishes it.
    let within = context.time_left().saturating_sub(ANSWER_RESERVE);
    let answer = tokio::time::timeout(within, Box::pin(context.decide(keys, &config, &said))).await;
    let answer = answer.unwrap_or_else(|_| {
        tracing::error!(
            case = click.case.as_str(),
            "the time of the function was over"
        );
        // Whether it was sent on by then is not known here.
        Answer::InProgress { by: Vec::new() }
    });
    (texts, answer)
}

fn too_old(click: &SlackClick, now: Timestamp) -> bool {
    Timestamp::from_second(click.at).is_ok_and(|at| now.duration_since(at) > MAX_CLICK_AGE)
}
