//! Regular expressions of JSON Schema, which are those of ECMA-262, in the words of the engine that is used here. What
//! this engine does not have (looking around, references back) it refuses itself; what only this engine has is refused
//! here, as a validator elsewhere would read it otherwise.

use std::iter::Peekable;
use std::str::Chars;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0B\x0C\r\x20\u{A0}\u{FEFF}\p{Zs}\u{2028}\u{2029}";
const LETTER_REMEDY: &str =
    "write a letter without a backslash, ^ for the beginning and $ for the end";

/// What is wrong with an expression, and what would be right.
type PatternProblem = (String, &'static str);

/// The same expression: classes are of ASCII where ECMA-262 has them so, and a dot is no end of any line.
pub(super) fn translated(written: &str) -> Result<String, PatternProblem> {
    let mut translator = Translator {
        letters: written.chars().peekable(),
        regex: String::new(),
    };
    translator.pattern()?;
    Ok(translator.regex)
}

struct Translator<'p> {
    letters: Peekable<Chars<'p>>,
    regex: String,
}

/// One part of a class.
struct Atom {
    regex: String,
    /// Whether it stands for more than one character, and so begins or ends no range.
    is_set: bool,
}

impl Translator<'_> {
    fn pattern(&mut self) -> Result<(), PatternProblem> {
        // Whether a quantifier came last.
        let mut quantified = false;
        while let Some(letter) = self.letters.next() {
            if self.is_quantifier(letter)? {
                if quantified {
                    let message = format!("repeats what is repeated, by {letter:?}");
                    return Err((message, "put what is repeated in (?:…)"));
                }
                if self.letters.next_if_eq(&'?').is_some() {
                    self.regex.push('?');
                }
                quantified = true;
                continue;
            }
            quantified = false;
            match letter {
                '\\' => self.escaped()?,
                '[' => self.class()?,
                '(' => self.group()?,
                '.' => self.regex.push_str(r"[^\n\r\u{2028}\u{2029}]"),
                other => self.regex.push(other),
            }
        }
        Ok(())
    }

    /// Takes a quantifier, if this begins one.
    fn is_quantifier(&mut self, letter: char) -> Result<bool, PatternProblem> {
        if letter != '{' {
            let is_one = matches!(letter, '*' | '+' | '?');
            if is_one {
                self.regex.push(letter);
            }
            return Ok(is_one);
        }
        let counts: String = self.letters.clone().take_while(|c| *c != '}').collect();
        let (least, most) = counts.split_once(',').unwrap_or((&counts, ""));
        let is_count = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let closes = self.letters.clone().nth(counts.chars().count()) == Some('}');
        if least.is_empty() || !is_count(least) || !is_count(most) || !closes {
            let message = "has a { that begins no count".to_owned();
            return Err((message, "write \\{ for the sign, or a count as {2,5}"));
        }
        for _ in 0..=counts.chars().count() {
            self.letters.next();
        }
        self.regex.push('{');
        self.regex.push_str(&counts);
        self.regex.push('}');
        Ok(true)
    }

    fn group(&mut self) -> Result<(), PatternProblem> {
        self.regex.push('(');
        if self.letters.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        let mut rest = self.letters.clone();
        let is_known = match (rest.next(), rest.next()) {
            (Some(':' | '=' | '!'), _) => true,
            (Some('<'), after) => {
                after.is_some_and(|c| matches!(c, '=' | '!' | '_' | '$') || c.is_alphabetic())
            }
            _ => false,
        };
        if !is_known {
            let message = "has a group with (? that ECMA-262 does not know".to_owned();
            return Err((message, "write (?:…) for a group, and no flags"));
        }
        self.regex.push('?');
        // What follows is no quantifier.
        self.regex.extend(self.letters.next());
        Ok(())
    }

    /// Outside of a class.
    fn escaped(&mut self) -> Result<(), PatternProblem> {
        match self.letters.peek() {
            None => self.regex.push('\\'),
            Some('b') => {
                self.letters.next();
                self.regex.push_str(r"(?-u:\b)");
            }
            Some('B') => {
                self.letters.next();
                self.regex.push_str(r"(?-u:\B)");
            }
            Some('1'..='9' | 'k') => {
                // A reference back, which the engine refuses.
                self.regex.push('\\');
                self.regex.extend(self.letters.next());
            }
            Some(_) => {
                let atom = self.escape()?;
                let is_class = atom.is_set && !atom.regex.starts_with(['[', '\\']);
                let is_spaces = atom.regex == SPACE;
                if is_class || is_spaces {
                    self.regex.push('[');
                    self.regex.push_str(&atom.regex);
                    self.regex.push(']');
                } else {
                    self.regex.push_str(&atom.regex);
                }
            }
        }
        Ok(())
    }

    /// What stands after a backslash, inside of a class and outside.
    fn escape(&mut self) -> Result<Atom, PatternProblem> {
        let set = |regex: &str| {
            Ok(Atom {
                regex: regex.to_owned(),
                is_set: true,
            })
        };
        let one = |regex: String| {
            Ok(Atom {
                regex,
                is_set: false,
            })
        };
        let Some(escaped) = self.letters.next() else {
            return one("\\".to_owned());
        };
        match escaped {
            'd' => set(DIGIT),
            'w' => set(WORD),
            's' => set(SPACE),
            'D' => set(&format!("[^{DIGIT}]")),
            'W' => set(&format!("[^{WORD}]")),
            'S' => set(&format!("[^{SPACE}]")),
            'p' | 'P' if self.letters.peek() == Some(&'{') => {
                let mut regex = format!("\\{escaped}");
                for letter in self.letters.by_ref() {
                    regex.push(letter);
                    if letter == '}' {
                        break;
                    }
                }
                set(&regex)
            }
            't' | 'n' | 'v' | 'f' | 'r' | 'u' => {
                one(format!("\\{escaped}")).and_then(|mut atom| {
                    if escaped == 'u' {
                        self.code(&mut atom.regex, 4)?;
                    }
                    Ok(atom)
                })
            }
            'x' => {
                let mut regex = "\\x".to_owned();
                self.code(&mut regex, 2)?;
                one(regex)
            }
            '0' if !self.letters.peek().is_some_and(char::is_ascii_digit) => {
                one(r"\x00".to_owned())
            }
            'c' if self.letters.peek().is_some_and(char::is_ascii_alphabetic) => {
                let letter = self.letters.next().unwrap_or('@');
                one(format!("\\x{:02X}", u32::from(letter) % 32))
            }
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|'
            | '/' | '-' => one(format!("\\{escaped}")),
            other => Err((
                format!("has a backslash before {other:?}, which ECMA-262 does not know"),
                LETTER_REMEDY,
            )),
        }
    }

    /// The digits of a character's code; in braces as many as there are.
    fn code(&mut self, regex: &mut String, digits: usize) -> Result<(), PatternProblem> {
        let in_braces = digits == 4 && self.letters.next_if_eq(&'{').is_some();
        let mut code = String::new();
        while (in_braces || code.len() < digits)
            && let Some(digit) = self.letters.next_if(char::is_ascii_hexdigit)
        {
            code.push(digit);
        }
        let closed = !in_braces || self.letters.next_if_eq(&'}').is_some();
        if !closed || code.is_empty() || !in_braces && code.len() < digits {
            let message = "has a code of a character that is not complete".to_owned();
            return Err((message, "write \\xHH, \\uHHHH or \\u{HHHHH}"));
        }
        regex.push('{');
        regex.push_str(&code);
        regex.push('}');
        Ok(())
    }

    fn class(&mut self) -> Result<(), PatternProblem> {
        self.regex.push('[');
        if self.letters.next_if_eq(&'^').is_some() {
            self.regex.push('^');
        }
        if self.letters.peek() == Some(&']') {
            let message = "has an empty class, which engines read differently".to_owned();
            return Err((message, "write what it may be, or \\] for the sign"));
        }
        while let Some(letter) = self.letters.next() {
            if letter == ']' {
                self.regex.push(']');
                return Ok(());
            }
            let first = self.atom(letter)?;
            self.regex.push_str(&first.regex);
            let mut rest = self.letters.clone();
            let is_range = rest.next() == Some('-') && !matches!(rest.next(), None | Some(']'));
            if !is_range {
                continue;
            }
            self.letters.next();
            let Some(letter) = self.letters.next() else {
                break;
            };
            let last = self.atom(letter)?;
            // Beside a class a hyphen is itself.
            let hyphen = if first.is_set || last.is_set {
                "\\-"
            } else {
                "-"
            };
            self.regex.push_str(hyphen);
            self.regex.push_str(&last.regex);
        }
        Ok(())
    }

    fn atom(&mut self, letter: char) -> Result<Atom, PatternProblem> {
        let regex = match letter {
            '\\' if self.letters.next_if_eq(&'b').is_some() => r"\x08".to_owned(),
            '\\' => return self.escape(),
            // Signs of classes and sets to this engine.
            '[' | '-' | '^' | '&' | '~' => format!("\\{letter}"),
            _ => letter.to_string(),
        };
        Ok(Atom {
            regex,
            is_set: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn met(pattern: &str, text: &str) -> bool {
        let translated = translated(pattern).unwrap_or_else(|why| panic!("{pattern}: {why:?}"));
        let regex = Regex::new(&translated);
        regex
            .unwrap_or_else(|why| panic!("{pattern}: {why}"))
            .is_match(text)
    }

    #[test]
    fn classes_are_those_of_ecma_262() {
        assert!(met(r"^\d+$", "42") && !met(r"^\d+$", "٤٢"));
        assert!(met(r"^[\d-]+$", "4-2") && met(r"^[^\d]$", "٤") && met(r"^\D$", "٤"));
        assert!(met(r"^\w+$", "a_9") && !met(r"^\w$", "é") && met(r"^[\W]$", "é"));
        assert!(
            met(r"^\s$", "\u{FEFF}") && !met(r"^\s$", "\u{85}") && met(r"^[a\s]+$", "a \u{2028}")
        );
        assert!(met(r"^\S+$", "a") && !met(r"^\S$", "\u{FEFF}"));
        assert!(!met(r"^.$", "\r") && met(r"^.$", "ü") && met(r"^[.]$", "."));
        assert!(met(r"\bend\b", "éend") && met(r"^[[&&]+$", "[&"));
        assert!(met(r"^a\/b\.c$", "a/b.c") && met("^\u{1F600}{2}$", "\u{1F600}\u{1F600}"));
    }

    #[test]
    fn a_hyphen_beside_a_class_is_itself() {
        assert!(met(r"^[.-\w]+$", "a.-b") && !met(r"^[.-\w]+$", "a/b"));
        assert!(met(r"^[\w-z]+$", "a-b") && !met(r"^[\w-z]+$", "{"));
        assert!(met(r"^[\w-.]+@[\w-.]+$", "a-b.c@d-e.f") && !met(r"^[\w-.]+$", "a/b"));
        assert!(met(r"^[\d-a-z]+$", "1-az") && !met(r"^[\d-a-z]+$", "b"));
        assert!(met(r"^[\S-x]+$", "-") && met(r"^[\p{Lu}-x]+$", "Ä-x"));
        assert!(met(r"^[+--]+$", "+,-") && !met(r"^[+--]+$", "."));
        assert!(met(r"^[--a]+$", "-Za") && met(r"^[a-]+$", "a-") && met(r"^[-a]+$", "a-"));
        assert!(met(r"^[a-c^]+$", "b^") && met(r"^[^^]$", "a") && met(r"^[\]\-]+$", "]-"));
    }

    #[test]
    fn escapes_are_those_of_ecma_262() {
        assert!(met(r"^\x41\u0042\u{43}\cJ\0\t$", "ABC\n\0\t"));
        assert!(met(r"^[\x41-\u0043]+[\b]$", "ABC\u{8}") && met(r"^\-\{\}\|$", "-{}|"));
        assert!(
            met(r"^\p{Lu}\P{Lu}$", "Aa") && met(r"^(?<year>\d{4})(?:-\d{2,}){1,2}?$", "2026-12")
        );
        assert!(met(r"^a+?b??c*?$", "aab"));
        for beyond in [
            r"^\<html",
            r"end\>",
            r"\Aa",
            r"a\z",
            r"\a",
            r"\U00000041",
            r"\x4",
            r"\x{41}",
            r"\u12",
            r"\pL",
            r"\01",
            r"\c1",
            r"\@",
            r"\_",
            r"[\<]",
            r"[\B]",
            "(?x)a b",
            "(?m)^a",
            "(?i:a)",
            "(?P<n>a)",
            "(?",
            "x*+",
            "x**",
            "x{2}{3}",
            "x+?+",
            "x{2}*",
            "x{,3}",
            "x{ 2 }",
            "x{a}",
            "a[]",
            "[^]",
        ] {
            assert!(
                translated(beyond).is_err(),
                "{beyond}: {:?}",
                translated(beyond)
            );
        }
        // The engine refuses these itself.
        for beyond in [
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<!a)",
            r"(a)\1",
            r"(?<n>a)\k<n>",
            "*a",
            "[a",
            "a\\",
        ] {
            assert!(
                Regex::new(&translated(beyond).unwrap()).is_err(),
                "{beyond}"
            );
        }
    }
}
