//! Content codings, undone one after the other, each within the limit: a few bytes may decode to
//! gigabytes.

use std::borrow::Cow;
use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use super::Undecodable;

/// What a request accepts unless the check says otherwise: all that [`decode`] knows.
pub(crate) const ACCEPT_ENCODING: &str = "gzip, deflate, br, zstd";

/// No server applies more than two; each costs time and a copy.
pub(super) const MAX_CODINGS: usize = 4;

/// The largest window of zstd that a content coding may ask for (RFC 9659).
const MAX_ZSTD_WINDOW: u64 = 8 * 1024 * 1024;

/// The body without its codings.
pub(super) fn decode(
    codings: &[String],
    received: &[u8],
    limit: usize,
) -> Result<Vec<u8>, Undecodable> {
    let (decoded, end) = undo(codings, received, limit)?;
    match end {
        End::Complete => Ok(decoded.into_owned()),
        End::Cut => Err(Undecodable::TooLarge(limit)),
        End::Broken { coding, cause } => Err(Undecodable::Broken { coding, cause }),
    }
}

/// As much of the beginning as can be decoded; none if a coding is not known.
pub(super) fn beginning<'a>(
    codings: &[String],
    received: &'a [u8],
    bytes: usize,
) -> Option<Cow<'a, [u8]>> {
    undo(codings, received, bytes).ok().map(|(bytes, _)| bytes)
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Why decoding stopped.
enum End {
    Complete,
    /// There is more than the limit.
    Cut,
    Broken {
        coding: &'static str,
        cause: String,
    },
}

impl Coding {
    fn named(name: &str) -> Result<Self, Undecodable> {
        match name {
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "br" => Ok(Self::Brotli),
            "zstd" => Ok(Self::Zstd),
            other => Err(Undecodable::Coding(other.to_owned())),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn undo(self, input: &[u8], output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
        match self {
            Self::Gzip => gzip(input, output, limit),
            Self::Deflate => deflate(input, output, limit),
            Self::Brotli => brotli(input, output, limit),
            Self::Zstd => zstd(input, output, limit),
        }
    }
}

fn undo<'a>(
    codings: &[String],
    received: &'a [u8],
    limit: usize,
) -> Result<(Cow<'a, [u8]>, End), Undecodable> {
    if codings.len() > MAX_CODINGS {
        return Err(Undecodable::Codings(codings.len()));
    }
    let codings: Vec<Coding> = codings
        .iter()
        .map(|name| Coding::named(name))
        .collect::<Result<_, _>>()?;
    let mut bytes = Cow::Borrowed(received);
    // An answer to HEAD, or a 304, names the coding and has no body.
    if received.is_empty() {
        return Ok((bytes, End::Complete));
    }
    for coding in codings.into_iter().rev() {
        let mut output = Vec::new();
        let end = match coding.undo(&bytes, &mut output, limit) {
            Ok(true) => None,
            Ok(false) => Some(End::Cut),
            Err(error) => Some(End::Broken {
                coding: coding.name(),
                cause: error.to_string(),
            }),
        };
        bytes = Cow::Owned(output);
        if let Some(end) = end {
            return Ok((bytes, end));
        }
    }
    Ok((bytes, End::Complete))
}

/// Reads to the end, but not beyond the limit. Says whether the end was there.
fn fill(reader: &mut impl Read, output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    let room = limit.saturating_sub(output.len());
    let room = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(room).read_to_end(output)?;
    let complete = output.len() <= limit;
    output.truncate(limit);
    Ok(complete)
}

/// One member or several. What follows the last one is left alone, as browsers do.
fn gzip(mut input: &[u8], output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    loop {
        let mut member = GzDecoder::new(input);
        if !fill(&mut member, output, limit)? {
            return Ok(false);
        }
        input = member.into_inner();
        if !input.starts_with(&[0x1f, 0x8b]) {
            return Ok(true);
        }
    }
}

/// With the frame of zlib, as it is defined; and without, as some servers send it.
fn deflate(input: &[u8], output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    let framed = match input {
        [first, second, ..] => {
            first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
        }
        _ => false,
    };
    if framed {
        match fill(&mut ZlibDecoder::new(input), output, limit) {
            Ok(complete) => return Ok(complete),
            // What looked like a frame may be data.
            Err(error) => {
                let mut raw = Vec::new();
                return match fill(&mut DeflateDecoder::new(input), &mut raw, limit) {
                    Ok(complete) => {
                        *output = raw;
                        Ok(complete)
                    }
                    Err(_) => Err(error),
                };
            }
        }
    }
    fill(&mut DeflateDecoder::new(input), output, limit)
}

fn brotli(input: &[u8], output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    // Large windows are no part of RFC 7932, but the library would take a gigabyte for one.
    if input.first().is_some_and(|first| first & 0x7f == 0x11) {
        return Err(io::Error::other("its window is larger than 16 MiB"));
    }
    fill(&mut Decompressor::new(input, 4096), output, limit)
}

/// One frame or several; frames that are to be skipped are.
fn zstd(mut input: &[u8], output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    while !input.is_empty() {
        match StreamingDecoder::new_with_max_window_size(&mut input, MAX_ZSTD_WINDOW) {
            Ok(mut frame) => {
                if !fill(&mut frame, output, limit)? {
                    return Ok(false);
                }
                let frame = frame.into_frame_decoder();
                if let (Some(written), Some(found)) = (
                    frame.get_checksum_from_data(),
                    frame.get_calculated_checksum(),
                ) && written != found
                {
                    return Err(io::Error::other("the checksum does not match"));
                }
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                input = input.get(length..).ok_or(io::ErrorKind::UnexpectedEof)?;
            }
            Err(error) => return Err(io::Error::other(error.to_string())),
        }
    }
    Ok(true)
}
