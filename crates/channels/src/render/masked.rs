//! No approval token leaves in a message, whoever wrote it there. Every message passes here twice, as
//! there is one way out: before it is rendered, as half a token that a cut leaves is not found any more;
//! and as it is sent, when nothing is done with its texts any more.

use approvals::redact::{mask_value, masked, masked_text};
use approvals::{Case, ExecutionOutcome, Truth};
use serde_json::Value;
use text::mask::Masker;

use super::Payload;
use crate::{Announcement, AnnouncementList, Choice, ForwardedMessage, Message, Occasion};

/// What a message is about, without tokens.
pub(super) struct Masked {
    case: Option<Case>,
    occasion: Owned,
}

/// What an occasion holds.
enum Owned {
    Nothing,
    Decided {
        truth: Truth,
        who: Option<String>,
        comment: Option<String>,
    },
    Outcome(ExecutionOutcome),
    Forwarded(ForwardedMessage),
    Announcement(Announcement),
}

/// What masks the texts of a message: our own links are no tokens, whatever they look like.
pub(super) fn masker(message: &Message<'_>) -> Masker<'static> {
    let of_case = message.case.map(Case::masker).unwrap_or_default();
    let links = &message.links;
    let choices = match message.occasion {
        Occasion::Announcement(news) => news.choices.as_slice(),
        _ => &[],
    };
    let choices = choices.iter().flat_map(|choice| {
        let value = choice.button.as_ref().map(|(_, value)| value);
        choice.url.iter().chain(value)
    });
    // CodePipeline's own, to a build or a deployment whose id has a token's form.
    let failed = match message.occasion {
        Occasion::Outcome(outcome) => outcome.failed_action.as_ref(),
        _ => None,
    };
    let failed = failed.and_then(|failed| failed.link.as_ref());
    let failed = failed.filter(|link| !Masker::review_links().finds(link));
    [&links.view, &links.approve, &links.reject]
        .into_iter()
        .flatten()
        .chain(failed)
        .chain(choices)
        .fold(of_case, |masker, own| masker.keep(own))
}

impl Masked {
    pub(super) fn of(message: &Message<'_>, masker: &Masker<'_>) -> Self {
        let text = |text: &str| masker.mask(text).into_owned();
        let occasion = match message.occasion {
            Occasion::Ask | Occasion::Reminder { .. } | Occasion::Escalation | Occasion::Test => {
                Owned::Nothing
            }
            Occasion::Decided {
                truth,
                who,
                comment,
            } => Owned::Decided {
                truth: masked(masker, truth.clone()),
                who: who.map(text),
                comment: comment.map(text),
            },
            Occasion::Outcome(outcome) => Owned::Outcome(masked(masker, outcome.clone())),
            Occasion::Forwarded(plain) => Owned::Forwarded(ForwardedMessage {
                title: text(&plain.title),
                text: masked_text(masker, &plain.text),
                link: plain.link.as_deref().map(text),
            }),
            Occasion::Announcement(news) => Owned::Announcement(self::news(news, &text)),
        };
        Self {
            case: message.case.map(|case| masked(masker, case.clone())),
            occasion,
        }
    }

    /// The message as it is rendered.
    pub(super) fn message<'s>(&'s self, message: &Message<'s>) -> Message<'s> {
        Message {
            occasion: match &self.occasion {
                Owned::Nothing => message.occasion,
                Owned::Decided {
                    truth,
                    who,
                    comment,
                } => Occasion::Decided {
                    truth,
                    who: who.as_deref(),
                    comment: comment.as_deref(),
                },
                Owned::Outcome(outcome) => Occasion::Outcome(outcome),
                Owned::Forwarded(plain) => Occasion::Forwarded(plain),
                Owned::Announcement(news) => Occasion::Announcement(news),
            },
            case: self.case.as_ref(),
            ..message.clone()
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
