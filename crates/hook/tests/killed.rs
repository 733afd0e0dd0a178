//! Long bakes whose invocations die at each call of AWS in turn: the verdict, the rounds and the answers are those of the
//! unbroken run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use gate::Stage;
use serde_json::{Value, json};
use support::aws::FakeAws;
use support::lives::{Gate, KillPoint};
use support::service::{Behaviour, Service};
use support::{SUITE, begun_ago, ecs};

const LEFT: Duration = Duration::from_secs(8);
const REPORT: &str = "/reports/reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic.json";
/// A run with more invocations than this has no end.
const MAX_INVOCATIONS: usize = 600;

/// Who calls the gate, and calls again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Ecs,
    CodePipeline,
    CodeDeploy,
}

impl Caller {
    fn traffic(self) -> &'static str {
        match self {
            Self::Ecs | Self::CodePipeline => "traffic: { bake: 3h, every: 1m }\n",
            // Its hour is the limit, and twelve parts.
            Self::CodeDeploy => "traffic: { bake: 50m, every: 5m }\n",
        }
    }

    fn every(self) -> Duration {
        match self {
            Self::Ecs | Self::CodePipeline => Duration::from_mins(1),
            Self::CodeDeploy => Duration::from_mins(5),
        }
    }

    /// One in each invocation.
    fn rounds(self) -> usize {
        match self {
            Self::Ecs | Self::CodePipeline => 181,
            Self::CodeDeploy => 11,
        }
    }
}

/// One check passes, and one that never blocks fails: each round leaves a trace.
fn suite(caller: Caller) -> String {
    format!(
        "{SUITE}  - {{ name: an extra, severity: advisory, retries: 0, http: GET /nothing }}\n{}",
        caller.traffic()
    )
}

/// A bake, and the calls of the gate that are due.
#[derive(Clone)]
struct Bake {
    caller: Caller,
    due: VecDeque<Value>,
    delivered: usize,
    /// Of what the function handed to itself.
    handed_on: usize,
    /// What the last invocation returned.
    returned: Value,
}

impl Bake {
    fn begin(caller: Caller, service: &Service) -> Self {
        let first = match caller {
            Caller::Ecs => ecs::event("POST_PRODUCTION_TRAFFIC_SHIFT", None),
            Caller::CodePipeline => job(service.port, 0, None),
            Caller::CodeDeploy => support::event(),
        };
        Self {
            caller,
            due: VecDeque::from([first]),
            delivered: 0,
            handed_on: 0,
            returned: Value::Null,
        }
    }

    /// Delivers the next call. Where the invocation dies, it is made again, with the same call. Says whether it died.
    async fn deliver(
        &mut self,
        gate: Gate<'_>,
        death: Option<KillPoint>,
        service: &Service,
    ) -> bool {
        let call = self.due.pop_front().unwrap();
        let request = format!("request-{}", self.delivered);
        self.delivered += 1;
        let lived = match death {
            Some(death) => gate.live(&request, call.clone(), death).await,
            None => Some(gate.invoke(&request, call.clone()).await),
        };
        let died = lived.is_none();
        let seen = match lived {
            Some(seen) => seen,
            None => gate.invoke(&request, call.clone()).await,
        };
        assert!(seen.took < LEFT, "{:?}", seen.took);
        self.returned = seen.result.unwrap();
        let passed = self.caller.every() * u32::try_from(self.delivered).unwrap();
        match self.caller {
            Caller::Ecs => {
                if self.returned["hookStatus"] == "IN_PROGRESS" {
                    let run = self.returned["hookDetails"]["deployHooksRun"].as_str();
                    let mut next = call;
                    next["hookDetails"] =
                        json!({ "deployHooksRun": begun_ago(run.unwrap(), passed) });
                    self.due.push_back(next);
                }
            }
            Caller::CodePipeline => {
                let id = &call["CodePipeline.job"]["id"];
                let jobs = gate.aws.jobs();
                let answers: Vec<&Value> = jobs.iter().filter(|job| job["jobId"] == *id).collect();
                assert_eq!(answers.len(), 1, "{id} is answered once: {answers:?}");
                if let Some(token) = answers[0]["continuationToken"].as_str() {
                    let token = begun_ago(token, passed);
                    self.due
                        .push_back(job(service.port, self.delivered, Some(&token)));
                }
            }
            Caller::CodeDeploy => {
                let invoked = gate.aws.invoked();
                for payload in &invoked[self.handed_on..] {
                    let mut next: Value = serde_json::from_str(payload).unwrap();
                    let run = next["deployHooksRun"].as_str().unwrap();
                    let part: u32 = run.split_once('~').unwrap().0.parse().unwrap();
                    next["deployHooksRun"] = json!(begun_ago(run, self.caller.every() * part));
                    self.due.push_back(next);
                }
                self.handed_on = invoked.len();
            }
        }
        died
    }

