//! `defaults` of a suite, and how often and how long a check is tried.

use std::time::Duration;

use strict_yaml::{Findings, Node, Object, scalar};

use super::context::Context;
use super::{RetryPolicy, ecs_task, http, keys};
use crate::probe::FixedTime;
use crate::template::Template;
use crate::words;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);
/// One try of a check that asks the cloud several things.
const CLOUD_TIMEOUT: Duration = Duration::from_secs(30);

/// One run of an agent: a gate before traffic has five minutes, unless its stack says otherwise.
const AGENT_TIMEOUT: Duration = Duration::from_mins(3);

/// `defaults.http`.
#[derive(Default)]
pub(super) struct Defaults {
    pub(super) retry: RetryPolicy,
    pub(super) headers: Vec<(::http::header::HeaderName, Template)>,
    pub(super) max_body: Option<usize>,
}

/// A mapping; none if it has no `http`.
pub(super) fn defaults(node: &Node, context: &Context) -> Option<Defaults> {
    let object = Object::read(node, &keys::DEFAULTS, &context.problems)?;
    let object = Object::read(object.get("http")?, &keys::DEFAULTS_HTTP, &context.problems)?;
    Some(Defaults {
        retry: retry_policy(&object, RetryPolicy::default(), context),
        headers: object
            .get("headers")
            .map(|n| http::headers(n, context))
            .unwrap_or_default(),
        max_body: object
            .get("max_body")
            .and_then(|n| http::max_body(n, context)),
    })
}

/// The keys that checks and defaults have in common.
pub(super) fn retry_policy(
    object: &Object<'_>,
    otherwise: RetryPolicy,
    context: &Context,
) -> RetryPolicy {
    let problems = &context.problems;
    let retries = object
        .get("retries")
        .and_then(|node| scalar::integer(node, "retries", 0..=100, problems))
        .and_then(|number| u32::try_from(number).ok());
    RetryPolicy {
        timeout: duration(object, "timeout", problems).unwrap_or(otherwise.timeout),
        retries: retries.unwrap_or(otherwise.retries),
        retry_every: duration(object, "retry_every", problems).unwrap_or(otherwise.retry_every),
        within: otherwise.within,
    }
}

/// A limit or a pause of a check.
pub(super) fn duration(object: &Object<'_>, key: &str, problems: &Findings) -> Option<Duration> {
    let node = object.get(key)?;
    scalar::duration(node, key, MILLISECOND..=HOUR, problems)
}

/// Gives a check that takes as long as it says the time for that. Limits that are shorter are problems, as they would
/// always cut it.
pub(super) fn fit_time(
    object: &Object<'_>,
    keys: &[&'static str],
    retry: &mut RetryPolicy,
    time: FixedTime,
    problems: &Findings,
) {
    let needed = words::duration(time.longest);
    for key in keys {
        let limit = match *key {
            "within" => retry.within,
            _ => Some(retry.timeout),
        };
        if let (Some(node), Some(limit)) = (object.get(key), limit)
            && limit < time.longest
        {
            let message = format!(
                "{key}: {} takes up to {needed}, and {} would cut it",
                time.of,
                words::duration(limit)
            );
            problems.add(
                node.at,
                message,
                format!("write {needed} or more, or remove it"),
            );
        }
    }
    retry.timeout = retry.timeout.max(time.longest);
}

/// How a check is tried that does not say: `defaults.http` is for `http`.
pub(super) fn of_probe(key: &str, context: &Context) -> RetryPolicy {
    match key {
        "http" | "journey" => context.defaults.retry,
        // A walk takes as long as its pages do, and finds the same the second time. A user waits where a page needs it, and
        // may change something.
        "crawl" | "browser" => RetryPolicy {
            timeout: Duration::from_mins(1),
            retries: 0,
            ..RetryPolicy::default()
        },
        // A model takes its time for each step, costs money, and changes something.
        "agent" => RetryPolicy {
            timeout: AGENT_TIMEOUT,
            retries: 0,
            ..RetryPolicy::default()
        },
        // Tests take their time, and may change something.
        "ecs_task" => RetryPolicy {
            timeout: ecs_task::DEFAULT_TIME,
            retries: 0,
            ..RetryPolicy::default()
        },
        // Its requests are many tries already.
        "load" => RetryPolicy {
            retries: 0,
            ..RetryPolicy::default()
        },
        // A function may change something, and takes its time when it is new.
        "lambda" => RetryPolicy {
            timeout: CLOUD_TIMEOUT,
            retries: 0,
            ..RetryPolicy::default()
        },
        // Several calls, each of which may be throttled for a while.
        "targets" | "metric" | "logs" | "wiring" => RetryPolicy {
            timeout: CLOUD_TIMEOUT,
            ..RetryPolicy::default()
        },
        _ => RetryPolicy::default(),
    }
}
