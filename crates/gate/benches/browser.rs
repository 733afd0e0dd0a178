//! The browser probe beside Playwright: the same page, the same story and the same Chromium, taking turns in one run.
//! Ends with 1 if a bound is missed. `cargo bench -p gate --bench browser`; the peer needs
//! `npm ci --prefix crates/gate/benches/playwright-peer`.

#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use browser::Chromium;
use gate::browsers::{Endpoint, RemoteBrowser};
use gate::{HttpOptions, Run, Stage, Suite, Target};
use tokio::runtime::Builder;

/// Medians of so many rounds, after one to get warm.
const ROUNDS: usize = 31;
/// How long either waits after the last step for anything that still comes; the probe's own rule.
const QUIET: Duration = Duration::from_millis(250);
/// How much of Playwright's time, without that wait, the probe may take.
const MAX_TIME_RATIO: f64 = 1.0;
/// How much of its memory.
const MAX_MEMORY_RATIO: f64 = 0.1;
/// The bench starts itself once more, as a client: its memory is then the client's alone.
const CLIENT: &str = "--client";
const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/playwright-peer");

const SUITE: &str = "
version: 1
name: shop
checks:
  - name: a customer buys
    browser:
      screens: [desktop]
      steps:
        - go: /
        - type: { into: { role: textbox, name: Mail }, text: demo }
        - select: { from: { role: combobox, name: Country }, option: France }
        - click: { role: button, name: Buy }
        - wait_for: { text: 'Thank you, demo of France!' }
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, client, endpoint, url] = arguments.as_slice()
        && client == CLIENT
    {
        serve_rounds(endpoint, url);
        return ExitCode::SUCCESS;
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(compare())
}

#[allow(
    clippy::disallowed_methods,
    reason = "where the browser is, and nothing that is measured"
)]
async fn compare() -> ExitCode {
    let url = site().await;
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let program = Chromium::find(named.as_deref(), std::env::var_os("PATH"));
    let program = program.unwrap_or_else(|why| panic!("{why}"));
    let chromium = Chromium::start(&program, &[]).await;
    let chromium = chromium.unwrap_or_else(|why| panic!("{why}"));
    let endpoint = chromium.endpoint().uri().to_string();
    let own = std::env::current_exe().expect("a bench has a path");
    let mut ours = Client::start(Command::new(own).args([CLIENT, &endpoint, &url]));
    if !Path::new(PEER).join("node_modules").exists() {
        println!("Playwright                     not measured: npm ci --prefix {PEER}");
        return ExitCode::FAILURE;
    }
    let quiet = QUIET.as_millis().to_string();
    let mut peer = Command::new("node");
    peer.current_dir(PEER)
        .args(["story.mjs", &endpoint, &url, &quiet]);
    let mut theirs = Client::start(&mut peer);
    let (mut probe, mut playwright) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (one, other) = (ours.round(), theirs.round());
        if round > 0 {
            probe.push(one);
            playwright.push(other);
        }
    }
    let (probe, playwright) = (median(probe), median(playwright));
    let (small, large) = (ours.peak_memory(), theirs.peak_memory());
    let quiet = QUIET.as_secs_f64() * 1e3;
    let time = (probe - quiet) / (playwright - quiet);
    let memory = small / large;
    println!(
        "one page, five steps, one Chromium, median of {ROUNDS}, either waits {quiet:.0} ms for what still comes"
    );
    println!(
        "browser check                  {probe:7.1} ms  {:6.1} MiB of the client",
        small / 1024.0
    );
    println!(
        "Playwright                     {playwright:7.1} ms  {:6.1} MiB of the client",
        large / 1024.0
    );
    println!(
        "browser check / Playwright     time without the wait {time:.2}, at most {MAX_TIME_RATIO}: {}",
        word(time <= MAX_TIME_RATIO)
    );
    println!(
        "browser check / Playwright     client memory {memory:.3}, at most {MAX_MEMORY_RATIO}: {}",
        word(memory <= MAX_MEMORY_RATIO)
    );
    if time <= MAX_TIME_RATIO && memory <= MAX_MEMORY_RATIO {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A process that plays the story once for each line it gets.
struct Client {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Client {
    fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the client starts");
        Self {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
        }
    }

    fn number(&mut self) -> f64 {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("the client answers");
        line.trim()
            .parse()
            .unwrap_or_else(|_| panic!("the client says {line:?}"))
    }

    /// How many milliseconds the story took.
    fn round(&mut self) -> f64 {
        let input = self.input.as_mut().expect("it is piped");
        writeln!(input, "again").expect("the client listens");
        self.number()
    }

    /// In KiB, at its end.
    fn peak_memory(mut self) -> f64 {
        drop(self.input.take());
        let kib = self.number();
        self.process.wait().expect("the client was started");
        kib
    }
}

fn serve_rounds(endpoint: &str, url: &str) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for line in std::io::stdin().lines() {
        line.expect("the bench writes lines");
        let begun = Instant::now();
        runtime.block_on(check(endpoint, url));
        println!("{}", begun.elapsed().as_secs_f64() * 1e3);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.split_whitespace().next());
    println!("{}", kib.expect("Linux says how much memory there was"));
}

/// As a gate runs it.
async fn check(endpoint: &str, url: &str) {
    let endpoint = Endpoint::parse(endpoint).expect("an endpoint");
    let outcome = gate::run(Run {
        suite: Suite::parse("bench", SUITE).expect("a suite"),
        stage: Stage::PreTraffic,
        target: Target {
            base_url: Some(url.parse().expect("a URL")),
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: Some(Arc::new(RemoteBrowser(endpoint))),
        memory: None,
        deadline: tokio::time::Instant::now() + Duration::from_mins(1),
    })
    .await;
    assert!(outcome.verdict.passed, "{:?}", outcome.verdict.reasons);
}

/// A shop's page with a style sheet, a script and some hundred elements.
async fn site() -> String {
    const SCRIPT: &str = "buy.onclick = () => { said.textContent = `Thank you, ${mail.value} of ${country.value}!` }";
    const STYLE: &str = "main { font: 16px sans-serif; margin: 2em }";
    let items: Vec<String> = (0..200)
        .map(|number| format!("<li>Book {number}</li>"))
        .collect();
    let items = items.concat();
    let page = format!(
        "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Shop</title>\
         <link rel=icon href='data:,'><link rel=stylesheet href=/shop.css><main><h1>Shop</h1>\
         <form onsubmit='return false'><label>Mail <input id=mail></label>\
         <label>Country <select id=country><option>Germany<option>France</select></label>\
         <button id=buy>Buy</button></form><p role=status id=said></p><ul>{items}</ul></main><script src=/shop.js></script>"
    );
    let router = Router::new()
        .route("/", get(async move || Html(page)))
        .route(
            "/shop.js",
            get(async || ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT).into_response()),
        )
        .route(
            "/shop.css",
            get(async || ([(header::CONTENT_TYPE, "text/css")], STYLE).into_response()),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn word(holds: bool) -> &'static str {
    if holds { "kept" } else { "MISSED" }
}
