//! The `browser` probe in a real Chromium, over small sites. `tools/install.sh chromium` gets one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod comparison;
mod problems;
mod release;
mod site;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gate::browsers::Browsers;
use gate::{HttpOptions, Outcome, Run, Stage, Suite, Target, report};
use test_support::chromium::ChromiumPerTry;
use tokio::time::Instant;
use url::Url;

/// A run at a site, to be changed by the test.
struct Trial {
    suite: String,
    target: Target,
    browsers: Option<Arc<dyn Browsers>>,
    deadline: Duration,
}

impl Trial {
    async fn run(self) -> Outcome {
        gate::run(Run {
            suite: Suite::parse("suite.yaml", &self.suite).unwrap_or_else(|p| panic!("{p}")),
            stage: Stage::PreTraffic,
            target: self.target,
            secrets: BTreeMap::from([("hidden".to_owned(), "PLANTED-SECRET".to_owned())]),
            http: HttpOptions::default(),
            cloud: None,
            browsers: self.browsers,
            memory: None,
            deadline: Instant::now() + self.deadline,
        })
        .await
    }
}

fn trial(base: &Url, lines: &str, more: &str) -> Trial {
    let lines: Vec<String> = lines
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    let lines = lines.concat();
    Trial {
        suite: format!(
            "version: 1\nname: shop\n{more}\nchecks:\n  - name: it\n    browser:\n{lines}"
        ),
        target: Target {
            base_url: Some(base.clone()),
            ..Target::default()
        },
        browsers: Some(Arc::new(ChromiumPerTry)),
        deadline: Duration::from_secs(40),
    }
}

/// The verdict as people read it.
fn summary(outcome: &Outcome) -> String {
    let word = if outcome.verdict.passed {
        "passed"
    } else {
        "failed"
    };
    format!("{word}\n{}", outcome.verdict.reasons.join("\n"))
}

fn strip(outcome: &Outcome) -> &str {
    &outcome.report.checks[0].strip
}

/// Whether nothing of the planted secret can be read in the report or the page.
fn is_masked(outcome: &Outcome) -> bool {
    let texts = [
        report::json(&outcome.report),
        report::html(&outcome.report),
        outcome.verdict.reasons.concat(),
    ];
    texts.iter().all(|text| !text.contains("PLANTED"))
}

/// On a desktop only, with steps that are not waited for long.
async fn seen(base: &Url, steps: &str) -> Outcome {
    let lines = format!("screens: [desktop]\nstep_timeout: 2s\nsteps: {steps}");
    trial(base, &lines, "").run().await
}

/// Without what differs between two runs.
fn said(outcome: &Outcome, base: &Url) -> String {
    summary(outcome).replace(&base.port().unwrap().to_string(), "PORT")
}
