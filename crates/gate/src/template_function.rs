//! Functions in templates: `{{ uuid() }}`, `{{ now('+1d') }}`, `{{ random(8) }}`.
//!
//! They stand for values that are new in each try of a check, and the same wherever a try writes the same call: what is
//! sent can be expected back. Nothing here reads a clock or asks for randomness. A run has a seed, which its report
//! shows, and each try has its instant.

use std::fmt;

use data_encoding::HEXLOWER;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, fmt::strtime};
use sha2::{Digest, Sha256};
use strict_yaml::scalar;

/// Characters that `random` may make.
const MAX_RANDOM: usize = 64;

const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A call between `{{` and `}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    kind: Kind,
    /// The call with nothing in it that doesn't matter: equal calls have equal values.
    call: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Uuid,
    Random {
        length: usize,
    },
    Now {
        format: Format,
        offset: SignedDuration,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Format {
    /// `2026-01-31T08:00:00Z`
    Rfc3339,
    /// Seconds since 1970.
    Unix,
    UnixMillis,
    /// As `strftime` has it.
    Pattern(String),
}

/// What functions stand on: the try for which a text is filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Of the run.
    pub(crate) seed: u64,
    /// The check, its round and its try.
    pub(crate) place: String,
    /// When the try began.
    pub(crate) now: Timestamp,
}

/// Why a call is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FunctionError {
    #[error("there is no function {0}()")]
    Unknown(String),
    #[error("{call}: {why}")]
    Argument { call: String, why: String },
}

impl Function {
    /// The function that is called, if the text between the braces is a call at all.
    pub(crate) fn parse(inside: &str) -> Option<Result<Self, FunctionError>> {
        let (name, arguments) = inside.strip_suffix(')')?.split_once('(')?;
        Some(Self::of(name.trim(), arguments))
    }

    fn of(name: &str, written: &str) -> Result<Self, FunctionError> {
        let wrong = |why: &str| FunctionError::Argument {
            call: format!("{name}({written})"),
            why: why.to_owned(),
        };
        let arguments = arguments(written)
            .ok_or_else(|| wrong("arguments are numbers, or texts in single quotes"))?;
        let kind = match name {
            "uuid" => {
                label(&arguments).map_err(wrong)?;
                Kind::Uuid
            }
            "random" => {
                let (length, rest) = arguments
                    .split_first()
                    .ok_or_else(|| wrong("say how many characters, as in random(8)"))?;
                let length = length.parse().ok().filter(|n| (1..=MAX_RANDOM).contains(n));
                let length = length.ok_or_else(|| wrong("it makes 1 to 64 characters"))?;
                label(rest).map_err(wrong)?;
                Kind::Random { length }
            }
            "now" => now(&arguments).map_err(|why| wrong(&why))?,
            other => return Err(FunctionError::Unknown(other.to_owned())),
        };
        let call = format!("{name}({})", arguments.join(","));
        Ok(Self { kind, call })
    }

    /// The value for a try.
    pub(crate) fn value(&self, moment: &Moment) -> String {
        match &self.kind {
            Kind::Uuid => uuid(&self.bytes(moment, 0)),
            Kind::Random { length } => self.letters(moment, *length),
            Kind::Now { format, offset } => {
                let at = moment.now.saturating_add(*offset).unwrap_or(moment.now);
                format.text(at)
            }
        }
    }

    /// 32 bytes that nothing but seed, place, call and block decide.
    fn bytes(&self, moment: &Moment, block: u32) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(moment.seed.to_be_bytes());
        for part in [&moment.place, &self.call] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(block.to_be_bytes());
        hash.finalize().into()
    }

    fn letters(&self, moment: &Moment, length: usize) -> String {
        let blocks = (0_u32..).flat_map(|block| self.bytes(moment, block));
        // The rest would make some letters more frequent than others.
        let even = blocks.filter(|byte| usize::from(*byte) < 256 / LETTERS.len() * LETTERS.len());
        even.take(length)
            .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
            .collect()
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call)
    }
}

impl Format {
    fn text(&self, at: Timestamp) -> String {
        match self {
            Self::Rfc3339 => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Self::Unix => at.as_second().to_string(),
            Self::UnixMillis => at.as_millisecond().to_string(),
            // It was tried when the suite was loaded.
            Self::Pattern(pattern) => formatted(pattern, at).unwrap_or_default(),
        }
    }
}

fn formatted(pattern: &str, at: Timestamp) -> Result<String, jiff::Error> {
    strtime::format(pattern, &at.to_zoned(TimeZone::UTC))
}

/// Tells calls apart that would have the same value otherwise.
fn label(arguments: &[String]) -> Result<(), &'static str> {
    match arguments {
        [] | [_] => Ok(()),
        _ => Err("one name is enough to tell two apart"),
    }
}

/// A format and an offset, each at most once.
fn now(arguments: &[String]) -> Result<Kind, String> {
    let (mut format, mut offset) = (None, None);
    for argument in arguments {
        if let Some(rest) = argument.strip_prefix(['+', '-']) {
            let length = duration(rest)
                .ok_or_else(|| format!("{argument:?} is no offset such as '+1d' or '-30m'"))?;
            let signed = if argument.starts_with('-') {
                -length
            } else {
                length
            };
            if offset.replace(signed).is_some() {
                return Err("it has two offsets".to_owned());
            }
        } else {
            let found = match argument.as_str() {
                "unix" => Format::Unix,
                "unix_ms" => Format::UnixMillis,
                pattern if pattern.contains('%') => {
                    if let Err(why) = formatted(pattern, Timestamp::UNIX_EPOCH) {
                        return Err(format!("{pattern:?} is not a format: {why}"));
                    }
                    Format::Pattern(pattern.to_owned())
                }
                other => {
                    return Err(format!(
                        "{other:?} is neither 'unix', 'unix_ms', a format such as '%Y-%m-%d' nor an \
                         offset such as '+1d'"
                    ));
                }
            };
            if format.replace(found).is_some() {
                return Err("it has two formats".to_owned());
            }
        }
    }
    Ok(Kind::Now {
        format: format.unwrap_or(Format::Rfc3339),
        offset: offset.unwrap_or_default(),
    })
}

/// `1d`, or a duration of the suite; up to ten years.
fn duration(written: &str) -> Option<SignedDuration> {
    const MAX_OFFSET: SignedDuration = SignedDuration::from_hours(24 * 3_660);
    let length = match written.strip_suffix('d') {
        Some(days) => SignedDuration::from_hours(days.parse::<u16>().ok().map(i64::from)? * 24),
        None => SignedDuration::try_from(scalar::parse_duration(written)?).ok()?,
    };
    (length <= MAX_OFFSET).then_some(length)
}

/// Numbers, and texts in single quotes; none of them may hold a quote.
fn arguments(written: &str) -> Option<Vec<String>> {
    if written.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut found = Vec::new();
    let mut rest = written.trim();
    loop {
        let (argument, after) = if let Some(quoted) = rest.strip_prefix('\'') {
            quoted.split_once('\'')?
        } else {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            let end = end.unwrap_or(rest.len());
            (end > 0).then(|| rest.split_at(end))?
        };
        found.push(argument.to_owned());
        match after.trim_start() {
            "" => return Some(found),
            more => rest = more.strip_prefix(',')?.trim_start(),
        }
    }
}

/// As version 4 writes them.
fn uuid(bytes: &[u8; 32]) -> String {
    let mut bytes: [u8; 16] = bytes[..16].try_into().unwrap_or_default();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seed: u64, place: &str) -> Moment {
        Moment {
            seed,
            place: place.to_owned(),
            now: "2026-01-31T08:00:05.678Z".parse().unwrap(),
        }
    }

    fn value(call: &str) -> String {
        Function::parse(call)
            .unwrap()
            .unwrap()
            .value(&moment(7, "a/1/1"))
    }

    fn refused(call: &str) -> String {
        Function::parse(call).unwrap().unwrap_err().to_string()
    }

    #[test]
    fn the_same_seed_makes_the_same_values() {
        assert_eq!(value("uuid()"), value("uuid( )"));
        assert_ne!(value("uuid()"), value("uuid('b')"));
        assert_ne!(value("random(8)"), value("random(9)")[..8]);
        let function = Function::parse("uuid()").unwrap().unwrap();
        assert_ne!(
            function.value(&moment(7, "a/1/1")),
            function.value(&moment(8, "a/1/1"))
        );
        assert_ne!(
            function.value(&moment(7, "a/1/1")),
            function.value(&moment(7, "a/1/2"))
        );
        // Written down: a run must be repeatable with another release of the gate, too.
        insta::assert_snapshot!(value("uuid()"), @"379a875e-0b00-4417-8145-f29f07737d5a");
        insta::assert_snapshot!(value("random(12)"), @"iznzp0o8dhpc");
        assert_eq!(value("random(64)").len(), 64);
    }

    #[test]
    fn instants_have_a_format_and_an_offset() {
        assert_eq!(value("now()"), "2026-01-31T08:00:05Z");
        assert_eq!(value("now('+1d')"), "2026-02-01T08:00:05Z");
        assert_eq!(value("now('%Y-%m-%d', '-9h')"), "2026-01-30");
        assert_eq!(value("now('unix')"), "1769846405");
        assert_eq!(value("now('-5s','unix_ms')"), "1769846400678");
    }

    #[test]
    fn what_is_no_call_is_refused() {
        assert!(Function::parse("name").is_none());
        insta::assert_snapshot!(refused("guid()"), @"there is no function guid()");
        insta::assert_snapshot!(refused("random()"), @"random(): say how many characters, as in random(8)");
        insta::assert_snapshot!(refused("random(65)"), @"random(65): it makes 1 to 64 characters");
        insta::assert_snapshot!(refused("uuid(a)"), @"uuid(a): arguments are numbers, or texts in single quotes");
        insta::assert_snapshot!(refused("now('1d')"), @r#"now('1d'): "1d" is neither 'unix', 'unix_ms', a format such as '%Y-%m-%d' nor an offset such as '+1d'"#);
        insta::assert_snapshot!(refused("now('+1y')"), @r#"now('+1y'): "+1y" is no offset such as '+1d' or '-30m'"#);
        insta::assert_snapshot!(refused("now('%Q%')"), @r#"now('%Q%'): "%Q%" is not a format: strftime formatting failed: invalid format string, expected byte after `%`, but found end of format string"#);
    }
}
