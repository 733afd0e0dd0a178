//! `check` and `validate` as people call them, against a service on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

/// Answers `200 {"version":"2.0.1"}` at `/version`, 503 at `/broken`, nothing for ever at `/slow`.
struct Service {
    url: String,
    requests: Arc<AtomicU32>,
}

impl Service {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    let Some(Ok(line)) = lines.next() else { return };
                    while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                    counted.fetch_add(1, Ordering::Relaxed);
                    let (status, body) = match line.split(' ').nth(1).unwrap() {
                        "/version" => ("200 OK", r#"{"version":"2.0.1"}"#),
                        "/slow" => {
                            std::thread::sleep(Duration::from_mins(1));
                            return;
                        }
                        _ => ("503 Service Unavailable", "the secret is hunter22"),
                    };
                    let length = body.len();
                    let _ = write!(
                        stream,
                        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                    );
                });
            }
        });
        Self { url, requests }
    }
}

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

const SUITE: &str = "\
version: 1
name: shop
vars: { path: /version }
secrets: { password: \"ssm:/shop/password\" }
defaults: { http: { retries: 0 } }
limits: { concurrency: 1 }
traffic: { bake: 1m, every: 100ms, failure_limit: 1000 }
checks:
  - name: the version deployed is served
    http: { url: \"{{ path }}\", headers: { x-password: \"{{ password }}\" } }
    expect: [{ status: 200 }, { json: { path: $.version, equals: \"{{ target.version }}\" } }]
  - name: the cart opens
    severity: advisory
    http: GET /broken
    expect: [{ status: 200 }]
";

fn command(name: &str, suite: &str, args: &[&str]) -> Command {
    let file = folder(name).join("shop.yaml");
    std::fs::write(&file, suite).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    command
        .arg("check")
        .arg("shop.yaml")
        .args(args)
        .current_dir(file.parent().unwrap())
        .env("DEPLOY_HOOKS_SECRET_PASSWORD", "hunter22")
        .env_remove("NO_COLOR");
    command
}

/// Exit code, standard output and standard error, without times and ports.
fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    let all = format!(
        "{}{}exit {code}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let mut shown = String::new();
    for word in all.split_inclusive([' ', '\n', '(', ')', ',']) {
        let is_time = word.starts_with(|c: char| c.is_ascii_digit())
            && word.trim_end_matches([' ', '\n', ')', ',']).ends_with('s');
        match word.find("127.0.0.1:") {
            Some(_) => {
                shown.push_str("http://HOST");
                shown.extend(word.chars().last().filter(|c| !c.is_ascii_digit()));
            }
            None if is_time => {
                shown.push_str("TIME");
                shown.extend(word.chars().last());
            }
            None => shown.push_str(word),
        }
    }
    shown
}

#[test]
fn what_passes_ends_with_0_and_shows_what_does_not_block() {
    let service = Service::open();
    let args = ["--url", &service.url, "--target", "version=2.0.1"];
    let output = command("passes", SUITE, &args).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    shop, pre-traffic: 2 checks against http://HOST
      passed       the version deployed is served (TIME)
      failed       the cart opens (TIME, advisory)
                   expected status 200, got 503
    passed after TIME
      the required check passed
      advisory check "the cart opens" failed (never blocks): expected status 200, got 503
    exit 0
    "#);
}

#[test]
fn what_fails_ends_with_1_and_the_reason() {
    let service = Service::open();
    let args = [
        "--url",
        &service.url,
        "--target",
        "version=2.0.2",
        "--quiet",
    ];
    let output = command("fails", SUITE, &args).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    failed after TIME
      check "the version deployed is served" failed: expected $.version equal to "2.0.2", got "2.0.1"
      advisory check "the cart opens" failed (never blocks): expected status 200, got 503
    exit 1
    "#);
}

#[test]
fn what_can_not_be_known_ends_with_2() {
    let service = Service::open();
    let output = command("unknown", SUITE, &["--url", &service.url])
        .output()
        .unwrap();
    assert_snapshot!(shown(&output), @r#"
    shop, pre-traffic: 2 checks against http://HOST
      errored      the version deployed is served (TIME)
                   could not check $.version: target.version is not known for this deployment: no deployment says it here; give --target version=…
      failed       the cart opens (TIME, advisory)
                   expected status 200, got 503
    inconclusive after TIME
      check "the version deployed is served" errored: could not check $.version: target.version is not known for this deployment: no deployment says it here; give --target version=…
      advisory check "the cart opens" failed (never blocks): expected status 200, got 503
    exit 2
    "#);
}

#[test]
fn what_can_not_be_used_ends_with_3() {
    let url = ["--url", "http://127.0.0.1:1"];
    let wrong = SUITE.replace("expect:", "expects:");
    let output = command("wrong", &wrong, &url).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    shop.yaml:11:5: unknown key "expects"; did you mean "expect"?
    shop.yaml:15:5: unknown key "expects"; did you mean "expect"?
    exit 3
    "#);
    for args in [
        &["--check", "the card opens"][..],
        &["--var", "pathh=/"],
        &["--bake", "10ms"],
        &["--target", "versoin=1"],
        &["--report", "pdf=a.pdf"],
        &["--stage", "traffic"],
    ] {
        let output = command("call", SUITE, &[&url[..], args].concat())
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(3),
            "{args:?}: {}",
            shown(&output)
        );
    }
    let output = command("call", SUITE, &url)
        .env_remove("DEPLOY_HOOKS_SECRET_PASSWORD")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        shown(&output).contains("DEPLOY_HOOKS_SECRET_PASSWORD"),
        "{}",
        shown(&output)
    );
}

#[test]
fn a_suite_that_is_refused_ends_with_3_whatever_the_reason() {
    let service = Service::open();
    let url = ["--url", &service.url];
    let elsewhere = SUITE.replace("GET /broken", "GET https://www.example.com/");
    let output = command("elsewhere", &elsewhere, &url).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    shop, pre-traffic: 2 checks against http://HOST
    refused after TIME
      check "the cart opens" (line 14): nothing says that https://www.example.com is the release under test, which answers at http://HOST before traffic, and while an earlier release serves customers, only the release counts: write a path, or `reaches_release: true` if the URL leads to the version under test, or `allow_origins: ["https://www.example.com"]` if another place is meant; or `on: post-traffic`
    exit 3
    "#);
    let advisory = "version: 1\nname: shop\nchecks:\n  - { name: a, severity: advisory, http: GET /version }\n";
    let output = command("advisory", advisory, &url).output().unwrap();
    assert_snapshot!(shown(&output), @"
    shop.yaml: no check that runs at pre-traffic may block, so there would be no verdict; make one required, or name with --check which ones count
    exit 3
    ");
    // Whoever names it wants to know of it.
    let named = [&url[..], &["--check", "a"]].concat();
    let output = command("advisory", advisory, &named).output().unwrap();
    assert_snapshot!(shown(&output), @"
    shop, pre-traffic: 1 check against http://HOST
      passed       a (TIME)
    passed after TIME
      the required check passed
    exit 0
    ");
    assert_eq!(
        service.requests.load(Ordering::Relaxed),
        1,
        "only what was named was asked"
    );
}

#[test]
fn only_the_secrets_of_the_checks_that_run_are_asked_for() {
    let service = Service::open();
    let two = SUITE.replace("    severity: advisory\n", "");
    let run = |args: &[&str]| {
        let args = [&["--url", service.url.as_str()], args].concat();
        let mut command = command("skipping", &two, &args);
        for name in [
            "AWS_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        ] {
            command.env_remove(name);
        }
        command
            .env_remove("DEPLOY_HOOKS_SECRET_PASSWORD")
            .env("HOME", "/nowhere")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output()
            .unwrap()
    };
    for args in [
        &["--check", "the cart opens"][..],
        &["--skip", "the version deployed is served"],
    ] {
        let output = run(args);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{args:?}: {}",
            shown(&output)
        );
        assert!(
            shown(&output).contains("the cart opens"),
            "{}",
            shown(&output)
        );
    }
    assert_snapshot!(shown(&run(&[])), @r#"
    the secret "password": no AWS credentials were found; set AWS_PROFILE (after `aws configure` or `aws sso login`), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or set the environment variable DEPLOY_HOOKS_SECRET_PASSWORD
    exit 3
    "#);
    assert_snapshot!(shown(&run(&["--skip", "the card opens"])), @r#"
    shop.yaml: the suite has no check "the card opens"; did you mean "the cart opens"?
    exit 3
    "#);
    assert_snapshot!(shown(&run(&["--skip", "the cart opens", "--skip", "the version deployed is served"])), @"
    shop.yaml: no check is left to run; leave out --skip or --tag
    exit 3
    ");
}

#[test]
fn tags_choose_checks() {
    let service = Service::open();
    let tagged = SUITE.replace("    severity: advisory\n", "    tags: [smoke]\n");
    let args = ["--url", &service.url, "--tag", "smoke", "--quiet"];
    let output = command("tagged", &tagged, &args).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    failed after TIME
      check "the cart opens" failed: expected status 200, got 503
    exit 1
    "#);
    let args = ["--url", &service.url, "--tag", "smok"];
    let output = command("tagged", &tagged, &args).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    shop.yaml: no check of the suite has the tag "smok"; did you mean "smoke"?
    exit 3
    "#);
}

#[test]
fn what_is_wrong_is_json_where_json_is_asked_for() {
    let wrong = SUITE.replace("expect:", "expects:");
    let problems = |suite: &str, args: &[&str]| {
        let args = [&["--url", "http://127.0.0.1:1", "--json"], args].concat();
        let output = command("wrong-json", suite, &args).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
        assert!(output.stderr.is_empty(), "{}", shown(&output));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        told["problems"].as_array().unwrap().clone()
    };
    let all = problems(&wrong, &[]);
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(
        all[0],
        serde_json::json!({
            "file": "shop.yaml", "line": 11, "column": 5,
            "message": "unknown key \"expects\"", "remedy": "did you mean \"expect\"?",
        })
    );
    let all = problems(SUITE, &["--check", "the card opens"]);
    let message = "the suite has no check \"the card opens\"; did you mean \"the cart opens\"?";
    assert_eq!(
        all,
        [serde_json::json!({ "file": "shop.yaml", "message": message })]
    );
}

#[test]
fn reports_are_written_in_every_format_and_hold_no_secret() {
    let service = Service::open();
    let formats = ["html", "json", "junit", "markdown", "tap"];
    let reports: Vec<String> = formats.iter().map(|f| format!("{f}=report.{f}")).collect();
    let mut args = vec!["--url", &service.url, "--target", "version=2.0.1"];
    args.extend(reports.iter().flat_map(|report| ["--report", report]));
    let mut command = command("reports", SUITE, &args);
    let folder = command.get_current_dir().unwrap().to_owned();
    assert!(command.output().unwrap().status.success());
    for format in formats {
        let report = std::fs::read_to_string(folder.join(format!("report.{format}"))).unwrap();
        assert!(report.contains("the cart opens"), "{format}");
        assert!(!report.contains("hunter22"), "{format}");
    }
}

#[test]
fn json_is_the_report_and_nothing_else_on_standard_output() {
    let service = Service::open();
    let args = ["--url", &service.url, "--target", "version=2.0.1", "--json"];
    let output = command("json", SUITE, &args).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"]["conclusion"], "passed");
    assert_eq!(report["checks"].as_array().unwrap().len(), 2);
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn control_c_ends_the_bake_and_what_was_measured_is_reported() {
    let service = Service::open();
    let args = [
        "--url",
        &service.url,
        "--target",
        "version=2.0.1",
        "--stage",
        "post-traffic",
        "--report",
        "json=report.json",
    ];
    let mut command = command("interrupted", SUITE, &args);
    let folder = command.get_current_dir().unwrap().to_owned();
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while service.requests.load(Ordering::Relaxed) < 6 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it does not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let report = std::fs::read_to_string(folder.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(
        report["bake"]["rounds"].as_u64().unwrap() >= 2,
        "{report:#}"
    );
    assert_eq!(report["bake"]["completed"], false);
    let told = shown(&output);
    assert!(told.contains(", then it was stopped\n"), "{told}");
    assert!(!told.contains("deadline"), "{told}");
}

#[test]
fn tls_to_a_port_without_it_is_called_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // As servers do that take a greeting of TLS for a request.
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let args = ["--url", &url, "--check", "the cart opens", "--quiet"];
    let output = command("plain", SUITE, &args).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    failed after TIME
      check "the cart opens" failed: no connection to http://HOST received corrupt message of type InvalidContentType; what answers there does not speak TLS: correct the port, or write http instead of https
    exit 1
    "#);
}

#[test]
fn a_watched_suite_runs_again_when_it_changes() {
    let service = Service::open();
    let plain = "version: 1\nname: shop\nchecks:\n  - { name: version, http: GET /version }\n";
    let mut command = command("watched", plain, &["--url", &service.url, "--watch"]);
    let file = command.get_current_dir().unwrap().join("shop.yaml");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        let found = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains(wanted));
        found.unwrap_or_else(|| panic!("no line with {wanted:?}"))
    };
    until("passed after");
    until("waiting for a change");
    std::fs::write(&file, plain.replace("/version", "/broken")).unwrap();
    until("failed after");
    until("waiting for a change");
    // A suite that is half written ends nothing.
    std::fs::write(&file, "version: 1\n").unwrap();
    until("waiting for a change");
    std::fs::write(&file, plain).unwrap();
    until("passed after");
    until("waiting for a change");
    interrupt(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn validate_says_all_that_is_wrong_with_all_suites() {
    let folder = folder("validate");
    std::fs::write(folder.join("right.yaml"), SUITE).unwrap();
    let wrong = SUITE
        .replace("expect:", "expects:")
        .replace("GET /broken", "GET broken");
    std::fs::write(folder.join("wrong.yaml"), wrong).unwrap();
    let validate = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
        let command = command.arg("validate").args(args).current_dir(&folder);
        command.output().unwrap()
    };
    assert_snapshot!(shown(&validate(&["right.yaml"])), @"
    right.yaml: right, 2 checks
    exit 0
    ");
    assert_snapshot!(shown(&validate(&["right.yaml", "wrong.yaml", "none.yaml"])), @r#"
    right.yaml: right, 2 checks
    wrong.yaml:11:5: unknown key "expects"; did you mean "expect"?
    wrong.yaml:14:11: "broken" can't be asked for: it is neither a path nor an absolute URL; write a path that begins with /, or an absolute http or https URL
    wrong.yaml:15:5: unknown key "expects"; did you mean "expect"?
    none.yaml:1:1: none.yaml could not be read: No such file or directory (os error 2); name a suite that can be read
    exit 3
    "#);
    assert_snapshot!(shown(&validate(&["--format", "github", "wrong.yaml"])), @r#"
    ::error file=wrong.yaml,line=11,col=5::unknown key "expects"; did you mean "expect"?
    ::error file=wrong.yaml,line=14,col=11::"broken" can't be asked for: it is neither a path nor an absolute URL; write a path that begins with /, or an absolute http or https URL
    ::error file=wrong.yaml,line=15,col=5::unknown key "expects"; did you mean "expect"?
    exit 3
    "#);
    // What each gate would refuse is wrong, too; what is probably not meant is a note.
    let refused = SUITE.replace("GET /broken", "GET https://www.example.com/");
    std::fs::write(folder.join("refused.yaml"), refused).unwrap();
    let orders = SUITE.replace("GET /broken", "{ method: POST, url: /orders }");
    std::fs::write(folder.join("orders.yaml"), orders).unwrap();
    assert_snapshot!(shown(&validate(&["refused.yaml", "orders.yaml"])), @r#"
    orders.yaml: right, 2 checks
    refused.yaml:14:11: nothing says that https://www.example.com is the release under test; before traffic, and while an earlier release serves customers, only the release counts; write a path, or `reaches_release: true` if the URL leads to the version under test, or `allow_origins: ["https://www.example.com"]` if another place is meant, or `on: post-traffic`
    orders.yaml:14:11: note: check "the cart opens" may change something, and the bake sends it 601 times; write `on: [pre-traffic]`, and a request beside it that only reads
    exit 3
    "#);
    assert_snapshot!(shown(&validate(&["orders.yaml", "--format", "github"])), @r#"
    orders.yaml: right, 2 checks
    ::notice file=orders.yaml,line=14,col=11::check "the cart opens" may change something, and the bake sends it 601 times; write `on: [pre-traffic]`, and a request beside it that only reads
    exit 0
    "#);
    let json = validate(&["--json", "refused.yaml", "orders.yaml"]);
    assert_eq!(json.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let places = |of: &str| -> Vec<String> {
        let all = json[of].as_array().unwrap().iter();
        all.map(|one| format!("{}:{}", one["file"].as_str().unwrap(), one["line"]))
            .collect()
    };
    assert_eq!(
        (places("problems"), places("notes")),
        (
            vec!["refused.yaml:14".to_owned()],
            vec!["orders.yaml:14".to_owned()]
        )
    );
    let json = validate(&["--json", "wrong.yaml"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["problems"][0]["line"], 11, "{json:#}");
}

const LOAD: &str = "\
version: 1
name: shop
checks:
  - name: as fast as it was
    load: { http: GET /version, rate: 20/s, for: 1s, compare_to: old, tolerance: \"1000%\" }
";

#[test]
fn a_load_compares_the_release_with_the_old_version_that_the_call_names() {
    let (new, old) = (Service::open(), Service::open());
    let known = format!("production_url={}", old.url);
    // On a busy machine requests are sent late, and the check says so; again then.
    let mut passed = (0..5).map(|_| {
        let mut command = command("load", LOAD, &["--url", &new.url, "--target", &known]);
        command.output().unwrap()
    });
    let passed = passed
        .find(|ran| !String::from_utf8_lossy(&ran.stdout).contains("the gate was too busy"))
        .expect("a machine that is not busy all the time");
    assert_eq!(passed.status.code(), Some(0), "{}", shown(&passed));
    let asked = |service: &Service| service.requests.load(Ordering::Relaxed);
    assert!(asked(&new) >= 18 && asked(&old) >= 18);
    let before = asked(&new);
    let unknown = command("load-unknown", LOAD, &["--url", &new.url])
        .output()
        .unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", shown(&unknown));
    let text = String::from_utf8_lossy(&unknown.stdout).into_owned();
    assert!(
        text.contains("nothing was asked: target.production_url is not known"),
        "{text}"
    );
    assert_eq!(asked(&new), before);
}
