//! The tests of a Postman request that are plain enough to be expectations. All else of a script is left out, by its lines.
//!
//! A statement that is not known may change what the next ones mean: of its block nothing further is read.

use strict_yaml::{Document, Node};

use crate::draft::status;
use crate::tree;

/// A line of a script, with its number in the file.
pub(crate) type Line<'s> = (usize, &'s str);

/// What a script expects, and the lines of it that are not carried over.
#[derive(Debug, Default)]
pub(crate) struct ParsedScript {
    pub(crate) expect: Vec<Node>,
    pub(crate) left: Vec<(usize, String)>,
}

/// Reads a test script.
pub(crate) fn expectations(lines: &[Line<'_>]) -> ParsedScript {
    let mut read = ParsedScript::default();
    let mut json_names: Vec<String> = Vec::new();
    // How many braces are open around a test, and whether something unknown has come in each.
    let mut blocks = vec![false];
    let mut in_comment = false;
    for (number, line) in lines {
        let line = line.trim();
        if in_comment || line.starts_with("/*") {
            in_comment = !line.contains("*/");
            continue;
        }
        if line.is_empty()
            || line.starts_with("//")
            || line.starts_with("console.") && line.ends_with(';')
        {
            continue;
        }
        let (opens, statement) = unwrapped(line);
        if opens {
            let outer = blocks.last().copied().unwrap_or(true);
            blocks.push(outer);
            if statement.is_empty() {
                continue;
            }
        } else if matches!(line, "});" | "})" | "}" | "};") {
            if blocks.len() > 1 {
                blocks.pop();
            }
            continue;
        }
        let is_unknown = blocks.last().copied().unwrap_or(true);
        let closes = statement.matches('}').count() > statement.matches('{').count();
        let known = (!is_unknown && is_one(statement))
            .then(|| of_statement(statement, &mut json_names))
            .flatten();
        match known {
            Some(Statement::Expects(one)) => read.expect.push(*one),
            Some(Statement::Names) => {}
            None => {
                read.left.push((*number, text::clean::short(line, 160)));
                if let Some(block) = blocks.last_mut() {
                    *block = true;
                }
                // A block of its own: what stands in it is unknown, too.
                let deeper = statement
                    .matches('{')
                    .count()
                    .saturating_sub(statement.matches('}').count());
                blocks.extend(std::iter::repeat_n(true, deeper));
            }
        }
        if opens && (line.ends_with("});") || is_arrow_line(line) || closes) {
            blocks.pop();
        }
    }
    read
}

enum Statement {
    Expects(Box<Node>),
    /// It gives the body a name.
    Names,
}

/// `pm.test("…", function () {` is taken away, with its end where that is in the same line.
fn unwrapped(line: &str) -> (bool, &str) {
    let Some(rest) = line.strip_prefix("pm.test(") else {
        return (false, line);
    };
    let Some(quote) = rest.chars().next().filter(|one| "'\"`".contains(*one)) else {
        return (false, line);
    };
    let Some((_, rest)) = rest[1..].split_once(quote) else {
        return (false, line);
    };
    let rest = rest.trim_start().trim_start_matches(',').trim_start();
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let signature: String = rest
        .chars()
        .take_while(|one| *one != '{' && *one != '>')
        .collect();
    let plain: String = signature
        .chars()
        .filter(|one| !one.is_whitespace())
        .collect();
    if !matches!(&*plain, "function()" | "()=") {
        return (false, line);
    }
    let body = rest[signature.len()..].trim_start_matches('>').trim_start();
    let body = body.strip_prefix('{').unwrap_or(body).trim();
    let body = body
        .strip_suffix(");")
        .or_else(|| body.strip_suffix(')'))
        .filter(|_| !body.is_empty())
        .map_or(body, |cut| {
            // Only the bracket of `pm.test(`.
            if cut.trim_end().ends_with('}') || is_balanced(cut) {
                cut
            } else {
                body
            }
        });
    let body = body.trim().strip_suffix('}').unwrap_or(body).trim();
    (true, body)
}

fn is_arrow_line(line: &str) -> bool {
    line.contains("=>") && !line.trim_end().ends_with('{')
}

fn is_balanced(text: &str) -> bool {
    text.matches('(').count() == text.matches(')').count()
}

/// Whether it is one statement, whose meaning hangs on nothing else in its line.
fn is_one(statement: &str) -> bool {
    !statement.trim_end_matches(';').contains(';')
}

fn of_statement(statement: &str, json_names: &mut Vec<String>) -> Option<Statement> {
    let statement = statement.trim().trim_end_matches(';').trim();
    let expects = |node: Node| Some(Statement::Expects(Box::new(node)));
    if let Some(code) = call(statement, "pm.response.to.have.status") {
        let code = digits(code)?;
        return expects(status(code));
    }
    if matches!(
        statement,
        "pm.response.to.be.ok" | "pm.response.to.be.success"
    ) {
        return expects(tree::map([("status", tree::text("2xx"))]));
    }
    for declare in ["let ", "const ", "var "] {
        if let Some((name, value)) = statement
            .strip_prefix(declare)
            .and_then(|rest| rest.split_once('='))
        {
            let is_body = matches!(
                value.trim(),
                "pm.response.json()" | "JSON.parse(responseBody)"
            );
            if is_body && is_word(name.trim()) {
                json_names.push(name.trim().to_owned());
                return Some(Statement::Names);
            }
            return None;
        }
    }
    let rest = statement.strip_prefix("pm.expect(")?;
    let (subject, verb, value) = ["eql", "equal", "equals", "eq", "deep.equal"]
        .into_iter()
        .find_map(|verb| {
            let (subject, value) = rest.split_once(&format!(").to.{verb}("))?;
            Some((subject.trim(), verb, value.strip_suffix(')')?.trim()))
        })?;
    debug_assert!(!verb.is_empty());
    if subject == "pm.response.code" {
        return expects(status(digits(value)?));
    }
    let body = std::iter::once("pm.response.json()").chain(json_names.iter().map(String::as_str));
    let access = body
        .filter_map(|name| subject.strip_prefix(name))
        .find(|access| access.is_empty() || access.starts_with(['.', '[']))?;
    let json = [
        ("path", tree::text(path(access)?)),
        ("equals", literal(value)?),
    ];
    expects(tree::map([("json", tree::map(json))]))
}

/// The argument of a call.
fn call<'s>(statement: &'s str, function: &str) -> Option<&'s str> {
    let rest = statement.strip_prefix(function)?.trim();
    rest.strip_prefix('(')?.strip_suffix(')').map(str::trim)
}

