//! XML, character by character: when an element begins, when it ends, and whether the text can still be XML.

/// How deep elements may nest, as in libxml2.
pub const MAX_DEPTH: usize = 256;
/// Bytes of one name.
const MAX_NAME: usize = 4 * 1024;

/// What a character has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The tag that begins an element.
    Begin,
    /// The tag that ends one.
    End,
    /// An element without content: `<a/>`.
    Empty,
}

/// The text is not XML, or beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotXml;

/// Reads XML up to the end of its root.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    /// The elements that are open.
    open: Vec<String>,
    /// Whether the root has begun.
    rooted: bool,
    /// The name that is read.
    name: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between tags.
    #[default]
    Text,
    /// After `<`.
    Tag,
    /// After `<!`; how much of `--` or `[CDATA[` has come.
    Markup,
    /// Within `<? … ?>`; whether `?` has just come.
    Instruction { question: bool },
    /// Within `<!-- … -->`; how many dashes have just come.
    Comment { dashes: u8 },
    /// Within `<![CDATA[ … ]]>`; how many brackets have just come.
    Data { brackets: u8 },
    /// Within `<!DOCTYPE … >`; its brackets, and the quote that is open.
    Doctype { depth: usize, quote: Option<char> },
    /// The name after `<`.
    Name,
    /// After the name or a value; whether white space has come.
    Attributes { apart: bool },
    /// The name of an attribute.
    Attribute,
    /// After that name: `=` must come.
    Equals,
    /// After `=`: a quote must come.
    Quote,
    /// A value, up to its quote.
    Value(char),
    /// After `/` of `<a/`.
    Slash,
    /// The name after `</`.
    EndName,
    /// After that name.
    EndTag,
    /// The root has ended.
    Ended,
}

impl Scanner {
    /// Takes the next character.
    ///
    /// # Errors
    /// If the text can't be XML any more.
    pub fn take(&mut self, next: char) -> Result<Option<Event>, NotXml> {
        let mut event = None;
        self.state = match self.state {
            State::Text => self.text(next)?,
            State::Tag => self.tag(next)?,
            State::Markup => self.markup(next)?,
            State::Instruction { question: true } if next == '>' => State::Text,
            State::Instruction { .. } => State::Instruction {
                question: next == '?',
            },
            State::Comment { dashes } => match (dashes, next) {
                (2.., '>') => State::Text,
                // Two dashes end a comment, and nothing else.
                (2.., _) => return Err(NotXml),
                (_, '-') => State::Comment { dashes: dashes + 1 },
                _ => State::Comment { dashes: 0 },
            },
            State::Data { brackets } => match (brackets, next) {
                (2.., '>') => State::Text,
                (_, ']') => State::Data {
                    brackets: (brackets + 1).min(2),
                },
                _ => State::Data { brackets: 0 },
            },
            State::Doctype { depth, quote } => doctype(depth, quote, next)?,
            State::Name => match next {
                next if is_name(next, false) => self.named(next, State::Name)?,
                '>' => self.begun(&mut event)?,
                '/' => State::Slash,
                next if next.is_whitespace() => State::Attributes { apart: true },
                _ => return Err(NotXml),
            },
            State::Attributes { apart } => match next {
                next if next.is_whitespace() => State::Attributes { apart: true },
                '>' => self.begun(&mut event)?,
                '/' => State::Slash,
                next if apart && is_name(next, true) => State::Attribute,
                _ => return Err(NotXml),
            },
            State::Attribute => match next {
                next if is_name(next, false) => State::Attribute,
                '=' => State::Quote,
                next if next.is_whitespace() => State::Equals,
                _ => return Err(NotXml),
            },
            State::Equals => after_space(next, '=', State::Equals, State::Quote)?,
            State::Quote => match next {
                '"' | '\'' => State::Value(next),
                next if next.is_whitespace() => State::Quote,
                _ => return Err(NotXml),
            },
            State::Value(quote) if next == quote => State::Attributes { apart: false },
            State::Value(_) if next == '<' => return Err(NotXml),
            State::Value(quote) => State::Value(quote),
            State::Slash if next == '>' => {
                event = Some(Event::Empty);
                self.rooted = true;
                self.after_element()
            }
            State::EndName if is_name(next, self.name.is_empty()) => {
                self.named(next, State::EndName)?
            }
            State::EndName | State::EndTag if next == '>' => {
                event = Some(Event::End);
                self.ended()?
            }
            State::EndName | State::EndTag if next.is_whitespace() && !self.name.is_empty() => {
                State::EndTag
            }
            State::Slash | State::EndName | State::EndTag | State::Ended => return Err(NotXml),
        };
        Ok(event)
    }

    /// Whether the root has ended, with nothing behind it.
    pub fn is_at_end(&self) -> bool {
        self.state == State::Ended
    }

    fn text(&self, next: char) -> Result<State, NotXml> {
        match next {
            '<' => Ok(State::Tag),
            // Before the root there is white space only.
            next if !self.open.is_empty() || next.is_whitespace() => Ok(State::Text),
            _ => Err(NotXml),
        }
    }

