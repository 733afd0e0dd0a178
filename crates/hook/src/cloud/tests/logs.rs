//! Lines of the release's log.

use std::time::Duration;

use super::*;

fn query(group: Option<&str>, streams: Option<&str>) -> LogQuery {
    LogQuery {
        group: group.map(str::to_owned),
        streams: streams.map(str::to_owned),
        filter: "ERROR".to_owned(),
        window: Duration::from_mins(5),
        enough: 4,
    }
}

const SERVICE: &[(&str, &str)] = &[
    ("platform", "ECS"),
    ("cluster", "production"),
    ("service", "shop"),
    ("container", "web"),
    ("task_definition", DEFINITION),
];

fn definition(driver: &str) -> Answer {
    ok(
        json!({ "taskDefinition": { "containerDefinitions": [{ "name": "web", "logConfiguration": {
        "logDriver": driver, "options": { "awslogs-group": "/ecs/shop", "awslogs-stream-prefix": "shop" } } }] } }),
    )
}

fn tasks() -> Answer {
    let task = |id: &str, definition: &str, started: bool| {
        let mut task = json!({ "taskArn": format!("arn:aws:ecs:us-east-1:1:task/production/{id}"), "taskDefinitionArn": definition });
        if started {
            task["startedAt"] = json!(1_700_000_000);
        }
        task
    };
    ok(
        json!({ "tasks": [task("new", DEFINITION, true), task("starting", DEFINITION, false), task("old", "other:1", true)] }),
    )
}

fn lines(count: usize, more: bool) -> Value {
    let events: Vec<Value> = (0..count)
        .map(|n| json!({ "message": format!("ERROR {n}") }))
        .collect();
    let mut page = json!({ "events": events });
    if more {
        page["nextToken"] = json!("more");
    }
    page
}

#[tokio::test]
async fn the_log_is_that_of_the_new_tasks() {
    let answers = vec![
        ("DescribeTaskDefinition", vec![definition("awslogs")]),
        ("ListTasks", vec![ok(json!({ "taskArns": ["a"] }))]),
        ("DescribeTasks", vec![tasks()]),
        (
            "FilterLogEvents",
            vec![ok(lines(2, true)), ok(lines(1, false))],
        ),
    ];
    let (cloud, aws) = cloud(service(), SERVICE, answers).await;
    let found = cloud.log_events(&query(None, None)).await.unwrap();
    assert_eq!(
        (found.streams, found.count, found.is_partial),
        (1, 3, false)
    );
    assert_eq!(found.place, "1 stream of /ecs/shop");
    assert_eq!(found.first, ["ERROR 0", "ERROR 1", "ERROR 0"]);
    let sent: Value = serde_json::from_str(&aws.bodies("FilterLogEvents")[1]).unwrap();
    assert_eq!(sent["logStreamNames"], json!(["shop/web/new"]));
    assert_eq!(
        (&sent["filterPattern"], &sent["nextToken"]),
        (&json!("ERROR"), &json!("more"))
    );
}

