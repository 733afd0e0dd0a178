//! An override: a named person lets a release pass a gate although checks of it do not pass.
//!
//! What must always hold:
//! - It counts for one gate, one release, and the checks that the person saw fail: for nothing else.
//! - It counts for runs that begin after it was recorded and before it expires.
//! - One deployment uses it, once. That is written down before it counts.
//! - Nothing of it is ever changed. Overrides and their uses have partitions of their own, and IAM holds that a gate
//!   can't write the ones and people can't write the others.

use std::collections::BTreeMap;
use std::fmt;

use common::state::{Key, StateError, Table};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

/// What the partition of overrides begins with; the id of what they are for follows. IAM names it.
pub const OVERRIDE_PARTITION: &str = "gate-override#";
/// What the partition of an override's use begins with; the override's id follows. IAM names it.
pub const USE_PARTITION: &str = "gate-override-use#";
/// An override lasts so long at most.
pub const MAX_OVERRIDE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Overrides and their uses are kept so long, like the audit.
const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// What an override is for: one gate, and one release of one application. Empty is what is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideScope {
    /// `pre-traffic` or `post-traffic`.
    pub gate: String,
    /// The application, or the service that ECS deploys.
    pub application: String,
    /// The deployment group of `CodeDeploy`, or the cluster.
    pub deployment_group: String,
    /// The cluster.
    pub cluster: String,
    /// The service.
    pub service: String,
    /// What tells this release from every other one, see [`OverrideScope::of`].
    pub release: String,
}

impl OverrideScope {
    /// What an override of this gate is for, by the facts of its target. The release is known by its function's version, by
    /// an image's digest, by the task definition or, where nothing else is known, by its version.
    ///
    /// # Errors
    ///
    /// What is not known, and is needed to tell this release from others.
    pub fn of(gate: &str, facts: &BTreeMap<String, String>) -> Result<Self, &'static str> {
        let fact = |key: &str| facts.get(key).cloned().unwrap_or_default();
        let known = |key: &str| Some(fact(key)).filter(|value| !value.is_empty());
        let function = known("function").zip(known("target_version"));
        let release = function
            .map(|(function, version)| format!("{function}:{version}"))
            .or_else(|| known("image").filter(|image| image.contains("@sha256:")))
            .or_else(|| known("task_definition"))
            .or_else(|| known("version"))
            .ok_or("nothing tells this release from others: no image, task definition or version is known")?;
        let scope = Self {
            gate: gate.to_owned(),
            application: fact("application"),
            deployment_group: fact("deployment_group"),
            cluster: fact("cluster"),
            service: fact("service"),
            release,
        };
        if scope.application.is_empty() && scope.service.is_empty() {
            return Err("neither the application nor the service is known");
        }
        Ok(scope)
    }

    /// Names the partition of its overrides.
    fn id(&self) -> OpaqueId {
        let whole = serde_json::to_string(self).expect("all keys are texts");
        OpaqueId::of(&["deploy-hooks scope of an override", &whole])
    }
}

impl fmt::Display for OverrideScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = [&self.application, &self.deployment_group, &self.service]
            .into_iter()
            .filter(|name| !name.is_empty());
        let name = names.next().map_or("", String::as_str);
        write!(f, "the {} gate of {name}", self.gate)?;
        for name in names.filter(|other| *other != name) {
            write!(f, "/{name}")?;
        }
        write!(f, ", release {}", self.release)
    }
}

/// What a person has recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// What it is for.
    pub scope: OverrideScope,
    /// The checks that may fail, by their names in the report.
    pub checks: Vec<String>,
    /// Who, as AWS knows them: the ARN of their session.
    pub by: String,
    /// Why. Masked.
    pub reason: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// Until when a run may begin that it counts for.
    pub expires: Timestamp,
    /// The report that the person has seen.
    pub report: String,
}

impl Override {
    /// Names it: another one whenever anything in it differs.
    pub fn id(&self) -> OpaqueId {
        let whole = serde_json::to_string(self).expect("all keys are texts");
        OpaqueId::of(&["deploy-hooks override of a gate", &whole])
    }

    /// Pure: whether it counts for a run of this scope that began then.
    pub fn counts_for(&self, scope: &OverrideScope, begun: Timestamp) -> bool {
        self.scope == *scope
            && self.at <= begun
            && begun < self.expires
            && self.expires.duration_since(self.at) <= MAX_OVERRIDE
            && !self.checks.is_empty()
            && !self.by.is_empty()
            && !self.reason.is_empty()
    }

    fn use_key(&self) -> Key {
        Key::new(format!("{USE_PARTITION}{}", self.id()), "use")
    }
}

/// Which deployment has used an override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideUse {
    /// The caller and its deployment: `ECS/abc`.
    pub deployment: String,
    /// When.
    pub at: Timestamp,
}

