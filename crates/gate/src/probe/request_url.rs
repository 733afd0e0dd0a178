//! Where a request goes, written as the suite has it.
//!
//! The path and the query go over the wire as they are written: a check for `/static/%2e%2e/` must
//! not ask for `/`. So a path is never taken through a parser that would tidy it up; what no request
//! can carry as it is, is refused with what could be sent instead.

use std::fmt;

use http::Uri;
use http::uri::PathAndQuery;
use url::Url;

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) secure: bool,
    /// In lower case; an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// An origin, and the path and the query as they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestUrl {
    pub(crate) origin: Origin,
    pub(crate) path: String,
}

/// What a suite may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UrlReference {
    /// A path on the target.
    Path(String),
    Absolute(RequestUrl),
}

/// Why nothing can be asked for there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("it is neither a path nor an absolute URL")]
    NotAUrl,
    #[error("the scheme {0:?} is not http or https")]
    NotHttp(String),
    #[error("it has credentials; put them in a header, from a secret")]
    Credentials,
    #[error("it begins with two slashes")]
    TwoSlashes,
    #[error("it has a fragment, which is never sent; remove what begins with #")]
    Fragment,
    #[error("{character:?} can't be sent as it is; write {instead}")]
    Character { character: char, instead: String },
}

impl Origin {
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        Some(Self {
            secure,
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// `https://login.example.com`, and nothing behind it.
    pub(crate) fn parse(written: &str) -> Option<Self> {
        let url = Url::parse(written).ok()?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        bare.then(|| Self::of(&url)).flatten()
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The host, and the port unless it is the scheme's own.
    fn authority(&self) -> String {
        match (self.secure, self.port) {
            (false, 80) | (true, 443) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

impl UrlReference {
    pub(crate) fn parse(written: &str) -> Result<Self, UrlError> {
        if written.starts_with("//") {
            return Err(UrlError::TwoSlashes);
        }
        if written.starts_with('/') {
            return Ok(Self::Path(as_written(written)?));
        }
        let (scheme, rest) = written.split_once("://").ok_or(UrlError::NotAUrl)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let url = Url::parse(&format!("{scheme}://{authority}/")).map_err(|_| UrlError::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        // A backslash would have ended the host for a parser.
        if url.path() != "/" {
            return Err(UrlError::NotAUrl);
        }
        let origin = Origin::of(&url).ok_or_else(|| UrlError::NotHttp(url.scheme().to_owned()))?;
        let path = as_written(path)?;
        let path = if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        };
        Ok(Self::Absolute(RequestUrl { origin, path }))
    }
}

/// The path and the query, if they can be sent as they are.
fn as_written(written: &str) -> Result<String, UrlError> {
    if written.contains('#') {
        return Err(UrlError::Fragment);
    }
    let sendable = written.bytes().all(|byte| byte.is_ascii_graphic());
    let rooted = if written.starts_with('/') {
        written.to_owned()
    } else {
        format!("/{written}")
    };
    let same = |parsed: PathAndQuery| parsed.as_str() == rooted;
    if sendable && PathAndQuery::try_from(rooted.as_str()).is_ok_and(same) {
        return Ok(written.to_owned());
    }
    let wrong = |c: &char| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '`');
    match written.chars().find(wrong) {
        Some(character) => {
            let encode = |c: char| -> String {
                let mut bytes = [0; 4];
                let bytes = c.encode_utf8(&mut bytes).bytes();
                bytes.fold(String::new(), |encoded, byte| {
                    format!("{encoded}%{byte:02X}")
                })
            };
            let instead = written
                .chars()
                .map(|c| if wrong(&c) { encode(c) } else { c.to_string() })
                .collect();
            Err(UrlError::Character { character, instead })
        }
        None => Err(UrlError::NotAUrl),
    }
}

impl RequestUrl {
    /// With further parameters, already encoded.
    pub(crate) fn with_query(mut self, encoded: &str) -> Self {
        if !encoded.is_empty() {
            let glue = match self.path.split_once('?') {
                None => "?",
                Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
                Some(_) => "&",
            };
            self.path.push_str(glue);
            self.path.push_str(encoded);
        }
        self
    }

    pub(crate) fn uri(&self) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.origin.scheme())
            .authority(self.origin.authority())
            .path_and_query(self.path.as_str())
            .build()
    }

    /// Where a redirect leads, by the rules of browsers.
    pub(crate) fn join(&self, location: &str) -> Option<Self> {
        let url = Url::parse(&self.to_string()).ok()?.join(location).ok()?;
        let query = url.query().map(|query| format!("?{query}"));
        Some(Self {
            origin: Origin::of(&url)?,
            path: format!("{}{}", url.path(), query.unwrap_or_default()),
        })
    }

    /// `shop.example.com:8443`
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.origin.host, self.origin.port)
    }
}

impl fmt::Display for RequestUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// What of a URL is sent, and the fragment with its `#`, which is for the page.
pub(crate) fn split_fragment(url: &str) -> (&str, &str) {
    url.split_at(url.find('#').unwrap_or(url.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(written: &str) -> String {
        match UrlReference::parse(written) {
            Ok(UrlReference::Path(path)) => path,
            Ok(UrlReference::Absolute(place)) => place.uri().unwrap().to_string(),
            Err(why) => format!("({why})"),
        }
    }

    #[test]
    fn what_can_be_sent_is_sent_as_it_is_written() {
        for path in [
            "/static/%2e%2e/%2e%2e/etc/passwd",
            "/a/../b/./c",
            "/a//b",
            "/a\\..\\b",
            "/a%2Fb%zz",
            "/a?",
            "/a?b=c?d&e=%20+{}|^",
            "/a;b=c,d@e:f!$'()*~",
            "/{a}|^\"",
        ] {
            assert_eq!(sent(path), path);
            let absolute = format!("http://h.example:81{path}");
            assert_eq!(sent(&absolute), absolute);
        }
        assert_eq!(
            sent("HTTPS://Shop.Example.com:443/A?b"),
            "https://shop.example.com/A?b"
        );
        assert_eq!(sent("http://h?x=1"), "http://h/?x=1");
        assert_eq!(sent("http://h"), "http://h/");
        assert_eq!(sent("http://[::1]:8080/x"), "http://[::1]:8080/x");
    }

    #[test]
    fn what_can_not_be_sent_is_refused_with_what_could_be() {
        insta::assert_snapshot!(sent("/a b"), @"(' ' can't be sent as it is; write /a%20b)");
        insta::assert_snapshot!(sent("/grüße?<x>"), @"('ü' can't be sent as it is; write /gr%C3%BC%C3%9Fe?%3Cx%3E)");
        insta::assert_snapshot!(sent("/a\n"), @r"('\n' can't be sent as it is; write /a%0A)");
        insta::assert_snapshot!(sent("/a#b"), @"(it has a fragment, which is never sent; remove what begins with #)");
        insta::assert_snapshot!(sent("//h/a"), @"(it begins with two slashes)");
        insta::assert_snapshot!(sent("ftp://h/a"), @r#"(the scheme "ftp" is not http or https)"#);
        insta::assert_snapshot!(sent("http://a:b@h/"), @"(it has credentials; put them in a header, from a secret)");
        for nonsense in [
            "a",
            "http:/a",
            "http:///a",
            "http://h\\a",
            "http://h:x/",
            "://",
        ] {
            assert!(
                sent(nonsense).starts_with('('),
                "{nonsense}: {}",
                sent(nonsense)
            );
        }
    }

    #[test]
    fn parameters_are_added_to_what_is_there() {
        let with = |path: &str| {
            let Ok(UrlReference::Absolute(place)) = UrlReference::parse(&format!("http://h{path}"))
            else {
                panic!("{path}");
            };
            place.with_query("x=1").path
        };
        assert_eq!(with("/a"), "/a?x=1");
        assert_eq!(with("/a?"), "/a?x=1");
        assert_eq!(with("/a?b"), "/a?b&x=1");
        assert_eq!(with("/a?b&"), "/a?b&x=1");
    }

    #[test]
    fn redirects_lead_where_browsers_go() {
        let Ok(UrlReference::Absolute(place)) = UrlReference::parse("https://h/a/b?c") else {
            panic!();
        };
        let to = |location: &str| place.join(location).map(|place| place.to_string());
        assert_eq!(to("../x#y").as_deref(), Some("https://h/x"));
        assert_eq!(
            to("//other:8443/x").as_deref(),
            Some("https://other:8443/x")
        );
        assert_eq!(to("/ü?q=1").as_deref(), Some("https://h/%C3%BC?q=1"));
        assert_eq!(to("mailto:a@b"), None);
    }

    #[test]
    fn origins_are_bare() {
        assert_eq!(
            Origin::parse("https://Login.Example.com")
                .map(|o| o.to_string())
                .as_deref(),
            Some("https://login.example.com")
        );
        assert!(Origin::parse("https://login.example.com:8443/").is_some());
        for wrong in [
            "login.example.com",
            "https://h/path",
            "https://h?x",
            "https://a@h",
            "ws://h",
        ] {
            assert_eq!(Origin::parse(wrong), None, "{wrong}");
        }
    }
}
