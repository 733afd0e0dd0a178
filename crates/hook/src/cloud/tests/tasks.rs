//! A task that runs a team's tests, from its start to its end.

use std::time::Duration;

use gate::cloud::{ResultSource, TaskEnd, TaskQuery, TaskRun};

use super::*;

const TASK: &str = "arn:aws:ecs:us-east-1:111122223333:task/production/1f2e";
const TESTS: &str = "arn:aws:ecs:us-east-1:111122223333:task-definition/shop-tests:7";

fn query() -> TaskQuery {
    TaskQuery {
        token: "0123456789abcdef".to_owned(),
        task_definition: "shop-tests".to_owned(),
        container: None,
        cluster: None,
        subnets: Vec::new(),
        security_groups: Vec::new(),
        assign_public_ip: None,
        command: vec!["npx".to_owned(), "playwright".to_owned()],
        environment: vec![("BASE_URL".to_owned(), "http://10.0.0.7:8080".to_owned())],
        time: Duration::from_secs(20),
        results: None,
    }
}

const OF_SERVICE: &[(&str, &str)] = &[
    ("platform", "ECS"),
    ("cluster", "production"),
    ("service", "shop"),
];

fn registered(containers: &[&str]) -> Answer {
    let container = |name: &&str| {
        json!({ "name": name, "logConfiguration": { "logDriver": "awslogs",
            "options": { "awslogs-group": "/ecs/tests", "awslogs-stream-prefix": "t" } } })
    };
    let containers: Vec<Value> = containers.iter().map(container).collect();
    ok(
        json!({ "taskDefinition": { "taskDefinitionArn": TESTS, "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": containers } }),
    )
}

