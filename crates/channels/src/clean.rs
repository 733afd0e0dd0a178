//! Texts that others wrote, made harmless before anything else is done with them (see [`text::clean`]).
//! And links: https only.
//!
//! Escaping is another thing and belongs to each surface; it happens once, when a line is written.

use std::fmt::Write;

use text::clean::visible;
pub(crate) use text::clean::{cut, line, lines, short};
use text::mask::MASK;
use url::{Host, Position, Url};

/// Characters of a link that somebody else wrote: longer ones take the room of what people should read.
const MAX_LINK: usize = 1_000;
/// Characters of a link of our own; browsers and mail programs take about 2,000.
const MAX_OWN_LINK: usize = 2_000;

/// The characters that a service written in JavaScript or C# counts.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A link that somebody else wrote: https with a host, nothing before an `@`, not too long; `None` if
/// it is anything else.
pub(crate) fn link(text: &str) -> Option<String> {
    // What was masked in it leads nowhere.
    let url = parsed(text, MAX_LINK).filter(|_| !text.contains(MASK))?;
    (url.scheme() == "https").then(|| written(&url))
}

/// A link of our own: as [`link`], and plain http where the page is on this very machine, as in the
/// local AWS.
pub(crate) fn own_link(text: &str) -> Option<String> {
    let url = parsed(text, MAX_OWN_LINK)?;
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
    fn a_service_of_javascript_counts_otherwise() {
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
