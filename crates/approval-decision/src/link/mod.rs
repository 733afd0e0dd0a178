//! The page that a signed link leads to. GET shows, POST decides: a mail scanner that opens every link
//! of a message has opened a page and nothing else.
//!
//! A link identifies nobody, as it can be forwarded; the page says so, and so does the audit. Why a link
//! doesn't count is told to the log only.

pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use approvals::decide::{Answer, Click};
use approvals::link_claims::{Link, LinkAction, LinkClaims, audience};
use approvals::policy::Refusal;
use approvals::records::{ApprovalAudit, ApprovalDetails, Decision};
use approvals::{Case, CaseId};
use function_url::{Form, Request, Response};
use jiff::SignedDuration;
use ledger::{Actor, AuditKind, AuditRecord, Via};
use signing::Keys;
use signing::link::{self, LinkError};

use crate::RequestContext;
use crate::page::{self, Notice, View};

pub use state::{CaseStatus, State};

/// The name of the comment's field.
const COMMENT: &str = "comment";
/// Enough of a link's number to tell several open pages apart.
const COOKIE_DIGITS: usize = 12;
/// A form has a comment and two short fields.
const MAX_BODY_BYTES: usize = 32 * 1024;
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
    let audience = audience(&context.settings.state_table);
    let function = context.function;
    let now = function.now();
    let open = |keys: &Arc<Keys>| link::open(keys, &audience, sealed, now);
    let opened = match function.keyring.check(&function.aws, now, open).await {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!("no link can be opened: {error}");
            return Response::unavailable();
        }
    };
    let (link, keys) = match opened {
        Ok(opened) => opened,
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
        && let Some(id) = link::unverified(sealed).map(|said: LinkClaims| said.case)
        && let Ok(Some(case)) = context.records().case(&id).await
        && first_of_the_hour(context, &id).await
    {
        note_bad_link(context, request, case, error).await;
    }
    if error == LinkError::Expired {
        // It says the same as any other that doesn't count.
        Response::not_found().with_status(410)
    } else {
        Response::not_found()
    }
}

async fn first_of_the_hour(context: &RequestContext<'_>, id: &CaseId) -> bool {
    let hour = context.function.now().as_second().div_euclid(3600);
    let what = format!("bad-link#{id}#{hour}");
    let first = context
        .records()
        .ledger
        .first_time(&what, &context.invocation.request_id, ATTEMPT_TTL)
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
    let record = ApprovalAudit {
        details: ApprovalDetails::of(&case),
        via: Some(Via::Link),
        from: request.source_ip.clone(),
        ..AuditRecord::new(AuditKind::BadLink, case.id, context.function.now(), result)
    };
    if let Err(error) = context.records().ledger.audit(&record).await {
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
    /// Several pages may be open at once: each link's form has a cookie of its own, by this name.
    fn cookie(&self) -> String {
        let jti = &self.link.claims.jti;
        format!("__Host-decide-{}", &jti[..jti.len().min(COOKIE_DIGITS)])
    }

    fn form<'f>(&'f self, cookie: &'f str) -> Form<'f> {
        Form {
            purpose: "form",
            cookie,
            subject: &self.link.claims.jti,
        }
    }

    /// The page as things stand. Only reads.
    async fn show(&self, status: u16, notice: Option<Notice>) -> Response {
        let state = match State::read(self.context, self.link).await {
            Ok(Some(state)) => state,
            Ok(None) => return Response::not_found(),
            Err(why) => {
                tracing::error!("the page can't be shown: {why}");
                return Response::unavailable();
            }
        };
        let asked = state
            .asks(self.link)
            .filter(|_| may_be_asked(notice.as_ref()));
        let cookie_name = self.cookie();
        let form = asked.map(|decision| {
            let nonce = (self.context.function.new_id)();
            (decision, self.form(&cookie_name).show(self.keys, &nonce))
        });
        let cookie = form.as_ref().map(|(_, form)| form.cookie.clone());
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
        let decision = match self.link.claims.action {
            LinkAction::View => return Response::only("GET, HEAD"),
            LinkAction::Approve => Decision::Approve,
            LinkAction::Reject => Decision::Reject,
        };
        if request.oversized || request.body.len() > MAX_BODY_BYTES {
            return Response::unavailable().with_status(413);
        }
        let function = self.context.function;
        let cookie_name = self.cookie();
        let sent = |keys: &Arc<Keys>| self.form(&cookie_name).sent(keys, request);
        let sent = function.keyring.check(&function.aws, function.now(), sent);
        let sent = match sent.await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::error!("no form can be checked: {error}");
                return Response::unavailable();
            }
        };
        let form = match sent {
            Ok((form, _)) => form,
            Err(refused) => {
                tracing::warn!(
                    case = self.link.claims.case.as_str(),
                    "an answer was refused: {refused}"
                );
                self.note_foreign(request, decision).await;
                return self.show(403, Some(Notice::NotSent)).await;
            }
        };
        let comment = request
            .field(COMMENT)
            .filter(|text| !text.trim().is_empty());
        let click = Click {
            id: self.link.claims.jti.clone(),
            form: Some(form),
            case: self.link.claims.case.clone(),
            approver: self.link.claims.approver.clone(),
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
        response.with_cookie(self.form(&self.cookie()).ended())
    }

    async fn decided(&self, click: &Click) -> Answer {
        let config = match self.context.config().await {
            Ok(config) => config,
            Err(why) => {
                tracing::error!("{why}");
                let answer = Answer::TryAgain {
                    why: why.to_string().into(),
                };
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
        let id = self.link.claims.case.clone();
        let record = ApprovalAudit {
            via: Some(Via::Link),
            from: request.source_ip.clone(),
            by: vec![Actor::new(&self.link.claims.approver, "", Via::Link)],
            details: ApprovalDetails {
                decision: Some(decision),
                ..ApprovalDetails::default()
            },
            ..AuditRecord::new(AuditKind::Click, id, self.context.function.now(), result)
        };
        if let Err(error) = self.context.records().ledger.audit_attempt(&record).await {
            tracing::error!("the audit is incomplete: {error}");
        }
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
