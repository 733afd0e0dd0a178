//! `load:` of a check.

use std::time::Duration;

use ::metric::{Comparison, Limit, Operator};
use strict_yaml::{Node, Object, scalar};

use super::context::Context;
use super::metric::{self, Invalid};
use super::{http, keys};
use crate::probe::http::Request;
use crate::probe::load::{Demands, ErrorDemand, Load, Rate, Schedule};
use crate::words;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// No function runs longer than a quarter of an hour.
const MAX_LENGTH: Duration = Duration::from_mins(10);
const MAX_TIMEOUT: Duration = Duration::from_mins(1);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests in a second, to each version: a gate asks, and is no load generator.
const MAX_PER_SECOND: u32 = 50;
/// Requests to each version: what is kept of them is a number each.
const MAX_REQUESTS: usize = 10_000;
/// Requests that may be under way at once, so that none ever waits for another: connections and memory are bounded.
const MAX_AT_ONCE: usize = 256;
/// Below this no percentile says much.
const MIN_SAMPLES: u64 = 20;
const DEFAULT_STATISTIC: u8 = 95;

/// A mapping.
pub(super) fn load(node: &Node, context: &Context) -> Option<Load> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::LOAD, problems)?;
    let request = object.require("http", problems).and_then(|node| {
        let request = http::request(node, context)?;
        only_reads(node, &request, context).then_some(request)
    });
    let rate = object
        .require("rate", problems)
        .and_then(|node| rate(node, context));
    let length = object
        .require("for", problems)
        .and_then(|node| scalar::duration(node, "for", SECOND..=MAX_LENGTH, problems));
    let timeout = match object.get("timeout") {
        None => Some(DEFAULT_TIMEOUT),
        Some(node) => {
            let range = Duration::from_millis(1)..=MAX_TIMEOUT;
            scalar::duration(node, "timeout", range, problems)
        }
    };
    let compare = compare(&object, request.as_ref(), context);
    let errors = errors(&object, context);
    let latency = latency(&object, context);
    let schedule = Schedule {
        rate: rate?,
        length: length?,
        compared: compare.as_ref().is_ok_and(Option::is_some),
    };
    let (timeout, (statistic, latency)) = (timeout?, latency?);
    fits(&object, &schedule, timeout, context)?;
    let min_samples = min_samples(&object, &schedule, statistic, context)?;
    Some(Load {
        request: request?,
        schedule,
        timeout,
        demands: Demands {
            errors: errors?,
            latency,
            statistic,
            compare: compare.ok()?,
            min_samples,
        },
    })
}

/// Many requests are sent, and to two versions: none may change anything, or leave the release.
fn only_reads(node: &Node, request: &Request, context: &Context) -> bool {
    let problems = &context.problems;
    let mut fits = true;
    let mut refuse = |message: String, remedy: &str| {
        problems.add(node.at, message, remedy);
        fits = false;
    };
    if !request.method.is_safe() {
        let message = format!(
            "{} may change something, and load sends it many times",
            request.method
        );
        refuse(message, "write a request that only reads, by GET or HEAD");
    }
    if request.follow_redirects {
        let message = "load follows no redirects: each request is one answer".to_owned();
        refuse(message, "write the URL that the redirect leads to");
    }
    if !request.allow_origins.is_empty() {
        let message = "load goes to the release under test, and nowhere else".to_owned();
        refuse(message, "remove allow_origins");
    }
    if request.aws_sigv4.is_some() {
        let message = "load signs no requests: each would need a signature of its own".to_owned();
        refuse(message, "remove aws_sigv4, or measure by `http`");
    }
    fits
}

/// `5/s`, `30/m`
fn rate(node: &Node, context: &Context) -> Option<Rate> {
    let problems = &context.problems;
    let written = scalar::loose_text(node, "rate", problems)?;
    let parsed = written.trim().split_once('/').and_then(|(count, unit)| {
        let per = match unit {
            "s" => SECOND,
            "m" => MINUTE,
            _ => return None,
        };
        let plain = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count: u32 = plain.then(|| count.parse().ok())??;
        (count > 0).then_some(Rate { count, per })
    });
    let Some(rate) = parsed else {
        let message = format!("rate: {written:?} is no rate");
        let remedy = "write requests in a second or in a minute: 5/s, 30/m";
        problems.add(node.at, message, remedy);
        return None;
    };
    let most = if rate.per == SECOND {
        MAX_PER_SECOND
    } else {
        MAX_PER_SECOND * 60
    };
    if rate.count > most {
        let message = format!("rate: {rate} is more than a gate sends");
        let remedy = format!("write up to {MAX_PER_SECOND}/s; for more, run a tool for load tests");
        problems.add(node.at, message, remedy);
        return None;
    }
    Some(rate)
}

