//! The cookies of one journey, as browsers keep them (RFC 6265). They live as long as one try of it: no check sees
//! what another one was given, and no try what an earlier one was.

use http::header::{HeaderMap, SET_COOKIE};
use jiff::Timestamp;

use super::request_url::RequestUrl;

/// How many are kept, and how long one may be. Browsers take a few more.
const MAX_COOKIES: usize = 50;
const MAX_COOKIE: usize = 4 * 1024;

/// Cookies that were set, and not taken back.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieJar {
    cookies: Vec<Cookie>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    /// In lower case.
    domain: String,
    /// Only the very host that set it gets it.
    host_only: bool,
    path: String,
    secure: bool,
}

impl CookieJar {
    /// Keeps what an answer sets, and lets go of what it takes back.
    pub(crate) fn keep(&mut self, url: &RequestUrl, headers: &HeaderMap, now: Timestamp) {
        for value in headers.get_all(SET_COOKIE) {
            let Ok(written) = std::str::from_utf8(value.as_bytes()) else {
                continue;
            };
            if written.len() > MAX_COOKIE {
                continue;
            }
            let Some((cookie, lives)) = Cookie::read(written, url, now) else {
                continue;
            };
            self.cookies.retain(|other| !other.is_replaced_by(&cookie));
            if lives {
                if self.cookies.len() == MAX_COOKIES {
                    self.cookies.remove(0);
                }
                self.cookies.push(cookie);
            }
        }
    }

    /// What goes to `url`: `a=b`, those with the longest path first.
    pub(crate) fn pairs(&self, url: &RequestUrl) -> Vec<(&str, &str)> {
        let mut sent: Vec<&Cookie> = self.cookies.iter().filter(|one| one.goes_to(url)).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs = sent.into_iter();
        pairs
            .map(|cookie| (cookie.name.as_str(), cookie.value.as_str()))
            .collect()
    }

    /// The names of those that would go to `url` if it were `https`.
    pub(crate) fn held_back(&self, url: &RequestUrl) -> Vec<&str> {
        let mut secure = url.clone();
        secure.origin.secure = true;
        let held = |cookie: &&Cookie| cookie.goes_to(&secure) && !cookie.goes_to(url);
        let names = self.cookies.iter().filter(held);
        names.map(|cookie| cookie.name.as_str()).collect()
    }

    /// The value that was set last under a name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().rev().find(|cookie| cookie.name == name);
        found.map(|cookie| cookie.value.as_str())
    }

    /// Every value.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.cookies.iter().map(|cookie| cookie.value.as_str())
    }
}

impl Cookie {
    /// The cookie, and whether it is kept: one that has expired takes an earlier one back.
    fn read(written: &str, url: &RequestUrl, now: Timestamp) -> Option<(Self, bool)> {
        let mut parts = written.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let name = name.trim();
        if name.is_empty() {
            return None;
        }
        let host = url.origin.host.to_ascii_lowercase();
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.trim().to_owned(),
            domain: host.clone(),
            host_only: true,
            path: default_path(&url.path),
            secure: false,
        };
        let (mut expired, mut max_age) = (false, None);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.trim_start_matches('.').to_ascii_lowercase();
                    // Of another site, or of all that end in `com`: nobody may set such.
                    if !is_within(&host, &domain) || (!domain.contains('.') && domain != host) {
                        return None;
                    }
                    cookie.domain = domain;
                    cookie.host_only = false;
                }
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "max-age" => max_age = value.parse::<i64>().ok(),
                "expires" => expired = expires(value).is_some_and(|instant| instant <= now),
                _ => {}
            }
        }
        let lives = max_age.map_or(!expired, |seconds| seconds > 0);
        Some((cookie, lives))
    }

    fn is_replaced_by(&self, other: &Self) -> bool {
        (&self.name, &self.domain, &self.path) == (&other.name, &other.domain, &other.path)
    }

    fn goes_to(&self, url: &RequestUrl) -> bool {
        let host = url.origin.host.to_ascii_lowercase();
        let at_host = if self.host_only {
            host == self.domain
        } else {
            is_within(&host, &self.domain)
        };
        at_host && self.covers(&url.path) && (url.origin.secure || !self.secure)
    }

    fn covers(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        path.strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/')
        })
    }
}

