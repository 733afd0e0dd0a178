//! What can be known of expectations without a server.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::*;
use crate::body::Body;
use crate::measurement::Measurement;
use crate::template::{Template, Var};

pub(super) fn evidence(body: &str) -> Evidence {
    Evidence {
        status: Some(200),
        headers: HeaderMap::new(),
        body: Body::new(body.as_bytes().to_vec(), 1024 * 1024, &HeaderMap::new()),
        body_cut_at: None,
        latency: Duration::from_millis(5),
        exchange: None,
    }
}

pub(super) fn values() -> Values {
    let mut values = Values::default();
    let names = Arc::make_mut(&mut values.names);
    for (name, text) in [("dot", "a.c"), ("limit", "3"), ("words", "many")] {
        names.insert(name.to_owned(), Var::Text(text.to_owned()));
    }
    values
}

fn measured(expectation: Expectation, body: &str) -> Measurement {
    evaluate(&[expectation], &evidence(body), &values(), &Arc::default())[0].measurement
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn body_text(test: TextCondition) -> Expectation {
    Expectation::Body {
        text: vec![test],
        bytes: Vec::new(),
    }
}

#[test]
fn references_in_patterns_are_literal() {
    let pattern = || {
        let template = template("^{{ dot }}$");
        let trial = compile(&Pattern::placeholder(&template), MAX_FILLED_MEMORY).unwrap();
        Pattern::new(template, trial)
    };
    let body = |text: &str| measured(body_text(TextCondition::Matches(pattern())), text);
    assert_eq!(
        (body("a.c"), body("abc")),
        (Measurement::Passed, Measurement::Failed)
    );
}

#[test]
fn a_cut_body_is_never_judged() {
    let cut = Evidence {
        body_cut_at: Some(1024),
        ..evidence("x")
    };
    let missing = || body_text(TextCondition::NotContains(template("error")));
    let findings = evaluate(&[missing()], &cut, &values(), &Arc::default());
    assert_eq!(findings[0].measurement, Measurement::Errored);
    let status = Expectation::Status(vec![StatusRange::SUCCESS]);
    assert_eq!(
        evaluate(&[status], &cut, &values(), &Arc::default())[0].measurement,
        Measurement::Passed
    );
}

#[test]
fn a_missed_latency_never_looks_met() {
    let slow = Evidence {
        latency: Duration::from_micros(800_400),
        ..evidence("")
    };
    let limit = Expectation::Latency(vec![LatencyLimit {
        phase: Phase::Total,
        limit: Duration::from_millis(800),
        inclusive: true,
    }]);
    let finding = &evaluate(&[limit], &slow, &values(), &Arc::default())[0];
    assert_eq!(finding.got, Actual::Words("801ms".to_owned()));
    assert_eq!(finding.measurement, Measurement::Failed);
}
