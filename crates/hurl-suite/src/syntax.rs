//! The text of a Hurl file into its syntax tree, by the parser of Hurl itself. The parser descends and goes back, so what it is given
//! is bounded first.

use hurl_core::ast::HurlFile;
use hurl_core::error::DisplaySourceError as _;
use hurl_core::parser::{ParseErrorKind, parse_hurl_file};
use hurl_core::text::Format;
use strict_yaml::{Position, Problem};

use crate::tree::at;

/// Bytes of one file. Entries are bounded by the steps of a journey.
const MAX_TEXT: usize = 256 * 1024;
/// Brackets and braces within each other: of JSON, for which the parser descends.
const MAX_DEPTH: usize = 100;

/// The file, or the first mistake in it.
pub(crate) fn parse(text: &str) -> Result<HurlFile, Problem> {
    let start = Position::START;
    if text.len() > MAX_TEXT {
        let remedy = "split it into several files";
        return Err(start.problem("the file is larger than 256 KiB", remedy));
    }
    if let Some(deep) = too_deep(text) {
        let message = format!("brackets are nested deeper than {MAX_DEPTH} levels");
        return Err(deep.problem(message, "send such a body from a suite"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = parse_hurl_file(text).map_err(|error| {
        let lines: Vec<&str> = text.lines().collect();
        let said = error.fixme(&lines).to_string(Format::Plain);
        // The first line may be spaces, carets and the words.
        let said = said.trim_start_matches([' ', '^', '\n', '|']).trim();
        let message = format!("not valid Hurl: {said}");
        at(error.pos).problem(message, remedy(&error.kind))
    })?;
    if file.entries.is_empty() {
        let remedy = "write a request: GET {{host}}/health";
        return Err(start.problem("the file has no request", remedy));
    }
    Ok(file)
}

fn remedy(kind: &ParseErrorKind) -> &'static str {
    match kind {
        ParseErrorKind::Xml => "correct the XML, or write the body between ```xml and ```",
        ParseErrorKind::Json(_) => "correct the JSON, or write the body between ``` and ```",
        _ => "see https://hurl.dev/docs/hurl-file.html; files of Hurl 8 are read",
    }
}

/// Where brackets nest too deep, if they do. No JSON goes on over a line that begins as a request or a response does, so
/// what other texts leave open is forgotten there.
fn too_deep(text: &str) -> Option<Position> {
    let mut depth = 0_usize;
    for (line, content) in text.lines().enumerate() {
        let first = content.split(' ').next().unwrap_or_default();
        if first.len() > 2 && first.bytes().all(|byte| byte.is_ascii_uppercase()) {
            depth = 0;
        }
        for (column, character) in content.chars().enumerate() {
            match character {
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_DEPTH {
                return Some(Position::new(line + 1, column + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_before_the_parser_descends() {
        let deep = format!("POST http://a\n{}1{}\n", "[".repeat(200), "]".repeat(200));
        let problem = parse(&deep).expect_err("it is refused");
        assert_eq!((problem.line, problem.column), (2, 101));
        let open = "GET http://a\n[Asserts]\nbody matches /\\{\\[/\n".repeat(60);
        assert!(too_deep(&open).is_none());
        let within = format!("POST http://a\n{}1{}\n", "[".repeat(100), "]".repeat(100));
        assert!(parse(&within).is_ok());
    }

    #[test]
    fn a_mistake_has_its_place() {
        let said = |text: &str| parse(text).expect_err("it is wrong").to_string();
        insta::assert_snapshot!(said("GET http://a\nHTTP 2xx\n"), @"2:7: not valid Hurl: expecting 'line_terminator'; see https://hurl.dev/docs/hurl-file.html; files of Hurl 8 are read");
        insta::assert_snapshot!(said("GET http://a\nHTTP 200\n[Assert]\nstatus == 200\n"), @"3:2: not valid Hurl: the section is not valid. Did you mean Asserts?; see https://hurl.dev/docs/hurl-file.html; files of Hurl 8 are read");
        insta::assert_snapshot!(said("POST http://a\n{\"a\": 1,}\n"), @"2:8: not valid Hurl: trailing comma is not allowed; correct the JSON, or write the body between ``` and ```");
        insta::assert_snapshot!(said("POST http://a\n<a><b></a>\n"), @"2:10: not valid Hurl: invalid XML; correct the XML, or write the body between ```xml and ```");
        insta::assert_snapshot!(said("# nothing\n"), @"1:1: the file has no request; write a request: GET {{host}}/health");
        insta::assert_snapshot!(said(&"#".repeat(300_000)), @"1:1: the file is larger than 256 KiB; split it into several files");
    }
}
