//! The words of messages, pages and answers, in each language; complete because each catalogue is one
//! value of one type. Reasons come from what decided and stay English, as AWS's own words do.

mod en;
mod zh;

use channels::fill;
use contacts::Language;
use environments::outlook::Outlook;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Names in one line.
const MAX_NAMES: usize = 5;

/// One language. Names in braces are filled in.
#[derive(Debug)]
#[allow(missing_docs, reason = "the texts explain themselves")]
pub struct Texts {
    pub lang: &'static str,
    pub date: &'static str,
    pub services: Plural,
    pub tasks: Plural,
    pub hours: Plural,
    pub minutes: Plural,
    pub problems: Plural,
    pub footer: &'static str,
    pub where_: &'static str,
    pub and_more: &'static str,

    pub notice_title: &'static str,
    pub notice_when: &'static str,
    pub notice_schedule: &'static str,
    pub notice_wakes: &'static str,
    pub notice_links: &'static str,
    pub notice_list: &'static str,
    pub until: &'static str,
    pub until_tomorrow: &'static str,
    pub wake_later: &'static str,

    pub morning_good: &'static str,
    pub morning_bad: &'static str,
    pub morning_lead: &'static str,
    pub morning_saved: &'static str,
    pub morning_unsized: &'static str,
    pub failed: &'static str,
    pub conflicts: &'static str,
    pub pending: &'static str,
    pub deferred: &'static str,
    pub woken: &'static str,
    pub remedy: &'static str,
    pub by_hand: &'static str,
    pub deferred_until: &'static str,

    pub problems_title: &'static str,
    pub problems_run: &'static str,
    pub problems_run_lead: &'static str,
    pub problems_once: &'static str,
    pub unread: &'static str,
    pub stuck: &'static str,
    pub unmet: &'static str,
    pub restarted: &'static str,
    pub restarted_line: &'static str,
    pub more_in_log: &'static str,

    pub page_snooze: &'static str,
    pub page_wake: &'static str,
    pub page_sleeps_at: &'static str,
    pub page_asleep: &'static str,
    pub page_snooze_does: &'static str,
    pub page_wake_does: &'static str,
    pub page_services: &'static str,
    pub page_hours: &'static str,
    pub page_hours_hint: &'static str,
    pub page_anonymous: &'static str,
    pub page_do_snooze: &'static str,
    pub page_do_wake: &'static str,
    pub page_may_not: &'static str,
    pub page_not_sent: &'static str,
    pub page_wrong_hours: &'static str,
    pub page_failed: &'static str,
    pub page_done: &'static str,
    pub page_done_before: &'static str,
    pub page_done_wake: &'static str,
    pub page_done_none: &'static str,
    pub page_done_dry_run: &'static str,
    pub page_done_unread: &'static str,
    pub page_reload: &'static str,

    pub reply_working: &'static str,
    pub reply_help: &'static str,
    pub reply_unclear: &'static str,
    pub reply_may_not: &'static str,
    pub reply_failed: &'static str,
    pub reply_none: &'static str,
    pub reply_up: &'static str,
    pub reply_snoozed: &'static str,
    pub reply_none_awake: &'static str,
    pub reply_unread: &'static str,
    pub stays_down: &'static str,
    pub reply_too_old: &'static str,
    pub reply_over: &'static str,
    pub reply_dry_run: &'static str,
    pub reply_recorded: &'static str,
    pub status_title: &'static str,
    pub status_line: &'static str,
    pub status_sleeps: &'static str,
    pub status_wakes: &'static str,
    pub status_attention: &'static str,
}

/// A noun with its number: `{n}`.
#[derive(Debug)]
pub struct Plural {
    /// For one.
    pub one: &'static str,
    /// For any other number.
    pub other: &'static str,
}

impl Plural {
    /// With its number.
    pub fn of(&self, n: usize) -> String {
        let text = if n == 1 { self.one } else { self.other };
        fill(text, &[("n", &n.to_string())])
    }
}

