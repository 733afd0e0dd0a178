//! `policy:` of a route. What is unclear here is refused: it decides who may release.

use std::collections::BTreeMap;

use common::arn::Arn;
use schedule::Schedule;
use strict_yaml::words::count;
use strict_yaml::{At, Node, Object, Value, entries, items, scalar};

use super::{Context, words};
use crate::config::{
    Approver, ChannelKind, Glob, OfficeHours, Policy, TrustedRole, UnknownStarter, keys,
};

const APPROVER_LIMIT: usize = 200;

pub(super) fn read(node: &Node, context: &Context<'_>) -> Option<Policy> {
    let problems = context.problems;
    let object = Object::read(node, &keys::POLICY, problems)?;
    let flag = |key| {
        object
            .get(key)
            .and_then(|node| scalar::boolean(node, key, problems))
    };
    let decide = flag("decide").unwrap_or(true);
    let starter_may_approve = flag("starter_may_approve");
    let written = object.get("approvers");
    let approvers = written.map(|node| approvers(node, "approvers", context));
    let complete = approvers.as_ref().is_none_or(Option::is_some);
    let approvers = approvers.flatten().unwrap_or_default();
    if complete {
        somebody(&object, decide, &approvers, context);
    }
    let approvals = object
        .get("approvals")
        .and_then(|node| Some((node, scalar::integer(node, "approvals", 1..=20, problems)?)));
    let needed = approvals.map_or(1, |(_, number)| number);
    if let Some((node, number)) = approvals
        && complete
        && decide
        && usize::try_from(number).is_ok_and(|number| number > approvers.len().max(1))
    {
        let there = count(approvers.len(), "approver");
        let message = format!("approvals: {number} are needed, of {there}");
        problems.add(node.at, message, "name more approvers, or ask for fewer");
    }
    let office_hours = object
        .get("office_hours")
        .map(|node| office_hours(node, context));
    let starters = object
        .get("starters")
        .map(|node| starters(node, complete.then_some(approvers.as_slice()), context));
    Some(Policy {
        decide,
        approvers,
        starter_may_approve: starter_may_approve.unwrap_or(false),
        approvals: u32::try_from(needed).unwrap_or(u32::MAX),
        reason_for_rejection: flag("reason_for_rejection").unwrap_or(false),
        office_hours: match office_hours {
            None => None,
            Some(read) => Some(read?),
        },
        starters: starters.unwrap_or_default(),
        unknown_starter: object
            .get("unknown_starter")
            .and_then(|node| unknown_starter(node, context))
            .unwrap_or_default(),
        trusted_sessions: object
            .get("trusted_sessions")
            .map(|node| trusted_sessions(node, context))
            .unwrap_or_default(),
    })
}

fn unknown_starter(node: &Node, context: &Context<'_>) -> Option<UnknownStarter> {
    let problems = context.problems;
    let written = scalar::text(node, "unknown_starter", problems)?;
    let found = match written {
        "two_approvers" => Some(UnknownStarter::TwoApprovers),
        "refuse" => Some(UnknownStarter::Refuse),
        "allow" => Some(UnknownStarter::Allow),
        _ => None,
    };
    if found.is_none() {
        let message = format!("unknown_starter: {written:?} is none of the choices");
        problems.add(node.at, message, "write two_approvers, refuse or allow");
    }
    found
}

/// Names of roles, or their ARNs where they are another account's.
fn trusted_sessions(node: &Node, context: &Context<'_>) -> Vec<TrustedRole> {
    let problems = context.problems;
    let mut roles = Vec::new();
    for (node, written) in words(node, "trusted_sessions", problems).unwrap_or_default() {
        let (account, name) = if written.starts_with("arn:") {
            let arn =
                Arn::parse(written).filter(|arn| arn.service == "iam" && arn.region.is_empty());
            let role = arn.and_then(|arn| Some((arn.account, arn.resource.strip_prefix("role/")?)));
            let account = role.map(|(account, _)| account.to_owned());
            (account, role.and_then(|(_, path)| path.rsplit('/').next()))
        } else {
            (None, Some(written))
        };
        // A star alone trusts every session, which anybody may name as they like.
        let letters = |name: &&str| name.chars().filter(char::is_ascii_alphanumeric).count() >= 3;
        if let Some(name) = name.filter(letters).and_then(Glob::parse) {
            roles.push(TrustedRole { account, name });
        } else {
            let message = format!("trusted_sessions: {written:?} names no role");
            let remedy = "write a role's name, such as AWSReservedSSO_*, or the ARN of another \
                          account's: arn:aws:iam::111122223333:role/NAME";
            problems.add(node.at, message, remedy);
        }
    }
    roles
}