fn digits(text: &str) -> Option<&str> {
    let is_status = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_status.then_some(text)
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || one == '_' || one == '$')
}

/// `.items[0].name` as a JSONPath.
pub(crate) fn path(access: &str) -> Option<String> {
    let mut path = "$".to_owned();
    let mut rest = access;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, left) = after.split_at(end);
            // `length` counts, and a call does something.
            if !is_word(name) || name == "length" {
                return None;
            }
            path.extend(["['", name, "']"]);
            rest = left;
        } else {
            let (inside, left) = rest.strip_prefix('[')?.split_once(']')?;
            let inside = inside.trim();
            let name = inside
                .strip_prefix(['"', '\''])
                .and_then(|name| name.strip_suffix(['"', '\'']));
            match name {
                Some(name) if !name.contains(['\'', '"', '\\']) => path.extend(["['", name, "']"]),
                None if !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()) => {
                    path.extend(["[", inside, "]"]);
                }
                _ => return None,
            }
            rest = left;
        }
    }
    // As people write it.
    Some(plainer(&path))
}

/// `$.a[0].b` for `$['a'][0]['b']`.
fn plainer(path: &str) -> String {
    let mut made = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("['") {
        made += before;
        let Some((name, left)) = after.split_once("']") else {
            break;
        };
        let is_plain = name
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || one == '_')
            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if is_plain {
            made.extend([".", name]);
        } else {
            made.extend(["['", name, "']"]);
        }
        rest = left;
    }
    made + rest
}

/// A value as JavaScript writes it.
fn literal(text: &str) -> Option<Node> {
    // A reference of Postman is none in a script.
    if text.contains("{{") || text == "undefined" {
        return None;
    }
    let single = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    if let Some(inside) = single {
        return (!inside.contains(['\'', '\\'])).then(|| tree::text(inside));
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let document = Document {
        noun: "value",
        begin: "",
        split: "",
    };
    match text.chars().next()? {
        '{' | '[' => tree::read_json(text, document).ok(),
        '"' => serde_json::from_str::<String>(text).ok().map(tree::text),
        _ => Some(tree::number(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> String {
        let lines: Vec<Line<'_>> = script
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .collect();
        let read = expectations(&lines);
        let left = read
            .left
            .iter()
            .map(|(line, what)| format!("left {line}: {what}\n"));
        let expect = if read.expect.is_empty() {
            String::new()
        } else {
            strict_yaml::write(&tree::list(read.expect.clone()))
        };
        expect + &left.collect::<String>()
    }

    #[test]
    fn plain_tests_are_expectations() {
        insta::assert_snapshot!(shown(
            r#"
            pm.test("Status code is 200", function () {
                pm.response.to.have.status(200);
            });
            pm.test("short", () => pm.response.to.have.status(201));
            pm.test("one line", function () { pm.response.to.have.status(204); });
            const body = pm.response.json();
            pm.test('the book', () => {
                // what was sold
                pm.expect(body.items[0]["book id"]).to.eql(7);
                pm.expect(pm.response.json().name).to.equal('Dune');
                pm.expect(body.tags).to.deep.equal(["a", "b"]);
                pm.expect(pm.response.code).to.eq(200);
            });
            "#
        ), @r#"
        - { status: 200 }
        - { status: 201 }
        - { status: 204 }
        - { json: { path: "$.items[0]['book id']", equals: 7 } }
        - { json: { path: $.name, equals: Dune } }
        - json:
            path: $.tags
            equals: [a, b]
        - { status: 200 }
        "#);
    }

    #[test]
    fn what_hangs_on_something_else_is_left_out() {
        insta::assert_snapshot!(shown(
            r#"
            pm.test("a", function () {
                if (pm.environment.get("x")) {
                    pm.response.to.have.status(500);
                }
                pm.response.to.have.status(200);
            });
            pm.test("b", function () {
                pm.response.to.have.status(201);
                pm.expect(pm.response.responseTime).to.be.below(200);
            });
            pm.environment.set("token", pm.response.json().token);
            pm.test("c", () => pm.response.to.have.status(202));
            "#
        ), @r#"
        - { status: 201 }
        left 3: if (pm.environment.get("x")) {
        left 4: pm.response.to.have.status(500);
        left 6: pm.response.to.have.status(200);
        left 10: pm.expect(pm.response.responseTime).to.be.below(200);
        left 12: pm.environment.set("token", pm.response.json().token);
        left 13: pm.test("c", () => pm.response.to.have.status(202));
        "#);
    }
}