#[tokio::test]
async fn counting_stops_where_more_would_change_nothing() {
    let answers = vec![
        (
            "DescribeLogStreams",
            vec![ok(json!({ "logStreams": [{ "logStreamName": "a" }] }))],
        ),
        ("FilterLogEvents", vec![ok(lines(5, true))]),
    ];
    let (cloud, aws) = cloud(service(), SERVICE, answers).await;
    let found = cloud
        .log_events(&query(Some("/shop"), Some("a")))
        .await
        .unwrap();
    assert_eq!((found.count, found.is_partial), (5, true));
    assert_eq!(aws.bodies("FilterLogEvents").len(), 1);
    assert!(aws.bodies("FilterLogEvents")[0].contains(r#""logStreamNamePrefix":"a""#));
}

#[tokio::test]
async fn the_log_of_a_function_is_that_of_its_version() {
    let streams = json!({ "logStreams": [
        { "logStreamName": "2026/11/30/[8]aa" }, { "logStreamName": "2026/11/30/[18]bb" }, { "logStreamName": "2026/11/30/[7]cc" } ]});
    let answers = vec![
        (
            "GetFunctionConfiguration",
            vec![ok(json!({ "FunctionName": "checkout" }))],
        ),
        ("DescribeLogStreams", vec![ok(streams)]),
        ("FilterLogEvents", vec![ok(lines(0, false))]),
    ];
    let (cloud, aws) = cloud(function(), FUNCTION, answers).await;
    let found = cloud.log_events(&query(None, None)).await.unwrap();
    assert_eq!((found.streams, found.count), (1, 0));
    let sent: Value = serde_json::from_str(&aws.bodies("FilterLogEvents")[0]).unwrap();
    assert_eq!(sent["logGroupName"], "/aws/lambda/checkout");
    assert_eq!(sent["logStreamNames"], json!(["2026/11/30/[8]aa"]));
}

#[tokio::test]
async fn all_pages_of_tasks_are_looked_at_and_their_streams_asked_for_in_turn() {
    let ids: Vec<String> = (0..150).map(|n| format!("t{n}")).collect();
    let described = |ids: &[String]| {
        let task = |id: &String| json!({ "taskArn": format!("arn:aws:ecs:us-east-1:1:task/production/{id}"), "taskDefinitionArn": DEFINITION, "startedAt": 1_700_000_000 });
        ok(json!({ "tasks": ids.iter().map(task).collect::<Vec<_>>() }))
    };
    let answers = |more: bool| {
        let mut last = json!({ "taskArns": &ids[100..] });
        if more {
            last["nextToken"] = json!("more");
        }
        vec![
            ("DescribeTaskDefinition", vec![definition("awslogs")]),
            (
                "ListTasks",
                vec![
                    ok(json!({ "taskArns": &ids[..100], "nextToken": "two" })),
                    ok(json!({ "taskArns": [] })),
                    ok(last),
                ],
            ),
            (
                "DescribeTasks",
                vec![described(&ids[..100]), described(&ids[100..])],
            ),
            (
                "FilterLogEvents",
                vec![ok(lines(0, false)), ok(lines(2, false))],
            ),
        ]
    };
    let (cloud_of_all, aws) = cloud(service(), SERVICE, answers(false)).await;
    let found = cloud_of_all.log_events(&query(None, None)).await.unwrap();
    assert_eq!(
        (found.streams, found.count, found.is_partial),
        (150, 2, false)
    );
    let asked = aws.bodies("FilterLogEvents");
    assert!(asked[0].contains("shop/web/t99") && asked[1].contains("shop/web/t149"));
    // What goes on without an end is not counted to one.
    let (cloud_of_some, _aws) = cloud(service(), SERVICE, answers(true)).await;
    let found = cloud_of_some.log_events(&query(None, None)).await.unwrap();
    assert!(found.is_partial);
}

#[tokio::test]
async fn streams_of_other_versions_hide_none_of_the_new_one() {
    let page = |own: &str, last: i64| {
        json!({ "nextToken": "more", "logStreams": [
            { "logStreamName": own }, { "logStreamName": "2026/11/30/[7]cc", "lastEventTimestamp": last } ]})
    };
    let now = Timestamp::now().as_millisecond();
    let answers = |pages: Vec<Value>| {
        vec![
            (
                "GetFunctionConfiguration",
                vec![ok(json!({ "FunctionName": "checkout" }))],
            ),
            ("DescribeLogStreams", pages.into_iter().map(ok).collect()),
            ("FilterLogEvents", vec![ok(lines(1, false))]),
        ]
    };
    // Streams whose last line is of yesterday have none of today, and those after them neither.
    let two = vec![
        page("2026/11/30/[8]aa", now),
        page("2026/11/30/[8]bb", now - 86_400_000),
    ];
    let (of_two, aws) = cloud(function(), FUNCTION, answers(two)).await;
    let found = of_two.log_events(&query(None, None)).await.unwrap();
    assert_eq!((found.streams, found.is_partial), (2, false));
    assert_eq!(aws.bodies("DescribeLogStreams").len(), 2);
    let (of_many, aws) = cloud(
        function(),
        FUNCTION,
        answers(vec![page("2026/11/30/[8]aa", now)]),
    )
    .await;
    let found = of_many.log_events(&query(None, None)).await.unwrap();
    assert!(found.is_partial);
    assert_eq!(
        aws.bodies("DescribeLogStreams").len(),
        crate::cloud::logs::MAX_LISTED_PAGES
    );
}

#[tokio::test]
async fn without_a_stream_nothing_is_counted() {
    let answers = vec![("DescribeLogStreams", vec![ok(json!({ "logStreams": [] }))])];
    let (cloud, aws) = cloud(service(), SERVICE, answers).await;
    let found = cloud.log_events(&query(Some("/shop"), None)).await.unwrap();
    assert_eq!((found.streams, found.place.as_str()), (0, "/shop"));
    assert!(aws.bodies("FilterLogEvents").is_empty());
}

#[tokio::test]
async fn a_log_that_can_not_be_read_is_no_answer() {
    let error = async |answers: Answers, query: LogQuery| {
        let (cloud, _aws) = cloud(service(), SERVICE, answers).await;
        cloud.log_events(&query).await.unwrap_err().0
    };
    let denied = vec![("DescribeLogStreams", vec![refused("AccessDeniedException")])];
    insta::assert_snapshot!(error(denied, query(Some("/shop"), None)).await, @"DescribeLogStreams /shop failed: AccessDeniedException: scripted; the function's role needs logs:DescribeLogStreams on the log group /shop: name it in the parameter LogGroupsUnderTest");
    let busy = vec![("DescribeLogStreams", vec![throttled()])];
    assert!(
        error(busy, query(Some("/shop"), None))
            .await
            .contains("AWS throttled")
    );
    let other = vec![
        ("DescribeTaskDefinition", vec![definition("awsfirelens")]),
        ("ListTasks", vec![ok(json!({ "taskArns": [] }))]),
    ];
    insta::assert_snapshot!(error(other, query(None, None)).await, @"the log of the container web is not known: its logDriver is not awslogs; name it by `group` and `streams`");
}
