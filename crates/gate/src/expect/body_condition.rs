//! Demands on a body as bytes, with its content codings undone: its size, its hash, its charset.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{Actual, Comparison, Finding};
use crate::body::{Body, charset_name};
use crate::template::{Template, Values};
use crate::words;

/// One demand on the bytes of a body.
#[derive(Clone, Debug)]
pub(crate) enum BodyCondition {
    /// In bytes.
    Size(Comparison),
    /// In hexadecimal digits.
    Sha256(Template),
    /// By which it is read as text.
    Charset(Template),
}

/// Digits of a hash by SHA-256.
const SHA256_DIGITS: usize = 64;

/// The hash as it is compared, if the text is one.
pub(crate) fn sha256(written: &str) -> Option<String> {
    let written = written.trim();
    let is_hash = written.len() == SHA256_DIGITS && written.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then(|| written.to_ascii_lowercase())
}

impl BodyCondition {
    pub(super) fn evaluate(&self, body: &Body, values: &Values) -> Finding {
        match self {
            Self::Size(expected) => match body.bytes() {
                Ok(bytes) => size(*expected, bytes.len()),
                Err(why) => Finding::errored("body size", why.to_string()),
            },
            Self::Sha256(template) => {
                let expected = template.render(values).map_err(|why| why.to_string());
                let expected = expected.and_then(|written| {
                    sha256(&written)
                        .ok_or_else(|| format!("{} is no SHA-256", words::quote(&written)))
                });
                match (expected, body.bytes()) {
                    (Ok(expected), Ok(bytes)) => {
                        let got = HEXLOWER.encode(&Sha256::digest(bytes));
                        let met = got == expected;
                        Finding::new("body with the SHA-256", Actual::Value(got), met)
                            .wanting(expected)
                    }
                    (Err(why), _) => Finding::errored("body sha256", why),
                    (_, Err(why)) => Finding::errored("body sha256", why.to_string()),
                }
            }
            Self::Charset(template) => {
                let expected = template.render(values).map_err(|why| why.to_string());
                let expected = expected.and_then(|label| {
                    charset_name(&label)
                        .ok_or_else(|| format!("{} is no charset", words::quote(&label)))
                });
                match (expected, body.charset()) {
                    (Ok(expected), Ok(got)) => Finding::new(
                        format!("body in the charset {expected}"),
                        Actual::Words(got.to_owned()),
                        got == expected,
                    ),
                    (Err(why), _) => Finding::errored("body charset", why),
                    (_, Err(why)) => Finding::errored("body charset", why.to_string()),
                }
            }
        }
    }
}

fn size(expected: Comparison, got: usize) -> Finding {
    let number = usize::try_from(expected.number).unwrap_or(usize::MAX);
    let demand = format!(
        "body of {}{}",
        expected.operator.sign(),
        words::bytes(number)
    );
    // In bytes: a rounded size could look like one that meets the limit.
    let got_words = Actual::Words(words::count(got, "byte"));
    let met = u64::try_from(got).is_ok_and(|got| expected.holds(got));
    Finding::new(demand, got_words, met)
}
