//! What browsers read is read; what can't be read has no text.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

const LIMIT: usize = 64 * 1024;

fn body(bytes: &[u8], content_type: &str, codings: &[&str]) -> Body {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    }
    for coding in codings {
        headers.append(CONTENT_ENCODING, coding.parse().unwrap());
    }
    Body::new(bytes.to_vec(), LIMIT, &headers)
}

fn text(bytes: &[u8], content_type: &str) -> String {
    match body(bytes, content_type, &[]).text() {
        Ok(text) => text.into_owned(),
        Err(why) => format!("({why})"),
    }
}

fn decoded(bytes: &[u8], codings: &[&str]) -> String {
    match body(bytes, "", codings).text() {
        Ok(text) => text.into_owned(),
        Err(why) => format!("({why})"),
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    ruzstd::encoding::compress_to_vec(plain, level)
}

/// `Internal error: Grüße`, by the reference encoder at quality 5.
const BROTLI: &[u8] = b"\x0b\x0b\x80Internal error: Gr\xc3\xbc\xc3\x9fe\x03";

#[test]
fn every_coding_of_the_web_is_undone() {
    let plain = "Internal error: Grüße";
    let bytes = plain.as_bytes();
    assert_eq!(decoded(&gzip(bytes), &["gzip"]), plain);
    assert_eq!(decoded(&gzip(bytes), &["X-GZip"]), plain);
    assert_eq!(decoded(&zlib(bytes), &["deflate"]), plain);
    assert_eq!(decoded(&deflate(bytes), &["deflate"]), plain);
    assert_eq!(decoded(BROTLI, &["br"]), plain);
    assert_eq!(decoded(&zstd(bytes), &["zstd"]), plain);
    assert_eq!(decoded(bytes, &["identity"]), plain);
    assert_eq!(decoded(b"", &["gzip"]), "", "an answer to HEAD");
}

#[test]
fn several_codings_are_undone_from_the_last_to_the_first() {
    let twice = gzip(&zlib(b"both"));
    assert_eq!(decoded(&twice, &["deflate, gzip"]), "both");
    assert_eq!(decoded(&twice, &["deflate", "identity", "gzip"]), "both");
    assert!(decoded(&twice, &["gzip, deflate"]).contains("can't be decoded as deflate"));
    insta::assert_snapshot!(decoded(&twice, &["gzip, gzip, gzip, gzip, gzip"]), @"(the body has 5 content codings, one on the other; 4 are decoded)");
}

#[test]
fn members_and_frames_one_after_the_other_are_one_body() {
    assert_eq!(decoded(&[gzip(b"a"), gzip(b"b")].concat(), &["gzip"]), "ab");
    assert_eq!(decoded(&[zstd(b"a"), zstd(b"b")].concat(), &["zstd"]), "ab");
    let skipped = [
        &[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..],
        &zstd(b"a"),
    ]
    .concat();
    assert_eq!(decoded(&skipped, &["zstd"]), "a");
    assert_eq!(
        decoded(&[gzip(b"a"), b"rest".to_vec()].concat(), &["gzip"]),
        "a"
    );
}

#[test]
fn what_is_unknown_or_broken_has_no_text() {
    insta::assert_snapshot!(decoded(b"x", &["compress"]), @r#"(the body has the content coding "compress", which is not decoded here; gzip, deflate, br and zstd are)"#);
    insta::assert_snapshot!(decoded(b"<h1>not compressed</h1>", &["gzip"]), @"(the body can't be decoded as gzip: invalid gzip header)");
    for (name, whole) in [
        ("gzip", gzip(&[b'x'; 900])),
        ("deflate", zlib(b"a text that is cut in the middle of it")),
        ("br", BROTLI.to_vec()),
        ("zstd", zstd(b"a text that is cut in the middle of it")),
    ] {
        let cut = &whole[..whole.len() - 6];
        let shown = decoded(cut, &[name]);
        assert!(
            shown.starts_with(&format!("(the body can't be decoded as {name}: ")),
            "{shown}"
        );
    }
    let shown = decoded(&[0x11, 0x1e, 0, 0, 0], &["br"]);
    assert!(
        shown.ends_with("br: its window is larger than 16 MiB)"),
        "{shown}"
    );
    let mut wrong = gzip(b"a text");
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    assert!(decoded(&wrong, &["gzip"]).starts_with("(the body can't be decoded as gzip"));
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let plain = vec![0; 512 * 1024];
    let shown = "(the body is larger than max_body (64 KiB) once decoded; raise max_body)";
    assert_eq!(decoded(&gzip(&plain), &["gzip"]), shown);
    assert_eq!(decoded(&zlib(&plain), &["deflate"]), shown);
    assert_eq!(decoded(&zstd(&plain), &["zstd"]), shown);
    // Small once more inside of small.
    assert_eq!(decoded(&gzip(&gzip(&plain)), &["gzip, gzip"]), shown);
    let exactly = vec![b'x'; LIMIT];
    assert_eq!(decoded(&gzip(&exactly), &["gzip"]).len(), LIMIT);
    let bomb = body(&gzip(&vec![b'x'; 256 * 1024]), "", &["gzip"]);
    assert_eq!(bomb.beginning(8).as_deref(), Some("xxxxxxxx"));
}

#[test]
fn text_is_read_by_mark_then_by_declaration() {
    let latin = b"sch\xf6ne Gr\xfc\xdfe";
    for label in [
        "ISO-8859-1",
        "\"iso-8859-15\"",
        "windows-1252",
        "us-ascii",
        "latin1",
    ] {
        assert_eq!(
            text(latin, &format!("text/html; Charset={label}")),
            "schöne Grüße"
        );
    }
    assert_eq!(
        text(b"\x93\xfa\x96\x7b", "text/plain;charset=Shift_JIS"),
        "日本"
    );
    assert_eq!(
        text(b"\xc6\xfc\xcb\xdc", "text/plain; a=b; charset=euc-jp"),
        "日本"
    );
    assert_eq!(
        text(b"\xef\xbb\xbfok", "text/plain; charset=iso-8859-1"),
        "ok",
        "the mark counts"
    );
    assert_eq!(text(b"\xff\xfeo\0k\0", "text/plain"), "ok");
    assert_eq!(text(b"\xfe\xff\0o\0k", "text/plain; charset=utf-8"), "ok");
    assert_eq!(text(b"\xff\xfe\0\0o\0\0\0", "text/plain"), "o");
    assert_eq!(text(b"o\0k\0", "text/plain; charset=utf-16"), "ok");
    assert_eq!(text("ü".as_bytes(), ""), "ü");
}

#[test]
fn pages_say_their_charset_in_themselves() {
    let page = |head: &str| text(&[head.as_bytes(), b"Gr\xfc\xdfe"].concat(), "text/html");
    for head in [
        "<meta charset=iso-8859-1>",
        "<!-- <meta charset=utf-8> --><html><META content='x' CHARSET = \"latin1\"/>",
        "<meta http-equiv=Content-Type content=\"text/html; charset=ISO-8859-1\">",
        "<?xml version='1.0' encoding='iso-8859-1'?>",
    ] {
        assert!(page(head).ends_with("Grüße"), "{head}: {}", page(head));
    }
    for head in [
        "<p>meta charset=latin1",
        "<metadata charset=latin1>",
        "<meta name=x content='a; charset=latin1'>",
        "<meta charset=utf-16>",
    ] {
        assert!(
            page(head).contains("is not UTF-8: byte FC at"),
            "{head}: {}",
            page(head)
        );
    }
    assert_eq!(
        text(
            b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xfc</a>",
            "application/atom+xml"
        ),
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>ü</a>"
    );
    assert!(text(b"<meta charset=latin1>\xfc", "text/plain").starts_with("(the body is not UTF-8"));
}

#[test]
fn one_wrong_byte_and_there_is_no_text() {
    insta::assert_snapshot!(text(b"\xff", ""), @"(the body is not UTF-8: byte FF at offset 0)");
    insta::assert_snapshot!(text(b"Gr\xfc\xdfe", "text/html; charset=utf-8"), @"(the body is not UTF-8: byte FC at offset 2)");
    insta::assert_snapshot!(text(b"ok\x81", "text/plain; charset=shift_jis"), @"(the body is not Shift_JIS: byte 81 at offset 2)");
    insta::assert_snapshot!(text(b"\xff\xfeo\0\0\xd8x\0", ""), @"(the body is not UTF-16LE: byte 00 at offset 2)");
    insta::assert_snapshot!(text(b"\0\0\xfe\xff\0\x11\0\0", ""), @"(the body is not UTF-32: byte 00 at offset 0)");
    insta::assert_snapshot!(text(b"ok", "text/plain; charset=utf-7"), @r#"(the body is declared to be in the charset "utf-7", which is not known)"#);
    insta::assert_snapshot!(text(b"ok", "text/plain; charset=hz-gb-2312"), @r#"(the body is declared to be in the charset "hz-gb-2312", which is not known)"#);
    assert_eq!(
        text("\u{fffd}".as_bytes(), ""),
        "\u{fffd}",
        "a sign like any other"
    );
    assert_eq!(
        body(b"a\xffb", "", &[]).beginning(9).as_deref(),
        Some("a\u{fffd}b")
    );
}

#[test]
fn json_is_read_by_its_bytes() {
    let json = |bytes: &[u8], content_type: &str| match body(bytes, content_type, &[]).json_text() {
        Ok(text) => text.into_owned(),
        Err(why) => format!("({why})"),
    };
    let plain = "{\"a\":\"ü\"}";
    let units: Vec<u16> = plain.encode_utf16().collect();
    let wide = |mark: &[u8], to_bytes: fn(u16) -> [u8; 2]| {
        let units = units.iter().copied().flat_map(to_bytes);
        mark.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    let utf_32: Vec<u8> = plain
        .chars()
        .flat_map(|c| u32::from(c).to_be_bytes())
        .collect();
    for bytes in [
        plain.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", plain.as_bytes()].concat(),
        wide(b"\xff\xfe", u16::to_le_bytes),
        wide(b"\xfe\xff", u16::to_be_bytes),
        wide(b"", u16::to_le_bytes),
        wide(b"", u16::to_be_bytes),
        utf_32,
    ] {
        for content_type in [
            "application/json",
            "application/json; charset=iso-8859-1",
            "",
        ] {
            assert_eq!(json(&bytes, content_type), plain, "{bytes:?}");
        }
        assert_eq!(text(&bytes, "application/problem+json"), plain);
    }
    assert_eq!(
        json(b"{\"a\":\"\xfc\"}", "application/json; charset=latin1"),
        plain
    );
    insta::assert_snapshot!(json(b"{\"a\":\"\xfc\"}", "application/json"), @"(the body is not UTF-8: byte FC at offset 6)");
    insta::assert_snapshot!(json(b"{\"a\":\"\xfc\"}", "application/json; charset=klingon"), @"(the body is not UTF-8: byte FC at offset 6)");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        coding in prop_oneof![Just(""), Just("gzip"), Just("deflate"), Just("br"), Just("zstd")],
        content_type in prop_oneof![Just("text/html"), Just("application/json"), Just("a; charset=gbk")],
    ) {
        let body = body(&bytes, content_type, &[coding]);
        let _ = (body.text(), body.json_text(), body.beginning(50));
    }

    #[test]
    fn no_page_makes_it_panic(page in "[<>!=/'\" \\-a-c?]{0,30}") {
        let _ = text(format!("<meta {page}").as_bytes(), "text/html");
    }
}
