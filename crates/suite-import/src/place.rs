//! A URL of a file, taken apart: whose it is, and what is asked there.

use std::fmt::Write as _;

use crate::texts::{
    DOUBLE_BRACES, Placeholders, Texts, has_secret_shape, is_secret_name, reference,
};

/// Where a request of a file goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Scheme, host and port, or the variable that stands for them; empty: whatever is under test.
    pub(crate) origin: String,
    /// Percent-encoded, as suites have it; references of the suite stand in it.
    pub(crate) path: String,
    /// Names and values, decoded, where they can't stand in the path.
    pub(crate) query: Vec<(String, String)>,
    /// User and password, as the file has them.
    pub(crate) user: Option<(String, String)>,
}

impl Place {
    /// Reads a URL as the file has it.
    pub(crate) fn read(
        raw: &str,
        marks: Option<Placeholders>,
        texts: &mut Texts,
    ) -> Result<Self, String> {
        let raw = raw.trim();
        let raw = expanded(raw, marks, texts);
        let (origin, user, rest) = split(&raw, marks)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = rest
            .split_once('?')
            .map_or((rest, None), |(path, query)| (path, Some(query)));
        if !path.is_empty() && has_secret_shape(path) {
            return Err("its path holds what looks like a secret".to_owned());
        }
        let path = if path.is_empty() { "/" } else { path };
        let mut place = Self {
            origin,
            path: texts.text(&encoded(path, marks))?,
            query: Vec::new(),
            user,
        };
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            place.add_query(query, marks, texts)?;
        }
        Ok(place)
    }

    /// The query of the URL: in the path as it is, or by names where a value is a secret or a reference.
    fn add_query(
        &mut self,
        query: &str,
        marks: Option<Placeholders>,
        texts: &mut Texts,
    ) -> Result<(), String> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let by_name = texts.has_reference(query)
            || pairs
                .iter()
                .any(|(name, value)| is_secret_name(name) || has_secret_shape(value));
        if !by_name {
            self.path += "?";
            self.path += &texts.text(&encoded(query, marks))?;
            return Ok(());
        }
        for (name, value) in pairs {
            let value = texts.named(&name, &value)?;
            self.query.push((texts.text(&name)?, value));
        }
        Ok(())
    }
}

/// The URL with the variable that it begins with written out, where that is known.
fn expanded(raw: &str, marks: Option<Placeholders>, texts: &Texts) -> String {
    let mut raw = raw.to_owned();
    for _ in 0..3 {
        let Some(("", name, after)) = marks.and_then(|marks| reference(&raw, marks)) else {
            break;
        };
        let Some(known) = texts.known(name).filter(|known| !known.is_empty()) else {
            break;
        };
        raw = format!("{}{after}", known.trim_end_matches('/'));
    }
    raw
}

type Split<'r> = (String, Option<(String, String)>, &'r str);

/// Origin, user, and the rest from the path on.
fn split(raw: &str, marks: Option<Placeholders>) -> Result<Split<'_>, String> {
    if raw.is_empty() || raw.starts_with(['/', '?']) {
        return Ok((String::new(), None, raw));
    }
    if let Some(("", name, after)) = marks.and_then(|marks| reference(raw, marks))
        && (after.is_empty() || after.starts_with(['/', '?', '#']))
    {
        return Ok((format!("{{{name}}}"), None, after));
    }
    let (scheme, rest) = match raw.split_once("://") {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") =>
        {
            (scheme.to_ascii_lowercase(), rest)
        }
        Some((scheme, _)) if !scheme.contains(['/', '?', '{']) => {
            return Err(format!(
                "it speaks {}, and checks of this kind speak HTTP",
                text::clean::short(scheme, 20)
            ));
        }
        _ => ("http".to_owned(), raw),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            (Some((decoded(user), decoded(password))), host)
        }
        None => (None, authority),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err("its URL has no host".to_owned());
    }
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    Ok((format!("{scheme}://{host}"), user, path))
}

fn decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// What no request can carry as it is, percent-encoded; all else as it was written, marks of references included.
fn encoded(text: &str, marks: Option<Placeholders>) -> String {
    let braces = marks == Some(DOUBLE_BRACES);
    let mut made = String::new();
    for (at, one) in text.char_indices() {
        let rest = &text.as_bytes()[at..];
        let is_escape = one == '%'
            && rest
                .get(1..3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let is_mark = matches!(one, '\u{e000}' | '\u{e001}') || braces && matches!(one, '{' | '}');
        let is_kept = one.is_ascii_alphanumeric() || "-._~/?&=+,;:@!$'()*[]".contains(one);
        if is_escape || is_mark || is_kept {
            made.push(one);
            continue;
        }
        for byte in one.encode_utf8(&mut [0; 4]).bytes() {
            let _ = write!(made, "%{byte:02X}");
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Result<(String, String, usize), String> {
        let mut texts = Texts::default();
        texts.with_marks(DOUBLE_BRACES);
        texts.know("base", "https://Shop.example.com:443/v1/", false);
        Place::read(raw, Some(DOUBLE_BRACES), &mut texts)
            .map(|place| (place.origin, place.path, place.query.len()))
    }

    #[allow(
        clippy::unnecessary_wraps,
        reason = "it is compared with what may fail"
    )]
    fn is(origin: &str, path: &str, query: usize) -> Result<(String, String, usize), String> {
        Ok((origin.to_owned(), path.to_owned(), query))
    }

    #[test]
    fn an_origin_is_known_however_it_is_written() {
        assert_eq!(
            read("{{base}}/books?x=1#top"),
            is("https://shop.example.com", "/v1/books?x=1", 0)
        );
        assert_eq!(read("{{other}}/books"), is("{other}", "/books", 0));
        assert_eq!(read("localhost:8080"), is("http://localhost:8080", "/", 0));
        assert_eq!(
            read("HTTP://a:80/ü b?q=ä"),
            is("http://a", "/%C3%BC%20b?q=%C3%A4", 0)
        );
        assert_eq!(
            read("https://a/x?token=Zq8Zq8Zq8Zq8&b=1"),
            is("https://a", "/x", 2)
        );
        assert_eq!(read("/only/a/path"), is("", "/only/a/path", 0));
        assert!(read("ftp://a/x").is_err() && read("https:///x").is_err());
    }
}