    fn tag(&mut self, next: char) -> Result<State, NotXml> {
        self.name.clear();
        match next {
            '?' => Ok(State::Instruction { question: false }),
            '!' => Ok(State::Markup),
            '/' if !self.open.is_empty() => Ok(State::EndName),
            next if is_name(next, true) => self.named(next, State::Name),
            _ => Err(NotXml),
        }
    }

    /// After `<!`: a comment, data, or a document type before the root.
    fn markup(&mut self, next: char) -> Result<State, NotXml> {
        self.name.push(next);
        match self.name.as_str() {
            "--" => Ok(State::Comment { dashes: 0 }),
            "[CDATA[" if !self.open.is_empty() => Ok(State::Data { brackets: 0 }),
            "DOCTYPE" if !self.rooted => Ok(State::Doctype {
                depth: 0,
                quote: None,
            }),
            begun
                if ["--", "[CDATA[", "DOCTYPE"]
                    .iter()
                    .any(|one| one.starts_with(begun)) =>
            {
                Ok(State::Markup)
            }
            _ => Err(NotXml),
        }
    }

    fn named(&mut self, next: char, state: State) -> Result<State, NotXml> {
        self.name.push(next);
        if self.name.len() > MAX_NAME {
            return Err(NotXml);
        }
        Ok(state)
    }

    fn begun(&mut self, event: &mut Option<Event>) -> Result<State, NotXml> {
        if self.open.len() == MAX_DEPTH {
            return Err(NotXml);
        }
        *event = Some(Event::Begin);
        self.rooted = true;
        self.open.push(std::mem::take(&mut self.name));
        Ok(State::Text)
    }

    fn ended(&mut self) -> Result<State, NotXml> {
        if self.open.pop().as_ref() != Some(&self.name) {
            return Err(NotXml);
        }
        Ok(self.after_element())
    }

    fn after_element(&self) -> State {
        if self.open.is_empty() {
            State::Ended
        } else {
            State::Text
        }
    }
}

fn doctype(depth: usize, quote: Option<char>, next: char) -> Result<State, NotXml> {
    let (depth, quote) = match (quote, next) {
        (Some(open), next) => (depth, (next != open).then_some(open)),
        (None, '"' | '\'') => (depth, Some(next)),
        (None, '[') => (depth + 1, None),
        (None, ']') => (depth.checked_sub(1).ok_or(NotXml)?, None),
        (None, '>') if depth == 0 => return Ok(State::Text),
        (None, _) => (depth, None),
    };
    Ok(State::Doctype { depth, quote })
}

/// White space, or the one character that must come.
fn after_space(next: char, wanted: char, space: State, then: State) -> Result<State, NotXml> {
    match next {
        next if next == wanted => Ok(then),
        next if next.is_whitespace() => Ok(space),
        _ => Err(NotXml),
    }
}

/// Whether a name may have this character, or begin with it.
fn is_name(character: char, first: bool) -> bool {
    match character {
        ':' | '_' | 'A'..='Z' | 'a'..='z' => true,
        '-' | '.' | '0'..='9' => !first,
        other => !other.is_ascii() && !other.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many characters of a text are taken until its root has ended; none if it is not XML.
    fn length(text: &str) -> Option<usize> {
        let mut scanner = Scanner::default();
        for (index, character) in text.chars().enumerate() {
            scanner.take(character).ok()?;
            if scanner.is_at_end() {
                return Some(index + 1);
            }
        }
        None
    }

    #[test]
    fn a_body_ends_with_its_root() {
        for whole in [
            "<a/>",
            "<a></a>",
            "<a ></a >",
            "<a b='1' c = \"<>\"/>".replace("<>", "&lt;>").as_str(),
            "<?xml version=\"1.0\"?>\n<a><b/>text ]]> &amp; &unknown;</a>",
            "<!-- - a comment > --><a><!-- <b> --></a>",
            "<!DOCTYPE a [ <!ENTITY x \"]>\"> ]><a>é</a>",
            "<a><![CDATA[ </a> ]] ]]]></a>",
            "<s:Envelope xmlns:s='urn:x'><s:Body a-b.c='1'/></s:Envelope>",
        ] {
            let after = format!("{whole}\nHTTP 200\n<not>");
            assert_eq!(length(&after), Some(whole.chars().count()), "{whole}");
        }
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for wrong in [
            "<<",
            "text",
            "<a><b></a></b>",
            "<a b></a>",
            "<a b=c/>",
            "<a b='1'c='2'/>",
            "<a b='<'/>",
            "</a>",
            "<1/>",
            "<a",
            "<a>",
            "<!-- a -- b --><a/>",
            "<![CDATA[x]]><a/>",
            "<a/ >",
            "<!DOCTYPE a ]><a/>",
            "<a><!DOCTYPE b></a>",
            "<a></>",
        ] {
            assert_eq!(length(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn depth_and_names_are_bounded() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(length(&nested(MAX_DEPTH)).is_some());
        assert_eq!(length(&nested(MAX_DEPTH + 1)), None);
        assert_eq!(length(&format!("<{}/>", "a".repeat(MAX_NAME + 1))), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "[<>/!?\\-\\[\\]a'\"= CDATOYPE]{0,200}") {
            length(&text);
        }
    }
}
