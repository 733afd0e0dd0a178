//! What the service definition says to a gate in `hookDetails`, so that one function serves many hooks. Pure.
//!
//! An unknown key is refused: a mistyped one would say nothing, and the gate would measure something else than was meant.

use std::time::Duration;

use gate::{Stage, Suite};
use strict_yaml::scalar::parse_duration;

use crate::event::{DetailValue, EcsEvent};
use crate::publish::hashed;
use crate::suite_source::may_be_sibling;

/// Every key of `hookDetails` that a service may set, beside what a gate hands to itself.
pub(crate) const KEYS: [&str; 4] = ["suite", "stage", "bake", "dry_run"];

/// What a hook says, beside its suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HookOptions {
    /// `stage`, to be sure that the right function is called.
    stage: Option<Stage>,
    /// `bake`, in place of the suite's.
    bake: Option<Duration>,
    /// `dry_run`, in place of the suite's.
    dry_run: Option<bool>,
    /// What tells them from those of another hook.
    fingerprint: u64,
}

impl HookOptions {
    /// Reads them, or says all that is wrong with them.
    pub(crate) fn read(event: &EcsEvent) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut options = Self::default();
        if let Some(suite) = &event.suite
            && let Err(why) = may_be_sibling(suite)
        {
            problems.push(format!("hookDetails.suite is {suite:?}: {why}"));
        }
        for (key, value) in &event.details {
            let read = match key.as_str() {
                "stage" => stage(value).map(|stage| options.stage = Some(stage)),
                "bake" => bake(value).map(|bake| options.bake = Some(bake)),
                "dry_run" => dry_run(value).map(|dry_run| options.dry_run = Some(dry_run)),
                _ => {
                    problems.push(format!(
                        "hookDetails: unknown key {key:?}; known: {}",
                        KEYS.join(", ")
                    ));
                    continue;
                }
            };
            if let Err(expected) = read {
                problems.push(format!("hookDetails.{key} is {value}: expected {expected}"));
            }
        }
        if problems.is_empty() {
            options.fingerprint = fingerprint(event);
            Ok(options)
        } else {
            Err(problems)
        }
    }

    /// Whether the gate of this stage is the one that was meant, and may do what is asked.
    pub(crate) fn fit(&self, gate: Stage) -> Result<(), String> {
        match (self.stage, self.bake) {
            (Some(meant), _) if meant != gate => Err(format!(
                "hookDetails.stage is {meant}, and this function is the {gate} gate; hook the other function"
            )),
            (_, Some(_)) if gate == Stage::PreTraffic => Err(
                "hookDetails.bake is for the post-traffic gate: before traffic one round decides"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// Changes the suite for this hook.
    pub(crate) fn apply(&self, suite: &mut Suite) -> Result<(), String> {
        if let Some(bake) = self.bake {
            let set = suite.set_bake(bake);
            set.map_err(|error| format!("hookDetails.bake: {error}"))?;
        }
        if let Some(dry_run) = self.dry_run {
            suite.dry_run = dry_run;
        }
        // What was measured by other options does not count for these.
        suite.fingerprint ^= self.fingerprint;
        Ok(())
    }
}

/// By what the hooks of one function at one stage are told apart: their suites and options. None where they have none.
pub(crate) fn told_apart(event: &EcsEvent) -> Option<String> {
    match (&event.suite, event.details.is_empty()) {
        (None, true) => None,
        (Some(suite), true) => Some(hashed(suite)),
        (suite, false) => {
            let suite = suite.as_deref().unwrap_or_default();
            Some(hashed(&format!("{suite}\n{:016x}", fingerprint(event))))
        }
    }
}

/// 0 where there are none.
fn fingerprint(event: &EcsEvent) -> u64 {
    let mut details: Vec<String> = event
        .details
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if details.is_empty() {
        return 0;
    }
    details.sort();
    u64::from_str_radix(&hashed(&details.join("\n")), 16).unwrap_or_default()
}

fn stage(value: &DetailValue) -> Result<Stage, &'static str> {
    let written = match value {
        DetailValue::Text(text) => text.as_str(),
        _ => "",
    };
    let mut stages = Stage::ALL.into_iter();
    let found = stages.find(|stage| stage.as_str() == written);
    found.ok_or("pre-traffic or post-traffic")
}

fn bake(value: &DetailValue) -> Result<Duration, &'static str> {
    let read = match value {
        DetailValue::Text(text) => parse_duration(text),
        _ => None,
    };
    read.ok_or("a time, such as 10m or 1h")
}

