//! From bytes to text, as browsers do it: a mark counts most, then what is declared, then UTF-8.
//! Strictly: one byte that the charset does not have, and there is no text.

use std::borrow::Cow;

use encoding_rs::{
    DecoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED,
};

use super::Undecodable;

/// How much of a page is searched for `<meta charset>`, as the HTML standard has it.
const PRESCAN_BYTES: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    Web(&'static Encoding),
    /// Not of the web, but of JSON.
    Utf32 {
        big: bool,
    },
}

impl Charset {
    fn name(self) -> &'static str {
        match self {
            Self::Web(encoding) => encoding.name(),
            Self::Utf32 { big: true } => "UTF-32BE",
            Self::Utf32 { big: false } => "UTF-32LE",
        }
    }
}

/// The text of a body of any kind.
pub(super) fn text<'a>(bytes: &'a [u8], content_type: &str) -> Result<Cow<'a, str>, Undecodable> {
    let (charset, bytes) = charset_of(bytes, content_type)?;
    charset.decode(bytes)
}

/// The text of JSON: UTF-8, UTF-16 or UTF-32 (RFC 8259 and, for others than UTF-8, RFC 4627). A
/// declared charset counts only where the bytes are none of these.
pub(super) fn json<'a>(bytes: &'a [u8], content_type: &str) -> Result<Cow<'a, str>, Undecodable> {
    if let Some((charset, mark)) = marked(bytes) {
        return charset.decode(&bytes[mark..]);
    }
    let charset = by_zeros(bytes);
    charset.decode(bytes).or_else(|error| {
        match declared(content_type).and_then(|label| named(&label).ok()) {
            Some(other) if other != charset => other.decode(bytes),
            _ => Err(error),
        }
    })
}

/// The name of the charset by which a body is read as text.
pub(super) fn name(bytes: &[u8], content_type: &str) -> Result<&'static str, Undecodable> {
    charset_of(bytes, content_type).map(|(charset, _)| charset.name())
}

/// The name of the charset with this label, if there is one.
pub(super) fn canonical(label: &str) -> Option<&'static str> {
    named(label.trim()).ok().map(Charset::name)
}

/// For people: as [`text`], with replacement characters for what can't be decoded.
pub(super) fn lossy(bytes: &[u8], content_type: &str) -> String {
    let (charset, rest) = charset_of(bytes, content_type).unwrap_or((Charset::Web(UTF_8), bytes));
    match charset {
        Charset::Web(encoding) => encoding.decode_without_bom_handling(rest).0.into_owned(),
        Charset::Utf32 { big } => rest
            .as_chunks::<4>()
            .0
            .iter()
            .map(|unit| scalar(*unit, big).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    }
}

/// The charset, and the bytes without their mark.
fn charset_of<'a>(bytes: &'a [u8], content_type: &str) -> Result<(Charset, &'a [u8]), Undecodable> {
    if let Some((charset, mark)) = marked(bytes) {
        return Ok((charset, &bytes[mark..]));
    }
    if let Some(label) = declared(content_type) {
        return Ok((named(&label)?, bytes));
    }
    let media = content_type.split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    let charset = if media == "application/json" || media.ends_with("+json") {
        by_zeros(bytes)
    } else if media.ends_with("/html") || media.ends_with("/xml") || media.ends_with("+xml") {
        within(bytes, media.ends_with("/html"))?
    } else {
        Charset::Web(UTF_8)
    };
    Ok((charset, bytes))
}

/// The charset that a byte order mark says, and the mark's length.
fn marked(bytes: &[u8]) -> Option<(Charset, usize)> {
    match bytes {
        [0, 0, 0xfe, 0xff, ..] => Some((Charset::Utf32 { big: true }, 4)),
        [0xff, 0xfe, 0, 0, ..] => Some((Charset::Utf32 { big: false }, 4)),
        _ => Encoding::for_bom(bytes).map(|(encoding, length)| (Charset::Web(encoding), length)),
    }
}

/// JSON begins with an ASCII character, so where the zeros are says how wide a character is.
fn by_zeros(bytes: &[u8]) -> Charset {
    match bytes {
        [0, 0, 0, _, ..] => Charset::Utf32 { big: true },
        [0, _, ..] => Charset::Web(UTF_16BE),
        [_, 0, 0, 0, ..] => Charset::Utf32 { big: false },
        [_, 0, ..] => Charset::Web(UTF_16LE),
        _ => Charset::Web(UTF_8),
    }
}

/// The parameter `charset` of a media type.
fn declared(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).trim();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
    })
}

/// By the names of the Encoding Standard, in which Latin-1 and ASCII are windows-1252.
fn named(label: &str) -> Result<Charset, Undecodable> {
    match label.to_ascii_lowercase().as_str() {
        "utf-32" | "utf-32be" => return Ok(Charset::Utf32 { big: true }),
        "utf-32le" => return Ok(Charset::Utf32 { big: false }),
        _ => {}
    }
    Encoding::for_label(label.as_bytes())
        .filter(|encoding| *encoding != REPLACEMENT)
        .map(Charset::Web)
        .ok_or_else(|| Undecodable::Charset(label.to_owned()))
}

