//! Links: which may be followed, and how they are written so that they break no markup.

use std::fmt::Write;

use url::{Host, Position, Url};

use crate::clean::visible;
use crate::mask::MASK;

/// A link that somebody else wrote: https with a host, no user and no password, at most `max_bytes` long, and
/// nothing in it that is masked, invisible, blank or read in two ways. `None` for anything else.
#[must_use]
pub fn https(text: &str, max_bytes: usize) -> Option<Url> {
    // What was masked leads nowhere.
    let url = parse(text, max_bytes).filter(|_| !text.contains(MASK))?;
    (url.scheme() == "https").then_some(url)
}

/// A link of our own: https, or plain http to this very machine, as in the local AWS.
#[must_use]
pub fn own(text: &str, max_bytes: usize) -> Option<Url> {
    let url = parse(text, max_bytes)?;
    let local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (url.scheme() == "https" || url.scheme() == "http" && local).then_some(url)
}

fn parse(text: &str, max_bytes: usize) -> Option<Url> {
    // A parser drops line ends and tabs, and takes a backslash for a slash; other parsers don't.
    let ambiguous = |c: char| visible(c) != Some(c) || c.is_whitespace() || c == '\\';
    if text.len() > max_bytes || text.contains(ambiguous) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let anonymous = url.username().is_empty() && url.password().is_none();
    (url.has_host() && anonymous).then_some(url)
}

/// The URL with every character encoded that means something in a markup.
#[must_use]
pub fn encoded(url: &Url) -> String {
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
    fn only_https_links_are_links() {
        let link = |text: &str| https(text, 1_000).map(|url| encoded(&url));
        assert_eq!(
            link("https://example.com/a|b?c=(d)&e=<f>"),
            Some("https://example.com/a%7Cb?c=%28d%29&e=%3Cf%3E".into())
        );
        for wrong in [
            "http://example.com/",
            "javascript:alert(1)",
            "https://user:password@example.com/",
            "https://example.com@evil.example/",
            "https://example.com\\@evil.example/",
            "https://exa\nmple.com/",
            "https:///",
            "//example.com",
            "example.com",
            "https://example.com/\u{202e}",
            "https://example.com/\u{200b}",
            "https://example.com/***",
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
        let link = |text: &str| own(text, 1_000).map(|url| encoded(&url));
        for right in [
            "http://127.0.0.1:4566/d/x",
            "http://localhost:1/d",
            "http://[::1]:1/d",
            "https://example.com/d",
        ] {
            assert_eq!(link(right).as_deref(), Some(right));
        }
        assert_eq!(link("http://example.com/d"), None);
    }
}
