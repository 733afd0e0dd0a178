//! JSON expectations as a suite writes them, against bodies.

use std::sync::Arc;

use super::tests::{evidence, values};
use super::*;
use crate::measurement::Measurement;
use crate::probe::Probe;
use crate::suite::Suite;
use crate::template::Values;

/// What came of `json: { path: …, … }` with a body: the measurement, and all findings in words.
fn judged(json: &str, body: &str) -> (Measurement, String) {
    let suite = suite(json).unwrap_or_else(|problems| panic!("{problems}"));
    let values = Values {
        names: Arc::new(suite.vars.clone()),
        ..values()
    };
    let findings = evaluate(
        &suite.checks[0].expect,
        &evidence(body),
        &values,
        &Arc::default(),
    );
    let words: Vec<String> = findings.iter().map(words).collect();
    let any = |expected| {
        findings
            .iter()
            .any(|finding| finding.measurement == expected)
    };
    let measurement = match () {
        () if any(Measurement::Failed) => Measurement::Failed,
        () if any(Measurement::Errored) => Measurement::Errored,
        () => Measurement::Passed,
    };
    (measurement, words.join("; "))
}

fn words(finding: &Finding) -> String {
    let (Actual::Words(got) | Actual::Value(got)) = &finding.got;
    let expected = finding.expected.as_deref().unwrap_or_default();
    format!("{} {expected}: {got}", finding.demand)
}

fn suite(json: &str) -> Result<Suite, crate::suite::SuiteProblems> {
    let text = format!(
        "version: 1
name: shop
vars: {{ dots: '..', key: orders, place: 1, id: 9007199254740993, sha: abc, path: '$.a[0]', list: 'a, 0' }}
checks:
  - name: a
    http: GET /
    expect:
      - json: {{ {json} }}
"
    );
    Suite::parse("suite.yaml", &text)
}

fn measured(json: &str, body: &str) -> Measurement {
    judged(json, body).0
}

fn refused(json: &str) -> String {
    suite(json).unwrap_err().to_string()
}

const PASSED: Measurement = Measurement::Passed;
const FAILED: Measurement = Measurement::Failed;
const ERRORED: Measurement = Measurement::Errored;

