//! `deploy-hooks check` as a process, beside a bare loop that does the same and nothing else, taking turns in one run: 200
//! checks of status, header and JSONPath against a server with 20 ms latency, 50 at a time, plain and over TLS; what a check
//! costs where there is no latency; how soon the first request is sent; and the memory of a long bake. Ends with 1 if a
//! bound is missed.
//!
//! `cargo bench --profile cli -p cli --bench check [-- RUNS]`

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench may panic, and prints rounded figures"
)]

mod peer;
mod server;

use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use self::server::{CA, HOST, Server};

const CHECKS: usize = 200;
const AT_ONCE: usize = 50;
const LATENCY: Duration = Duration::from_millis(20);
/// Where the server answers at once, many checks show what each costs.
const MANY: usize = 1000;

/// How much longer than the bare loop the whole process may take.
const MAX_RATIO: f64 = 1.10;
const MAX_PEAK_KIB: u64 = 24 * 1024;
const MAX_START: Duration = Duration::from_millis(15);
/// How much more memory the end of a bake may take than its first fifth.
const MAX_GROWTH: f64 = 1.10;

/// The bench starts itself once more, as the server and as the loop.
const SERVE: &str = "--serve-on-loopback";
const LOOP: &str = "--bare-loop";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, SERVE, millis, tls] => server::serve(millis.parse().unwrap(), tls == "true"),
        [_, LOOP, url, checks] => {
            peer::run(&url.parse().unwrap(), checks.parse().unwrap(), AT_ONCE);
        }
        _ => return compare(&arguments),
    }
    ExitCode::SUCCESS
}

