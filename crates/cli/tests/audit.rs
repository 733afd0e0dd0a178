//! `approvals audit` as people call it, against an AWS that only answers reads.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::{Value, json};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args(args)
        .output()
        .unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_audit_is_of_one_case_or_one_pipeline() {
    for wrong in [
        &["approvals", "audit", "--table", "t"][..],
        &["approvals", "audit", "--table", "t", "--case", "short"],
        &[
            "approvals",
            "audit",
            "--table",
            "t",
            "--pipeline",
            "p",
            "--since",
            "lately",
        ],
        &["approvals", "audit", "--table", "t", "--execution", "e"],
        &["approvals", "audit", "--pipeline", "p"],
    ] {
        let output = run(wrong);
        assert_eq!(
            output.status.code().unwrap(),
            2,
            "{wrong:?}: {}",
            err(&output)
        );
    }
}

/// Answers each POST by what its target says; stops with the test.
fn fake_aws(answer: fn(&str, &Value) -> Value) -> String {
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
            let said = serde_json::from_slice(&body).unwrap();
            let text = answer(target.rsplit('.').next().unwrap(), &said).to_string();
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

#[test]
fn an_audit_lists_what_the_table_has_of_a_pipeline() {
    let url = fake_aws(|target, said| match target {
        "ListPipelineExecutions" => json!({"pipelineExecutionSummaries": [
            {"pipelineExecutionId": "execution-2", "startTime": 4_000_000_000_u64},
            {"pipelineExecutionId": "execution-1", "startTime": 1_000_000_000}]}),
        "Query" => {
            let pk = said["ExpressionAttributeValues"][":pk"]["S"]
                .as_str()
                .unwrap();
            let item = |sk: &str, body: String| {
                json!({"Items": [{"pk": {"S": pk}, "sk": {"S": sk}, "version": {"N": "1"},
                                              "body": {"S": body}}]})
            };
            let case = "abcdefghijklmnopqrstuvwxyz";
            match pk {
                "execution#shop#execution-2" => item("approval#x", format!("{case:?}")),
                "audit#abcdefghijklmnopqrstuvwxyz" => item(
                    "audit#x",
                    json!({"at": "2026-03-02T10:00:00Z", "case": case, "kind": "outcome",
                                       "action": null, "execution_id": null, "by": [], "via": null,
                                       "decision": "reject", "comment": "tests are red", "truth": null,
                                       "result": "rejected", "from": null})
                    .to_string(),
                ),
                // Attempts that were only counted.
                "approval#abcdefghijklmnopqrstuvwxyz" => json!({"Items": []}),
                other => panic!("nobody asked for {other}"),
            }
        }
        other => panic!("only reads: {other}"),
    });
    let audit = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
        command.args([
            "approvals",
            "audit",
            "--table",
            "state",
            "--pipeline",
            "shop",
        ]);
        command
            .args(more)
            .env("AWS_ENDPOINT_URL", &url)
            .env("AWS_REGION", "eu-central-1");
        command
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret");
        command
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy")
            .env("NO_PROXY", "127.0.0.1");
        command.output().unwrap()
    };
    let told = audit(&[]);
    assert_snapshot!(String::from_utf8_lossy(&told.stdout), @r"
    2026-03-02 10:00:00Z  abcdefghijklmnopqrstuvwxyz  outcome: rejected
        reject, “tests are red”, case abcdefghijklmnopqrstuvwxyz
    ");
    assert_eq!(told.status.code().unwrap(), 0, "{}", err(&told));
    let json: Value = serde_json::from_slice(&audit(&["--json"]).stdout).unwrap();
    assert_eq!(json[0]["kind"], "outcome");
}
