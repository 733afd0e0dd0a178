//! What could not be read or used, as data. Sentences are made where it is reported, and a problem that lasts is recognised
//! by its key.

use std::fmt;

use common::failure::Cause;
use common::state::StateError;

use crate::read::ReadError;

/// Something that a run could not read, and what that means for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The same in each run that meets the same problem.
    pub key: String,
    /// What it means for the run.
    pub kind: ProblemKind,
    /// What it is about: a cluster, the ARN of a service; none where it is about the call alone.
    pub resource: Option<String>,
    /// What was tried, and AWS's error in one line.
    pub detail: String,
    /// What to do; empty where the error says all there is.
    pub remedy: String,
    /// Why the call failed, where one did.
    pub cause: Option<Cause>,
}

/// What a problem means for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// A cluster or a list can't be read: nothing in it is planned.
    Unread,
    /// The bounds of so many services are unknown: they are left out.
    BoundsUnread(usize),
    /// The record of one service can't be read: it is left out.
    RecordUnread,
    /// No request can be read: nothing is planned at all.
    RequestsUnread,
    /// One request can't be read: nothing is put to sleep.
    RequestUnclear,
    /// Scheduled actions can't be read: a service wakes as it was before it slept.
    ActionsUnread,
}

impl Problem {
    /// A call that failed, in a cluster or not.
    pub(crate) fn unread(cluster: Option<&str>, error: &ReadError) -> Self {
        let resource = cluster.map(|cluster| format!("cluster {cluster}"));
        Self::of_call(ProblemKind::Unread, resource, error)
    }

    pub(crate) fn of_call(kind: ProblemKind, resource: Option<String>, error: &ReadError) -> Self {
        let about = resource.as_deref().unwrap_or_default();
        Self {
            key: format!("{} {about} {} {:?}", kind.word(), error.what, error.cause),
            kind,
            detail: format!("{} failed: {}", error.what, error.detail),
            remedy: error.remedy.clone(),
            cause: Some(error.cause),
            resource,
        }
    }

    /// A failure of the state table, whose error names its own remedy.
    pub(crate) fn of_state(
        kind: ProblemKind,
        resource: Option<String>,
        error: &StateError,
    ) -> Self {
        let about = match error {
            StateError::Call { what, key, .. } => format!("{what} {key}"),
            StateError::Unreadable { key, .. } | StateError::TooLarge { key, .. } => key.clone(),
        };
        Self {
            key: format!("{} {about}", kind.word()),
            kind,
            resource,
            detail: error.to_string(),
            remedy: String::new(),
            cause: None,
        }
    }
}

impl ProblemKind {
    /// Whether services may be missing from what was read.
    pub fn hides_resources(self) -> bool {
        !matches!(self, Self::RequestUnclear | Self::ActionsUnread)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::BoundsUnread(_) => "bounds",
            Self::RecordUnread => "record",
            Self::RequestsUnread => "requests",
            Self::RequestUnclear => "request",
            Self::ActionsUnread => "actions",
        }
    }
}

/// One sentence without a full stop.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = self.resource.as_deref().unwrap_or_default();
        match self.kind {
            ProblemKind::BoundsUnread(left) => write!(f, "{left} services are left out: ")?,
            ProblemKind::RecordUnread => write!(f, "{resource} is left out: ")?,
            _ if resource.is_empty() => {}
            _ => write!(f, "{resource}: ")?,
        }
        f.write_str(&self.detail)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        f.write_str(match self.kind {
            ProblemKind::RequestUnclear => {
                "; somebody may have asked for more time in it, so nothing is put to sleep until that item is deleted"
            }
            ProblemKind::ActionsUnread => {
                "; whether scheduled actions were due while services slept is not known"
            }
            _ => "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(cluster: &str, cause: Cause, detail: &str) -> Problem {
        let error = ReadError {
            call: "ListServices".to_owned(),
            what: format!("ListServices in {cluster}"),
            cause,
            detail: detail.to_owned(),
            remedy: "the function's role needs ecs:ListServices".to_owned(),
        };
        Problem::unread(Some(cluster), &error)
    }

    #[test]
    fn a_problem_keeps_its_key_whatever_the_id_of_its_request() {
        let first = unread("dev-1", Cause::Denied, "AccessDenied (request id 1b2c-33)");
        let later = unread("dev-1", Cause::Denied, "AccessDenied (request id 99aa-11)");
        assert_eq!(first.key, later.key);
        let other = unread("dev-2", Cause::Denied, "AccessDenied (request id 1b2c-33)");
        let throttled = unread("dev-1", Cause::Throttled, "Rate exceeded");
        assert_ne!(first.key, other.key);
        assert_ne!(first.key, throttled.key);
        assert_eq!(
            first.to_string(),
            "cluster dev-1: ListServices in dev-1 failed: AccessDenied (request id 1b2c-33); \
             the function's role needs ecs:ListServices"
        );
    }

    #[test]
    fn a_problem_says_what_it_means_for_the_run() {
        let error = StateError::Unreadable {
            table: "state".to_owned(),
            key: "request#1".to_owned(),
            detail: "no JSON".to_owned(),
        };
        let unclear = Problem::of_state(ProblemKind::RequestUnclear, None, &error);
        assert!(unclear.to_string().ends_with("until that item is deleted"));
        let arn = "arn:aws:ecs:eu-central-1:111122223333:service/dev/web";
        let left = Problem::of_state(ProblemKind::RecordUnread, Some(arn.to_owned()), &error);
        assert!(
            left.to_string()
                .starts_with(&format!("{arn} is left out: "))
        );
        assert_ne!(unclear.key, left.key);
    }
}
