//! How long `deploy-hooks judge` takes for 10,000 reports, outcomes and suggestions included: at most 10 s. Prints the figure, and
//! ends with 1 if it is more.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may panic, and prints"
)]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const REPORTS: usize = 10_000;
const CHECKS: usize = 20;
const BOUND: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("judge-bench");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("reports")).unwrap();
    let checks: Vec<String> = (0..CHECKS)
        .map(|number| {
            format!(
                "  - name: check {number}\n    http: GET /{number}\n    retries: 0\n    expect: [{{ status: 2xx }}, {{ latency: '< 5s' }}]\n"
            )
        })
        .collect();
    let suite = format!(
        "version: 1\nname: shop\ntraffic: {{ count: 12, every: 100ms, failure_limit: 3 }}\nchecks:\n{}",
        checks.concat()
    );
    std::fs::write(folder.join("suite.yaml"), suite).unwrap();
    let text = measured(&folder);
    let size = text.len();
    let mut outcomes = String::new();
    for number in 0..REPORTS {
        let mut report: Value = serde_json::from_str(&text).unwrap();
        report["target"]["deployment_id"] = json!(format!("d-{number}"));
        let is_bad = number % 10 == 0;
        if is_bad {
            report["checks"][number % CHECKS]["strip"] = json!("PPFPFPFPPPPP");
        }
        let took = if is_bad { 900 } else { 20 + number % 700 };
        report["checks"][0]["rounds"][0]["tries"][0]["latency_ms"] = json!(took);
        let path = folder.join(format!("reports/{number}.json"));
        std::fs::write(path, report.to_string()).unwrap();
        let proved = if is_bad { "bad" } else { "good" };
        writeln!(outcomes, "d-{number},{proved}").unwrap();
    }
    std::fs::write(folder.join("outcomes.csv"), outcomes).unwrap();
    let begun = Instant::now();
    let judged = program(&folder)
        .args([
            "judge",
            "suite.yaml",
            "reports",
            "--last",
            "10000",
            "--outcomes",
            "outcomes.csv",
            "--json",
        ])
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    let took = begun.elapsed();
    assert!(
        judged.status.success(),
        "{}",
        String::from_utf8_lossy(&judged.stderr)
    );
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(judged["runs"].as_array().unwrap().len(), REPORTS);
    println!(
        "{REPORTS} reports of {CHECKS} checks and 12 rounds ({} KiB each) are judged, with outcomes and {} suggestions, in {:.1} s; at most \
         {} s: {}",
        size / 1024,
        judged["outcomes"]["suggestions"].as_array().unwrap().len(),
        took.as_secs_f64(),
        BOUND.as_secs(),
        if took <= BOUND { "kept" } else { "MISSED" }
    );
    std::fs::remove_dir_all(&folder).unwrap();
    if took <= BOUND {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn program(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.current_dir(folder);
    program
}

/// A report of the suite, as the program writes it.
fn measured(folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    let done = program(folder)
        .args([
            "check",
            "suite.yaml",
            "--url",
            &url,
            "--stage",
            "post-traffic",
            "--quiet",
            "--report",
            "json=report.json",
        ])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
    std::fs::read_to_string(folder.join("report.json")).unwrap()
}