/// The bounds of all requests together.
fn fits(
    object: &Object<'_>,
    schedule: &Schedule,
    timeout: Duration,
    context: &Context,
) -> Option<()> {
    let problems = &context.problems;
    let at = object.get("rate").map_or(object.at, |node| node.at);
    let of_each = schedule.of_each();
    if of_each > MAX_REQUESTS {
        let (rate, length) = (schedule.rate, words::duration(schedule.length));
        let message = format!("rate: {rate} for {length} are {of_each} requests");
        let remedy = format!("let it be up to {MAX_REQUESTS}: lower `rate`, or shorten `for`");
        problems.add(at, message, remedy);
        return None;
    }
    let at_once = schedule.at_once(timeout);
    if at_once > MAX_AT_ONCE {
        let (rate, timeout) = (schedule.rate, words::duration(timeout));
        let message = format!(
            "rate: at {rate}, {at_once} requests that each take up to {timeout} may be under way at once"
        );
        let remedy =
            format!("let it be up to {MAX_AT_ONCE}: lower `rate`, or `timeout` of the load");
        problems.add(at, message, remedy);
        return None;
    }
    Some(())
}

/// At least one of them is beyond the percentile.
fn min_samples(
    object: &Object<'_>,
    schedule: &Schedule,
    statistic: u8,
    context: &Context,
) -> Option<u64> {
    let problems = &context.problems;
    let beyond = 100_u64.div_ceil(100 - u64::from(statistic.min(99)));
    let node = object.get("min_samples");
    let min_samples = match node {
        None => beyond.max(MIN_SAMPLES),
        Some(node) => {
            let most = u64::try_from(MAX_REQUESTS).unwrap_or(u64::MAX);
            scalar::integer(node, "min_samples", 1..=most, problems)?
        }
    };
    let planned = schedule.of_each();
    if u64::try_from(planned).unwrap_or(u64::MAX) < min_samples {
        let at = node
            .or(object.get("rate"))
            .map_or(object.at, |node| node.at);
        let (rate, length) = (schedule.rate, words::duration(schedule.length));
        let requests = words::count(planned, "request");
        let message = format!(
            "{rate} for {length} makes {requests}, and min_samples is {min_samples}: it could never pass"
        );
        problems.add(
            at,
            message,
            "lengthen `for`, raise `rate`, or lower `min_samples`",
        );
        return None;
    }
    Some(min_samples)
}

/// `{ fail_when: "> 1%", tolerance: "0.5%" }`; any error unless said.
fn errors(object: &Object<'_>, context: &Context) -> Option<ErrorDemand> {
    let problems = &context.problems;
    let Some(node) = object.get("errors") else {
        return Some(ErrorDemand {
            limit: Limit::parse("> 0"),
            tolerance: None,
        });
    };
    let errors = Object::read(node, &keys::LOAD_ERRORS, problems)?;
    let tolerance = match errors.get("tolerance") {
        None => Some(None),
        Some(node) if object.get("compare_to").is_none() => {
            let message = "tolerance: goes with compare_to";
            problems.add(node.at, message, "add `compare_to: old`, or remove it");
            None
        }
        Some(node) => share(node, context).map(Some),
    };
    let limit = match errors.get("fail_when") {
        Some(node) => Some(error_limit(node, context)?),
        // The old version says how many there may be.
        None if errors.get("tolerance").is_some() => None,
        None => {
            errors.require("fail_when", problems);
            return None;
        }
    };
    Some(ErrorDemand {
        limit,
        tolerance: tolerance?,
    })
}

