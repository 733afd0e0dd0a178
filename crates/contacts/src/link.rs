//! Links that others wrote, in commit messages and settings.

use text::links;

/// Bytes of a link that is passed on.
const MAX_LINK_BYTES: usize = 2_000;

/// The text as a link that may be shown; none for anything else.
#[must_use]
pub fn https_link(text: &str) -> Option<String> {
    let text = text.trim();
    links::https(text, MAX_LINK_BYTES).map(|_| text.to_owned())
}
