//! JSON lines in, JSON lines out, one for each. A bad line never stops the others, and a long one never makes the process
//! grow.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read, Write};

use jiff::Timestamp;
use schedule::Syntax;
use serde::Deserialize;

use super::evaluate::{Evaluator, LocatedError};

/// No schedule is as long as this.
const MAX_LINE_BYTES: usize = 64 * 1024;
const LINE_EXAMPLE: &str = r#"write {"syntax":"windows","schedule":"Mon-Fri 09:00-22:00 UTC","at":"2026-11-23T22:00:00Z"}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with schedule and at")]
struct Question<'a> {
    #[serde(borrow)]
    syntax: Option<Cow<'a, str>>,
    #[serde(borrow)]
    zone: Option<Cow<'a, str>>,
    #[serde(borrow)]
    schedule: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
}

/// Answers each line; says how many could not be answered. The grammar is that of lines that name none.
pub(crate) fn answer_all(
    input: impl Read,
    mut output: impl Write,
    (syntax, evaluator): (Syntax, &mut Evaluator<'_>),
) -> io::Result<usize> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let (mut line, mut answer) = (Vec::new(), Vec::new());
    let (mut number, mut wrong) = (0, 0);
    loop {
        if input.buffer().is_empty() {
            // Whoever asks one question at a time gets the answer before the next.
            output.flush()?;
            if input.fill_buf()?.is_empty() {
                return Ok(wrong);
            }
        }
        number += 1;
        line.clear();
        let whole = read_line(&mut input, &mut line)?;
        answer.clear();
        if let Err(mut located) = answer_one((&line, whole), syntax, evaluator, &mut answer) {
            wrong += 1;
            located.line = Some(number);
            let error = serde_json::json!({ "error": located });
            serde_json::to_writer(&mut answer, &error)?;
        }
        answer.push(b'\n');
        output.write_all(&answer)?;
    }
}

/// Reads up to the end of the line; false if it was too long, and the rest of it was thrown away.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let mut whole = true;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(whole);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        if line.len() + part.len() > MAX_LINE_BYTES {
            whole = false;
        } else {
            line.extend_from_slice(part);
        }
        let used = end.map_or(part.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(whole);
        }
    }
}

fn answer_one(
    (line, whole): (&[u8], bool),
    default: Syntax,
    evaluator: &mut Evaluator<'_>,
    answer: &mut Vec<u8>,
) -> Result<(), LocatedError> {
    if !whole {
        let problem = format!("the line is longer than {MAX_LINE_BYTES} bytes");
        return Err(located(None, MAX_LINE_BYTES + 1, problem, LINE_EXAMPLE));
    }
    let text = std::str::from_utf8(line).map_err(|error| {
        let column = characters(&line[..error.valid_up_to()]) + 1;
        located(None, column, "the line is not UTF-8", "write it as UTF-8")
    })?;
    let question: Question<'_> = serde_json::from_str(text).map_err(|error| shape(text, &error))?;
    let syntax = match &question.syntax {
        None => default,
        Some(name) => name.parse().map_err(|_| {
            let problem = format!("unknown syntax {name:?}");
            let remedy = format!("write {}", Syntax::names());
            located(Some("syntax"), 1, problem, &remedy)
        })?,
    };
    let at: Timestamp = question.at.trim().parse().map_err(|_| {
        let problem = format!("{:?} is no instant", question.at);
        located(
            Some("at"),
            1,
            problem,
            "write it with Z or an offset: 2026-11-23T22:00:00Z",
        )
    })?;
    let asked = (syntax, question.schedule.as_ref());
    evaluator
        .answer(asked, question.zone.as_deref(), at)?
        .write(answer);
    Ok(())
}

/// What is no question.
fn shape(text: &str, error: &serde_json::Error) -> LocatedError {
    if text.trim().is_empty() {
        return located(None, 1, "the line is empty", LINE_EXAMPLE);
    }
    let told = error.to_string();
    let problem = told.split(" at line ").next().unwrap_or(&told);
    let before = error.column().saturating_sub(1).min(text.len());
    located(
        None,
        characters(&text.as_bytes()[..before]) + 1,
        problem,
        LINE_EXAMPLE,
    )
}

/// Continuation bytes are not counted as characters.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