fn network(subnet: &str) -> Value {
    json!({ "awsvpcConfiguration": { "subnets": [subnet], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED" } })
}

fn described_service() -> Answer {
    ok(
        json!({ "services": [{ "serviceName": "shop", "launchType": "FARGATE",
        "networkConfiguration": network("subnet-of-service") }] }),
    )
}

fn task(status: &str, more: &Value) -> Answer {
    let mut task = json!({ "taskArn": TASK, "lastStatus": status });
    for (key, value) in more.as_object().unwrap() {
        task[key] = value.clone();
    }
    ok(json!({ "tasks": [task] }))
}

fn running() -> Answer {
    task(
        "RUNNING",
        &json!({ "startedAt": 1_700_000_000, "containers": [{ "name": "tests", "lastStatus": "RUNNING" }] }),
    )
}

fn exited(code: i32) -> Answer {
    task(
        "STOPPED",
        &json!({ "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited",
            "containers": [{ "name": "tests", "lastStatus": "STOPPED", "exitCode": code }] }),
    )
}

fn log(lines: &[&str]) -> Answer {
    let events: Vec<Value> = lines
        .iter()
        .map(|line| json!({ "message": line }))
        .collect();
    ok(json!({ "events": events }))
}

/// What comes of it, where the task looks like this in turn.
async fn ran(looks: Vec<Answer>) -> (Result<TaskRun, CloudError>, Scripted) {
    ran_with(
        &query(),
        looks,
        ok(json!({ "tasks": [{ "taskArn": TASK }] })),
    )
    .await
}

async fn ran_with(
    query: &TaskQuery,
    looks: Vec<Answer>,
    started: Answer,
) -> (Result<TaskRun, CloudError>, Scripted) {
    let answers = vec![
        ("DescribeTaskDefinition", vec![registered(&["tests"])]),
        ("DescribeServices", vec![described_service()]),
        ("RunTask", vec![started]),
        ("DescribeTasks", looks),
        (
            "GetLogEvents",
            vec![log(&[]), log(&["1 failed", " ", "  checkout"])],
        ),
        ("StopTask", vec![ok(json!({ "task": {} }))]),
    ];
    let (cloud, aws) = cloud(service(), OF_SERVICE, answers).await;
    (cloud.run_task(query).await, aws)
}

fn sent(aws: &Scripted, operation: &str) -> Value {
    serde_json::from_str(&aws.bodies(operation)[0]).unwrap()
}

#[tokio::test]
async fn a_task_runs_once_in_the_network_of_the_service_and_its_exit_code_counts() {
    let missing = ok(json!({ "tasks": [], "failures": [{ "arn": TASK, "reason": "MISSING" }] }));
    let (run, aws) = ran(vec![missing, running(), exited(1)]).await;
    let run = run.unwrap();
    assert_eq!(run.end, TaskEnd::Exited(1));
    assert_eq!(
        (run.task.as_str(), run.container.as_str()),
        ("shop-tests:7 (1f2e)", "tests")
    );
    assert_eq!(
        (run.log_tail, run.log_missing),
        (vec!["1 failed".to_owned(), "  checkout".to_owned()], None)
    );
    assert_eq!(aws.bodies("RunTask").len(), 1);
    let asked = sent(&aws, "RunTask");
    assert_eq!(asked["clientToken"], "0123456789abcdef");
    assert_eq!(
        (&asked["taskDefinition"], &asked["cluster"]),
        (&json!(TESTS), &json!("production"))
    );
    assert_eq!(
        (&asked["launchType"], &asked["count"]),
        (&json!("FARGATE"), &json!(1))
    );
    assert_eq!(asked["networkConfiguration"], network("subnet-of-service"));
    assert_eq!(
        asked["overrides"]["containerOverrides"],
        json!([{ "name": "tests", "command": ["npx", "playwright"],
            "environment": [{ "name": "BASE_URL", "value": "http://10.0.0.7:8080" }] }])
    );
    assert_eq!(
        asked["tags"],
        json!([{ "key": "deploy-hooks:task", "value": "check" }])
    );
    let read = sent(&aws, "GetLogEvents");
    assert_eq!(
        (&read["logGroupName"], &read["logStreamName"]),
        (&json!("/ecs/tests"), &json!("t/tests/1f2e"))
    );
    assert_eq!(aws.bodies("StopTask").len(), 0, "it has stopped");
}

#[tokio::test]
async fn what_did_not_end_by_itself_has_not_run() {
    let stopped = |code: &str, reason: &str, container: Value| {
        task(
            "STOPPED",
            &json!({ "stopCode": code, "stoppedReason": reason, "containers": [container] }),
        )
    };
    let own = |exit: Value, reason: Value| json!({ "name": "tests", "lastStatus": "STOPPED", "exitCode": exit, "reason": reason });
    let table = [
        (
            stopped(
                "TaskFailedToStart",
                "CannotPullContainerError: no such image",
                own(
                    Value::Null,
                    json!("CannotPullContainerError: no such image"),
                ),
            ),
            "CannotPullContainerError: no such image (TaskFailedToStart)",
        ),
        (
            stopped(
                "UserInitiated",
                "stopped by ada",
                own(json!(143), Value::Null),
            ),
            "stopped by ada (UserInitiated)",
        ),
        (
            stopped(
                "SpotInterruption",
                "Your Spot Task was interrupted.",
                own(json!(137), Value::Null),
            ),
            "Your Spot Task was interrupted. (SpotInterruption)",
        ),
        (
            stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                own(
                    json!(137),
                    json!("OutOfMemoryError: Container killed due to memory usage"),
                ),
            ),
            "Essential container in task exited; OutOfMemoryError: Container killed due to memory usage (EssentialContainerExited)",
        ),
        (
            stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                own(Value::Null, Value::Null),
            ),
            "Essential container in task exited (EssentialContainerExited)",
        ),
        (
            stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                json!({ "name": "proxy", "lastStatus": "STOPPED", "exitCode": 0 }),
            ),
            "Essential container in task exited (EssentialContainerExited)",
        ),
        (
            task("STOPPED", &json!({})),
            "it stopped without an exit code of its container",
        ),
    ];
    for (look, why) in table {
        let (run, _aws) = ran(vec![look]).await;
        assert_eq!(run.unwrap().end, TaskEnd::NotRun(why.to_owned()));
    }
}

