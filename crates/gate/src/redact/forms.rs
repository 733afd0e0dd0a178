//! The forms in which a secret travels, apart from escaping: see [`super::views`] for that.

use data_encoding::BASE64_NOPAD;
use url::Url;

/// Secrets below this are not looked for inside of longer base64 texts: too little of them would
/// be left to distinguish it from chance.
const MIN_BASE64_CHARS: usize = 6;

/// Lines of a secret below this are not masked on their own.
const MIN_LINE_CHARS: usize = 8;

/// Every text under which `secret` may show up, before it is escaped.
pub(super) fn of(secret: &str) -> Vec<String> {
    let trimmed = secret.trim();
    let mut forms = Vec::new();
    for plain in [secret, trimmed] {
        forms.push(plain.to_owned());
        forms.extend(base64(plain.as_bytes()));
    }
    forms.extend(normalised(trimmed));
    if trimmed.contains('\n') {
        forms.extend(
            trimmed
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= MIN_LINE_CHARS)
                .map(str::to_owned),
        );
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Shorter normalised forms can't be distinguished from chance.
const MIN_NORMALISED_CHARS: usize = 6;

/// What the secret becomes where it is taken for a URL or a part of one: hosts in lower case, the
/// scheme's own port dropped, dots of a path resolved, characters percent-encoded.
fn normalised(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    let mut add = |written: &str, part: fn(&Url) -> Option<String>| {
        if let Some(form) = Url::parse(written).ok().as_ref().and_then(part) {
            forms.push(form.trim_matches('/').to_owned());
        }
    };
    // Only if the secret is a host and nothing else: the host of a longer one may be no secret.
    let host: fn(&Url) -> Option<String> = |url| {
        let port = url.port().map(|port| format!(":{port}"));
        let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        bare.then(|| {
            format!(
                "{}{}",
                url.host_str().unwrap_or_default(),
                port.unwrap_or_default()
            )
        })
    };
    let path: fn(&Url) -> Option<String> = |url| {
        let query = url.query().map(|query| format!("?{query}"));
        Some(format!("{}{}", url.path(), query.unwrap_or_default()))
    };
    if secret.contains("://") {
        add(secret, |url| Some(url.to_string()));
        add(secret, host);
        add(secret, path);
    } else {
        if secret.contains('.') {
            add(&format!("http://{secret}"), host);
            add(&format!("https://{secret}"), host);
        }
        add(
            &format!("http://h/{}", secret.trim_start_matches('/')),
            path,
        );
        add(&format!("http://h/?{secret}"), |url| {
            url.query().map(str::to_owned)
        });
    }
    forms.retain(|form| form.len() >= MIN_NORMALISED_CHARS && form != secret);
    forms
}

/// Standard and URL-safe base64 of the whole secret, and what base64 makes of it inside of a
/// longer text (`user:secret`), where it may start at each of three places.
fn base64(plain: &[u8]) -> Vec<String> {
    let mut forms = vec![BASE64_NOPAD.encode(plain)];
    if plain.len() >= MIN_BASE64_CHARS {
        forms.extend((0..3).map(|offset| inside(plain, offset)));
    }
    let safe: Vec<String> = forms
        .iter()
        .map(|form| form.replace('+', "-").replace('/', "_"))
        .collect();
    [forms, safe].concat()
}

/// The characters of the base64 that depend on the secret alone, if `offset` bytes stand before.
fn inside(plain: &[u8], offset: usize) -> String {
    let padded = [&[0; 2][..offset], plain].concat();
    let encoded = BASE64_NOPAD.encode(&padded);
    // `offset` bytes spill into this many characters; an incomplete last group mixes with what follows.
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded[first..last].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_makes_of_a_secret_is_a_form_of_it() {
        let has = |secret: &str, form: &str| {
            let forms = of(secret);
            assert!(
                forms.iter().any(|found| found == form),
                "{form} is not in {forms:?}"
            );
        };
        has("Shop-Internal.Example.COM:443", "shop-internal.example.com");
        has("Shop-Internal.Example.COM:80", "shop-internal.example.com");
        has(
            "https://Shop.Example.com:443/a/../hooks/T0p",
            "https://shop.example.com/hooks/T0p",
        );
        has("https://Shop.Example.com:443/a/../hooks/T0p", "hooks/T0p");
        has("x/../hooks/T0pSecret", "hooks/T0pSecret");
        has("/a/./hooks//T0p", "a/hooks//T0p");
        has("a b\u{fc}c<d>", "a%20b%C3%BCc%3Cd%3E");
        // Nothing is left of it that could be looked for.
        assert!(of("a/../b").iter().all(|form| form != "b" && form != "/b"));
    }

    #[test]
    fn base64_is_found_at_each_place_of_a_longer_text() {
        for before in ["", "u", "us", "user:"] {
            let whole = BASE64_NOPAD.encode(format!("{before}hunter2-hunter2 and more").as_bytes());
            let hit = base64(b"hunter2-hunter2")
                .into_iter()
                .any(|form| whole.contains(&form));
            assert!(hit, "{before:?}");
        }
    }
}
