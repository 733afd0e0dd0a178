//! Regular expressions of JSON Schema, which are those of ECMA-262, in the words of the engine that is used here. What
//! this engine does not have (looking around, references back) it refuses itself.

/// The same expression: classes are of ASCII where ECMA-262 has them so, and a dot is no end of any line. None where a
/// class would silently mean something else: an empty one, or one with two hyphens in a row.
pub(super) fn translated(written: &str) -> Option<String> {
    const DIGIT: (&str, &str) = ("0-9", "[0-9]");
    const WORD: (&str, &str) = ("0-9A-Za-z_", "[0-9A-Za-z_]");
    const SPACE: (&str, &str) = (
        r"\t\n\x0B\x0C\r\x20\u{A0}\u{FEFF}\p{Zs}\u{2028}\u{2029}",
        r"[\t\n\x0B\x0C\r\x20\u{A0}\u{FEFF}\p{Zs}\u{2028}\u{2029}]",
    );
    let mut regex = String::new();
    let mut letters = written.chars().peekable();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let Some(escaped) = letters.next() else {
                    regex.push('\\');
                    break;
                };
                let (inside, outside) = match escaped {
                    'd' | 'D' => DIGIT,
                    'w' | 'W' => WORD,
                    's' | 'S' => SPACE,
                    'b' if !in_class => {
                        regex.push_str(r"(?-u:\b)");
                        continue;
                    }
                    'B' if !in_class => {
                        regex.push_str(r"(?-u:\B)");
                        continue;
                    }
                    other => {
                        regex.push('\\');
                        regex.push(other);
                        continue;
                    }
                };
                if escaped.is_ascii_uppercase() {
                    regex.push_str("[^");
                    regex.push_str(inside);
                    regex.push(']');
                } else {
                    regex.push_str(if in_class { inside } else { outside });
                }
            }
            '[' if in_class => regex.push_str(r"\["),
            '[' => {
                in_class = true;
                regex.push('[');
                if letters.peek() == Some(&'^') {
                    letters.next();
                    regex.push('^');
                }
                if letters.peek() == Some(&']') {
                    return None;
                }
            }
            ']' => {
                in_class = false;
                regex.push(']');
            }
            '-' if in_class && letters.peek() == Some(&'-') => return None,
            // Signs of sets to this engine, twice in a row.
            '&' | '~' if in_class => {
                regex.push('\\');
                regex.push(letter);
            }
            '.' if !in_class => regex.push_str(r"[^\n\r\u{2028}\u{2029}]"),
            other => regex.push(other),
        }
    }
    Some(regex)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn classes_are_those_of_ecma_262() {
        let met = |pattern: &str, text: &str| {
            Regex::new(&translated(pattern).unwrap())
                .unwrap()
                .is_match(text)
        };
        assert!(met(r"^\d+$", "42") && !met(r"^\d+$", "٤٢"));
        assert!(met(r"^[\d-]+$", "4-2") && met(r"^[^\d]$", "٤") && met(r"^\D$", "٤"));
        assert!(met(r"^\w+$", "a_9") && !met(r"^\w$", "é") && met(r"^[\W]$", "é"));
        assert!(
            met(r"^\s$", "\u{FEFF}") && !met(r"^\s$", "\u{85}") && met(r"^[a\s]+$", "a \u{2028}")
        );
        assert!(!met(r"^.$", "\r") && met(r"^.$", "ü") && met(r"^[.]$", "."));
        assert_eq!(
            translated("[+--]")
                .or(translated("a[]"))
                .or(translated("[^]")),
            None
        );
        assert!(met(r"\bend\b", "éend") && met(r"^[[&&]+$", "[&"));
        assert!(met(r"^a\/b\.c$", "a/b.c") && met("^\u{1F600}{2}$", "\u{1F600}\u{1F600}"));
    }
}
