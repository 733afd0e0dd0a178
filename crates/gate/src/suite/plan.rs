//! What a run of a suite would do, without doing it: for people who want to know before a deployment meets it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::filled_size::templates;
use super::{Check, RetryPolicy, Suite};
use crate::Stage;
use crate::severity::Severity;
use crate::template::{Reference, Template};
use crate::words::{count, duration};

/// What a run would do at one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StagePlan {
    /// Where it is asked.
    pub stage: Stage,
    /// How long and how often, in words.
    pub rounds: String,
    /// How many checks run at once.
    pub concurrency: usize,
    /// The facts of the target that all checks need together, for certificates and to tell revisions apart.
    pub shared_facts: Vec<String>,
    /// The names of the secrets that they need for the same.
    pub shared_secrets: Vec<String>,
    /// In the order in which they begin.
    pub checks: Vec<CheckPlan>,
}

/// What a run would do for one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckPlan {
    /// What the suite calls it.
    pub name: String,
    /// Where it stands in the file.
    pub line: usize,
    /// The file that it is included from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether it may block the release.
    pub severity: Severity,
    /// The key of its probe.
    pub probe: &'static str,
    /// What it asks, one line for each request, as the suite has it.
    pub asks: Vec<String>,
    /// How many things are expected: of the answer, of each step, and by conditions of the probe's own.
    pub expectations: usize,
    /// How long and how often it is tried, in words.
    pub tries: String,
    /// It measures something only where requests reach the new release.
    pub needs_traffic: bool,
    /// The facts of the target that it needs.
    pub facts: Vec<String>,
    /// The names of the secrets that it needs.
    pub secrets: Vec<String>,
}

/// What references name.
#[derive(Default)]
struct Needs {
    facts: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Needs {
    fn see(&mut self, template: &Template, suite: &Suite) {
        for reference in template.references() {
            match reference {
                Reference::Target(key) => {
                    self.facts.insert(key.clone());
                }
                Reference::Name(name) if suite.secrets.contains_key(name) => {
                    self.secrets.insert(name.clone());
                }
                Reference::Name(_) | Reference::Function(_) => {}
            }
        }
    }
}

impl Suite {
    /// What a run would do at `stage`.
    pub fn plan_at(&self, stage: Stage) -> StagePlan {
        let of_stage = self.checks.iter().filter(|check| check.on.contains(&stage));
        let mut shared = Needs::default();
        for template in &self.ca_certificates {
            shared.see(template, self);
        }
        for expectation in &self.revision {
            expectation.templates(&mut |template| shared.see(template, self));
        }
        StagePlan {
            stage,
            rounds: self.rounds_in_words(stage),
            concurrency: self.limits.concurrency,
            shared_facts: shared.facts.into_iter().collect(),
            shared_secrets: shared.secrets.into_iter().collect(),
            checks: of_stage.map(|check| self.plan_of(check)).collect(),
        }
    }

    fn rounds_in_words(&self, stage: Stage) -> String {
        let bake = match stage {
            Stage::PreTraffic => return "one round".to_owned(),
            Stage::PostTraffic => self.bake(),
        };
        if bake.window.is_zero() {
            return "one round".to_owned();
        }
        let rounds = usize::try_from(self.rounds()).unwrap_or(usize::MAX);
        let (window, every) = (duration(bake.window), duration(bake.every));
        let rounds = format!("{} in {window}, every {every}", count(rounds, "round"));
        if bake.initial_delay.is_zero() {
            rounds
        } else {
            format!("{rounds}, after {}", duration(bake.initial_delay))
        }
    }

