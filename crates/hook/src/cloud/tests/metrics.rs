//! Values of metrics.

use std::time::Duration;

use gate::cloud::MetricStat;

use super::*;

fn stats(group: &str) -> Vec<MetricStat> {
    let stat = |id: &str, metric: &str| MetricStat {
        id: id.to_owned(),
        namespace: "AWS/ApplicationELB".to_owned(),
        metric: metric.to_owned(),
        dimensions: vec![("TargetGroup".to_owned(), group.to_owned())],
        statistic: "Sum".to_owned(),
    };
    vec![
        stat("errors", "HTTPCode_Target_5XX_Count"),
        stat("requests", "RequestCount"),
    ]
}

fn query(compare: bool) -> MetricQuery {
    MetricQuery {
        new: stats("green"),
        old: compare.then(|| stats("blue")),
        expression: "100 * errors / requests".to_owned(),
        count: Some("requests".to_owned()),
        period: Duration::from_mins(1),
        window: Duration::from_mins(5),
        delay: Duration::ZERO,
    }
}

fn results(value: &[f64], requests: &[f64]) -> Value {
    json!({ "MetricDataResults": [
        { "Id": "requests", "StatusCode": "Complete", "Values": requests },
        { "Id": "deploy_hooks_value", "StatusCode": "Complete", "Values": value },
    ]})
}

async fn asked(
    release: DescribedRelease,
    query: &MetricQuery,
    answers: Vec<Answer>,
) -> (Result<MetricValues, CloudError>, Vec<Value>) {
    let (cloud, aws) = cloud(release, &[], vec![("GetMetricData", answers)]).await;
    let values = cloud.metric(query).await;
    let bodies = aws.bodies("GetMetricData");
    (
        values,
        bodies
            .iter()
            .map(|body| serde_json::from_str(body).unwrap())
            .collect(),
    )
}

#[tokio::test]
async fn an_expression_is_asked_for_with_its_metrics_and_all_pages_are_read() {
    let mut first = results(&[3.0], &[20.0]);
    first["NextToken"] = json!("more");
    let pages = vec![ok(first), ok(results(&[4.0], &[22.0]))];
    let (values, sent) = asked(service(), &query(false), pages).await;
    let values = values.unwrap();
    assert_eq!(
        (values.new, values.new_count, values.old),
        (vec![3.0, 4.0], Some(42), None)
    );
    assert_eq!(sent[1]["NextToken"], "more");
    let queries = sent[0]["MetricDataQueries"].as_array().unwrap();
    assert_eq!(queries.len(), 3);
    assert_eq!(queries[0]["ReturnData"], false);
    assert_eq!(queries[1]["ReturnData"], true, "it counts the samples");
    assert_eq!(queries[2]["Expression"], "100 * errors / requests");
    assert_eq!(
        queries[0]["MetricStat"]["Metric"]["Dimensions"],
        json!([{ "Name": "TargetGroup", "Value": "green" }])
    );
    let time = |key: &str| sent[0][key].as_i64().unwrap();
    assert_eq!(
        (time("EndTime") - time("StartTime"), time("EndTime") % 60),
        (300, 0)
    );
}

#[tokio::test]
async fn both_versions_are_asked_for_over_the_same_window() {
    let (values, sent) = asked(service(), &query(true), vec![ok(results(&[1.0], &[9.0]))]).await;
    assert_eq!(values.unwrap().old, Some(vec![1.0]));
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["StartTime"], sent[1]["StartTime"]);
    let dimension = |sent: &Value| {
        sent["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"][0]["Value"].clone()
    };
    let mut groups =
        [dimension(&sent[0]), dimension(&sent[1])].map(|group| group.as_str().unwrap().to_owned());
    groups.sort();
    assert_eq!(groups, ["blue", "green"]);
}

#[tokio::test]
async fn no_value_is_of_before_the_deployment() {
    let mut begun = service_release();
    begun.begun = Some(Timestamp::now());
    let release = DescribedRelease::CodeDeploy(Box::new(begun));
    let (values, sent) = asked(release, &query(true), Vec::new()).await;
    assert_eq!(
        values.unwrap(),
        MetricValues {
            old: Some(Vec::new()),
            ..MetricValues::default()
        }
    );
    assert!(sent.is_empty());
}

#[tokio::test]
async fn values_that_can_not_be_had_are_no_answer() {
    let error = async |answer| {
        asked(service(), &query(false), vec![answer])
            .await
            .0
            .unwrap_err()
            .0
    };
    insta::assert_snapshot!(error(refused("AccessDeniedException")).await, @"GetMetricData failed: AccessDeniedException: scripted; the function's role needs cloudwatch:GetMetricData");
    assert!(error(throttled()).await.contains("AWS throttled"));
    let broken = json!({ "MetricDataResults": [{ "Id": "deploy_hooks_value", "StatusCode": "InternalError", "Values": [],
        "Messages": [{ "Code": "x", "Value": "it broke" }] }]});
    assert_eq!(error(ok(broken)).await, "GetMetricData failed: it broke");
    let (empty, _) = asked(
        service(),
        &query(false),
        vec![ok(json!({ "MetricDataResults": [] }))],
    )
    .await;
    assert_eq!(empty.unwrap().new, Vec::<f64>::new());
}