/// CloudFormation makes texts of true and false.
fn dry_run(value: &DetailValue) -> Result<bool, &'static str> {
    match value {
        DetailValue::Flag(flag) => Ok(*flag),
        DetailValue::Text(text) if text == "true" => Ok(true),
        DetailValue::Text(text) if text == "false" => Ok(false),
        _ => Err("true or false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(details: &[(&str, DetailValue)]) -> EcsEvent {
        EcsEvent {
            execution_id: "e-1".to_owned(),
            lifecycle_stage: "POST_PRODUCTION_TRAFFIC_SHIFT".to_owned(),
            deployment_arn: String::new(),
            target_revision_arn: String::new(),
            test_weights: Vec::new(),
            production_weights: Vec::new(),
            suite: None,
            details: details
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
            run: None,
        }
    }

    fn text(text: &str) -> DetailValue {
        DetailValue::Text(text.to_owned())
    }

    const SUITE: &str = "version: 1\nname: shop\ntraffic: { bake: 1h, every: 1m }\nchecks:\n  - { name: a, http: GET / }\n";

    #[test]
    fn options_change_the_suite_for_one_hook_and_its_bake_counts_for_itself() {
        let options = HookOptions::read(&event(&[
            ("bake", text("5m")),
            ("dry_run", DetailValue::Flag(true)),
            ("stage", text("post-traffic")),
        ]));
        let options = options.unwrap();
        assert_eq!(options.fit(Stage::PostTraffic), Ok(()));
        let whole = Suite::parse("suite.yaml", SUITE).unwrap();
        let mut suite = whole.clone();
        options.apply(&mut suite).unwrap();
        assert_eq!(suite.bake().window, Duration::from_mins(5));
        assert!(suite.dry_run);
        assert_ne!(suite.fingerprint, whole.fingerprint);
        let mut same = whole.clone();
        HookOptions::read(&event(&[]))
            .unwrap()
            .apply(&mut same)
            .unwrap();
        assert_eq!(same.fingerprint, whole.fingerprint);
    }

    #[test]
    fn what_is_unknown_or_wrong_is_refused_with_what_is_known() {
        let mut wrong = event(&[
            ("sute", text("web.yaml")),
            ("bake", DetailValue::Other),
            ("dry_run", text("perhaps")),
            ("stage", text("before")),
        ]);
        wrong.suite = Some("../x.yaml".to_owned());
        insta::assert_snapshot!(HookOptions::read(&wrong).unwrap_err().join("\n"), @r#"
        hookDetails.suite is "../x.yaml": expected a name beside SUITE, or s3:// and a key in its bucket
        hookDetails: unknown key "sute"; known: suite, stage, bake, dry_run
        hookDetails.bake is another kind of value: expected a time, such as 10m or 1h
        hookDetails.dry_run is "perhaps": expected true or false
        hookDetails.stage is "before": expected pre-traffic or post-traffic
        "#);
        let bake = HookOptions::read(&event(&[("bake", text("10m"))])).unwrap();
        insta::assert_snapshot!(bake.fit(Stage::PreTraffic).unwrap_err(), @"hookDetails.bake is for the post-traffic gate: before traffic one round decides");
        let stage = HookOptions::read(&event(&[("stage", text("pre-traffic"))])).unwrap();
        insta::assert_snapshot!(stage.fit(Stage::PostTraffic).unwrap_err(), @"hookDetails.stage is pre-traffic, and this function is the post-traffic gate; hook the other function");
        let mut suite = Suite::parse("suite.yaml", SUITE).unwrap();
        let short = HookOptions::read(&event(&[("bake", text("5s"))])).unwrap();
        insta::assert_snapshot!(short.apply(&mut suite).unwrap_err(), @"hookDetails.bake: a bake of 5s does not fit: it takes from 1m (traffic.every) to 23h");
    }

    #[test]
    fn two_hooks_of_one_stage_are_told_apart_by_their_options_too() {
        let short = event(&[("bake", text("5m"))]);
        let long = event(&[("bake", text("1h"))]);
        assert_eq!(told_apart(&event(&[])), None);
        assert_ne!(told_apart(&short), told_apart(&long));
        assert!(told_apart(&short).is_some());
    }

    #[test]
    fn every_key_is_in_the_docs() {
        let docs = include_str!("../../../../docs/callers.md");
        for key in KEYS {
            assert!(docs.contains(&format!("| `{key}` |")), "{key}");
        }
    }
}
