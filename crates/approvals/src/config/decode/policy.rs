//! `policy:` of a route. What is unclear here is refused: it decides who may release.

use std::collections::BTreeMap;

use common::arn::Arn;
use schedule::Schedule;
use strict_yaml::words::count;
use strict_yaml::{Node, Object, Value, entries, scalar};

use contacts::Approver;
use contacts::decode::words;

use super::Context;
use crate::config::{Glob, OfficeHours, Policy, TrustedRole, UnknownStarter, keys};

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
    let approvers = written.map(|node| context.directory.approvers(node, "approvers", problems));
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
        let Some(approver) = context.directory.approver(key.at, &key.text, problems) else {
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