    /// What the caller has heard in the end.
    fn answers(&self, aws: &FakeAws) -> Vec<String> {
        match self.caller {
            Caller::Ecs => vec![self.returned["hookStatus"].as_str().unwrap().to_owned()],
            Caller::CodeDeploy => aws.answers(),
            Caller::CodePipeline => {
                let jobs = aws.jobs();
                let ends = jobs.iter().filter(|job| job["continuationToken"].is_null());
                ends.map(|job| job["outputVariables"]["verdict"].to_string())
                    .collect()
            }
        }
    }

    /// The end is that of the unbroken run.
    fn is_whole(&self, aws: &FakeAws, case: &str) {
        let heard = match self.caller {
            Caller::Ecs => "SUCCEEDED",
            Caller::CodeDeploy => "Succeeded",
            Caller::CodePipeline => "\"passed\"",
        };
        assert_eq!(self.answers(aws), [heard], "{case}");
        let rounds = self.caller.rounds();
        let report = report(aws);
        assert_eq!(report["verdict"]["conclusion"], "passed", "{case}");
        for (check, letter) in report["checks"].as_array().unwrap().iter().zip(["P", "F"]) {
            assert_eq!(check["strip"], letter.repeat(rounds), "{case}");
            let shown: Vec<u64> = check["rounds"]
                .as_array()
                .unwrap()
                .iter()
                .map(|round| round["number"].as_u64().unwrap())
                .collect();
            assert!(
                shown.is_sorted_by(|one, next| one < next),
                "{case}: {shown:?}"
            );
        }
        assert_eq!(report["bake"]["rounds"], rounds, "{case}");
        let starts = report["bake"]["starts_ms"].as_array().unwrap();
        assert_eq!(starts.len(), rounds, "{case}");
        is_told(aws, "passed", case);
    }
}

fn job(port: u16, number: usize, token: Option<&str>) -> Value {
    let parameters = json!({ "suite": "s3://suites/shop/production.yaml", "target": {
        "url": format!("http://127.0.0.1:{port}"), "application": "shop" } });
    json!({ "CodePipeline.job": { "id": format!("job-{number}"), "accountId": "111122223333", "data": {
        "actionConfiguration": { "configuration": {
            "FunctionName": "f", "UserParameters": parameters.to_string() } },
        "artifactCredentials": { "secretAccessKey": "hunter2" },
        "continuationToken": token,
    }}})
}

/// The report of the decision that counts.
fn report(aws: &FakeAws) -> Value {
    let is_meant = |path: &&String| {
        path.contains("/post-traffic-")
            && path.strip_suffix(".json").is_some()
            && !path.contains("-so-far")
            && !path.contains("-unheard")
    };
    let paths = aws.paths();
    let found: Vec<&String> = paths.iter().filter(is_meant).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    serde_json::from_str(&aws.object(found[0]).unwrap()).unwrap()
}

/// Attributes of a message.
fn attribute<'a>(message: &'a HashMap<String, String>, name: &str) -> &'a str {
    let named = message.iter().find(|(_, value)| *value == name);
    let key = named.unwrap().0.strip_suffix(".Name").unwrap();
    &message[&format!("{key}.Value.StringValue")]
}

