//! `that` of an expectation.

use super::*;

fn problems_with(that: &str) -> String {
    problems_of_check(&format!("http: GET /\nexpect:\n  - that: {that}"))
}

#[test]
fn expressions_are_checked() {
    insta::assert_snapshot!(problems_with("status == 200 &&"), @"suite.yaml:7:15: that: the expression ends before it is complete (character 17); here goes a value, such as status, json.total, 200 or 'text'");
    insta::assert_snapshot!(problems_with("staus == 200"), @r#"suite.yaml:7:15: that: there is no variable "staus" (character 1); there are status, headers, body, json, latency_ms, vars, secrets, captures and target"#);
    insta::assert_snapshot!(problems_with("size(json.items)"), @"suite.yaml:7:15: that: the expression is a number, and not true or false (character 1); compare it: status == 200, size(json.items) > 0");
    insta::assert_snapshot!(problems_with("length(json.items) == 1"), @r#"suite.yaml:7:15: that: there is no function "length" (character 1); there are size, contains, startsWith, endsWith, matches, has, all, exists, exists_one, map, filter, int, double and string"#);
    insta::assert_snapshot!(problems_with("status == '200'"), @"suite.yaml:7:15: that: a number and a text are never equal (character 8); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(problems_with("\"body.matches('(')\""), @r#"suite.yaml:7:15: that: "(" is not a regular expression: unclosed group (character 14); see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes"#);
    insta::assert_snapshot!(problems_with("\"body.matches('(a{1000}){1000}')\""), @r#"suite.yaml:7:15: that: the regular expression "(a{1000}){1000}" takes more than 1 MiB (character 14); write it smaller: [0-9] for \d, [a-z] for \w, lower counts in braces"#);
    insta::assert_snapshot!(problems_with("\"status == {{ target.version }}\""), @r#"suite.yaml:7:15: that: "{" can't stand here (character 11); an expression names values without braces: vars.name, secrets.name, captures.name or target.version"#);
    insta::assert_snapshot!(problems_with("\"json.version == '{{ target.version }}'\""), @r#"suite.yaml:7:15: that: "{{ target.version }}" has a reference, and an expression fills none (character 17); an expression names values without braces: vars.name, secrets.name, captures.name or target.version"#);
    insta::assert_snapshot!(problems_with("headers['ETag'] == 'a'"), @r#"suite.yaml:7:15: that: headers are named in lower case, and not "ETag" (character 9); write headers['etag']"#);
    insta::assert_snapshot!(problems_with("headers['a b'] == 'a'"), @r#"suite.yaml:7:15: that: "a b" can't be the name of a header (character 9); use letters, digits and -"#);
    insta::assert_snapshot!(problems_with("target.verison == json.version"), @r#"suite.yaml:7:15: that: target has no "verison" (character 7); did you mean "version"?"#);
    insta::assert_snapshot!(problems_with("captures.id == json.id"), @r#"suite.yaml:7:15: that: no earlier step captures "id" (character 9); there are status, headers, body, json, latency_ms, vars, secrets, captures and target"#);
    insta::assert_snapshot!(problems_with("target.version == '1'"), @"suite.yaml:7:15: that: the expression is not about the answer, so every answer meets it, or none does; name status, headers, body, json or latency_ms in it");
    insta::assert_snapshot!(problems_with("[status == 200]"), @"suite.yaml:7:15: `that` takes one expression as text; write one entry for each");
    insta::assert_snapshot!(problems_with("secrets.x == json.a"), @"suite.yaml:7:15: that: the suite has no secrets (character 8); declare it under `secrets` at the top of the suite");
    insta::assert_snapshot!(problems_with("headers.content-type == 'a'"), @r#"suite.yaml:7:15: that: there is no variable "type" (character 17); a name with - in it goes into brackets: headers['content-type']"#);
    insta::assert_snapshot!(problems_with("\"!(status in ['500', '503'])\""), @"suite.yaml:7:15: that: a number and a text are never equal (character 14); compare two values of one type; string(…) makes a text of a number");
    insta::assert_snapshot!(problems_with("200"), @"suite.yaml:7:15: that is text, not a number; put it in quotes");
}

#[test]
fn names_are_those_of_the_suite() {
    let suite = |that: &str| {
        format!(
            "version: 1\nname: s\nvars: {{ sku: a, limit: 5, a-b: x }}\nsecrets: {{ key: 'ssm:/key' }}\nchecks:\n  \
             - {{ name: a, http: GET /, expect: [{{ that: \"{that}\" }}] }}"
        )
    };
    let problems_with = |that: &str| problems(&suite(that));
    insta::assert_snapshot!(problems_with("json.a == vars.sko"), @r#"suite.yaml:6:46: that: vars has no "sko" (character 15); did you mean "sku"?"#);
    insta::assert_snapshot!(problems_with("json.a == vars.key"), @r#"suite.yaml:6:46: that: "key" is a secret (character 15); write secrets.key"#);
    insta::assert_snapshot!(problems_with("json.a == secrets.limit"), @r#"suite.yaml:6:46: that: "limit" is a variable (character 18); write vars.limit"#);
    insta::assert_snapshot!(problems_with("json.a == secrets.kez"), @r#"suite.yaml:6:46: that: secrets has no "kez" (character 18); did you mean "key"?"#);
    insta::assert_snapshot!(problems_with("status == vars.sku"), @"suite.yaml:6:46: that: a number and a text are never equal (character 8); compare two values of one type; string(…) makes a text of a number");
    for that in [
        "json.a == vars.sku && status < vars.limit && headers.etag == secrets.key && json.x == vars['a-b']",
        "latency_ms < 300 || json.items.all(i, i.sku != vars.sku)",
        "body.matches('^a') && !body.contains('{{') && target.version == json.version",
    ] {
        parsed(&suite(that));
    }
    // What a run needs is known from the names.
    let suite = parsed(&suite(
        "headers.etag == secrets.key && json.v == target.old_version",
    ));
    let secrets: Vec<&str> = suite.secrets_at(Stage::PreTraffic).into_keys().collect();
    assert_eq!(secrets, ["key"]);
    assert!(suite.uses_facts(&["old_version"]) && !suite.uses_facts(&["image"]));
}

#[test]
fn what_an_answer_lacks_is_refused() {
    insta::assert_snapshot!(problems_of_check("http: HEAD /\nexpect: [{ that: json.ok }]"), @"suite.yaml:6:13: an answer to HEAD has no body, so nothing can hold for it; use GET, or expect a status or headers");
    insta::assert_snapshot!(problems_of_check("alarms: [a]\nexpect: [{ that: status == 200 }]"), @"suite.yaml:6:14: `that` needs status, and what `alarms` measures has none; remove it: `alarms` has conditions of its own");
    parsed(&one_check(
        "http: HEAD /\nexpect: [{ that: \"status == 200 && headers.etag != ''\" }]",
    ));
}

#[test]
fn steps_may_use_what_earlier_ones_captured() {
    let journey = |that: &str| {
        one_check(&format!(
            "journey:\n  - http: GET /a\n    capture: {{ id: {{ json: $.id }} }}\n  - http: GET /b\n    expect: [{{ that: \"{that}\" }}]"
        ))
    };
    parsed(&journey("json.id == captures.id && captures.id > 5"));
    insta::assert_snapshot!(problems(&journey("json.id == captures.ib")), @r#"suite.yaml:9:26: that: no earlier step captures "ib" (character 20); did you mean "id"?"#);
    insta::assert_snapshot!(problems(&journey("json.id == vars.id")), @r#"suite.yaml:9:26: that: "id" is a capture (character 16); write captures.id"#);
}

#[test]
fn a_revision_is_told_by_what_differs() {
    let revision = |that: &str| {
        format!(
            "version: 1\nname: s\nrevision: {{ that: \"{that}\" }}\nchecks: [{{ name: a, http: GET / }}]"
        )
    };
    parsed(&revision("headers['x-version'] == target.version"));
    insta::assert_snapshot!(problems(&revision("status == 200")), @"suite.yaml:3:11: status, latency and redirects don't show which revision answered; name a header, a field of JSON or something in the body that says which revision answers");
}

#[test]
fn expressions_of_a_suite_are_bounded_together() {
    let that = format!("body != '{}'", "x".repeat(4_000));
    let many = format!(
        "http: GET /\nexpect: [{}]",
        vec![format!("{{ that: \"{that}\" }}"); 17].join(", ")
    );
    let problems = problems_of_check(&many);
    assert_eq!(problems.lines().count(), 1, "{problems}");
    assert!(problems.contains("longer than 64 KiB"), "{problems}");
    let long = format!(
        "http: GET /\nexpect: [{{ that: \"body != '{}'\" }}]",
        "x".repeat(5_000)
    );
    assert!(problems_of_check(&long).contains("longer than 4 KiB"));
}

#[test]
fn the_examples_of_the_guide_are_right() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = std::fs::read_to_string(root.join("docs/suite.md")).unwrap();
    for (heading, expected) in [("#### that\n", 4), ("#### json_schema\n", 1)] {
        let (_, section) = guide.split_once(heading).unwrap();
        let example = section
            .lines()
            .skip_while(|line| !line.starts_with("    "))
            .take_while(|line| line.starts_with("    "));
        let example: Vec<&str> = example.collect();
        let suite = parsed(&format!(
            "version: 1\nname: s\nvars: {{ sku: a }}\nchecks:\n  - name: a\n    http: GET /\n{}\n",
            example.join("\n")
        ));
        assert_eq!(suite.checks[0].expect.len(), expected, "{heading}");
    }
}
