//! The body of an answer: kept as it was received, read as a browser would read it.
//!
//! Headers are judged as they came over the wire, so content codings are undone here and not by
//! the HTTP client. What can't be read (an unknown coding, an unknown charset, a byte that the
//! charset doesn't have) is an [`Undecodable`], so that a condition on it is errored. It must never
//! be judged as bytes, nor with replacement characters: `not_contains` would pass on anything.

mod charset;
mod coding;

use std::borrow::Cow;
use std::sync::OnceLock;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

pub(crate) use self::coding::ACCEPT_ENCODING;
use crate::words;

/// A body as it was received, with what the headers say about it.
#[derive(Debug)]
pub(crate) struct Body {
    received: Vec<u8>,
    /// How large it may be once decoded.
    limit: usize,
    /// In the order in which they were applied.
    codings: Vec<String>,
    content_type: String,
    /// Decoded when the first condition asks for it.
    decoded: OnceLock<Result<Vec<u8>, Undecodable>>,
}

/// Why a body can't be read. Says nothing about what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undecodable {
    #[error(
        "the body has the content coding {0:?}, which is not decoded here; gzip, deflate, br and zstd are"
    )]
    Coding(String),
    #[error("the body has {0} content codings, one on the other; {max} are decoded", max = coding::MAX_CODINGS)]
    Codings(usize),
    #[error("the body can't be decoded as {coding}: {cause}")]
    Broken { coding: &'static str, cause: String },
    #[error("the body is larger than max_body ({}) once decoded; raise max_body", words::bytes(*.0))]
    TooLarge(usize),
    #[error("the body is declared to be in the charset {0:?}, which is not known")]
    Charset(String),
    #[error("the body is not {charset}: byte {byte:02X} at offset {offset}")]
    Byte {
        charset: &'static str,
        byte: u8,
        offset: usize,
    },
}

/// The name of the charset with this label, by the Encoding Standard, if there is one.
pub(crate) fn charset_name(label: &str) -> Option<&'static str> {
    charset::canonical(label)
}

impl Body {
    /// `limit` is how many bytes there may be once decoded.
    pub(crate) fn new(received: Vec<u8>, limit: usize, headers: &HeaderMap) -> Self {
        let codings = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != "identity")
            .collect();
        let content_type = headers.get_all(CONTENT_TYPE).iter().next_back();
        let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()));
        Self {
            received,
            limit,
            codings,
            content_type: content_type.unwrap_or_default().into_owned(),
            decoded: OnceLock::new(),
        }
    }

    /// How many bytes there may be once decoded.
    pub(crate) fn most(&self) -> usize {
        if self.codings.is_empty() {
            self.received.len()
        } else {
            self.limit
        }
    }

    /// The body as text: by its mark, else by the charset that it declares, else as UTF-8.
    pub(crate) fn text(&self) -> Result<Cow<'_, str>, Undecodable> {
        charset::text(self.decoded()?, &self.content_type)
    }

    /// The media type that the headers say, in lower case; empty if they say none.
    pub(crate) fn media_type(&self) -> String {
        let media = self.content_type.split(';').next().unwrap_or_default();
        media.trim().to_ascii_lowercase()
    }

    /// The name of the charset by which [`Body::text`] reads it.
    pub(crate) fn charset(&self) -> Result<&'static str, Undecodable> {
        charset::name(self.decoded()?, &self.content_type)
    }

    /// What was received, with its content codings undone.
    pub(crate) fn bytes(&self) -> Result<&[u8], Undecodable> {
        self.decoded()
    }

    /// The text of a JSON body, which is UTF-8, UTF-16 or UTF-32 whatever the headers say.
    pub(crate) fn json_text(&self) -> Result<Cow<'_, str>, Undecodable> {
        charset::json(self.decoded()?, &self.content_type)
    }

    /// The beginning of the body, for people: cut, and with replacement characters.
    pub(crate) fn beginning(&self, bytes: usize) -> Option<String> {
        let beginning = match self.decoded.get() {
            Some(Ok(decoded)) => Cow::Borrowed(decoded.as_slice()),
            _ => coding::beginning(&self.codings, &self.received, bytes)?,
        };
        let beginning = &beginning[..beginning.len().min(bytes)];
        let shown = charset::lossy(beginning, &self.content_type);
        (!shown.is_empty()).then(|| words::head(&shown, bytes).to_owned())
    }

    fn decoded(&self) -> Result<&[u8], Undecodable> {
        if self.codings.is_empty() {
            return Ok(&self.received);
        }
        self.decoded
            .get_or_init(|| coding::decode(&self.codings, &self.received, self.limit))
            .as_deref()
            .map_err(Clone::clone)
    }
}

#[cfg(test)]
mod tests;
