//! Who may say yes or no, when, and how: a pure function of the route's policy, the case and the click.
//!
//! Deny by default: who isn't named, or can't be told from the starter, may not approve. A no is the
//! safe answer, so it needs less: it is taken at any time, and from the starter too.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::Starter;
use crate::config::route::{Policy, TrustedRole, UnknownStarter};
use crate::records::{Decision, Vote};
use common::arn::Arn;
use contacts::Approver;
use ledger::Actor;

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks, by their immutable id.
    pub approver: &'a Approver,
    /// Yes or no.
    pub decision: Decision,
    /// What they say about it.
    pub comment: Option<&'a str>,
    /// Who started the execution, as far as that is known.
    pub starter: Option<&'a Starter>,
    /// The pipeline's account; empty where it isn't known.
    pub account: &'a str,
    /// When they ask.
    pub at: Timestamp,
}

/// Why a click doesn't count. Nothing has changed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such case.
    NoSuchCase,
    /// The configuration has lost the case's route, so that nobody is allowed.
    NoRoute,
    /// They are not on the route's list.
    NotAllowed,
    /// They started the execution.
    StarterBarred,
    /// They might have started the execution: it isn't known which names they have in AWS.
    MayBeStarter,
    /// Nobody can say who started the execution, and the route lets nobody approve then, or has not two
    /// people who may.
    UnknownStarter,
    /// Approvals are taken later.
    OutsideOfficeHours {
        /// When the next office hours begin, if they ever do.
        next: Option<Timestamp>,
    },
    /// A no needs a reason here.
    ReasonNeeded,
    /// It could not be found out what a decision would be bound to when people were told.
    NothingShown,
    /// The click is too old to count; it waited somewhere.
    TooLate,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCase => f.write_str("there is no such approval"),
            Self::NoRoute => f.write_str(
                "the route of this approval is no longer in the configuration; decide in the console",
            ),
            Self::NotAllowed => f.write_str("they are not on the list of approvers of this route"),
            Self::StarterBarred => {
                f.write_str("they started this execution, and may not approve it themselves")
            }
            Self::MayBeStarter => f.write_str(
                "somebody started this execution, and it is not known which names the approver has \
                 in AWS; list them under `starters` of the route, or set starter_may_approve",
            ),
            Self::UnknownStarter => f.write_str(
                "who started this execution can't be known: it was a push, or a session of a role whose name \
                 can be chosen; then two people must approve, told apart by their names under `starters`, and \
                 the route does not have two. Name a second one, list the role under trusted_sessions, or set \
                 unknown_starter: allow",
            ),
            Self::OutsideOfficeHours { next: Some(next) } => {
                write!(f, "approvals are taken in office hours only, next from {next}")
            }
            Self::OutsideOfficeHours { next: None } => {
                f.write_str("approvals are taken in office hours only, and there are none to come")
            }
            Self::ReasonNeeded => f.write_str("a rejection needs a reason"),
            Self::NothingShown => f.write_str(
                "what would be deployed could not be looked up when people were told, so no approval \
                 can be bound to it; reject it, or decide in the console",
            ),
            Self::TooLate => f.write_str("the answer arrived too long after it was given"),
        }
    }
}

/// Whether the request is within the policy.
pub fn judge(policy: &Policy, request: &Request<'_>) -> Result<(), Refusal> {
    if !may_decide(policy, request.approver) {
        return Err(Refusal::NotAllowed);
    }
    match request.decision {
        Decision::Reject => {
            let reason = request.comment.is_some_and(|text| !text.trim().is_empty());
            if policy.reason_for_rejection && !reason {
                return Err(Refusal::ReasonNeeded);
            }
        }
        Decision::Approve => {
            starter(policy, request)?;
            if let Some(hours) = &policy.office_hours
                && !hours.is_on(request.at)
            {
                let next = hours.next_on(request.at);
                return Err(Refusal::OutsideOfficeHours { next });
            }
        }
    }
    Ok(())
}

/// Whether this approver is on the list, by the whole of their id.
pub fn may_decide(policy: &Policy, approver: &Approver) -> bool {
    policy.decide && policy.approvers.contains(approver)
}

/// Whether the starter must be known to judge an approval.
pub fn needs_starter(policy: &Policy) -> bool {
    !policy.starter_may_approve
}

