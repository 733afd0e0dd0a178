//! Asserts on texts: headers, the body, the final URL, and cookies as the header that sets them.

use hurl_core::ast::{FilterValue, PredicateFuncValue, PredicateValue, Template, TemplateElement};
use strict_yaml::{Node, Position};

use crate::assert_context::AssertContext;
use crate::context::Context;
use crate::predicate::{Condition, Order, of_text, whole};
use crate::tree::{boolean, map, number, start, text};

/// `header "…"`. Several values are a list in Hurl, which no text equals, so there must be one.
pub(crate) fn header(of: &AssertContext<'_>, name: &Template, context: &Context) -> Option<Node> {
    let at = of.at();
    let name = context.literal(name, "the name of a header")?;
    let mut keys = vec![("name", text(at, name))];
    if let Some((_, filter)) = of.assert.filters.first()
        && matches!(filter.value, FilterValue::Count)
        && of.assert.filters.len() == 1
    {
        keys.push(count(of, context)?);
        return Some(map(at, [("header", map(at, keys))]));
    }
    of.no_filters(context)?;
    let condition = of_text(of, context)?;
    if condition.0 != "exists" {
        of.must_be_there(context)?;
        keys.push(("count", number(at, "1")));
    }
    keys.push(condition);
    Some(map(at, [("header", map(at, keys))]))
}

/// How many values: Hurl counts lists, and one value is none.
fn count(of: &AssertContext<'_>, context: &Context) -> Option<Condition> {
    let Some((order, value)) = Order::of(of) else {
        return of.unsupported(context, "compare the count with a number");
    };
    several(of, order, value, context)
}

/// A count that at least two things must meet.
pub(crate) fn several(
    of: &AssertContext<'_>,
    order: Order,
    value: &PredicateValue,
    context: &Context,
) -> Option<Condition> {
    let place = start(of.assert.predicate.predicate_func.source_info);
    let enough = match (order, whole(value)) {
        (Order::Equal | Order::AtLeast, Some(number)) => number >= 2,
        (Order::Greater, Some(number)) => number >= 1,
        _ => false,
    };
    match (order.sign(), whole(value)) {
        (Some(sign), Some(number)) if enough => {
            Some(("count", text(place, format!("{sign}{number}"))))
        }
        _ => {
            let message = "a count that one value may meet: what is there once is no list in Hurl";
            context.refuse(place, message, "ask for two at least, or whether it exists")
        }
    }
}

/// `body`, which is always there.
pub(crate) fn body(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    of.no_filters(context)?;
    let at = of.at();
    let condition = match of_text(of, context)? {
        // What can't be read as text is an error in both.
        ("exists", node) if !of.assert.predicate.not => ("matches", text(node.at, r"\A")),
        ("exists", _) => {
            let message = "a body is always there, so this never holds";
            return context.refuse(at, message, "write `body isEmpty`");
        }
        condition => condition,
    };
    Some(map(at, [("body", map(at, [condition]))]))
}

/// `url`: where the answer came from, with redirects followed.
pub(crate) fn url(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    of.no_filters(context)?;
    let at = of.at();
    if !of.options.location {
        let message = "url without location: true is the URL that was asked for";
        return context.refuse(at, message, "leave it out, or follow redirects");
    }
    let condition = of_text(of, context)?;
    if condition.0 == "exists" {
        return of.unsupported(context, "there always is one: leave it out");
    }
    let url = map(at, [("url", map(at, [condition]))]);
    Some(map(at, [("redirects", url)]))
}

/// `cookie "…"`: the header of this response that sets it.
pub(crate) fn cookie(
    of: &AssertContext<'_>,
    name: &Template,
    attribute: Option<&str>,
    context: &Context,
) -> Option<Node> {
    of.no_filters(context)?;
    let at = of.at();
    let name = regex::escape(&context.literal(name, "the name of a cookie")?);
    let predicate = &of.assert.predicate;
    let pattern = match (&predicate.predicate_func.value, attribute) {
        _ if predicate.not => {
            let remedy = "assert what the cookie is, or the header Set-Cookie";
            return of.unsupported(context, remedy);
        }
        (PredicateFuncValue::Exist, None) => set_cookie(&name),
        (PredicateFuncValue::Exist, Some(attribute)) => {
            format!(
                r"{}[^;]*;(.*;)?\s*(?i:{attribute})\s*(;|\z)",
                set_cookie(&name)
            )
        }
        (
            PredicateFuncValue::Equal {
                value: PredicateValue::String(value),
                ..
            },
            None,
        ) => {
            has_no_end(value, context)?;
            format!(r"{}{}(;|\z)", set_cookie(&name), context.escaped(value)?)
        }
        _ => {
            return of.unsupported(
                context,
                "a cookie can be asked whether it exists, and with ==",
            );
        }
    };
    let keys = [
        ("name", text(at, "set-cookie")),
        ("matches", text(at, pattern)),
    ];
    Some(map(at, [("header", map(at, keys))]))
}

/// Refuses `;` in what the value of a cookie is compared with: what follows are attributes, which no value equals.
fn has_no_end(value: &Template, context: &Context) -> Option<()> {
    let at = start(value.source_info);
    for element in &value.elements {
        let written = match element {
            TemplateElement::String { value, .. } => Some(value.as_str()),
            TemplateElement::Placeholder(placeholder) => {
                let known = context.known(placeholder)?;
                context.names.written(&known.name)
            }
        };
        let Some(written) = written else {
            let message = "what is captured or secret may have a ;, which no value of a cookie has";
            return context.refuse(at, message, "write the value out, or give it by --var");
        };
        if written.contains(';') {
            let message = "no value of a cookie has a ;, so this never holds";
            let remedy = "write the value alone, or compare the header Set-Cookie";
            return context.refuse(at, message, remedy);
        }
    }
    Some(())
}

/// That no second header sets the cookie, by its escaped name: Hurl looks at the first alone, and a suite at any.
pub(crate) fn sets_once(at: Position, name: &str) -> Node {
    // It stands in quotes.
    let name = name.replace('\'', r"\x27");
    let headers = "headers['set-cookie']";
    let expression = format!(r"!{headers}.matches(r'(?s)(\A|, ){name}=.*, {name}=')");
    map(at, [("that", text(at, expression))])
}

/// The beginning of a header that sets a cookie, by the escaped name of it.
pub(crate) fn set_cookie(name: &str) -> String {
    format!(r"\A{name}=")
}

/// Whether a header is there once, which a capture of it needs.
pub(crate) fn once(at: Position, name: &str) -> Node {
    let keys = [
        ("name", text(at, name)),
        ("exists", boolean(at, true)),
        ("count", number(at, "1")),
    ];
    map(at, [("header", map(at, keys))])
}
