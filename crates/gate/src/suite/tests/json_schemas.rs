//! `json_schema` of an expectation.

use super::*;

fn problems_with(schema: &str) -> String {
    problems_of_check(&format!("http: GET /\nexpect:\n  - json_schema: {schema}"))
}

#[test]
fn schemas_are_checked() {
    insta::assert_snapshot!(problems_with("[]"), @"suite.yaml:7:22: json_schema is a schema, not a list; write it here as a mapping: { type: object, required: [id] }");
    insta::assert_snapshot!(problems_with("{}"), @"suite.yaml:7:22: the schema demands nothing, so every body fits it; write what the body must be, such as `type: object` and `required: [id]`");
    insta::assert_snapshot!(problems_with("{ title: order }"), @"suite.yaml:7:22: the schema demands nothing, so every body fits it; write what the body must be, such as `type: object` and `required: [id]`");
    insta::assert_snapshot!(problems_with("{ type: objekt }"), @r#"suite.yaml:7:30: type: unknown "objekt"; did you mean "object"?"#);
    insta::assert_snapshot!(problems_with("{ type: object, require: [id] }"), @r#"suite.yaml:7:38: unknown keyword "require"; did you mean "required"?"#);
    insta::assert_snapshot!(problems_with("{ properties: { id: { typ: string } } }"), @r#"suite.yaml:7:44: unknown keyword "typ"; did you mean "type"?"#);
    insta::assert_snapshot!(problems_with("{ properties: { mail: { type: string, format: email } } }"), @"suite.yaml:7:60: `format` checks nothing: the drafts make it a note; write a `pattern`, or remove it");
    insta::assert_snapshot!(problems_with("{ type: object, unevaluatedProperties: false }"), @"suite.yaml:7:38: `unevaluatedProperties` is not judged here; docs/suite.md lists what is; write it with those words, or remove it");
    insta::assert_snapshot!(problems_with("{ items: [{ type: string }] }"), @"suite.yaml:7:31: `items` is one schema for all items; write `prefixItems` for items that differ by their place");
    insta::assert_snapshot!(problems_with("{ properties: { id: text } }"), @"suite.yaml:7:42: a schema is a mapping, true or false, not text; write { type: string }, for example");
    insta::assert_snapshot!(problems_with("{ minimum: '5', maxLength: -1, minItems: 1.5 }"), @"
    suite.yaml:7:33: `minimum` is a number, not text; write a number without quotes
    suite.yaml:7:49: `maxLength` is a whole number from 0 on; write `maxLength: 1`
    suite.yaml:7:63: `minItems` is a whole number from 0 on; write `minItems: 1`
    ");
    insta::assert_snapshot!(problems_with("{ multipleOf: 0 }"), @"suite.yaml:7:36: `multipleOf` can't be 0; write a number above 0 of at most 38 digits");
    insta::assert_snapshot!(problems_with("{ minimum: 007 }"), @"suite.yaml:7:33: JSON has no number that is written as 007; put it in quotes if it is text, or write 7");
    insta::assert_snapshot!(problems_with("{ pattern: '(?=a)' }"), @r#"suite.yaml:7:33: "(?=a)" is not a regular expression: look-around, including look-ahead and look-behind, is not supported; see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes"#);
    insta::assert_snapshot!(problems_with("{ pattern: 'a[]' }"), @r#"suite.yaml:7:33: "a[]" has an empty class, which engines read differently; write what it may be, or \] for the sign"#);
    insta::assert_snapshot!(problems_with("{ pattern: '^\\<html' }"), @r#"suite.yaml:7:33: "^\\<html" has a backslash before '<', which ECMA-262 does not know; write a letter without a backslash, ^ for the beginning and $ for the end"#);
    insta::assert_snapshot!(problems_with("{ pattern: '(?x)a b' }"), @r#"suite.yaml:7:33: "(?x)a b" has a group with (? that ECMA-262 does not know; write (?:…) for a group, and no flags"#);
    insta::assert_snapshot!(problems_with("{ pattern: 'x*+' }"), @r#"suite.yaml:7:33: "x*+" repeats what is repeated, by '+'; put what is repeated in (?:…)"#);
    insta::assert_snapshot!(problems_with("{ pattern: '[\\w-.' }"), @r#"suite.yaml:7:33: "[\\w-." is not a regular expression: unclosed character class; see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes"#);
    insta::assert_snapshot!(problems_with("{ pattern: '^{{ n }}$' }"), @"suite.yaml:7:33: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ required: ['{{ n }}'] }"), @"suite.yaml:7:35: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ dependentRequired: { '{{ n }}': [a] } }"), @"suite.yaml:7:45: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ dependentRequired: { a: ['{{ n }}'] } }"), @"suite.yaml:7:49: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ properties: { '{{ n }}': { type: string } } }"), @"suite.yaml:7:38: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ patternProperties: { '{{ n }}': { type: string } } }"), @"suite.yaml:7:45: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ const: { '{{ n }}': 1 } }"), @"suite.yaml:7:33: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ multipleOf: 1e-2147483648 }"), @"suite.yaml:7:36: `multipleOf` can't be 1e-2147483648; write a number above 0 of at most 38 digits");
    insta::assert_snapshot!(problems_with("{ if: { required: [a] } }"), @"suite.yaml:7:24: `if` checks nothing without `then` or `else`; add one, or remove it");
    insta::assert_snapshot!(problems_with("{ $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: string }] }"), @"suite.yaml:7:83: `items` is one schema for all items; write one schema; without `$schema` there is a keyword for items that differ by their place");
    insta::assert_snapshot!(problems_with("{ enum: a }"), @"suite.yaml:7:30: `enum` is a list of values; write `enum: [a, b]`");
    insta::assert_snapshot!(problems_with("{ const: '{{ target.version }}' }"), @"suite.yaml:7:31: a schema can't have references; use `json` with `equals` for a value that is known in a run only");
    insta::assert_snapshot!(problems_with("{ anyOf: [] }"), @"suite.yaml:7:31: `anyOf` has no schema; write one, or remove it");
    insta::assert_snapshot!(problems_with("{ then: { type: string } }"), @"suite.yaml:7:24: `then` and `else` check nothing without `if`; add `if`, or remove them");
    insta::assert_snapshot!(problems_with("{ minContains: 2 }"), @"suite.yaml:7:24: `minContains` and `maxContains` check nothing without `contains`; add `contains`, or remove them");
    insta::assert_snapshot!(problems_with("{ required: id }"), @"suite.yaml:7:34: required is a list, not text; write each item in a line of its own, after `- `");
    insta::assert_snapshot!(problems_with("{ type: object, type: string }"), @r#"suite.yaml:7:38: the key "type" is there twice; it is also in line 7; remove one"#);
}

#[test]
fn schemas_that_check_nothing_are_refused() {
    for idle in [
        "{ properties: { a: {} } }",
        "{ allOf: [{}] }",
        "{ minItems: 0, minLength: 0, minProperties: 0 }",
        "{ additionalProperties: true }",
        "{ items: true, prefixItems: [{}], propertyNames: {} }",
        "{ anyOf: [{ type: string }, {}] }",
        "{ oneOf: [{}] }",
        "{ not: false }",
        "{ if: { type: string }, then: {}, else: true }",
        "{ contains: {}, minContains: 0 }",
        "{ required: [], dependentRequired: { a: [] }, uniqueItems: false }",
        "{ properties: { a: { $ref: '#' } } }",
        "{ $defs: { a: { type: string } } }",
    ] {
        let problems = problems_with(idle);
        assert!(problems.contains("demands nothing"), "{idle}: {problems}");
    }
    for useful in [
        "{ properties: { a: { properties: { b: { type: string } } } } }",
        "{ properties: { a: { $ref: '#' }, b: false } }",
        "{ anyOf: [{ type: string }, { type: 'null' }] }",
        "{ oneOf: [{}, {}] }",
        "{ not: {} }",
        "{ contains: {} }",
        "{ maxItems: 0 }",
        "{ if: { type: string }, then: { minLength: 1 } }",
    ] {
        parsed(&one_check(&format!(
            "http: GET /\nexpect:\n  - json_schema: {useful}"
        )));
    }
}

#[test]
fn references_stay_in_the_schema() {
    insta::assert_snapshot!(problems_with("{ $ref: 'https://example.com/order.json' }"), @r#"suite.yaml:7:30: "https://example.com/order.json" is another file, and none is fetched; copy it under `$defs`, and write '#/$defs/name'"#);
    insta::assert_snapshot!(problems_with("{ $ref: 'file:///etc/passwd' }"), @r#"suite.yaml:7:30: "file:///etc/passwd" is another file, and none is fetched; copy it under `$defs`, and write '#/$defs/name'"#);
    insta::assert_snapshot!(problems_with("{ properties: { a: { $ref: '#/$defs/itm' } }, $defs: { item: { type: string } } }"), @r##"suite.yaml:7:49: "#/$defs/itm" is no schema in here; did you mean "#/$defs/item"?"##);
    insta::assert_snapshot!(problems_with("{ $ref: '#' }"), @r##"suite.yaml:7:30: "#" leads back to itself without going into the body; refer to it from `properties` or `items`"##);
    insta::assert_snapshot!(problems_with("{ type: object, properties: { a: { $ref: '#/$defs/b' } }, $defs: { b: { allOf: [{ $ref: '#/$defs/b' }] } } }"), @r##"suite.yaml:7:110: "#/$defs/b" leads back to itself without going into the body; refer to it from `properties` or `items`"##);
    for good in [
        "{ properties: { next: { $ref: '#' } }, required: [id] }",
        "{ $ref: '#/$defs/a~1b', $defs: { a/b: { type: string } } }",
        "{ $schema: 'http://json-schema.org/draft-07/schema', type: object, definitions: { a: { type: string } }, properties: { a: { $ref: '#/definitions/a' } } }",
        "{ type: [string, 'null'], x-owner: shop, description: '{{ anything }}' }",
        "{ patternProperties: { '^x-': { type: string } }, propertyNames: { maxLength: 5 }, dependentRequired: { a: [b] }, dependentSchemas: { a: { required: [c] } } }",
        "{ prefixItems: [{ const: 1 }, true], items: false, contains: { type: integer }, maxContains: 2, uniqueItems: true }",
        "{ if: { required: [a] }, then: { required: [b] }, else: false, not: { const: null }, oneOf: [true], anyOf: [true] }",
    ] {
        parsed(&one_check(&format!(
            "http: GET /\nexpect:\n  - json_schema: {good}"
        )));
    }
}

#[test]
fn drafts_are_those_that_are_judged() {
    insta::assert_snapshot!(problems_with("{ $schema: 'http://json-schema.org/draft-04/schema#', type: string }"), @r#"suite.yaml:7:33: "http://json-schema.org/draft-04/schema#" is no draft that is judged here; write one of "https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2019-09/schema", "http://json-schema.org/draft-07/schema#""#);
    insta::assert_snapshot!(problems_with("{ $schema: 'https://json-schema.org/draft/2019-09/schema', prefixItems: [true] }"), @"suite.yaml:7:81: the draft that `$schema` names has no `prefixItems`; remove `$schema`: without it, 2020-12 holds");
    insta::assert_snapshot!(problems_with("{ $schema: 'http://json-schema.org/draft-07/schema#', properties: { a: { $ref: '#', type: string } } }"), @"suite.yaml:7:95: draft 7 passes over what stands beside `$ref`; put it and the `$ref` under `allOf`");
}

#[test]
fn schemas_of_a_suite_are_bounded_together() {
    let many: Vec<String> = (0..2_000)
        .map(|n| format!("p{n}: {{ type: string }}"))
        .collect();
    insta::assert_snapshot!(problems_with(&format!("{{ properties: {{ {} }} }}", many.join(", "))), @"suite.yaml:7:48910: the suite has more than 2000 schemas, up to this one; write smaller schemas");
}
