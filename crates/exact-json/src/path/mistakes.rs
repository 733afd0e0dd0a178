//! The usual slips, and what to write instead. Other dialects of JSONPath, JSON Pointer and the
//! languages that people write every day are the sources of most.

use super::cursor::{Cursor, name_length};
use super::error::PathError;
use super::syntax::Selector;

/// The path doesn't begin with `$`.
pub(super) fn beginning(cursor: &Cursor<'_>) -> PathError {
    let path = cursor.path;
    let trimmed = path.trim();
    let better = if trimmed.is_empty() {
        return cursor.wrong(
            "the path is empty",
            "write $ for the whole value, or a path such as $.total",
        );
    } else if trimmed.starts_with('$') {
        return cursor.wrong(
            "white space before the path",
            format!("write {}", piece(trimmed)),
        );
    } else if let Some(rest) = trimmed.strip_prefix('@') {
        format!("${rest}")
    } else if let Some(pointer) = trimmed.strip_prefix('/') {
        return cursor.wrong(
            "a path begins with $",
            format!("write {}", piece(&from_pointer(pointer))),
        );
    } else if trimmed.starts_with(['.', '[']) {
        format!("${trimmed}")
    } else if name_length(trimmed) > 0 {
        format!("$.{trimmed}")
    } else {
        return cursor.wrong(
            "a path begins with $",
            "write a path such as $.total or $.books[0].title",
        );
    };
    cursor.wrong("a path begins with $", format!("write {}", piece(&better)))
}

fn from_pointer(pointer: &str) -> String {
    let parts = pointer.split('/').map(|part| {
        let part = part.replace("~1", "/").replace("~0", "~");
        match () {
            () if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => {
                format!("[{part}]")
            }
            () if !part.is_empty() && name_length(&part) == part.len() => format!(".{part}"),
            () => bracketed(&part),
        }
    });
    format!("${}", parts.collect::<String>())
}

