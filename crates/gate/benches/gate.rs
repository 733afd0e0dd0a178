//! Measures the engine against its floor and against a bare loop, in one run: 200 checks against a
//! loopback server with 20 ms latency, 50 at a time. Prints; asserts nothing about time.
//!
//! `cargo bench -p gate`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::collections::BTreeMap;
use std::future::Future;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::routing::get;
use axum::{Json, Router};
use futures::{StreamExt, stream};
use gate::{HttpOptions, Run, Stage, Suite, Target};
use serde_json_path::JsonPath;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use url::Url;

const CHECKS: usize = 200;
const AT_ONCE: usize = 50;
const LATENCY: Duration = Duration::from_millis(20);
const RUNS: usize = 15;

/// The server is a process of its own, so that its memory and its threads are not measured: the
/// bench starts itself once more, with this argument.
const SERVE: &str = "--serve-on-loopback";
/// And measures memory in processes of their own.
const MEMORY: [&str; 2] = ["--memory-of-bare-loop", "--memory-of-engine"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == SERVE) {
        return serve();
    }
    if let [_, which, url] = arguments.as_slice()
        && MEMORY.contains(&which.as_str())
    {
        return once(which, &url.parse().expect("our own URL"));
    }
    compare();
}

fn compare() {
    let (mut server, url) = start_server();
    let bound = LATENCY * u32::try_from(CHECKS.div_ceil(AT_ONCE)).expect("a few rounds");
    let [bare, engine, bare_process, engine_process] = medians(&[
        &|| block_on(bare_loop(url.clone())),
        &|| block_on(self::engine(url.clone())),
        &|| drop(spawn_self(MEMORY[0], &url)),
        &|| drop(spawn_self(MEMORY[1], &url)),
    ]);
    println!(
        "{CHECKS} checks, {LATENCY:?} latency, {AT_ONCE} at a time, taking turns, median of {RUNS}"
    );
    let line = |name: &str, time: Duration| {
        let ratio = time.as_secs_f64() / bound.as_secs_f64();
        println!(
            "{name:<28} {:>7.1} ms   {ratio:>5.2} × the floor",
            time.as_secs_f64() * 1e3
        );
    };
    line("floor (computed)", bound);
    line("bare loop, in process", bare);
    line("engine, in process", engine);
    line("bare loop, whole process", bare_process);
    line("engine, whole process", engine_process);
    println!(
        "engine / bare loop           {:>7.2}, whole process {:.2}",
        engine.as_secs_f64() / bare.as_secs_f64(),
        engine_process.as_secs_f64() / bare_process.as_secs_f64()
    );
    for (name, which) in ["bare loop", "engine"].into_iter().zip(MEMORY) {
        println!(
            "peak memory of the {name:<10} {}",
            spawn_self(which, &url).trim()
        );
    }
    server.kill().expect("the server is ours");
    server.wait().expect("the server was started");
}

/// Status, header and a JSONPath, as in the engine's suite, with nothing around it.
async fn bare_loop(url: Url) {
    // reqwest is built without a provider of its own, as in the packages.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .pool_max_idle_per_host(AT_ONCE)
        .build()
        .expect("a plain client");
    let path = Arc::new(JsonPath::parse("$.books[*].price").expect("a constant path"));
    let passed = stream::iter(0..CHECKS)
        .map(|number| {
            let request = client.get(url.join(&format!("/books/{number}")).expect("a path"));
            let path = Arc::clone(&path);
            async move {
                let response = request.send().await.expect("the server answers");
                let fine =
                    response.status() == 200 && response.headers().contains_key("content-type");
                let body = response.bytes().await.expect("the server answers");
                let value: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
                fine && path
                    .query(&value)
                    .all()
                    .iter()
                    .all(|price| price.as_f64() > Some(0.0))
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter(|fine| std::future::ready(*fine))
        .count()
        .await;
    assert_eq!(passed, CHECKS);
}

async fn engine(url: Url) {
    let checks: Vec<String> = (0..CHECKS).map(check).collect();
    let checks = checks.concat();
    let text =
        format!("version: 1\nname: bench\nlimits: {{ concurrency: {AT_ONCE} }}\nchecks:\n{checks}");
    let suite = Suite::parse("bench", &text).expect("a suite");
    let outcome = gate::run(Run {
        suite,
        stage: Stage::PreTraffic,
        target: Target {
            base_url: Some(url),
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: tokio::time::Instant::now() + Duration::from_mins(1),
    })
    .await;
    assert!(outcome.verdict.passed, "{:?}", outcome.verdict.reasons);
    black_box(gate::report::json(&outcome.report));
    black_box(gate::report::html(&outcome.report));
}

fn check(number: usize) -> String {
    format!(
        "  - name: books {number}
    http: GET /books/{number}
    expect:
      - status: 200
      - header: {{ name: content-type, contains: json }}
      - json: {{ path: '$.books[*].price', greater_than: 0 }}
"
    )
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(work);
}

/// They take turns, as what else a machine does changes from minute to minute.
fn medians<const N: usize>(work: &[&dyn Fn(); N]) -> [Duration; N] {
    let mut times = [(); N].map(|()| Vec::new());
    for _ in 0..RUNS {
        for (work, times) in work.iter().zip(&mut times) {
            let begun = Instant::now();
            work();
            times.push(begun.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort();
        times[RUNS / 2]
    })
}

/// One run, and what it took of memory.
fn once(which: &str, url: &Url) {
    if which == MEMORY[0] {
        block_on(bare_loop(url.clone()));
    } else {
        block_on(engine(url.clone()));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or(" unknown");
    println!("{}", peak.trim());
}

fn spawn_self(which: &str, url: &Url) -> String {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program)
        .args([which, url.as_str()])
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn start_server() -> (std::process::Child, Url) {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut server = Command::new(program)
        .arg(SERVE)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let output = server.stdout.take().expect("it is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("a line");
    (
        server,
        line.trim().parse().expect("the server says its URL"),
    )
}

fn serve() {
    block_on(async {
        let books = || async {
            tokio::time::sleep(LATENCY).await;
            Json(serde_json::json!({ "books": [
                { "title": "Dune", "price": 12.5 }, { "title": "Emma", "price": 7 },
            ] }))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}/", listener.local_addr().expect("it is bound"));
        let router = Router::new().route("/books/{number}", get(books));
        axum::serve(listener, router)
            .await
            .expect("it serves until it is killed");
    });
}
