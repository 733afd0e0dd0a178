//! `init` as people call it, against a service on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use insta::assert_snapshot;

/// A shop with a health page, a version, and a link that leads nowhere if it is `broken`.
fn shop(broken: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(line)) = lines.next() else { return };
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                let old = if broken { "<a href=/gone>old</a>" } else { "" };
                let page = format!("<title>Shop</title><main><h1>Welcome</h1>{old}</main>");
                let (status, kind, body) = match line.split(' ').nth(1).unwrap() {
                    "/" => ("302 Found\r\nlocation: /home", "text/plain", String::new()),
                    "/home" => ("200 OK", "text/html; charset=utf-8", page),
                    "/health" => (
                        "200 OK",
                        "application/json",
                        r#"{"status":"ok"}"#.to_owned(),
                    ),
                    "/version" => (
                        "200 OK",
                        "application/json",
                        r#"{"version":"1.0.0"}"#.to_owned(),
                    ),
                    _ => ("404 Not Found", "text/plain", "no such page".to_owned()),
                };
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
            });
        }
    });
    url
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("init-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(folder: &PathBuf, args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.current_dir(folder).args(args).output().unwrap()
}

fn told(output: &Output, url: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let told = format!(
        "{}{}(ends with {})",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    );
    told.replace(url, "URL")
}

#[test]
fn a_newcomer_with_an_address_has_a_green_suite() {
    let (folder, url) = (folder("green"), shop(false));
    let made = run(&folder, &["init", "--url", &url, "--name", "shop"]);
    assert_snapshot!(told(&made, &url), @"
    suite.yaml: 5 checks
      passes  the first page is shown
      passes  /health answers
      passes  /version answers
      passes  a page that does not exist is not found
      passes  no page is broken

    Next: deploy-hooks check suite.yaml --url URL --watch
    (ends with 0)
    ");
    // A busy machine is given a second more.
    let file = std::fs::read_to_string(folder.join("suite.yaml")).unwrap();
    assert_snapshot!(file.replace("< 2s", "< 1s"), @r#"
    # What a release of shop must do before it may have traffic, and while it has it.
    # All keys: docs/suite.md of deploy-hooks.
    version: 1
    name: "shop"

    checks:
      - name: "the first page is shown"
        http: GET /home
        expect:
          - status: 200
          - header: { name: content-type, contains: "text/html" }
          - css: { select: title, text: "Shop" }
          - latency: "< 1s"

      - name: "/health answers"
        http: GET /health
        expect:
          - status: 200
          - header: { name: content-type, contains: "application/json" }
          - json: { path: $.status, equals: "ok" }

      - name: "/version answers"
        http: GET /version
        expect:
          - status: 200
          - header: { name: content-type, contains: "application/json" }
          - json: { path: $.version, type: string }
          # - json: { path: $.version, equals: "{{ target.version }}" }    # of a deployment; here: --target version=…

      - name: "a page that does not exist is not found"
        http: GET /deploy-hooks-looks-for-a-page-that-does-not-exist
        expect:
          - status: 404

      - name: "no page is broken"
        crawl: { start: "/home", max_pages: 20 }
    "#);
    let valid = run(&folder, &["validate", "suite.yaml"]);
    assert_snapshot!(told(&valid, &url), @"
    suite.yaml: right, 5 checks
    (ends with 0)
    ");
    let green = run(&folder, &["check", "suite.yaml", "--url", &url, "--quiet"]);
    assert_eq!(green.status.code(), Some(0), "{}", told(&green, &url));
}

#[test]
fn what_does_not_pass_is_advisory_and_says_why() {
    let (folder, url) = (folder("broken"), shop(true));
    let made = run(&folder, &["init", "shop.yaml", "--url", &url, "--json"]);
    assert_snapshot!(told(&made, &url), @r#"
    {
      "file": "shop.yaml",
      "checks": [
        {
          "name": "the first page is shown",
          "doubt": null
        },
        {
          "name": "/health answers",
          "doubt": null
        },
        {
          "name": "/version answers",
          "doubt": null
        },
        {
          "name": "a page that does not exist is not found",
          "doubt": null
        },
        {
          "name": "no page is broken",
          "doubt": "expected no broken links, got /gone (in /home): 404"
        }
      ]
    }
    (ends with 0)
    "#);
    let green = run(&folder, &["check", "shop.yaml", "--url", &url, "--quiet"]);
    assert_eq!(green.status.code(), Some(0), "{}", told(&green, &url));
}

#[test]
fn nothing_is_overwritten_unasked_and_an_empty_address_is_told() {
    let (folder, url) = (folder("refused"), shop(false));
    std::fs::write(folder.join("suite.yaml"), "mine").unwrap();
    let refused = run(&folder, &["init", "--url", &url]);
    assert_snapshot!(told(&refused, &url), @"
    suite.yaml is there already; name another file, or replace it with --force
    (ends with 2)
    ");
    assert_eq!(
        std::fs::read_to_string(folder.join("suite.yaml")).unwrap(),
        "mine"
    );
    let forced = run(&folder, &["init", "--url", &url, "--force"]);
    assert_eq!(forced.status.code(), Some(0));
    let printed = run(&folder, &["init", "-", "--url", &url]);
    let file = std::fs::read_to_string(folder.join("suite.yaml")).unwrap();
    let even = |text: &str| text.replace("< 2s", "< 1s");
    assert_eq!(
        even(&String::from_utf8(printed.stdout).unwrap()),
        even(&file)
    );
    // A port that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    let nobody = run(&folder, &["init", "other.yaml", "--url", &url]);
    assert_snapshot!(told(&nobody, &url), @"
    nothing answers at URL/: Connection refused (os error 111); start the release, or correct the address
    (ends with 1)
    ");
    assert!(!folder.join("other.yaml").exists());
}

/// Answers everything alike.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_broken_release_is_no_model() {
    let folder = folder("model");
    let url = answering("HTTP/1.1 503 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_snapshot!(told(&run(&folder, &["init", "--url", &url]), &url), @"
    URL/ answers 503 at /: a suite says what a good release does; start one, or correct the address
    (ends with 1)
    ");
    assert!(!folder.join("suite.yaml").exists());
}

#[test]
fn a_redirect_whose_path_looks_like_a_host_is_not_followed() {
    let folder = folder("elsewhere");
    let url = answering(
        "HTTP/1.1 302 Found\r\nlocation: ////elsewhere.example.com/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let made = run(&folder, &["init", "sub/suite.yaml", "--url", &url]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made, &url));
    let file = std::fs::read_to_string(folder.join("sub/suite.yaml")).unwrap();
    assert!(
        file.contains("http: GET /\n") && file.contains("status: 302"),
        "{file}"
    );
}

#[test]
fn a_name_is_one_line() {
    let folder = folder("name");
    for name in ["", "a\nb: c", "a\u{1b}[31m", "{{ x }}"] {
        let made = run(
            &folder,
            &["init", "--url", "http://127.0.0.1:1", "--name", name],
        );
        assert_eq!(made.status.code(), Some(2), "{name:?}");
    }
}
