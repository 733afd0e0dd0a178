//! What can be known of expectations without a server.

use serde_json::json;

use super::*;
use crate::template::{Template, Var};

fn evidence(body: &str) -> Evidence {
    Evidence {
        status: 200,
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
        body_cut_at: None,
        latency: Duration::from_millis(5),
    }
}

fn values() -> Values {
    let mut values = Values::default();
    let text = |text: &str| Var::Text(text.to_owned());
    values.names.insert("dot".to_owned(), text("a.c"));
    values.names.insert("limit".to_owned(), text("3"));
    values.names.insert("words".to_owned(), text("many"));
    values
}

fn measured(expectation: Expectation, body: &str) -> Measurement {
    evaluate(&[expectation], &evidence(body), &values())[0].measurement
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn on_json(path: &str, test: JsonTest, body: &str) -> Measurement {
    let path = Path::new(template(path)).unwrap();
    measured(
        Expectation::Json {
            path,
            tests: vec![test],
        },
        body,
    )
}

#[test]
fn references_in_patterns_are_literal() {
    let pattern = || {
        let template = template("^{{ dot }}$");
        let trial = compile(&Pattern::stand_in(&template), MAX_FILLED_MEMORY).unwrap();
        Pattern::new(template, trial)
    };
    let body = |text: &str| measured(Expectation::Body(vec![TextTest::Matches(pattern())]), text);
    assert_eq!(
        (body("a.c"), body("abc")),
        (Measurement::Passed, Measurement::Failed)
    );
}

#[test]
fn limits_may_be_references() {
    let more = |name: &str| JsonTest::GreaterThan(Shape::Text(template(name)));
    assert_eq!(on_json("$", more("{{ limit }}"), "4"), Measurement::Passed);
    assert_eq!(on_json("$", more("{{ limit }}"), "3"), Measurement::Failed);
    assert_eq!(
        on_json("$", more("{{ limit }}"), "\"4\""),
        Measurement::Failed
    );
    assert_eq!(on_json("$", more("{{ words }}"), "4"), Measurement::Errored);
}

#[test]
fn numbers_are_compared_as_numbers() {
    let equal = |wanted: serde_json::Value| JsonTest::Equals(Shape::Fixed(wanted));
    assert_eq!(on_json("$", equal(json!(7.0)), "7"), Measurement::Passed);
    assert_eq!(
        on_json("$", equal(json!({ "a": [1.0] })), "{\"a\":[1]}"),
        Measurement::Passed
    );
    // Neighbours that a float can't tell apart.
    assert_eq!(
        on_json(
            "$",
            equal(json!(9_007_199_254_740_993_u64)),
            "9007199254740992"
        ),
        Measurement::Failed
    );
    assert_eq!(on_json("$", equal(json!(null)), "0"), Measurement::Failed);
}

#[test]
fn a_path_that_selects_nothing_meets_nothing() {
    for test in [
        JsonTest::NotEquals(Shape::Fixed(json!(1))),
        JsonTest::LessThan(Shape::Fixed(json!(1))),
        JsonTest::Exists(true),
        JsonTest::Type(JsonType::Null),
        JsonTest::Length(Comparison {
            operator: Operator::AtMost,
            number: 9,
        }),
    ] {
        assert_eq!(on_json("$.typo", test, "{}"), Measurement::Failed);
    }
    assert_eq!(
        on_json("$.typo", JsonTest::Exists(false), "{}"),
        Measurement::Passed
    );
}

#[test]
fn a_cut_body_is_never_judged() {
    let cut = Evidence {
        body_cut_at: Some(1024),
        ..evidence("x")
    };
    let missing = || Expectation::Body(vec![TextTest::NotContains(template("error"))]);
    let findings = evaluate(&[missing()], &cut, &values());
    assert_eq!(findings[0].measurement, Measurement::Errored);
    let status = Expectation::Status(vec![StatusRange::SUCCESS]);
    assert_eq!(
        evaluate(&[status], &cut, &values())[0].measurement,
        Measurement::Passed
    );
}

#[test]
fn descents_are_counted_outside_of_strings() {
    assert!(!too_wild("$..a..b"));
    assert!(too_wild("$..a..b..c"));
    assert!(!too_wild("$['..']['..'][\"..\"]..a"));
}

#[test]
fn a_missed_latency_never_looks_met() {
    let slow = Evidence {
        latency: Duration::from_micros(800_400),
        ..evidence("")
    };
    let limit = Expectation::Latency {
        limit: Duration::from_millis(800),
        inclusive: true,
    };
    let finding = &evaluate(&[limit], &slow, &values())[0];
    assert_eq!(finding.got, Got::Words("801ms".to_owned()));
    assert_eq!(finding.measurement, Measurement::Failed);
}