#[test]
fn an_order_is_selected_by_its_very_id() {
    let json = "path: '$.orders[?@.id == 9007199254740993].state', equals: paid";
    let paid = r#"{"id": 9007199254740992, "state": "paid"}"#;
    let cancelled = r#"{"id": 9007199254740993, "state": "cancelled"}"#;
    let both = format!(r#"{{"orders": [{paid}, {cancelled}]}}"#);
    let neighbour = format!(r#"{{"orders": [{paid}]}}"#);
    assert_eq!(measured(json, &both), FAILED);
    assert_eq!(measured(json, &neighbour), FAILED);
    assert_eq!(
        measured(
            "path: '$.orders[?@.id == {{ id }}].state', equals: cancelled",
            &both
        ),
        PASSED
    );
    let large = r#"{"orders": [{"id": 36893488147419103232, "n": 1}, {"id": 36893488147419103233, "n": 2}]}"#;
    assert_eq!(
        measured(
            "path: '$.orders[?@.id > 36893488147419103232].n', equals: 2",
            large
        ),
        PASSED
    );
    assert_eq!(
        measured(
            "path: '$.orders[?@.id <= 36893488147419103232].n', equals: 1",
            large
        ),
        PASSED
    );
}

#[test]
fn numbers_of_any_size_are_compared_exactly() {
    for [json, body] in [
        [
            "path: $, equals: 18446744073709551615",
            "18446744073709551614",
        ],
        [
            "path: $, equals: 36893488147419103232",
            "36893488147419103233",
        ],
        ["path: $, equals: 0.1", "0.10000000000000000001"],
        ["path: $, not_equals: 1e999", "10e998"],
        [
            "path: $, greater_than: 18446744073709551615",
            "18446744073709551615",
        ],
        ["path: $, less_than: 1e400", "1e400"],
        [
            "path: $, contains: 18446744073709551615",
            "[18446744073709551614]",
        ],
        [
            "path: $, equals: { a: [18446744073709551615] }",
            r#"{"a":[18446744073709551614]}"#,
        ],
        ["path: $, equals: 7", "\"7\""],
        ["path: $, type: integer", "7.5"],
        ["path: $, type: integer", "9007199254740993.00000001"],
        ["path: $, equals: '{{ id }}'", "9007199254740992"],
    ] {
        assert_eq!(measured(json, body), FAILED, "{json} {body}");
    }
    for [json, body] in [
        [
            "path: $, equals: 18446744073709551615",
            "18446744073709551615.0",
        ],
        ["path: $, equals: 1.10", "1.1"],
        ["path: $, equals: 7", "70e-1"],
        ["path: $, equals: 0", "-0"],
        ["path: $, not_equals: 1e999", "1e998"],
        [
            "path: $, greater_than: 18446744073709551614",
            "18446744073709551615",
        ],
        ["path: $, less_than: 1e999", "1e998"],
        ["path: $, type: integer", "36893488147419103233"],
        ["path: $, type: integer", "7.0"],
        ["path: $, type: integer", "1e999999999"],
        ["path: $, greater_than: '{{ id }}'", "9007199254740994"],
    ] {
        assert_eq!(measured(json, body), PASSED, "{json} {body}");
    }
}

#[test]
fn a_value_may_have_one_of_several_types() {
    let scalar = "path: $, type: [string, number, boolean]";
    for body in ["\"a\"", "7.5", "false"] {
        assert_eq!(measured(scalar, body), PASSED, "{body}");
    }
    for body in ["null", "[]", "{}", "[1]"] {
        assert_eq!(measured(scalar, body), FAILED, "{body}");
    }
    assert_eq!(measured("path: $, type: [integer, array]", "7.0"), PASSED);
    assert_eq!(measured("path: $, type: [integer, array]", "7.5"), FAILED);
    assert!(suite("path: $, type: [string, array], contains: a").is_ok());
    for wrong in ["[number, boolean], matches: a", "[]", "[text]"] {
        let refused = suite(&format!("path: $, type: {wrong}"));
        assert!(refused.is_err(), "{wrong}");
    }
}

#[test]
fn limits_may_be_references() {
    assert_eq!(
        measured("path: $, greater_than: '{{ place }}'", "2"),
        PASSED
    );
    assert_eq!(
        measured("path: $, greater_than: '{{ place }}'", "1"),
        FAILED
    );
    assert_eq!(
        measured("path: $, greater_than: '{{ place }}'", "\"2\""),
        FAILED
    );
    assert_eq!(
        measured("path: $, less_than: '-{{ place }}e3'", "-1001"),
        PASSED
    );
    // What only a run can know may turn out to be no number.
    assert_eq!(
        measured("path: $, less_than: '{{ target.version }}'", "1"),
        ERRORED
    );
}

#[test]
fn a_path_that_selects_nothing_meets_nothing() {
    for demand in [
        "not_equals: 1",
        "less_than: 1",
        "exists: true",
        "type: 'null'",
        "length: '<= 9'",
    ] {
        assert_eq!(
            measured(&format!("path: $.typo, {demand}"), "{}"),
            FAILED,
            "{demand}"
        );
    }
    assert_eq!(measured("path: $.typo, exists: false", "{}"), PASSED);
}

#[test]
fn what_can_not_be_compared_is_errored_with_the_reason() {
    let (measurement, words) = judged("path: $.n, equals: 1", r#"{"n": 1e1000000000000000000000}"#);
    assert_eq!(measurement, ERRORED);
    insta::assert_snapshot!(words, @"$.n : 1e1000000000000000000000 can't be compared exactly: its exponent has more than 18 digits");
    let (measurement, words) = judged("path: $.id, equals: 1", r#"{"id": 1, "id": 2}"#);
    assert_eq!(measurement, ERRORED);
    insta::assert_snapshot!(words, @r#"$.id : the key "id" comes twice in one object (the second at line 1, column 11), and readers differ in which one counts"#);
    assert_eq!(
        measured("path: $, length: 1", r#"{"id": 1, "id": 2}"#),
        ERRORED
    );
    assert_eq!(
        measured(
            "path: $.other, equals: 3",
            r#"{"id": 1, "id": 2, "other": 3}"#
        ),
        PASSED
    );
    assert_eq!(measured("path: $, contains: '?'", r#""\ud800""#), ERRORED);
    assert_eq!(
        measured("path: $, not_equals: \"\\ufffd\"", r#""\ud800""#),
        PASSED
    );
    // One that is known to be wrong outweighs one that is not known.
    assert_eq!(
        measured("path: '$[*]', equals: 1", "[1e1000000000000000000000, 2]"),
        FAILED
    );
}

#[test]
fn values_are_shown_as_they_came() {
    insta::assert_snapshot!(
        judged("path: $.a, equals: 18446744073709551615", r#"{"a": [1.10, {"id": 18446744073709551614}, "x\n"]}"#).1,
        @r#"$.a equal to 18446744073709551615: [1.10,{"id":18446744073709551614},"x\n"]"#
    );
    insta::assert_snapshot!(
        judged("path: '$[*]', equals: 1.50", "[1.0, 2e0, 3, 4, 5, 6, 7]").1,
        @"$[*] equal to 1.50: 1.0, 2e0, 3, 4, 5, 2 more"
    );
}

#[test]
fn a_body_that_is_not_json_is_named() {
    let got = |body: &str| judged("path: $.a, exists: false", body);
    assert_eq!(got("<html>").0, FAILED);
    insta::assert_snapshot!(got("<html>").1, @"$.a in a JSON body : a body that is not JSON: it begins like HTML or XML");
    insta::assert_snapshot!(got("").1, @"$.a in a JSON body : a body that is not JSON: it is empty");
    insta::assert_snapshot!(got("{\"a\": [1,").1, @"$.a in a JSON body : a body that is not JSON: it ends at line 1, column 10, where a value is due");
    insta::assert_snapshot!(got("OK").1, @r#"$.a in a JSON body : a body that is not JSON: "OK" at line 1, column 1, where a value is due"#);
}

#[test]
fn depth_and_work_are_bounded_whatever_a_body_holds() {
    let deep = "[".repeat(1_000_000);
    let (measurement, words) = judged("path: $.a, exists: false", &deep);
    assert_eq!(measurement, ERRORED);
    insta::assert_snapshot!(words, @"$.a : the JSON body is not judged: it is nested deeper than 128 levels (line 1, column 129)");
    let tall = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    for json in [
        "path: '$..*..*..*..*..*', exists: true",
        "path: '${{ dots }}*{{ dots }}*{{ dots }}*{{ dots }}*{{ dots }}*', exists: true",
    ] {
        assert_eq!(measured(json, &tall), ERRORED, "{json}");
    }
    let wide = format!("[{}1]", "{},".repeat(5_000));
    insta::assert_snapshot!(
        judged("path: '$[?count($[*]) == 1]', exists: true", &wide).1,
        @r#"$[?count($[*]) == 1] : it takes more than 10000000 steps in this body; use fewer ".." and smaller filters, or ask for a smaller body"#
    );
}

#[test]
fn paths_are_filled_before_they_are_read() {
    let orders = r#"{"orders": [{"n": 1}, {"n": 2}], "a": [5, 6]}"#;
    assert_eq!(
        measured("path: '$.{{ key }}[{{ place }}].n', equals: 2", orders),
        PASSED
    );
    assert_eq!(measured("path: '{{ path }}', equals: 5", orders), PASSED);
    assert_eq!(
        measured("path: \"$.a[{{ place }}]\", equals: 6", orders),
        PASSED
    );
    assert!(suite("path: '$.{{ target.version }}[{{ target.port }}]', exists: true").is_ok());
    assert!(suite("path: '{{ target.version }}', exists: true").is_ok());
    insta::assert_snapshot!(refused("path: '$.a b.{{ target.version }}', exists: true"), @r#"suite.yaml:8:23: "$.a b.{{ target.version }}", filled as "$.a b.x", is not a JSONPath: white space within a path (character 4); put a name with spaces in brackets and quotes: $['two words']"#);
    insta::assert_snapshot!(refused("path: '$[{{ sha }}]', exists: true"), @r#"suite.yaml:8:23: "$[{{ sha }}]", filled as "$[abc]", is not a JSONPath: a name between brackets stands in quotes (character 3); write $['abc']"#);
    assert_eq!(
        measured("path: '$.{{ target.image }}', exists: true", "{}"),
        ERRORED
    );
}

#[test]
fn slips_in_paths_are_put_right() {
    insta::assert_snapshot!(refused("path: $.not-exist, exists: true"), @r#"suite.yaml:8:23: "$.not-exist" is not a JSONPath: a name after a dot can't have "-" (character 3); write $['not-exist']"#);
    insta::assert_snapshot!(refused("path: '$.[0]', exists: true"), @r#"suite.yaml:8:23: "$.[0]" is not a JSONPath: a dot before a bracket (character 3); write $[0]"#);
    insta::assert_snapshot!(refused("path: total, exists: true"), @r#"suite.yaml:8:23: "total" is not a JSONPath: a path begins with $ (character 1); write $.total"#);
    let parentheses = format!(
        "path: '$[?{}@.a{}]', exists: true",
        "(".repeat(1_000),
        ")".repeat(1_000)
    );
    assert!(
        refused(&parentheses).contains("nested deeper than 32 levels"),
        "{}",
        refused(&parentheses)
    );
    let nested = format!(
        "path: '$[?{}@.a{}]', exists: true",
        "@[?".repeat(20),
        "]".repeat(20)
    );
    assert!(suite(&nested).is_ok());
}

#[test]
fn conditions_that_nothing_can_meet_are_refused() {
    insta::assert_snapshot!(refused("path: $, length: '< 0'"), @r#"suite.yaml:8:34: length: "< 0" can't hold for anything; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(refused("path: $, length: '> 99999999999999999999'"), @r#"suite.yaml:8:34: length: "> 99999999999999999999" can't hold for anything; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(refused("path: $, length: -1"), @r#"suite.yaml:8:34: length: -1 is not a length; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(refused("path: $, less_than: '{{ sha }}'"), @r#"suite.yaml:8:37: less_than is a number, not "abc"; write a number without quotes, or a reference to one"#);
    insta::assert_snapshot!(refused("path: $, less_than: '{{ target.port }} EUR'"), @r#"suite.yaml:8:37: less_than is a number, not "1 EUR"; write a number without quotes, or a reference to one"#);
    for json in [
        "exists: false, equals: 1",
        "type: string, greater_than: 1",
        "type: number, matches: a",
        "type: boolean, length: 3",
        "type: integer, equals: 1.5",
        "equals: abc, length: 2",
        "equals: 5, less_than: 5",
        "equals: 5, not_equals: 5.0",
        "equals: abc, matches: '^b'",
        "equals: [1, 2], contains: 3",
        "greater_than: 5, less_than: 5.0",
        "greater_than: 18446744073709551615, less_than: 18446744073709551615",
        "contains: 7, type: string",
        "matches: a, length: 3, type: array",
    ] {
        let refusal = refused(&format!("path: $, {json}"));
        assert!(
            refusal.contains("contradict each other"),
            "{json}: {refusal}"
        );
    }
    for json in [
        "exists: true, equals: 1",
        "type: integer, equals: 2.0",
        "greater_than: 5, less_than: 6",
        "type: array, contains: 3, length: '> 0'",
        "equals: '{{ id }}', greater_than: '{{ place }}'",
        "equals: abc, length: 3, matches: b, contains: c",
        "not_equals: 1e999",
        "less_than: '-{{ target.port }}.5'",
    ] {
        assert!(suite(&format!("path: $, {json}")).is_ok(), "{json}");
    }
}

#[test]
fn a_suite_sends_numbers_as_it_writes_them() {
    let text = "version: 1
name: shop
vars: { wei: 36893488147419103233, price: 1.10 }
checks:
  - name: a
    http: { method: POST, url: /, json: { id: 18446744073709551615, price: '{{ price }}', wei: '{{ wei }}', far: 1e999, list: [1.0, 2e5] } }
";
    let suite = Suite::parse("suite.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    let Probe::Http(request) = &suite.checks[0].probe else {
        panic!("a request");
    };
    let crate::probe::http::Body::Json(template) = &request.body else {
        panic!("a JSON body");
    };
    let values = Values {
        names: Arc::new(suite.vars.clone()),
        ..Values::default()
    };
    insta::assert_snapshot!(
        template.render(&values).unwrap(),
        @r#"{"id":18446744073709551615,"price":1.10,"wei":36893488147419103233,"far":1e999,"list":[1.0,2e5]}"#
    );
}

#[test]
fn what_must_not_be_is_asked_of_what_could_be() {
    for (json, body, expected) in [
        ("path: $.a, not_contains: x", r#"{"a": "yz"}"#, PASSED),
        ("path: $.a, not_contains: x", r#"{"a": "xyz"}"#, FAILED),
        ("path: $.a, not_contains: 1", r#"{"a": [2, 1.0]}"#, FAILED),
        ("path: $.a, not_contains: 1", r#"{"a": [2, 10]}"#, PASSED),
        ("path: $.a, not_contains: x", r#"{"a": {"y": 1}}"#, PASSED),
        // A number has no parts, so a path that is wrong does not pass.
        ("path: $.a, not_contains: x", r#"{"a": 7}"#, FAILED),
        ("path: $.a, not_contains: 1", r#"{"a": "text"}"#, FAILED),
        ("path: $.b, not_contains: x", r#"{"a": 7}"#, FAILED),
        ("path: $.a, not_matches: '^x'", r#"{"a": "yx"}"#, PASSED),
        ("path: $.a, not_matches: '^x'", r#"{"a": "xy"}"#, FAILED),
        ("path: $.a, not_matches: '^x'", r#"{"a": null}"#, FAILED),
    ] {
        assert_eq!(measured(json, body), expected, "{json} of {body}");
    }
}

#[test]
fn limits_that_are_allowed_themselves() {
    for (json, body, expected) in [
        (
            "path: $, at_least: 9007199254740993",
            "9007199254740993",
            PASSED,
        ),
        (
            "path: $, at_least: 9007199254740993",
            "9007199254740992",
            FAILED,
        ),
        ("path: $, at_most: 0.1", "0.10", PASSED),
        ("path: $, at_most: 0.1", "0.1000000000000000000001", FAILED),
        ("path: $, at_most: '{{ place }}'", "1.0", PASSED),
        ("path: $, at_least: 1", "\"2\"", FAILED),
    ] {
        assert_eq!(measured(json, body), expected, "{json} of {body}");
    }
}

#[test]
fn selected_values_are_counted() {
    let body = r#"{"items": [1, 2, 3]}"#;
    for (json, expected) in [
        ("path: '$.items[*]', count: 3", PASSED),
        ("path: '$.items[*]', count: '>= 4'", FAILED),
        ("path: $.items, count: 1", PASSED),
        ("path: $.typo, count: 0", PASSED),
        // There must be some.
        ("path: $.typo, count: '< 5'", FAILED),
        ("path: '$.items[*]', count: '< 5', at_least: 1", PASSED),
    ] {
        assert_eq!(measured(json, body), expected, "{json}");
    }
    insta::assert_snapshot!(judged("path: '$.items[*]', count: '> 3'", body).1, @"$.items[*] selecting > 3 values : 3 values");
}

#[test]
fn the_length_of_a_secret_is_one_of_the_values_that_are_masked() {
    let suite = suite("path: $.password, length: '> 900'").unwrap();
    let body = evidence(r#"{ "password": "hunter2" }"#);
    let findings = evaluate(&suite.checks[0].expect, &body, &values(), &Arc::default());
    let [finding] = findings.as_slice() else {
        panic!("one finding");
    };
    assert!(finding.sensitive && finding.measurement == Measurement::Failed);
    assert_eq!(finding.demand, "$.password of length");
    assert_eq!(finding.expected.as_deref(), Some("> 900"));
    assert!(matches!(&finding.got, Actual::Value(length) if length == "7"));
}