/// `"0.5%"`, as a part of one.
fn share(node: &Node, context: &Context) -> Option<f64> {
    let written = scalar::text(node, "tolerance", &context.problems)?;
    let percent = written.trim().strip_suffix('%');
    let percent = percent.and_then(|number| number.trim().parse::<f64>().ok());
    let percent = percent.filter(|percent| (0.0..100.0).contains(percent));
    if percent.is_none() {
        let message = format!("tolerance: {written:?} is no share of all requests below 100%");
        let remedy = "write how many more of a hundred may fail than of the old version: \"0.5%\"";
        context.problems.add(node.at, message, remedy);
    }
    percent.map(|percent| percent / 100.0)
}

fn error_limit(node: &Node, context: &Context) -> Option<Limit> {
    let remedy = "write a sign and a share of all requests: \"> 0%\", \"> 1%\", \">= 0.5%\"";
    upper_limit(node, remedy, context, |rest| {
        let percent = rest.strip_suffix('%')?.trim();
        let value: f64 = percent.parse().ok()?;
        (0.0..=100.0).contains(&value).then(|| percent.to_owned())
    })
    .filter(|limit| is_decisive(limit, node, context))
}

/// Whether some share of errors fails by the limit, and some does not.
fn is_decisive(limit: &Limit, node: &Node, context: &Context) -> bool {
    let always = match (limit.operator, limit.value) {
        (Operator::AtLeast, value) if value <= 0.0 => "fails whatever is answered",
        (Operator::Above, value) if value >= 100.0 => "never fails",
        _ => return true,
    };
    let message = format!("fail_when: a load with this limit {always}");
    let remedy = "write a share between: \"> 1%\"";
    context.problems.add(node.at, message, remedy);
    false
}

/// Which percentile, and its limit if there is one.
fn latency(object: &Object<'_>, context: &Context) -> Option<(u8, Option<Limit>)> {
    let problems = &context.problems;
    let Some(node) = object.get("latency") else {
        return Some((DEFAULT_STATISTIC, None));
    };
    let object = Object::read(node, &keys::LOAD_LATENCY, problems)?;
    let statistics = [
        ("p50", 50),
        ("p75", 75),
        ("p90", 90),
        ("p95", 95),
        ("p99", 99),
    ];
    let statistic = match object.get("statistic") {
        None => Some(DEFAULT_STATISTIC),
        Some(node) => scalar::choice(node, "statistic", &statistics, problems),
    };
    let node = object.require("fail_when", problems)?;
    let remedy = "write a sign and a time: \"> 300ms\", \">= 1s\"";
    let limit = upper_limit(node, remedy, context, |rest| {
        let limit = scalar::parse_duration(rest).filter(|limit| !limit.is_zero())?;
        Some(limit.as_millis().to_string())
    })?;
    Some((statistic?, Some(limit)))
}

/// A limit that is broken from above. `number` reads what stands behind the sign.
fn upper_limit(
    node: &Node,
    remedy: &str,
    context: &Context,
    number: impl Fn(&str) -> Option<String>,
) -> Option<Limit> {
    let problems = &context.problems;
    let written = scalar::text(node, "fail_when", problems)?;
    let limit = [">=", ">"].into_iter().find_map(|sign| {
        let rest = written.trim().strip_prefix(sign)?;
        Limit::parse(&format!("{sign} {}", number(rest.trim())?))
    });
    if limit.is_none() {
        let message = format!("fail_when: {written:?} is no limit");
        problems.add(node.at, message, remedy);
    }
    limit
}

/// What `compare_to` and its companions say. An error where that is a problem.
fn compare(
    object: &Object<'_>,
    request: Option<&Request>,
    context: &Context,
) -> Result<Option<Comparison>, Invalid> {
    let problems = &context.problems;
    let comparison = metric::comparison(object, &["tolerance", "significance"], context)?;
    let Some(comparison) = comparison else {
        return Ok(None);
    };
    let is_path = |request: &Request| request.url.written().starts_with('/');
    if let (Some(node), Some(false)) = (object.get("compare_to"), request.map(is_path)) {
        let message = "compare_to: the old version answers at another address than the URL names";
        problems.add(
            node.at,
            message,
            "write a path, which is asked of both, or remove it",
        );
        return Err(Invalid);
    }
    Ok(Some(comparison))
}
