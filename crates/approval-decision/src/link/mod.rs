//! The page that a signed link leads to. GET shows, POST decides: a mail scanner that opens every link
//! of a message has opened a page and nothing else.
//!
//! A link identifies nobody, as it can be forwarded; the page says so, and so does the audit. Why a link
//! doesn't count is told to the log only.

mod form;
mod state;

use std::sync::Arc;
use std::time::Duration;

use approvals::config::Approver;
use approvals::decide::{Answer, Click};
use approvals::policy::Refusal;
use approvals::records::{AuditKind, AuditRecord, Decision, Via};
use approvals::sign::Keys;
use approvals::sign::link::{self, Link, LinkAction, LinkError};
use approvals::{Case, CaseId};
use jiff::SignedDuration;

use crate::RequestContext;
use crate::event::Request;
use crate::page::{self, Notice, View};
use crate::response::Response;

pub use form::Form;
pub use state::{CaseStatus, State};

/// A form has a comment and two short fields.
const MAX_BODY: usize = 32 * 1024;
/// Kept of the function's time for looking up what the page shows afterwards.
const PAGE_RESERVE: Duration = Duration::from_secs(4);
/// How long it is remembered that an hour's attempts are in the audit.
const ATTEMPT_TTL: SignedDuration = SignedDuration::from_hours(2);

/// Answers `/d/LINK`.
pub async fn serve(context: &RequestContext<'_>, request: &Request, sealed: &str) -> Response {
    let reading = matches!(request.method.as_str(), "GET" | "HEAD");
    if !reading && request.method != "POST" {
        return Response::only("GET, HEAD, POST");
    }
    let mut keys = match context.keys().await {
        Ok(keys) => keys,
        Err(why) => {
            tracing::error!("no link can be opened: {why}");
            return Response::page(503, page::unavailable());
        }
    };
    let audience = link::audience(&context.settings.state_table);
    let now = context.function.now();
    let mut opened = link::open(&keys, &audience, sealed, now);
    if opened == Err(LinkError::UnknownKey) {
        keys = context.newer_keys(&keys).await;
        opened = link::open(&keys, &audience, sealed, now);
    }
    let link = match opened {
        Ok(link) => link,
        Err(error) => return bad_link(context, request, sealed, error).await,
    };
    let session = LinkSession {
        context,
        keys: &keys,
        link: &link,
        sealed,
    };
    if reading {
        session.show(200, None).await
    } else {
        session.answer(request).await
    }
}

/// A link that doesn't count. A POST is an attempt, and leaves an audit record if the case is known, the
/// first in each hour: anybody may send any number of them. A GET leaves nothing but a line in the log.
async fn bad_link(
    context: &RequestContext<'_>,
    request: &Request,
    sealed: &str,
    error: LinkError,
) -> Response {
    tracing::warn!(method = request.method, "a link was refused: {error}");
    if request.method == "POST"
        && let Some(id) = link::claimed_case(sealed)
        && let Ok(Some(case)) = context.records().case(&id).await
        && first_of_the_hour(context, &id).await
    {
        note_bad_link(context, request, case, error).await;
    }
    if error == LinkError::Expired {
        Response::link_is_over()
    } else {
        Response::no_such_link()
    }
}

async fn first_of_the_hour(context: &RequestContext<'_>, id: &CaseId) -> bool {
    let hour = context.function.now().as_second().div_euclid(3600);
    let what = format!("bad-link#{id}#{hour}");
    let first = context
        .records()
        .first_time(&what, context.request_id, ATTEMPT_TTL)
        .await;
    first.unwrap_or_else(|error| {
        tracing::error!("the audit is incomplete: {error}");
        false
    })
}

async fn note_bad_link(
    context: &RequestContext<'_>,
    request: &Request,
    case: Case,
    error: LinkError,
) {
    let result = format!("refused: {error}");
    let record = AuditRecord {
        action: Some(case.action),
        execution_id: case.execution_id,
        via: Some(Via::Link),
        from: request.source_ip.clone(),
        ..AuditRecord::new(AuditKind::BadLink, case.id, context.function.now(), result)
    };
    if let Err(error) = context.records().audit(&record).await {
        tracing::error!("the audit is incomplete: {error}");
    }
}

/// Somebody with a link that counts.
struct LinkSession<'a> {
    context: &'a RequestContext<'a>,
    keys: &'a Arc<Keys>,
    link: &'a Link,
    /// The link as text: where the form leads.
    sealed: &'a str,
}