#[tokio::test]
async fn tests_beside_which_another_container_may_end_the_task_do_not_run() {
    let run = async |containers: Value, container: Option<&str>, look: Answer| {
        let definition = ok(json!({ "taskDefinition": { "taskDefinitionArn": TESTS,
            "requiresCompatibilities": ["EC2"], "containerDefinitions": containers } }));
        let answers = vec![
            ("DescribeTaskDefinition", vec![definition]),
            ("DescribeServices", vec![described_service()]),
            (
                "RunTask",
                vec![ok(json!({ "tasks": [{ "taskArn": TASK }] }))],
            ),
            ("DescribeTasks", vec![look]),
            ("StopTask", vec![ok(json!({ "task": {} }))]),
        ];
        let (cloud, aws) = cloud(service(), OF_SERVICE, answers).await;
        let asked = TaskQuery {
            container: container.map(str::to_owned),
            ..query()
        };
        (cloud.run_task(&asked).await, aws.bodies("RunTask").len())
    };
    let both = json!([{ "name": "tests" }, { "name": "proxy" }]);
    let (refused, started) = run(both, Some("tests"), exited(0)).await;
    insta::assert_snapshot!(refused.unwrap_err().0, @"the task definition has other essential containers than tests, and if one of them ends ECS stops the tests; register it with `essential: false` for proxy");
    assert_eq!(started, 0);
    // What ends by the end of another one says nothing.
    let ended_by_the_app = || {
        task(
            "STOPPED",
            &json!({ "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited",
                "containers": [{ "name": "tests", "lastStatus": "STOPPED", "exitCode": 0 },
                    { "name": "app", "lastStatus": "STOPPED", "exitCode": 1 }] }),
        )
    };
    let beside = json!([{ "name": "tests", "essential": false }, { "name": "app" }]);
    let (run_beside, _) = run(beside, Some("tests"), ended_by_the_app()).await;
    assert!(matches!(run_beside.unwrap().end, TaskEnd::NotRun(_)));
    let alone = json!([{ "name": "tests" }, { "name": "app", "essential": false }]);
    let (run_alone, _) = run(alone, Some("tests"), ended_by_the_app()).await;
    assert_eq!(run_alone.unwrap().end, TaskEnd::Exited(0));
}

#[tokio::test]
async fn a_task_that_ended_just_before_its_time_was_over_has_ended() {
    let soon = TaskQuery {
        time: Duration::from_millis(5),
        ..query()
    };
    let started = ok(json!({ "tasks": [{ "taskArn": TASK }] }));
    let (run, aws) = ran_with(&soon, vec![exited(0)], started).await;
    assert_eq!(run.unwrap().end, TaskEnd::Exited(0));
    assert_eq!(aws.bodies("StopTask").len(), 0);
}

#[tokio::test]
async fn a_task_that_goes_on_beside_its_tests_is_stopped() {
    let look = task(
        "RUNNING",
        &json!({ "containers": [
            { "name": "tests", "lastStatus": "STOPPED", "exitCode": 0 },
            { "name": "proxy", "lastStatus": "RUNNING" },
        ] }),
    );
    let (run, aws) = ran(vec![look]).await;
    assert_eq!(run.unwrap().end, TaskEnd::Exited(0));
    assert_eq!(sent(&aws, "StopTask")["task"], TASK);
}

#[tokio::test]
async fn a_task_whose_time_is_over_is_stopped() {
    let soon = TaskQuery {
        time: Duration::from_millis(300),
        ..query()
    };
    let started = || ok(json!({ "tasks": [{ "taskArn": TASK }] }));
    let (run, aws) = ran_with(&soon, vec![running()], started()).await;
    assert_eq!(run.unwrap().end, TaskEnd::TimedOut { started: true });
    assert_eq!(aws.bodies("StopTask").len(), 1);
    let (run, aws) = ran_with(&soon, vec![task("PENDING", &json!({}))], started()).await;
    assert_eq!(run.unwrap().end, TaskEnd::TimedOut { started: false });
    assert_eq!(sent(&aws, "StopTask")["task"], TASK);
}

