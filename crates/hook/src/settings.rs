//! The settings of a gate function, all read at start; all problems are reported together.

use std::time::Duration;

use common::settings::{Lookup, Reader, SettingsError, topic_arn};
use gate::browsers::Endpoint;

use crate::browsers::place::{BrowserId, BrowserPlace};
use crate::listener::Scheme;
use crate::suite_source::SuiteLocation;

/// Where reports lie in the bucket, unless `REPORT_PREFIX` says otherwise.
const REPORT_PREFIX: &str = "reports";

/// What the environment of a gate function says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `SUITE`: where the suite lies.
    pub suite: SuiteLocation,
    /// `REPORT_BUCKET`: the bucket for reports. Empty where nothing is stored.
    pub report_bucket: String,
    /// `REPORT_PREFIX`: what report keys start with, without slashes at its ends.
    pub report_prefix: String,
    /// `OUTCOME_TOPIC_ARN`: the SNS topic for outcomes; absent: outcomes are only logged.
    pub outcome_topic: Option<String>,
    /// `EVENT_BUS`: the event bus for decisions, by its name or ARN; absent: none hears of them.
    pub event_bus: Option<String>,
    /// `STATE_TABLE`: the approvals' state table, which has people's answers; absent: nobody is asked.
    pub state_table: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_NAME`, given by Lambda: how the AppSpec names this function.
    pub function_name: String,
    /// `TCP_LISTENER_SCHEME`: what listeners of TCP speak; absent: assumed from the ports.
    pub tcp_scheme: Option<Scheme>,
    /// `POST_TRAFFIC_FUNCTION` and `POST_TRAFFIC_TIMEOUT` (seconds): the gate after this one; absent: what it
    /// will need is not checked beforehand.
    pub post_traffic: Option<PostTrafficGate>,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, given by Lambda in MiB; here in bytes. Absent: nobody says.
    pub memory: Option<u64>,
    /// `BROWSER_ENDPOINT`, where a browser listens for the Chrome `DevTools` Protocol, or `AGENTCORE_BROWSER`, the id of one
    /// in Amazon Bedrock `AgentCore`, or `BROWSER_TASK`, the task definition of one; absent: suites with checks in a browser
    /// are refused.
    pub browser: Option<BrowserPlace>,
    /// `AWS_REGION`, given by Lambda: for links into the console.
    pub region: String,
}

/// The post-traffic gate, as the pre-traffic one knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostTrafficGate {
    /// The function's name, as an AppSpec gives it.
    pub function: String,
    /// Its time-out, where it is known.
    pub time_out: Option<Duration>,
}

impl Settings {
    /// Reads all settings, or reports every problem.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(lookup);
        let root = reader
            .optional("LAMBDA_TASK_ROOT")
            .unwrap_or_else(|| ".".into());
        reader.required("SUITE", "the suite's place, for example s3://my-bucket/suites/{application}/{deployment_group}.yaml or file:suite.yaml");
        let suite = reader.parsed("SUITE", |text| SuiteLocation::parse(text, &root));
        let report_bucket =
            reader.required("REPORT_BUCKET", "the bucket that reports are stored in");
        let report_prefix = reader
            .optional("REPORT_PREFIX")
            .unwrap_or_else(|| REPORT_PREFIX.into());
        let outcome_topic = reader.parsed("OUTCOME_TOPIC_ARN", topic_arn);
        let event_bus = reader.parsed("EVENT_BUS", event_bus);
        let state_table = reader.optional("STATE_TABLE");
        let function_name = reader.required(
            "AWS_LAMBDA_FUNCTION_NAME",
            "the function's own name; Lambda sets it",
        );
        let tcp_scheme = reader.parsed("TCP_LISTENER_SCHEME", Scheme::parse);
        let time_out = reader.parsed("POST_TRAFFIC_TIMEOUT", seconds);
        let post_traffic = reader
            .optional("POST_TRAFFIC_FUNCTION")
            .map(|function| PostTrafficGate { function, time_out });
        let memory = reader.parsed("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", mebibytes);
        let browser = browser(&mut reader);
        let region = reader.optional("AWS_REGION").unwrap_or_default();
        reader.finish(|| Self {
            suite: suite.expect("a missing suite is a problem, and so is one that can't be read"),
            report_bucket,
            report_prefix: report_prefix.trim_matches('/').to_owned(),
            outcome_topic,
            event_bus,
            state_table,
            function_name,
            tcp_scheme,
            post_traffic,
            memory,
            browser,
            region,
        })
    }
}

impl Settings {
    /// The same, without anything that a run would write to or publish in.
    pub(crate) fn without_places_to_write(self) -> Self {
        Self {
            report_bucket: String::new(),
            outcome_topic: None,
            event_bus: None,
            state_table: None,
            ..self
        }
    }
}

/// One place at most: which of two browsers a check would get, nobody could tell.
fn browser(reader: &mut Reader<'_>) -> Option<BrowserPlace> {
    let at = reader.parsed("BROWSER_ENDPOINT", Endpoint::parse);
    let agentcore = reader.parsed("AGENTCORE_BROWSER", BrowserId::parse);
    let task = reader.parsed("BROWSER_TASK", task_definition);
    let places = [
        at.map(BrowserPlace::At),
        agentcore.map(BrowserPlace::AgentCore),
        task.map(BrowserPlace::Task),
    ];
    let mut places = places.into_iter().flatten();
    let place = places.next();
    if places.next().is_some() {
        reader.problem("more than one of BROWSER_ENDPOINT, AGENTCORE_BROWSER and BROWSER_TASK is set: keep one");
    }
    place
}

/// A family, or a family and its revision.
fn task_definition(text: &str) -> Result<String, &'static str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
    if text.len() <= 255 && text.chars().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("expected a family of task definitions, or FAMILY:REVISION")
    }
}

/// Lambda's sizes, as bytes.
fn mebibytes(text: &str) -> Result<u64, &'static str> {
    let size = text.parse::<u64>().ok();
    size.and_then(|size| size.checked_mul(1024 * 1024))
        .ok_or("expected a number of MiB; Lambda sets it")
}

/// What `PutEvents` takes for a bus.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html>
fn event_bus(text: &str) -> Result<String, &'static str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "/.:-_".contains(c);
    if text.len() <= 1_600 && text.chars().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("expected the name or the ARN of an event bus")
    }
}

/// Lambda's own limit is 900.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds @ 1..=900) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a number of seconds, 1 to 900"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let mut values = std::collections::HashMap::from([
            ("SUITE", "s3://suites/{application}.yaml"),
            ("REPORT_BUCKET", "reports"),
            (
                "OUTCOME_TOPIC_ARN",
                "arn:aws:sns:eu-central-1:111122223333:outcomes",
            ),
            ("AWS_LAMBDA_FUNCTION_NAME", "CodeDeployHook_pre-traffic"),
            ("AWS_REGION", "eu-central-1"),
        ]);
        values.extend(changes.iter().copied());
        Settings::read(&|name| values.get(name).map(ToString::to_string))
    }

    #[test]
    fn defaults_are_sane() {
        let settings = with(&[("REPORT_PREFIX", "")]).unwrap();
        assert_eq!(settings.report_prefix, "reports");
        assert_eq!(settings.memory, None);
        let memory = with(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")])
            .unwrap()
            .memory;
        assert_eq!(memory, Some(512 * 1024 * 1024));
        assert_eq!(
            with(&[("OUTCOME_TOPIC_ARN", "")]).unwrap().outcome_topic,
            None
        );
    }

    #[test]
    fn a_browser_is_in_one_place() {
        let id = ("AGENTCORE_BROWSER", "aws.browser.v1");
        let settings = with(&[id]).unwrap();
        assert!(matches!(settings.browser, Some(BrowserPlace::AgentCore(_))));
        let settings = with(&[("BROWSER_TASK", "chromium:3")]).unwrap();
        assert_eq!(
            settings.browser,
            Some(BrowserPlace::Task("chromium:3".into()))
        );
        let two = with(&[id, ("BROWSER_ENDPOINT", "ws://chrome.internal:3000/")]).unwrap_err();
        assert!(two.problems[0].ends_with("is set: keep one"), "{two}");
        let wrong = with(&[("BROWSER_TASK", "a b"), ("AGENTCORE_BROWSER", "x/y")]).unwrap_err();
        assert_eq!(wrong.problems.len(), 2, "{wrong}");
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let error = with(&[
            ("SUITE", "http://example.com/suite.yaml"),
            ("REPORT_BUCKET", ""),
            ("OUTCOME_TOPIC_ARN", "outcomes"),
            ("EVENT_BUS", "my bus"),
            ("TCP_LISTENER_SCHEME", "tls"),
            ("POST_TRAFFIC_TIMEOUT", "15m"),
            ("BROWSER_ENDPOINT", "chrome:9222"),
        ])
        .unwrap_err();
        insta::assert_snapshot!(error.problems.join("\n"), @r#"
        SUITE is "http://example.com/suite.yaml": expected s3://BUCKET/KEY or file:PATH; in both, {application} and {deployment_group} are filled in
        REPORT_BUCKET is not set; it gives the bucket that reports are stored in
        OUTCOME_TOPIC_ARN is "outcomes": expected the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME
        EVENT_BUS is "my bus": expected the name or the ARN of an event bus
        TCP_LISTENER_SCHEME is "tls": expected http or https
        POST_TRAFFIC_TIMEOUT is "15m": expected a number of seconds, 1 to 900
        BROWSER_ENDPOINT is "chrome:9222": the address of the browser can't be used: it has no scheme; write ws://HOST:PORT/PATH
        "#);
    }
}
