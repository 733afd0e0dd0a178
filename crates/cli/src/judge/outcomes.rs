//! Which releases proved good or bad, as people wrote it down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{self, Failure};

/// More problems than this are of no help.
const MAX_PROBLEMS: usize = 20;

/// What a release proved to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReleaseOutcome {
    Good,
    Bad,
}

impl ReleaseOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// What each deployment or version proved to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    proofs: BTreeMap<String, (ReleaseOutcome, usize)>,
}

/// A line of JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonLine {
    deployment: Option<String>,
    version: Option<String>,
    outcome: ReleaseOutcome,
}

impl Outcomes {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = failure::read(path)?;
        Self::parse(&text).map_err(|problems| {
            let name = path.display();
            let lines = problems
                .iter()
                .map(|(line, problem)| format!("{name}:{line}: {problem}"));
            Failure::Wrong(lines.collect::<Vec<_>>().join("\n"))
        })
    }

    /// Every line, or every problem with its line.
    fn parse(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let mut outcomes = Self::default();
        let mut problems = Vec::new();
        let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        let lines = lines.map(|(index, line)| (index + 1, line.trim()));
        let mut is_first = true;
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let is_head = std::mem::take(&mut is_first) && is_head(line);
            if is_head {
                continue;
            }
            match proof(line) {
                Ok((key, proof)) => match outcomes.proofs.insert(key.clone(), (proof, number)) {
                    Some((other, earlier)) if other != proof => problems.push((
                        number,
                        format!("{key:?} is both good and bad: see line {earlier}; remove one"),
                    )),
                    _ => {}
                },
                Err(problem) => problems.push((number, problem)),
            }
            if problems.len() >= MAX_PROBLEMS {
                break;
            }
        }
        if problems.is_empty() && outcomes.proofs.is_empty() {
            problems.push((
                1,
                "there is no outcome; write one line for each release".to_owned(),
            ));
        }
        if problems.is_empty() {
            Ok(outcomes)
        } else {
            Err(problems)
        }
    }

    /// What a run's release proved to be: by its deployment, or else by its version.
    pub(super) fn of(
        &self,
        deployment: Option<&str>,
        version: Option<&str>,
    ) -> Option<ReleaseOutcome> {
        let mut keys = [deployment, version].into_iter().flatten();
        let proof = keys.find_map(|key| self.proofs.get(key));
        proof.map(|(proof, _)| *proof)
    }

    /// Refuses a release that is named by its deployment and by its version, and is good by one and bad by the other.
    pub(super) fn check<'a>(
        &self,
        path: &Path,
        releases: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
    ) -> Result<(), Failure> {
        let mut problems = BTreeMap::new();
        for (deployment, version) in releases {
            let (Some(deployment), Some(version)) = (deployment, version) else {
                continue;
            };
            let both = (self.proofs.get(deployment), self.proofs.get(version));
            let (Some((by_deployment, line)), Some((by_version, other))) = both else {
                continue;
            };
            if by_deployment != by_version {
                let problem = format!(
                    "the deployment {deployment:?} is {}, and its version {version:?} is {} (line {other}); remove one",
                    by_deployment.as_str(),
                    by_version.as_str(),
                );
                problems.insert((*line, deployment), problem);
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let shown = problems.iter().take(MAX_PROBLEMS);
        let lines =
            shown.map(|((line, _), problem)| format!("{}:{line}: {problem}", path.display()));
        Err(Failure::Wrong(lines.collect::<Vec<_>>().join("\n")))
    }

    /// Refuses a version that several services have released: which of them proved good or bad is not said.
    pub(super) fn check_services<'a>(
        &self,
        path: &Path,
        releases: impl Iterator<Item = (&'a str, Option<&'a str>, Option<&'a str>)>,
    ) -> Result<(), Failure> {
        let mut services: BTreeMap<(usize, &str), BTreeSet<&str>> = BTreeMap::new();
        for (service, deployment, version) in releases {
            if deployment.is_some_and(|deployment| self.proofs.contains_key(deployment)) {
                continue;
            }
            let proof = version.and_then(|version| self.proofs.get_key_value(version));
            if let Some((version, (_, line))) = proof {
                services
                    .entry((*line, version))
                    .or_default()
                    .insert(service);
            }
        }
        let several = services.iter().filter(|(_, services)| services.len() > 1);
        let lines: Vec<String> = several
            .take(MAX_PROBLEMS)
            .map(|((line, version), services)| {
                format!(
                    "{}:{line}: {version:?} is a version of {}; say which by --service, or write the deployment",
                    path.display(),
                    text::words::list(services.iter().copied()),
                )
            })
            .collect();
        if lines.is_empty() {
            Ok(())
        } else {
            Err(Failure::Wrong(lines.join("\n")))
        }
    }

    /// Deployments and versions that none of these is, in the order of the file.
    pub(super) fn unmatched<'a>(&self, known: impl Iterator<Item = &'a str>) -> Vec<&str> {
        let known: BTreeSet<&str> = known.collect();
        let others = self.proofs.iter();
        let mut others: Vec<(usize, &str)> = others
            .filter(|(key, _)| !known.contains(key.as_str()))
            .map(|(key, (_, line))| (*line, key.as_str()))
            .collect();
        others.sort_unstable();
        others.into_iter().map(|(_, key)| key).collect()
    }
}

