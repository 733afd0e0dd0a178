//! The rules of [`text`] for texts and links of others, with the lengths that messages have room for.
//!
//! Escaping is another thing and belongs to each surface; it happens once, when a line is written.

pub(crate) use text::clean::{cut, line, lines, short};
use text::links;

/// Characters of a link that somebody else wrote: longer ones take the room of what people should read.
const MAX_LINK: usize = 1_000;
/// Characters of a link of our own; browsers and mail programs take about 2,000.
const MAX_OWN_LINK: usize = 2_000;

/// The characters that a service written in JavaScript or C# counts.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A link that somebody else wrote, encoded; `None` if it may not be followed.
pub(crate) fn link(text: &str) -> Option<String> {
    links::https(text, MAX_LINK).map(|url| links::encoded(&url))
}

/// A link of our own, encoded.
pub(crate) fn own_link(text: &str) -> Option<String> {
    links::own(text, MAX_OWN_LINK).map(|url| links::encoded(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_of_javascript_counts_otherwise() {
        assert_eq!(units("a👍"), 3);
    }
}
