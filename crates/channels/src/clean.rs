//! Texts that others wrote, made harmless before anything else is done with them: no control
//! characters, nothing that turns the direction of writing, nothing invisible. And links: https only.
//!
//! Escaping is another thing and belongs to each surface; it happens once, when a line is written.

use std::fmt::Write;

use url::{Host, Position, Url};

/// Characters of a link that somebody else wrote: longer ones take the room of what people should read.
const LINK: usize = 1_000;
/// Characters of a link of our own; browsers and mail programs take about 2,000.
const OWN_LINK: usize = 2_000;

/// One line: line ends and tabs become spaces, runs of spaces one space.
pub(crate) fn line(text: &str) -> String {
    bounded(text, usize::MAX)
}

/// A [`line`] of at most `limit` characters, [`cut`] where there are more. What is cut away is not looked at.
pub(crate) fn short(text: &str, limit: usize) -> String {
    cut(&bounded(text, limit.saturating_add(1)), limit)
}

fn bounded(text: &str, limit: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(limit));
    let mut length = 0;
    for c in text.chars().filter_map(visible) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (clean.is_empty() || clean.ends_with(' ')) {
            continue;
        }
        if length == limit {
            break;
        }
        clean.push(c);
        length += 1;
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Several lines, each a [`line`] that keeps its indentation; empty ones at most one by one.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for raw in text
        .replace("\r\n", "\n")
        .split(['\n', '\r', '\u{2028}', '\u{2029}'])
    {
        let clean: String = raw
            .chars()
            .filter_map(visible)
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .collect();
        let clean = clean.trim_end().to_owned();
        if !clean.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(clean);
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// What is shown for a character: itself, a sign where it is dangerous, nothing where it is invisible.
fn visible(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        // Controls, and what turns the direction of writing: an approver must read what is there.
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Some('\u{fffd}'),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some('\u{fffd}')
        }
        // Soft hyphen, zero-width characters, joiners, Mongolian separator, marks for annotation, tags,
        // fillers, and deprecated format characters.
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => None,
        c => Some(c),
    }
}

/// At most `limit` characters, the last of them an ellipsis where something was cut.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let last = text.char_indices().nth(limit.saturating_sub(1));
    let end = last.map_or(text.len(), |(end, _)| end);
    format!("{}…", text[..end].trim_end())
}

/// The characters that a service written in JavaScript or C# counts.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A link that somebody else wrote: https with a host, nothing before an `@`, not too long; `None` if
/// it is anything else.
pub(crate) fn link(text: &str) -> Option<String> {
    let url = parsed(text, LINK)?;
    (url.scheme() == "https").then(|| written(&url))
}

/// A link of our own: as [`link`], and plain http where the page is on this very machine, as in the
/// local AWS.
pub(crate) fn own_link(text: &str) -> Option<String> {
    let url = parsed(text, OWN_LINK)?;
    let local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (url.scheme() == "https" || url.scheme() == "http" && local).then(|| written(&url))
}

fn parsed(text: &str, limit: usize) -> Option<Url> {
    // The parser drops line ends and tabs inside of a URL; what needs that is no honest link.
    if text.len() > limit
        || text
            .chars()
            .any(|c| visible(c) != Some(c) || c.is_whitespace())
    {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let honest = url.has_host() && url.username().is_empty() && url.password().is_none();
    honest.then_some(url)
}

/// The URL with every character encoded that means something in a markup.
fn written(url: &Url) -> String {
    // Before the path there are only letters, digits and the brackets of an IPv6 address.
    let mut text = url[..Position::BeforePath].to_owned();
    for c in url[Position::BeforePath..].chars() {
        if "|<>\"'`()[]*\\^{}~".contains(c) {
            let _ = write!(text, "%{:02X}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_seen_or_turns_the_writing_is_taken_out() {
        assert_eq!(
            line("  fix\u{202e}gnp.exe\u{200b}\n\tnow \u{7} "),
            "fix\u{fffd}gnp.exe now \u{fffd}"
        );
        assert_eq!(line("a\u{ad}b\u{e0041}\u{feff}c"), "abc");
        assert_eq!(line("发布 1.2 👩‍🚀 ready"), "发布 1.2 👩🚀 ready");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(
            lines("one\r\n\r\n\r\n  two\u{0}\rthree\n\n"),
            ["one", "", "  two\u{fffd}", "three"]
        );
    }

    #[test]
    fn a_cut_says_that_it_is_one_and_keeps_to_the_limit() {
        assert_eq!(cut("héllo", 5), "héllo");
        assert_eq!(cut("héllo world", 6), "héllo…");
        assert_eq!(cut("👍👍👍", 2), "👍…");
        assert_eq!(short("  a\n\nb  c d", 4), "a b…");
        assert_eq!(short("a b  ", 3), "a b");
        assert_eq!(units("a👍"), 3);
    }

    #[test]
    fn only_https_links_are_links() {
        assert_eq!(
            link("https://example.com/a|b?c=(d)&e=<f>"),
            Some("https://example.com/a%7Cb?c=%28d%29&e=%3Cf%3E".into())
        );
        for wrong in [
            "http://example.com/",
            "javascript:alert(1)",
            "https://user:password@example.com/",
            "https://example.com@evil.example/",
            "https://exa\nmple.com/",
            "https:///",
            "//example.com",
            "example.com",
            "https://example.com/\u{202e}",
            "data:text/html,x",
        ] {
            assert_eq!(link(wrong), None, "{wrong:?}");
        }
        assert_eq!(
            link(&format!("https://example.com/{}", "a".repeat(2_000))),
            None
        );
    }

    #[test]
    fn our_own_links_may_lead_to_this_machine() {
        for right in [
            "http://127.0.0.1:4566/d/x",
            "http://localhost:1/d",
            "http://[::1]:1/d",
            "https://example.com/d",
        ] {
            assert_eq!(own_link(right).as_deref(), Some(right));
        }
        assert_eq!(own_link("http://example.com/d"), None);
    }
}
