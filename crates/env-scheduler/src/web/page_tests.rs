//! What people see behind a link.

use std::fmt::Write as _;

use contacts::Language;
use jiff::SignedDuration;

use super::*;
use crate::people::link_claims::{self, LinkClaims};
use crate::people::offer::{Target, derived_id};

fn offer(services: usize) -> Offer {
    let edge: Timestamp = "2026-11-20T21:00:00Z".parse().unwrap();
    Offer {
        id: derived_id(&["x"]),
        target: Target::default(),
        services: (0..services).map(|n| format!("dev-shop/s{n:03}")).collect(),
        edge,
        wakes: Some("2026-11-23T08:00:00Z".parse().unwrap()),
        choices: [1, 2]
            .map(|hours| edge + SignedDuration::from_hours(hours))
            .into(),
        made_at: edge - SignedDuration::from_mins(15),
    }
}

fn page(wish: LinkAction, change: impl FnOnce(View<'_>) -> String) -> String {
    let (offer, zone) = (offer(2), Zone::of(Some("Europe/Berlin")));
    let claims = LinkClaims {
        offer: offer.id.clone(),
        wish,
        by: "email:lead@example.com".parse().unwrap(),
    };
    let link = link_claims::link("table", claims, offer.wake_ends());
    change(View {
        offer: &offer,
        link: &link,
        sealed: "SEALED",
        seal: Some("SEAL"),
        may: true,
        notice: None,
        texts: Texts::of(Language::English),
        zone: &zone,
        now: offer.made_at,
    })
}

/// What is seen of a page, a line each.
fn seen(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    let mut text = String::new();
    for piece in body.split('<').skip(1) {
        let (tag, inside) = piece.split_once('>').unwrap();
        let inside = inside.trim();
        if tag.starts_with("button") || tag.starts_with("input") || tag.starts_with("form") {
            let _ = write!(text, "<{tag}> ");
        }
        if !inside.is_empty() {
            let _ = writeln!(text, "{inside}");
        }
    }
    text
}

#[test]
fn a_page_says_what_will_happen() {
    insta::assert_snapshot!(seen(&page(LinkAction::Snooze(1), |view| show(&view))), @r#"
    Put the sleep off
    2 services will sleep on Fri 20 Nov 22:00 (Europe/Berlin).
    Awake again on Mon 23 Nov 09:00.
    They stay awake until Sat 21 Nov 00:00 instead, or wake for that long if they sleep already.
    <form class="card" method="post" action="/e/SEALED" autocomplete="off"> <input type="hidden" name="seal" value="SEAL"> This is recorded as asked for by whoever holds the link of lead@example.com.
    <button type="submit" class="good" aria-describedby="anonymous"> Stay awake until Sat 21 Nov 00:00
    The services
    dev-shop/s000
    dev-shop/s001
    "#);
}

#[test]
fn a_page_to_wake_asks_for_the_hours() {
    let later = |view: View<'_>| {
        let now = view.offer.edge + SignedDuration::from_hours(3);
        show(&View { now, ..view })
    };
    insta::assert_snapshot!(seen(&page(LinkAction::Wake, later)), @r#"
    Wake during the night
    2 services went to sleep on Fri 20 Nov 22:00 (Europe/Berlin).
    Awake again on Mon 23 Nov 09:00.
    They are awake for the hours that you choose, beginning now or when they would sleep.
    <form class="card" method="post" action="/e/SEALED" autocomplete="off"> <input type="hidden" name="seal" value="SEAL"> Hours
    <input id="hours" name="hours" type="number" inputmode="numeric" min="1" max="12" value="2" required aria-describedby="hours-hint"> 1 to 12
    This is recorded as asked for by whoever holds the link of lead@example.com.
    <button type="submit" class="good" aria-describedby="anonymous"> Wake them
    The services
    dev-shop/s000
    dev-shop/s001
    "#);
}

#[test]
fn what_came_of_it_stands_on_top() {
    let with = |notice: Notice| {
        let html = page(LinkAction::Snooze(0), |view| {
            let seal = view.seal.filter(|_| !matches!(notice, Notice::Done { .. }));
            show(&View {
                notice: Some(&notice),
                seal,
                ..view
            })
        });
        seen(&html).lines().nth(1).unwrap().to_owned()
    };
    let until = "2026-11-20T22:00:00Z".parse().unwrap();
    let html = [
        Notice::Done {
            until,
            wakes: true,
            dry_run: false,
            outlook: Some(Outlook {
                awake: 1,
                ..Outlook::default()
            }),
        },
        Notice::Done {
            until,
            wakes: true,
            dry_run: true,
            outlook: None,
        },
        Notice::NotSent,
        Notice::WrongHours,
        Notice::Failed,
    ]
    .map(with);
    insta::assert_snapshot!(html.join("\n"), @"
    Done: awake until Fri 20 Nov 23:00 (Europe/Berlin).
    Recorded until Fri 20 Nov 23:00 (Europe/Berlin), and nothing else was done.
    Nothing was changed: this was not sent from the page that this browser was shown. Open the link again.
    Nothing was changed: choose a whole number of hours, 1 to 12.
    Nothing was changed: it could not be written down. Try again in a few minutes.
    ");
}

#[test]
fn who_may_not_is_told_so_and_gets_no_form() {
    let html = page(LinkAction::Wake, |view| {
        show(&View {
            may: false,
            seal: None,
            ..view
        })
    });
    assert!(!html.contains("<form"), "{html}");
    assert!(html.contains("lead@example.com may not ask for this."));
}

#[test]
fn two_hundred_services_and_more_are_a_number() {
    let offer = offer(230);
    let html = page(LinkAction::Wake, |view| {
        show(&View {
            offer: &offer,
            ..view
        })
    });
    assert_eq!(html.matches("<li dir=").count(), 200);
    assert!(html.contains("and 30 more"));
}

#[test]
fn names_are_escaped_and_there_is_no_script() {
    let mut offer = offer(1);
    offer.services[0] = "<script>alert(1)</script>&\"".into();
    let html = page(LinkAction::Wake, |view| {
        show(&View {
            offer: &offer,
            ..view
        })
    });
    assert!(!html.contains("<script"), "{html}");
}

#[test]
fn a_page_in_chinese_says_so() {
    let html = page(LinkAction::Snooze(0), |view| {
        show(&View {
            texts: Texts::of(Language::Chinese),
            ..view
        })
    });
    assert!(html.contains("<html lang=\"zh-Hans\">"));
    assert!(html.contains("推迟休眠"), "{html}");
}
