//! Expressions against answers: whose fault it is, and what a finding shows.

use std::sync::Arc;

use super::tests::{self, evidence};
use super::*;
use crate::Suite;
use crate::probe::Probe;
use crate::template::Var;

/// With a limit that is a number.
fn values() -> Values {
    let mut values = tests::values();
    let limit = Var::Json {
        value: exact_json::Value::Number(3_u64.into()),
        written: "3".to_owned(),
    };
    Arc::make_mut(&mut values.names).insert("limit".to_owned(), limit);
    values
}

fn that(expression: &str) -> Vec<Expectation> {
    let text = format!(
        "version: 1\nname: s\nvars: {{ dot: a.c, limit: 3, words: many }}\nchecks:\n  - name: a\n    http: GET /\n    \
         expect:\n      - that: {}\n",
        words::quote(expression)
    );
    let suite = Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    suite.checks.into_iter().next().unwrap().expect
}

fn found(expression: &str, evidence: &Evidence) -> String {
    let findings = evaluate(&that(expression), evidence, &values(), &Arc::default());
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    let (Actual::Words(got) | Actual::Value(got)) = &finding.got;
    format!("{} {}: {got}", finding.measurement.as_str(), finding.demand)
}

fn of_body(expression: &str, body: &str) -> String {
    found(expression, &evidence(body))
}