fn starter(policy: &Policy, request: &Request<'_>) -> Result<(), Refusal> {
    if !needs_starter(policy) {
        return Ok(());
    }
    let Some(starter) = request.starter else {
        return Err(Refusal::MayBeStarter);
    };
    let known = policy.starters.get(request.approver);
    let named = known.into_iter().flatten().any(|name| is(starter, name));
    let mailed = matches!(request.approver, Approver::Email(address) if is(starter, address));
    if named || mailed {
        return Err(Refusal::StarterBarred);
    }
    match (
        origin(policy, starter, request.account),
        policy.unknown_starter,
    ) {
        (Origin::Machine, _) | (Origin::Unknown, UnknownStarter::Allow) => Ok(()),
        // An empty list is an answer too: none of the names in AWS are theirs.
        (Origin::Person, _) if known.is_some() => Ok(()),
        (Origin::Person, _) => Err(Refusal::MayBeStarter),
        (Origin::Unknown, UnknownStarter::Refuse) => Err(Refusal::UnknownStarter),
        (Origin::Unknown, UnknownStarter::TwoApprovers) => {
            if people(policy) < MIN_APPROVERS_BESIDE_STARTER {
                Err(Refusal::UnknownStarter)
            } else if is_somebody(policy, request.approver) {
                Ok(())
            } else {
                Err(Refusal::MayBeStarter)
            }
        }
    }
}

/// Of two people one has not started the execution, whoever did.
const MIN_APPROVERS_BESIDE_STARTER: u32 = 2;

/// How many people must say yes to an execution of this starter.
pub fn needed(policy: &Policy, starter: Option<&Starter>, account: &str) -> u32 {
    let two = needs_starter(policy)
        && policy.unknown_starter == UnknownStarter::TwoApprovers
        && starter.is_some_and(|starter| origin(policy, starter, account) == Origin::Unknown);
    policy
        .approvals
        .max(if two { MIN_APPROVERS_BESIDE_STARTER } else { 1 })
}

/// Whether an approver is somebody who can be told from the others: named in `starters`, and not just
/// whoever holds a channel's link.
fn is_somebody(policy: &Policy, approver: &Approver) -> bool {
    !matches!(approver, Approver::Link(_)) && policy.starters.contains_key(approver)
}

/// How many people may approve who can be told from each other.
pub fn people(policy: &Policy) -> u32 {
    let mut seen: BTreeSet<Approver> = BTreeSet::new();
    let mut people = 0;
    for approver in &policy.approvers {
        if is_somebody(policy, approver) && !seen.contains(approver) {
            seen.extend(person(policy, approver.clone()));
            people += 1;
        }
    }
    people
}

/// What is known of whoever started an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Nobody did: an automated rollback.
    Machine,
    /// A person, by a name that they can't choose.
    Person,
    /// Somebody, by a name that says nothing: whoever pushes writes any author into a commit, and whoever
    /// assumes a role calls the session as they like.
    Unknown,
}

/// <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ExecutionTrigger.html>
fn origin(policy: &Policy, starter: &Starter, own: &str) -> Origin {
    if starter.trigger == "AutomatedRollback" {
        return Origin::Machine;
    }
    let is_root = starter.detail.ends_with(":root");
    match Entity::of(&starter.detail) {
        Some(Entity { role: false, .. }) => Origin::Person,
        None if is_root && starter.detail.starts_with("arn:") => Origin::Person,
        Some(entity) if entity.session.is_some() => {
            let trusted = |role: &TrustedRole| role.is(entity.account, entity.name, own);
            if policy.trusted_sessions.iter().any(trusted) {
                Origin::Person
            } else {
                Origin::Unknown
            }
        }
        _ => Origin::Unknown,
    }
}

/// Whether `name` names the starter: its ARN, the readable end of it, or the role that it has assumed.
fn is(starter: &Starter, name: &str) -> bool {
    starter.name.eq_ignore_ascii_case(name) || names(&starter.detail, name)
}

/// Whether `name` names whoever has this ARN. Names of people are compared without case, as IAM keeps
/// them apart by case in no place that matters.
fn names(arn: &str, name: &str) -> bool {
    let end = common::arn::last_name(arn);
    if arn.eq_ignore_ascii_case(name) || end.eq_ignore_ascii_case(name) {
        return true;
    }
    let Some(entity) = Entity::of(arn) else {
        return false;
    };
    match Entity::of(name) {
        Some(named) => named.session.is_none() && entity.is(&named),
        None => entity.name.eq_ignore_ascii_case(name),
    }
}

/// A user or a role, without the path that only some of their ARNs have: a name is unique in its account.
struct Entity<'a> {
    account: &'a str,
    role: bool,
    name: &'a str,
    /// Of a role that was assumed.
    session: Option<&'a str>,
}

