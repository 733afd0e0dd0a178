//! Expressions against answers: what they come to, what people are told, and what they may cost.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use exact_json::{Budget, Document};
use proptest::prelude::*;
use regex::Regex;

use super::*;

/// `json`, `status` and `vars`, and a header.
struct Known;

impl Names for Known {
    fn variable(&self, name: &str) -> Option<Type> {
        match name {
            "json" => Some(Type::Any),
            "status" => Some(Type::Whole),
            "body" => Some(Type::Text),
            _ => None,
        }
    }

    fn is_record(&self, name: &str) -> bool {
        matches!(name, "vars" | "headers")
    }

    fn member(&self, record: &str, name: &str) -> Result<Type, (String, String)> {
        match (record, name) {
            ("headers", _) => Ok(Type::Text),
            (_, "limit") => Ok(Type::Number),
            (_, "late") => Ok(Type::Any),
            _ => Err((
                format!("there is no variable {name:?}"),
                "vars has limit".to_owned(),
            )),
        }
    }

    fn known(&self) -> String {
        "there are body, headers, json, status and vars".to_owned()
    }

    fn pattern(&self, source: &str) -> Result<(Regex, usize), (String, String)> {
        Regex::new(source)
            .map(|regex| (regex, 16 * 1024))
            .map_err(|_| {
                (
                    "it is no regular expression".to_owned(),
                    "write one".to_owned(),
                )
            })
    }

    fn text(&self, text: &str) -> Result<(), (String, String)> {
        if text.contains("{{ x }}") {
            return Err(("a reference".to_owned(), "write vars.x".to_owned()));
        }
        Ok(())
    }
}

fn outcome_within(source: &str, json: &str, budget: &Budget) -> Outcome {
    let expression =
        Expression::parse(source, &Known).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
    let document = Document::parse(json).unwrap();
    let facts: Vec<Fact<'_>> = expression
        .references()
        .iter()
        .map(
            |reference| match (reference.record.as_deref(), reference.name.as_str()) {
                (None, "json") => Fact::Known(Value::json(document.root())),
                (None, "status") => Fact::Known(Value::whole(200)),
                (None, _) => Fact::Known(Value::text("a body")),
                (Some("headers"), "etag") => Fact::Known(Value::text("W/1")),
                (Some("headers"), _) => Fact::Missing,
                (_, "limit") => Fact::Known(Value::decimal("10")),
                _ => Fact::Unknown("vars.late is not known".to_owned()),
            },
        )
        .collect();
    expression.evaluate(&facts, budget)
}

fn outcome(source: &str, json: &str) -> Outcome {
    outcome_within(source, json, &Budget::default())
}

/// In one line.
fn shown(source: &str, json: &str) -> String {
    let seen = |shown: Vec<ShownValue>| {
        let seen = shown
            .into_iter()
            .map(|shown| format!("{}: {}", shown.path, shown.shown));
        seen.collect::<Vec<String>>().join(", ")
    };
    match outcome(source, json) {
        Outcome::Holds => "holds".to_owned(),
        Outcome::Fails { shown } => format!("fails ({})", seen(shown)),
        Outcome::Unfit { why, shown } => format!("unfit: {why} ({})", seen(shown)),
        Outcome::Errored { why } => format!("errored: {why}"),
    }
}

fn fault(source: &str) -> String {
    let fault = Expression::parse(source, &Known).expect_err(source);
    format!(
        "{} (character {}); {}",
        fault.message, fault.character, fault.remedy
    )
}

const SHOP: &str = r#"{ "total": 59.97, "items": [{ "name": "a", "price": 19.99 }, { "name": "b", "price": 39.98 }],
    "ok": true, "none": null, "tags": ["new", "sale"], "id": 9007199254740993, "a-b": { "c": 1.0 }, "empty": [] }"#;

