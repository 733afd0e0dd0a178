//! Suites that include others, and files beside them, by each command that reads a suite.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;

const SUITE: &str = "\
version: 1
name: shop
include: [shared/pages.yaml]
checks:
  - name: an order
    http: { method: POST, url: /order, body_file: files/order.json }
";
const PAGES: &str = "\
defaults: { http: { retries: 0 } }
checks:
  - name: home page
    http: GET /home
";

/// Takes an order of a book, answers 404 at `/gone` and 200 elsewhere.
fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = Vec::new();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                head.push(std::mem::take(&mut line).to_lowercase());
            }
            let length = head
                .iter()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.trim().parse().unwrap());
            let mut body = vec![0; length];
            std::io::Read::read_exact(&mut reader, &mut body).unwrap();
            let is_good = match head.first().map_or("", String::as_str) {
                request if request.starts_with("post /order ") => body == br#"{"book":7}"#,
                request => !request.starts_with("get /gone "),
            };
            let status = if is_good { "200 OK" } else { "404 Not Found" };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

/// A folder with the suite and what lies beside it.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("included-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    for (file, text) in [
        ("suites/shop.yaml", SUITE),
        ("suites/shared/pages.yaml", PAGES),
        ("suites/files/order.json", r#"{"book":7}"#),
    ] {
        let file = folder.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    folder
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    command.args(args).current_dir(folder);
    command
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    format!(
        "{}{}exit {code}",
        text(&output.stdout),
        text(&output.stderr)
    )
}

#[test]
fn each_problem_has_the_name_of_its_own_file() {
    let folder = folder("problems");
    let validate = |args: &[&str]| {
        let args = [&["validate", "suites/shop.yaml"], args].concat();
        shown(&command(&folder, &args).output().unwrap())
    };
    assert_snapshot!(validate(&[]), @r#"
    suites/shop.yaml: right, 2 checks
    exit 0
    "#);
    let pages = folder.join("suites/shared/pages.yaml");
    std::fs::write(&pages, PAGES.replace("GET /home", "GETT /home")).unwrap();
    std::fs::remove_file(folder.join("suites/files/order.json")).unwrap();
    assert_snapshot!(validate(&[]), @r#"
    suites/shop.yaml:6:51: body_file: files/order.json could not be read: No such file or directory (os error 2); its path is relative to the file that names it
    suites/shared/pages.yaml:4:11: unknown method "GETT"; did you mean GET?
    exit 3
    "#);
    assert_snapshot!(validate(&["--format", "github"]), @r#"
    ::error file=suites/shop.yaml,line=6,col=51::body_file: files/order.json could not be read: No such file or directory (os error 2); its path is relative to the file that names it
    ::error file=suites/shared/pages.yaml,line=4,col=11::unknown method "GETT"; did you mean GET?
    exit 3
    "#);
    // Notes and what a gate would refuse as well.
    let refused = "checks:\n  - name: elsewhere\n    http: GET https://shop.example.com/\n";
    std::fs::write(&pages, refused).unwrap();
    std::fs::write(folder.join("suites/files/order.json"), "{}").unwrap();
    assert_snapshot!(validate(&[]), @r#"
    suites/shared/pages.yaml:3:11: nothing says that https://shop.example.com is the release under test; before traffic, and while an earlier release serves customers, only the release counts; write a path, or `reaches_release: true` if the URL leads to the version under test, or `allow_origins: ["https://shop.example.com"]` if another place is meant, or `on: post-traffic`
    exit 3
    "#);
    // Larger than any file beside a suite may be, and a folder.
    let large = std::fs::File::create(folder.join("suites/files/order.json")).unwrap();
    large.set_len(9 * 1024 * 1024).unwrap();
    std::fs::remove_file(&pages).unwrap();
    std::fs::create_dir(&pages).unwrap();
    assert_snapshot!(validate(&[]), @r#"
    suites/shop.yaml:3:11: include: shared/pages.yaml could not be read: Is a directory (os error 21); its path is relative to the file that names it
    suites/shop.yaml:6:51: body_file: files/order.json could not be read: it is larger than 8 MiB; its path is relative to the file that names it
    exit 3
    "#);
    let mut from_stdin = command(&folder, &["validate", "-"]);
    from_stdin.stdin(std::fs::File::open(folder.join("suites/shop.yaml")).unwrap());
    assert_snapshot!(shown(&from_stdin.output().unwrap()), @r#"
    -:3:11: include: shared/pages.yaml could not be read: a suite from standard input has nothing beside it; name its file; its path is relative to the file that names it
    -:6:51: body_file: files/order.json could not be read: a suite from standard input has nothing beside it; name its file; its path is relative to the file that names it
    exit 3
    "#);
}

#[test]
fn what_is_included_is_explained_and_measured() {
    let folder = folder("measured");
    let explained = command(&folder, &["explain", "suites/shop.yaml"]).output();
    assert_snapshot!(shown(&explained.unwrap()), @r#"
    shop pre-traffic: 2 checks, one round, at most 10 at once, in this order
      home page  must pass
        http GET /home
        1 expectation, one try of 5s
      an order   must pass
        http POST /order
        1 expectation, one try of 5s

    shop post-traffic: 2 checks, one round, at most 10 at once, in this order
      home page  must pass
        http GET /home
        1 expectation, one try of 5s
      an order   must pass
        http POST /order
        1 expectation, one try of 5s
    exit 0
    "#);
    let url = service();
    let args = ["check", "suites/shop.yaml", "--url", &url, "--json"];
    let output = command(&folder, &args).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"]["passed"], true, "{report}");
    let names = report["checks"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["home page", "an order"]);
    let files = report["files"].as_array().unwrap().iter();
    let files: Vec<&str> = files.map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(
        files,
        [
            "suites/shop.yaml",
            "suites/files/order.json",
            "suites/shared/pages.yaml"
        ]
    );
}

#[test]
fn a_watched_suite_runs_again_when_a_file_beside_it_changes() {
    let folder = folder("watched");
    let url = service();
    let args = ["check", "suites/shop.yaml", "--url", &url, "--watch"];
    let mut child = command(&folder, &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
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
    let pages = folder.join("suites/shared/pages.yaml");
    std::fs::write(&pages, PAGES.replace("/home", "/gone")).unwrap();
    until("failed after");
    until("waiting for a change");
    // One that is gone may come again.
    std::fs::remove_file(&pages).unwrap();
    until("waiting for a change");
    std::fs::write(&pages, PAGES).unwrap();
    until("passed after");
    until("waiting for a change");
    std::fs::write(folder.join("suites/files/order.json"), "{}").unwrap();
    until("failed after");
    child.kill().unwrap();
    child.wait().unwrap();
}
