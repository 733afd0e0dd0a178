//! `traffic:` into a [`Bake`].

use std::ops::RangeInclusive;
use std::time::Duration;

use strict_yaml::{Findings, Node, Object, scalar};

use super::keys;
use crate::bake::{Bake, MAX_BAKE_WINDOW, NoDataPolicy};
use crate::words;

const HOUR: Duration = Duration::from_hours(1);
/// The shortest time between two rounds.
const MIN_EVERY: Duration = Duration::from_millis(100);
/// More rounds than this would make a report that nobody can hold or read.
pub(super) const MAX_ROUNDS: u128 = 1_000;

/// Reads `traffic:`. `overall` is `limits.overall`.
pub(super) fn traffic(node: &Node, overall: Option<Duration>, problems: &Findings) -> Option<Bake> {
    let object = Object::read(node, &keys::TRAFFIC, problems)?;
    let duration = |key, range: RangeInclusive<Duration>| {
        let node = object.get(key)?;
        scalar::duration(node, key, range, problems)
    };
    let number = |key, range: RangeInclusive<u64>| {
        let node = object.get(key)?;
        let number = scalar::integer(node, key, range, problems)?;
        u32::try_from(number).ok()
    };
    let limit = |key| number(key, 0..=1_000);
    let every = object
        .require("every", problems)
        .and_then(|_| duration("every", MIN_EVERY..=HOUR));
    let (place, window) = window(&object, every, problems)?;
    let every = every?;
    if every > window {
        let (every, window) = (words::duration(every), words::duration(window));
        let message = format!("every ({every}) is longer than the bake ({window})");
        problems.add(place.at, message, "make every shorter or bake longer");
    }
    let rounds = rounds(window, every);
    if rounds > MAX_ROUNDS {
        let message = format!("bake and every make {rounds} rounds");
        let remedy = format!("stay within {MAX_ROUNDS}: measure less often");
        problems.add(place.at, message, remedy);
    }
    let initial_delay = duration("initial_delay", Duration::ZERO..=HOUR).unwrap_or_default();
    let length = initial_delay + window;
    if let Some(overall) = overall.filter(|overall| *overall <= length) {
        let (overall, length) = (words::duration(overall), words::duration(length));
        let message = format!("the bake ({length}) does not fit in limits.overall ({overall})");
        problems.add(place.at, message, "make overall longer or bake shorter");
    }
    let consecutive_success = number("consecutive_success", 1..=1_000);
    if let (Some(node), Some(streak)) = (object.get("consecutive_success"), consecutive_success)
        && u128::from(streak) > rounds
    {
        let message =
            format!("consecutive_success asks for {streak} rounds, and the bake has {rounds}");
        problems.add(node.at, message, "ask for fewer, or make the bake longer");
    }
    let policies = [
        ("inconclusive", NoDataPolicy::Inconclusive),
        ("fail", NoDataPolicy::Fail),
        ("ignore", NoDataPolicy::Ignore),
    ];
    let no_data = object
        .get("no_data")
        .and_then(|node| scalar::choice(node, "no_data", &policies, problems));
    Some(Bake {
        initial_delay,
        window,
        every,
        failure_limit: limit("failure_limit").unwrap_or(0),
        error_limit: limit("error_limit").unwrap_or(2),
        consecutive_error_limit: limit("consecutive_error_limit"),
        inconclusive_limit: limit("inconclusive_limit").unwrap_or(0),
        consecutive_success,
        no_data: no_data.unwrap_or_default(),
    })
}

/// How many rounds begin in a window.
pub(super) fn rounds(window: Duration, every: Duration) -> u128 {
    window.as_nanos().div_ceil(every.as_nanos()) + 1
}

/// The window, by `bake` or by `count`, and where it stands.
fn window<'n>(
    object: &Object<'n>,
    every: Option<Duration>,
    problems: &Findings,
) -> Option<(&'n Node, Duration)> {
    let (bake, count) = (object.get("bake"), object.get("count"));
    if let (Some(_), Some(count)) = (bake, count) {
        let remedy = "write one: how long to measure, or how often";
        problems.add(count.at, "traffic has both bake and count", remedy);
        return None;
    }
    if let Some(node) = count {
        let count = scalar::integer(node, "count", 2..=1_000, problems)?;
        let window = every?.saturating_mul(u32::try_from(count - 1).ok()?);
        if window > MAX_BAKE_WINDOW {
            let message = format!("count and every make a bake of {}", words::duration(window));
            let remedy = format!("stay within {}", words::duration(MAX_BAKE_WINDOW));
            problems.add(node.at, message, remedy);
        }
        return Some((node, window));
    }
    let node = object.require("bake", problems)?;
    let window = scalar::duration(
        node,
        "bake",
        Duration::from_secs(1)..=MAX_BAKE_WINDOW,
        problems,
    )?;
    Some((node, window))
}
