//! Asserts on what has a size: the status, the duration, bytes and redirects.

use std::fmt::Write as _;

use hurl_core::ast::{FilterValue, PredicateFuncValue, PredicateValue};
use strict_yaml::Node;

use crate::assert_context::AssertContext;
use crate::context::Context;
use crate::predicate::{Order, whole};
use crate::tree::{list, map, number, start, text};

/// What a status may be.
const STATUS: std::ops::RangeInclusive<u64> = 100..=599;

/// A comparison with a number that is written out.
fn compared(of: &AssertContext<'_>, context: &Context) -> Option<(Order, u64)> {
    let found = Order::of(of).and_then(|(order, value)| Some((order, whole(value)?)));
    found.or_else(|| of.unsupported(context, "compare it with a whole number"))
}

/// `status`
pub(crate) fn status(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    of.no_filters(context)?;
    let at = of.at();
    let place = start(of.assert.predicate.predicate_func.source_info);
    let (order, wanted) = compared(of, context)?;
    let (first, last) = (*STATUS.start(), *STATUS.end());
    let below = wanted.saturating_sub(1);
    let ranges = match order {
        Order::Equal => vec![(wanted, wanted)],
        Order::NotEqual => vec![(first, below), (wanted + 1, last)],
        Order::Greater => vec![(wanted + 1, last)],
        Order::AtLeast => vec![(wanted, last)],
        Order::Less => vec![(first, below)],
        Order::AtMost => vec![(first, wanted)],
    };
    let within = STATUS.contains(&wanted);
    let ranges: Vec<Node> = ranges
        .into_iter()
        .filter(|(first, last)| within && first <= last && STATUS.contains(first))
        .map(|(first, last)| {
            if first == last {
                number(place, &first.to_string())
            } else {
                text(place, format!("{first}-{last}"))
            }
        })
        .collect();
    match <[Node; 1]>::try_from(ranges) {
        Ok([one]) => Some(map(at, [("status", one)])),
        Err(several) if several.is_empty() => {
            let message = "no status that HTTP has makes a difference here";
            context.refuse(place, message, "compare it with 100 to 599")
        }
        Err(several) => Some(map(at, [("status", list(place, several))])),
    }
}

/// `duration`, in whole milliseconds, of the last request.
pub(crate) fn duration(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    of.no_filters(context)?;
    let at = of.at();
    if of.options.location {
        let message = "duration with location: true is that of the last request alone";
        return context.refuse(at, message, "leave one of both out");
    }
    let place = start(of.assert.predicate.predicate_func.source_info);
    let (order, limit) = compared(of, context)?;
    // Milliseconds that have begun don't count in Hurl.
    let below = match order {
        Order::Less => limit,
        Order::AtMost => limit + 1,
        _ => {
            let remedy = "a release is not too fast: compare it with < or <=";
            return of.unsupported(context, remedy);
        }
    };
    let latency = text(place, format!("< {below}ms"));
    Some(map(at, [("latency", latency)]))
}

/// Whether the one filter is `count`.
fn is_counted(of: &AssertContext<'_>) -> bool {
    matches!(of.assert.filters.as_slice(), [(_, filter)] if matches!(filter.value, FilterValue::Count))
}

/// A comparison as a suite writes it for a count or a size.
fn sized(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    let place = start(of.assert.predicate.predicate_func.source_info);
    let (order, wanted) = compared(of, context)?;
    match order.sign() {
        Some(sign) => Some(text(place, format!("{sign}{wanted}"))),
        None => of.unsupported(context, "say how many there must be"),
    }
}

/// `bytes count`
pub(crate) fn bytes(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    let at = of.at();
    if !is_counted(of) {
        of.no_filters(context)?;
        return of.unsupported(context, "compare `bytes count`, sha256 or body");
    }
    let size = map(at, [("size", sized(of, context)?)]);
    Some(map(at, [("body", size)]))
}

/// `sha256`
pub(crate) fn sha256(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    of.no_filters(context)?;
    let at = of.at();
    let predicate = &of.assert.predicate;
    match &predicate.predicate_func.value {
        PredicateFuncValue::Equal {
            value: PredicateValue::Hex(hex),
            ..
        } if !predicate.not => {
            let mut digits = String::new();
            for byte in &hex.value {
                let _ = write!(digits, "{byte:02x}");
            }
            let place = start(predicate.predicate_func.source_info);
            let sha256 = map(at, [("sha256", text(place, digits))]);
            Some(map(at, [("body", sha256)]))
        }
        _ => of.unsupported(context, "write sha256 == hex,…;"),
    }
}

/// `redirects count`
pub(crate) fn redirects(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    let at = of.at();
    if !is_counted(of) {
        of.no_filters(context)?;
        return of.unsupported(context, "compare `redirects count` or `url`");
    }
    if !of.options.location {
        let message = "redirects without location: true: none is followed";
        return context.refuse(at, message, "leave it out, or follow redirects");
    }
    let count = map(at, [("count", sized(of, context)?)]);
    Some(map(at, [("redirects", count)]))
}
