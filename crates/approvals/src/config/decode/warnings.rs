//! What is allowed and probably not meant. It never stops a configuration from being used: people who
//! wait for a release are helped more by a message that is not quite right than by none.

use std::collections::BTreeMap;

use contacts::{Approver, Channel, ChannelKind};
use strict_yaml::Findings;

use super::routes::LocatedRoute;
use crate::config::{Route, UnknownStarter};
use crate::policy;

pub(super) fn of(
    routes: &[LocatedRoute],
    channels: &BTreeMap<String, Channel>,
    warnings: &Findings,
) {
    for (index, found) in routes.iter().enumerate() {
        never_reached(found, &routes[..index], warnings);
        for approver in &found.route.policy.approvers {
            if !is_asked(approver, &found.route, channels) {
                let message = format!("route {:?}: {approver} is never asked", found.route.name);
                let remedy = match approver {
                    Approver::Slack { .. } => "let the route tell a slack channel",
                    Approver::Email(_) => {
                        "let the route tell a ses channel with this address in `to:`"
                    }
                    Approver::Link(_) => "let the route tell this channel",
                };
                warnings.add(found.at, message, remedy);
            }
        }
        unknown_starters(found, warnings);
        let hours = found.route.policy.office_hours.iter();
        for remark in hours.flat_map(|hours| hours.schedule.remarks()) {
            let message = format!("route {:?}: office_hours: {remark}", found.route.name);
            warnings.add(found.at, message, "change it if that isn't meant");
        }
    }
}

fn never_reached(found: &LocatedRoute, earlier: &[LocatedRoute], warnings: &Findings) {
    let covers = |other: &&LocatedRoute| {
        let (wide, narrow) = (&other.route, &found.route);
        wide.matching.covers(&narrow.matching)
    };
    if let Some(other) = earlier.iter().find(covers) {
        let message = format!(
            "route {:?} is never reached: {:?}, in line {}, matches all of it",
            found.route.name, other.route.name, other.at.line
        );
        warnings.add(found.at, message, "move it before that one");
    }
}

/// Whether a message with buttons or a link of theirs ever reaches the approver.
fn is_asked(approver: &Approver, route: &Route, channels: &BTreeMap<String, Channel>) -> bool {
    let mut told = route.channels().filter_map(|name| channels.get(name));
    told.any(|channel| match (approver, &channel.kind) {
        // The buttons of a webhook's message are links, and those are of whoever holds them.
        (Approver::Slack { .. }, kind) => matches!(kind, ChannelKind::Slack { .. }),
        (Approver::Email(address), ChannelKind::Ses { to, .. }) => {
            to.iter().any(|to| to.eq_ignore_ascii_case(address))
        }
        (Approver::Email(_), _) => false,
        (Approver::Link(name), _) => channel.name == *name,
    })
}

/// Whoever starts a pipeline is known by a name in AWS; an approver by an id elsewhere. Where nothing
/// brings the two together an approver may be the starter, and is refused.
fn unknown_starters(found: &LocatedRoute, warnings: &Findings) {
    let policy = &found.route.policy;
    if policy.starter_may_approve {
        return;
    }
    let unknown: Vec<String> = policy
        .approvers
        .iter()
        .filter(|approver| !policy.starters.contains_key(approver))
        .map(ToString::to_string)
        .collect();
    if !unknown.is_empty() {
        let message = format!(
            "route {:?}: nothing says who in AWS {} is, so they can't approve what a person started",
            found.route.name,
            unknown.join(", ")
        );
        let remedy = "add them to `starters:` with their AWS names ([] for none), or write \
                      `starter_may_approve: true`";
        warnings.add(found.at, message, remedy);
    }
    if policy.decide
        && policy.unknown_starter == UnknownStarter::TwoApprovers
        && policy::people(policy) < 2
    {
        let message = format!(
            "route {:?}: who starts a pipeline by a push, or in a role's session, can't be known; two people must \
             approve then, and fewer can be told apart here",
            found.route.name
        );
        let remedy = "name a second person under `approvers:` and `starters:`, list roles whose sessions bear \
                      people's own names under `trusted_sessions:`, or write `unknown_starter: allow`";
        warnings.add(found.at, message, remedy);
    }
}