fn compare(arguments: &[String]) -> ExitCode {
    let runs = arguments.iter().find_map(|argument| argument.parse().ok());
    let bench = Bench::new(runs.unwrap_or(15));
    let mut kept = true;
    for tls in [false, true] {
        kept &= bench.beside_the_loop(tls);
    }
    bench.cost_of_a_check();
    kept &= bench.start();
    kept &= bench.long_bake();
    std::fs::remove_dir_all(&bench.folder).unwrap();
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Bench {
    folder: PathBuf,
    runs: usize,
}

impl Bench {
    fn new(runs: usize) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check-bench");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, runs }
    }

    /// `deploy-hooks check` of a suite with so many checks.
    fn ours(&self, server: &Server, checks: usize, more: &str, arguments: &[&str]) -> Command {
        let host = if server.tls {
            format!(
                "host: {HOST}\nca_certificates: |\n  {}\n",
                CA.trim().replace('\n', "\n  ")
            )
        } else {
            String::new()
        };
        let checks: String = (0..checks).map(check).collect();
        let suite = format!(
            "version: 1\nname: bench\nlimits: {{ concurrency: {AT_ONCE} }}\n{host}{more}checks:\n{checks}"
        );
        std::fs::write(self.folder.join("suite.yaml"), suite).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
        program
            .current_dir(&self.folder)
            .args(["check", "suite.yaml", "--quiet"]);
        program.args(["--url", &server.base]).args(arguments);
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    }

    /// A file for each request, as Hurl runs files side by side.
    fn hurl(&self, server: &Server) -> Option<Command> {
        Command::new("hurl").arg("--version").output().ok()?;
        let files = (0..CHECKS).map(|number| {
            let file = self.folder.join(format!("{number}.hurl"));
            let asserts = "HTTP 200\n[Asserts]\nheader \"content-type\" contains \"json\"\njsonpath \"$.books[0].price\" > 0\n";
            std::fs::write(&file, format!("GET {}/books/{number}\n{asserts}", server.base)).unwrap();
            file
        });
        let mut program = Command::new("hurl");
        program
            .args(["--test", "--jobs", &AT_ONCE.to_string()])
            .args(files);
        program.stdout(Stdio::null()).stderr(Stdio::null());
        Some(program)
    }

    fn beside_the_loop(&self, tls: bool) -> bool {
        let server = Server::start(LATENCY, tls);
        let mut ours = self.ours(&server, CHECKS, "", &[]);
        let mut bare = server.bare_loop(CHECKS);
        let mut hurl = if tls { None } else { self.hurl(&server) };
        let mut times: [Vec<Duration>; 3] = Default::default();
        for _ in 0..self.runs {
            times[0].push(took(&mut bare));
            times[1].push(took(&mut ours));
            times[2].extend(hurl.as_mut().map(took));
        }
        let floor = LATENCY * u32::try_from(CHECKS.div_ceil(AT_ONCE)).unwrap();
        let title = if tls { ", over TLS" } else { "" };
        println!(
            "{CHECKS} checks, {LATENCY:?} latency, {AT_ONCE} at a time{title}: whole processes, taking turns, median of {}",
            self.runs
        );
        line("floor (computed)", floor, floor);
        for (name, times) in ["bare loop", "deploy-hooks check", "Hurl"]
            .iter()
            .zip(&times)
        {
            match median(times) {
                Some(time) => line(name, time, floor),
                None if tls => {}
                None => println!("  {name:<26} not measured: there is no hurl here"),
            }
        }
        let ratio = ratio(&times[1], &times[0]);
        let peak = peak(&mut ours);
        verdict(
            "check / bare loop",
            &format!("{ratio:.2}"),
            &format!("{MAX_RATIO:.2}"),
            ratio <= MAX_RATIO,
        ) & verdict(
            "peak memory",
            &format!(
                "{:.1} MiB, the loop's {:.1}",
                mib(peak),
                mib(self::peak(&mut bare))
            ),
            &format!("{:.0} MiB", mib(MAX_PEAK_KIB)),
            peak <= MAX_PEAK_KIB,
        )
    }

    fn cost_of_a_check(&self) {
        let server = Server::start(Duration::ZERO, false);
        let mut costs: [Vec<Duration>; 2] = Default::default();
        for _ in 0..self.runs {
            let one = took(&mut server.bare_loop(1));
            costs[0].push(took(&mut server.bare_loop(MANY)).saturating_sub(one));
            let one = took(&mut self.ours(&server, 1, "", &[]));
            costs[1].push(took(&mut self.ours(&server, MANY, "", &[])).saturating_sub(one));
        }
        println!("a check without latency, of {MANY}, {AT_ONCE} at a time");
        let each = |times: &[Duration]| median(times).unwrap().as_secs_f64() * 1e6 / MANY as f64;
        println!("  bare loop                  {:>7.0} µs", each(&costs[0]));
        println!(
            "  deploy-hooks check         {:>7.0} µs   {:>5.2} × the loop",
            each(&costs[1]),
            ratio(&costs[1], &costs[0])
        );
    }

    /// From the start of the process to its first request.
    fn start(&self) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::at(base);
        let (mut ours, mut of_loop) = (Vec::new(), Vec::new());
        for _ in 0..=self.runs * 2 {
            of_loop.push(first_request(&listener, server.bare_loop(1)));
            ours.push(first_request(&listener, self.ours(&server, 1, "", &[])));
        }
        let (first, of_loop) = (median(&ours).unwrap(), median(&of_loop).unwrap());
        println!(
            "from its start to its first request, median of {}",
            ours.len()
        );
        println!("  bare loop                  {:>7.1} ms", ms(of_loop));
        verdict(
            "deploy-hooks check",
            &format!("{:.1} ms", ms(first)),
            &format!("{} ms", MAX_START.as_millis()),
            first <= MAX_START,
        )
    }

    /// A thousand rounds of twenty checks: all passing, and with every second one failing.
    fn long_bake(&self) -> bool {
        const ROUNDS: usize = 1000;
        let traffic =
            format!("traffic: {{ count: {ROUNDS}, every: 100ms, failure_limit: {ROUNDS} }}\n");
        let server = Server::start(Duration::ZERO, false);
        println!("a bake of {ROUNDS} rounds of 20 checks: memory in MiB, by tenths of the bake");
        let mut kept = true;
        for (name, failing) in [("all pass", 0), ("half fail", 10)] {
            let arguments = ["--stage", "post-traffic", "--report", "json=report.json"];
            let mut program = self.ours(&server, 20, &traffic, &arguments);
            let file = self.folder.join("suite.yaml");
            let suite = std::fs::read_to_string(&file).unwrap();
            // One of the two prices is not more than that.
            let suite = suite.replacen("greater_than: 0", "greater_than: 7", failing);
            std::fs::write(&file, suite).unwrap();
            let samples = memory_of(
                program
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap(),
            );
            let report = std::fs::read_to_string(self.folder.join("report.json")).unwrap();
            let report: serde_json::Value = serde_json::from_str(&report).unwrap();
            let rounds = report["bake"]["rounds"].as_u64().unwrap();
            let tenth = |number: usize| samples[(samples.len() - 1) * number / 10];
            let shown: Vec<String> = (1..=10)
                .map(|number| format!("{:.1}", mib(tenth(number))))
                .collect();
            println!("  {name:<10} {}   ({rounds} rounds)", shown.join(" "));
            let growth = *samples.iter().max().unwrap() as f64 / tenth(2) as f64;
            kept &= verdict(
                "most / first fifth",
                &format!("{growth:.2}"),
                &format!("{MAX_GROWTH:.2}"),
                growth <= MAX_GROWTH,
            );
        }
        kept
    }
}