impl<'a> Entity<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let arn = Arn::parse(arn)?;
        let (kind, path) = arn.resource.split_once('/')?;
        let is = |known: (&str, &str)| {
            arn.service.eq_ignore_ascii_case(known.0) && kind.eq_ignore_ascii_case(known.1)
        };
        let (role, name, session) = if is(("sts", "assumed-role")) {
            match path.split_once('/') {
                Some((name, session)) => (true, name, Some(session)),
                None => (true, path, None),
            }
        } else if is(("iam", "role")) || is(("iam", "user")) {
            let role = kind.eq_ignore_ascii_case("role");
            (role, path.rsplit('/').next().unwrap_or(path), None)
        } else {
            return None;
        };
        Some(Self {
            account: arn.account,
            role,
            name,
            session,
        })
    }

    /// Whether both are the same user or role, in whatever session.
    fn is(&self, other: &Entity<'_>) -> bool {
        self.account == other.account
            && self.role == other.role
            && self.name.eq_ignore_ascii_case(other.name)
    }
}

/// The votes that count: one of each person who is still on the list. Approvers that share a name in AWS
/// are one person, by whatever they have voted.
pub fn counted<'a>(policy: &Policy, votes: &'a [Vote]) -> Vec<&'a Actor> {
    let people = votes.iter().map(|vote| &vote.voter);
    once_each(policy, people, |approver| may_decide(policy, approver))
}

/// Those of `voters` whose yes would still be taken at this moment, each person once.
fn approving<'a>(
    policy: &Policy,
    voters: impl IntoIterator<Item = &'a Actor>,
    (starter, account): (Option<&Starter>, &str),
    at: Timestamp,
) -> Vec<&'a Actor> {
    once_each(policy, voters, |approver| {
        let request = Request {
            approver,
            decision: Decision::Approve,
            comment: None,
            starter,
            account,
            at,
        };
        judge(policy, &request).is_ok()
    })
}

/// The people who have said yes.
pub enum VoteCount<'a> {
    /// As many as the policy needs.
    Enough(Vec<&'a Actor>),
    /// Not yet.
    Missing {
        /// So many count.
        have: u32,
        /// So many must.
        need: u32,
    },
}

/// N of M: whether enough of `voters` may still approve at this moment.
pub fn count_votes<'a>(
    policy: &Policy,
    voters: impl IntoIterator<Item = &'a Actor>,
    (starter, account): (Option<&Starter>, &str),
    at: Timestamp,
) -> VoteCount<'a> {
    let by = approving(policy, voters, (starter, account), at);
    let have = u32::try_from(by.len()).unwrap_or(u32::MAX);
    let need = needed(policy, starter, account);
    if have < need {
        VoteCount::Missing { have, need }
    } else {
        VoteCount::Enough(by)
    }
}

fn once_each<'a>(
    policy: &Policy,
    voters: impl IntoIterator<Item = &'a Actor>,
    counts: impl Fn(&Approver) -> bool,
) -> Vec<&'a Actor> {
    let mut seen: BTreeSet<Approver> = BTreeSet::new();
    let mut counted = Vec::new();
    for voter in voters {
        let Ok(approver) = voter.approver.parse::<Approver>() else {
            continue;
        };
        if counts(&approver) && !seen.contains(&approver) {
            seen.extend(person(policy, approver));
            counted.push(voter);
        }
    }
    counted
}

/// Every approver that is the same person as this one: those that share a name in AWS with them, with
/// one of those, and so on.
fn person(policy: &Policy, approver: Approver) -> BTreeSet<Approver> {
    let mut person = BTreeSet::new();
    let mut next = vec![approver];
    while let Some(one) = next.pop() {
        if !person.insert(one.clone()) {
            continue;
        }
        let others = policy.approvers.iter().chain(policy.starters.keys());
        let same = others.filter(|other| !person.contains(*other) && share(policy, &one, other));
        next.extend(same.cloned());
    }
    person
}

/// Whether two approvers have a name in AWS in common.
fn share(policy: &Policy, one: &Approver, other: &Approver) -> bool {
    let others = aws_names(policy, other);
    aws_names(policy, one).iter().any(|name| {
        others
            .iter()
            .any(|other| names(name, other) || names(other, name))
    })
}

/// The names in AWS that are known of an approver. Whoever reads a mailbox may have its address as one.
fn aws_names<'a>(policy: &'a Policy, approver: &'a Approver) -> Vec<&'a str> {
    let listed = policy.starters.get(approver).into_iter().flatten();
    let address = match approver {
        Approver::Email(address) => Some(address),
        Approver::Slack { .. } | Approver::Link(_) => None,
    };
    listed.chain(address).map(String::as_str).collect()
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