/// Records an override, in a way that can't replace another one.
pub async fn record(table: Table<'_>, recorded: &Override) -> Result<(), StateError> {
    // Nanoseconds with all nine digits, so that the order of the keys is the order in time.
    let key = Key::new(
        format!("{OVERRIDE_PARTITION}{}", recorded.scope.id()),
        format!("override#{:.9}#{}", recorded.at, recorded.id()),
    );
    table.append(&key, recorded, kept_from(recorded.at)).await
}

/// The overrides of this scope, newest first. One that can't be read counts for nothing, and hides no other.
pub async fn list(
    table: Table<'_>,
    scope: &OverrideScope,
) -> Result<Vec<Result<Override, StateError>>, StateError> {
    let partition = format!("{OVERRIDE_PARTITION}{}", scope.id());
    let items = table.list_each(&partition, "override#").await?;
    let newest_first = items.into_iter().rev();
    Ok(newest_first
        .map(|item| item.map(|item| item.value))
        .collect())
}

/// Which deployment has used an override, if one has.
pub async fn used_by(
    table: Table<'_>,
    recorded: &Override,
) -> Result<Option<OverrideUse>, StateError> {
    let item = table.get(&recorded.use_key()).await?;
    Ok(item.map(|item| item.value))
}

/// Writes down that this deployment uses an override, once, and reads back which one does: whichever was first.
pub async fn take(
    table: Table<'_>,
    recorded: &Override,
    by: &OverrideUse,
) -> Result<Option<OverrideUse>, StateError> {
    let key = recorded.use_key();
    table.append(&key, by, kept_from(by.at)).await?;
    used_by(table, recorded).await
}

fn kept_from(at: Timestamp) -> Timestamp {
    at.saturating_add(RETENTION).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-05-{time}:00Z").parse().unwrap()
    }

    fn facts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn scope(pairs: &[(&str, &str)]) -> Result<OverrideScope, &'static str> {
        OverrideScope::of("pre-traffic", &facts(pairs))
    }

    fn recorded() -> Override {
        Override {
            scope: scope(&[("application", "shop"), ("version", "1.2.0")]).unwrap(),
            checks: vec!["a".into()],
            by: "arn:aws:sts::111122223333:assumed-role/Lead/ada".into(),
            reason: "the supplier is down".into(),
            at: at("04T10:00"),
            expires: at("04T12:00"),
            report: String::new(),
        }
    }

    #[test]
    fn a_release_is_known_by_what_is_most_exact() {
        let release = |more: &[(&str, &str)]| {
            let mut all = vec![("application", "shop"), ("version", "1.2.0")];
            all.extend(more);
            scope(&all).unwrap().release
        };
        let definition = ("task_definition", "arn:…:task-definition/shop:7");
        assert_eq!(release(&[]), "1.2.0");
        assert_eq!(
            release(&[definition, ("image", "shop:latest")]),
            definition.1
        );
        assert_eq!(
            release(&[definition, ("image", "shop@sha256:12")]),
            "shop@sha256:12"
        );
        assert_eq!(
            release(&[("function", "shop"), ("target_version", "7")]),
            "shop:7"
        );
        assert!(scope(&[("application", "shop")]).is_err());
        assert!(scope(&[("version", "1.2.0")]).is_err());
    }

    #[test]
    fn another_gate_group_or_release_is_another_scope() {
        let known = [
            ("application", "shop"),
            ("deployment_group", "production"),
            ("version", "1.2.0"),
        ];
        let one = scope(&known).unwrap();
        assert_eq!(one.id(), scope(&known).unwrap().id());
        for (index, _) in known.iter().enumerate() {
            let mut other = known;
            other[index].1 = "another";
            assert_ne!(one.id(), scope(&other).unwrap().id(), "{other:?}");
        }
        let other = OverrideScope::of("post-traffic", &facts(&known)).unwrap();
        assert_ne!(one.id(), other.id());
        assert_eq!(
            one.to_string(),
            "the pre-traffic gate of shop/production, release 1.2.0"
        );
    }

    #[test]
    fn it_counts_for_runs_that_begin_while_it_lasts() {
        let one = recorded();
        let counts = |begun| one.counts_for(&one.scope, at(begun));
        assert!(!counts("04T09:59"), "what ran before it");
        assert!(counts("04T10:00"));
        assert!(counts("04T11:59"));
        assert!(!counts("04T12:00"));
    }

    #[test]
    fn what_is_not_whole_counts_for_nothing() {
        let one = recorded();
        let other = scope(&[("application", "shop"), ("version", "1.2.1")]).unwrap();
        assert!(!one.counts_for(&other, one.at));
        let spoil: [fn(&mut Override); 4] = [
            |it| it.checks.clear(),
            |it| it.by.clear(),
            |it| it.reason.clear(),
            |it| it.expires = it.at + MAX_OVERRIDE + SignedDuration::from_secs(1),
        ];
        for spoil in spoil {
            let mut bad = one.clone();
            spoil(&mut bad);
            assert!(!bad.counts_for(&bad.scope, bad.at), "{bad:?}");
        }
    }
}
