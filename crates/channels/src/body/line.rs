//! A line, and what it is made of. A surface writes each part in its own markup and escapes it there.

use text::clean;

/// How something is meant, told by colour where there are colours and always by words too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    Plain,
    /// Good.
    Good,
    /// Look here.
    Warning,
    /// Bad, or dangerous.
    Bad,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text.
    Text(String),
    /// Text that stands out.
    Strong(String, Tone),
    /// A name or a value, as machines have it.
    Code(String),
    /// A link; both its label and where it leads.
    Link {
        /// What is there.
        label: String,
        /// Where it is: checked by [`crate::links::foreign`] or [`crate::links::own`].
        url: String,
    },
}

impl Part {
    /// What a reader sees of it.
    pub(crate) fn seen(&self) -> &str {
        match self {
            Self::Text(text) | Self::Strong(text, _) | Self::Code(text) => text,
            Self::Link { label, .. } => label,
        }
    }

    fn with(&self, seen: String) -> Self {
        match self {
            Self::Text(_) => Self::Text(seen),
            Self::Strong(_, tone) => Self::Strong(seen, *tone),
            Self::Code(_) => Self::Code(seen),
            Self::Link { url, .. } => Self::Link {
                label: seen,
                url: url.clone(),
            },
        }
    }
}

/// A line: parts one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// The parts; a surface puts nothing between them.
    pub(crate) parts: Vec<Part>,
}

impl Line {
    /// A line of text.
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::default().and(text)
    }

    /// A line that begins with something that stands out.
    pub(crate) fn strong(text: impl AsRef<str>, tone: Tone) -> Self {
        Self::default().and_strong(text, tone)
    }

    /// With text after it.
    pub(crate) fn and(mut self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if !text.is_empty() {
            // The spaces at both ends keep parts apart.
            let clean = clean::line(text);
            let (start, end) = match (text.starts_with(' '), text.ends_with(' ')) {
                _ if clean.is_empty() => (" ", ""),
                (before, after) => (edge(before), edge(after)),
            };
            self.parts.push(Part::Text(format!("{start}{clean}{end}")));
        }
        self
    }

    /// With something that stands out after it.
    pub(crate) fn and_strong(mut self, text: impl AsRef<str>, tone: Tone) -> Self {
        let text = clean::line(text.as_ref());
        if !text.is_empty() {
            self.parts.push(Part::Strong(text, tone));
        }
        self
    }

    /// With a name or a value after it.
    pub(crate) fn and_code(mut self, text: impl AsRef<str>) -> Self {
        let text = clean::line(text.as_ref());
        if !text.is_empty() {
            self.parts.push(Part::Code(text));
        }
        self
    }

    /// With a link after it, or only its label where the link is none.
    pub(crate) fn and_link(mut self, label: impl AsRef<str>, url: Option<String>) -> Self {
        let label = clean::line(label.as_ref());
        match url {
            Some(url) if !label.is_empty() => self.parts.push(Part::Link { label, url }),
            _ => self = self.and(label),
        }
        self
    }

    /// The first `limit` characters that a reader sees, with an ellipsis where something was cut. Links
    /// whose label is gone are gone too.
    pub(crate) fn cut(&self, limit: usize) -> Self {
        let mut left = limit;
        let mut parts = Vec::new();
        for part in &self.parts {
            let length = part.seen().chars().count();
            if length <= left {
                left -= length;
                parts.push(part.clone());
                continue;
            }
            if left > 0 {
                parts.push(part.with(clean::cut(part.seen(), left)));
            }
            break;
        }
        Self { parts }
    }

    /// The longest beginning of the line that costs at most `limit`, by what `cost` says of it.
    pub(crate) fn within(&self, limit: usize, cost: impl Fn(&Self) -> usize) -> Self {
        if cost(self) <= limit {
            return self.clone();
        }
        let all: usize = self
            .parts
            .iter()
            .map(|part| part.seen().chars().count())
            .sum();
        // More characters never cost less, so that the longest can be searched for by halves.
        let (mut fits, mut breaks) = (0, all);
        while breaks - fits > 1 {
            let middle = usize::midpoint(fits, breaks);
            if cost(&self.cut(middle)) <= limit {
                fits = middle;
            } else {
                breaks = middle;
            }
        }
        let mut cut = self.cut(fits);
        // A link can cost more than its label shows, and be the part that does not fit.
        while cost(&cut) > limit && cut.parts.pop().is_some() {}
        cut
    }
}

fn edge(space: bool) -> &'static str {
    if space { " " } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &Line) -> String {
        line.parts.iter().map(Part::seen).collect()
    }

    #[test]
    fn a_cut_runs_through_the_parts() {
        let line = Line::strong("REMOVES", Tone::Bad)
            .and(" ")
            .and_code("Orders")
            .and_link("x", None);
        assert_eq!(seen(&line), "REMOVES Ordersx");
        assert_eq!(seen(&line.cut(15)), "REMOVES Ordersx");
        assert_eq!(seen(&line.cut(11)), "REMOVES Or…");
        assert_eq!(line.cut(11).parts.len(), 3);
        assert_eq!(seen(&line.cut(0)), "");
    }

    #[test]
    fn the_longest_that_fits_is_kept() {
        let line = Line::text("&&&&&&&&&&");
        let cost = |line: &Line| seen(line).replace('&', "&amp;").len();
        let cut = line.within(20, cost);
        assert_eq!(
            seen(&cut),
            "&&&…",
            "three of five, and three bytes for the ellipsis"
        );
        let linked = Line::default().and_link("a", Some("https://example.com/".into()));
        assert_eq!(linked.within(10, |line| line.parts.len() * 50).parts, []);
    }

    #[test]
    fn texts_are_clean() {
        let line = Line::text("a\u{202e}\nb ").and_code("`x`\u{200b}");
        assert_eq!(seen(&line), "a\u{fffd} b `x`");
    }
}
