//! The compliance test suite of RFC 9535, see `compliance/NOTICE` and `compliance/LICENSE`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use exact_json::{Budget, Document, Path};
use serde_json::Value;

/// From <https://github.com/jsonpath-standard/jsonpath-compliance-test-suite>, unchanged.
const CASES: &str = include_str!("compliance/cts.json");

#[test]
fn every_case_of_the_compliance_suite_passes() {
    let suite: Value = serde_json::from_str(CASES).unwrap();
    let cases = suite["tests"].as_array().unwrap();
    assert!(cases.len() > 680);
    let wrong: Vec<String> = cases.iter().filter_map(fault).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

fn fault(case: &Value) -> Option<String> {
    let (name, selector) = (
        case["name"].as_str().unwrap(),
        case["selector"].as_str().unwrap(),
    );
    let wrong_with = |what: String| Some(format!("{name}: {selector:?}: {what}"));
    let path = match (Path::parse(selector), case.get("invalid_selector")) {
        (Ok(_), Some(_)) => return wrong_with("was not refused".to_owned()),
        (Err(_), Some(_)) => return None,
        (Err(error), None) => return wrong_with(format!("was refused: {error}")),
        (Ok(path), None) => path,
    };
    let text = case["document"].to_string();
    let document = Document::parse(text).unwrap();
    let selection = match path.select(&document, &mut Budget::default()) {
        Ok(selection) => selection,
        Err(why) => return wrong_with(why.to_string()),
    };
    let got: Vec<Value> = selection
        .nodes()
        .map(|node| serde_json::from_str(&node.compact(usize::MAX)).unwrap())
        .collect();
    let got = Value::Array(got);
    let right = match case.get("results") {
        Some(several) => several.as_array().unwrap().contains(&got),
        None => case["result"] == got,
    };
    if right {
        None
    } else {
        wrong_with(format!("selected {got}"))
    }
}
