//! The words of commands, as a shell reads them.

use crate::texts::SHELL;

/// A command: its words, each with the line that it begins in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) words: Vec<(usize, String)>,
    /// What a shell would do beside it, such as `| jq`.
    pub(crate) beside: Option<String>,
    /// Why its words can't be known.
    pub(crate) wrong: Option<String>,
}

/// All commands of a script.
pub(crate) fn commands(text: &str) -> Vec<Command> {
    let mut reader = Reader {
        rest: text.chars().collect(),
        at: 0,
        line: 1,
    };
    let mut commands = Vec::new();
    while let Some(command) = reader.command() {
        commands.push(command);
    }
    commands
}

struct Reader {
    rest: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let one = self.peek(0)?;
        self.at += 1;
        self.line += usize::from(one == '\n');
        Some(one)
    }

    /// The rest of the line, or up to the end of the command.
    fn skip_line(&mut self) -> String {
        let mut skipped = String::new();
        while let Some(one) = self.peek(0).filter(|one| *one != '\n') {
            skipped.push(one);
            self.next();
        }
        skipped
    }

    fn command(&mut self) -> Option<Command> {
        while self
            .peek(0)
            .is_some_and(|one| one.is_whitespace() || one == ';' || one == '&')
        {
            self.next();
        }
        self.peek(0)?;
        let mut command = Command {
            line: self.line,
            words: Vec::new(),
            beside: None,
            wrong: None,
        };
        loop {
            match self.peek(0) {
                None | Some('\n' | ';') => return Some(command),
                Some('&') => {
                    return Some(command);
                }
                Some('#') => {
                    self.skip_line();
                }
                Some('|' | '>' | '<') => {
                    command.beside = Some(self.skip_line());
                }
                Some('\\') if self.is_continued() => {}
                Some(one) if one.is_whitespace() => {
                    self.next();
                }
                Some(_) => {
                    let line = self.line;
                    match self.word() {
                        Ok(word) => command.words.push((line, word)),
                        Err(why) => {
                            command.wrong = Some(why);
                            self.skip_line();
                        }
                    }
                }
            }
        }
    }

    /// Whether the line goes on in the next one; then that is passed.
    fn is_continued(&mut self) -> bool {
        let ends = match (self.peek(1), self.peek(2)) {
            (Some('\n'), _) => 2,
            (Some('\r'), Some('\n')) => 3,
            _ => return false,
        };
        for _ in 0..ends {
            self.next();
        }
        true
    }

    fn word(&mut self) -> Result<String, String> {
        let mut word = String::new();
        while let Some(one) = self.peek(0) {
            match one {
                '\n' | ';' | '|' | '>' | '<' | '&' => break,
                _ if one.is_whitespace() => break,
                '\\' => {
                    if !self.is_continued() {
                        self.next();
                        word.extend(self.next());
                    }
                }
                '\'' => {
                    self.next();
                    self.quoted('\'', &mut word)?;
                }
                '"' => {
                    self.next();
                    self.double(&mut word)?;
                }
                '$' if self.peek(1) == Some('\'') => {
                    self.next();
                    self.next();
                    self.ansi(&mut word)?;
                }
                '$' => self.variable(&mut word)?,
                '`' => return Err("a part of it is what another command prints".to_owned()),
                other => {
                    self.next();
                    word.push(other);
                }
            }
        }
        Ok(word)
    }

    fn quoted(&mut self, end: char, word: &mut String) -> Result<(), String> {
        loop {
            match self.next() {
                None => return Err("a quotation mark has no end".to_owned()),
                Some(one) if one == end => return Ok(()),
                Some(one) => word.push(one),
            }
        }
    }

    fn double(&mut self, word: &mut String) -> Result<(), String> {
        loop {
            match self.peek(0) {
                None => return Err("a quotation mark has no end".to_owned()),
                Some('"') => {
                    self.next();
                    return Ok(());
                }
                Some('\\') => {
                    if self.is_continued() {
                        continue;
                    }
                    self.next();
                    match self.next() {
                        Some(one @ ('"' | '\\' | '$' | '`')) => word.push(one),
                        Some(one) => {
                            word.push('\\');
                            word.push(one);
                        }
                        None => return Err("a quotation mark has no end".to_owned()),
                    }
                }
                Some('$') => self.variable(word)?,
                Some('`') => return Err("a part of it is what another command prints".to_owned()),
                Some(one) => {
                    self.next();
                    word.push(one);
                }
            }
        }
    }

    /// `$'…'`
    fn ansi(&mut self, word: &mut String) -> Result<(), String> {
        loop {
            match self.next() {
                None => return Err("a quotation mark has no end".to_owned()),
                Some('\'') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('n') => word.push('\n'),
                    Some('r') => word.push('\r'),
                    Some('t') => word.push('\t'),
                    Some('u') => word.push(self.code(4)?),
                    Some('x') => word.push(self.code(2)?),
                    Some(one @ ('\'' | '"' | '\\' | '?' | '!')) => word.push(one),
                    _ => return Err("an escape in $'…' is not known".to_owned()),
                },
                Some(one) => word.push(one),
            }
        }
    }

    fn code(&mut self, digits: usize) -> Result<char, String> {
        let hex: String = (0..digits).filter_map(|_| self.next()).collect();
        let code = u32::from_str_radix(&hex, 16).ok();
        // A byte beyond ASCII is a part of a character.
        let code = code.filter(|code| digits == 4 || *code < 0x80);
        code.and_then(char::from_u32)
            .ok_or_else(|| "an escape in $'…' is no character".to_owned())
    }

    /// `$NAME` and `${NAME}`.
    fn variable(&mut self, word: &mut String) -> Result<(), String> {
        self.next();
        let in_braces = self.peek(0) == Some('{');
        if self.peek(0) == Some('(') {
            return Err("a part of it is what another command prints".to_owned());
        }
        if in_braces {
            self.next();
        }
        let mut name = String::new();
        while let Some(one) = self
            .peek(0)
            .filter(|one| one.is_ascii_alphanumeric() || *one == '_')
        {
            name.push(one);
            self.next();
        }
        if in_braces && self.next() != Some('}') {
            return Err("a variable is changed by the shell (${…})".to_owned());
        }
        match name.chars().next() {
            None => word.push('$'),
            Some(first) if first.is_ascii_digit() => {
                return Err(format!("${name} is an argument of a script"));
            }
            Some(_) => {
                word.push_str(SHELL.open);
                word.push_str(&name);
                word.push_str(SHELL.close);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let commands = commands(text).into_iter();
        commands
            .map(|command| {
                assert_eq!(command.wrong, None);
                command.words.into_iter().map(|(_, word)| word).collect()
            })
            .collect()
    }

    #[test]
    fn words_are_those_that_a_shell_hands_over() {
        assert_eq!(
            words("curl 'a b'\"c\\\"d\" \\\n  e\\ f # end\ncurl x; curl y && curl z"),
            [
                vec!["curl", "a bc\"d", "e f"],
                vec!["curl", "x"],
                vec!["curl", "y"],
                vec!["curl", "z"]
            ]
        );
        assert_eq!(words("curl $'a\\u00fc\\n'"), [["curl", "aü\n"]]);
        assert_eq!(
            words("curl \"$TOKEN/${ID}\" 5$"),
            [["curl", "\u{e000}TOKEN\u{e001}/\u{e000}ID\u{e001}", "5$"]]
        );
        assert_eq!(
            words("curl a=b&c"),
            [vec!["curl", "a=b"], vec!["c"]],
            "as a shell does"
        );
    }

    #[test]
    fn what_only_a_shell_knows_is_said() {
        for text in [
            "curl $(date)",
            "curl `date`",
            "curl 'x",
            "curl ${A:-b}",
            "curl $1",
        ] {
            assert!(commands(text)[0].wrong.is_some(), "{text}");
        }
        assert_eq!(
            commands("curl a | jq .x")[0].beside.as_deref(),
            Some("| jq .x")
        );
    }
}