/// People and rules have heard this conclusion at least once, and no other.
fn is_told(aws: &FakeAws, conclusion: &str, case: &str) {
    let published = aws.published();
    assert!(!published.is_empty(), "{case}: nobody was told");
    for message in published {
        assert_eq!(attribute(&message, "conclusion"), conclusion, "{case}");
    }
    let events = aws.events();
    let is_decision = |event: &&Value| event["DetailType"] == "Gate Decision";
    let decisions = events.iter().filter(is_decision);
    let said: BTreeSet<String> = decisions
        .map(|event| {
            let detail: Value = serde_json::from_str(event["Detail"].as_str().unwrap()).unwrap();
            detail["verdict"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(said, BTreeSet::from([conclusion.to_owned()]), "{case}");
}

fn gate(aws: &FakeAws) -> Gate<'_> {
    Gate {
        stage: Stage::PostTraffic,
        aws,
        settings: &[],
        left: LEFT,
    }
}

/// Each invocation on the way dies at one of its calls, before or after it has taken effect; the next one at the next.
async fn killed_on_the_way(caller: Caller) {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    // How many calls one makes that goes on with a bake and hands it on.
    let aws = FakeAws::start(service.port, &suite(caller)).await;
    let mut bake = Bake::begin(caller, &service);
    bake.deliver(gate(&aws), None, &service).await;
    let before = aws.calls().len();
    bake.deliver(gate(&aws), None, &service).await;
    let calls = aws.calls().len() - before;
    assert!(calls >= 4, "{:?}", aws.calls());
    let mut left: BTreeSet<KillPoint> = (0..calls)
        .flat_map(|call| [false, true].map(|after| KillPoint { call, after }))
        .collect();
    let planned = left.len();
    let mut runs = 0;
    while !left.is_empty() {
        runs += 1;
        assert!(runs <= planned, "{left:?}");
        let aws = FakeAws::start(service.port, &suite(caller)).await;
        let mut bake = Bake::begin(caller, &service);
        // In one run each once at most for CodeDeploy, and many times for the others.
        let order: Vec<KillPoint> = left.iter().copied().collect();
        let mut next = order.iter().copied().cycle();
        while !bake.due.is_empty() {
            assert!(bake.delivered < MAX_INVOCATIONS, "it never ends");
            let death = next.next().unwrap();
            if bake.deliver(gate(&aws), Some(death), &service).await {
                left.remove(&death);
            }
        }
        bake.is_whole(&aws, &format!("{caller:?}, run {runs}"));
    }
}

/// The last invocation, which decides, dies at each of its calls.
async fn killed_at_its_end(caller: Caller) {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, &suite(caller)).await;
    let mut bake = Bake::begin(caller, &service);
    while bake.delivered + 1 < caller.rounds() {
        bake.deliver(gate(&aws), None, &service).await;
    }
    let mut deaths = 0;
    for call in 0.. {
        let mut died = false;
        for after in [false, true] {
            let aws = aws.fork().await;
            let mut bake = bake.clone();
            let death = KillPoint { call, after };
            let is_dead = bake.deliver(gate(&aws), Some(death), &service).await;
            assert!(bake.due.is_empty(), "it is the last one");
            bake.is_whole(&aws, &format!("{caller:?}, {death:?}"));
            deaths += usize::from(is_dead);
            died |= is_dead;
        }
        if !died {
            break;
        }
    }
    assert!(deaths >= 12, "{deaths}");
}

#[tokio::test(start_paused = true)]
async fn a_bake_of_three_hours_for_ecs_whose_invocations_die_is_the_unbroken_one() {
    killed_on_the_way(Caller::Ecs).await;
}

#[tokio::test(start_paused = true)]
async fn a_bake_of_three_hours_for_codepipeline_whose_invocations_die_is_the_unbroken_one() {
    killed_on_the_way(Caller::CodePipeline).await;
}

#[tokio::test(start_paused = true)]
async fn a_bake_of_codedeploys_hour_whose_invocations_die_is_the_unbroken_one() {
    killed_on_the_way(Caller::CodeDeploy).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_call_of_its_last_invocation_dies_ecs_hears_the_verdict() {
    killed_at_its_end(Caller::Ecs).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_call_of_its_last_invocation_dies_codepipeline_hears_the_verdict_once() {
    killed_at_its_end(Caller::CodePipeline).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_call_of_its_last_invocation_dies_codedeploy_hears_the_verdict_once() {
    killed_at_its_end(Caller::CodeDeploy).await;
}

/// A gate that decides in one invocation dies at each of its calls, and Lambda runs it again, by then with another
/// measurement: the caller hears one answer, and people hear the verdict that it was.
#[tokio::test(start_paused = true)]
async fn whatever_call_of_a_gate_dies_people_hear_the_verdict_that_counts() {
    let _time = paced_time::start();
    let (mut deaths, mut told_by_the_next) = (0, 0);
    for call in 0.. {
        let mut died = false;
        for after in [false, true] {
            // The first run meets a release that works, the next one does not.
            let service = Service::start(Behaviour::WellFor(1)).await;
            let aws = FakeAws::start(service.port, SUITE).await;
            let gate = Gate {
                stage: Stage::PreTraffic,
                ..gate(&aws)
            };
            let death = KillPoint { call, after };
            let lived = gate.live("request-1", support::event(), death).await;
            let is_dead = lived.is_none();
            let stored = aws.object(REPORT);
            let told = aws.published().len();
            if is_dead {
                let again = gate.invoke("request-1", support::event()).await;
                again.result.unwrap();
            }
            let case = format!("{death:?}");
            let answers = aws.answers();
            assert_eq!(answers.len(), 1, "{case}");
            let published = aws.published();
            assert!(!published.is_empty(), "{case}: nobody was told");
            for message in &published {
                assert_eq!(attribute(message, "answer"), answers[0], "{case}");
            }
            if let Some(stored) = stored {
                let stored: Value = serde_json::from_str(&stored).unwrap();
                let conclusion = stored["verdict"]["conclusion"].as_str().unwrap();
                is_told(&aws, conclusion, &case);
                let subject = &published.last().unwrap()["Subject"];
                assert!(
                    subject.starts_with("Passed pre-traffic: shop 1.2.0"),
                    "{case}: {subject}"
                );
                told_by_the_next += usize::from(is_dead && told == 0);
            }
            deaths += usize::from(is_dead);
            died |= is_dead;
        }
        if !died {
            break;
        }
    }
    assert!(deaths >= 24, "{deaths}");
    assert!(
        told_by_the_next > 0,
        "some die between the report and the message"
    );
}
