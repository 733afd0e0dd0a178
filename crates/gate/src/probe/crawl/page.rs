//! What one page of HTML names: where it leads, what it needs, and which landmarks it has.
//!
//! It is read token by token, as browsers do before they build anything: nothing here grows with how deep a page is.

use std::convert::Infallible;

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

/// How many links of one page are looked at.
pub(super) const MAX_LINKS: usize = 2_000;
/// Longer ones are no links that anybody follows.
pub(super) const MAX_LINK: usize = 2_048;

/// What a page has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Where `<base>` says that links begin.
    pub(super) base: Option<String>,
    pub(super) links: Vec<Link>,
    pub(super) landmarks: Vec<Landmark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) to: String,
    pub(super) purpose: Purpose,
}

/// Why a page names something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A visitor may go there.
    Navigation,
    /// It may change what the page does: a script, a style sheet, a frame.
    Active,
    /// It is shown: an image, a sound, an icon.
    Passive,
}

/// What every page is expected to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landmark {
    Title,
    Main,
    H1,
}

impl Landmark {
    pub(crate) const ALL: [Self; 3] = [Self::Title, Self::Main, Self::H1];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Main => "main",
            Self::H1 => "h1",
        }
    }
}

pub(super) fn read(html: &str) -> Page {
    let mut page = Page::default();
    let mut emitter = DefaultEmitter::default();
    // What stands in scripts, styles and titles is no markup.
    emitter.naively_switch_states(true);
    let mut in_title = false;
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let token: Result<Token<()>, Infallible> = token;
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                in_title = tag.name.as_slice() == b"title";
                page.take(&tag);
            }
            Token::String(text) if in_title && !text.value.trim_ascii().is_empty() => {
                page.add(Landmark::Title);
            }
            Token::EndTag(_) => in_title = false,
            _ => {}
        }
    }
    page
}

impl Page {
    fn take(&mut self, tag: &StartTag<()>) {
        let attribute = |name: &str| {
            let value = tag.attributes.get(&HtmlString(name.as_bytes().to_vec()))?;
            Some(String::from_utf8_lossy(value).trim().to_owned())
        };
        if attribute("role").as_deref() == Some("main") {
            self.add(Landmark::Main);
        }
        let (value, purpose) = match tag.name.as_slice() {
            b"main" => return self.add(Landmark::Main),
            b"h1" => return self.add(Landmark::H1),
            b"base" => {
                self.base = self.base.take().or_else(|| attribute("href"));
                return;
            }
            b"a" | b"area" => (attribute("href"), Purpose::Navigation),
            b"link" => {
                let relation = attribute("rel").unwrap_or_default().to_ascii_lowercase();
                let is = |word: &str| relation.split_ascii_whitespace().any(|one| one == word);
                if is("stylesheet") || is("manifest") || is("modulepreload") {
                    (attribute("href"), Purpose::Active)
                } else if is("icon") || is("preload") || is("apple-touch-icon") {
                    (attribute("href"), Purpose::Passive)
                } else {
                    return;
                }
            }
            b"script" | b"iframe" | b"embed" => (attribute("src"), Purpose::Active),
            b"img" | b"source" | b"video" | b"audio" | b"track" => {
                for one in attribute("srcset").iter().flat_map(|set| sources(set)) {
                    self.link(one, Purpose::Passive);
                }
                self.link(&attribute("poster").unwrap_or_default(), Purpose::Passive);
                (attribute("src"), Purpose::Passive)
            }
            _ => return,
        };
        self.link(&value.unwrap_or_default(), purpose);
    }

    fn add(&mut self, landmark: Landmark) {
        if !self.landmarks.contains(&landmark) {
            self.landmarks.push(landmark);
        }
    }

    fn link(&mut self, to: &str, purpose: Purpose) {
        let leads = !to.is_empty() && !to.starts_with('#') && to.len() <= MAX_LINK;
        if leads && self.links.len() < MAX_LINKS {
            self.links.push(Link {
                to: to.to_owned(),
                purpose,
            });
        }
    }
}

