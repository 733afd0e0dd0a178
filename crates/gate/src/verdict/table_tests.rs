//! The table of `docs/verdict.md`, row by row.

use super::*;
use crate::suite::Suite;

const DOC: &str = include_str!("../../../../docs/verdict.md");

fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    let table = DOC
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1);
    table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [rounds, settings, end, verdict] = cells.as_slice() else {
            panic!("{line}");
        };
        [
            rounds.trim_matches('`'),
            settings.trim_matches('`'),
            end,
            verdict,
        ]
    })
}

fn bake(settings: &str) -> Bake {
    let settings = format!("{{ bake: 60s, every: 1s, {settings} }}");
    let suite =
        format!("version: 1\nname: a\ntraffic: {settings}\nchecks: [{{ name: a, http: GET / }}]\n");
    Suite::parse("suite.yaml", &suite)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bake()
}

#[test]
fn every_row_holds() {
    let mut read = 0;
    for [rounds, settings, end, expected] in rows() {
        let end = match end {
            "at the end of the window" => End::Window,
            "early, by success" => End::EarlySuccess,
            "at a limit" => End::Limit,
            "when success was out of reach" => End::OutOfReach,
            "when the time was over" => End::Cut,
            "when somebody stopped it" => End::Stopped,
            other => panic!("{other}"),
        };
        let measured: Vec<Measurement> = rounds
            .chars()
            .map(|letter| Measurement::of_letter(letter).unwrap_or_else(|| panic!("{rounds}")))
            .collect();
        let verdict = judge(&RunHistory {
            stage: Stage::PostTraffic,
            bake: bake(settings),
            policy: InconclusivePolicy::Fail,
            dry_run: false,
            end,
            elapsed: Duration::from_mins(1),
            checks: vec![CheckHistory {
                name: "a".to_owned(),
                severity: Severity::Required,
                counters: Counters::of(&measured),
                detail: String::new(),
            }],
        });
        let got = verdict.conclusion.as_str();
        assert_eq!(
            got, expected,
            "{rounds} {settings} {end:?}: {:?}",
            verdict.reasons
        );
        read += 1;
    }
    assert!(read >= 25, "only {read} rows were read");
}
