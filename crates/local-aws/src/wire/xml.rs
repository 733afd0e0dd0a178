//! XML out: a small tree that escapes what it writes, so that no answer can be broken by a name.

use std::fmt::{self, Write as _};

/// An element, or a list of elements side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Xml {
    /// An element that holds text.
    Text {
        /// The element's name.
        name: &'static str,
        /// Its text, not escaped yet.
        text: String,
    },
    /// An element that holds others.
    Node {
        /// The element's name.
        name: &'static str,
        /// What it holds.
        children: Vec<Xml>,
    },
    /// Several elements without one around them.
    Several(Vec<Xml>),
}

impl Xml {
    /// An element that holds text.
    pub fn text(name: &'static str, text: impl fmt::Display) -> Self {
        Self::Text {
            name,
            text: text.to_string(),
        }
    }

    /// An element that holds others.
    pub fn node(name: &'static str, children: Vec<Self>) -> Self {
        Self::Node { name, children }
    }

    /// A list as the query protocol has it: `<Names><member>…</member></Names>`.
    pub fn list(name: &'static str, members: impl IntoIterator<Item = Vec<Self>>) -> Self {
        let members = members
            .into_iter()
            .map(|children| Self::node("member", children));
        Self::node(name, members.collect())
    }

    /// A list of plain values.
    pub fn texts<T: fmt::Display>(name: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        Self::node(
            name,
            values
                .into_iter()
                .map(|value| Self::text("member", value))
                .collect(),
        )
    }

    /// Nothing.
    pub fn empty() -> Self {
        Self::Several(Vec::new())
    }
}

impl fmt::Display for Xml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { name, text } => write!(f, "<{name}>{}</{name}>", Escaped(text)),
            Self::Node { name, children } if children.is_empty() => write!(f, "<{name}/>"),
            Self::Node { name, children } => {
                write!(f, "<{name}>")?;
                children.iter().try_for_each(|child| child.fmt(f))?;
                write!(f, "</{name}>")
            }
            Self::Several(children) => children.iter().try_for_each(|child| child.fmt(f)),
        }
    }
}

/// Text made harmless for an element's content.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&apos;")?,
                // XML 1.0 has no way to write the other control characters.
                c if c < ' ' && !matches!(c, '\t' | '\n' | '\r') => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_its_element() {
        let xml = Xml::text("Message", "</Message><a b=\"1\" c='2'>&amp;\u{1}");
        assert_eq!(
            xml.to_string(),
            "<Message>&lt;/Message&gt;&lt;a b=&quot;1&quot; c=&apos;2&apos;&gt;&amp;amp;\u{fffd}</Message>"
        );
    }

    #[test]
    fn lists_have_members() {
        let xml = Xml::node(
            "Result",
            vec![
                Xml::list(
                    "Targets",
                    [vec![Xml::text("Id", 1)], vec![Xml::text("Id", 2)]],
                ),
                Xml::texts("Names", ["a", "b"]),
                Xml::texts("None", Vec::<String>::new()),
            ],
        );
        assert_eq!(
            xml.to_string(),
            "<Result><Targets><member><Id>1</Id></member><member><Id>2</Id></member></Targets>\
             <Names><member>a</member><member>b</member></Names><None/></Result>"
        );
    }
}