#[test]
fn what_is_true_holds() {
    for source in [
        "status == 201 || status == 200 && json.items.all(i, i.price > 0)",
        "json.items.exists(i, i.name == 'b') && !json.items.exists(i, i.price <= 0)",
        "json.items.exists_one(i, i.price > 20) && json.items.existsOne(i, i.price < 20)",
        "json.items.map(i, i.name) == ['a', 'b'] && ['a', 'b'] == json.items.map(i, i.name)",
        "json.items.filter(i, i.price > 20).map(i, i.name)[0] == 'b'",
        "json.items.map(i, i.price > 20, i.name) == ['b']",
        "size(json.items) == 2 && json.items.size() == 2 && size('äö') == 2 && size(json) == 8",
        "json.items[0].price + json.items[1].price == json.total",
        "json.items[1].price == 2 * json.items[0].price",
        "json['a-b'].c == 1 && json['a-b']['c'] == 1.0 && 1 == json['a-b'].c",
        "has(json.ok) && !has(json.missing) && 'a-b' in json && !('x' in json)",
        "has(headers.etag) && 'etag' in headers && !('x-y' in headers) && headers['etag'] == 'W/1'",
        "'sale' in json.tags && !(7 in json.tags) && json.tags + ['x'] == ['new', 'sale', 'x']",
        "json.none == null && json.ok != null && json.ok == true && json.ok",
        "json.ok ? status == 200 : false",
        "json.items[0].name.startsWith('a') && 'abc'.endsWith('c') && body.contains('body')",
        "body.matches('^a b') && matches(body, r'\\w+ body')",
        "status / 7 == 28 && status % 7 == 4 && -7 / 2 == -3 && - status == -200",
        "7.0 / 2 == 3.5 && 0.1 + 0.2 == 0.3 && .5 == 0.5 && 1e2 == 100 && 007 == 7",
        "json.id == 9007199254740993 && json.id != 9007199254740992 && json.id > 9007199254740992.5",
        "json.id % 2 == 1 && int(json.total) == 59 && double('1.50') == 1.5 && string(json.total) == '59.97'",
        "json.total < 60 && vars.limit == 10 && json.total >= vars.limit && 'a' < 'b' && false < true",
        "json.missing > 1 || true",
        "'A' == \"\\x41\" && '''a\nb''' == 'a\\nb' && 'ä' == '\\u00e4' && r'\\' == '\\\\'",
        "json.empty.all(i, i.price > 0) && !json.empty.exists(i, true) // nobody is there",
        "json.map(k, k)[0] == 'total' && json.all(k, size(k) < 6)",
        "-9223372036854775808 < 0 && 18446744073709551615.0 > 9223372036854775807",
    ] {
        assert_eq!(shown(source, SHOP), "holds", "{source}");
    }
}

