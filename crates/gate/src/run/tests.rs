//! The engine against a real server on a loopback port: what it measures, what it survives, and
//! that it is always back by its deadline.

mod bake;
mod carried;
mod cloud;
mod conditions;
mod connecting;
mod crawl;
mod dns;
mod ecs_task;
mod expressions;
mod grpc;
mod grpc_calls;
mod hostile;
mod journey;
mod load;
mod observed;
mod origin;
mod parts;
mod preflight;
mod probing;
mod received;
mod requests;
mod rule;
mod sampling;
mod secure;
mod server;
mod shop;
mod tcp;
mod tls;
mod websocket;
mod wire;
mod written;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use self::shop::Shop;
use super::*;

/// A run against the shop, to be changed by the test.
struct Trial {
    suite: String,
    stage: Stage,
    base_url: Url,
    secrets: BTreeMap<String, String>,
    cloud: Option<Arc<dyn CloudProbes>>,
    deadline: Duration,
}

impl Trial {
    /// `checks` are the lines below `checks:`.
    fn of(shop: &Shop, checks: &str) -> Self {
        Self {
            suite: format!("version: 1\nname: shop\nchecks:\n{checks}\n"),
            stage: Stage::PreTraffic,
            base_url: shop.url.clone(),
            secrets: BTreeMap::new(),
            cloud: None,
            deadline: Duration::from_secs(20),
        }
    }

    fn on(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    fn with(mut self, lines: &str) -> Self {
        self.suite.push_str(lines);
        self.suite.push('\n');
        self
    }

    fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.to_owned(), value.to_owned());
        self
    }

    fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    async fn run(self) -> Outcome {
        self.run_changed(|_| {}).await
    }

    async fn run_changed(self, change: impl FnOnce(&mut Suite)) -> Outcome {
        let mut suite = Suite::parse("suite.yaml", &self.suite).unwrap_or_else(|p| panic!("{p}"));
        change(&mut suite);
        let facts = BTreeMap::from([("version".to_owned(), "1.2.0".to_owned())]);
        let deadline = Instant::now() + self.deadline;
        let outcome = run(Run {
            suite,
            stage: self.stage,
            target: Target {
                base_url: Some(self.base_url),
                facts,
                ..Target::default()
            },
            secrets: self.secrets,
            http: HttpOptions::default(),
            cloud: self.cloud,
            browsers: None,
            memory: None,
            deadline,
        })
        .await;
        let late = Instant::now().saturating_duration_since(deadline);
        // 100 ms by contract; more here, where dozens of tests share the machine.
        assert!(
            late < Duration::from_millis(500),
            "{late:?} after the deadline"
        );
        outcome
    }
}

/// The lines of a check, below its name.
fn indented(lines: &str) -> String {
    let lines: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    lines.concat()
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

fn strip(outcome: &Outcome, check: usize) -> &str {
    &outcome.report.checks[check].strip
}
