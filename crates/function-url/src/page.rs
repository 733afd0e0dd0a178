//! The shell of every page, its one style sheet, and the pages that say nothing but that there is nothing.

use askama::Template;

/// The style sheet, letter by letter as the page has it: the policy names it by its hash.
pub const CSS: &str = include_str!("../templates/page.css");

/// What came of an answer, above everything else on a page that includes `banner.html`.
#[derive(Debug)]
pub struct Banner {
    /// Its class: `good`, `bad`.
    pub class: &'static str,
    /// What it says.
    pub headline: String,
    /// And more of it, a paragraph each.
    pub details: Vec<String>,
}

#[derive(Template)]
#[template(path = "document.html")]
struct Document<'a> {
    lang: &'a str,
    title: &'a str,
    css: &'static str,
    body: &'a str,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    title: &'a str,
    text: &'a str,
}

/// A whole page around `body`, which is HTML already; the title is escaped here.
pub fn document(lang: &str, title: &str, body: &impl Template) -> String {
    let document = Document {
        lang,
        title,
        css: CSS,
        body: &rendered(body),
    };
    rendered(&document)
}

fn rendered(template: &impl Template) -> String {
    template.render().expect("writing to a string never fails")
}

/// In English: whoever asks is unknown, and so is their language.
fn notice(title: &str, text: &str) -> String {
    document("en", title, &Notice { title, text })
}

/// For a link that doesn't count, and for any other address.
pub fn not_found() -> String {
    notice(
        "There is nothing here",
        "This address is not valid, or no longer valid. If a link in a message led you here, look for a newer message.",
    )
}

/// For a link whose time is over.
pub fn expired() -> String {
    notice(
        "This link has expired",
        "Nothing was changed. Look for a newer message, or use the command line.",
    )
}

/// For when nothing can be said.
pub fn unavailable() -> String {
    notice(
        "Not available right now",
        "Nothing was changed. Try again in a few minutes.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_without_a_link_say_nothing() {
        for (page, title) in [
            (not_found(), "There is nothing here"),
            (expired(), "This link has expired"),
            (unavailable(), "Not available right now"),
        ] {
            assert!(page.contains(&format!("<h1>{title}</h1>")));
            assert!(!page.contains("href"), "{page}");
        }
    }
}
