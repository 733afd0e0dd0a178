//! Start-up: from spawning the function to its first `GET /next`, beside a function that does
//! nothing; and from spawning it to CodeDeploy's having its answer, beside a hook of Node.js as the samples write it.
//!
//! Lambda bills and waits for the first; CodeDeploy waits for the second, so a cost that is merely
//! moved from one to the other shows. Ends with 1 if a bound is missed. `cargo bench -p pre-traffic --bench start`

#![allow(clippy::print_stdout, reason = "a bench prints")]

use test_support::gates as support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use support::aws::FakeAws;
use support::service::{Behaviour, Service};

/// Medians of so many starts, the two taking turns, as machines are noisy.
const ROUNDS: usize = 31;
/// How much longer than a function that does nothing ours may take to start.
const MAX_START_RATIO: f64 = 4.0;
/// How many times as long as the gate the hook of Node.js must take.
const MIN_PEER_RATIO: f64 = 10.0;
/// A hook of Node.js, with its libraries as `npm ci` brings them.
const NODE_PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/node-peer");

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--hello") {
        hello().await;
        return ExitCode::SUCCESS;
    }
    let own = std::env::current_exe().expect("a bench has a path");
    let ours = env!("CARGO_BIN_EXE_pre-traffic");
    let (mut hello, mut gate, mut answered, mut peer) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let service = Service::start(Behaviour::Well).await;
    let has_peer = Path::new(NODE_PEER).join("node_modules").exists();
    let target = format!("http://127.0.0.1:{}/checkout", service.port);
    for _ in 0..ROUNDS {
        hello.push(first_next(Command::new(&own).arg("--hello")));
        gate.push(first_next(&mut Command::new(ours)));
        answered.push(until_answered(Command::new(ours), support::SUITE, service.port).await);
        if has_peer {
            let mut node = Command::new("node");
            node.current_dir(NODE_PEER)
                .arg("hook.mjs")
                .env("TARGET_URL", &target);
            peer.push(until_answered(node, support::SUITE, service.port).await);
        }
    }
    let (hello, gate, answered) = (median(hello), median(gate), median(answered));
    let start_ratio = gate.as_secs_f64() / hello.as_secs_f64();
    println!("start-up, median of {ROUNDS}");
    println!(
        "  hello world, spawn to first GET /next      {:6.1} ms",
        ms(hello)
    );
    println!(
        "  pre-traffic, spawn to first GET /next      {:6.1} ms  ({start_ratio:.1} x hello world, at most {MAX_START_RATIO}: {})",
        ms(gate),
        word(start_ratio <= MAX_START_RATIO)
    );
    println!(
        "  pre-traffic, one check, spawn to answered  {:6.1} ms  (with look-ups, report and notification)",
        ms(answered)
    );
    if !has_peer {
        println!(
            "  Node.js, one request, spawn to answered    not measured: npm ci in {NODE_PEER}"
        );
        return code(start_ratio <= MAX_START_RATIO);
    }
    let peer = median(peer);
    let peer_ratio = peer.as_secs_f64() / answered.as_secs_f64();
    println!(
        "  Node.js, one request, spawn to answered    {:6.1} ms  ({peer_ratio:.1} x the gate, at least {MIN_PEER_RATIO}: {})",
        ms(peer),
        word(peer_ratio >= MIN_PEER_RATIO)
    );
    code(start_ratio <= MAX_START_RATIO && peer_ratio >= MIN_PEER_RATIO)
}

fn word(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}

fn code(kept: bool) -> ExitCode {
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// From spawning the function until CodeDeploy has its answer and the function is free again.
async fn until_answered(command: Command, suite: &str, port: u16) -> Duration {
    let aws = FakeAws::start(port, suite).await;
    let url = aws.url();
    let took = tokio::task::spawn_blocking(move || until_next_again(command, &url)).await;
    assert_eq!(aws.answers(), ["Succeeded"], "it must really have answered");
    took.expect("the start was measured")
}

/// The peer: the runtime and nothing else.
async fn hello() {
    let answer =
        |event: LambdaEvent<Value>| async move { Ok::<_, lambda_runtime::Error>(event.payload) };
    lambda_runtime::run(service_fn(answer))
        .await
        .expect("the bench stops it");
}

/// A function process that is killed when it goes out of scope.
struct Function(Child);

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `command` as Lambda would, against the Runtime API on `listener`.
fn spawn(command: &mut Command, listener: &TcpListener, endpoint: &str) -> Function {
    let api = listener
        .local_addr()
        .expect("a bound listener has an address")
        .to_string();
    command
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "CodeDeployHook_pre-traffic")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("SUITE", "s3://suites/{application}/{deployment_group}.yaml")
        .env("REPORT_BUCKET", "reports")
        .env(
            "OUTCOME_TOPIC_ARN",
            "arn:aws:sns:us-east-1:111122223333:outcomes",
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Function(command.spawn().expect("the function starts"))
}

fn first_next(command: &mut Command) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let started = Instant::now();
    let _function = spawn(command, &listener, "http://127.0.0.1:9");
    let (stream, _) = listener.accept().expect("the function connects");
    let (line, _) = request(&mut BufReader::new(&stream));
    assert!(line.contains("/invocation/next"), "{line}");
    started.elapsed()
}

/// From the start until the function asks for its second event: answered, reported, told.
fn until_next_again(mut function: Command, endpoint: &str) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let started = Instant::now();
    let _function = spawn(&mut function, &listener, endpoint);
    let mut asked = 0;
    // The runtime may keep its connection or open a new one for each request.
    for stream in listener.incoming() {
        let stream = stream.expect("the function connects");
        let mut reader = BufReader::new(&stream);
        loop {
            let (line, body) = request(&mut reader);
            if line.is_empty() {
                break;
            }
            if line.contains("/invocation/next") {
                asked += 1;
                if asked == 2 {
                    return started.elapsed();
                }
                give_event(&stream);
            } else {
                assert!(
                    line.contains("/response"),
                    "{line}: {}",
                    String::from_utf8_lossy(&body)
                );
                respond(&stream, "202 Accepted", "", "{}");
            }
        }
    }
    unreachable!("a listener has no end")
}

fn give_event(stream: &TcpStream) {
    let deadline = std::time::SystemTime::now() + Duration::from_mins(1);
    let deadline = deadline
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let headers = format!(
        "Lambda-Runtime-Aws-Request-Id: request-1\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:111122223333:function:f\r\n"
    );
    respond(stream, "200 OK", &headers, &support::event().to_string());
}

fn respond(mut stream: &TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("the function reads");
}

/// One request's first line and body; an empty line when the connection has ended.
fn request(reader: &mut BufReader<&TcpStream>) -> (String, Vec<u8>) {
    let mut first = String::new();
    let mut length = 0;
    let mut chunked = false;
    reader.read_line(&mut first).expect("the function writes");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("the function writes");
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a whole body");
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size).expect("a chunk's size");
        let size = usize::from_str_radix(size.trim(), 16).expect("hexadecimal");
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).expect("a whole chunk");
        chunked = size > 0;
    }
    (first, body)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
