//! Commands of curl: each becomes a check.

use strict_yaml::Problem;

use crate::draft::{Draft, DraftCheck};
use crate::place::Place;
use crate::request::{Body, Request};
use crate::shell::{self, Command};
use crate::texts::SHELL;
use crate::tree;

/// Options without a value that say nothing of the request: how curl shows what comes, and how it fails.
const IGNORED_FLAGS: &str = "sSvifN#j0O";
const IGNORED_OPTIONS: [&str; 20] = [
    "silent",
    "show-error",
    "verbose",
    "include",
    "show-headers",
    "fail",
    "fail-with-body",
    "no-buffer",
    "progress-bar",
    "no-progress-meter",
    "globoff",
    "tcp-nodelay",
    "http1.0",
    "no-keepalive",
    "path-as-is",
    "compressed",
    "remote-name",
    "raw",
    "styled-output",
    "basic",
];
/// The same with a value.
const IGNORED_OPTIONS_WITH_VALUE: [&str; 9] = [
    "output",
    "write-out",
    "dump-header",
    "cookie-jar",
    "trace",
    "trace-ascii",
    "stderr",
    "keepalive-time",
    "limit-rate",
];
/// Options that a suite can't have; with what to do.
const REFUSED_OPTIONS: [(&str, bool, &str); 15] = [
    (
        "insecure",
        false,
        "certificates are always checked; name the authority by `ca_certificates`",
    ),
    ("proxy", true, "a gate asks the release itself"),
    (
        "cacert",
        true,
        "write the certificate under `ca_certificates`",
    ),
    (
        "capath",
        true,
        "write the certificates under `ca_certificates`",
    ),
    (
        "cert",
        true,
        "write `client_certificate`, with the key as a secret",
    ),
    (
        "key",
        true,
        "write `client_certificate`, with the key as a secret",
    ),
    ("resolve", true, "write `host`; the address is the target's"),
    (
        "connect-to",
        true,
        "write `host`; the address is the target's",
    ),
    ("connect-timeout", true, "connecting may take 3s"),
    ("retry-max-time", true, "write `within`"),
    ("noproxy", true, "a gate asks the release itself"),
    ("interface", true, "a gate has one network"),
    ("unix-socket", true, "a gate asks over the network"),
    ("tlsv1.2", false, "write a `tls` check with `min_version`"),
    (
        "location-trusted",
        false,
        "write `follow_redirects`; to another origin no authorization is sent",
    ),
];

/// Reads every command of curl in `text`.
#[allow(
    clippy::unnecessary_wraps,
    reason = "as the readers of the other kinds"
)]
pub(crate) fn read(text: &str, draft: &mut Draft) -> Result<(), Problem> {
    draft.texts.with_marks(SHELL);
    for command in shell::commands(text) {
        let mut words = command
            .words
            .iter()
            .map(|(_, word)| word.as_str())
            .peekable();
        if words.peek() == Some(&"$") {
            words.next();
        }
        match words.next() {
            Some("curl" | "curl.exe") => {}
            // A comment.
            None if command.wrong.is_none() && command.beside.is_none() => continue,
            other => {
                let what = format!(
                    "{}: it is no command of curl",
                    text::clean::short(other.unwrap_or_default(), 60)
                );
                draft.leave(Some(command.line), what);
                continue;
            }
        }
        let words: Vec<&str> = words.collect();
        match of_command(&command, &words, draft) {
            Ok(check) => draft.add(check),
            Err(why) => draft.leave(Some(command.line), format!("a command of curl: {why}")),
        }
    }
    Ok(())
}

