//! No approval token leaves in a message, whoever wrote it there. Every message passes here twice, as
//! there is one way out: before it is rendered, as half a token that a cut leaves is not found any more;
//! and as it is sent, when nothing is done with its texts any more.

use approvals::redact::{mask_value, masked, masked_text};
use approvals::{ActionState, Case, ExecutionOutcome};
use serde_json::Value;
use text::mask::Masker;

use super::Payload;
use crate::{
    Announcement, AnnouncementList, ApprovalNotice, Choice, ForwardedMessage, Links, Message,
    NoticeReason, Subject,
};

/// What a message is about, without tokens.
pub(super) enum Masked<'m> {
    Approval(ApprovalNotice<'m>, Box<Case>, MaskedOccasion),
    Forwarded(ForwardedMessage),
    Announcement(Announcement),
    Test,
}

/// What an occasion holds.
pub(super) enum MaskedOccasion {
    Asks,
    Decided {
        action_state: ActionState,
        who: Option<String>,
        comment: Option<String>,
    },
    Outcome(ExecutionOutcome),
}

/// What masks the texts of a message: our own links are no tokens, whatever they look like.
pub(super) fn masker(message: &Message<'_>) -> Masker<'static> {
    let mut masker = Masker::default();
    match &message.subject {
        Subject::Approval(notice) => {
            let Links {
                view,
                approve,
                reject,
            } = &notice.links;
            // CodePipeline's own, to a build or a deployment whose id has a token's form.
            let failed = match notice.occasion {
                NoticeReason::Outcome(outcome) => outcome.failed_action.as_ref(),
                _ => None,
            };
            let failed = failed.and_then(|failed| failed.link.as_ref());
            let failed = failed.filter(|link| !Masker::review_links().finds(link));
            let links = [view, approve, reject].into_iter().flatten();
            masker = links
                .chain(failed)
                .fold(notice.case.masker(), |masker, own| masker.keep(own));
        }
        Subject::Announcement(news) => {
            for choice in &news.choices {
                let value = choice.button.as_ref().map(|(_, value)| value);
                let own = choice.url.iter().chain(value);
                masker = own.fold(masker, |masker, own| masker.keep(own));
            }
        }
        Subject::Forwarded(_) | Subject::Test => {}
    }
    masker
}

impl<'m> Masked<'m> {
    pub(super) fn of(message: &Message<'m>, masker: &Masker<'_>) -> Self {
        let text = |text: &str| masker.mask(text).into_owned();
        match &message.subject {
            Subject::Approval(notice) => {
                let occasion = match notice.occasion {
                    NoticeReason::Decided {
                        action_state,
                        who,
                        comment,
                    } => MaskedOccasion::Decided {
                        action_state: masked(masker, action_state.clone()),
                        who: who.map(text),
                        comment: comment.map(text),
                    },
                    NoticeReason::Outcome(outcome) => {
                        MaskedOccasion::Outcome(masked(masker, outcome.clone()))
                    }
                    NoticeReason::Ask
                    | NoticeReason::Reminder { .. }
                    | NoticeReason::Escalation => MaskedOccasion::Asks,
                };
                let case = Box::new(masked(masker, notice.case.clone()));
                Self::Approval(notice.clone(), case, occasion)
            }
            Subject::Forwarded(plain) => Self::Forwarded(ForwardedMessage {
                title: text(&plain.title),
                text: masked_text(masker, &plain.text),
                link: plain.link.as_deref().map(text),
            }),
            Subject::Announcement(news) => Self::Announcement(self::news(news, &text)),
            Subject::Test => Self::Test,
        }
    }

    /// What is rendered.
    pub(super) fn subject(&self) -> Subject<'_> {
        match self {
            Self::Approval(notice, case, occasion) => Subject::Approval(ApprovalNotice {
                case,
                occasion: match occasion {
                    MaskedOccasion::Asks => notice.occasion,
                    MaskedOccasion::Decided {
                        action_state,
                        who,
                        comment,
                    } => NoticeReason::Decided {
                        action_state,
                        who: who.as_deref(),
                        comment: comment.as_deref(),
                    },
                    MaskedOccasion::Outcome(outcome) => NoticeReason::Outcome(outcome),
                },
                ..notice.clone()
            }),
            Self::Forwarded(plain) => Subject::Forwarded(plain),
            Self::Announcement(news) => Subject::Announcement(news),
            Self::Test => Subject::Test,
        }
    }
}

fn news(news: &Announcement, text: &impl Fn(&str) -> String) -> Announcement {
    let texts = |texts: &[String]| texts.iter().map(|line| text(line)).collect();
    let list = |list: &AnnouncementList| AnnouncementList {
        heading: text(&list.heading),
        lines: texts(&list.lines),
        first: list.first,
    };
    let choice = |choice: &Choice| Choice {
        label: text(&choice.label),
        ..choice.clone()
    };
    Announcement {
        title: text(&news.title),
        ascii_title: text(&news.ascii_title),
        lead: texts(&news.lead),
        lists: news.lists.iter().map(list).collect(),
        choices: news.choices.iter().map(choice).collect(),
        footer: text(&news.footer),
        ..news.clone()
    }
}

/// A message as it is sent.
pub(super) fn sent(masker: &Masker<'_>, payload: Payload) -> Payload {
    let text = |text: String| masker.mask(&text).into_owned();
    let value = |mut value: Value| {
        mask_value(masker, &mut value);
        value
    };
    match payload {
        Payload::Slack { text: seen, blocks } => Payload::Slack {
            text: text(seen),
            blocks: value(blocks),
        },
        Payload::Teams(message) => Payload::Teams(value(message)),
        Payload::Mail {
            subject,
            html,
            text: plain,
        } => Payload::Mail {
            subject: text(subject),
            html: text(html),
            text: text(plain),
        },
        Payload::SnsMail {
            subject,
            text: plain,
        } => Payload::SnsMail {
            subject: text(subject),
            text: text(plain),
        },
        Payload::Webhook(event) => Payload::Webhook(value(event)),
        Payload::AmazonQ(event) => Payload::AmazonQ(value(event)),
    }
}
