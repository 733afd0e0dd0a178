//! What a check has whatever its probe is.

use std::time::Duration;

use super::*;

#[test]
fn the_defaults_are_the_documented_ones() {
    let suite = parsed(&one_check("http: GET /"));
    let check = &suite.checks[0];
    assert_eq!(suite.limits.concurrency, 10);
    assert_eq!(check.on, [Stage::PreTraffic, Stage::PostTraffic]);
    assert_eq!(check.severity, Severity::Required);
    assert_eq!(
        check.retry,
        RetryPolicy {
            timeout: Duration::from_secs(5),
            retries: 2,
            retry_every: Duration::from_secs(1),
            within: None,
        }
    );
    assert_eq!(suite.bake(), Bake::ONE_ROUND);
    assert!(matches!(check.expect.as_slice(), [Expectation::Status(ranges)] if ranges.len() == 1));
}

#[test]
fn a_check_has_one_probe() {
    insta::assert_snapshot!(problems_of_check("http: GET /\nalarms: []"), @r"
    suite.yaml:6:13: a check has one probe, not both `http` and `alarms`; make a check of each
    suite.yaml:6:13: alarms has 0 entries; name 1 to 100 alarms
    ");
    insta::assert_snapshot!(problems_of_check("alarms: a"), @"suite.yaml:5:13: alarms is a list, not text; write each item in a line of its own, after `- `");
    insta::assert_snapshot!(problems_of_check("alarms: [a, '', '{{ typo }}', [b]]"), @r"
    suite.yaml:5:17: the name of an alarm is empty; write its name
    suite.yaml:5:21: {{ typo }} refers to nothing; declare it under vars or secrets
    suite.yaml:5:35: the name of an alarm is text, not a list; write one value, in quotes if it is empty
    ");
    insta::assert_snapshot!(problems_of_check("alarms: [a]\nexpect: [{ status: 200 }, { latency: '< 1s' }, { json: { path: $.a, exists: true } }]"), @r"
    suite.yaml:6:14: what `alarms` measures has no status; remove it: `alarms` has conditions of its own
    suite.yaml:6:31: what `alarms` measures has no latency; remove it: `alarms` has conditions of its own
    suite.yaml:6:52: `json` needs body, and what `alarms` measures has none; remove it: `alarms` has conditions of its own
    ");
}

#[test]
fn tags_and_seeds_are_checked() {
    insta::assert_snapshot!(problems_of_check("http: GET /\ntags: [smoke, 'a b']"), @r#"suite.yaml:6:19: "a b" can't be a tag; use up to 50 letters, digits, _ and -, not beginning with a digit"#);
    insta::assert_snapshot!(problems_of_check("http: GET /\ntags: [smoke, smoke]"), @r#"suite.yaml:6:19: the tag "smoke" is there twice; remove one"#);
    insta::assert_snapshot!(problems(&format!("{}seed: xyz", one_check("http: GET /"))), @"suite.yaml:6:7: seed is not a seed; write a whole number, or the 16 hexadecimal digits of a report in quotes");
    let suite = parsed(&format!(
        "{}seed: 00ff00ff00ff00ff",
        one_check("http: GET /\ntags: [smoke]")
    ));
    assert_eq!(suite.seed, Some(0x00ff_00ff_00ff_00ff));
    assert_eq!(suite.checks[0].tags, ["smoke"]);
}
