//! The `ecs_task` probe, with a cloud of the test's own.

use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::server::is_masked;
use super::*;
use crate::cloud::{Alarm, CloudError, CloudProbes, ResultSource, TaskEnd, TaskQuery, TaskRun};
use crate::measurement::Measurement;

/// What becomes of a task, and what was asked.
#[derive(Debug)]
struct Cloud {
    end: Result<TaskEnd, &'static str>,
    results: Option<Result<Vec<u8>, CloudError>>,
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
            results: self.results.clone(),
        });
        async move { run }.boxed()
    }
}

async fn ran(
    end: Result<TaskEnd, &'static str>,
    task: &str,
    stage: Stage,
) -> (Outcome, Vec<TaskQuery>) {
    ran_with(end, None, task, "", stage).await
}

async fn ran_with(
    end: Result<TaskEnd, &'static str>,
    results: Option<Result<Vec<u8>, CloudError>>,
    task: &str,
    expect: &str,
    stage: Stage,
) -> (Outcome, Vec<TaskQuery>) {
    let shop = Shop::open().await;
    let text = format!(
        "version: 1\nname: shop\nsecrets: {{ hidden: 'ssm:/x' }}\nchecks:\n  - {{ name: home, http: GET / }}\n  - {{ name: it, ecs_task: {{ task_definition: shop-tests, {task} }}{expect} }}\n"
    );
    let cloud = Arc::new(Cloud {
        end,
        results,
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
        browsers: None,
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
        browsers: None,
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

const JUNIT: &str = "results: { format: junit }";
const JSON: &str = "results: { format: json, from: log, tests: \"$.stats['expected','unexpected']\", failed: $.stats.unexpected, skipped: $.stats.skipped }";

/// What comes of a task with this exit code, whose tests report this.
async fn reported(code: i32, task: &str, expect: &str, result: &str) -> Outcome {
    let result = Some(Ok(result.as_bytes().to_vec()));
    let end = Ok(TaskEnd::Exited(code));
    let (outcome, asked) = ran_with(end, result, task, expect, Stage::PreTraffic).await;
    assert_eq!(asked.len(), 1);
    assert!(is_masked(&outcome));
    outcome
}

#[tokio::test]
async fn tests_that_ran_and_did_not_fail_pass_and_are_counted() {
    let result =
        "<testsuite><testcase name='a'/><testcase name='b'><skipped/></testcase></testsuite>";
    let outcome = reported(0, JUNIT, "", result).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let shown = of_tests(&outcome).expectations.iter();
    let shown: Vec<String> = shown
        .map(|it| format!("{}: {}", it.expected, it.got))
        .collect();
    assert_eq!(
        shown,
        [
            "exit code 0 of tests: exit code 0",
            "every test to pass: 1 test ran, none failed, 1 skipped"
        ]
    );
    let result = r#"{ "stats": { "expected": 40, "unexpected": 0, "skipped": 0 } }"#;
    let outcome = reported(0, JSON, "", result).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let shown = &of_tests(&outcome).expectations[1];
    assert_eq!(shown.got, "40 tests ran, none failed");
}

#[tokio::test]
async fn where_the_result_belongs_is_asked_for() {
    for (task, source) in [
        (JUNIT, Some(ResultSource::S3 { extension: "xml" })),
        (
            "results: { format: junit, from: log }",
            Some(ResultSource::Log),
        ),
        (
            "results: { format: json, tests: $.n, failed: $.f }",
            Some(ResultSource::S3 { extension: "json" }),
        ),
        ("exit_code: 0", None),
    ] {
        let (_, asked) = ran(Ok(TaskEnd::Exited(0)), task, Stage::PreTraffic).await;
        assert_eq!(asked[0].results, source, "{task}");
    }
}

#[tokio::test]
async fn a_failed_test_fails_whatever_the_exit_code_is_and_is_named() {
    let failing = "<testsuite><testcase classname='shop' name='pays PLANTED-SECRET'><failure message='got 503 PLANTED-SECRET'/></testcase><testcase name='b'/></testsuite>";
    insta::assert_snapshot!(summary(&reported(0, JUNIT, "", failing).await), @r#"
    failed
    check "it" failed: expected every test to pass, got 1 failed of 2 tests; expected test "shop › pays ***" to pass, got "got 503 ***"
    "#);
    insta::assert_snapshot!(summary(&reported(1, JUNIT, "", failing).await), @r#"
    failed
    check "it" failed: expected exit code 0 of tests, got exit code 1; expected every test to pass, got 1 failed of 2 tests; expected test "shop › pays ***" to pass, got "got 503 ***"
    "#);
    let json = r#"{ "stats": { "expected": 0, "unexpected": 2, "skipped": 1 } }"#;
    insta::assert_snapshot!(summary(&reported(0, JSON, "", json).await), @r#"
    failed
    check "it" failed: expected every test to pass, got 2 failed of 3 tests, 1 skipped
    "#);
    let many = format!(
        "<testsuite>{}</testsuite>",
        "<testcase name='n'><failure>x</failure></testcase>".repeat(30)
    );
    let outcome = reported(0, JUNIT, "", &many).await;
    let expectations = &of_tests(&outcome).expectations;
    assert_eq!(
        expectations.len(),
        12,
        "the exit code, the count and the first ten"
    );
    assert_eq!(expectations[1].got, "30 failed of 30 tests");
}

#[tokio::test]
async fn a_result_without_a_test_that_ran_is_no_pass() {
    let none = "<testsuite tests='3'/>";
    insta::assert_snapshot!(summary(&reported(0, JUNIT, "", none).await), @r#"
    failed
    check "it" has no data: expected a test that ran, got no test in the result
    "#);
    let skipped = "<testsuite><testcase name='a'><skipped/></testcase></testsuite>";
    let outcome = reported(0, JUNIT, "", skipped).await;
    assert_eq!(of_tests(&outcome).measurement, Measurement::NoData);
    let zero = r#"{ "stats": { "expected": 0, "unexpected": 0, "skipped": 0 } }"#;
    let outcome = reported(0, JSON, "", zero).await;
    assert_eq!(of_tests(&outcome).measurement, Measurement::NoData);
}

#[tokio::test]
async fn a_result_that_is_missing_or_broken_is_errored() {
    let of = async |task: &str, results: Option<Result<&str, &str>>| {
        let results = results.map(|it| match it {
            Ok(text) => Ok(text.as_bytes().to_vec()),
            Err(why) => Err(CloudError(why.to_owned())),
        });
        let end = Ok(TaskEnd::Exited(0));
        let (outcome, _) = ran_with(end, results, task, "", Stage::PreTraffic).await;
        assert_eq!(of_tests(&outcome).measurement, Measurement::Errored);
        summary(&outcome)
    };
    insta::assert_snapshot!(of(JUNIT, Some(Err("GetObject failed: NoSuchKey"))).await, @r#"
    failed
    check "it" errored: could not check the result of the tests: GetObject failed: NoSuchKey
    "#);
    insta::assert_snapshot!(of(JUNIT, None).await, @r#"
    failed
    check "it" errored: could not check the result of the tests: nobody has read it
    "#);
    insta::assert_snapshot!(of(JUNIT, Some(Ok("<testsuite><testcase name='a'/>"))).await, @r#"
    failed
    check "it" errored: could not check every test to pass: the result can't be read: it breaks off: 1 element is not closed
    "#);
    insta::assert_snapshot!(of(JUNIT, Some(Ok("\u{feff}"))).await, @r#"
    failed
    check "it" errored: could not check every test to pass: the result can't be read: it is empty
    "#);
    insta::assert_snapshot!(of(JSON, Some(Ok("not JSON"))).await, @r#"
    failed
    check "it" errored: could not check every test to pass: the result can't be read: it is not JSON: "not" at line 1, column 1, where a value is due
    "#);
    insta::assert_snapshot!(of(JSON, Some(Ok("{}"))).await, @r#"
    failed
    check "it" errored: could not check every test to pass: the result can't be read: $.stats['expected','unexpected'] selects nothing
    "#);
    insta::assert_snapshot!(of(JSON, Some(Ok(r#"{ "stats": { "expected": "40", "unexpected": 0 } }"#))).await, @r#"
    failed
    check "it" errored: could not check every test to pass: the result can't be read: $.stats['expected','unexpected'] selects what is neither a number of tests nor a list
    "#);
    insta::assert_snapshot!(of(JSON, Some(Ok(r#"{ "stats": { "expected": 4.5, "unexpected": 0 } }"#))).await, @r#"
    failed
    check "it" errored: could not check every test to pass: the result can't be read: $.stats['expected','unexpected'] selects what is neither a number of tests nor a list
    "#);
}

#[tokio::test]
async fn a_json_result_is_judged_by_what_the_check_expects_too() {
    let task = "results: { format: json, tests: $.tests }";
    let expect = ", expect: [{ json: { path: $.p95, less_than: 300 } }]";
    let result = r#"{ "tests": [1, 2], "p95": 412 }"#;
    insta::assert_snapshot!(summary(&reported(0, task, expect, result).await), @r#"
    failed
    check "it" failed: expected $.p95 < 300, got 412
    "#);
    let outcome = reported(0, task, expect, r#"{ "tests": [1, 2], "p95": 120 }"#).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}
