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
                let link = if broken { "<a href=/gone>old</a>" } else { "" };
                let page = format!("<title>Shop</title><main><h1>Welcome</h1>{link}</main>");
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
    assert_snapshot!(told(&made, &url), @"");
    assert_snapshot!(std::fs::read_to_string(folder.join("suite.yaml")).unwrap(), @"");
    let valid = run(&folder, &["validate", "suite.yaml"]);
    assert_snapshot!(told(&valid, &url), @"");
    let green = run(&folder, &["check", "suite.yaml", "--url", &url, "--quiet"]);
    assert_eq!(green.status.code(), Some(0), "{}", told(&green, &url));
}

#[test]
fn what_does_not_pass_is_advisory_and_says_why() {
    let (folder, url) = (folder("broken"), shop(true));
    let made = run(&folder, &["init", "shop.yaml", "--url", &url, "--json"]);
    assert_snapshot!(told(&made, &url), @"");
    let green = run(&folder, &["check", "shop.yaml", "--url", &url, "--quiet"]);
    assert_eq!(green.status.code(), Some(0), "{}", told(&green, &url));
}

#[test]
fn nothing_is_overwritten_unasked_and_an_empty_address_is_told() {
    let (folder, url) = (folder("refused"), shop(false));
    std::fs::write(folder.join("suite.yaml"), "mine").unwrap();
    let refused = run(&folder, &["init", "--url", &url]);
    assert_snapshot!(told(&refused, &url), @"");
    assert_eq!(
        std::fs::read_to_string(folder.join("suite.yaml")).unwrap(),
        "mine"
    );
    let forced = run(&folder, &["init", "--url", &url, "--force"]);
    assert_eq!(forced.status.code(), Some(0));
    let printed = run(&folder, &["init", "-", "--url", &url]);
    let file = std::fs::read_to_string(folder.join("suite.yaml")).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), file);
    // A port that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    let nobody = run(&folder, &["init", "other.yaml", "--url", &url]);
    assert_snapshot!(told(&nobody, &url), @"");
    assert!(!folder.join("other.yaml").exists());
}