#[test]
fn an_expression_sees_the_answer() {
    let body = r#"{ "items": [{ "price": 1.5 }, { "price": -5 }], "c": "a.c", "n": 3.0 }"#;
    let mut answer = evidence(body);
    answer.headers.insert("etag", "W/1".parse().unwrap());
    answer.headers.append("x-a", "1".parse().unwrap());
    answer.headers.append("x-a", "2".parse().unwrap());
    for holds in [
        "status == 200 && size(json.items) == 2 && headers.etag == 'W/1' && headers['x-a'] == '1, 2'",
        "latency_ms == 5 && latency_ms < 5.000001 && body.contains('items')",
        "json.c == vars.dot && json.n == vars.limit && !has(headers.server)",
    ] {
        assert!(found(holds, &answer).starts_with("passed"), "{holds}");
    }
    insta::assert_snapshot!(found("status == 201 || json.items.all(i, i.price > 0)", &answer), @r#"failed status == 201 || json.items.all(i, i.price > 0): status 200, json.items[1].price -5, json.items [{"price":1.5},{"price":-5}]"#);
    insta::assert_snapshot!(found("latency_ms < 5", &answer), @"failed latency_ms < 5: latency_ms 5");
    insta::assert_snapshot!(found("json.n > vars.limit", &answer), @"failed json.n > vars.limit: json.n 3.0, vars.limit 3");
    insta::assert_snapshot!(found("headers.server == 'x'", &answer), @"failed headers.server == 'x': no headers.server");
}

#[test]
fn whose_fault_it_is_is_told_apart() {
    insta::assert_snapshot!(of_body("json.total > 0", "{}"), @"failed json.total > 0: no json.total");
    insta::assert_snapshot!(of_body("json.total > 0", r#"{"total":"free"}"#), @r#"failed json.total > 0: a text in json.total, and > compares it with a number; json.total "free""#);
    insta::assert_snapshot!(of_body("json.total > 0", "<p>"), @"failed json.total > 0: a body that is not JSON: it begins like HTML or XML");
    insta::assert_snapshot!(of_body("status == 200 || json.total > 0", ""), @"passed status == 200 || json.total > 0: true");
    insta::assert_snapshot!(of_body("json.total / 3 > 0.33 && json.total / 3 < 0.34", r#"{"total":1.0}"#), @"passed json.total / 3 > 0.33 && json.total / 3 < 0.34: true");
    insta::assert_snapshot!(of_body("json.ok && status == 200", r#"{"ok":"yes"}"#), @r#"failed json.ok && status == 200: a text in json.ok, and it must be true or false, or be compared; json.ok "yes", status 200"#);
    insta::assert_snapshot!(of_body("json.total + json.total", r#"{"total":1}"#), @"errored json.total + json.total: a part came to a number, and not to true or false; compare it with something");
    insta::assert_snapshot!(of_body("json.a.all(x, x == 1)", r#"{"a":[1,1e1000000000000000000]}"#), @"errored json.a.all(x, x == 1): a number can't be compared exactly: its exponent has more than 18 digits");
    insta::assert_snapshot!(of_body("json.ok == true && json.v == target.version", r#"{"ok":true,"v":"1"}"#), @"errored json.ok == true && json.v == target.version: target.version is not known for this deployment");
    let cut = Evidence {
        body_cut_at: Some(1024),
        ..evidence("{}")
    };
    assert!(found("json.a == 1", &cut).starts_with("errored"));
    assert!(found("latency_ms < 800", &cut).starts_with("errored"));
    assert!(found("status == 200", &cut).starts_with("passed"));
}

#[test]
fn captured_structures_are_json() {
    let mut values = values();
    let captures = Arc::make_mut(&mut values.captures);
    for (name, written) in [("o", r#"{"a":1,"b":[2]}"#), ("l", "[1,2]"), ("nul", "null")] {
        captures.insert(name.to_owned(), Var::Structure(written.to_owned()));
    }
    let judged = |expression: &str| {
        let text = format!(
            "version: 1\nname: s\nchecks:\n  - name: a\n    journey:\n      - http: GET /a\n        capture: {{ o: {{ json: $.o }}, \
             l: {{ json: $.l }}, nul: {{ json: $.nul }} }}\n      - http: GET /b\n        expect:\n          - that: {}\n",
            words::quote(expression)
        );
        let suite =
            Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let Probe::Journey(journey) = &suite.checks[0].probe else {
            panic!("a journey");
        };
        let body = evidence(r#"{"o":{"b":[2.0],"a":1},"l":[1,2],"nul":null}"#);
        let findings = evaluate(&journey.steps[1].expect, &body, &values, &Arc::default());
        findings[0].measurement.as_str()
    };
    assert_eq!(judged("captures.o != json.o"), "failed");
    assert_eq!(judged("captures.nul != null"), "failed");
    assert_eq!(
        judged(
            "captures.o == json.o && captures.o.a == 1 && captures.l == [1, 2] && captures.nul == json.nul"
        ),
        "passed"
    );
}

#[test]
fn nothing_secret_by_its_name_is_shown() {
    let body = r#"{ "token": "PLANTED-1", "users": [{ "password": "PLANTED-2", "ok": false }], "pin": 7, "field": "token" }"#;
    let mut answer = evidence(body);
    for (name, value) in [
        ("set-cookie", "sid=PLANTED-3"),
        ("x-api-key", "PLANTED-4"),
        ("etag", "W/1"),
    ] {
        answer.headers.insert(name, value.parse().unwrap());
    }
    for expression in [
        "json.token == ''",
        "json['tok' + 'en'] == ''",
        "json.all(k, json[k] == 'x')",
        "json[json.field] == ''",
        "json.users[json.token] == ''",
        "json.users.all(u, u.password == '')",
        "json.users.exists(u, u.password.startsWith('x'))",
        "json.users[0].password == 'PLANTED-5'",
        "headers['set-cookie'] == '' || headers['x-api-key'] == 'PLANTED-5'",
        "json.token > 5",
        "int(json.token) == 5",
        "json.token.x == 5",
    ] {
        let found = found(expression, &answer);
        assert!(!found.contains("PLANTED"), "{found}");
        assert!(found.starts_with("failed"), "{found}");
    }
    insta::assert_snapshot!(found("json.token == 'x' || headers.etag == 'a' || json.pin == 8", &answer), @r#"failed json.token == *** || headers.etag == *** || json.pin == 8: json.token ***, headers.etag "W/1", json.pin 7"#);
}

#[test]
fn what_is_shown_is_bounded() {
    let body = format!(
        r#"{{ "a": "{}", "b": [{}] }}"#,
        "x".repeat(100_000),
        vec!["1"; 5_000].join(",")
    );
    insta::assert_snapshot!(of_body("json.a == 'x' || json.b == [1]", &body), @"failed json.a == 'x' || json.b == [1]: json.a a text of 100000 bytes, json.b a list of 5000 values");
    let many: Vec<String> = (0..50).map(|n| format!("has(json.k{n})")).collect();
    let shown = of_body(&many.join(" || "), "{}");
    assert!(shown.contains("11 more"), "{shown}");
}

#[test]
fn only_what_is_named_is_needed() {
    let needs = |expression: &str| {
        let expect = that(expression);
        let one = &expect[0];
        (
            one.may_be_slow(),
            one.needs_whole_body(),
            one.parses_body(),
            memory_to_judge(&expect, 1024) > 0,
        )
    };
    assert_eq!(
        needs("status == 200 && headers.etag != ''"),
        (false, false, false, false)
    );
    assert_eq!(needs("latency_ms < 5"), (false, true, false, false));
    assert_eq!(
        needs("headers.etag.matches('a')"),
        (true, false, false, true)
    );
    assert_eq!(needs("body != ''"), (true, true, false, true));
    assert_eq!(needs("json != null"), (true, true, true, true));
    let json = that("json != null");
    assert!(memory_to_judge(&json, 1024 * 1024) >= 14 * 1024 * 1024 + exact_cel::MAX_MEMORY);
}
