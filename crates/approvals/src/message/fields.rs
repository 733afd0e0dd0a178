//! Single fields of messages. A field that is missing, null or ill-typed is absent, never an error.

use common::arn::Arn;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use text::links;
use text::mask::{MASK, Masker};

use super::plain;
use crate::redact;

/// The longest link that is passed on.
const MAX_LINK_BYTES: usize = 2_000;

/// Hosts of AWS's console, by partition; sub-domains (`eu-central-1.console.…`) belong to them.
const CONSOLE_HOSTS: &[&str] = &[
    "console.aws.amazon.com",
    "console.amazonaws.cn",
    "console.amazonaws-us-gov.com",
    "console.amazonaws-eusc.eu",
];

/// A text that is not blank.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    let text = value.get(key)?.as_str()?;
    (!text.trim().is_empty()).then_some(text)
}

/// A name of a pipeline, stage or action: 1 to 100 of what CodePipeline allows.
pub(super) fn name(value: &Value, key: &str) -> Option<String> {
    short(value, key, |c| {
        c.is_ascii_alphanumeric() || ".@-_".contains(c)
    })
}

/// An id, such as that of an execution or a deployment.
pub(super) fn id(value: &Value, key: &str) -> Option<String> {
    short(value, key, |c| c.is_ascii_alphanumeric() || c == '-')
}

/// One word of AWS's: a state, a category.
pub(super) fn word(value: &Value, key: &str) -> Option<String> {
    short(value, key, |c| {
        c.is_ascii_alphanumeric() || "_-".contains(c)
    })
}

/// A free name of one line, at most 256 characters, masked: names of alarms and triggers.
pub(super) fn label(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(|text| redact::line(text, 256))
}

/// A free text for people: masked, bounded, control characters visible.
pub(super) fn prose(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(|text| redact::prose(text, plain::PROSE_LIMIT))
}

fn short(value: &Value, key: &str, legal: impl Fn(char) -> bool) -> Option<String> {
    let text = text(value, key)?;
    let right = text.len() <= 100 && text.chars().all(legal);
    right.then(|| text.to_owned())
}

/// An account's twelve digits; empty if it is absent.
pub(super) fn account(value: &Value, key: &str) -> String {
    let account = text(value, key).filter(|text| is_account(text));
    account.unwrap_or_default().to_owned()
}

/// A region's name; empty if it is absent.
pub(super) fn region(value: &Value, key: &str) -> String {
    short(value, key, of_region).unwrap_or_default()
}

/// The ARN of a topic.
pub(super) fn topic(value: &Value, key: &str) -> Option<String> {
    let arn = text(value, key)?;
    contacts::forms::is_topic_arn(arn).then(|| arn.to_owned())
}

/// Region and account of an ARN; empty where they are absent.
pub(super) fn place_of(arn: &str) -> (String, String) {
    let (region, account) = Arn::parse(arn).map_or(("", ""), |arn| (arn.region, arn.account));
    let kept = |text: &str, right: bool| {
        if right {
            text.to_owned()
        } else {
            String::new()
        }
    };
    (
        kept(region, region.len() <= 30 && region.chars().all(of_region)),
        kept(account, is_account(account)),
    )
}

fn of_region(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// An instant as AWS writes it: RFC 3339, the same without seconds, with `+0000`, or as `CodeDeploy`
/// does (`Mon Aug 15 18:54:22 UTC 2016`).
pub(super) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    let text = text(value, key)?.trim();
    let utc = |format| {
        let civil = DateTime::strptime(format, text).ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let exact: Option<Timestamp> = text.parse().ok();
    exact
        .or_else(|| utc("%Y-%m-%dT%H:%MZ"))
        .or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
        .or_else(|| utc("%a %b %d %H:%M:%S UTC %Y"))
}

/// The link of an action's owner, as they wrote it, without what `masker` knows: whether it is one that
/// may be opened is decided where it is shown.
pub(crate) fn external_link(masker: &Masker<'_>, text: &str) -> String {
    let shown = redact::line_with(masker, text, MAX_LINK_BYTES);
    // It may be shown as text, and a name and a password in it are nobody's business.
    let Some((scheme, rest)) = shown.split_once("://") else {
        return shown;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
        None => shown,
    }
}

/// The link, if it leads to AWS's console and carries no token.
pub(super) fn console_link(text: &str) -> Option<String> {
    let link = text.trim();
    let url = links::https(link, MAX_LINK_BYTES).filter(|_| !Masker::new().finds(link))?;
    let host = url.host_str().filter(|_| url.port().is_none())?;
    let known = CONSOLE_HOSTS.iter().any(|console| {
        host.strip_suffix(console)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    known.then(|| link.to_owned())
}
