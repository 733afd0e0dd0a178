//! A suite that would take much memory or time is refused, quickly, with the bound and a remedy.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::suite::Suite;

/// The problems of a suite, none if it has none. They must be found in far less than this; but machines that test are busy.
fn problems_soon(text: &str) -> String {
    let begun = Instant::now();
    let found = Suite::parse("suite.yaml", text).map_or_else(|p| p.to_string(), |_| String::new());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    found
}

const HEAD: &str = "version: 1\nname: s\n";

#[test]
fn aliases_are_bounded_by_the_bytes_they_stand_for() {
    let mut text = format!("{HEAD}vars:\n  a: &a {}\nchecks:\n", "x".repeat(100_000));
    for number in 0..4_000 {
        writeln!(text, "  - *a # {number}").unwrap();
    }
    insta::assert_snapshot!(problems_soon(&text), @"suite.yaml:45:5: more than 4 MiB, with aliases written out; split the suite, or use fewer aliases");
}

#[test]
fn aliases_of_keys_and_nested_aliases_count_too() {
    let mut keys = format!("a: &a {{ {}: 1 }}\nb:\n", "k".repeat(100_000));
    let mut nested = format!(
        "a: &a {}\nb: &b [*a, *a, *a, *a]\nc:\n",
        "x".repeat(100_000)
    );
    for _ in 0..4_000 {
        keys.push_str("  - *a\n");
        nested.push_str("  - *b\n");
    }
    assert!(
        problems_soon(&keys).contains("with aliases written out"),
        "{}",
        problems_soon(&keys)
    );
    assert!(problems_soon(&nested).contains("with aliases written out"));
}

#[test]
fn a_long_name_is_not_compared_with_every_variable() {
    let mut text = format!("{HEAD}vars:\n");
    for number in 0..900 {
        writeln!(text, "  variable_{number}: {number}").unwrap();
    }
    write!(
        text,
        "checks: [{{ name: a, http: 'GET /{{{{ {} }}}}' }}]",
        "n".repeat(900_000)
    )
    .unwrap();
    let found = problems_soon(&text);
    assert!(found.len() < 20_000, "{}", found.len());
}

#[test]
fn many_wrong_keys_and_names_are_refused_soon() {
    let mut keys = format!("{HEAD}vars:\n");
    for number in 0..40_000 {
        writeln!(keys, "  'v{number} x': 1").unwrap();
    }
    problems_soon(&keys);
    let mut references = format!("{HEAD}vars:\n");
    for number in 0..900 {
        writeln!(references, "  variable_with_a_long_name_{number}: 1").unwrap();
    }
    references.push_str("checks:\n  - name: a\n    http:\n      url: /\n      json:\n");
    for _ in 0..20_000 {
        references.push_str("        - '{{ varable_with_a_long_nam }}'\n");
    }
    problems_soon(&references);
}

#[test]
fn regular_expressions_are_bounded_together() {
    let mut text = format!("{HEAD}checks:\n  - name: a\n    http: GET /\n    expect:\n");
    for number in 0..500 {
        writeln!(
            text,
            r"      - body: {{ matches: '(?:\w{{1,70}}[^x]{{0,70}}){number}' }}"
        )
        .unwrap();
    }
    insta::assert_snapshot!(problems_soon(&text), @r#"
    suite.yaml:7:26: the regular expression "(?:\\w{1,70}[^x]{0,70})0" takes more than 1 MiB; write it smaller: [0-9] for \d, [a-z] for \w, lower counts in braces
    suite.yaml:8:26: the regular expression "(?:\\w{1,70}[^x]{0,70})1" takes more than 1 MiB; write it smaller: [0-9] for \d, [a-z] for \w, lower counts in braces
    suite.yaml:9:26: the regular expression "(?:\\w{1,70}[^x]{0,70})2" takes more than 1 MiB; write it smaller: [0-9] for \d, [a-z] for \w, lower counts in braces
    suite.yaml:10:26: the regular expression "(?:\\w{1,70}[^x]{0,70})3" takes more than 1 MiB; write it smaller: [0-9] for \d, [a-z] for \w, lower counts in braces
    suite.yaml:11:26: the regular expression "(?:\\w{1,70}[^x]{0,70})4" takes more than 1 MiB; write it smaller: [0-9] for \d, [a-z] for \w, lower counts in braces
    suite.yaml:12:26: the regular expression "(?:\\w{1,70}[^x]{0,70})5" takes more than 1 MiB; write it smaller: [0-9] for \d, [a-z] for \w, lower counts in braces
    suite.yaml:13:26: the regular expressions of the suite, up to this one, take more than 8 MiB; use fewer or smaller ones: [0-9] for \d, [a-z] for \w
    "#);
}

#[test]
fn a_pattern_that_is_nested_without_end_is_refused() {
    for pattern in [
        "(".repeat(5_000),
        format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("a{}", "{9}".repeat(200)),
    ] {
        let text = format!(
            "{HEAD}checks: [{{ name: a, http: GET /, expect: [{{ body: {{ matches: '{pattern}' }} }}] }}]"
        );
        assert!(problems_soon(&text).contains("regular expression"));
    }
}