#[tokio::test]
async fn a_task_of_a_check_that_is_cut_is_stopped() {
    let answers = vec![
        ("DescribeTaskDefinition", vec![registered(&["tests"])]),
        ("DescribeServices", vec![described_service()]),
        (
            "RunTask",
            vec![ok(json!({ "tasks": [{ "taskArn": TASK }] }))],
        ),
        ("DescribeTasks", vec![running()]),
        ("StopTask", vec![ok(json!({ "task": {} }))]),
    ];
    let (cloud, aws) = cloud(service(), OF_SERVICE, answers).await;
    let asked = query();
    {
        let mut run = std::pin::pin!(cloud.run_task(&asked));
        while aws.bodies("DescribeTasks").is_empty() {
            let tick = tokio::time::timeout(Duration::from_millis(20), run.as_mut()).await;
            assert!(tick.is_err(), "it runs");
        }
    }
    let stopped = async {
        while aws.bodies("StopTask").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), stopped)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_not_placed_is_no_failure_of_the_release() {
    let full = ok(
        json!({ "tasks": [], "failures": [{ "arn": "a", "reason": "RESOURCE:MEMORY", "detail": "no room" }] }),
    );
    let (run, aws) = ran_with(&query(), Vec::new(), full).await;
    insta::assert_snapshot!(format!("{:?}", run.unwrap().end), @r#"NotRun("ECS has not placed the task: RESOURCE:MEMORY (no room)")"#);
    assert!(aws.bodies("DescribeTasks").is_empty());
    for (answer, word) in [
        (refused("AccessDeniedException"), "TestTasks"),
        (throttled(), "throttled"),
    ] {
        let (run, aws) = ran_with(&query(), Vec::new(), answer).await;
        let error = run.unwrap_err().0;
        assert!(
            error.starts_with("RunTask shop-tests:7 failed: ") && error.contains(word),
            "{error}"
        );
        assert_eq!(aws.bodies("RunTask").len(), 1, "it is not started again");
    }
}

#[tokio::test]
async fn a_task_that_can_not_be_looked_at_is_stopped_and_says_why() {
    let (run, aws) = ran(vec![running(), refused("AccessDeniedException")]).await;
    let error = run.unwrap_err().0;
    assert!(error.contains("ecs:DescribeTasks"), "{error}");
    let stopped = async {
        while aws.bodies("StopTask").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), stopped)
        .await
        .unwrap();
    let (run, _aws) = ran(vec![ok(json!({ "tasks": [] }))]).await;
    assert_eq!(
        run.unwrap_err().0,
        format!("ECS does not know the task {TASK} any more")
    );
}

#[tokio::test]
async fn a_log_that_can_not_be_read_changes_nothing() {
    let answers = vec![
        ("DescribeTaskDefinition", vec![registered(&["tests"])]),
        ("DescribeServices", vec![described_service()]),
        (
            "RunTask",
            vec![ok(json!({ "tasks": [{ "taskArn": TASK }] }))],
        ),
        ("DescribeTasks", vec![exited(2)]),
        ("GetLogEvents", vec![refused("AccessDeniedException")]),
    ];
    let (cloud, _aws) = cloud(service(), OF_SERVICE, answers).await;
    let run = cloud.run_task(&query()).await.unwrap();
    assert_eq!(run.end, TaskEnd::Exited(2));
    insta::assert_snapshot!(run.log_missing.unwrap(), @"its log could not be read: GetLogEvents /ecs/tests failed: AccessDeniedException: scripted; the function's role needs logs:GetLogEvents on the log group /ecs/tests: name it in the parameter LogGroupsUnderTest");
}