/// `small.png 1x, large.png 2x`
fn sources(set: &str) -> impl Iterator<Item = &str> {
    set.split(", ")
        .filter_map(|one| one.split_ascii_whitespace().next())
        .map(|one| one.trim_end_matches(','))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(html: &str, purpose: Purpose) -> Vec<String> {
        let links = read(html).links.into_iter();
        let of = links.filter(|link| link.purpose == purpose);
        of.map(|link| link.to).collect()
    }

    #[test]
    fn a_page_says_where_it_leads_and_what_it_needs() {
        let html = r##"<!doctype html><title> Shop </title><base href="/de/"><link rel="stylesheet" href=a.css>
            <link rel="canonical" href=/x><LINK REL="shortcut icon" HREF='i.ico'><script src="a.js">document.write("<a href=no>")</script>
            <main><h1>Hi</h1><a href="/one?a=1&amp;b=2">1</a><a href="#top">2</a><a name=x>3</a>
            <img src=a.png srcset="b.png 1x, c.png 2x"><!-- <a href=no> --><iframe src=/frame></iframe></main>"##;
        assert_eq!(links(html, Purpose::Navigation), ["/one?a=1&b=2"]);
        assert_eq!(links(html, Purpose::Active), ["a.css", "a.js", "/frame"]);
        assert_eq!(
            links(html, Purpose::Passive),
            ["i.ico", "b.png", "c.png", "a.png"]
        );
        let page = read(html);
        assert_eq!(page.base.as_deref(), Some("/de/"));
        assert_eq!(page.landmarks, Landmark::ALL);
    }

    #[test]
    fn landmarks_are_missing_where_they_are_empty_or_not_there() {
        assert_eq!(read("<title> </title><div>").landmarks, []);
        assert_eq!(
            read("<div role=main><script>'<h1>'</script>").landmarks,
            [Landmark::Main]
        );
    }

    #[test]
    fn text_that_looks_like_markup_is_text() {
        for element in [
            "textarea", "style", "xmp", "iframe", "noembed", "script", "title",
        ] {
            let html = format!("<{element}><a href=/no><h1></{element}><a href=/yes>");
            assert_eq!(links(&html, Purpose::Navigation), ["/yes"], "{element}");
        }
        assert_eq!(
            links("<plaintext></plaintext><a href=/no>", Purpose::Navigation),
            [""; 0]
        );
        // Browsers take the first of two attributes with one name, and read what stands open to its end.
        assert_eq!(
            links("<a HREF=/first href=/second", Purpose::Navigation),
            [""; 0]
        );
        assert_eq!(
            links("<a HREF=/first href=/second>", Purpose::Navigation),
            ["/first"]
        );
        assert_eq!(read("<title>Shop").landmarks, [Landmark::Title]);
    }

    #[test]
    fn a_tag_of_very_many_attributes_is_read_at_once() {
        let attributes: Vec<String> = (0..200_000).map(|n| format!("a{n}")).collect();
        let attributes = attributes.join(" ");
        let begun = std::time::Instant::now();
        let html = format!("<a {attributes} href=/x>");
        assert_eq!(links(&html, Purpose::Navigation), ["/x"]);
        let took = begun.elapsed();
        assert!(took < std::time::Duration::from_secs(20), "{took:?}");
    }

    #[test]
    fn links_are_bounded() {
        let many = "<a href=/x>".repeat(3 * MAX_LINKS);
        assert_eq!(read(&many).links.len(), MAX_LINKS);
        let long = format!("<a href=/{}>", "x".repeat(MAX_LINK));
        assert_eq!(read(&long).links, []);
    }

    proptest! {
        #[test]
        fn garbage_is_read_to_an_end(html in "(<|>|a|href|=|\"|'|/|script|title|--|!|&|[ -~]){0,200}") {
            read(&html);
        }
    }
}
