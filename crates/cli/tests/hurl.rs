//! A Hurl file as people give it to `check`, `validate`, `explain` and `init`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;

/// Answers `{"version":"2.0.1"}` at `/version`, who is logged in at `/me`, and 503 elsewhere.
fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(line)) = lines.next() else { return };
                let mut authorization = String::new();
                while let Some(Ok(header)) = lines
                    .next()
                    .filter(|line| !line.as_ref().unwrap().is_empty())
                {
                    if let Some(value) = header.strip_prefix("authorization: ") {
                        value.clone_into(&mut authorization);
                    }
                }
                let (status, body) = match line.split([' ', '?']).nth(1).unwrap() {
                    "/version" => ("200 OK", r#"{"version":"2.0.1"}"#.to_owned()),
                    "/me" => ("200 OK", authorization),
                    _ => ("503 Service Unavailable", String::new()),
                };
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
            });
        }
    });
    url
}

const FILE: &str = "\
GET {{host}}/version
HTTP 200
[Captures]
version: jsonpath \"$.version\"
[Asserts]
jsonpath \"$.version\" == \"{{expected}}\"

GET {{host}}/me?seen={{version}}
[BasicAuth]
demo: {{password}}
HTTP 200
[Asserts]
body startsWith \"Basic \"
";

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("hurl-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("visit.hurl"), FILE).unwrap();
    folder
}

fn deploy_hooks(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args(args)
        .current_dir(folder)
        .env("PASSWORD", "hunter22")
        .output()
        .unwrap()
}

/// Exit code, standard output and standard error.
fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    format!(
        "{}{}exit {code}",
        text(&output.stdout),
        text(&output.stderr)
    )
}

const SECRET: [&str; 2] = ["--secret", "password=env:PASSWORD"];

fn checked(folder: &Path, file: &str, url: &str, more: &[&str]) -> Output {
    let args = [&["check", file, "--url", url, "--quiet"], more].concat();
    deploy_hooks(folder, &args)
}

#[test]
fn a_hurl_file_has_a_verdict() {
    let (folder, url) = (folder("verdict"), service());
    let with = |version: &'static str| ["--var", version, SECRET[0], SECRET[1]];
    let passed = checked(&folder, "visit.hurl", &url, &with("expected=2.0.1"));
    assert_eq!(passed.status.code(), Some(0), "{}", shown(&passed));
    let report = ["--report", "json=report.json"];
    let failed = checked(
        &folder,
        "visit.hurl",
        &url,
        &[&with("expected=2.0.2")[..], &report].concat(),
    );
    assert_eq!(failed.status.code(), Some(1), "{}", shown(&failed));
    let said = shown(&failed);
    assert!(
        said.contains("step 1 \"line 1: GET {host}/version\": expected $.version equal to"),
        "{said}"
    );
    let report = std::fs::read_to_string(folder.join("report.json")).unwrap();
    assert!(
        report.contains("line 1: GET {host}/version") && !report.contains("hunter22"),
        "{report}"
    );
}

