//! Asserts on JSON.
//!
//! A JSONPath selects values. Hurl makes one thing of them: nothing of none, the value of one, a list of several. A suite asks
//! each value. Both say the same where a path can select one value at most, and where the suite demands beside it that
//! there is one; what asks a list of several is refused.

use hurl_core::ast::{Filter, FilterValue, PredicateFuncValue, PredicateValue, Template};
use strict_yaml::Node;

use crate::assert_context::AssertContext;
use crate::context::{Context, SUITE_REMEDY};
use crate::names::Kind;
use crate::predicate::{Condition, Order, index, json_value, of_text, pattern, whole};
use crate::text_asserts::several;
use crate::tree::{list, map, number, start, text};

/// `jsonpath "…"`
pub(crate) fn expectation(
    of: &AssertContext<'_>,
    expr: &Template,
    context: &Context,
) -> Option<Node> {
    let at = of.at();
    let written = context.text(expr)?;
    let (picks, counts) = match of.assert.filters.split_last() {
        Some(((_, last), rest)) if matches!(last.value, FilterValue::Count) => (rest, true),
        _ => (of.assert.filters.as_slice(), false),
    };
    let one = is_singular(&written);
    let path = picked(&written, picks.iter().map(|(_, filter)| filter), context)?;
    let conditions = match (counts, one) {
        (true, true) => length(of, context)?,
        (true, false) => vec![count_of_several(of, &written, context)?],
        (false, true) => of_one(of, context)?,
        (false, false) => of_any(of, context)?,
    };
    let path = ("path", text(start(expr.source_info), path));
    let keys = std::iter::once(path).chain(conditions);
    Some(map(at, [("json", map(at, keys.collect::<Vec<_>>()))]))
}

/// The path with the filters `nth`, `first` and `last` as part of it.
pub(crate) fn picked<'f>(
    path: &str,
    filters: impl Iterator<Item = &'f Filter>,
    context: &Context,
) -> Option<String> {
    let mut picked = path.to_owned();
    for filter in filters {
        let at = start(filter.source_info);
        let name = filter.value.identifier();
        let wanted = match &filter.value {
            FilterValue::First => 0,
            FilterValue::Last => -1,
            FilterValue::Nth { n, .. } => match index(n) {
                Some(index) => index,
                None => {
                    return context.refuse(
                        at,
                        "nth can't have placeholders",
                        "write the number out",
                    );
                }
            },
            _ => {
                let message = format!("the filter {name} on jsonpath is not supported here");
                return context.refuse(at, message, SUITE_REMEDY);
            }
        };
        if !is_singular(&picked) {
            let message =
                format!("{name} of a path that may select one value, which is no list in Hurl");
            return context.refuse(
                at,
                message,
                "name the list itself: $.items instead of $.items[*]",
            );
        }
        picked = format!("{picked}[{wanted}]");
    }
    Some(picked)
}