fn check(number: usize) -> String {
    format!(
        "  - name: books {number}
    http: GET /books/{number}
    retries: 0
    expect:
      - status: 200
      - header: {{ name: content-type, contains: json }}
      - json: {{ path: '$.books[*].price', greater_than: 0 }}
"
    )
}

/// How long the process takes; it must do its work.
fn took(program: &mut Command) -> Duration {
    let begun = Instant::now();
    let output = program.output().unwrap();
    let took = begun.elapsed();
    let said = || String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", said());
    took
}

fn first_request(listener: &TcpListener, mut program: Command) -> Duration {
    let begun = Instant::now();
    let mut child = program
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let read = stream.read(&mut [0; 1024]).unwrap();
    let took = begun.elapsed();
    assert!(read > 0, "it sends its request");
    child.kill().unwrap();
    child.wait().unwrap();
    took
}

/// The most memory that the process takes, in KiB.
fn peak(program: &mut Command) -> u64 {
    let mut child = program
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = status(&child, "VmHWM:").unwrap_or(peak);
        std::thread::sleep(Duration::from_micros(500));
    }
    peak
}

/// What it holds, ten times a second until it ends.
fn memory_of(mut child: Child) -> Vec<u64> {
    let mut samples = Vec::new();
    while child.try_wait().unwrap().is_none() {
        samples.extend(status(&child, "VmRSS:"));
        std::thread::sleep(Duration::from_millis(100));
    }
    samples
}

/// A line of what the kernel says of it; none once it has ended.
fn status(child: &Child, key: &str) -> Option<u64> {
    let path = Path::new("/proc")
        .join(child.id().to_string())
        .join("status");
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Of pairs that were measured one after the other, as what disturbs one disturbs the other as well.
fn ratio(ours: &[Duration], theirs: &[Duration]) -> f64 {
    let pairs = ours.iter().zip(theirs);
    let mut ratios: Vec<f64> = pairs
        .map(|(one, other)| one.as_secs_f64() / other.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn median(times: &[Duration]) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied()
}

fn line(name: &str, time: Duration, floor: Duration) {
    let ratio = time.as_secs_f64() / floor.as_secs_f64();
    println!(
        "  {name:<26} {:>7.1} ms   {ratio:>5.2} × the floor",
        ms(time)
    );
}

fn verdict(name: &str, measured: &str, bound: &str, kept: bool) -> bool {
    let mark = if kept { "kept" } else { "MISSED" };
    println!("  {name:<26} {measured:>7}   at most {bound}: {mark}");
    kept
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