#[tokio::test]
async fn what_the_suite_must_say_is_named() {
    let asked = async |facts: &[(&str, &str)], containers: &[&str], query: TaskQuery| {
        let answers = vec![
            ("DescribeTaskDefinition", vec![registered(containers)]),
            (
                "DescribeServices",
                vec![ok(json!({ "services": [{ "serviceName": "shop" }] }))],
            ),
            ("RunTask", vec![refused("AccessDeniedException")]),
        ];
        let (cloud, _aws) = cloud(service(), facts, answers).await;
        cloud.run_task(&query).await.unwrap_err().0
    };
    insta::assert_snapshot!(asked(OF_SERVICE, &["tests", "proxy"], query()).await, @"the task definition has the containers tests, proxy: name by `container` whose exit code counts");
    let other = TaskQuery {
        container: Some("test".to_owned()),
        ..query()
    };
    insta::assert_snapshot!(asked(OF_SERVICE, &["tests"], other).await, @"the task definition has no container test; the containers tests: name by `container` whose exit code counts");
    insta::assert_snapshot!(asked(&[("platform", "Lambda")], &["tests"], query()).await, @"target.cluster is not known; name one by `cluster`");
    insta::assert_snapshot!(asked(OF_SERVICE, &["tests"], query()).await, @"the task needs a network, and the service under test says none; write `subnets` and `security_groups`");
}

#[tokio::test]
async fn the_network_of_a_check_is_its_own() {
    let own = TaskQuery {
        cluster: Some("tests".to_owned()),
        subnets: vec!["subnet-own".to_owned()],
        command: Vec::new(),
        environment: Vec::new(),
        ..query()
    };
    let started = ok(json!({ "tasks": [{ "taskArn": TASK }] }));
    let (run, aws) = ran_with(&own, vec![exited(0)], started).await;
    assert_eq!(run.unwrap().end, TaskEnd::Exited(0));
    assert!(aws.bodies("DescribeServices").is_empty());
    let asked = sent(&aws, "RunTask");
    assert_eq!(
        asked["networkConfiguration"],
        json!({ "awsvpcConfiguration": { "subnets": ["subnet-own"], "assignPublicIp": "DISABLED" } })
    );
    assert_eq!(
        (&asked["cluster"], &asked["launchType"]),
        (&json!("tests"), &json!("FARGATE"))
    );
    assert_eq!(
        asked["overrides"]["containerOverrides"],
        json!([{ "name": "tests" }])
    );
}