/// What a command says.
#[allow(clippy::struct_excessive_bools, reason = "each is an option of curl")]
#[derive(Default)]
struct CurlCommand<'w> {
    urls: Vec<&'w str>,
    method: Option<&'w str>,
    headers: Vec<&'w str>,
    data: Vec<String>,
    is_json: bool,
    form: Vec<(&'w str, bool)>,
    user: Option<&'w str>,
    cookies: Vec<&'w str>,
    follow: bool,
    head: bool,
    as_query: bool,
    more: Vec<(&'static str, strict_yaml::Node)>,
    of_check: Vec<(&'static str, strict_yaml::Node)>,
    left: Vec<String>,
}

fn of_command(command: &Command, words: &[&str], draft: &mut Draft) -> Result<DraftCheck, String> {
    if let Some(why) = &command.wrong {
        return Err(why.clone());
    }
    let said = options(words)?;
    let url = match said.urls[..] {
        [] => return Err("it names no URL".to_owned()),
        [url] => url,
        _ => return Err("it names several URLs; write a command for each".to_owned()),
    };
    if url.contains(['[', '{']) && !words.iter().any(|word| matches!(*word, "-g" | "--globoff")) {
        return Err("its URL stands for several ([…] or {…}); write a command for each".to_owned());
    }
    let texts = &mut draft.texts;
    let place = Place::read(url, Some(SHELL), texts)?;
    let mut request = Request {
        follow_redirects: said.follow,
        more: said.more,
        ..Request::default()
    };
    let mut left = said.left;
    left.extend(
        command
            .beside
            .iter()
            .map(|beside| format!("what a shell does with the answer: {beside}")),
    );
    let mut media_type = String::new();
    for header in said.headers {
        let Some((name, value)) = header.split_once([':', ';']) else {
            left.push(format!("the header {}", text::clean::short(header, 60)));
            continue;
        };
        if name.eq_ignore_ascii_case("content-type") {
            value.trim().clone_into(&mut media_type);
        }
        if let Err(why) = request.header(name, value.trim(), texts) {
            left.push(why);
        }
    }
    for cookie in said.cookies {
        if cookie.contains('=') {
            request.cookie(cookie, texts)?;
        } else {
            return Err("its cookies stand in another file".to_owned());
        }
    }
    let in_url = place.user.clone();
    let user = said
        .user
        .map(|user| user.split_once(':').unwrap_or((user, "")));
    match (user, &in_url) {
        (Some((user, password)), _) => request.user(user, password, texts)?,
        (None, Some((user, password))) => request.user(user, password, texts)?,
        (None, None) => {}
    }
    request.place = place;
    let has_body = !said.data.is_empty() || !said.form.is_empty();
    let data = said.data.join("&");
    if said.as_query {
        let url = format!("{url}{}{data}", if url.contains('?') { '&' } else { '?' });
        request.place = Place::read(&url, Some(SHELL), texts)?;
    } else if !said.data.is_empty() {
        if media_type.is_empty() {
            let default = if said.is_json {
                "application/json"
            } else {
                "application/x-www-form-urlencoded"
            };
            default.clone_into(&mut media_type);
        }
        request.text_body(&data, &media_type, texts)?;
    } else if !said.form.is_empty() {
        multipart(&said.form, &mut request, draft)?;
    }
    let method = match (said.method, said.head) {
        (Some(method), _) => method,
        (None, true) => "HEAD",
        (None, false) if has_body && !said.as_query => "POST",
        (None, false) => "GET",
    };
    method.clone_into(&mut request.method);
    let path = request.place.path.split('?').next().unwrap_or_default();
    let name = format!("{method} {path}");
    for what in left {
        draft.leave(Some(command.line), format!("{name}: {what}"));
    }
    Ok(DraftCheck {
        line: Some(command.line),
        name,
        request,
        expect: Vec::new(),
        more: said.of_check,
    })
}

fn options<'w>(words: &[&'w str]) -> Result<CurlCommand<'w>, String> {
    let mut said = CurlCommand::default();
    let mut words = words.iter().copied();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || !word.starts_with('-') || word == "-" {
            said.urls.push(word);
        } else if word == "--" {
            only_urls = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (long, glued) = long
                .split_once('=')
                .map_or((long, None), |(long, value)| (long, Some(value)));
            let mut value = || {
                glued
                    .or_else(|| words.next())
                    .ok_or_else(|| format!("--{long} has no value"))
            };
            option(long, &mut value, &mut said)?;
        } else {
            let letters = word[1..].char_indices();
            for (at, letter) in letters {
                if IGNORED_FLAGS.contains(letter) {
                    continue;
                }
                let Some(long) = long(letter) else {
                    return Err(format!(
                        "the option -{letter} is not known here, and it may have a value"
                    ));
                };
                let behind = &word[1 + at + letter.len_utf8()..];
                let mut is_taken = false;
                let mut value = || {
                    is_taken = true;
                    let glued = Some(behind).filter(|behind| !behind.is_empty());
                    glued
                        .or_else(|| words.next())
                        .ok_or_else(|| format!("-{letter} has no value"))
                };
                option(long, &mut value, &mut said)?;
                if is_taken {
                    break;
                }
            }
        }
    }
    Ok(said)
}

/// The long form of an option.
fn long(letter: char) -> Option<&'static str> {
    Some(match letter {
        'X' => "request",
        'H' => "header",
        'd' => "data",
        'F' => "form",
        'u' => "user",
        'b' => "cookie",
        'L' => "location",
        'I' => "head",
        'G' => "get",
        'A' => "user-agent",
        'e' => "referer",
        'k' => "insecure",
        'm' => "max-time",
        'x' => "proxy",
        'E' => "cert",
        '4' => "ipv4",
        '6' => "ipv6",
        'g' => "globoff",
        'o' => "output",
        'w' => "write-out",
        'D' => "dump-header",
        'c' => "cookie-jar",
        'T' => "upload-file",
        _ => return None,
    })
}

