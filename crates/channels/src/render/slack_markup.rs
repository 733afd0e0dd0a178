//! Slack's markup, mrkdwn. What others wrote is escaped as Slack asks; for the signs that format a text
//! Slack knows no escape, so that a look-alike is shown in their place.
//! <https://docs.slack.dev/messaging/formatting-message-text>

use super::size::utf16_units;
use crate::body::{Line, Part, Tone};

/// The text with nothing in it that Slack acts upon.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '*' => escaped.push('∗'),
            '~' => escaped.push('∼'),
            '`' => escaped.push('ˋ'),
            // Inside of a name it formats nothing.
            '_' if !(inside(before) && inside(chars.peek().copied())) => escaped.push('＿'),
            c => escaped.push(c),
        }
        before = Some(c);
    }
    escaped
}

/// A value between back-quotes, where only the back-quote itself ends it.
fn code(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("`{}`", text.replace('`', "ˋ"))
}

/// A link. Its URL has been checked, and every sign encoded that ends it early.
pub(super) fn link(url: &str, label: &str) -> String {
    // In a label a bar begins nothing, but older clients cut there.
    format!(
        "<{}|{}>",
        url.replace('&', "&amp;"),
        escape(label).replace('|', "¦")
    )
}

/// A line.
pub(super) fn line(line: &Line) -> String {
    let mut text = String::new();
    for part in &line.parts {
        match part {
            Part::Text(part) => text.push_str(&escape(part)),
            Part::Strong(part, tone) => {
                text.push_str(sign(*tone));
                text.push('*');
                text.push_str(&escape(part));
                text.push('*');
            }
            Part::Code(part) => text.push_str(&code(part)),
            Part::Link { label, url } => text.push_str(&link(url, label)),
        }
    }
    text
}

/// Slack has no colours in a text, so that the worst gets a sign.
fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "🔴 ",
        Tone::Warning => "🟠 ",
        Tone::Good | Tone::Plain => "",
    }
}

/// A mention as it was configured, if it is one; else its text. Nothing but a configuration gets here.
/// <https://docs.slack.dev/messaging/formatting-message-text#mentioning-users>
pub(super) fn mention(text: &str) -> String {
    let inside = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    let id = |id: &str| {
        !id.is_empty()
            && id
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let is_one = inside.is_some_and(|inside| match inside {
        "!here" | "!channel" | "!everyone" => true,
        _ => inside
            .strip_prefix('@')
            .or_else(|| inside.strip_prefix("!subteam^"))
            .is_some_and(id),
    });
    if is_one {
        text.to_owned()
    } else {
        escape(text)
    }
}

/// The escaped text, cut so that it keeps to the limit.
pub(super) fn fitted(text: &str, limit: usize) -> String {
    let line = Line::text(text).within(limit, |part| utf16_units(&escaped(part)));
    escaped(&line)
}

fn escaped(line: &Line) -> String {
    line.parts.iter().map(|part| escape(part.seen())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_does_nothing() {
        assert_eq!(
            escape("<!channel> & <@U1>"),
            "&lt;!channel&gt; &amp; &lt;@U1&gt;"
        );
        assert_eq!(
            escape("*bold* ~gone~ `code` _it_ a_name"),
            "∗bold∗ ∼gone∼ ˋcodeˋ ＿it＿ a_name"
        );
        assert_eq!(code("a`<b>"), "`aˋ&lt;b&gt;`");
        assert_eq!(
            link("https://example.com/?a=1&b=2", "a|<b>"),
            "<https://example.com/?a=1&amp;b=2|a¦&lt;b&gt;>"
        );
    }

    #[test]
    fn only_a_configured_mention_of_a_known_form_is_one() {
        for form in ["<@U0123>", "<!here>", "<!subteam^S0123>"] {
            assert_eq!(mention(form), form);
        }
        assert_eq!(
            mention("<https://example.com|x>"),
            "&lt;https://example.com|x&gt;"
        );
        assert_eq!(mention("<@>"), "&lt;@&gt;");
        assert_eq!(mention("team"), "team");
    }
}