/// Whether a host is a domain, or below it. An address is below nothing.
fn is_within(host: &str, domain: &str) -> bool {
    host == domain
        || host.parse::<std::net::Ipv4Addr>().is_err()
            && host
                .strip_suffix(domain)
                .is_some_and(|before| before.ends_with('.'))
}

/// Everything before the last slash.
fn default_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => path[..end].to_owned(),
    }
}

/// `Wed, 21 Oct 2015 07:28:00 GMT`, also with the dashes of old servers.
fn expires(written: &str) -> Option<Timestamp> {
    let written = written.replace('-', " ");
    jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(&written)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::request_url::UrlReference;

    fn url(written: &str) -> RequestUrl {
        match UrlReference::parse(written).unwrap() {
            UrlReference::Absolute(url) => url,
            UrlReference::Path(path) => panic!("{path}"),
        }
    }

    fn jar(from: &str, cookies: &[&str]) -> CookieJar {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        let mut jar = CookieJar::default();
        jar.keep(
            &url(from),
            &headers,
            "2026-01-31T00:00:00Z".parse().unwrap(),
        );
        jar
    }

    fn sent(from: &str, cookie: &str, to: &str) -> bool {
        !jar(from, &[cookie]).pairs(&url(to)).is_empty()
    }

    #[test]
    fn a_cookie_goes_where_it_was_set_for() {
        let shop = "https://shop.example.com/cart/add";
        assert!(sent(shop, "a=b", "https://shop.example.com/cart"));
        assert!(sent(shop, "a=b", "https://shop.example.com/cart/x?y"));
        assert!(!sent(shop, "a=b", "https://shop.example.com/cartoon"));
        assert!(!sent(shop, "a=b", "https://shop.example.com/"));
        assert!(sent(shop, "a=b; Path=/", "https://shop.example.com/"));
        assert!(!sent(shop, "a=b; Path=/", "https://www.example.com/"));
        assert!(sent(
            shop,
            "a=b; Path=/; Domain=.Example.com",
            "https://www.example.com/"
        ));
        assert!(!sent(
            shop,
            "a=b; Path=/; Domain=other.com",
            "https://other.com/"
        ));
        assert!(!sent(
            shop,
            "a=b; Path=/; Domain=com",
            "https://www.example.com/"
        ));
        assert!(!sent(
            "http://10.0.0.7/",
            "a=b; Domain=0.7",
            "http://9.0.0.7/"
        ));
        assert!(!sent(
            shop,
            "a=b; Path=/; Secure",
            "http://shop.example.com/"
        ));
        assert_eq!(
            jar(shop, &["a=b; Path=/; Secure"]).held_back(&url("http://shop.example.com/")),
            ["a"]
        );
    }

    #[test]
    fn a_cookie_can_be_replaced_and_taken_back() {
        let shop = "http://127.0.0.1:8080/";
        let left = |cookies: &[&str]| jar(shop, cookies).value("a").map(str::to_owned);
        assert_eq!(left(&["a=1", "a=2"]).as_deref(), Some("2"));
        assert_eq!(left(&["a=1", "a=; Max-Age=0"]), None);
        assert_eq!(
            left(&["a=1", "a=; Expires=Thu, 01-Jan-1970 00:00:00 GMT"]),
            None
        );
        assert_eq!(
            left(&["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"]).as_deref(),
            Some("1")
        );
        let many: Vec<String> = (0..60).map(|n| format!("c{n}=x")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(jar(shop, &many).cookies.len(), MAX_COOKIES);
    }
}