/// A task that ended with 0 and whose result is asked for.
async fn reported(
    source: ResultSource,
    answers: Vec<(&'static str, Vec<Answer>)>,
) -> (Result<Vec<u8>, CloudError>, Scripted) {
    let mut all = vec![
        ("DescribeTaskDefinition", vec![registered(&["tests"])]),
        ("DescribeServices", vec![described_service()]),
        (
            "RunTask",
            vec![ok(json!({ "tasks": [{ "taskArn": TASK }] }))],
        ),
        ("DescribeTasks", vec![exited(0)]),
    ];
    all.extend(answers);
    let (mut cloud, aws) = cloud(service(), OF_SERVICE, all).await;
    let settings = |name: &str| match name {
        "SUITE" => Some("file:suite.yaml".to_owned()),
        "REPORT_BUCKET" => Some("report-bucket".to_owned()),
        "AWS_LAMBDA_FUNCTION_NAME" => Some("CodeDeployHook_pre-traffic".to_owned()),
        _ => None,
    };
    Arc::get_mut(&mut cloud.function).unwrap().settings =
        crate::settings::Settings::read(&settings);
    let asked = TaskQuery {
        results: Some(source),
        ..query()
    };
    let run = cloud.run_task(&asked).await.unwrap();
    assert_eq!(run.end, TaskEnd::Exited(0));
    (run.results.expect("it was asked for"), aws)
}

const IN_S3: ResultSource = ResultSource::S3 { extension: "xml" };

fn page(lines: &[&str], next: &str) -> Answer {
    let message = |line: &&str| json!({ "message": line });
    let events: Vec<Value> = lines.iter().map(message).collect();
    ok(json!({ "events": events, "nextForwardToken": next }))
}

#[tokio::test]
async fn the_task_is_told_where_its_result_belongs_and_it_is_read_from_there() {
    let object = || {
        vec![(
            "GetObject",
            vec![test_support::scripted::bytes("<testsuite/>")],
        )]
    };
    let (result, aws) = reported(IN_S3, object()).await;
    assert_eq!(result.unwrap(), b"<testsuite/>");
    let asked = sent(&aws, "RunTask");
    let environment = &asked["overrides"]["containerOverrides"][0]["environment"];
    let address = "s3://report-bucket/test-results/0123456789abcdef/results.xml";
    assert_eq!(
        environment[1],
        json!({ "name": "DEPLOY_HOOKS_RESULTS", "value": address })
    );
    let read = &aws.bodies("GetObject")[0];
    assert!(
        read.contains("report-bucket")
            && read.contains("/test-results/0123456789abcdef/results.xml"),
        "{read}"
    );
}

#[tokio::test]
async fn a_result_that_is_not_there_is_an_error_with_its_remedy() {
    for (answer, words) in [
        (refused("NoSuchKey"), ["NoSuchKey", "aws s3 cp FILE"]),
        (refused("AccessDenied"), ["AccessDenied", "s3:ListBucket"]),
        (throttled(), ["s3://report-bucket/", "throttled"]),
    ] {
        let (result, _aws) = reported(IN_S3, vec![("GetObject", vec![answer])]).await;
        let error = result.unwrap_err().0;
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    let large = test_support::scripted::bytes(vec![b'x'; gate::cloud::MAX_RESULTS + 1]);
    let (result, _aws) = reported(IN_S3, vec![("GetObject", vec![large])]).await;
    assert!(result.unwrap_err().0.ends_with("it is larger than 4 MiB"));
}

#[tokio::test]
async fn a_result_in_the_log_is_what_stands_between_its_lines_over_all_pages() {
    let pages = vec![
        page(
            &["5 passed", "DEPLOY_HOOKS_RESULTS_BEGIN", "<testsuite>"],
            "f/1",
        ),
        page(&[], "f/2"),
        // The rest comes a little later.
        page(&[], "f/2"),
        page(&["</testsuite>", "DEPLOY_HOOKS_RESULTS_END", "done"], "f/3"),
        page(&[], "f/3"),
    ];
    let (result, aws) = reported(ResultSource::Log, vec![("GetLogEvents", pages)]).await;
    assert_eq!(result.unwrap(), b"<testsuite>\n</testsuite>\n");
    let asked: Vec<Value> = aws
        .bodies("GetLogEvents")
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    assert_eq!(
        (&asked[0]["startFromHead"], &asked[0]["nextToken"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(asked[4]["nextToken"], "f/3");
    let environment = &sent(&aws, "RunTask")["overrides"]["containerOverrides"][0]["environment"];
    assert_eq!(
        environment.as_array().unwrap().len(),
        1,
        "it is told nothing"
    );
}

#[tokio::test]
async fn a_log_without_a_whole_result_is_an_error() {
    let error = async |answer: Answer| {
        let (result, _aws) = reported(
            ResultSource::Log,
            vec![("GetLogEvents", vec![answer, page(&[], "f/1")])],
        )
        .await;
        result.unwrap_err().0
    };
    insta::assert_snapshot!(error(page(&["5 passed"], "f/1")).await, @"the log has no line DEPLOY_HOOKS_RESULTS_BEGIN; print it before the result, and DEPLOY_HOOKS_RESULTS_END behind it");
    insta::assert_snapshot!(error(page(&["DEPLOY_HOOKS_RESULTS_BEGIN", "<a>"], "f/1")).await, @"the log has no line DEPLOY_HOOKS_RESULTS_END after the result; print it behind the result");
    let denied = error(refused("AccessDeniedException")).await;
    assert!(denied.contains("LogGroupsUnderTest"), "{denied}");
}
