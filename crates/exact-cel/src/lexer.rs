//! The words of an expression. Every byte of the text is looked at once.

use crate::fault::Fault;

/// A word, and the character at which it begins, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
    /// Of a name, a number or a sign, its text.
    pub(crate) text: String,
    /// Its first byte.
    pub(crate) byte: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Name,
    /// Without point and exponent.
    Whole,
    /// With either.
    Decimal,
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

/// Longer ones first.
const TWO_CHARACTER_SIGNS: [&str; 26] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", ".", ",", "+", "-", "*", "/", "%",
    "(", ")", "[", "]", "{", "}", "=", "&",
];

/// What people write who think of another language.
const OTHERS: [(&str, &str); 3] = [
    ("=", "CEL compares by =="),
    ("&", "CEL has && for \"and\""),
    ("{", "objects can't be written here; compare their fields"),
];

pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer { source, byte: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let ends = token.kind == Kind::End;
        tokens.push(token);
        if ends {
            return Ok(tokens);
        }
    }
}

/// An expression with `mask` in place of its texts.
pub(crate) fn without_texts(source: &str, mask: &str) -> String {
    let Ok(tokens) = tokens(source) else {
        return mask.to_owned();
    };
    let mut masked = String::new();
    let mut from = 0;
    for pair in tokens.windows(2) {
        if matches!(pair[0].kind, Kind::Text(_)) {
            masked.push_str(&source[from..pair[0].byte]);
            masked.push_str(mask);
            let end = source[..pair[1].byte].trim_end().len();
            from = end;
        }
    }
    masked.push_str(&source[from..]);
    masked
}

struct Lexer<'s> {
    source: &'s str,
    byte: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.byte..]
    }

    /// The character, counted from 1, at which a byte stands.
    fn character(&self, byte: usize) -> usize {
        self.source[..byte].chars().count() + 1
    }

    fn skip(&mut self) {
        loop {
            let blank = self.rest().len() - self.rest().trim_start().len();
            self.byte += blank;
            if !self.rest().starts_with("//") {
                return;
            }
            self.byte += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn next(&mut self) -> Result<Token, Fault> {
        self.skip();
        let (start, rest) = (self.byte, self.rest());
        let at = self.character(start);
        let token = |kind, text: &str| Token {
            kind,
            at,
            text: text.to_owned(),
            byte: start,
        };
        let Some(first) = rest.chars().next() else {
            return Ok(token(Kind::End, ""));
        };
        if first.is_ascii_alphabetic() || first == '_' {
            let name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let length = rest.chars().take_while(name).count();
            let word = &rest[..length];
            if rest[length..].starts_with(['"', '\'']) {
                return match word {
                    "r" | "R" => {
                        self.byte += 1;
                        Ok(token(Kind::Text(self.text(at, true)?), ""))
                    }
                    _ => Err(Fault::new(
                        at,
                        format!("{word:?} before a quote"),
                        "write a text in quotes, or r'…' for one whose backslashes are meant",
                    )),
                };
            }
            self.byte += length;
            return Ok(token(Kind::Name, word));
        }
        let second_is_digit = rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if first.is_ascii_digit() || (first == '.' && second_is_digit) {
            let (kind, length) = self.number(at)?;
            self.byte += length;
            return Ok(token(kind, &rest[..length]));
        }
        if first == '"' || first == '\'' {
            return Ok(token(Kind::Text(self.text(at, false)?), ""));
        }
        let sign = TWO_CHARACTER_SIGNS
            .iter()
            .find(|sign| rest.starts_with(**sign));
        let Some(sign) = sign else {
            return Err(Fault::new(
                at,
                format!("{first:?} means nothing in CEL"),
                "see https://github.com/google/cel-spec/blob/master/doc/langdef.md",
            ));
        };
        if let Some((_, remedy)) = OTHERS.iter().find(|(other, _)| other == sign) {
            return Err(Fault::new(
                at,
                format!("{sign:?} can't stand here"),
                *remedy,
            ));
        }
        self.byte += sign.len();
        Ok(token(Kind::Sign(sign), sign))
    }

    fn number(&self, at: usize) -> Result<(Kind, usize), Fault> {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| {
            bytes[from.min(bytes.len())..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let mut length = digits(0);
        let mut kind = Kind::Whole;
        if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
            kind = Kind::Decimal;
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent > 0 {
                length += 1 + sign + exponent;
                kind = Kind::Decimal;
            }
        }
        let follows = bytes.get(length).copied().unwrap_or(b' ');
        if follows.is_ascii_alphanumeric() || follows == b'_' {
            let remedy = "write a decimal number without a suffix: 10, 0.5 or 1e3";
            return Err(Fault::new(at, "a number that goes on with letters", remedy));
        }
        Ok((kind, length))
    }

    /// A text from its first quote on.
    fn text(&mut self, at: usize, raw: bool) -> Result<String, Fault> {
        let rest = self.rest();
        let quote = if rest.starts_with("\"\"\"") || rest.starts_with("'''") {
            &rest[..3]
        } else {
            &rest[..1]
        };
        self.byte += quote.len();
        let mut text = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.byte += quote.len();
                return Ok(text);
            }
            let Some(next) = rest.chars().next() else {
                let message = format!("a text is never closed by {quote}");
                return Err(Fault::new(at, message, "close it"));
            };
            if next == '\n' && quote.len() == 1 {
                let message = format!("a text is not closed by {quote} in its line");
                return Err(Fault::new(at, message, "close it, or write \\n"));
            }
            self.byte += next.len_utf8();
            if next == '\\' && !raw {
                self.escape(&mut text)?;
            } else {
                text.push(next);
            }
        }
    }

    /// What stands after a backslash.
    fn escape(&mut self, text: &mut String) -> Result<(), Fault> {
        let rest = self.rest();
        let wrong = || {
            let at = self.character(self.byte) - 1;
            let remedy =
                "write \\\\ for a backslash, or r'…' for a text whose backslashes are meant";
            Fault::new(at, "a backslash that escapes nothing", remedy)
        };
        let kind = rest.chars().next().ok_or_else(wrong)?;
        let (digits, radix) = match kind {
            'x' | 'X' => (rest.get(1..3), 16),
            'u' => (rest.get(1..5), 16),
            'U' => (rest.get(1..9), 16),
            '0'..='3' => (rest.get(..3), 8),
            _ => {
                let plain = match kind {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    '\\' | '?' | '"' | '\'' | '`' => kind,
                    _ => return Err(wrong()),
                };
                text.push(plain);
                self.byte += kind.len_utf8();
                return Ok(());
            }
        };
        let digits = digits.filter(|all| all.chars().all(|digit| digit.is_digit(radix)));
        let digits = digits.ok_or_else(wrong)?;
        let code = u32::from_str_radix(digits, radix).ok();
        text.push(code.and_then(char::from_u32).ok_or_else(wrong)?);
        self.byte += digits.len() + usize::from(radix == 16);
        Ok(())
    }
}