#[test]
fn what_is_missing_or_refused_is_said_with_its_place() {
    let (folder, url) = (folder("refused"), service());
    assert_snapshot!(shown(&checked(&folder, "visit.hurl", &url, &[])), @"
    visit.hurl:6:28: {{expected}} has no value here; give --var expected=VALUE or --secret expected=WHERE, or capture it before
    visit.hurl:10:9: {{password}} has no value here; give --secret password=WHERE or --var password=VALUE, or capture it before
    exit 3
    ");
    std::fs::write(
        folder.join("wrong.hurl"),
        "GET {{host}}/\n[Options]\ninsecure: true\n",
    )
    .unwrap();
    let validated = deploy_hooks(
        &folder,
        &[
            "validate",
            "wrong.hurl",
            "visit.hurl",
            "--var",
            "expected=2",
            SECRET[0],
            SECRET[1],
        ],
    );
    assert_snapshot!(shown(&validated), @"
    visit.hurl: right, 1 check
    wrong.hurl:3:1: insecure: a gate checks certificates; leave it out; a suite trusts an authority of your own by ca_certificates
    exit 3
    ");
    let bake = ["--bake", "1s", "--var", "expected=2", SECRET[0], SECRET[1]];
    assert_snapshot!(shown(&checked(&folder, "visit.hurl", &url, &bake)), @"
    visit.hurl: a Hurl file has no `traffic`: convert it by `init --from`, and write `traffic` there
    exit 3
    ");
    std::fs::write(
        folder.join("shop.yaml"),
        "version: 1\nname: a\nchecks: [{ name: a, http: GET / }]\n",
    )
    .unwrap();
    assert_snapshot!(shown(&checked(&folder, "shop.yaml", &url, &SECRET)), @"
    shop.yaml: --secret is for Hurl files: a suite says itself where its secrets are
    exit 3
    ");
}

#[test]
fn what_would_be_asked_is_explained() {
    let folder = folder("explained");
    let args = [
        "explain",
        "visit.hurl",
        "--stage",
        "pre-traffic",
        "--var",
        "expected=2.0.1",
        SECRET[0],
        SECRET[1],
    ];
    assert_snapshot!(shown(&deploy_hooks(&folder, &args)), @r#"
    visit pre-traffic: 1 check, one round, at most 10 at once, in this order
      visit  must pass
        journey
          1. line 1: GET {host}/version: GET /version
          2. line 8: GET {host}/me?seen={version}: GET /me?seen={{ version }}
        5 expectations, one try of 10m
        secrets: password
    exit 0
    "#);
}

#[test]
fn the_suite_that_it_becomes_has_the_same_verdict() {
    let (folder, url) = (folder("init"), service());
    let init = |more: &[&str]| {
        let args = [
            "init",
            "visit.yaml",
            "--from",
            "visit.hurl",
            SECRET[0],
            SECRET[1],
        ];
        deploy_hooks(&folder, &[&args[..], more].concat())
    };
    assert_snapshot!(shown(&init(&[])), @"
    visit.hurl:6:28: {{expected}} has no value here; give --var expected=VALUE or --secret expected=WHERE, or capture it before
    exit 2
    ");
    assert!(!folder.join("visit.yaml").exists());
    assert_snapshot!(shown(&init(&["--var", "expected=2.0.1"])), @"
    visit.yaml: 1 check, from visit.hurl

    Next: deploy-hooks validate visit.yaml
    exit 0
    ");
    let passed = checked(&folder, "visit.yaml", &url, &[]);
    assert_eq!(passed.status.code(), Some(0), "{}", shown(&passed));
    let failed = checked(&folder, "visit.yaml", &url, &["--var", "expected=1.9"]);
    assert_eq!(failed.status.code(), Some(1), "{}", shown(&failed));
    assert_snapshot!(std::fs::read_to_string(folder.join("visit.yaml")).unwrap(), @r#"
    version: 1
    name: visit
    vars: { expected: "2.0.1" }
    secrets: { password: "env:PASSWORD" }
    defaults:
      http:
        timeout: "5m"
        headers: { accept-encoding: identity }
    checks:
      - name: visit
        retries: 0
        journey:
          - name: "line 1: GET {host}/version"
            http: { method: GET, url: /version }
            expect:
              - { status: 200 }
              - { json: { path: $.version, equals: "{{ expected }}" } }
              - json:
                  path: $.version
                  type: [string, number, boolean]
            capture: { version: { json: $.version } }
          - name: "line 8: GET {host}/me?seen={version}"
            http:
              method: GET
              url: "/me?seen={{ version }}"
              basic: { user: demo, password: "{{ password }}" }
            expect:
              - { status: 200 }
              - { body: { matches: "\\ABasic " } }
    "#);
}

const SUITE: &str = "\
version: 1
name: shop
vars: { expected: \"2.0.1\" }
secrets: { password: \"env:PASSWORD\" }
checks:
  - name: a visit
    hurl: visit.hurl
  - name: the version
    http: GET /version
";

#[test]
fn a_check_of_a_suite_runs_a_hurl_file_beside_it() {
    let (folder, url) = (folder("suite"), service());
    std::fs::write(folder.join("shop.yaml"), SUITE).unwrap();
    let report = ["--report", "json=report.json"];
    let passed = checked(&folder, "shop.yaml", &url, &report);
    assert_eq!(passed.status.code(), Some(0), "{}", shown(&passed));
    let text = std::fs::read_to_string(folder.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["summary"]["passed"], 2);
    assert!(
        text.contains("line 8: GET {host}/me") && !text.contains("hunter22"),
        "{text}"
    );
    let failed = checked(&folder, "shop.yaml", &url, &["--var", "expected=2.0.2"]);
    assert_eq!(failed.status.code(), Some(1), "{}", shown(&failed));
    let explained = deploy_hooks(&folder, &["explain", "shop.yaml", "--stage", "pre-traffic"]);
    assert_snapshot!(shown(&explained), @r#"
    shop pre-traffic: 2 checks, one round, at most 10 at once, in this order
      a visit      must pass
        journey
          1. line 1: GET {host}/version: GET /version
          2. line 8: GET {host}/me?seen={version}: GET /me?seen={{ version }}
        5 expectations, one try of 10s
        secrets: password
      the version  must pass
        http GET /version
        1 expectation, up to 3 tries of 5s, 1s apart
    exit 0
    "#);
    std::fs::write(
        folder.join("visit.hurl"),
        format!("{FILE}certificate \"Subject\" exists\n"),
    )
    .unwrap();
    let valid = deploy_hooks(&folder, &["validate", "shop.yaml", "--format", "github"]);
    assert_snapshot!(shown(&valid), @r#"
    ::error file=visit.hurl,line=14,col=1::the query certificate is not supported here; a suite has the probe `tls` for certificates
    exit 3
    "#);
    std::fs::remove_file(folder.join("visit.hurl")).unwrap();
    assert_snapshot!(shown(&checked(&folder, "shop.yaml", &url, &[])), @r#"
    shop.yaml:7:11: hurl: visit.hurl could not be read: No such file or directory (os error 2); its path is relative to the file that names it
    exit 3
    "#);
}

#[test]
fn a_value_of_the_call_has_no_place_in_the_file() {
    let folder = folder("call");
    let twice = ["--var", "expected=1.10", "--var", "my var=1"];
    let args = [&["validate", "visit.hurl"], &SECRET[..], &twice[..]].concat();
    assert_snapshot!(shown(&deploy_hooks(&folder, &args)), @r#"
    --var expected: the value is 1.10, which Hurl reads as the number 1.1; write '"1.10"', with quotes, for text, or 1.1 for the number
    --var "my var": no placeholder has this name; use letters, digits, _ and -
    exit 3
    "#);
    let args = [&args[..], &["--format", "github"]].concat();
    assert_snapshot!(shown(&deploy_hooks(&folder, &args)), @r#"
    ::error ::--var expected: the value is 1.10, which Hurl reads as the number 1.1; write '"1.10"', with quotes, for text, or 1.1 for the number
    ::error ::--var "my var": no placeholder has this name; use letters, digits, _ and -
    exit 3
    "#);
    let args = [
        &["explain", "visit.hurl", "--json"],
        &SECRET[..],
        &twice[..],
    ]
    .concat();
    assert_snapshot!(shown(&deploy_hooks(&folder, &args)), @r#"
    {
      "problems": [
        {
          "message": "--var expected: the value is 1.10, which Hurl reads as the number 1.1",
          "remedy": "write '\"1.10\"', with quotes, for text, or 1.1 for the number"
        },
        {
          "message": "--var \"my var\": no placeholder has this name",
          "remedy": "use letters, digits, _ and -"
        }
      ]
    }
    exit 3
    "#);
}
