//! Schemas against bodies: what fits, and what is said of what does not.

use std::sync::Arc;

use super::tests::{evidence, values};
use super::*;
use crate::Suite;

fn found(schema: &str, body: &str) -> String {
    let text = format!(
        "version: 1\nname: s\nchecks:\n  - {{ name: a, http: GET /, expect: [{{ json_schema: {schema} }}] }}\n"
    );
    let suite = Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let expect = &suite.checks[0].expect;
    let findings = evaluate(expect, &evidence(body), &values(), &Arc::default());
    let lines = findings.iter().map(|finding| {
        let (Actual::Words(got) | Actual::Value(got)) = &finding.got;
        format!("{} {}: {got}", finding.measurement.as_str(), finding.demand)
    });
    lines.collect::<Vec<String>>().join("\n")
}

fn fits(schema: &str, body: &str) -> bool {
    let found = found(schema, body);
    assert!(
        found.starts_with("passed") || found.starts_with("failed"),
        "{schema} {body}: {found}"
    );
    found.starts_with("passed")
}

/// A schema, a body that fits it, and one that does not.
const KEYWORDS: &[(&str, &str, &str)] = &[
    ("{ type: integer }", "7.0", "7.5"),
    ("{ type: [string, 'null'] }", "null", "1"),
    (
        "{ enum: [1, a, { b: [2] }] }",
        r#"{"b":[2.0]}"#,
        r#"{"b":["2"]}"#,
    ),
    ("{ const: null }", "null", "0"),
    ("{ multipleOf: 0.01 }", "19.99", "19.999"),
    ("{ minimum: 5 }", "5.0", "4.99"),
    ("{ exclusiveMinimum: 5 }", "5.00000000000000000001", "5"),
    (
        "{ maximum: 9007199254740992 }",
        "9007199254740992",
        "9007199254740993",
    ),
    ("{ exclusiveMaximum: 5 }", "-1e5", "5"),
    ("{ minLength: 2 }", r#""\ud83d\ude00a""#, r#""😀""#),
    ("{ maxLength: 1 }", r#""😀""#, r#""ab""#),
    ("{ pattern: '^\\d+$' }", r#""42""#, r#""٤٢""#),
    ("{ required: [a] }", r#"{"a":null}"#, "{}"),
    (
        "{ properties: { a: { type: string } } }",
        "{}",
        r#"{"a":1}"#,
    ),
    ("{ properties: { a: false } }", r#"{"b":1}"#, r#"{"a":1}"#),
    (
        "{ patternProperties: { '^x': { type: string } } }",
        r#"{"a":1}"#,
        r#"{"ax":1,"xa":1}"#,
    ),
    (
        "{ properties: { a: true }, patternProperties: { '^x': true }, additionalProperties: false }",
        r#"{"a":1,"xa":1}"#,
        r#"{"b":1}"#,
    ),
    (
        "{ propertyNames: { maxLength: 2 } }",
        r#"{"ab":1}"#,
        r#"{"abc":1}"#,
    ),
    ("{ minProperties: 1 }", r#"{"a":1}"#, "{}"),
    ("{ maxProperties: 1 }", "{}", r#"{"a":1,"b":1}"#),
    (
        "{ dependentRequired: { a: [b] } }",
        r#"{"b":1}"#,
        r#"{"a":1}"#,
    ),
    (
        "{ dependentSchemas: { a: { minProperties: 2 } } }",
        r#"{"a":1,"c":1}"#,
        r#"{"a":1}"#,
    ),
    ("{ items: { type: integer } }", "[1, 2]", "[1, 2.5]"),
    (
        "{ prefixItems: [{ const: 1 }], items: false }",
        "[1]",
        "[1, 2]",
    ),
    ("{ contains: { const: 1 } }", "[0, 1]", "[0]"),
    (
        "{ contains: { const: 1 }, minContains: 2, maxContains: 2 }",
        "[1, 1]",
        "[1, 1, 1]",
    ),
    (
        "{ contains: { const: 1 }, minContains: 0, maxContains: 1 }",
        "[]",
        "[1, 1]",
    ),
    ("{ minItems: 1 }", "[1]", "[]"),
    ("{ maxItems: 1 }", "[1]", "[1, 2]"),
    ("{ uniqueItems: true }", r#"[1, "1", [1]]"#, "[1, 2, 1.0]"),
    ("{ allOf: [{ minimum: 1 }, { maximum: 2 }] }", "2", "3"),
    (
        "{ anyOf: [{ minimum: 5 }, { type: string }] }",
        r#""a""#,
        "3",
    ),
    ("{ oneOf: [{ minimum: 5 }, { maximum: 9 }] }", "3", "7"),
    (
        "{ oneOf: [{ type: string }, { type: 'null' }] }",
        "null",
        "7",
    ),
    ("{ not: { type: string } }", "1", r#""a""#),
    (
        "{ if: { required: [a] }, then: { required: [b] }, else: { required: [c] } }",
        r#"{"c":1}"#,
        r#"{"a":1,"c":1}"#,
    ),
    (
        "{ $ref: '#/$defs/n', $defs: { n: { required: [v], properties: { next: { $ref: '#/$defs/n' } } } } }",
        r#"{"v":1,"next":{"v":2}}"#,
        r#"{"v":1,"next":{"v":2,"next":{}}}"#,
    ),
];

#[test]
fn every_keyword_judges() {
    for (schema, good, bad) in KEYWORDS {
        assert!(fits(schema, good), "{schema} {good}");
        assert!(!fits(schema, bad), "{schema} {bad}");
    }
    // Keywords of another type of value say nothing.
    assert!(fits(
        "{ minimum: 5, minLength: 9, minItems: 3, required: [a] }",
        "true"
    ));
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let schema = "{ type: object, required: [id, state], properties: { id: { type: string, pattern: '^o-[0-9]+$' }, items: { type: array, minItems: 1, items: { $ref: '#/$defs/item' } }, state: { enum: [paid, sent] } }, $defs: { item: { required: [sku], properties: { price: { type: number, exclusiveMinimum: 0, multipleOf: 0.01 } }, additionalProperties: false } } }";
    let body = r#"{ "id": "17", "items": [{ "sku": "a" }, { "price": -0.005, "tax/rate": 1 }], "state": "lost", "total": 1 }"#;
    insta::assert_snapshot!(found(schema, body), @r#"
    failed /id to match /^o-[0-9]+$/: "17"
    failed /items/0/sku not to be there: "a"
    failed /items/1 to have the key "sku": an object without it
    failed /items/1/price to be > 0: -0.005
    failed /items/1/price to be a multiple of 0.01: -0.005
    failed a body that fits its JSON Schema elsewhere: 2 more that do not
    "#);
    insta::assert_snapshot!(found(schema, r#"{ "id": "o-1", "state": "paid" }"#), @"passed a body that fits its JSON Schema: one that does");
    insta::assert_snapshot!(found(schema, "[]"), @"failed the body to be of type object: []");
    insta::assert_snapshot!(found(schema, "<p>"), @"failed a body that fits its JSON Schema: a body that is not JSON: it begins like HTML or XML");
    insta::assert_snapshot!(found("{ items: { type: string } }", "[1,2,3,4,5,6,7]"), @"
    failed /0 to be of type string: 1
    failed /1 to be of type string: 2
    failed /2 to be of type string: 3
    failed /3 to be of type string: 4
    failed /4 to be of type string: 5
    failed a body that fits its JSON Schema elsewhere: 2 more that do not
    ");
    insta::assert_snapshot!(found("{ anyOf: [{ type: string }, { minimum: 5 }], uniqueItems: true }", "3"), @"failed the body to fit one of the 2 schemas of `anyOf`: 3");
    insta::assert_snapshot!(found("{ uniqueItems: true, maxItems: 1, contains: { const: 9 } }", "[1,2,1]"), @"
    failed the body to be a list of at most 1 item: 3 items
    failed the body to have at least 1 item that `contains` asks for: 0 items
    failed the body to have no equal items: items 0 and 2 are equal
    ");
}

#[test]
fn what_can_not_be_decided_is_errored() {
    insta::assert_snapshot!(found("{ minimum: 5 }", "1e1000000000000000000"), @"errored a body that fits its JSON Schema: a number can't be compared exactly: its exponent has more than 18 digits");
    insta::assert_snapshot!(found("{ multipleOf: 3 }", "1e400"), @"errored a body that fits its JSON Schema: the body has a number with too many digits to say whether it is a multiple of 3");
    insta::assert_snapshot!(found("{ required: [a] }", r#"{"a":1,"a":2}"#), @r#"errored a body that fits its JSON Schema: the key "a" comes twice in one object (the second at line 1, column 8), and readers differ in which one counts"#);
    insta::assert_snapshot!(found("{ pattern: a }", r#""\ud83d""#), @"errored a body that fits its JSON Schema: a string with half of a surrogate pair, which is no text");
    // What is known to be wrong outweighs it.
    assert!(!fits(
        "{ properties: { a: { type: string }, b: { minimum: 5 } } }",
        r#"{"a":1,"b":1e1000000000000000000}"#
    ));
}

#[test]
fn work_and_stack_are_bounded() {
    let deep = format!("{}1{}", r#"{"a":["#.repeat(60), "]}".repeat(60));
    let doubling = "{ anyOf: [{ $ref: '#/$defs/n' }, { $ref: '#/$defs/n' }], $defs: { n: { properties: { a: { items: { anyOf: [{ $ref: '#/$defs/n' }, { $ref: '#/$defs/n' }, false] } } }, required: [b] } } }";
    let slow = found(doubling, &deep);
    assert!(
        slow.starts_with("failed") || slow.starts_with("errored"),
        "{slow}"
    );
    let many = format!(
        "[{}]",
        (0..60_000)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    );
    let unique = found("{ uniqueItems: true }", &many);
    assert!(unique.contains("more than 50000 items"), "{unique}");
    let nested = "allOf: [{ ".repeat(20) + "$ref: '#/$defs/n'" + &" }]".repeat(20);
    let chain = format!(
        "{{ $ref: '#/$defs/n', $defs: {{ n: {{ type: object, properties: {{ a: {{ items: {{ {nested} }} }} }} }} }} }}"
    );
    let stacked = found(&chain, &deep);
    assert!(stacked.contains("inside of each other"), "{stacked}");
}

#[test]
fn many_items_are_compared() {
    let many: Vec<String> = (0..20_000).map(|n| format!(r#"{{"id":{n}}}"#)).collect();
    let many = many.join(",");
    assert!(fits("{ uniqueItems: true }", &format!("[{many}]")));
    assert!(!fits(
        "{ uniqueItems: true }",
        &format!(r#"[{many},{{"id":7.0}}]"#)
    ));
}

#[test]
fn nothing_secret_by_its_name_is_demanded() {
    for (schema, body) in [
        (
            "{ properties: { password: { const: hunter2 } } }",
            r#"{"password":"hunter3"}"#.to_owned(),
        ),
        (
            "{ properties: { password: { items: { enum: [hunter2, hunter4] } } } }",
            r#"{"password":["hunter3"]}"#.to_owned(),
        ),
        (
            "{ properties: { user: { const: { password: hunter2 } } } }",
            r#"{"user":1}"#.to_owned(),
        ),
        (
            "{ patternProperties: { '^x': { const: hunter2 } } }",
            format!(r#"{{"{}_password":"hunter3"}}"#, "x".repeat(300)),
        ),
    ] {
        let found = found(schema, &body);
        assert!(
            found.starts_with("failed") && !found.contains("hunter"),
            "{found}"
        );
    }
}

#[test]
fn nothing_secret_by_its_name_is_shown() {
    let body = r#"{ "password": "PLANTED-1", "users": [{ "api_key": 123456789 }] }"#;
    let found = found(
        "{ properties: { password: { type: integer }, users: { items: { properties: { api_key: { maximum: 5 } } } } } }",
        body,
    );
    assert!(
        !found.contains("PLANTED") && !found.contains("123456789"),
        "{found}"
    );
    insta::assert_snapshot!(found, @"
    failed /password to be of type integer: ***
    failed /users/0/api_key to be <= ***: ***
    ");
}

#[test]
fn how_a_secret_is_made_is_not_shown() {
    let cases = [
        ("minLength: 4711", r#""PLANTED""#),
        ("maxLength: 3", r#""PLANTED""#),
        ("minimum: 4711", "12"),
        ("exclusiveMaximum: 11", "12"),
        ("multipleOf: 4711", "12"),
        ("pattern: '^live-4711'", r#""PLANTED""#),
        ("minItems: 4711", "[12]"),
        ("maxItems: 1", "[12, 12]"),
        ("contains: { const: 4711 }, minContains: 4711", "[12, 12]"),
        ("maxProperties: 1", r#"{ "a": 12, "b": 12 }"#),
        ("const: 4711", "12"),
        ("enum: [4711, 4712]", "12"),
    ];
    let all = cases.map(|(limit, value)| {
        let body = format!(r#"{{ "api_key": {value} }}"#);
        found(
            &format!("{{ properties: {{ api_key: {{ {limit} }} }} }}"),
            &body,
        )
    });
    insta::assert_snapshot!(all.join("\n"), @r#"
    failed /api_key to be a text of ***: ***
    failed /api_key to be a text of ***: ***
    failed /api_key to be >= ***: ***
    failed /api_key to be < ***: ***
    failed /api_key to be a multiple of ***: ***
    failed /api_key to match ***: ***
    failed /api_key to be a list of ***: ***
    failed /api_key to be a list of ***: ***
    failed /api_key to have *** that `contains` asks for: ***
    failed /api_key to be an object of ***: ***
    failed /api_key to equal ***: ***
    failed /api_key to be one of ***: ***
    "#);
    // Nor where the limit stands elsewhere in the schema, or where nothing can be decided.
    let elsewhere = "{ $ref: '#/$defs/a', $defs: { a: { additionalProperties: { items: { minLength: 4711 } } } } }";
    let found_there = found(elsewhere, r#"{ "secrets": ["PLANTED"] }"#);
    assert!(!found_there.contains("4711"), "{found_there}");
    let undecided = found(
        "{ properties: { api_key: { multipleOf: 4711 } } }",
        r#"{ "api_key": 1e400 }"#,
    );
    insta::assert_snapshot!(undecided, @"errored a body that fits its JSON Schema: /api_key has a number with too many digits to say whether it is a multiple of ***");
}
