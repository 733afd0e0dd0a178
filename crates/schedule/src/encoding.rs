//! The bytes of a calendar as text. RFC 5545 wants UTF-8; programs on Windows write UTF-16 with a mark. Anything
//! else can't be distinguished from its neighbours (Latin-1, Latin-2, Windows-1252), so it is refused with the place and
//! the way to convert it, rather than guessed.

use std::borrow::Cow;

use crate::calendar_problem::CalendarProblem;

/// A calendar is a few pages. Whoever reads one from a file or a bucket need not read more.
pub const MAX_CALENDAR_BYTES: usize = 1024 * 1024;

/// The text, without its mark.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, CalendarProblem> {
    if bytes.len() > MAX_CALENDAR_BYTES {
        return Err(problem(
            1,
            format!("the file is larger than {MAX_CALENDAR_BYTES} bytes"),
            "keep only the holidays that matter, or make several files of it",
        ));
    }
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // Without a mark: what a calendar or a date begins with is ASCII, so every other byte is zero.
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, CalendarProblem> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes[..at].split(|byte| *byte == b'\n').count();
        let byte = bytes.get(at).copied().unwrap_or_default();
        problem(
            line,
            format!("the file is not UTF-8: here is the byte 0x{byte:02X}, as in files in Latin-1 or Windows-1252"),
            "save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
        )
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, CalendarProblem> {
    let (units, rest) = bytes.as_chunks::<2>();
    let read: Result<String, _> = char::decode_utf16(units.iter().copied().map(unit)).collect();
    match read {
        Ok(text) if rest.is_empty() => Ok(Cow::Owned(text)),
        _ => Err(problem(
            1,
            "the file is UTF-16 that is cut off or damaged".to_owned(),
            "get it again, or save it as UTF-8",
        )),
    }
}

fn problem(line: usize, problem: String, remedy: &str) -> CalendarProblem {
    CalendarProblem {
        line,
        problem,
        remedy: remedy.to_owned(),
    }
}
