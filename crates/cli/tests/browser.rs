//! `check` in a real browser, on releases of the sample shop: all of them answer 200 everywhere, and some can't be used.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use test_support::programs::RunningShop;

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn check(suite: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    command
        .arg("check")
        .arg(suite)
        .args(["--url", url])
        .args(args)
        .env("NO_COLOR", "1");
    command
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/suites/browser.yaml")
}

/// What the example says of a release.
fn judged(fault: &str) -> (Output, Value, String) {
    let release = RunningShop::open(fault);
    let folder = folder(fault);
    let (json, html) = (folder.join("report.json"), folder.join("report.html"));
    let of = |format: &str, file: &Path| format!("{format}={}", file.display());
    let args = [of("json", &json), of("html", &html)];
    let args: Vec<&str> = args.iter().flat_map(|file| ["--report", file]).collect();
    let output = check(&example(), &release.url, &args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = std::fs::read_to_string(&json).unwrap_or_else(|_| panic!("{said}"));
    let page = std::fs::read_to_string(&html).unwrap();
    (output, serde_json::from_str(&report).unwrap(), page)
}

/// The last try of the check in the browser.
fn of_browser(report: &Value) -> &Value {
    let rounds = report["checks"][1]["rounds"].as_array().unwrap();
    rounds.last().unwrap()["tries"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
}

/// Width, height and kind of a picture, from its head.
fn size_of(picture: &Value) -> (u64, u64) {
    let png = picture["png"].as_str().unwrap();
    assert!(png.starts_with("iVBORw0KGgo"), "it is no PNG");
    (
        picture["width"].as_u64().unwrap(),
        picture["height"].as_u64().unwrap(),
    )
}

#[test]
fn a_good_release_passes() {
    let (output, report, _) = judged("none");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let one = of_browser(&report);
    let steps = one["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 14, "seven steps at each of two screens");
    assert_eq!(steps[0]["name"], "desktop: go to /");
    assert_eq!(steps[7]["name"], "phone: go to /");
    assert!(
        one.get("pages").is_none(),
        "nothing is shown of what is good"
    );
    let notes = one["notes"].to_string();
    assert!(
        notes.contains("desktop: the pages were answered by 127.0.0.1:"),
        "{notes}"
    );
}

#[test]
fn a_release_whose_button_is_dead_fails_with_a_picture_of_it() {
    let (output, report, page) = judged("dead-button");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        report["checks"][0]["measurement"], "passed",
        "the API is good"
    );
    let reasons = report["verdict"]["reasons"].to_string();
    assert!(
        reasons.contains("step 7 \\\"desktop: the order is confirmed\\\""),
        "{reasons}"
    );
    let one = of_browser(&report);
    let unmet = one["steps"].as_array().unwrap().last().unwrap();
    let shown = &unmet["pages"][0];
    assert_eq!(size_of(&shown["screenshot"]), (1280, 800));
    assert!(
        shown["snapshot"]
            .to_string()
            .contains("button \\\"Buy now\\\"")
    );
    let requests = shown["requests"].to_string();
    assert!(
        requests.contains("/assets/shop.js: 200 from 127.0.0.1:"),
        "{requests}"
    );
    assert!(
        !requests.contains("POST"),
        "nothing was ordered: {requests}"
    );
    assert!(page.contains("<img class=\"shot\" src=\"data:image/png;base64,iVBORw0KGgo"));
    // The report is looked at by people who must not see what was typed beside what they need.
    let passed: Vec<bool> = one["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["measurement"] == "passed")
        .collect();
    assert_eq!(passed, [true, true, true, true, true, true, false]);
}

#[test]
fn a_release_whose_page_throws_fails_although_everything_can_be_bought() {
    let (output, report, page) = judged("throws");
    assert_eq!(output.status.code(), Some(1));
    let reasons = report["verdict"]["reasons"].to_string();
    assert!(
        reasons.contains("expected no uncaught exceptions")
            && reasons.contains("recommendations is not defined"),
        "{reasons}"
    );
    let one = of_browser(&report);
    assert_eq!(size_of(&one["pages"][0]["screenshot"]), (1280, 800));
    assert!(page.contains("recommendations is not defined"));
}

#[test]
fn a_release_that_does_not_fit_a_phone_fails_at_that_width_only() {
    let (output, report, _) = judged("phone-layout");
    assert_eq!(output.status.code(), Some(1));
    let reasons = report["verdict"]["reasons"].to_string();
    assert!(
        reasons.contains("expected no page wider than the screen")
            && reasons.contains("phone: /books/11 is"),
        "{reasons}"
    );
    assert!(!reasons.contains("desktop"), "{reasons}");
    let one = of_browser(&report);
    assert_eq!(size_of(&one["pages"][0]["screenshot"]), (390, 844));
}

#[test]
fn a_browser_starts_where_the_path_of_temporary_files_is_long() {
    let release = RunningShop::open("none");
    // Chromium's socket must not be below it.
    let temporary = folder(&"long".repeat(20));
    let mut command = check(&example(), &release.url, &[]);
    let output = command.env("TMPDIR", &temporary).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn where_there_is_no_browser_the_call_says_what_to_do() {
    let mut command = check(&example(), "http://127.0.0.1:1", &[]);
    let output = command
        .env("PATH", "/nowhere")
        .env_remove("CHROMIUM")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("there is no Chromium or Chrome on this machine")
            && said.contains("--browser")
            && said.contains("--skip"),
        "{said}"
    );
    // One that is named and does not answer says nothing of the release: the check is errored, and not passed.
    let release = RunningShop::open("none");
    let args = ["--browser", "ws://127.0.0.1:1/devtools/browser/x"];
    let output = check(&example(), &release.url, &args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_ne!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no browser answers at 127.0.0.1:1"), "{said}");
}

/// How many processes have this in their command line.
fn processes(words: &str) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let has = all.filter(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(words)
    });
    has.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_a_browser_whose_run_is_killed() {
    // Profiles stand in a short path alone.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let folder = folder.path();
    let suite = folder.join("suite.yaml");
    let text = "version: 1\nname: s\nchecks:\n  - name: it\n    browser: { step_timeout: 50s, steps: [{ go: / }, { wait_for: { css: '#never' } }] }\n";
    std::fs::write(&suite, text).unwrap();
    let release = RunningShop::open("none");
    let mut command = check(&suite, &release.url, &[]);
    let mut run = command
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let profile = format!("{}/deploy-hooks-browser-", folder.display());
    let until = Instant::now() + Duration::from_mins(1);
    while processes(&profile).len() < 3 {
        assert!(Instant::now() < until, "no browser starts");
        std::thread::sleep(Duration::from_millis(50));
    }
    // Not even asked to end.
    run.kill().unwrap();
    run.wait().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    let left = || std::fs::read_dir(folder).unwrap().count();
    while !processes(&profile).is_empty() || left() > 1 {
        assert!(Instant::now() < until, "{:?} go on", processes(&profile));
        std::thread::sleep(Duration::from_millis(50));
    }
}
