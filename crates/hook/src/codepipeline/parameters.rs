//! `UserParameters` of the action: JSON that says what is to be measured. All problems are reported together.

use gate::{Stage, TARGET_KEYS};
use serde_json::{Map, Value};

/// What the action asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    /// `suite`: beside `SUITE`, or in its bucket.
    pub(super) suite: Option<String>,
    /// `stage`, to be sure that the right function is invoked.
    pub(super) stage: Option<Stage>,
    /// `target.url`: where the release answers.
    pub(super) url: String,
    /// `target.host`: the name to speak to it by.
    pub(super) host: Option<String>,
    /// The rest of `target`, for `{{ target.… }}`.
    pub(super) facts: Vec<(&'static str, String)>,
    /// `on_failed`: whether the action succeeds whatever the verdict, which is then in its output variables.
    pub(super) reports_only: bool,
}

const EXAMPLE: &str = r#"{"suite":"shop.yaml","target":{"url":"https://shop.example.com","application":"shop","version":"1.2.0"}}"#;

impl Parameters {
    pub(super) fn read(text: Option<&str>) -> Result<Self, Vec<String>> {
        let text = text.unwrap_or_default();
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else {
            return Err(vec![format!(
                "the action's UserParameters are no JSON object; write, for example, {EXAMPLE}"
            )]);
        };
        let mut problems = Vec::new();
        let known = ["suite", "stage", "target", "on_failed"];
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            problems.push(format!(
                "UserParameters: unknown key {key:?}; known: {}",
                known.join(", ")
            ));
        }
        let suite = text_of(&object, "suite", &mut problems);
        let stage = text_of(&object, "stage", &mut problems).and_then(|written| {
            let stage = Stage::ALL
                .into_iter()
                .find(|stage| stage.as_str() == written);
            if stage.is_none() {
                problems.push(format!(
                    "UserParameters.stage is {written:?}: expected pre-traffic or post-traffic"
                ));
            }
            stage
        });
        let on_failed = text_of(&object, "on_failed", &mut problems);
        let reports_only = match on_failed.as_deref() {
            None | Some("fail") => false,
            Some("continue") => true,
            Some(other) => {
                problems.push(format!(
                    "UserParameters.on_failed is {other:?}: expected fail or continue"
                ));
                false
            }
        };
        let empty = Map::new();
        let target = object
            .get("target")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let url = text_of(target, "url", &mut problems).unwrap_or_default();
        let is_http = |url: &url::Url| matches!(url.scheme(), "http" | "https");
        if !url.parse().is_ok_and(|url| is_http(&url)) {
            problems.push(format!(
                "UserParameters.target.url is {url:?}: expected the address of the release; for example {EXAMPLE}"
            ));
        }
        let mut facts = Vec::new();
        // The run's own: its reports are kept by them.
        let own = ["url", "host", "deployment_id", "lifecycle_event"];
        for key in target.keys().filter(|key| !own.contains(&key.as_str())) {
            match TARGET_KEYS.iter().find(|known| *known == key) {
                Some(known) => {
                    let value = text_of(target, key, &mut problems);
                    facts.extend(value.map(|value| (*known, value)));
                }
                None => problems.push(format!(
                    "UserParameters.target: unknown key {key:?}; docs/suite.md lists what a suite may use"
                )),
            }
        }
        let host = text_of(target, "host", &mut problems);
        if problems.is_empty() {
            Ok(Self {
                suite,
                stage,
                url,
                host,
                facts,
                reports_only,
            })
        } else {
            Err(problems)
        }
    }
}

fn text_of(object: &Map<String, Value>, key: &str, problems: &mut Vec<String>) -> Option<String> {
    match object.get(key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::String(_) | Value::Null => None,
        _ => {
            problems.push(format!("UserParameters: {key} is no text"));
            None
        }
    }
}

/// Whether the action succeeds whatever the verdict; parameters that can't be read say no.
pub(super) fn reports_only(text: Option<&str>) -> bool {
    Parameters::read(text).is_ok_and(|parameters| parameters.reports_only)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        Parameters::read(Some(text)).unwrap_err().join("\n")
    }

    #[test]
    fn the_usual_parameters_are_read() {
        let read = Parameters::read(Some(EXAMPLE)).unwrap();
        assert_eq!(read.suite.as_deref(), Some("shop.yaml"));
        assert_eq!(read.url, "https://shop.example.com");
        let facts = [
            ("application", "shop".to_owned()),
            ("version", "1.2.0".to_owned()),
        ];
        assert_eq!(read.facts, facts);
        assert!(!read.reports_only);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        insta::assert_snapshot!(problems("shop"), @r#"the action's UserParameters are no JSON object; write, for example, {"suite":"shop.yaml","target":{"url":"https://shop.example.com","application":"shop","version":"1.2.0"}}"#);
        insta::assert_snapshot!(
            problems(r#"{"suit":"x","stage":"after","on_failed":"pass","target":{"url":"shop","colour":"blue","version":1}}"#),
            @r#"
        UserParameters: unknown key "suit"; known: suite, stage, target, on_failed
        UserParameters.stage is "after": expected pre-traffic or post-traffic
        UserParameters.on_failed is "pass": expected fail or continue
        UserParameters.target.url is "shop": expected the address of the release; for example {"suite":"shop.yaml","target":{"url":"https://shop.example.com","application":"shop","version":"1.2.0"}}
        UserParameters.target: unknown key "colour"; docs/suite.md lists what a suite may use
        UserParameters: version is no text
        "#
        );
    }
}
