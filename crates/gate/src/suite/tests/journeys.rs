//! What a person sees whose journey is wrong.

use super::*;
use crate::probe::Probe;
use crate::probe::ProbeKind as _;
use crate::probe::Sampling::{Once, Repeat};

fn problems_or_fine(check: &str) -> String {
    let lines: Vec<String> = check.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!(
        "version: 1\nname: shop\nvars: {{ reader: demo }}\nchecks:\n  - name: a\n{}",
        lines.concat()
    );
    match Suite::parse("suite.yaml", &text) {
        Err(problems) => problems.to_string(),
        Ok(_) => "fine".to_owned(),
    }
}

#[test]
fn steps_are_checked() {
    insta::assert_snapshot!(problems_or_fine("journey: []"), @"suite.yaml:6:14: journey has 0 steps; write 1 to 50 steps");
    insta::assert_snapshot!(problems_or_fine("journey: [{ name: x }, { http: GET /, expcet: [] }]"), @r#"
    suite.yaml:6:15: a step has no "http"; add `http:`
    suite.yaml:6:43: unknown key "expcet"; did you mean "expect"?
    "#);
    insta::assert_snapshot!(problems_or_fine("journey: [{ http: GET /, name: '{{ reader }}', timeout: 0s, expect: [{ redirects: { count: 1 } }] }]"), @r#"
    suite.yaml:6:36: the name of a step is one line of up to 200 characters, without references; write a short, fixed name
    suite.yaml:6:61: timeout: "0s" is out of range; write 1ms to 1h
    suite.yaml:6:73: redirects are expected, and the request follows none; add `follow_redirects: true`; to judge a redirect itself, expect its status and its header location
    "#);
    insta::assert_snapshot!(problems_or_fine("journey: [{ http: GET / }]\nexpect: [{ status: 200 }]"), @"suite.yaml:7:14: what `journey` measures has no status; write it in the step whose answer it is about");
    insta::assert_snapshot!(problems_or_fine("http: GET /\njourney: [{ http: GET / }]"), @"suite.yaml:7:14: a check has one probe, not both `http` and `journey`; make a check of each");
    insta::assert_snapshot!(problems_or_fine("http: GET /\nalways: [{ http: GET / }]"), @"suite.yaml:7:13: `always` goes with `journey`; write the request under `journey`, or remove it");
    insta::assert_snapshot!(problems_or_fine("journey: [{ http: GET / }]\nalways: [{ http: GET /, capture: { x: { json: $.x } } }]"), @"suite.yaml:7:38: a step under `always` captures nothing; remove it");
}

#[test]
fn captures_are_checked() {
    let of_capture = |capture: &str| {
        problems_or_fine(&format!(
            "journey: [{{ http: GET /, capture: {{ {capture} }} }}]"
        ))
    };
    insta::assert_snapshot!(of_capture("x: {}"), @r#"suite.yaml:6:44: the capture "x" does not say where its value is; write one of `json: $.path`, `header: name`, `cookie: name`, `regex: '…'` or `css: selector`"#);
    insta::assert_snapshot!(of_capture("x: { json: $.x, header: y }"), @"suite.yaml:6:44: a capture has one source, not both `json` and `header`; write one of `json: $.path`, `header: name`, `cookie: name`, `regex: '…'` or `css: selector`");
    insta::assert_snapshot!(of_capture("x: { json: x }, y: { regex: '(' }, z: { css: '>>' }, w: { header: 'a b' }"), @r#"
    suite.yaml:6:52: "x" is not a JSONPath: a path begins with $ (character 1); write $.x
    suite.yaml:6:69: "(" is not a regular expression: unclosed group; see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes
    suite.yaml:6:86: ">>" is not a CSS selector that can be judged; write elements, classes, ids, attributes and combinators, such as "main > h1" or "a[href^='/buy']"; states such as :hover don't exist here
    suite.yaml:6:107: "a b" can't be the name of a header; use letters, digits and -
    "#);
    insta::assert_snapshot!(of_capture("reader: { json: $.x }, 'a b': { json: $.x }, target: { json: $.y }"), @r#"
    suite.yaml:6:41: "reader" is a variable or a secret already; rename one of them
    suite.yaml:6:64: "a b" can't be the name of a capture; use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment
    suite.yaml:6:86: "target" can't be the name of a capture; use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment
    "#);
    insta::assert_snapshot!(of_capture("x: { json: $.x, attribute: href, secret: yes }"), @"
    suite.yaml:6:68: `attribute` goes with `css`; remove it
    suite.yaml:6:82: secret is true or false, not text; write true or false, without quotes
    ");
    insta::assert_snapshot!(problems_or_fine("journey: [{ http: GET /, capture: { x: { json: $.x } } }, { http: GET /, capture: { x: { json: $.y } } }]"), @r#"suite.yaml:6:89: "x" is captured twice; rename one of them"#);
}

#[test]
fn a_capture_is_known_in_later_steps_only() {
    assert_eq!(
        problems_or_fine(
            "journey: [{ http: GET /, capture: { order: { json: $.x } } }, { http: 'GET /{{ order }}' }]\nalways: [{ http: 'DELETE /{{ order }}' }]"
        ),
        "fine"
    );
    insta::assert_snapshot!(problems_or_fine("journey: [{ http: 'GET /{{ order }}', capture: { order: { json: $.x } } }]"), @r#"suite.yaml:6:23: {{ order }} refers to nothing; known here: "reader""#);
    insta::assert_snapshot!(problems_or_fine("journey: [{ http: GET /, capture: { order: { json: $.x } } }, { http: 'GET /{{ ordre }}' }]"), @"suite.yaml:6:75: {{ ordre }} refers to nothing; did you mean {{ order }}?");
    // Not in another check.
    let text = "version: 1\nname: s\nchecks:\n  - { name: a, journey: [{ http: GET /, capture: { order: { json: $.x } } }] }\n  - { name: b, http: 'GET /{{ order }}' }";
    insta::assert_snapshot!(Suite::parse("suite.yaml", text).unwrap_err(), @"suite.yaml:5:22: {{ order }} refers to nothing; declare it under vars or secrets");
    insta::assert_snapshot!(problems_or_fine("journey: [{ http: GET /, capture: { host: { json: $.x } } }, { http: { url: '{{ host }}/a', reaches_release: true, allow_origins: ['{{ host }}'] } }]"), @"
    suite.yaml:6:66: allow_origins can't have a captured value; write it out, or use a variable
    suite.yaml:6:66: a URL with a captured value can't be said to reach the release; write it out, or use a variable
    ");
}

#[test]
fn a_journey_that_changes_something_is_not_repeated_to_find_a_revision() {
    let sampling = |steps: &str| {
        let text = format!("version: 1\nname: s\nchecks: [{{ name: a, {steps} }}]");
        let suite = Suite::parse("suite.yaml", &text).unwrap();
        let Probe::Journey(journey) = &suite.checks[0].probe else {
            panic!("no journey");
        };
        journey.profile().sampling
    };
    assert_eq!(
        sampling("journey: [{ http: GET / }, { http: OPTIONS / }]"),
        Repeat
    );
    assert_eq!(
        sampling("journey: [{ http: GET / }, { http: POST / }]"),
        Once
    );
    assert_eq!(
        sampling("journey: [{ http: GET / }], always: [{ http: DELETE / }]"),
        Once
    );
}

#[test]
fn a_try_may_take_what_its_steps_may_take() {
    let timeout = |check: &str| {
        let text = format!("version: 1\nname: s\nchecks: [{{ name: a, {check} }}]");
        Suite::parse("suite.yaml", &text).unwrap().checks[0]
            .retry
            .timeout
    };
    let steps = "journey: [{ http: GET / }, { http: GET /, timeout: 7s }]";
    assert_eq!(timeout(steps), std::time::Duration::from_secs(12));
    assert_eq!(
        timeout(&format!("{steps}, timeout: 3s")),
        std::time::Duration::from_secs(3)
    );
}