/// `['name']`
fn bracketed(name: &str) -> String {
    format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn piece(text: &str) -> &str {
    crate::text::head(text, 200)
}

/// Whether what follows a name after a dot looks as if it were meant to be part of it.
pub(super) fn goes_on(cursor: &Cursor<'_>) -> bool {
    cursor
        .peek()
        .is_some_and(|c| "-+#@$%/\\^~:;?(\"'`{}".contains(c))
}

/// After a dot, where no good name stands. `cursor` is at the name; `good` bytes of it are one.
pub(super) fn name(cursor: &Cursor<'_>, dot: usize, good: usize) -> PathError {
    let rest = cursor.rest();
    let start = cursor.at;
    let dots = &cursor.path[dot..start];
    let descends = dots == "..";
    let Some(first) = rest.chars().next() else {
        return cursor.wrong(
            "the path ends after a dot",
            "remove the dot, or write a name after it",
        );
    };
    if rest[good..].starts_with('(') {
        let function = &rest[..good];
        let message =
            format!("{function}() can't stand after a dot: functions belong into filters");
        let remedy = match function {
            "length" | "size" | "count" => {
                "end the path before it and use the condition `length`".to_owned()
            }
            _ => format!("use {function}(@…) within [?…], or end the path before it"),
        };
        return cursor.wrong(message, remedy);
    }
    if first == '.' {
        return cursor.wrong("three dots", cursor.instead(dot..start + 1, ".."));
    }
    if first == '[' {
        return cursor.wrong("a dot before a bracket", cursor.instead(dot..start, ""));
    }
    if first.is_whitespace() {
        let end = start + rest.len() - rest.trim_start().len();
        return cursor.wrong("white space after a dot", cursor.instead(start..end, ""));
    }
    if let quote @ ('\'' | '"') = first {
        let end = rest[1..]
            .find(quote)
            .map_or(cursor.path.len(), |end| start + end + 2);
        let name = rest[1..].split(quote).next().unwrap_or_default();
        let before = if descends { ".." } else { "" };
        let remedy = cursor.instead(dot..end, &format!("{before}{}", bracketed(name)));
        return cursor.wrong("a name in quotes after a dot", remedy);
    }
    let end = start + word_length(rest, good);
    let word = &cursor.path[start..end];
    let before = if descends { ".." } else { "" };
    let digits = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let instead = if digits {
        format!("{before}[{word}]")
    } else {
        format!("{before}{}", bracketed(word))
    };
    let mut remedy = cursor.instead(dot..end, &instead);
    if word.is_empty() {
        return cursor.wrong(
            format!("{} after a dot", cursor.found()),
            "write a name after it, or remove the dot",
        );
    }
    let message = if first.is_ascii_digit() {
        if digits {
            remedy = format!("{remedy} for an element, {before}['{word}'] for a key");
        }
        "a name after a dot can't begin with a digit".to_owned()
    } else {
        let odd = rest[good..].chars().next().unwrap_or(first);
        format!("a name after a dot can't have \"{odd}\"")
    };
    cursor.wrong(message, remedy)
}

/// What was meant as one name: up to what begins something else.
fn word_length(rest: &str, good: usize) -> usize {
    let end = |c: char| c.is_whitespace() || ".[](),=<>!&|".contains(c);
    rest[good..]
        .find(end)
        .map_or(rest.len(), |length| good + length)
}

/// What follows a segment is not one.
pub(super) fn after_segment(cursor: &Cursor<'_>) -> PathError {
    let rest = cursor.rest();
    let start = cursor.at;
    if rest.trim().is_empty() {
        return cursor.wrong(
            "white space after the path",
            cursor.instead(start..cursor.path.len(), ""),
        );
    }
    let first = rest.chars().next().unwrap_or(' ');
    if start == 1 && name_length(rest) > 0 {
        return cursor.wrong("a dot is missing after $", cursor.instead(1..1, "."));
    }
    if first == ']' || first == ')' {
        return cursor.wrong(
            format!("\"{first}\" closes nothing"),
            cursor.instead(start..start + 1, ""),
        );
    }
    if name_length(rest) > 0 && cursor.path[..start].ends_with(']') {
        return cursor.wrong(
            "a dot is missing before a name",
            cursor.instead(start..start, "."),
        );
    }
    if first.is_whitespace() {
        let message = "white space within a path";
        return cursor.wrong(
            message,
            "put a name with spaces in brackets and quotes: $['two words']",
        );
    }
    let message = format!("{} where a segment is due", cursor.found());
    cursor.wrong(
        message,
        "go on with .name, ['name'] or [0], or end the path; comparisons stand in [?…]",
    )
}

/// Where a selector is due within brackets that were opened at `open`.
pub(super) fn selector(cursor: &Cursor<'_>, open: usize) -> PathError {
    let rest = cursor.rest();
    let start = cursor.at;
    let Some(first) = rest.chars().next() else {
        return cursor.wrong("a bracket is not closed", "close it with ]");
    };
    let close = rest.find(']').map_or(cursor.path.len(), |end| start + end);
    let inside = cursor.path[start..close].trim_end();
    let whole = open..(close + 1).min(cursor.path.len());
    match first {
        ']' if cursor.path[open..start].contains(',') => {
            cursor.wrong("a selector is missing", "remove the comma")
        }
        ']' => cursor.wrong(
            "nothing is between the brackets",
            cursor.instead(whole, "[*]"),
        ),
        ',' => cursor.wrong("a selector is missing", "remove the comma"),
        '(' => {
            let remedy = if inside.contains("length") {
                "count from the end with a negative index: [-1] is the last element".to_owned()
            } else {
                "write an index, a name in quotes, or a filter [?…]".to_owned()
            };
            cursor.wrong(
                "expressions between brackets are not part of JSONPath",
                remedy,
            )
        }
        '@' | '$' => cursor.wrong(
            format!("{} between brackets", cursor.found()),
            "write a filter: [?@.name == 'x']",
        ),
        '+' => cursor.wrong("an index has no +", cursor.instead(start..start + 1, "")),
        '‘' | '’' | '“' | '”' | '`' => cursor.wrong(
            format!("{} is not a quote of JSONPath", cursor.found()),
            "use straight quotes: ' or \"",
        ),
        '.' => cursor.wrong(
            "a dot between brackets",
            "write a name in quotes or an index",
        ),
        _ if !inside.is_empty() => {
            let name = inside
                .split([',', '\'', '"'])
                .next()
                .unwrap_or(inside)
                .trim_end();
            let remedy = cursor.instead(
                start..start + name.len(),
                &format!("'{}'", name.replace('\\', "\\\\")),
            );
            cursor.wrong("a name between brackets stands in quotes", remedy)
        }
        _ => cursor.wrong(
            format!("{} between brackets", cursor.found()),
            "write an index or a name in quotes",
        ),
    }
}

/// After a selector, where `,` or `]` is due.
pub(super) fn after_selector(cursor: &Cursor<'_>, selector: &Selector) -> PathError {
    let filter = matches!(selector, Selector::Filter(_));
    match cursor.peek() {
        None => cursor.wrong("a bracket is not closed", "close it with ]"),
        Some(':') if !filter => {
            cursor.wrong("a slice has three parts at most", "write [start:end:step]")
        }
        Some('0'..='9' | '-' | '\'' | '"' | '*' | '?') if !filter => cursor.wrong(
            "a comma is missing between two selectors",
            cursor.instead(cursor.at..cursor.at, ", "),
        ),
        _ => in_condition(cursor, "\",\" or \"]\""),
    }
}

/// Within a filter, after what could have been the end of a condition.
pub(super) fn in_condition(cursor: &Cursor<'_>, due: &str) -> PathError {
    let rest = cursor.rest();
    let word = &rest[..name_length(rest)];
    let operator = |length: usize, sign: &str| {
        cursor.wrong(
            format!("{:?} is not an operator of JSONPath", &rest[..length]),
            cursor.instead(cursor.at..cursor.at + length, sign),
        )
    };
    match (word.to_ascii_lowercase().as_str(), cursor.peek()) {
        (_, None) => cursor.wrong(format!("the path ends where {due} is due"), "close what is open: ( with ), [ with ]"),
        ("and", _) => operator(3, "&&"),
        ("or", _) => operator(2, "||"),
        ("in" | "nin" | "contains" | "like" | "matches" | "subsetof" | "anyof" | "noneof" | "size" | "empty", _) => {
            let message = format!("{word:?} is not an operator of JSONPath");
            cursor.wrong(message, "compare with ==, or use match(), search(), length() or a filter within: @.list[?@ == 'x']")
        }
        (_, Some('&')) => operator(1, "&&"),
        (_, Some('|')) => operator(1, "||"),
        (_, Some('+' | '-' | '*' | '/' | '%')) => cursor.wrong(
            format!("{} within a filter", cursor.found()),
            "there is no arithmetic in JSONPath; write the result",
        ),
        (_, Some('=' | '!' | '<' | '>')) => cursor.wrong(
            "a comparison where none can stand",
            "one condition has one comparison of plain values; write !(a == b) for the opposite, a < @ && @ < b for a range",
        ),
        _ => cursor.wrong(format!("{} where {due} is due", cursor.found()), "see RFC 9535, or write a simpler filter"),
    }
}

/// Signs of comparison from other languages.
pub(super) fn relation(cursor: &Cursor<'_>) -> Option<PathError> {
    const SIGNS: [(&str, &str); 6] = [
        ("===", "=="),
        ("!==", "!="),
        ("<>", "!="),
        ("=<", "<="),
        ("=>", ">="),
        ("≠", "!="),
    ];
    let rest = cursor.rest();
    if rest.starts_with("=~") || rest.starts_with('~') {
        let remedy = "write match(@.name, '[a-z]+') for all of a text, search(…) for a part of it";
        return Some(cursor.wrong("regular expressions have no operator", remedy));
    }
    let known = SIGNS
        .iter()
        .find(|(sign, _)| rest.starts_with(sign))
        .copied();
    let single = rest.starts_with('=') && !rest.starts_with("==");
    let (sign, right) = known.or(single.then_some(("=", "==")))?;
    let at = cursor.at;
    Some(cursor.wrong(
        format!("{sign} is not a comparison"),
        cursor.instead(at..at + sign.len(), right),
    ))
}

/// Where a value, a path or a function is due.
pub(super) fn term(cursor: &Cursor<'_>) -> PathError {
    let rest = cursor.rest();
    let start = cursor.at;
    let length = name_length(rest);
    let (word, after) = rest.split_at(length);
    if word.is_empty() {
        return match cursor.peek() {
            None => cursor.wrong(
                "the path ends where a value is due",
                "write a value, such as 'x', 3 or @.name",
            ),
            Some('(') => cursor.wrong(
                "parentheses around a value",
                "put them around conditions only",
            ),
            Some('!') => cursor.wrong(
                "! before what is not a condition",
                "write it once, before a path, a function or ( … )",
            ),
            Some('=' | '<' | '>') => relation(cursor).unwrap_or_else(|| {
                cursor.wrong(
                    "a comparison without a left side",
                    "write @ for the value itself: @ == 3",
                )
            }),
            Some('.') => number(
                cursor,
                cursor
                    .rest()
                    .split([']', ')', ' ', ','])
                    .next()
                    .unwrap_or_default(),
            ),
            Some('+') => cursor.wrong("a number has no +", cursor.instead(start..start + 1, "")),
            Some('/') => cursor.wrong(
                "regular expressions have no slashes",
                "write match(@.name, '[a-z]+') or search(…)",
            ),
            Some('[' | '{') => cursor.wrong(
                "lists and objects can't be written in a filter",
                "compare with single values",
            ),
            Some('‘' | '’' | '“' | '”' | '`') => cursor.wrong(
                format!("{} is not a quote of JSONPath", cursor.found()),
                "use straight quotes: ' or \"",
            ),
            Some(_) => {
                let message = format!("{} where a value is due", cursor.found());
                cursor.wrong(message, "write a value, such as 'x', 3 or @.name")
            }
        };
    }
    let range = start..start + length;
    let after = after.trim_start();
    if after.starts_with('(') {
        let known = ["length", "count", "value", "match", "search"].contains(&word);
        let message = if known {
            "white space between a function and its parenthesis"
        } else {
            "there is no such function"
        };
        let remedy = if known {
            format!("write {word}(")
        } else {
            "use length, count, value, match and search".to_owned()
        };
        return cursor.wrong(message, remedy);
    }
    match word.to_ascii_lowercase().as_str() {
        lower @ ("true" | "false" | "null") => cursor.wrong(
            format!("{word} is written {lower}"),
            cursor.instead(range, lower),
        ),
        "none" | "nil" | "undefined" => cursor.wrong(
            format!("{word} is not a value of JSON"),
            "write null, or !@.name for a value that is absent",
        ),
        "not" => cursor.wrong("not is written !", cursor.instead(range, "!")),
        _ if after.starts_with(['=', '!', '<', '>', '.', '[']) => cursor.wrong(
            format!("{word} is neither a value nor a path"),
            cursor.instead(range.start..range.start, "@."),
        ),
        _ => cursor.wrong(
            format!("{word} stands without quotes"),
            cursor.instead(range, &format!("'{word}'")),
        ),
    }
}

/// What begins like a number.
pub(super) fn number(cursor: &Cursor<'_>, word: &str) -> PathError {
    let shown = crate::text::head(word, 60);
    cursor.wrong(
        format!("{shown} is not a number as JSON writes it"),
        "write digits without leading zeros, with digits at both sides of a point: 0.5, 1e3; put text in quotes",
    )
}
