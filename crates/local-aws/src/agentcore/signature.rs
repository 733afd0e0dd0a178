//! Whether a request is signed by AWS Signature Version 4, for the one connection that AWS lets nobody have without.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use http::request::Parts;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::error::AwsError;

/// The secret of every access key in this local AWS, as the emulator behind has it.
pub const SECRET: &str = "test";
/// How old a signature may be, or ahead of the clock.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(5);

/// Refuses what is not signed for `service`, or no more.
pub(super) fn check(parts: &Parts, service: &str, now: Timestamp) -> Result<(), AwsError> {
    let refused = |code: &str, why: &str| AwsError {
        status: 403,
        ..AwsError::client(code, why)
    };
    let header = text(&parts.headers, "authorization").unwrap_or_default();
    let missing = || {
        refused(
            "MissingAuthenticationTokenException",
            "the request is not signed by AWS Signature Version 4",
        )
    };
    let fields = header
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or_else(missing)?;
    let field = |name: &str| {
        let mut fields = fields.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let credential = field("Credential").ok_or_else(missing)?;
    let signed = field("SignedHeaders").ok_or_else(missing)?;
    let signature = field("Signature").ok_or_else(missing)?;
    let scope: Vec<&str> = credential.split('/').skip(1).collect();
    let [day, region, of, "aws4_request"] = scope.as_slice() else {
        return Err(missing());
    };
    if *of != service {
        let why = format!("Credential should be scoped to correct service: '{service}'.");
        return Err(refused("InvalidSignatureException", &why));
    }
    let date = text(&parts.headers, "x-amz-date").ok_or_else(missing)?;
    let instant = strtime::parse("%Y%m%dT%H%M%SZ", date)
        .and_then(|parsed| parsed.to_datetime())
        .and_then(|time| time.to_zoned(TimeZone::UTC))
        .map_err(|_| missing())?
        .timestamp();
    if now.duration_since(instant).abs() > MAX_AGE || !date.starts_with(day) {
        return Err(refused("InvalidSignatureException", "Signature expired"));
    }
    let names: Vec<&str> = signed.split(';').collect();
    if !names.contains(&"host") || !names.contains(&"x-amz-date") {
        let why = "'Host' or ':authority' and 'x-amz-date' must be a 'SignedHeader' in the AWS Authorization.";
        return Err(refused("InvalidSignatureException", why));
    }
    let canonical = canonical(parts, &names);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{day}/{region}/{service}/aws4_request\n{}",
        HEXLOWER.encode(&Sha256::digest(canonical))
    );
    let key = [*day, *region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
            mac(&key, part)
        });
    if HEXLOWER.encode(&mac(&key, &to_sign)) == signature {
        Ok(())
    } else {
        let why = "The request signature we calculated does not match the signature you provided.";
        Err(refused("InvalidSignatureException", why))
    }
}

/// The request as it is signed. Its body is empty.
fn canonical(parts: &Parts, names: &[&str]) -> String {
    let mut query: Vec<&str> = parts.uri.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        parts.method,
        escaped(parts.uri.path()),
        query.join("&")
    );
    for name in names {
        let value = text(&parts.headers, name).unwrap_or_default().trim();
        // A `String` takes everything.
        writeln!(canonical, "{name}:{value}").ok();
    }
    let of_nothing = HEXLOWER.encode(&Sha256::digest(b""));
    write!(canonical, "\n{}\n{of_nothing}", names.join(";")).ok();
    canonical
}

/// A path as it is sent, escaped once more.
fn escaped(path: &str) -> String {
    let mut escaped = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").ok();
        }
    }
    escaped
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