fn located(
    field: Option<&'static str>,
    column: usize,
    problem: impl Into<String>,
    remedy: &str,
) -> LocatedError {
    LocatedError {
        line: None,
        field,
        schedule: None,
        column,
        problem: problem.into(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &[u8]) -> (String, usize) {
        let mut out = Vec::new();
        let mut evaluator = Evaluator::new(None, None);
        let wrong = answer_all(input, &mut out, (Syntax::Windows, &mut evaluator)).unwrap();
        (String::from_utf8(out).unwrap(), wrong)
    }

    #[test]
    fn each_line_has_its_answer() {
        let input = r#"{"syntax":"windows","schedule":"Mon-Fri 09:00-22:00 Europe/Berlin","at":"2026-11-23T20:59:59Z"}
{"schedule":"Mon-Fri 09:00-22:00 Europe/Berlin","at":"2026-11-23T22:00:00+01:00"}
{"syntax":"custodian","schedule":"off=[(M-F,19)];on=[(M-F,7)];tz=pt","at":"2026-11-23T22:00:00Z"}
{"syntax":"kube-downscaler","schedule":"never","at":"2026-11-23T22:00:00Z"}
{"schedule":"Mon-Fri 09:00-22:00","zone":"Asia/Kathmandu","at":"2026-11-23T03:15:00Z"}"#;
        let (told, wrong) = answers(input.as_bytes());
        assert_eq!(wrong, 0);
        insta::assert_snapshot!(told, @r#"
        {"state":"on","next_edge":"2026-11-23T21:00:00Z","rule":"by \"Mon-Fri 09:00-22:00 Europe/Berlin\""}
        {"state":"off","next_edge":"2026-11-24T08:00:00Z","rule":"outside all windows"}
        {"state":"on","next_edge":"2026-11-24T03:00:00Z","rule":"switched on at 2026-11-23T15:00:00Z by the hour in America/Los_Angeles"}
        {"state":"off","next_edge":null,"rule":"by \"never\""}
        {"state":"on","next_edge":"2026-11-23T16:15:00Z","rule":"by \"Mon-Fri 09:00-22:00 Asia/Kathmandu\""}
        "#);
    }

    #[test]
    fn the_grammar_of_the_command_line_is_that_of_lines_that_name_none() {
        let input = r#"{"schedule":"off=(M-F,19);on=(M-F,7);tz=pt","at":"2026-11-23T22:00:00Z"}"#;
        let (mut out, mut evaluator) = (Vec::new(), Evaluator::new(None, None));
        let asked = (Syntax::Custodian, &mut evaluator);
        assert_eq!(answer_all(input.as_bytes(), &mut out, asked).unwrap(), 0);
        assert!(out.starts_with(br#"{"state":"on""#));
    }

    #[test]
    fn a_bad_line_has_its_place_and_does_not_stop_the_others() {
        let mut input = r#"{"schedule":"Mon-Fry 09:00-22:00 UTC","at":"2026-11-23T22:00:00Z"}
{"schedule":"always","at":"tomorrow"}
{"syntax":"cron","schedule":"always","at":"2026-11-23T22:00:00Z"}

{"schedule":"always"
{"schedul":"always","at":"2026-11-23T22:00:00Z"}
"ä" nonsense
"#
        .as_bytes()
        .to_vec();
        input.extend_from_slice(b"\xff\n");
        input.extend(std::iter::repeat_n(b'x', 3 * MAX_LINE_BYTES));
        input.push(b'\n');
        input.extend_from_slice(br#"{"schedule":"always","at":"2026-11-23T22:00:00Z"}"#);
        let (told, wrong) = answers(&input);
        assert_eq!(wrong, 9);
        insta::assert_snapshot!(told, @r#"
        {"error":{"line":1,"field":"schedule","column":5,"problem":"unknown weekday \"Fry\"","remedy":"did you mean Fri?"}}
        {"error":{"line":2,"field":"at","column":1,"problem":"\"tomorrow\" is no instant","remedy":"write it with Z or an offset: 2026-11-23T22:00:00Z"}}
        {"error":{"line":3,"field":"syntax","column":1,"problem":"unknown syntax \"cron\"","remedy":"write windows, custodian, kube-downscaler, py-kube-downscaler or go-kube-downscaler"}}
        {"error":{"line":4,"column":1,"problem":"the line is empty","remedy":"write {\"syntax\":\"windows\",\"schedule\":\"Mon-Fri 09:00-22:00 UTC\",\"at\":\"2026-11-23T22:00:00Z\"}"}}
        {"error":{"line":5,"column":20,"problem":"EOF while parsing an object","remedy":"write {\"syntax\":\"windows\",\"schedule\":\"Mon-Fri 09:00-22:00 UTC\",\"at\":\"2026-11-23T22:00:00Z\"}"}}
        {"error":{"line":6,"column":10,"problem":"unknown field `schedul`, expected one of `syntax`, `zone`, `schedule`, `at`","remedy":"write {\"syntax\":\"windows\",\"schedule\":\"Mon-Fri 09:00-22:00 UTC\",\"at\":\"2026-11-23T22:00:00Z\"}"}}
        {"error":{"line":7,"column":3,"problem":"invalid type: string \"ä\", expected an object with schedule and at","remedy":"write {\"syntax\":\"windows\",\"schedule\":\"Mon-Fri 09:00-22:00 UTC\",\"at\":\"2026-11-23T22:00:00Z\"}"}}
        {"error":{"line":8,"column":1,"problem":"the line is not UTF-8","remedy":"write it as UTF-8"}}
        {"error":{"line":9,"column":65537,"problem":"the line is longer than 65536 bytes","remedy":"write {\"syntax\":\"windows\",\"schedule\":\"Mon-Fri 09:00-22:00 UTC\",\"at\":\"2026-11-23T22:00:00Z\"}"}}
        {"state":"on","next_edge":null,"rule":"by \"always\""}
        "#);
    }

    /// Answers what was asked before it waits for more.
    #[test]
    fn whoever_asks_one_at_a_time_is_answered_at_once() {
        struct Teller<'a>(&'a std::cell::RefCell<Vec<u8>>, usize);
        impl Read for Teller<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let told = String::from_utf8(self.0.borrow().clone()).unwrap();
                let answered = told.lines().count();
                assert_eq!(answered, self.1, "all that was asked is answered");
                self.1 += 1;
                let line = b"{\"schedule\":\"always\",\"at\":\"2026-11-23T22:00:00Z\"}\n";
                if self.1 > 3 {
                    return Ok(0);
                }
                buffer[..line.len()].copy_from_slice(line);
                Ok(line.len())
            }
        }
        struct Out<'a>(&'a std::cell::RefCell<Vec<u8>>);
        impl Write for Out<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.borrow_mut().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let told = std::cell::RefCell::new(Vec::new());
        let mut evaluator = Evaluator::new(None, None);
        let out = io::BufWriter::new(Out(&told));
        assert_eq!(
            answer_all(Teller(&told, 0), out, (Syntax::Windows, &mut evaluator)).unwrap(),
            0
        );
    }
}
