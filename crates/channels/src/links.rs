//! Which links a message has: those that may be followed, encoded, and not longer than there is room for.

use text::links;

/// Characters of a link that somebody else wrote: longer ones take the room of what people should read.
const MAX_FOREIGN_LINK: usize = 1_000;
/// Characters of a link of our own; browsers and mail programs take about 2,000.
const MAX_OWN_LINK: usize = 2_000;

/// A link that somebody else wrote, encoded; `None` if it may not be followed.
pub(crate) fn foreign(text: &str) -> Option<String> {
    links::https(text, MAX_FOREIGN_LINK).map(|url| links::encoded(&url))
}

/// A link of our own, encoded.
pub(crate) fn own(text: &str) -> Option<String> {
    links::own(text, MAX_OWN_LINK).map(|url| links::encoded(&url))
}
