//! Plan and week as one HTML file: no script, nothing from elsewhere, readable on a phone and by a screen
//! reader. Everything is escaped by the template.

use askama::Template;
use environments::explain::on_clocks;
use environments::plan::{Plan, PlanRow};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strict_yaml::words::count;

use super::snapshot::Snapshot;
use super::week::{Day, Span, Week, WeekRow, Weeks};
use super::{table, times};
use crate::failure::Failure;

#[derive(Template)]
#[template(path = "plan.html")]
struct Page<'a> {
    css: &'static str,
    at: String,
    zone: &'a str,
    totals: String,
    rows: Vec<Line>,
    unselected: Option<String>,
    weeks: Vec<Picture>,
    notes: &'a [String],
    problems: &'a [String],
}

struct Line {
    order: String,
    when: String,
    place: String,
    step: &'static str,
    class: &'static str,
    change: String,
    why: String,
}

struct Picture {
    id: String,
    title: String,
    changes: Vec<String>,
    days: Vec<(String, Option<String>)>,
    rows: Vec<Drawn>,
}

struct Drawn {
    place: String,
    source: String,
    hours: String,
    days: Vec<Column>,
}

struct Column {
    bars: Vec<Bar>,
    told: String,
}

/// In percent of the day's real length.
struct Bar {
    left: f64,
    width: f64,
}

/// The page.
pub(crate) fn page(plan: &Plan, weeks: &Weeks, snapshot: &Snapshot) -> Result<String, Failure> {
    of((plan, weeks), snapshot.zone_name(), &snapshot.problems())
}

fn of((plan, weeks): (&Plan, &Weeks), zone: &str, problems: &[String]) -> Result<String, Failure> {
    let clocks = times::zone(zone).map_err(Failure::Wrong)?;
    let (shown, hidden): (Vec<&PlanRow>, Vec<&PlanRow>) = plan
        .rows
        .iter()
        .partition(|row| row.desired_state.is_some() || row.attention);
    let page = Page {
        css: include_str!("../../templates/plan.css"),
        at: times::written(plan.at, &clocks),
        zone,
        totals: table::totals(&plan.totals),
        rows: shown.iter().map(|row| line(row, &clocks)).collect(),
        unselected: (!hidden.is_empty()).then(|| {
            format!(
                "{} not selected, and not listed.",
                count(hidden.len(), "service")
            )
        }),
        weeks: (1..)
            .zip(&weeks.zones)
            .map(|(number, week)| drawn(number, week))
            .collect(),
        notes: &weeks.notes,
        problems,
    };
    page.render()
        .map_err(|error| Failure::Failed(format!("the page could not be made: {error}")))
}

fn line(row: &PlanRow, clocks: &TimeZone) -> Line {
    let when = |at: Timestamp| at.to_zoned(clocks.clone()).strftime("%H:%M:%S").to_string();
    let class = match &row.step {
        _ if row.attention => "careful",
        step if step.is_up() => "wake",
        step if step.is_down() => "sleep",
        _ => "quiet",
    };
    Line {
        order: row.order.map(|order| order.to_string()).unwrap_or_default(),
        when: row.about_when.map(when).unwrap_or_default(),
        place: row.resource.place(),
        step: table::word(row),
        class,
        change: table::change(row),
        why: on_clocks(&row.why_and_remarks(), clocks),
    }
}

fn drawn(number: usize, week: &Week) -> Picture {
    let days = week.days.iter().map(|day| (day.short(), day.odd_length()));
    let rows = week.rows.iter().map(|row| Drawn {
        place: row.place.clone(),
        source: row.source.clone(),
        hours: format!("{:.0} h", row.hours),
        days: week.days.iter().map(|day| column(week, row, day)).collect(),
    });
    Picture {
        id: format!("week-{number}"),
        title: week.title(),
        changes: week.changes(),
        days: days.collect(),
        rows: rows.collect(),
    }
}

