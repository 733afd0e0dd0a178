//! What people read on the page, from synthetic runs: the text without its markup.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::Outcome;
use crate::bake::Bake;
use crate::expect::{Actual, Finding};
use crate::recorder::{Attempt, RoundRecord, TryRecord};
use crate::redact::Redactor;
use crate::run::rounds_end::RoundsEnd;
use crate::suite::Suite;
use crate::verdict::{Counters, End, InconclusivePolicy};

/// The words of a page, a line for each block.
fn text_of(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    let blocks = [
        "h1", "h2", "h3", "li", "dl", "p", "details", "summary", "tr", "pre",
    ];
    let mut lines = vec![String::new()];
    for (tag, text) in body.split('<').filter_map(|piece| piece.split_once('>')) {
        if blocks.contains(&tag.split(' ').next().unwrap_or_default()) {
            lines.push(String::new());
        }
        let text = text.trim().replace("&#34;", "\"").replace("&#39;", "'");
        let line = lines.last_mut().unwrap();
        if !text.is_empty() {
            let joint = if line.is_empty() { "" } else { " | " };
            line.push_str(joint);
            line.push_str(&text);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn title(page: &str) -> &str {
    let (_, rest) = page.split_once("<title>").unwrap();
    rest.split_once("</title>").unwrap().0
}

/// One try of `millis`, from `started` on.
fn one_try(measurement: Measurement, started: u64, millis: u64) -> TryRecord {
    let (error, status) = match measurement {
        Measurement::Passed => (None, 200),
        Measurement::Failed => (None, 503),
        _ => (
            Some("the name \"shop.invalid\" could not be resolved".to_owned()),
            0,
        ),
    };
    let finding = Finding {
        demand: "status 2xx".to_owned(),
        expected: None,
        got: Actual::Words(status.to_string()),
        measurement,
        sensitive: false,
    };
    TryRecord {
        attempt: Attempt {
            measurement,
            duration: Duration::from_millis(millis),
            request: Some("GET https://shop.example.com/checkout".to_owned()),
            status: error.is_none().then_some(status),
            findings: if error.is_none() {
                vec![finding]
            } else {
                Vec::new()
            },
            error,
            body: (measurement == Measurement::Failed).then(|| "no database".to_owned()),
            ..Attempt::begun(Duration::from_millis(started))
        },
        steps: Vec::new(),
        not_reached: Vec::new(),
        of_release: true,
    }
}

fn round(measurement: Measurement, started: u64, tries: usize) -> RoundRecord {
    let records =
        (0..tries).map(|n| one_try(measurement, started + 1_000 * n as u64, 20 + n as u64));
    RoundRecord {
        measurement,
        started: Duration::from_millis(started),
        duration: Duration::from_millis(1_000 * tries as u64),
        tries: records.collect(),
        left_out: 0,
        thinned: false,
        repeated: tries > 1,
    }
}

/// The report of a run in which the checks came to these rounds.
fn report_of(checks: Vec<(&str, &str, Vec<RoundRecord>)>, bake: Bake) -> Report {
    let lines: Vec<String> = checks
        .iter()
        .map(|(name, severity, _)| {
            format!("  - {{ name: {name}, severity: {severity}, http: GET / }}\n")
        })
        .collect();
    let text = format!("version: 1\nname: shop\nchecks:\n{}", lines.concat());
    let suite = Suite::parse("suite.yaml", &text).unwrap();
    let stage = if bake.window.is_zero() {
        Stage::PreTraffic
    } else {
        Stage::PostTraffic
    };
    build(&ReportInput {
        suite: "shop",
        stage,
        address: None,
        facts: BTreeMap::from([("image".to_owned(), "shop:1.2.0".to_owned())]),
        redactor: &Redactor::default(),
        started: Timestamp::UNIX_EPOCH,
        finished: Timestamp::UNIX_EPOCH,
        bake,
        elapsed: Duration::from_secs(4),
        policy: InconclusivePolicy::Fail,
        dry_run: false,
        overridable: false,
        seed: None,
        files: &[],
        finish: RoundsEnd::Ended(End::Window),
        refusals: Vec::new(),
        earlier: None,
        checks: suite
            .checks
            .iter()
            .zip(checks)
            .map(|(check, (_, _, rounds))| {
                let mut counters = Counters::default();
                for round in &rounds {
                    counters.add(round.measurement);
                }
                CheckRecord {
                    check,
                    counters,
                    rounds,
                }
            })
            .collect(),
    })
}

#[test]
fn what_failed_comes_first_and_equal_tries_come_once() {
    use Measurement::{Errored, Failed, NoData, Passed};
    let report = report_of(
        vec![
            ("fine", "required", vec![round(Passed, 0, 1)]),
            ("advice", "advisory", vec![round(Failed, 0, 1)]),
            (
                "late",
                "required",
                vec![RoundRecord {
                    tries: Vec::new(),
                    ..round(NoData, 0, 0)
                }],
            ),
            ("resolves", "required", vec![round(Errored, 0, 1)]),
            ("checkout", "required", vec![round(Failed, 0, 3)]),
        ],
        Bake::ONE_ROUND,
    );
    let page = html(&report);
    assert_eq!(title(&page), "Failed: shop, pre-traffic");
    insta::assert_snapshot!(text_of(&page), @r#"
    shop | pre-traffic gate | 1970-01-01 00:00:00 UTC
    This release may not have traffic
    check "checkout" failed: expected status 2xx, got 503
    check "resolves" errored: the name "shop.invalid" could not be resolved
    check "late" was not measured before the deadline
    advisory check "advice" failed (never blocks): expected status 2xx, got 503
    checks | 5 | passed | 1 | failed | 2 | errored | 1 | no data | 1 | took | 4s
    Checks
    passed | × | failed | ? | inconclusive | ! | errored | – | no data | One bar is one try. | Result | Check | 0ms | 1s | 2s | 3s | 4s | took
    failed | checkout | 3s
    Tries 1 to 3, all alike | failed | after 0ms to 2s, took 20ms to 22ms each
    GET https://shop.example.com/checkout → 503
    Result | Expected | Got
    failed | status 2xx | 503
    no database
    errored | resolves | 1s
    Try 1 | errored | after 0ms, took 20ms
    GET https://shop.example.com/checkout
    the name "shop.invalid" could not be resolved
    no data | late | 0ms
    No try was finished.
    failed | advice | advisory | 1s
    Try 1 | failed | after 0ms, took 20ms
    GET https://shop.example.com/checkout → 503
    Result | Expected | Got
    failed | status 2xx | 503
    no database
    passed | fine | 1s
    Try 1 | passed | after 0ms, took 20ms
    GET https://shop.example.com/checkout → 200
    Result | Expected | Got
    passed | status 2xx | 200
    Target | what was known of it
    image | shop:1.2.0
    Bodies are shown up to 500 characters.
    Secrets are masked as ***. Times are UTC.
    "#);
    // Programs get every try, and the order of the suite.
    assert_eq!(report.checks[0].name, "fine");
    assert_eq!(report.checks[4].rounds[0].tries.len(), 3);
}

#[test]
fn a_bake_counts_its_rounds() {
    use Measurement::{Failed, Passed};
    let rounds = |failing: &[usize]| -> Vec<RoundRecord> {
        (0..11_usize)
            .map(|n| {
                let failed = failing.contains(&n);
                let thinned = !failed && n != 0 && n != 10;
                let measurement = if failed { Failed } else { Passed };
                let tries = if thinned {
                    0
                } else if failed {
                    2
                } else {
                    1
                };
                RoundRecord {
                    thinned,
                    ..round(measurement, 1_000 * n as u64, tries)
                }
            })
            .collect()
    };
    let bake = Bake {
        window: Duration::from_secs(10),
        every: Duration::from_secs(1),
        failure_limit: 3,
        ..Bake::ONE_ROUND
    };
    let names = ["a", "b", "c", "d"];
    let mut checks: Vec<_> = names
        .iter()
        .map(|name| (*name, "required", rounds(&[])))
        .collect();
    checks.push(("worn", "required", rounds(&[3, 4, 5])));
    let report = report_of(checks, bake);
    let text = text_of(&html(&report));
    insta::assert_snapshot!(text.split_once("Result").unwrap().1.split_once("passed | a").unwrap().0, @"
     | Check | Rounds, first to last | passed
    passed | worn | × | × | × | 8/11
    Round 1, try 1 |
    ");
    insta::assert_snapshot!(report.notes.join("\n"), @"
    Of each check, the first round, the last one and the first 10 that did not pass are shown with their tries; the strip has every round.
    Bodies are shown up to 500 characters.
    ");
}

#[test]
fn a_refused_gate_says_what_it_is_about() {
    let titled = |suite: &str, facts: &[(&str, &str)]| {
        let facts = facts
            .iter()
            .map(|(key, fact)| ((*key).to_owned(), (*fact).to_owned()));
        let reasons = vec!["the suite could not be loaded".to_owned()];
        let outcome = Outcome::refused(suite, Stage::PreTraffic, facts.collect(), reasons);
        html(&outcome.report)
    };
    for (suite, facts, expected) in [
        ("shop suite", &[("application", "shop")][..], "shop suite"),
        (
            "",
            &[("application", "shop"), ("deployment_id", "d-1")],
            "shop",
        ),
        ("", &[("deployment_id", "d-1")], "d-1"),
        ("", &[("function", "orders")], "orders"),
        (" ", &[], "no suite loaded"),
    ] {
        assert_eq!(
            title(&titled(suite, facts)),
            format!("Failed: {expected}, pre-traffic")
        );
    }
    let page = titled("", &[("application", "shop"), ("deployment_id", "d-1")]);
    let text = text_of(&page);
    let text = text
        .lines()
        .filter(|line| !line.ends_with(" UTC"))
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(text, @"
    This release may not have traffic: nothing was measured
    the suite could not be loaded
    Target | what was known of it
    application | shop
    deployment id | d-1
    Secrets are masked as ***. Times are UTC.
    ");
}

#[test]
fn much_that_was_met_is_folded_behind_what_was_not() {
    let with = |met: usize| {
        let mut failed = round(Measurement::Failed, 0, 1);
        let findings = &mut failed.tries[0].attempt.findings;
        for number in 0..met {
            let met = Finding::new(
                format!("fact {number}"),
                Actual::Words("so".to_owned()),
                true,
            );
            findings.insert(0, met);
        }
        let report = report_of(vec![("it", "required", vec![failed])], Bake::ONE_ROUND);
        let text = text_of(&html(&report));
        let (_, table) = text.split_once("Expected | Got\n").unwrap();
        let table: Vec<&str> = table.lines().collect();
        table.join("\n")
    };
    let few = with(4);
    assert!(few.starts_with("passed | fact 3 | so\n"), "{few}");
    let many = with(5);
    let expected = "failed | status 2xx | 503\n5 expectations were met\n\
                    Result | Expected | Got\npassed | fact 4 | so\n";
    assert!(many.starts_with(expected), "{many}");
}