/// Either somebody may decide, or it is said that nobody may.
fn somebody(object: &Object<'_>, decide: bool, approvers: &[Approver], context: &Context<'_>) {
    if decide && approvers.is_empty() {
        let at = object.get("approvers").map_or(object.at, |node| node.at);
        let remedy = "name them under `approvers:`, or write `decide: false` so that messages lead to \
                      the console only";
        context.problems.add(at, "nobody may decide", remedy);
    }
    if !decide && !approvers.is_empty() {
        let message = "there are approvers, but with `decide: false` nobody may decide";
        let at = object.get("decide").map_or(object.at, |node| node.at);
        context.problems.add(at, message, "remove one of the two");
    }
}

/// None if one of them is wrong.
pub(super) fn approvers(node: &Node, told: &str, context: &Context<'_>) -> Option<Vec<Approver>> {
    let problems = context.problems;
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        return Some(Vec::new());
    }
    let nodes = items(node, told, problems)?;
    if nodes.len() > APPROVER_LIMIT {
        let message = format!("there are more than {APPROVER_LIMIT} {told}");
        problems.add(node.at, message, "name those who really decide");
        return None;
    }
    let mut approvers: Vec<Approver> = Vec::new();
    let mut right = true;
    for node in nodes {
        let read = scalar::text(node, told, problems)
            .and_then(|written| approver(node.at, written, context));
        match read {
            None => right = false,
            Some(approver) if approvers.contains(&approver) => {
                problems.add(
                    node.at,
                    format!("{told} has {approver} twice"),
                    "remove one",
                );
            }
            Some(approver) => approvers.push(approver),
        }
    }
    right.then_some(approvers)
}

fn approver(at: At, written: &str, context: &Context<'_>) -> Option<Approver> {
    let Ok(approver) = written.parse::<Approver>() else {
        let message = format!("{written:?} names no approver");
        let remedy = "write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by \
                      their owners), email:lead@example.com or link:CHANNEL";
        context.problems.add(at, message, remedy);
        return None;
    };
    if let Approver::Link(channel) = &approver {
        let place = Node {
            at,
            value: Value::Null,
        };
        if !context.known(&place, channel) {
            return None;
        }
        let mail = context.channels.get(channel);
        if mail.is_some_and(|channel| matches!(channel.kind, ChannelKind::Ses { .. })) {
            let message =
                format!("{written}: each recipient of {channel:?} gets a link of their own");
            let remedy = "name those who may decide: email:lead@example.com";
            context.problems.add(at, message, remedy);
            return None;
        }
    }
    Some(approver)
}

fn office_hours(node: &Node, context: &Context<'_>) -> Option<OfficeHours> {
    let written = scalar::text(node, "office_hours", context.problems)?;
    match Schedule::parse(written, None) {
        Ok(schedule) => Some(OfficeHours {
            text: written.to_owned(),
            schedule,
        }),
        Err(error) => {
            let message = format!(
                "office_hours, character {}: {}",
                error.column, error.problem
            );
            context.problems.add(node.at, message, error.remedy);
            None
        }
    }
}

/// `approvers`: none if one of them could not be read, which is a problem of its own: it may be the one
/// that is meant here.
fn starters(
    node: &Node,
    approvers: Option<&[Approver]>,
    context: &Context<'_>,
) -> BTreeMap<Approver, Vec<String>> {
    let problems = context.problems;
    let mut starters = BTreeMap::new();
    for (key, value) in entries(node, "starters", problems).unwrap_or_default() {
        let nobody = matches!(&value.value, Value::List(items) if items.is_empty());
        let names = if nobody {
            Vec::new()
        } else {
            words(value, "starters", problems).unwrap_or_default()
        };
        let Some(approver) = approver(key.at, &key.text, context) else {
            continue;
        };
        // A typo here would let a starter approve their own release.
        if let Some(approvers) = approvers.filter(|approvers| !approvers.contains(&approver)) {
            let known: Vec<String> = approvers.iter().map(ToString::to_string).collect();
            let remedy = match problems.nearest(&key.text, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "name them under `approvers:`, or remove them here".to_owned(),
            };
            problems.add(
                key.at,
                format!("starters: {} is no approver", key.text),
                remedy,
            );
            continue;
        }
        let names: Vec<String> = names.into_iter().map(|(_, name)| name.to_owned()).collect();
        if starters.insert(approver, names).is_some() {
            let message = format!("starters has {} twice", key.text);
            problems.add(key.at, message, "put the names in one list");
        }
    }
    starters
}