impl Texts {
    /// The catalogue of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::TEXTS,
            Language::Chinese => &zh::TEXTS,
        }
    }

    /// The first names of a list, and how many more there are.
    pub fn names(&self, names: &[impl AsRef<str>]) -> String {
        let shown = names.iter().take(MAX_NAMES).map(AsRef::as_ref);
        let list = shown.collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(MAX_NAMES) {
            0 => list,
            more => format!(
                "{list} {}",
                fill(self.and_more, &[("n", &more.to_string())])
            ),
        }
    }

    /// Which services stay down and why, a line for each reason.
    pub fn stays_down(&self, outlook: &Outlook, zone: &Zone) -> Vec<String> {
        let reasons = outlook.reasons(&zone.zone);
        let line = |(why, places): (String, &[String])| {
            let values = [("names", &*self.names(places)), ("why", &why)];
            fill(self.stays_down, &values)
        };
        reasons.map(line).collect()
    }

    /// `Fri 20 Nov`
    pub fn day(&self, at: Timestamp, zone: &Zone) -> String {
        at.to_zoned(zone.zone.clone())
            .strftime(self.date)
            .to_string()
    }

    /// `Fri 20 Nov 22:00`
    pub fn moment(&self, at: Timestamp, zone: &Zone) -> String {
        format!("{} {}", self.day(at, zone), zone.time(at))
    }

    /// About how long, in minutes or hours.
    pub fn span(&self, span: SignedDuration) -> String {
        let minutes = usize::try_from(span.as_secs().max(0).saturating_add(59) / 60);
        let minutes = minutes.unwrap_or(usize::MAX);
        if minutes >= 120 && minutes.is_multiple_of(60) {
            self.hours.of(minutes / 60)
        } else {
            self.minutes.of(minutes)
        }
    }
}

/// The zone of the times in messages.
#[derive(Debug, Clone)]
pub struct Zone {
    zone: TimeZone,
    /// Its name.
    pub name: String,
}

impl Zone {
    /// The zone of this name; without one, UTC.
    pub fn of(name: Option<&str>) -> Self {
        let found = name.and_then(|name| Some((TimeZone::get(name).ok()?, name)));
        match found {
            Some((zone, name)) => Self {
                zone,
                name: name.to_owned(),
            },
            None => Self {
                zone: TimeZone::UTC,
                name: "UTC".to_owned(),
            },
        }
    }

    /// `22:00`
    pub fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// The time zone itself.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Each text of a catalogue, by its field, from what `Debug` shows.
    fn texts(texts: &Texts) -> Vec<(String, String)> {
        let shown = format!("{texts:#?}");
        let lines = shown.lines().filter_map(|line| {
            let (name, text) = line.trim().trim_end_matches(',').split_once(": \"")?;
            Some((name.to_owned(), text.trim_end_matches('"').to_owned()))
        });
        lines.collect()
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts
            .filter_map(|part| Some(part.split_once('}')?.0))
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_with_the_same_values() {
        let (english, chinese) = (texts(&en::TEXTS), texts(&zh::TEXTS));
        assert!(english.len() > 70, "{}", english.len());
        for ((name, english), (same, chinese)) in english.iter().zip(&chinese) {
            assert_eq!(name, same);
            assert!(!english.is_empty() && !chinese.is_empty(), "{name}");
            // One form for all numbers may leave the number out of another.
            if name != "one" {
                assert_eq!(placeholders(english), placeholders(chinese), "{name}");
            }
            assert!(english.is_ascii(), "{name}: subjects of SNS are ASCII");
        }
    }

    #[test]
    fn times_are_told_in_the_zone() {
        let zone = Zone::of(Some("Europe/Berlin"));
        let at = "2026-11-20T21:00:00Z".parse().unwrap();
        assert_eq!(en::TEXTS.moment(at, &zone), "Fri 20 Nov 22:00");
        assert_eq!(zh::TEXTS.moment(at, &zone), "11月20日 22:00");
        assert_eq!(Zone::of(Some("Nowhere/Land")).name, "UTC");
        assert_eq!(en::TEXTS.span(SignedDuration::from_secs(61)), "2 minutes");
        assert_eq!(en::TEXTS.span(SignedDuration::from_hours(2)), "2 hours");
        assert_eq!(en::TEXTS.span(SignedDuration::from_mins(90)), "90 minutes");
    }

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let values = [("a", "{b}"), ("b", "2")];
        assert_eq!(fill("{a} {b} {c} {open", &values), "{b} 2 {c} {open");
    }
}
