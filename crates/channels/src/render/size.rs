//! How large a rendered message is beside what its service accepts.

use serde_json::Value;

use super::Payload;
use crate::limits;

/// A size beside its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// What is measured.
    pub what: &'static str,
    /// How large it is.
    pub is: usize,
    /// What the service accepts.
    pub limit: usize,
}

impl Payload {
    /// What the service would measure.
    pub fn sizes(&self) -> Vec<Size> {
        let size = |what, is, limit| Size { what, is, limit };
        match self {
            Self::Slack { text, blocks } => slack(text, blocks),
            Self::Teams(card) => vec![size(
                "bytes of the card",
                card.to_string().len(),
                limits::TEAMS_TOTAL,
            )],
            Self::Mail {
                subject,
                html,
                text,
            } => vec![
                size(
                    "characters of the subject",
                    subject.chars().count(),
                    limits::MAIL_SUBJECT,
                ),
                size(
                    "bytes of HTML before Gmail cuts",
                    html.len(),
                    limits::MAIL_HTML,
                ),
                size("bytes of text", text.len(), limits::MAIL_TEXT_BUDGET),
            ],
            Self::SnsMail { subject, text } => vec![
                size(
                    "characters of the subject",
                    subject.len(),
                    limits::SNS_SUBJECT,
                ),
                size("bytes of the message", text.len(), limits::SNS_MESSAGE),
            ],
            Self::Webhook(event) => vec![size(
                "bytes of the body",
                event.to_string().len(),
                limits::WEBHOOK_MAX_BYTES,
            )],
            Self::AmazonQ(event) => {
                let of =
                    |name: &str| utf16_units(event["content"][name].as_str().unwrap_or_default());
                vec![
                    size(
                        "characters of the title",
                        of("title"),
                        limits::AMAZON_Q_TITLE,
                    ),
                    size(
                        "characters of the description",
                        of("description"),
                        limits::AMAZON_Q_DESCRIPTION,
                    ),
                    size(
                        "bytes of the message",
                        event.to_string().len(),
                        limits::SNS_MESSAGE,
                    ),
                ]
            }
        }
    }
}

fn slack(text: &str, blocks: &Value) -> Vec<Size> {
    let all = blocks.as_array().map_or(&[][..], Vec::as_slice);
    let of = |kind: &str| {
        let texts = all.iter().filter(|block| block["type"] == kind);
        texts
            .map(|block| utf16_units(block["text"]["text"].as_str().unwrap_or_default()))
            .max()
    };
    let size = |what, is, limit| Size { what, is, limit };
    vec![
        size("blocks", all.len(), limits::SLACK_BLOCKS),
        size(
            "characters of the header",
            of("header").unwrap_or_default(),
            limits::SLACK_HEADER,
        ),
        size(
            "characters of the longest section",
            of("section").unwrap_or_default(),
            limits::SLACK_SECTION,
        ),
        size(
            "characters of the notification",
            utf16_units(text),
            limits::SLACK_TEXT,
        ),
        size(
            "characters of all blocks",
            utf16_units(&blocks.to_string()),
            limits::SLACK_TOTAL,
        ),
    ]
}

/// The characters of a text inside of a JSON string.
pub(super) fn json_units(text: &str) -> usize {
    let escaped = |c| match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        c if u32::from(c) < 0x20 => 6,
        c => c.len_utf16(),
    };
    text.chars().map(escaped).sum()
}

/// The characters that a service written in JavaScript or C# counts.
pub(super) fn utf16_units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_basic_plane_counts_twice() {
        assert_eq!(utf16_units("a👍"), 3);
    }
}
