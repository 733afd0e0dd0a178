//! A browser that is a task: started once beside the service, and stopped whatever ends the run.

use std::time::Duration;

use gate::browsers::Browsers;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::*;
use crate::browsers::BrowserTask;

const TASK: &str = "arn:aws:ecs:us-east-1:111122223333:task/production/7a7a";

/// What a Chromium says of itself.
async fn chromium() -> u16 {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let mut asked = [0; 1024];
            let _read = stream.read(&mut asked).await;
            // As it calls itself, which nobody else can reach.
            let body =
                json!({ "webSocketDebuggerUrl": "ws://localhost:9222/devtools/browser/abc" });
            let body = body.to_string();
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    port
}

fn registered(port: u16) -> Answer {
    ok(json!({ "taskDefinition": {
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:111122223333:task-definition/chromium:3",
        "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{ "name": "chromium", "portMappings": [{ "containerPort": port }] }]
    } }))
}

fn looks(status: &str) -> Answer {
    let detail = json!([{ "name": "privateIPv4Address", "value": "127.0.0.1" }]);
    let attachment = json!([{ "type": "ElasticNetworkInterface", "details": detail }]);
    ok(
        json!({ "tasks": [{ "taskArn": TASK, "lastStatus": status, "stoppedReason": "CannotPullContainerError",
        "attachments": attachment }] }),
    )
}

/// A browser task, and what AWS hears of it.
async fn browser(port: u16, statuses: &[&str]) -> (BrowserTask, Scripted) {
    let network =
        json!({ "awsvpcConfiguration": { "subnets": ["subnet-a"], "securityGroups": ["sg-1"] } });
    let service = json!({ "services": [{ "serviceName": "shop", "launchType": "FARGATE", "networkConfiguration": network }] });
    let answers = vec![
        ("DescribeTaskDefinition", vec![registered(port)]),
        ("DescribeServices", vec![ok(service)]),
        (
            "RunTask",
            vec![ok(json!({ "tasks": [{ "taskArn": TASK }] }))],
        ),
        (
            "DescribeTasks",
            statuses.iter().map(|status| looks(status)).collect(),
        ),
        ("StopTask", vec![ok(json!({ "task": {} }))]),
    ];
    let facts = [
        ("platform", "ECS"),
        ("cluster", "production"),
        ("service", "shop"),
    ];
    let (cloud, aws) = cloud(super::service(), &facts, answers).await;
    let ends = Instant::now() + Duration::from_secs(20);
    (
        BrowserTask::new(Arc::new(cloud), "chromium".to_owned(), ends),
        aws,
    )
}

async fn stops(aws: &Scripted) -> usize {
    for _ in 0..100 {
        if !aws.bodies("StopTask").is_empty() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    aws.bodies("StopTask").len()
}

#[tokio::test]
async fn a_browser_is_started_once_beside_the_service_and_stopped_with_the_run() {
    let port = chromium().await;
    let (task, aws) = browser(port, &["PROVISIONING", "PENDING", "RUNNING"]).await;
    let (one, other) = tokio::join!(task.open(&[]), task.open(&[]));
    assert_eq!(one.unwrap().endpoint.place(), format!("127.0.0.1:{port}"));
    assert_eq!(
        other.unwrap().endpoint.uri().path(),
        "/devtools/browser/abc"
    );
    assert_eq!(aws.bodies("RunTask").len(), 1);
    let asked: Value = serde_json::from_str(&aws.bodies("RunTask")[0]).unwrap();
    let network = &asked["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["subnets"], json!(["subnet-a"]));
    assert_eq!(asked["tags"][0]["key"], "deploy-hooks:task");
    task.close().await;
    assert_eq!(aws.bodies("StopTask").len(), 1);
    assert!(task.open(&[]).await.is_err(), "the run is over");
}

#[tokio::test]
async fn a_browser_is_stopped_when_the_run_is_cut() {
    let port = chromium().await;
    let (task, aws) = browser(port, &["RUNNING"]).await;
    let open = task.open(&[]).await.unwrap();
    drop(open);
    drop(task);
    assert_eq!(stops(&aws).await, 1);
    // While it is being started, and a check was cut that waited for it.
    let (task, aws) = browser(port, &["PENDING"]).await;
    let cut = tokio::time::timeout(Duration::from_millis(200), task.open(&[])).await;
    assert!(cut.is_err());
    task.close().await;
    assert_eq!(stops(&aws).await, 1);
}

#[tokio::test]
async fn a_browser_that_does_not_start_says_why_and_is_tried_again() {
    let port = chromium().await;
    let (task, aws) = browser(port, &["STOPPED", "RUNNING"]).await;
    let why = task.open(&[]).await.unwrap_err().to_string();
    assert!(
        why.contains("has stopped: CannotPullContainerError"),
        "{why}"
    );
    assert!(task.open(&[]).await.is_ok());
    assert_eq!(aws.bodies("RunTask").len(), 2);
    task.close().await;
}
