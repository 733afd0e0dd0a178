//! The page behind a link: a pure function of the offer. Works without JavaScript (there is none), on a
//! phone, by keyboard and screen reader, and in the dark. Everything is escaped by the template.

use askama::Template;
use channels::fill;
use contacts::Approver;
use environments::outlook::Outlook;
use function_url::page::{Banner, document};
use jiff::Timestamp;

use crate::people::link_claims::{Link, LinkAction};
use crate::people::offer::{Offer, WAKE_HOURS};
use crate::people::texts::{Texts, Zone};

/// More services are a number.
const MAX_SHOWN: usize = 200;

/// What stands on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It is recorded.
    Done {
        /// Until when it counts.
        until: Timestamp,
        /// Whether something is woken for it.
        wakes: bool,
        /// Whether dry run is on, so that the function does nothing of it.
        dry_run: bool,
        /// What the services do; none where they could not be read.
        outlook: Option<Outlook>,
    },
    /// It was not sent from a page of ours.
    NotSent,
    /// The hours are none.
    WrongHours,
    /// It could not be written down.
    Failed,
}

/// All that a page shows.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What is offered.
    pub offer: &'a Offer,
    /// The link that it was opened with.
    pub link: &'a Link,
    /// The same as text.
    pub sealed: &'a str,
    /// The seal of the form; none: nothing is asked.
    pub seal: Option<&'a str>,
    /// Whether the link's holder may ask for it.
    pub may: bool,
    /// What stands on top.
    pub notice: Option<&'a Notice>,
    /// The words.
    pub texts: &'static Texts,
    /// The zone of the times.
    pub zone: &'a Zone,
    /// The present moment.
    pub now: Timestamp,
}

#[derive(Template)]
#[template(path = "ask.html")]
struct Page<'a> {
    t: &'static Texts,
    here: String,
    title: &'static str,
    banner: Option<Banner>,
    reload: &'static str,
    status: String,
    wakes: Option<String>,
    does: String,
    barred: Option<String>,
    form: Option<Form<'a>>,
    services: &'a [String],
    more: Option<String>,
}

struct Form<'a> {
    seal: &'a str,
    hours: bool,
    least: i64,
    most: i64,
    hint: String,
    anonymous: String,
    button: String,
}

/// The page of a link.
pub fn show(view: &View<'_>) -> String {
    let t = view.texts;
    let offer = view.offer;
    let moment = |at| t.moment(at, view.zone);
    let services = t.services.of(offer.services.len());
    let shown = &offer.services[..offer.services.len().min(MAX_SHOWN)];
    let more = offer.services.len() - shown.len();
    let slept = view.now >= offer.edge;
    let values = [
        ("services", services.as_str()),
        ("moment", &moment(offer.edge)),
        ("zone", &view.zone.name),
    ];
    let status = if slept {
        t.page_asleep
    } else {
        t.page_sleeps_at
    };
    let wakes = offer.wakes.map(|at| {
        let moment = moment(at);
        fill(t.notice_wakes, &[("moment", &moment)])
    });
    let page = Page {
        t,
        here: format!("/e/{}", view.sealed),
        title: match view.link.claims.wish {
            LinkAction::Snooze(_) => t.page_snooze,
            LinkAction::Wake => t.page_wake,
        },
        banner: view.notice.map(|notice| banner(notice, view)),
        reload: t.page_reload,
        status: fill(status, &values),
        wakes,
        does: does(view),
        barred: (!view.may).then(|| fill(t.page_may_not, &[("who", &who(&view.link.claims.by))])),
        form: view.seal.map(|seal| form(seal, view)),
        services: shown,
        more: (more > 0).then(|| fill(t.and_more, &[("n", &more.to_string())])),
    };
    document(t.lang, page.title, &page)
}

/// Until when the link's choice puts the sleep off.
fn until(view: &View<'_>) -> String {
    let until = match view.link.claims.wish {
        LinkAction::Snooze(choice) => view.offer.snooze_ends(choice),
        LinkAction::Wake => None,
    };
    until
        .map(|until| view.texts.moment(until, view.zone))
        .unwrap_or_default()
}

fn does(view: &View<'_>) -> String {
    match view.link.claims.wish {
        LinkAction::Snooze(_) => fill(view.texts.page_snooze_does, &[("moment", &until(view))]),
        LinkAction::Wake => view.texts.page_wake_does.to_owned(),
    }
}

fn banner(notice: &Notice, view: &View<'_>) -> Banner {
    let t = view.texts;
    let bad = |headline: String| Banner {
        class: "bad",
        headline,
        details: Vec::new(),
    };
    match notice {
        Notice::Done {
            until,
            wakes,
            dry_run,
            outlook,
        } => {
            let moment = t.moment(*until, view.zone);
            let values = [("moment", moment.as_str()), ("zone", &view.zone.name)];
            if *dry_run {
                return Banner {
                    details: vec![t.reply_dry_run.to_owned()],
                    ..bad(fill(t.page_done_dry_run, &values))
                };
            }
            let Some(outlook) = outlook else {
                return bad(fill(t.page_done_unread, &values));
            };
            let details = t.stays_down(outlook, view.zone);
            if outlook.awake == 0 {
                return Banner {
                    details,
                    ..bad(fill(t.page_done_none, &values))
                };
            }
            let does = if *wakes {
                t.page_done_wake
            } else {
                t.page_done_before
            };
            Banner {
                class: "good",
                headline: fill(t.page_done, &values),
                details: [vec![does.to_owned()], details].concat(),
            }
        }
        Notice::NotSent => bad(t.page_not_sent.to_owned()),
        Notice::WrongHours => bad(bounds(t.page_wrong_hours)),
        Notice::Failed => bad(t.page_failed.to_owned()),
    }
}

fn bounds(text: &str) -> String {
    let (least, most) = (WAKE_HOURS.start().to_string(), WAKE_HOURS.end().to_string());
    fill(text, &[("least", &least), ("most", &most)])
}

fn form<'a>(seal: &'a str, view: &View<'a>) -> Form<'a> {
    let t = view.texts;
    let hours = view.link.claims.wish == LinkAction::Wake;
    Form {
        seal,
        hours,
        least: *WAKE_HOURS.start(),
        most: *WAKE_HOURS.end(),
        hint: bounds(t.page_hours_hint),
        anonymous: fill(t.page_anonymous, &[("who", &who(&view.link.claims.by))]),
        button: if hours {
            t.page_do_wake.to_owned()
        } else {
            fill(t.page_do_snooze, &[("moment", &until(view))])
        },
    }
}

/// The address or the channel that a link was sent to.
fn who(by: &Approver) -> String {
    match by {
        Approver::Email(address) => address.clone(),
        Approver::Link(channel) => channel.clone(),
        Approver::Slack { .. } => by.to_string(),
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
