//! Demands on elements of a page, found by a CSS selector.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scraper::{ElementRef, Html, Selector};

use super::page::{self, PageError};
use super::{Actual, Evidence, Finding, TextCondition, text_condition};
use crate::redact;
use crate::template::Values;
use crate::words;

/// What the texts of all elements that one selector finds may take, beyond the size of the body: elements may stand
/// in each other.
const MAX_TEXTS: usize = 4 * 1024 * 1024;

/// `css:` of an expectation.
#[derive(Clone)]
pub(crate) struct CssExpectation {
    /// As it was written.
    pub(crate) written: String,
    pub(crate) selector: Arc<Selector>,
    /// Judge this attribute instead of the text.
    pub(crate) attribute: Option<String>,
    pub(crate) tests: Vec<TextCondition>,
}

// A compiled selector says nothing to people.
impl fmt::Debug for CssExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CssExpectation")
            .field("select", &self.written)
            .field("attribute", &self.attribute)
            .field("tests", &self.tests)
            .finish_non_exhaustive()
    }
}

/// A body, read as a page when the first demand asks for it and not again.
pub(super) struct Page<'a> {
    evidence: &'a Evidence,
    stop: &'a AtomicBool,
    read: Option<Result<Html, NotAPage>>,
}

/// Why a body is not there as a page.
enum NotAPage {
    /// It isn't one, which is the target's doing.
    NotHtml(String),
    /// Nothing is known about it.
    Unknown(String),
}

impl<'a> Page<'a> {
    pub(super) fn new(evidence: &'a Evidence, stop: &'a AtomicBool) -> Self {
        Self {
            evidence,
            stop,
            read: None,
        }
    }

    /// The text, or the attribute, of the first element that is found, if there is one.
    pub(super) fn first(
        &mut self,
        css: &CssExpectation,
        demand: String,
    ) -> Result<Option<String>, Finding> {
        let (evidence, stop) = (self.evidence, self.stop);
        match self.read.get_or_insert_with(|| read(evidence, stop)) {
            Ok(page) => match css.texts(page, stop) {
                Ok(texts) => Ok(texts.into_iter().next()),
                Err(why) => Err(Finding::errored(demand, why)),
            },
            Err(NotAPage::Unknown(why)) => Err(Finding::errored(demand, why.clone())),
            Err(NotAPage::NotHtml(got)) => {
                Err(Finding::new(demand, Actual::Words(got.clone()), false))
            }
        }
    }

    pub(super) fn evaluate(
        &mut self,
        css: &CssExpectation,
        values: &Values,
        findings: &mut Vec<Finding>,
    ) {
        let subject = match &css.attribute {
            None => css.written.clone(),
            Some(attribute) => format!("{attribute} of {}", css.written),
        };
        let (evidence, stop) = (self.evidence, self.stop);
        let page = match self.read.get_or_insert_with(|| read(evidence, stop)) {
            Ok(page) => page,
            Err(NotAPage::Unknown(why)) => {
                return findings.push(Finding::errored(subject, why.clone()));
            }
            Err(NotAPage::NotHtml(got)) => {
                let demand = format!("{subject} in a page of HTML");
                return findings.push(Finding::new(demand, Actual::Words(got.clone()), false));
            }
        };
        match css.texts(page, stop) {
            Err(why) => findings.push(Finding::errored(subject, why)),
            Ok(texts) => {
                let present: Vec<&str> = texts.iter().map(String::as_str).collect();
                let sensitive = redact::is_secret_path(&subject);
                let found = text_condition::evaluate(&subject, &css.tests, &present, values);
                findings.extend(found.into_iter().map(|finding| Finding {
                    sensitive,
                    ..finding
                }));
            }
        }
    }
}

impl CssExpectation {
    /// The text, or the attribute, of every element that is found, in the page's order.
    fn texts(&self, page: &Html, stop: &AtomicBool) -> Result<Vec<String>, String> {
        let mut texts = Vec::new();
        let mut room = MAX_TEXTS;
        // Not what was removed while the page was read.
        for node in page.tree.root().descendants() {
            if stop.load(Ordering::Relaxed) {
                return Err(PageError::Stopped.to_string());
            }
            let Some(element) = ElementRef::wrap(node) else {
                continue;
            };
            if !self.selector.matches(&element) {
                continue;
            }
            let text = match &self.attribute {
                Some(name) => match element.attr(name) {
                    Some(value) => value.to_owned(),
                    None => continue,
                },
                None => text(element, room).ok_or_else(too_long)?,
            };
            room = room.checked_sub(text.len()).ok_or_else(too_long)?;
            texts.push(text);
        }
        Ok(texts)
    }
}

fn too_long() -> String {
    format!(
        "the texts that are selected are longer than {}; select fewer elements",
        words::bytes(MAX_TEXTS)
    )
}

/// The text of an element as people read it: white space is one space, none at the ends.
fn text(element: ElementRef<'_>, room: usize) -> Option<String> {
    let mut text = String::new();
    let mut space = false;
    for piece in element.text() {
        for letter in piece.chars() {
            if letter.is_whitespace() {
                space = !text.is_empty();
            } else {
                if std::mem::take(&mut space) {
                    text.push(' ');
                }
                text.push(letter);
            }
        }
        if text.len() > room {
            return None;
        }
    }
    Some(text)
}

fn read(evidence: &Evidence, stop: &AtomicBool) -> Result<Html, NotAPage> {
    let media = evidence.body.media_type();
    if !matches!(media.as_str(), "" | "text/html" | "application/xhtml+xml") {
        return Err(NotAPage::NotHtml(format!(
            "a body that is not HTML: its content-type is {media}"
        )));
    }
    let text = evidence.body.text();
    let text = text.map_err(|why| NotAPage::Unknown(why.to_string()))?;
    page::read(&text, stop).map_err(|why| NotAPage::Unknown(why.to_string()))
}
