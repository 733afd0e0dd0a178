//! A mail: HTML that mail programs show, which are years behind browsers (tables, styles in the
//! elements, no script), and the same as text.

use askama::Template;

use super::Payload;
use super::fitting::{self, Cost, Limits};
use super::plain;
use crate::body::{Detail, Line, MessageBody, Part, Section, Target, Tone};
use crate::limits::{MAIL_HTML_BUDGET, MAIL_SUBJECT, MAIL_TEXT_BUDGET};
use crate::texts::{Key, Texts};
use text::clean;

/// A mail is read at leisure.
pub(super) const DETAIL: Detail = Detail {
    properties: 8,
    value: 200,
    text: 400,
    lines: 40,
};

const MAX_LINE_UNITS: usize = 6_000;
const MAX_SECTIONS: usize = 60;

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'a> {
    lang: &'static str,
    title: &'a str,
    preheader: String,
    accent: &'static str,
    lead: Vec<String>,
    mentions: String,
    approve: Option<Target>,
    reject: Option<Target>,
    warning: Option<String>,
    sections: Vec<Block<'a>>,
    left_out: Option<String>,
    links: &'a [Target],
    footer: String,
}

struct Block<'a> {
    heading: &'a str,
    summary: Option<String>,
    lines: Vec<String>,
    more: Option<String>,
}

/// One line, escaped by the template.
#[derive(Template)]
#[template(path = "line.html")]
struct LineHtml<'a> {
    parts: &'a [Part],
}

struct Mail;

impl Cost for Mail {
    fn heading(&self, section: &Section) -> usize {
        let summary = section.summary.as_ref().map_or(0, |line| html(line).len());
        // With the elements around it, each of them about a line of the template.
        html(&Line::text(&section.heading)).len() + summary + 600
    }

    fn line(&self, line: &Line) -> usize {
        html(line).len() + 60
    }

    fn more(&self, text: &str) -> usize {
        html(&Line::text(text)).len() + 120
    }
}

/// The mail.
pub(super) fn mail(body: &MessageBody, texts: &Texts) -> Payload {
    let bare = page(body, Vec::new(), None, texts);
    let used = written(&bare).len();
    let limits = Limits {
        total: MAIL_HTML_BUDGET.saturating_sub(used),
        line: MAX_LINE_UNITS,
        sections: MAX_SECTIONS,
    };
    let (shown, left_out) = fitting::sections(body, &limits, &Mail, texts);
    let sections = shown
        .into_iter()
        .map(|shown| Block {
            heading: &shown.section.heading,
            summary: shown.section.summary.as_ref().map(html),
            lines: shown.lines.iter().map(html).collect(),
            more: shown.more,
        })
        .collect();
    Payload::Mail {
        subject: clean::cut(&body.title, MAIL_SUBJECT),
        html: written(&page(body, sections, left_out, texts)),
        text: plain::text(body, MAIL_TEXT_BUDGET, texts),
    }
}

fn page<'a>(
    body: &'a MessageBody,
    sections: Vec<Block<'a>>,
    left_out: Option<String>,
    texts: &Texts,
) -> Page<'a> {
    let button = |key: Key, url: Option<&String>| {
        url.map(|url| Target {
            label: format!("{}…", texts.plain(key)),
            url: url.clone(),
            whole: false,
        })
    };
    let decision = body.decision.as_ref();
    let approve = decision.and_then(|decision| button(Key::Approve, decision.approve.as_ref()));
    let reject = decision.and_then(|decision| button(Key::Reject, decision.reject.as_ref()));
    let decides = approve.is_some() || reject.is_some();
    let lead = body
        .lead
        .iter()
        .map(|line| line.within(MAX_LINE_UNITS, |line| html(line).len()));
    let first: String = body
        .lead
        .first()
        .map(|line| line.parts.iter().map(Part::seen).collect())
        .unwrap_or_default();
    Page {
        lang: texts.code(),
        title: &body.title,
        preheader: clean::cut(&first, 140),
        accent: accent(body.tone),
        lead: lead.map(|line| html(&line)).collect(),
        mentions: clean::cut(&body.mentions.join(" "), 400),
        approve,
        reject,
        warning: decides.then(|| texts.plain(Key::LinkWarning)),
        sections,
        left_out,
        links: &body.links,
        footer: body.footer.clone(),
    }
}

fn accent(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "#56606e",
        Tone::Good => "#17734a",
        Tone::Warning => "#8a5200",
        Tone::Bad => "#b3202a",
    }
}

fn html(line: &Line) -> String {
    written(&LineHtml { parts: &line.parts })
}

fn written(template: &impl Template) -> String {
    template.render().expect("writing to a string never fails")
}