/// Whether a path selects one value at most, whatever the body holds: names and indexes (RFC 9535, 2.3.5.1). Some that do are not
/// recognised.
pub(crate) fn is_singular(path: &str) -> bool {
    let Some(mut rest) = path.trim().strip_prefix('$') else {
        return false;
    };
    while !rest.is_empty() {
        let after = match rest.strip_prefix('.') {
            Some(name) => {
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let (name, after) = name.split_at(end);
                let is_name = |one: char| one.is_alphanumeric() || one == '_';
                (!name.is_empty() && name.chars().all(is_name)).then_some(after)
            }
            None => after_brackets(rest),
        };
        match after {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// What follows an index or a name in brackets.
fn after_brackets(rest: &str) -> Option<&str> {
    let inside = rest.strip_prefix('[')?;
    let quote = inside.chars().next()?;
    if matches!(quote, '\'' | '"') {
        let (name, after) = inside[1..].split_once(quote)?;
        return after.strip_prefix(']').filter(|_| !name.contains('\\'));
    }
    let (index, after) = inside.split_once(']')?;
    index.parse::<i64>().ok().map(|_| after)
}

/// How long a list is.
fn length(of: &AssertContext<'_>, context: &Context) -> Option<Vec<Condition>> {
    let place = start(of.assert.predicate.predicate_func.source_info);
    let compared = Order::of(of).and_then(|(order, value)| order.sign().zip(whole(value)));
    let Some((sign, wanted)) = compared else {
        return of.unsupported(
            context,
            "compare the count with a whole number, but not by !=",
        );
    };
    Some(vec![
        ("type", text(place, "array")),
        ("length", text(place, format!("{sign}{wanted}"))),
    ])
}

/// How many values a path selects.
fn count_of_several(of: &AssertContext<'_>, path: &str, context: &Context) -> Option<Condition> {
    let place = start(of.assert.predicate.predicate_func.source_info);
    let Some((order, value)) = Order::of(of) else {
        return of.unsupported(context, "compare the count with a whole number");
    };
    if path.contains("..") {
        let message = "count of what .. selects: of a single list Hurl counts the elements";
        return context.refuse(place, message, "name the list itself: $.items");
    }
    several(of, order, value, context)
}

/// Of a value that is there once or not at all.
fn of_one(of: &AssertContext<'_>, context: &Context) -> Option<Vec<Condition>> {
    let predicate = &of.assert.predicate;
    let place = start(predicate.predicate_func.source_info);
    if let PredicateFuncValue::Exist = predicate.predicate_func.value
        && !of.has_filters()
    {
        return of_text(of, context).map(|condition| vec![condition]);
    }
    if !of.has_filters() {
        of.must_be_there(context)?;
    }
    let kind = |kind: &str| ("type", text(place, kind));
    match (&predicate.predicate_func.value, predicate.not) {
        // Filters fail where nothing is there, whatever is asked then.
        (PredicateFuncValue::Exist, false) => of_text(of, context).map(|condition| vec![condition]),
        (PredicateFuncValue::IsEmpty, not) => {
            let length = if not { "> 0" } else { "0" };
            Some(vec![("length", text(place, length))])
        }
        (PredicateFuncValue::IsList, false) => Some(vec![kind("array")]),
        (PredicateFuncValue::IsObject, false) => Some(vec![kind("object")]),
        (PredicateFuncValue::Include { value, .. }, not) => {
            let key = if not { "not_contains" } else { "contains" };
            Some(vec![
                kind("array"),
                (key, json_value(value, place, context)?),
            ])
        }
        (PredicateFuncValue::Contain { value, .. }, not) => {
            let key = if not { "not_contains" } else { "contains" };
            // Of an object Hurl asks no keys.
            let kinds = ["string", "array"].map(|kind| text(place, kind));
            Some(vec![
                ("type", list(place, kinds.to_vec())),
                (key, json_value(value, place, context)?),
            ])
        }
        _ => of_scalar(of, context).map(|condition| vec![condition]),
    }
}

/// Of what may be several values: there must be one.
fn of_any(of: &AssertContext<'_>, context: &Context) -> Option<Vec<Condition>> {
    let predicate = &of.assert.predicate;
    let place = start(predicate.predicate_func.source_info);
    match &predicate.predicate_func.value {
        PredicateFuncValue::Exist => of_text(of, context).map(|condition| vec![condition]),
        PredicateFuncValue::NotEqual { .. }
        | PredicateFuncValue::Contain { .. }
        | PredicateFuncValue::Include { .. }
        | PredicateFuncValue::IsEmpty
        | PredicateFuncValue::IsList
        | PredicateFuncValue::IsObject => unclear(of, context),
        _ if predicate.not => unclear(of, context),
        _ => Some(vec![("count", number(place, "1")), of_scalar(of, context)?]),
    }
}

fn unclear<T>(of: &AssertContext<'_>, context: &Context) -> Option<T> {
    let message = "what Hurl asks here depends on how many values the path selects";
    let remedy = "name one value, or the list itself: $.items instead of $.items[*]";
    context.refuse(of.at(), message, remedy)
}

/// Of a value that has no parts.
fn of_scalar(of: &AssertContext<'_>, context: &Context) -> Option<Condition> {
    let predicate = &of.assert.predicate;
    let place = start(predicate.predicate_func.source_info);
    if let Some((order, value)) = Order::of(of) {
        let key = match order {
            Order::Equal => "equals",
            Order::NotEqual => "not_equals",
            Order::Greater => "greater_than",
            Order::AtLeast => "at_least",
            Order::Less => "less_than",
            Order::AtMost => "at_most",
        };
        let is_equality = matches!(order, Order::Equal | Order::NotEqual);
        if !is_equality && !is_number(value, context) {
            return of.unsupported(context, "compare with a number, or a variable that is one");
        }
        if let (false, PredicateValue::Placeholder(placeholder)) = (is_equality, value)
            && let Some(known) = context.variable(placeholder)
        {
            context
                .names
                .used(&known.name, |used| used.as_number = true);
        }
        return Some((key, json_value(value, place, context)?));
    }
    match (&predicate.predicate_func.value, predicate.not) {
        (
            PredicateFuncValue::StartWith { .. }
            | PredicateFuncValue::EndWith { .. }
            | PredicateFuncValue::Match { .. },
            not,
        ) => {
            let key = if not { "not_matches" } else { "matches" };
            Some((key, text(place, pattern(of, context)?)))
        }
        (PredicateFuncValue::IsString, false) => Some(("type", text(place, "string"))),
        (PredicateFuncValue::IsNumber, false) => Some(("type", text(place, "number"))),
        (PredicateFuncValue::IsBoolean, false) => Some(("type", text(place, "boolean"))),
        (PredicateFuncValue::IsInteger | PredicateFuncValue::IsFloat, false) => of.unsupported(
            context,
            "7 and 7.0 are the same number here: write isNumber",
        ),
        (PredicateFuncValue::IsCollection, false) => {
            of.unsupported(context, "write isList or isObject")
        }
        (PredicateFuncValue::IsIsoDate | PredicateFuncValue::IsUuid, false) => {
            of.unsupported(context, "describe the text: matches /…/")
        }
        _ => of.unsupported(context, SUITE_REMEDY),
    }
}

/// Whether what is compared with is a number, as far as that is known.
fn is_number(value: &PredicateValue, context: &Context) -> bool {
    match value {
        PredicateValue::Number(_) => true,
        PredicateValue::Placeholder(placeholder) => {
            let known = context.variable(placeholder);
            known.is_none_or(|known| known.kind != Kind::Text)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_names_and_indexes_selects_one_value_at_most() {
        for one in ["$", "$.a", "$.a.b_c[0]", "$['a b'][\"c.d\"][-1].é"] {
            assert!(is_singular(one), "{one}");
        }
        for several in [
            "",
            "a",
            "$.a[*]",
            "$..a",
            "$.*",
            "$[0,1]",
            "$[0:1]",
            "$[?@.a]",
            "$['a','b']",
            "$.",
            "$.a-b",
            "$[",
            r"$['a\'b']",
            "$.items[{{ i }}]",
        ] {
            assert!(!is_singular(several), "{several}");
        }
    }
}
