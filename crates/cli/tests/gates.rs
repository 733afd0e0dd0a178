//! `gates override` and `gates overrides` as people call them, against an AWS that has a table and knows who calls.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// Bodies by their two keys.
type Table = Arc<Mutex<Vec<(String, String, String)>>>;

const WHO: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
    <Arn>arn:aws:sts::111122223333:assumed-role/Lead/ada</Arn><UserId>U</UserId><Account>111122223333</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

fn answer(operation: &str, said: &Value, table: &Table) -> String {
    let mut table = table.lock().unwrap();
    let item = |(pk, sk, body): &(String, String, String)| json!({"pk": {"S": pk}, "sk": {"S": sk}, "body": {"S": body}, "version": {"N": "1"}});
    let answer = match operation {
        "ExecuteStatement" => {
            let part = |index: usize| {
                let text = said["Parameters"][index]["S"].as_str();
                text.unwrap().to_owned()
            };
            table.push((part(0), part(1), part(2)));
            json!({"Items": []})
        }
        "Query" => {
            let pk = said["ExpressionAttributeValues"][":pk"]["S"].as_str();
            let found = table.iter().filter(|(is, _, _)| Some(is.as_str()) == pk);
            json!({"Items": found.map(item).collect::<Vec<_>>()})
        }
        "GetItem" => {
            let pk = said["Key"]["pk"]["S"].as_str();
            let found = table.iter().find(|(is, _, _)| Some(is.as_str()) == pk);
            found.map_or_else(|| json!({}), |found| json!({"Item": item(found)}))
        }
        other => panic!("nobody asked for {other}"),
    };
    answer.to_string()
}

/// Answers each POST by what its target says; stops with the test.
fn fake_aws(table: Table) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut target, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim();
                let Some((name, value)) = line.split_once(": ") else {
                    if line.is_empty() {
                        break;
                    }
                    continue;
                };
                match name.to_ascii_lowercase().as_str() {
                    "x-amz-target" => value.clone_into(&mut target),
                    "content-length" => length = value.parse().unwrap(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let text = match target.rsplit('.').next().unwrap() {
                "" => WHO.to_owned(),
                operation => answer(operation, &serde_json::from_slice(&body).unwrap(), &table),
            };
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            )
            .unwrap();
        }
    });
    format!("http://{address}")
}

fn report() -> String {
    let check = |name: &str, blocks: bool| {
        json!({
            "name": name, "severity": "required", "blocks": blocks, "detail": "",
            "measurement": if blocks { "failed" } else { "passed" },
            "tally": { "passed": 0, "failed": 1, "errored": 0, "no_data": 0 }, "strip": "F", "rounds": [],
        })
    };
    let report = json!({
        "format": 1, "suite": "shop", "stage": "pre-traffic", "address": null, "overridable": true,
        "target": { "application": "shop", "deployment_group": "production", "version": "1.2.0" },
        "started": "2026-11-30T08:00:00Z", "finished": "2026-11-30T08:00:02Z", "duration_ms": 2000,
        "verdict": { "passed": false, "conclusion": "failed", "reasons": ["check \"b\" failed"] },
        "bake": null, "summary": { "passed": 1, "failed": 1, "errored": 0, "no_data": 0 },
        "checks": [check("a", false), check("b", true)], "notes": [],
    });
    let path =
        std::env::temp_dir().join(format!("deploy-hooks-report-{}.json", std::process::id()));
    std::fs::write(&path, report.to_string()).unwrap();
    path.to_string_lossy().into_owned()
}

fn gates(url: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .arg("gates")
        .args(args)
        .env("STATE_TABLE", "state")
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap()
}

#[test]
fn nothing_is_recorded_without_yes_and_then_it_is_listed_with_the_name_that_aws_says() {
    let table = Table::default();
    let url = fake_aws(table.clone());
    let report = report();
    let wanted = [
        "override",
        &report,
        "--reason",
        "the supplier is down",
        "--for",
        "4h",
    ];
    let shown = gates(&url, &wanted);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success(), "{shown:?}");
    assert!(
        text.contains("by arn:aws:sts::111122223333:assumed-role/Lead/ada"),
        "{text}"
    );
    assert!(text.contains("Nothing is recorded"), "{text}");
    assert!(table.lock().unwrap().is_empty());

    let recorded = gates(&url, &[&wanted[..], &["--yes"]].concat());
    assert!(recorded.status.success(), "{recorded:?}");
    let (pk, _, body) = table.lock().unwrap()[0].clone();
    assert!(pk.starts_with("gate-override#"), "{pk}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        body["by"],
        "arn:aws:sts::111122223333:assumed-role/Lead/ada"
    );
    assert_eq!(body["checks"], json!(["b"]));

    let listed = gates(&url, &["overrides", &report]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    for part in [
        "release 1.2.0",
        "may not pass: b",
        "the supplier is down",
        "not used",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let listed = gates(&url, &["--json", "overrides", &report]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[0]["used"], Value::Null);
}

#[test]
fn a_report_that_is_none_is_refused() {
    let refused = gates("http://127.0.0.1:1", &["overrides", "/no/such/report.json"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let missing = gates("http://127.0.0.1:1", &["override", "r.json"]);
    assert_eq!(
        missing.status.code(),
        Some(2),
        "a reason is needed: {missing:?}"
    );
}