fn option<'w>(
    long: &str,
    value: &mut dyn FnMut() -> Result<&'w str, String>,
    said: &mut CurlCommand<'w>,
) -> Result<(), String> {
    match long {
        "url" => said.urls.push(value()?),
        "request" => said.method = Some(value()?),
        "header" => said.headers.push(value()?),
        "data" | "data-ascii" | "data-binary" | "json" => {
            let data = value()?;
            if data.starts_with('@') {
                return Err("its body stands in another file; write it here".to_owned());
            }
            if long == "json" {
                said.is_json = true;
                said.headers.push("accept: application/json");
            }
            // A line break is taken out of what is no file, too.
            said.data.push(data.to_owned());
        }
        "data-raw" => said.data.push(value()?.to_owned()),
        "data-urlencode" => said.data.push(url_encoded(value()?)?),
        "form" => said.form.push((value()?, true)),
        "form-string" => said.form.push((value()?, false)),
        "user" => said.user = Some(value()?),
        "oauth2-bearer" => {
            return Err("give the token as a header: authorization: Bearer …".to_owned());
        }
        "cookie" => said.cookies.push(value()?),
        "location" => said.follow = true,
        "head" => said.head = true,
        "get" => said.as_query = true,
        "user-agent" | "referer" => {
            value()?;
            said.left.push(format!("the header that --{long} sets"));
        }
        "http1.1" => said.more.push(("http_version", tree::number("1.1"))),
        "http2" | "http2-prior-knowledge" => said.more.push(("http_version", tree::number("2"))),
        "ipv4" => said.more.push(("ip_version", tree::number("4"))),
        "ipv6" => said.more.push(("ip_version", tree::number("6"))),
        "max-time" => {
            let seconds: f64 = value()?
                .parse()
                .map_err(|_| "--max-time has no number of seconds".to_owned())?;
            if !(0.001..=3_600.0).contains(&seconds) {
                return Err("--max-time is no time that a check may take".to_owned());
            }
            let limit = std::time::Duration::from_secs_f64(seconds);
            let limit = match limit.subsec_millis() {
                0 => format!("{}s", limit.as_secs()),
                _ => format!("{}ms", limit.as_millis()),
            };
            said.of_check.push(("timeout", tree::text(limit)));
        }
        "retry" => said.of_check.push(("retries", tree::number(value()?))),
        "upload-file" => return Err("its body stands in another file; write it here".to_owned()),
        "config" => return Err("its options stand in another file; write them here".to_owned()),
        "digest" | "ntlm" | "negotiate" | "anyauth" | "aws-sigv4" => {
            return Err(format!(
                "the authentication of --{long} can't be carried over"
            ));
        }
        "next" => {
            return Err("it holds several requests (--next); write a command for each".to_owned());
        }
        _ if IGNORED_OPTIONS.contains(&long) => {}
        _ if IGNORED_OPTIONS_WITH_VALUE.contains(&long) => {
            value()?;
        }
        _ => {
            let Some((_, has_value, why)) = REFUSED_OPTIONS.iter().find(|(name, ..)| *name == long)
            else {
                return Err(format!(
                    "the option --{} is not known here, and it may have a value",
                    text::clean::short(long, 40)
                ));
            };
            if *has_value {
                value()?;
            }
            said.left.push(format!("the option --{long}: {why}"));
        }
    }
    Ok(())
}

/// `name=value`, of which the value is to be encoded.
fn url_encoded(data: &str) -> Result<String, String> {
    let (name, value) = match data.split_once('=') {
        Some((name, value)) => (name, value),
        None if data.contains('@') => {
            return Err("its body stands in another file; write it here".to_owned());
        }
        None => ("", data),
    };
    if value.contains(SHELL.open) {
        return Err("--data-urlencode encodes what only the shell knows".to_owned());
    }
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    Ok(if name.is_empty() {
        value
    } else {
        format!("{name}={value}")
    })
}

fn multipart(
    fields: &[(&str, bool)],
    request: &mut Request,
    draft: &mut Draft,
) -> Result<(), String> {
    let mut parts = Vec::new();
    for (field, reads_files) in fields {
        let (name, value) = field
            .split_once('=')
            .ok_or("a field of its form has no value")?;
        if *reads_files && value.starts_with(['@', '<']) {
            return Err(format!(
                "the field {name} of its form stands in another file; write it here"
            ));
        }
        let (value, kind) = match value.split_once(";type=") {
            Some((value, kind)) if *reads_files => (value, Some(kind)),
            _ => (value, None),
        };
        let content = tree::text(draft.texts.named(name, value)?);
        let part = match kind {
            None => content,
            Some(kind) => tree::map([("content", content), ("content_type", tree::text(kind))]),
        };
        parts.push((draft.texts.text(name)?, part));
    }
    request.headers.retain(|(name, _)| name != "content-type");
    request.body = Body::Multipart(parts);
    Ok(())
}