/// What a page or an XML document says of itself.
fn within(bytes: &[u8], html: bool) -> Result<Charset, Undecodable> {
    let beginning = &bytes[..bytes.len().min(PRESCAN_BYTES)];
    let beginning = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    let label = xml_declaration(&beginning).or_else(|| html.then(|| meta(&beginning)).flatten());
    match label {
        None => Ok(Charset::Web(UTF_8)),
        Some(label) => Ok(match named(&label)? {
            // It could be read, so it is not UTF-16.
            Charset::Web(encoding) if encoding == UTF_16BE || encoding == UTF_16LE => {
                Charset::Web(UTF_8)
            }
            Charset::Web(encoding) if encoding == X_USER_DEFINED => Charset::Web(WINDOWS_1252),
            other => other,
        }),
    }
}

/// `<?xml version="1.0" encoding="ISO-8859-1"?>`
fn xml_declaration(text: &str) -> Option<String> {
    let (declaration, _) = text.strip_prefix("<?xml")?.split_once('>')?;
    attributes(declaration)
        .into_iter()
        .find(|(name, _)| name == "encoding")
        .map(|(_, value)| value)
}

/// `<meta charset="…">`, or `<meta http-equiv="content-type" content="text/html; charset=…">`
fn meta(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = &rest[rest.find('<')?..];
        if rest.starts_with("<!--") {
            rest = &rest[rest.find("-->")? + 3..];
            continue;
        }
        let Some(tag) = rest
            .strip_prefix("<meta")
            .filter(|tag| tag.starts_with(|c: char| c.is_ascii_whitespace() || c == '/'))
        else {
            rest = &rest[1..];
            continue;
        };
        let found = attributes(tag);
        let get = |key: &str| {
            let attribute = found.iter().find(|(name, _)| name == key);
            attribute.map(|(_, value)| value.as_str())
        };
        if let Some(label) = get("charset") {
            return Some(label.to_owned());
        }
        if get("http-equiv") == Some("content-type")
            && let Some(label) = get("content").and_then(declared)
        {
            return Some(label);
        }
        rest = tag;
    }
}

/// The attributes of a tag, up to its end.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let space = |c: char| c.is_ascii_whitespace() || c == '/' || c == '?';
    let mut found = Vec::new();
    let mut rest = tag.trim_start_matches(space);
    while !rest.is_empty() && !rest.starts_with('>') {
        let end = rest
            .find(|c: char| c == '=' || c == '>' || space(c))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            // A lone `=` can't be the end of a name that is empty.
            rest = after.trim_start_matches(space);
            found.push((name.to_owned(), String::new()));
            continue;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => value.split_at(
                value
                    .find(|c: char| c == '>' || c.is_ascii_whitespace())
                    .unwrap_or(value.len()),
            ),
        };
        found.push((name.to_owned(), value.trim().to_owned()));
        rest = after.trim_start_matches(space);
    }
    found
}

impl Charset {
    fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Undecodable> {
        match self {
            Self::Web(encoding) if encoding == UTF_8 => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|error| self.wrong(bytes, error.valid_up_to())),
            Self::Web(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .ok_or_else(|| self.wrong(bytes, malformed(encoding, bytes))),
            Self::Utf32 { big } => {
                let (units, rest) = bytes.as_chunks::<4>();
                let mut text = String::new();
                for (index, unit) in units.iter().enumerate() {
                    let c = scalar(*unit, big).ok_or_else(|| self.wrong(bytes, index * 4))?;
                    text.push(c);
                }
                if rest.is_empty() {
                    Ok(Cow::Owned(text))
                } else {
                    Err(self.wrong(bytes, units.len() * 4))
                }
            }
        }
    }

    fn wrong(self, bytes: &[u8], offset: usize) -> Undecodable {
        Undecodable::Byte {
            charset: match self {
                Self::Web(encoding) => encoding.name(),
                Self::Utf32 { .. } => "UTF-32",
            },
            byte: bytes.get(offset).copied().unwrap_or_default(),
            offset,
        }
    }
}

fn scalar(unit: [u8; 4], big: bool) -> Option<char> {
    char::from_u32(if big {
        u32::from_be_bytes(unit)
    } else {
        u32::from_le_bytes(unit)
    })
}

/// Where the first sequence begins that the charset does not have.
fn malformed(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut sink = [0; 1024];
    let mut at = 0;
    loop {
        let (result, read, _) =
            decoder.decode_to_utf8_without_replacement(&bytes[at..], &mut sink, true);
        at += read;
        match result {
            DecoderResult::OutputFull => {}
            DecoderResult::InputEmpty => return at,
            DecoderResult::Malformed(length, after) => {
                return at.saturating_sub(usize::from(length) + usize::from(after));
            }
        }
    }
}