impl LinkSession<'_> {
    /// The page as things stand. Only reads.
    async fn show(&self, status: u16, notice: Option<Notice>) -> Response {
        let state = match State::read(self.context, self.link).await {
            Ok(Some(state)) => state,
            Ok(None) => return Response::no_such_link(),
            Err(why) => {
                tracing::error!("the page can't be shown: {why}");
                return Response::page(503, page::unavailable());
            }
        };
        let asked = state
            .asks(self.link)
            .filter(|_| may_be_asked(notice.as_ref()));
        let form = asked.map(|decision| {
            let nonce = (self.context.function.new_id)();
            (decision, Form::new(self.keys, self.link, nonce))
        });
        let cookie = form.as_ref().map(|(_, form)| form.cookie());
        let view = View {
            state: &state,
            link: self.link,
            sealed: self.sealed,
            form: form.as_ref().map(|(decision, form)| (*decision, form)),
            notice,
            now: self.context.function.now(),
        };
        let response = Response::page(status, page::show(&view));
        match cookie {
            Some(cookie) => response.with_cookie(cookie),
            None => response,
        }
    }

    /// Takes an answer that was sent from the page.
    async fn answer(&self, request: &Request) -> Response {
        let decision = match self.link.action {
            LinkAction::View => return Response::only("GET, HEAD"),
            LinkAction::Approve => Decision::Approve,
            LinkAction::Reject => Decision::Reject,
        };
        if request.oversized || request.body.len() > MAX_BODY {
            return Response::page(413, page::unavailable());
        }
        let mut comment = form::comment(self.keys, self.link, request);
        if comment.is_err() {
            // Another instance of the function may have made the page with newer keys.
            let newer = self.context.newer_keys(self.keys).await;
            comment = form::comment(&newer, self.link, request);
        }
        let Ok(comment) = comment else {
            tracing::warn!(
                case = self.link.case.as_str(),
                "an answer came from no page of ours"
            );
            self.note_foreign(request, decision).await;
            return self.show(403, Some(Notice::NotSent)).await;
        };
        let click = Click {
            id: self.link.jti.clone(),
            case: self.link.case.clone(),
            approver: self.link.approver.clone(),
            name: String::new(),
            decision,
            comment,
            via: Via::Link,
            from: request.source_ip.clone(),
        };
        let answer = self.decided(&click).await;
        let response = self
            .show(status(&answer), Some(Notice::Answer(answer)))
            .await;
        // Where nothing is asked any more, the form that was used is over.
        if response.cookie.is_some() {
            return response;
        }
        response.with_cookie(Form::cookie_over(self.link))
    }

    async fn decided(&self, click: &Click) -> Answer {
        let config = match self.context.config().await {
            Ok(config) => config,
            Err(why) => {
                tracing::error!("{why}");
                let answer = Answer::TryAgain { why };
                self.context.note_undecided(click, &answer).await;
                return answer;
            }
        };
        // A run that is cut off here is one that died: whoever comes next finishes it.
        let within = self.context.time_left().saturating_sub(PAGE_RESERVE);
        let answer = tokio::time::timeout(
            within,
            Box::pin(self.context.decide(self.keys, &config, click)),
        )
        .await;
        answer.unwrap_or_else(|_| {
            tracing::error!(
                case = click.case.as_str(),
                "the time of the function was over"
            );
            // Whether it was sent on by then is not known here.
            Answer::InProgress { by: Vec::new() }
        })
    }

    async fn note_foreign(&self, request: &Request, decision: Decision) {
        let result = "refused: it was not sent from a page that this browser was shown";
        let id = self.link.case.clone();
        let record = AuditRecord {
            via: Some(Via::Link),
            decision: Some(decision),
            from: request.source_ip.clone(),
            by: vec![holder(&self.link.approver)],
            ..AuditRecord::new(AuditKind::Click, id, self.context.function.now(), result)
        };
        if let Err(error) = self.context.records().audit_attempt(&record).await {
            tracing::error!("the audit is incomplete: {error}");
        }
    }
}

/// Whoever holds the link of `approver`.
fn holder(approver: &Approver) -> approvals::records::Voter {
    approvals::records::Voter {
        approver: approver.to_string(),
        name: String::new(),
        identified: false,
    }
}

/// Whether the page asks, after what it says on top: not if the same answer could come to nothing else.
fn may_be_asked(notice: Option<&Notice>) -> bool {
    match notice {
        None | Some(Notice::NotSent) => true,
        Some(Notice::Answer(answer)) => match answer {
            Answer::TryAgain { .. } => true,
            Answer::Refused(refusal) => matches!(
                refusal,
                Refusal::ReasonNeeded | Refusal::OutsideOfficeHours { .. }
            ),
            _ => false,
        },
    }
}

fn status(answer: &Answer) -> u16 {
    match answer {
        Answer::Decided(_) | Answer::Recorded { .. } => 200,
        Answer::InProgress { .. } => 202,
        Answer::Refused(Refusal::ReasonNeeded) => 422,
        Answer::Refused(_) => 403,
        Answer::AlreadyDecided(_) | Answer::Superseded(_) => 409,
        Answer::TryAgain { .. } => 503,
    }
}