fn column(week: &Week, row: &WeekRow, day: &Day) -> Column {
    let spans: Vec<Span> = row.on_day(day).collect();
    let length = day.length().as_secs_f64();
    let part = |from: Timestamp, until: Timestamp| {
        until.duration_since(from).as_secs_f64() / length * 100.0
    };
    Column {
        bars: spans
            .iter()
            .map(|span| Bar {
                left: part(day.from, span.from),
                width: part(span.from, span.until),
            })
            .collect(),
        told: week.described(day, &spans),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use environments::decide::PlanContext;
    use environments::plan::{Facts, plan};
    use environments::resource::Resource;

    use super::super::week::tests::{config, service};
    use super::super::week::{WeekQuery, weeks};
    use super::*;

    const NIGHT: &str = "2026-03-27T21:00:00Z";

    fn page(services: &[Resource], problems: &[String]) -> String {
        let config = config("zone: Europe/Berlin\n");
        let now: Timestamp = NIGHT.parse().unwrap();
        let ctx = PlanContext {
            now,
            run: "run",
            defer_deadline: config.defer_deadline,
        };
        let facts = Facts {
            resources: services.to_vec(),
            records: HashMap::new(),
            requests: &[],
        };
        let asked = WeekQuery {
            requests: &[],
            at: now,
            first: None,
            zone: None,
        };
        let weeks = weeks(services, &config, asked).unwrap();
        of(
            (&plan(facts, &config, &ctx), &weeks),
            "Europe/Berlin",
            problems,
        )
        .unwrap()
    }

    /// The lines from the first that contains this to the next that contains that.
    fn part<'p>(page: &'p str, from: &str, until: &str) -> &'p str {
        let start = page.find(from).unwrap();
        let end = page[start..].find(until).unwrap() + until.len();
        &page[start..start + end]
    }

    #[test]
    fn a_row_and_its_week() {
        let page = page(
            &[service("web", "Sat-Sun 01:30-03:30 + Fri 09:00-22:00")],
            &[],
        );
        insta::assert_snapshot!(part(&page, "<tbody role=\"rowgroup\">", "</tbody>"), @r#"
        <tbody role="rowgroup">
        <tr role="row">
        <td role="cell" data-label="Order">1</td>
        <td role="cell" data-label="About when">22:00:00</td>
        <th role="rowheader" scope="row">dev/web</th>
        <td role="cell" data-label="Do"><span class="step sleep">sleep</span></td>
        <td role="cell" data-label="Is → to be">2 → 0</td>
        <td role="cell" data-label="Why">outside all windows</td>
        </tr>
        </tbody>
        "#);
        insta::assert_snapshot!(part(&page, "<table class=\"week\">", "</table>"), @r#"
        <table class="week">
        <thead><tr>
        <th scope="col">Service</th>
        <th scope="col">Fri 27</th>
        <th scope="col">Sat 28</th>
        <th scope="col">Sun 29 <small>23 h</small></th>
        <th scope="col">Mon 30</th>
        <th scope="col">Tue 31</th>
        <th scope="col">Wed 01</th>
        <th scope="col">Thu 02</th>
        <th scope="col">On</th>
        </tr></thead>
        <tbody>
        <tr>
        <th scope="row">dev/web <small>tag deploy-hooks:schedule: Sat-Sun 01:30-03:30 + Fri 09:00-22:00</small></th>
        <td><span class="bar" aria-hidden="true"><i style="left:37.50%;width:54.17%"></i></span>09:00–22:00</td>
        <td><span class="bar" aria-hidden="true"><i style="left:6.25%;width:8.33%"></i></span>01:30–03:30</td>
        <td><span class="bar" aria-hidden="true"><i style="left:6.52%;width:4.35%"></i></span>01:30–03:30</td>
        <td><span class="bar" aria-hidden="true"></span>off</td>
        <td><span class="bar" aria-hidden="true"></span>off</td>
        <td><span class="bar" aria-hidden="true"></span>off</td>
        <td><span class="bar" aria-hidden="true"></span>off</td>
        <td class="hours">16 h</td>
        </tr>
        </tbody>
        </table>
        "#);
        insta::assert_snapshot!(part(&page, "<p class=\"careful\">", "</p>"), @r#"<p class="careful">Sunday, 2026-03-29 has 23 h: at 02:00 the clocks go forward to 03:00.</p>"#);
    }

    #[test]
    fn what_comes_from_elsewhere_is_text() {
        let evil = "<img src=x onerror=alert(1)>\"'&";
        let page = page(
            &[service("web", evil), service(evil, "always")],
            &[evil.to_owned()],
        );
        assert!(!page.contains("<img"), "{page}");
        assert!(
            page.contains("&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;"),
            "{page}"
        );
        assert!(page.contains("Not read"));
    }
}
