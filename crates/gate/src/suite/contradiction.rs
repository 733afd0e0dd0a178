//! Conditions that no answer can meet. They are mistakes, and found when the suite is loaded rather than when
//! a good release is stopped. Only what is certain is refused: a condition with references may hold.

use ::http::Method;
use strict_yaml::{Findings, Node};

use crate::evidence::Facet;
use crate::expect::{Expectation, TextCondition};
use crate::template::Template;

/// Reports conditions on the body of an answer that has none.
pub(super) fn without_body(
    node: &Node,
    method: &Method,
    expect: &[Expectation],
    problems: &Findings,
) {
    let on_body = |one: &Expectation| one.needs().contains(&Facet::Body);
    if *method == Method::HEAD && expect.iter().any(on_body) {
        problems.add(
            node.at,
            "an answer to HEAD has no body, so nothing can hold for it",
            "use GET, or expect a status or headers",
        );
    }
}

/// Reports conditions on redirects of a check that follows none.
pub(super) fn without_redirects(
    node: &Node,
    follows: bool,
    expect: &[Expectation],
    problems: &Findings,
) {
    let on_redirects = |one: &Expectation| matches!(one, Expectation::Redirects(_));
    if !follows && expect.iter().any(on_redirects) {
        problems.add(
            node.at,
            "redirects are expected, and the request follows none",
            "add `follow_redirects: true`; to judge a redirect itself, expect its status and its header location",
        );
    }
}

/// Whether one text can meet all of the conditions; if not, two that contradict each other are a problem.
pub(super) fn together(node: &Node, tests: &[TextCondition], problems: &Findings) -> bool {
    let found = tests
        .iter()
        .enumerate()
        .flat_map(|(index, one)| tests[index + 1..].iter().map(move |other| (one, other)))
        .find_map(|(one, other)| {
            (contradict(one, other) || contradict(other, one)).then(|| (one.name(), other.name()))
        });
    let (message, remedy) = match found {
        Some((one, other)) => (
            format!("`{one}` and `{other}` contradict each other, so this can never hold"),
            "remove one, or make two expectations if two values are meant",
        ),
        None => match tests.iter().find(|test| excludes_all(test)) {
            Some(test) => (
                format!("`{}` with nothing in it can never hold", test.name()),
                "write what must not be there; for an empty text write `equals: \"\"`",
            ),
            None => return true,
        },
    };
    problems.add(node.at, message, remedy);
    false
}

/// Whether what meets `one` can't meet `other`.
fn contradict(one: &TextCondition, other: &TextCondition) -> bool {
    match (one, other) {
        (TextCondition::Exists(false), TextCondition::Count(count)) => !count.demands_none(),
        (TextCondition::Exists(false), _) => true,
        (TextCondition::Count(count), other) if count.demands_none() => {
            !matches!(other, TextCondition::Exists(false))
        }
        (TextCondition::Matches(one), TextCondition::NotMatches(other)) => {
            one.template() == other.template()
        }
        (TextCondition::Equals(text), other) => {
            literal(text).is_some_and(|text| meets(&text, other) == Some(false))
        }
        (TextCondition::Contains(part), TextCondition::NotContains(other)) => literal(part)
            .zip(literal(other))
            .is_some_and(|(part, other)| part.contains(&other)),
        _ => false,
    }
}

/// Whether a text meets a condition, as far as that is known without values.
fn meets(text: &str, condition: &TextCondition) -> Option<bool> {
    match condition {
        TextCondition::Equals(other) => literal(other).map(|other| text == other),
        TextCondition::Contains(part) => literal(part).map(|part| text.contains(&part)),
        TextCondition::NotContains(part) => literal(part).map(|part| !text.contains(&part)),
        TextCondition::NotEquals(other) => literal(other).map(|other| text != other),
        TextCondition::Matches(pattern) => pattern.literal().map(|regex| regex.is_match(text)),
        TextCondition::NotMatches(pattern) => pattern.literal().map(|regex| !regex.is_match(text)),
        TextCondition::Exists(exists) => Some(*exists),
        TextCondition::Count(count) => count.demands_none().then_some(false),
    }
}

fn excludes_all(test: &TextCondition) -> bool {
    match test {
        TextCondition::NotContains(part) => literal(part).is_some_and(|part| part.is_empty()),
        TextCondition::NotMatches(pattern) => {
            literal(pattern.template()).is_some_and(|source| source.is_empty())
        }
        _ => false,
    }
}

fn literal(template: &Template) -> Option<String> {
    template
        .is_literal()
        .then(|| template.render_with(|_| Ok(String::new())).ok())
        .flatten()
}
