//! The `ecs_task` probe, with a cloud of the test's own.

use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::server::is_masked;
use super::*;
use crate::cloud::{Alarm, CloudError, CloudProbes, TaskEnd, TaskQuery, TaskRun};
use crate::measurement::Measurement;

/// What becomes of a task, and what was asked.
#[derive(Debug)]
struct Cloud {
    end: Result<TaskEnd, &'static str>,
    asked: Mutex<Vec<TaskQuery>>,
}

impl CloudProbes for Cloud {
    fn alarms<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>> {
        async move { Ok(Vec::new()) }.boxed()
    }

    fn run_task<'a>(&'a self, query: &'a TaskQuery) -> BoxFuture<'a, Result<TaskRun, CloudError>> {
        self.asked.lock().unwrap().push(query.clone());
        let end = self.end.clone().map_err(|why| CloudError(why.to_owned()));
        let lines =
            (1..=20).map(|n| format!("line {n} with PLANTED-SECRET {}\n", "x".repeat(5_000)));
        let run = end.map(|end| TaskRun {
            task: "shop-tests:7 (1f2e)".to_owned(),
            container: "tests".to_owned(),
            end,
            log_tail: lines.collect(),
            log_missing: None,
        });
        async move { run }.boxed()
    }
}

async fn ran(
    end: Result<TaskEnd, &'static str>,
    task: &str,
    stage: Stage,
) -> (Outcome, Vec<TaskQuery>) {
    let shop = Shop::open().await;
    let text = format!(
        "version: 1\nname: shop\nsecrets: {{ hidden: 'ssm:/x' }}\nchecks:\n  - {{ name: home, http: GET / }}\n  - {{ name: it, ecs_task: {{ task_definition: shop-tests, {task} }} }}\n"
    );
    let cloud = Arc::new(Cloud {
        end,
        asked: Mutex::default(),
    });
    let fact = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let facts = [
        ("url", "http://10.0.0.7:8080"),
        ("version", "1.2.0"),
        ("deployment_id", "d-1"),
    ];
    let outcome = run(Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}")),
        stage,
        target: Target {
            base_url: Some(shop.url.clone()),
            facts: facts.map(fact).into(),
            ..Target::default()
        },
        secrets: BTreeMap::from([("hidden".to_owned(), "PLANTED-SECRET".to_owned())]),
        http: HttpOptions::default(),
        cloud: Some(Arc::clone(&cloud) as Arc<dyn CloudProbes>),
        memory: None,
        deadline: Instant::now() + Duration::from_mins(10),
    })
    .await;
    let asked = cloud.asked.lock().unwrap().clone();
    (outcome, asked)
}

fn of_tests(outcome: &Outcome) -> &report::TryReport {
    &outcome.report.checks[1].rounds[0].tries[0]
}

#[tokio::test]
async fn tests_that_end_with_their_code_pass_and_know_where_the_release_is() {
    let task = "command: [npx, playwright, '--grep={{ target.version }}'], environment: { BASE_URL: '{{ target.url }}' }";
    let (outcome, asked) = ran(Ok(TaskEnd::Exited(0)), task, Stage::PreTraffic).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let [asked] = asked.as_slice() else {
        panic!("a task runs once");
    };
    assert_eq!(asked.command, ["npx", "playwright", "--grep=1.2.0"]);
    let url = ("BASE_URL".to_owned(), "http://10.0.0.7:8080".to_owned());
    assert_eq!(asked.environment, [url]);
    assert_eq!(asked.time, Duration::from_mins(3));
    let tests = of_tests(&outcome);
    assert_eq!(
        tests.request.as_deref(),
        Some("the task shop-tests:7 (1f2e)")
    );
    assert!(tests.notes.is_empty());
    let (outcome, _) = ran(Ok(TaskEnd::Exited(3)), "exit_code: 3", Stage::PreTraffic).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn each_end_is_what_it_says_of_the_release() {
    let told = async |end| {
        let (outcome, asked) = ran(end, "container: tests", Stage::PreTraffic).await;
        assert!(!outcome.verdict.passed && is_masked(&outcome));
        assert_eq!(asked.len(), 1, "it is not run again");
        summary(&outcome)
    };
    insta::assert_snapshot!(told(Ok(TaskEnd::Exited(1))).await, @r#"
    failed
    check "it" failed: expected exit code 0 of tests, got exit code 1
    "#);
    insta::assert_snapshot!(told(Ok(TaskEnd::NotRun("CannotPullContainerError (TaskFailedToStart)".to_owned()))).await, @r#"
    failed
    check "it" errored: the tests did not run to their end: CannotPullContainerError (TaskFailedToStart)
    "#);
    insta::assert_snapshot!(told(Ok(TaskEnd::TimedOut { started: true })).await, @r#"
    failed
    check "it" failed: the tests in tests did not end within 3m, and were stopped
    "#);
    insta::assert_snapshot!(told(Ok(TaskEnd::TimedOut { started: false })).await, @r#"
    failed
    check "it" errored: the task did not start within 3m, and was stopped
    "#);
    insta::assert_snapshot!(told(Err("RunTask shop-tests:7 failed: AccessDeniedException with PLANTED-SECRET")).await, @r#"
    failed
    check "it" errored: RunTask shop-tests:7 failed: AccessDeniedException with ***
    "#);
}

#[tokio::test]
async fn the_last_lines_are_in_the_report_masked_and_cut() {
    let (outcome, _) = ran(
        Ok(TaskEnd::Exited(1)),
        "container: tests",
        Stage::PreTraffic,
    )
    .await;
    let notes = &of_tests(&outcome).notes;
    assert_eq!(notes.len(), 10);
    assert!(
        notes[0].starts_with("its log: line 11 with *** xxx"),
        "{}",
        notes[0]
    );
    assert!(notes.iter().all(|note| note.chars().count() <= 1_001));
}

#[tokio::test]
async fn tests_alone_are_no_measurement_of_the_release() {
    let text = "version: 1\nname: s\nchecks: [{ name: it, ecs_task: { task_definition: t } }]";
    let outcome = run(Run {
        suite: Suite::parse("suite.yaml", text).unwrap(),
        stage: Stage::PreTraffic,
        target: Target::default(),
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        memory: None,
        deadline: Instant::now() + Duration::from_mins(10),
    })
    .await;
    assert_eq!(outcome.verdict.reasons, [refusals::NOT_OF_THE_RELEASE]);
}

#[tokio::test]
async fn what_ecs_would_refuse_is_errored_before_it_is_asked() {
    let large = format!("command: ['{}']", "x".repeat(8_100));
    let (outcome, asked) = ran(Ok(TaskEnd::Exited(0)), &large, Stage::PreTraffic).await;
    assert_eq!(of_tests(&outcome).measurement, Measurement::Errored);
    assert!(asked.is_empty());
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" errored: command and environment take 8109 characters together, and ECS takes 8000 characters; write what is always the same into the task definition
    "#);
}