    fn plan_of(&self, check: &Check) -> CheckPlan {
        let mut needs = Needs::default();
        templates(check, &mut |template| needs.see(template, self));
        let kind = check.probe.kind();
        let profile = kind.profile();
        CheckPlan {
            name: check.name.clone(),
            line: check.at.line,
            file: check.file.clone(),
            severity: check.severity,
            probe: profile.key,
            asks: kind.asks(),
            expectations: check.expect.len() + kind.conditions(),
            tries: check.retry.in_words(),
            needs_traffic: profile.needs_traffic,
            facts: needs.facts.into_iter().collect(),
            secrets: needs.secrets.into_iter().collect(),
        }
    }
}

impl RetryPolicy {
    fn in_words(&self) -> String {
        let limit = duration(self.timeout);
        let tries = match self.retries {
            0 => format!("one try of {limit}"),
            retries => {
                let (tries, pause) = (u64::from(retries) + 1, duration(self.retry_every));
                format!("up to {tries} tries of {limit}, {pause} apart")
            }
        };
        match self.within {
            None => tries,
            Some(within) => format!("{tries}, within {}", duration(within)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = r#"
version: 1
name: shop
secrets: { password: "ssm:/shop/password" }
traffic: { initial_delay: 10s, bake: 5m, every: 30s }
checks:
  - name: the home page
    http: "GET /?version={{ target.version }}"
    retries: 0
  - name: a reader signs in
    on: pre-traffic
    severity: advisory
    within: 20s
    journey:
      - name: opens the form
        http: GET /login
        expect: [{ status: 200 }]
      - http: { method: POST, url: /login, form: { password: "{{ password }}" } }
        expect: [{ status: 303 }]
"#;

    #[test]
    fn a_plan_names_checks_requests_facts_and_secrets_and_no_value() {
        let suite = Suite::parse("shop.yaml", SUITE).unwrap();
        let [before, after] = Stage::ALL.map(|stage| suite.plan_at(stage));
        insta::assert_json_snapshot!(before, @r#"
        {
          "stage": "pre-traffic",
          "rounds": "one round",
          "concurrency": 10,
          "shared_facts": [],
          "shared_secrets": [],
          "checks": [
            {
              "name": "the home page",
              "line": 8,
              "severity": "required",
              "probe": "http",
              "asks": [
                "GET /?version={{ target.version }}"
              ],
              "expectations": 1,
              "tries": "one try of 5s",
              "needs_traffic": true,
              "facts": [
                "version"
              ],
              "secrets": []
            },
            {
              "name": "a reader signs in",
              "line": 15,
              "severity": "advisory",
              "probe": "journey",
              "asks": [
                "opens the form: GET /login",
                "POST /login"
              ],
              "expectations": 2,
              "tries": "up to 3 tries of 10s, 1s apart, within 20s",
              "needs_traffic": true,
              "facts": [],
              "secrets": [
                "password"
              ]
            }
          ]
        }
        "#);
        assert_eq!(after.rounds, "11 rounds in 5m, every 30s, after 10s");
        assert_eq!(after.checks, before.checks[..1]);
    }

    const EVERY_KIND: &str = r#"
version: 1
name: shop
checks:
  - { name: page, http: GET / }
  - { name: alarms, alarms: [shop-5xx, shop-slow] }
  - { name: port, tcp: {} }
  - { name: cache, tcp: { host: cache.internal, port: 6379, reaches_release: false, send: PING, receives: { contains: +PONG } } }
  - { name: name, dns: { name: example.com, type: TXT, contains: "v=spf1 -all" } }
  - { name: certificate, tls: { host: www.example.com, reaches_release: false, expires_in: "> 14d", names: [shop.example.com] } }
  - { name: live, websocket: { url: /live, send: hello, receives: { contains: price } } }
  - { name: greeting, websocket: /live }
  - { name: health, grpc: shop.Orders }
  - { name: order, grpc: { method: shop.Orders/Get, message: { id: "7" } } }
  - { name: site, crawl: { start: /, max_pages: 100 } }
  - name: browser
    browser:
      steps: [{ go: /login }, { press: Enter }, { expect: [{ title: { contains: Shop } }, { url: { contains: / } }] }]
  - name: agent
    on: [pre-traffic]
    agent: { goal: Buy a book., model: eu.anthropic.claude-haiku-4-5-20251001-v1:0, price: { input: 1.00, output: 5.00 }, proof: [{ text: Thank you! }] }
  - { name: targets, targets: { at_least: 2 } }
  - { name: all targets, targets: complete }
  - { name: function, lambda: { payload: { action: price } } }
  - name: errors
    metric:
      queries:
        errors: { namespace: AWS/ApplicationELB, metric: HTTPCode_Target_5XX_Count, dimensions: { TargetGroup: "{{ target.target_group }}" }, statistic: Sum }
      window: 5m
      fail_when: "> 3"
      compare_to: old
      tolerance: "20%"
  - { name: load, load: { http: GET /search, rate: 5/s, for: 2m, latency: { statistic: p95, fail_when: "> 300ms" }, errors: { fail_when: "> 1%" } } }
  - { name: own tests, timeout: 8m, ecs_task: { task_definition: shop-tests } }
  - { name: log, logs: { filter: ERROR, window: 5m, fail_when: "> 3" } }
  - { name: wiring, wiring: { except: [image-tag] } }
  - name: visit
    journey: [{ http: GET /, expect: [{ status: 200 }] }]
"#;

    #[test]
    fn every_kind_of_probe_says_what_it_would_ask() {
        let suite = Suite::parse("shop.yaml", EVERY_KIND).unwrap_or_else(|why| panic!("{why}"));
        let plan = suite.plan_at(Stage::PreTraffic);
        let lines = plan.checks.iter().map(|check| {
            assert!(!check.asks.is_empty(), "{}", check.probe);
            let (asks, probe, expected) = (check.asks.join(" | "), check.probe, check.expectations);
            format!("{probe} {asks} ({expected} expected)\n")
        });
        insta::assert_snapshot!(lines.collect::<String>(), @r#"
        http GET / (1 expected)
        alarms shop-5xx, shop-slow (2 expected)
        tcp the release (0 expected)
        tcp cache.internal:6379, and sends a text (1 expected)
        dns TXT records of example.com (1 expected)
        tls a handshake with www.example.com (2 expected)
        websocket /live, sends a message and waits for one (1 expected)
        websocket /live (0 expected)
        grpc the health of shop.Orders at / (1 expected)
        grpc /shop.Orders/Get at / (1 expected)
        crawl from / on, up to 100 pages (0 expected)
        browser go to /login | press Enter | expect title, url (2 expected)
        agent go to / | eu.anthropic.claude-haiku-4-5-20251001-v1:0 is asked to: Buy a book. | expect text (1 expected)
        targets all of the release, at least 2 (1 expected)
        targets all of the release (1 expected)
        lambda an invocation of the version under test (0 expected)
        metric HTTPCode_Target_5XX_Count over 5m, of both versions (2 expected)
        load GET /search 5/s for 2m (2 expected)
        ecs_task a task of shop-tests (1 expected)
        logs lines ERROR in 5m of the release's log group (1 expected)
        wiring all rules but image-tag (0 expected)
        journey GET / (1 expected)
        "#);
        let kinds: BTreeSet<_> = plan.checks.iter().map(|check| check.probe).collect();
        assert_eq!(kinds.len(), super::super::probes::PROBES.len(), "{kinds:?}");
    }
}