/// `deployment,outcome`: a table may have a head.
fn is_head(line: &str) -> bool {
    let fields = line.split(',').map(|field| unquoted(field).to_lowercase());
    let fields: Vec<String> = fields.collect();
    matches!(fields.as_slice(), [first, second]
        if ["deployment", "version", "release"].contains(&first.as_str()) && second == "outcome")
}

fn proof(line: &str) -> Result<(String, ReleaseOutcome), String> {
    if line.starts_with('{') {
        let line: JsonLine = serde_json::from_str(line).map_err(|error| {
            let why = error.to_string();
            // It is one line of many: which one is said already.
            let why = why.split(" at line ").next().unwrap_or_default();
            format!("{why}; write {{\"deployment\": \"d-ABCDEF123\", \"outcome\": \"bad\"}}")
        })?;
        return match (line.deployment, line.version) {
            (Some(key), None) | (None, Some(key)) if !key.is_empty() => Ok((key, line.outcome)),
            _ => Err("it must have one of deployment and version".to_owned()),
        };
    }
    let Some((key, outcome)) = line.split_once(',') else {
        return Err("expected a deployment or version, a comma, and good or bad".to_owned());
    };
    let key = unquoted(key);
    if key.is_empty() {
        return Err("the deployment or version is missing before the comma".to_owned());
    }
    match unquoted(outcome).to_lowercase().as_str() {
        "good" => Ok((key.to_owned(), ReleaseOutcome::Good)),
        "bad" => Ok((key.to_owned(), ReleaseOutcome::Bad)),
        other => Err(format!("{other:?} is no outcome; write good or bad")),
    }
}

fn unquoted(field: &str) -> &str {
    let field = field.trim();
    let inner = field
        .strip_prefix('"')
        .and_then(|field| field.strip_suffix('"'));
    inner.unwrap_or(field).trim()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_tables_or_json() {
        let read = Outcomes::parse(
            "# of November\ndeployment,outcome\nd-1,good\n\"d-2\", \"Bad\"\n\n{\"version\": \"1.2.0\", \"outcome\": \"bad\"}\nd-1,good\n",
        )
        .unwrap();
        assert_eq!(read.of(Some("d-1"), None), Some(ReleaseOutcome::Good));
        assert_eq!(
            read.of(Some("d-2"), Some("1.0.0")),
            Some(ReleaseOutcome::Bad)
        );
        assert_eq!(
            read.of(Some("d-9"), Some("1.2.0")),
            Some(ReleaseOutcome::Bad)
        );
        assert_eq!(read.of(Some("d-9"), None), None);
        assert_eq!(read.unmatched(["d-1", "1.2.0"].into_iter()), ["d-2"]);
    }

    #[test]
    fn a_version_of_several_services_says_nothing_of_one() {
        let outcomes = Outcomes::parse("1.2.0,bad\n1.3.0,good\nd-7,good\n").unwrap();
        let check = |runs: &[(&'static str, Option<&'static str>, Option<&'static str>)]| {
            let checked = outcomes.check_services(Path::new("outcomes.csv"), runs.iter().copied());
            checked.map_err(|wrong| wrong.to_string())
        };
        let refused = check(&[
            ("shop", Some("d-1"), Some("1.2.0")),
            ("search", None, Some("1.2.0")),
            ("shop", None, Some("1.3.0")),
        ]);
        insta::assert_snapshot!(refused.unwrap_err(), @r#"outcomes.csv:1: "1.2.0" is a version of "search", "shop"; say which by --service, or write the deployment"#);
        // One that is known by its deployment is known.
        let known = [
            ("shop", Some("d-7"), Some("1.2.0")),
            ("search", None, Some("1.2.0")),
            ("search", Some("d-9"), Some("1.2.0")),
        ];
        assert_eq!(check(&known), Ok(()));
    }

    #[test]
    fn every_problem_is_said_with_its_line() {
        let problems = Outcomes::parse(
            "d-1,good\nd-1,bad\nd-2\nd-3,fine\n,bad\n{\"deployment\": \"d-4\"}\n{\"outcome\": \"bad\"}\n",
        )
        .unwrap_err();
        let lines: Vec<String> = problems
            .iter()
            .map(|(line, problem)| format!("{line}: {problem}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        2: "d-1" is both good and bad: see line 1; remove one
        3: expected a deployment or version, a comma, and good or bad
        4: "fine" is no outcome; write good or bad
        5: the deployment or version is missing before the comma
        6: missing field `outcome`; write {"deployment": "d-ABCDEF123", "outcome": "bad"}
        7: it must have one of deployment and version
        "#);
        let none = Outcomes::parse("deployment,outcome\n").unwrap_err();
        insta::assert_snapshot!(none[0].1, @"there is no outcome; write one line for each release");
    }
}