#[test]
fn what_is_false_shows_what_it_saw() {
    insta::assert_snapshot!(shown("status == 201 && json.ok", SHOP), @"fails (status: 200)");
    insta::assert_snapshot!(shown("json.items.all(i, i.price > 20)", SHOP), @r#"fails (json.items[0].price: 19.99, json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}])"#);
    insta::assert_snapshot!(shown("json.items.exists(i, i.name == 'c')", SHOP), @r#"fails (json.items[1].name: "b", json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}])"#);
    insta::assert_snapshot!(shown("size(json.items) > 2 || json.tags == ['new']", SHOP), @r#"fails (json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}], json.tags: ["new","sale"])"#);
    insta::assert_snapshot!(shown("json['a-b'].c != 1 || has(json.missing)", SHOP), @r#"fails (json["a-b"].c: 1.0, has(json.missing): false)"#);
    insta::assert_snapshot!(shown("json.items.map(i, i.price).exists(p, p > 40)", SHOP), @r#"fails (json.items[1].price: 39.98, json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}])"#);
    insta::assert_snapshot!(shown("json.exists(k, k == 'x')", r#"{"a":1,"b":2}"#), @r#"fails (key of json: "b", json: {"a":1,"b":2})"#);
}

#[test]
fn what_the_answer_lacks_is_its_own_doing() {
    insta::assert_snapshot!(shown("json.ok && status == 200", r#"{"ok":"yes"}"#), @r#"unfit: a text in json.ok, and it must be true or false, or be compared (json.ok: "yes", status: 200)"#);
    insta::assert_snapshot!(shown("json.ok", r#"{"ok":"yes"}"#), @r#"unfit: a text in json.ok, and it must be true or false, or be compared (json.ok: "yes")"#);
    insta::assert_snapshot!(shown("json.items.all(i, i.price)", SHOP), @r#"unfit: a number in json.items[0].price, and it must be true or false, or be compared (json.items[1].price: 39.98, json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}])"#);
    insta::assert_snapshot!(shown("json.items.map(i, i.name)[0] + 1 > 0", SHOP), @r#"unfit: a text, and + takes two numbers, two texts or two lists (json.items[1].name: "b", json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}])"#);
    insta::assert_snapshot!(shown("json.items.map(i, i)[0].tax > 0", SHOP), @r#"unfit: an object without "tax" (json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}], json.items[1]: {"name":"b","price":39.98})"#);
    insta::assert_snapshot!(shown("json.prices.all(p, p > 0)", SHOP), @"unfit: no json.prices ()");
    insta::assert_snapshot!(shown("status == 200 && json.items[2].price > 0", SHOP), @"unfit: no json.items[2] (status: 200)");
    insta::assert_snapshot!(shown("json.items.all(i, i.tax > 0)", SHOP), @r#"unfit: no json.items[0].tax (json.items: [{"name":"a","price":19.99},{"name":"b","price":39.98}])"#);
    insta::assert_snapshot!(shown("json.items[0].name > 0", SHOP), @r#"unfit: a text in json.items[0].name, and > compares it with a number (json.items[0].name: "a")"#);
    insta::assert_snapshot!(shown("json.none.x == 1", SHOP), @"unfit: null in json.none, and only an object has fields ()");
    insta::assert_snapshot!(shown("json.total.contains('9')", SHOP), @"unfit: a number in json.total, and only a text is searched, and only for a text (json.total: 59.97)");
    insta::assert_snapshot!(shown("headers['x-y'] == 'a'", SHOP), @r#"unfit: no headers["x-y"] ()"#);
    insta::assert_snapshot!(shown("json.items['0'] == 1", SHOP), @"unfit: a list in json.items, and its elements are named by whole numbers ()");
    insta::assert_snapshot!(shown("json['a-b'][0] == 1", SHOP), @r#"unfit: an object in json["a-b"], and its fields are named by texts ()"#);
    insta::assert_snapshot!(shown("int(json.items[0].name) == 1", SHOP), @r#"unfit: a text in json.items[0].name, and it is no number as JSON writes it (json.items[0].name: "a")"#);
    insta::assert_snapshot!(shown("json.total + json.ok > 1", SHOP), @"unfit: true or false in json.ok, and + takes two numbers, two texts or two lists (json.total: 59.97, json.ok: true)");
    insta::assert_snapshot!(shown("'a' in json.total", SHOP), @"unfit: a number in json.total, and in looks into a list or an object (json.total: 59.97)");
    insta::assert_snapshot!(shown("!(json.missing > 1)", SHOP), @"unfit: no json.missing ()");
}

#[test]
fn what_can_not_be_decided_is_errored() {
    insta::assert_snapshot!(shown("json.total + json.total", SHOP), @"errored: a part came to a number, and not to true or false; compare it with something");
    insta::assert_snapshot!(shown("[1].all(x, x)", SHOP), @"errored: a part came to a number, and not to true or false; compare it with something");
    insta::assert_snapshot!(shown("json.total / json.n + 1 > 1", r#"{"total":1,"n":3}"#), @"errored: the quotient of / has no end and would be rounded; multiply the other side instead");
    insta::assert_snapshot!(shown("json.total / json.n > 1", r#"{"total":1,"n":0}"#), @"errored: division by zero");
    insta::assert_snapshot!(shown("9223372036854775807 + status > 0", SHOP), @"errored: the result of + is too large to be exact");
    insta::assert_snapshot!(shown("status / 0 == 1", SHOP), @"errored: division by zero");
    insta::assert_snapshot!(shown("json.a + 1 > 0", r#"{"a":1e400}"#), @"errored: a number has too many digits to be computed with exactly; compare it as it is, or use `json:`");
    insta::assert_snapshot!(shown("json.a * json.a > 0", r#"{"a":12345678901234567890123456789}"#), @"errored: the result of * is too large to be exact");
    insta::assert_snapshot!(shown("json.a > 1", r#"{"a":1e1000000000000000000}"#), @"errored: a number can't be compared exactly: its exponent has more than 18 digits");
    insta::assert_snapshot!(shown("json.a == 1", r#"{"a":1,"a":2}"#), @r#"errored: the key "a" comes twice in one object (the second at line 1, column 8), and readers differ in which one counts"#);
    insta::assert_snapshot!(shown("json.a.contains('x')", r#"{"a":"\ud83d"}"#), @"errored: a string with half of a surrogate pair, which is no text");
    insta::assert_snapshot!(shown("vars.late == 1", SHOP), @"errored: vars.late is not known");
    insta::assert_snapshot!(shown("int(json.a) == 1", r#"{"a":1e30}"#), @"errored: int can't hold the number, which is beyond 64 bits");
}

#[test]
fn numbers_are_never_compared_inexactly() {
    for (source, json) in [
        (
            "json.a == json.b",
            r#"{"a":9007199254740993,"b":9007199254740992}"#,
        ),
        (
            "json.a == json.b",
            r#"{"a":18446744073709551616,"b":18446744073709551617}"#,
        ),
        (
            "json.a == 0.1",
            r#"{"a":0.1000000000000000055511151231257827}"#,
        ),
        ("json.a in [9007199254740992]", r#"{"a":9007199254740993}"#),
        (
            "json.a == json.b",
            r#"{"a":[1,{"x":9007199254740993}],"b":[1,{"x":9007199254740992}]}"#,
        ),
        (
            "json.a.exists(x, x == 9007199254740992)",
            r#"{"a":[9007199254740993]}"#,
        ),
        (
            "json.a.map(x, x) == [9007199254740992]",
            r#"{"a":[9007199254740993]}"#,
        ),
    ] {
        let met = outcome(source, json);
        assert!(
            matches!(met, Outcome::Fails { .. }),
            "{source} {json}: {met:?}"
        );
    }
    for json in ["1", "1.0", "10e-1", "1.000000000000000000000000000"] {
        assert_eq!(
            outcome("json == 1 && 1.0 == json && json in [1]", json),
            Outcome::Holds,
            "{json}"
        );
    }
}

#[test]
fn a_fault_that_another_part_makes_void_is_no_fault() {
    for source in [
        "json.missing == 1 || status == 200",
        "status == 200 || json.missing == 1",
        "!(json.missing == 1 && status == 201)",
        "json.items.exists(i, i.tax > 0 || i.price > 39)",
        "!json.items.all(i, i.tax > 0 && i.price > 39)",
    ] {
        assert_eq!(shown(source, SHOP), "holds", "{source}");
    }
    // What the answer did is known, whatever else is not.
    let both = shown("status / 0 == 1 && json.missing == 1", SHOP);
    assert!(both.starts_with("unfit: no json.missing"), "{both}");
}

#[test]
fn work_and_memory_are_bounded() {
    let many = format!("[{}]", vec!["1"; 20_000].join(","));
    for source in [
        "json.all(a, json.all(b, json.all(c, a + b + c > 0)))",
        "json.map(a, json.map(b, a + b)).size() > 0",
        "json.all(a, json.filter(b, b in json).size() > 0)",
        "json.all(a, json.map(b, string(b) + string(a)).size() > 0)",
        "['aaaaaaaaaaaaaaaa'].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)\
         .map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)[0] == ''",
        "(json + json + json + json + json).size() > 0",
    ] {
        let begun = std::time::Instant::now();
        let met = outcome(source, &many);
        assert!(matches!(met, Outcome::Errored { .. }), "{source}: {met:?}");
        assert!(
            begun.elapsed().as_secs() < 30,
            "{source}: {:?}",
            begun.elapsed()
        );
    }
    // What is made and dropped again takes nothing.
    assert_eq!(
        outcome("json.all(a, string(a) + string(a) == '11')", &many),
        Outcome::Holds
    );
    insta::assert_snapshot!(shown("json.map(a, json.map(b, b)) == []", &many), @"errored: it makes more than 4 MiB of lists and texts; loop over less");
}

#[test]
fn whoever_stops_it_is_not_kept_waiting() {
    let stop = Arc::new(AtomicBool::new(true));
    let budget = Budget::default().until(stop);
    let met = outcome_within("json.all(a, a > 0) || true", "[1]", &budget);
    assert!(matches!(met, Outcome::Errored { .. }), "{met:?}");
}

#[test]
fn faults_are_found_before_there_is_an_answer() {
    insta::assert_snapshot!(fault("status == "), @"the expression ends before it is complete (character 11); here goes a value, such as status, json.total, 200 or 'text'");
    insta::assert_snapshot!(fault("status = 200"), @r#""=" can't stand here (character 8); CEL compares by =="#);
    insta::assert_snapshot!(fault("status == 200 json.ok"), @r#""json" stands where it can't (character 15); here goes an operator, or the end"#);
    insta::assert_snapshot!(fault("(status == 200"), @r#"the expression ends before it is complete (character 15); here goes ")""#);
    insta::assert_snapshot!(fault("json.ok & true"), @r#""&" can't stand here (character 9); CEL has && for "and""#);
    insta::assert_snapshot!(fault("json.items.all(i, )"), @r#"")" stands where it can't (character 19); here goes a value, such as status, json.total, 200 or 'text'"#);
    insta::assert_snapshot!(fault("json.x == 'a"), @"a text is never closed by ' (character 11); close it");
    insta::assert_snapshot!(fault("json.x == '\\q'"), @r#"a backslash that escapes nothing (character 12); write \\ for a backslash, or r'…' for a text whose backslashes are meant"#);
    insta::assert_snapshot!(fault("json.x == 5u"), @"a number that goes on with letters (character 11); write a decimal number without a suffix: 10, 0.5 or 1e3");
    insta::assert_snapshot!(fault("json.x == b'a'"), @r#""b" before a quote (character 11); write a text in quotes, or r'…' for one whose backslashes are meant"#);
    insta::assert_snapshot!(fault("json.x == 99999999999999999999"), @"99999999999999999999 is beyond 64 bits (character 11); write it with a point: 1.0 and 1 are equal, and a decimal has any number of digits");
    insta::assert_snapshot!(fault("json.x == {'a': 1}"), @r#""{" can't stand here (character 11); objects can't be written here; compare their fields"#);
    insta::assert_snapshot!(fault("json.x == § "), @"'§' means nothing in CEL (character 11); see https://github.com/google/cel-spec/blob/master/doc/langdef.md");
    insta::assert_snapshot!(fault("json.'a' == 1"), @"after a dot goes a name (character 6); write a name of letters, digits and _, or ['…'] for any other key");
    insta::assert_snapshot!(fault("json.x ? true"), @r#"the expression ends before it is complete (character 14); here goes ":""#);
    insta::assert_snapshot!(fault("for == 1"), @r#""for" is a word that CEL keeps for itself (character 1); use another name"#);
    insta::assert_snapshot!(fault(""), @"the expression ends before it is complete (character 1); here goes a value, such as status, json.total, 200 or 'text'");
    insta::assert_snapshot!(fault("staus == 200"), @r#"there is no variable "staus" (character 1); there are body, headers, json, status and vars"#);
    insta::assert_snapshot!(fault("vars.limt == 1"), @r#"there is no variable "limt" (character 5); vars has limit"#);
    insta::assert_snapshot!(fault("headers.content-type == 'a'"), @r#"there is no variable "type" (character 17); a name with - in it goes into brackets: headers['content-type']"#);
    insta::assert_snapshot!(fault("headers.x-request-id == 'a'"), @r#"there is no variable "id" (character 19); a name with - in it goes into brackets: headers['x-request-id']"#);
    insta::assert_snapshot!(fault("vars == 1"), @"vars is no value of its own (character 1); name one of its values: vars['…']");
    insta::assert_snapshot!(fault("vars[json.x] == 1"), @"vars takes a name that is written out (character 10); write vars['…']");
    insta::assert_snapshot!(fault("length(json.x) == 1"), @r#"there is no function "length" (character 1); there are size, contains, startsWith, endsWith, matches, has, all, exists, exists_one, map, filter, int, double and string"#);
    insta::assert_snapshot!(fault("size(json.x, 1) == 1"), @"size is not called like this (character 1); write size(json.items)");
    insta::assert_snapshot!(fault("json.x.matches(json.y)"), @"matches takes a regular expression that is written out (character 20); write it in quotes: r'…'");
    insta::assert_snapshot!(fault("json.x.matches('(')"), @"it is no regular expression (character 16); write one");
    insta::assert_snapshot!(fault("has(json)"), @"has is not called like this (character 1); write has(json.total); for other keys, 'a-b' in json");
    insta::assert_snapshot!(fault("json.items.all(i.x, true)"), @"all begins with a name for each element (character 17); write json.items.all(x, x.price > 0)");
    insta::assert_snapshot!(fault("json.items.all(status, true)"), @r#""status" is a variable already (character 12); name the element otherwise"#);
    insta::assert_snapshot!(fault("json.items.all(i, i.price > 0) && i > 1"), @r#"there is no variable "i" (character 35); there are body, headers, json, status and vars"#);
    insta::assert_snapshot!(fault("status"), @"the expression is a number, and not true or false (character 1); compare it: status == 200, size(json.items) > 0");
    insta::assert_snapshot!(fault("json.items.map(i, i)"), @"the expression is a list, and not true or false (character 12); compare it: status == 200, size(json.items) > 0");
    insta::assert_snapshot!(fault("status == '200'"), @"a number and a text are never equal (character 8); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(fault("status > '200'"), @"> can't compare a number with a text (character 8); compare two numbers or two texts");
    insta::assert_snapshot!(fault("body > null"), @"> can't compare a text with null (character 6); compare two numbers or two texts");
    insta::assert_snapshot!(fault("status && true"), @"&& needs conditions on both sides, and this is a number (character 1); compare values that fit: status == 200, json.ok == true");
    insta::assert_snapshot!(fault("!status"), @"! turns true and false around, and this is a number (character 2); compare values that fit: status == 200, json.ok == true");
    insta::assert_snapshot!(fault("body - 1 == 0"), @"- can't take a text and a number (character 6); compute with two numbers");
    insta::assert_snapshot!(fault("body.length == 0"), @"only objects have fields, and this is a text (character 5); compare values that fit: status == 200, json.ok == true");
    insta::assert_snapshot!(fault("status.all(i, true)"), @"all goes through a list, and this is a number (character 8); compare values that fit: status == 200, json.ok == true");
    insta::assert_snapshot!(fault("size(status) == 1"), @"only texts, lists and objects have a size, and this is a number (character 6); compare values that fit: status == 200, json.ok == true");
    insta::assert_snapshot!(fault("status in 7"), @"in looks into a list or an object, and this is a number (character 8); compare values that fit: status == 200, json.ok == true");
    insta::assert_snapshot!(fault("json.x == '{{ x }}'"), @"a reference (character 11); write vars.x");
}

#[test]
fn what_no_answer_can_make_equal_is_refused() {
    insta::assert_snapshot!(fault("!(status in ['500', '503'])"), @"a number and a text are never equal (character 14); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(fault("!(headers['content-type'] in [1, 2])"), @"a text and a number are never equal (character 31); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(fault("status in [200, null]"), @"a number and null are never equal (character 17); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(fault("[status] != ['500']"), @"a number and a text are never equal (character 14); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(fault("[json.a, [status]] == [1, ['500']]"), @"a number and a text are never equal (character 28); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(fault("[status] != [1, 2]"), @"lists of 1 and of 2 values are never equal (character 10); write as many values on both sides");
    insta::assert_snapshot!(fault("[status] in [['500']]"), @"a number and a text are never equal (character 15); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(fault("!(status in [])"), @"nothing is in an empty list (character 10); write the values that it may be");
    for source in [
        "status in [200, 201] && status in [json.code, 200] && [status] == [200] && json.ok in [1, true, null]",
        "json.empty == [] && !(json.tags == []) && [json.total, status] == [59.97, 200] && [status] in [[201], [200]]",
    ] {
        assert_eq!(
            shown(source, &SHOP.replacen('{', r#"{ "code": 200,"#, 1)),
            "holds",
            "{source}"
        );
    }
}

#[test]
fn a_quotient_without_an_end_is_compared_exactly() {
    for source in [
        "json.total / 3 < 20 && json.total / 3 > 19.98 && 19.99 == json.total / 3",
        "json.one / 3 < 0.34 && json.one / 3 > 0.33 && json.one / 3 == 2.0 / 6 && json.one / 3 != 0.33",
        "json.one / -3 < -0.33 && json.one / -3.0 > -0.34 && !(json.one / 3 == json.tags)",
        "status / 3 == 66 && json.one / 4 + 1 == 1.25 && json.one / 3 * 1 != 1 || status == 200",
    ] {
        let shop = SHOP.replacen('{', r#"{ "one": 1,"#, 1);
        let expected = if source.contains("* 1") {
            "refused"
        } else {
            "holds"
        };
        let met = match Expression::parse(source, &Known) {
            Ok(_) => shown(source, &shop),
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(met, expected, "{source}");
    }
    insta::assert_snapshot!(fault("json.total / 3 + 1 < 5"), @"the quotient of / has no end for most numbers (character 12); compare it at once, which is exact: json.total / 3 < 100; or multiply the other side");
    insta::assert_snapshot!(shown("json.total / 3 > json.tags", SHOP), @r#"unfit: a list in json.tags, and > compares it with a number (json.total: 59.97, json.tags: ["new","sale"])"#);
}

#[test]
fn a_value_never_names_another() {
    let json =
        r#"{ "users": {}, "password": "hunter2", "n": 4321, "field": "password", "list": [] }"#;
    for (source, begins) in [
        (
            "json.users[json.password] == 1",
            "unfit: no json.users[json.password] (",
        ),
        ("json.list[json.n] == 1", "unfit: no json.list[json.n] ("),
        (
            "json.users[json.password + 'x'] == 1",
            "unfit: no json.users[…] (",
        ),
        ("json.users['a'] == 1", "unfit: no json.users.a ("),
    ] {
        let met = outcome(source, json);
        let Outcome::Unfit { why, .. } = &met else {
            panic!("{source}: {met:?}");
        };
        assert!(!why.contains("hunter2") && !why.contains("4321"), "{why}");
        let met = shown(source, json);
        assert!(met.starts_with(begins), "{source}: {met}");
    }
    // What it is in truth says whether it is secret.
    let Outcome::Fails { shown } = outcome("json[json.field] == 'x'", json) else {
        panic!("it fails");
    };
    let seen = shown
        .iter()
        .find(|one| one.path == "json[json.field]")
        .unwrap();
    assert_eq!(seen.place.as_deref(), Some("json.password"));
}

#[test]
fn texts_can_be_left_out() {
    let masked = |source: &str| Expression::without_texts(source, "***");
    assert_eq!(
        masked("json.token == 'a b' && r'x' in json.x // 'c'"),
        "json.token == *** && *** in json.x // 'c'"
    );
    assert_eq!(masked("json.token == 'a"), "***");
}

#[test]
fn the_stack_is_bounded() {
    let deep = |open: &str, close: &str| format!("{}1{} == 1", open.repeat(500), close.repeat(500));
    for source in [
        deep("(", ")"),
        deep("[", "]"),
        deep("!", ""),
        deep("- ", ""),
        deep("json[", "]"),
        deep("true?1:", ""),
        format!("json{} == 1", ".a".repeat(1_000)),
        format!("json{} == 1", "[0]".repeat(1_000)),
        format!("1{} == 1", "+1".repeat(1_000)),
        format!("1{}", "==1".repeat(1_000)),
    ] {
        let fault = Expression::parse(&source, &Known).unwrap_err();
        assert!(
            fault.message.contains("parts stand in each other"),
            "{source}: {fault:?}"
        );
    }
    let long = "status == 200 && ".repeat(1_000) + "true";
    assert!(
        Expression::parse(&long, &Known)
            .unwrap_err()
            .message
            .contains("longer than 4 KiB")
    );
    assert_eq!(
        outcome(&("status == 200 && ".repeat(200) + "true"), "1"),
        Outcome::Holds
    );
    // As deep as may be, on the stack of a thread of the runtime.
    let deepest = format!("{}true{}", "(!".repeat(23), ")".repeat(23));
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let met = thread
        .spawn(move || outcome(&deepest, "1"))
        .unwrap()
        .join()
        .unwrap();
    assert!(matches!(met, Outcome::Fails { .. }));
}

proptest! {
    #[test]
    fn nothing_that_is_written_panics(source in r#"([a-z.\[\]()!&|<>=+*/%?: '"\\0-9-]|json|status|size|\.all\(x,|\.map\(x,|has|in ){0,40}"#) {
        if Expression::parse(&source, &Known).is_ok() {
            outcome(&source, SHOP);
        }
    }
}
