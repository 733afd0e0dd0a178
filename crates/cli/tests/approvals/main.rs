//! The program as people call it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod preview;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;
use preview::preview;
use serde_json::Value;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args(args)
        .current_dir(root())
        .output()
        .unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A file of this test alone.
fn file(name: &str, text: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&folder, text).unwrap();
    folder.to_string_lossy().into_owned()
}

const ROUTES: &str = r#"
version: 1
channels:
  room: {slack: {channel: C0123456789, token: "env:TOKEN"}}
  mail: {ses: {from: releases@example.com, to: [lead@example.com]}}
routes:
  - name: all
    match: {pipeline: "shop-*"}
    tell: [room, mail]
    policy: {approvers: ["email:lead@example.com"]}
"#;

const APPROVAL: &str = r#"{"region":"eu-central-1","consoleLink":null,"approval":{"pipelineName":"shop-release",
  "stageName":"Production","actionName":"Approve","token":"0c35520a-b7e6-403d-ba3f-e02120b524c3",
  "expires":"2026-03-09T09:00Z","approvalReviewLink":"https://console.aws.amazon.com/x#/0c35520a-b7e6-403d-ba3f-e02120b524c3"}}"#;

#[test]
fn help_shows_examples() {
    let help = run(&["approvals", "preview", "--help"]);
    assert_eq!(code(&help), 0);
    assert!(out(&help).contains("Examples:") && out(&help).contains("--briefing"));
    let help = run(&["--help"]);
    assert!(out(&help).contains("Exit codes: 0 all is well, 1 something failed, 2 wrong call"));
}

#[test]
fn a_wrong_call_ends_with_2() {
    assert_eq!(code(&run(&["approvals", "preview"])), 2);
    assert_eq!(code(&run(&["approvals", "unknown"])), 2);
    let missing = run(&["approvals", "lint", "nowhere.yaml"]);
    assert_eq!(code(&missing), 2);
    assert_snapshot!(err(&missing), @"nowhere.yaml could not be read: No such file or directory (os error 2)");
}

#[test]
fn lint_shows_the_routes_of_the_example() {
    let linted = run(&["approvals", "lint", "examples/approvals.yaml"]);
    assert_eq!(code(&linted), 0, "{}", err(&linted));
    assert_snapshot!(out(&linted), @r#"
    Channels
      change-log: webhook, en
      chat: Amazon Q, en
      everybody: SNS, en
      managers: e-mail, en
      on-call: Slack webhook, en
      release-room: Slack, en
      shanghai: e-mail, zh
      teams: Microsoft Teams, en
    Routes, the first that matches counts
      1. production
         pipeline / stage / action: shop-* / Production, Production-* / *
         tell: release-room, managers, shanghai, change-log
         decide: 2 of slack:T0123ABCDEF/U0123ABCDEF, slack:T0123ABCDEF/U0456GHIJKL, email:release-manager@example.com
         conditions: a rejection needs a reason; approvals Mon-Thu 09:00-17:00 Europe/Berlin + Fri 09:00-13:00 Europe/Berlin
         reminders: 50%, 80%
         escalate: at 90% to on-call, everybody
      2. staging
         pipeline / stage / action: shop-* / Staging / *
         tell: teams, chat
         decide: 1 of link:teams
         conditions: the starter may approve
      3. the-rest
         matches: everything
         tell: release-room
         decide: nobody by our messages
    Other messages go to: on-call
    "#);
}

#[test]
fn lint_tells_every_problem_with_its_place() {
    let wrong = file(
        "wrong.yaml",
        "version: 1\nchanels: {}\nroutes:\n  - name: a\n    tell: [nobody]\n",
    );
    let linted = run(&["approvals", "lint", &wrong]);
    assert_eq!(code(&linted), 2);
    assert!(out(&linted).is_empty());
    let told = err(&linted);
    assert!(told.lines().count() >= 2, "{told}");
    for line in told.lines() {
        let place = line.strip_prefix(&format!("{wrong}:")).unwrap();
        assert!(
            place.split(':').take(2).all(|n| n.parse::<u32>().is_ok()),
            "{line}"
        );
    }
    let texts = file(
        "texts.yaml",
        &format!("{ROUTES}texts: {{en: {{ask_titel: x}}}}\n"),
    );
    let linted = run(&["approvals", "lint", &texts]);
    assert_eq!(code(&linted), 2);
    assert!(
        err(&linted).contains("there is no text \"ask_titel\""),
        "{}",
        err(&linted)
    );
}

#[test]
fn an_action_without_a_route_is_a_failure() {
    let routes = file("other.yaml", &ROUTES.replace("shop-*", "other-*"));
    let message = file("message.json", APPROVAL);
    let shown = run(&["approvals", "preview", "--config", &routes, &message]);
    assert_eq!(code(&shown), 1);
    assert!(
        err(&shown).starts_with("no route matches shop-release/Production/Approve; add one"),
        "{}",
        err(&shown)
    );
}

#[test]
fn send_test_sends_nothing_unless_told_to() {
    let shown = run(&[
        "approvals",
        "send-test",
        "--config",
        "examples/approvals.yaml",
        "--channel",
        "release-room",
    ]);
    assert_eq!(code(&shown), 0);
    assert_snapshot!(out(&shown), @r#"
    === release-room (Slack) ===
    # A test message from deploy-hooks

    This channel works. Nothing waits for a decision.

    Nothing was sent; --send sends it.
    "#);
    let unknown = run(&[
        "approvals",
        "send-test",
        "--config",
        "examples/approvals.yaml",
        "--channel",
        "rom",
    ]);
    assert_eq!(code(&unknown), 2);
    assert_snapshot!(err(&unknown), @r#"there is no channel "rom"; there are change-log, chat, everybody, managers, on-call, release-room, shanghai, teams"#);
}

#[test]
fn who_is_not_signed_in_is_told_so_and_not_of_the_network() {
    let send = |channel: &str, more: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
        let args = [
            "approvals",
            "send-test",
            "--config",
            "examples/approvals.yaml",
            "--send",
        ];
        command
            .args(args)
            .args(["--channel", channel])
            .current_dir(root());
        for name in [
            "AWS_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", "/nowhere")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let told = command.envs(more.iter().copied()).output().unwrap();
        assert_eq!(code(&told), 2, "{}", err(&told));
        err(&told)
    };
    let nobody = "no AWS credentials were found; set AWS_PROFILE (after `aws configure` or `aws sso login`), or \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    // Its secret lies there; it goes out from there.
    for channel in ["teams", "managers"] {
        assert_eq!(send(channel, &[]).trim(), nobody);
    }
    assert_snapshot!(send("teams", &[("AWS_PROFILE", "releases")]), @r#"the AWS profile "releases" has no credentials; sign in (aws sso login), or set AWS_PROFILE to one that `aws configure list-profiles` names"#);
    let keys = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    assert_snapshot!(send("teams", &keys), @"no AWS region is known; set AWS_REGION, or a region in your AWS profile (or give --region, where there is one)");
}

#[test]
fn texts_lists_what_can_be_replaced() {
    let listed = out(&run(&["approvals", "texts", "--language", "zh"]));
    assert!(listed.contains("ask_title: {pipeline}：{stage} 阶段等待审批"));
    let json: Value = serde_json::from_str(&out(&run(&["approvals", "texts", "--json"]))).unwrap();
    assert_eq!(json["approve"], "Approve");
}

#[test]
fn nothing_is_coloured_in_a_pipe() {
    let linted = run(&["approvals", "lint", "examples/approvals.yaml"]);
    assert!(!out(&linted).contains('\u{1b}'));
}

/// A service on loopback that answers one request and gives back what it was sent.
fn service(answer: &'static str) -> (u16, std::thread::JoinHandle<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        use std::io::Read;
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        // Until the body is whole: it is JSON, and the request's last bytes.
        while !seen.ends_with(b"}") {
            let n = stream.read(&mut piece).unwrap();
            assert!(n > 0, "cut off");
            seen.extend_from_slice(&piece[..n]);
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(seen).unwrap()
    });
    (port, served)
}

#[test]
fn send_test_really_sends() {
    let routes = file("send.yaml", ROUTES);
    let (port, served) = service(r#"{"ok":true,"channel":"C0123456789","ts":"1.0"}"#);
    let sent = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args([
            "approvals",
            "send-test",
            "--config",
            &routes,
            "--channel",
            "room",
            "--send",
            "--allow-private-addresses",
        ])
        .args(["--slack-api-url", &format!("http://127.0.0.1:{port}")])
        .env("TOKEN", "xoxb-s3cr3t")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    assert_eq!(code(&sent), 0, "{}", err(&sent));
    assert_eq!(out(&sent), "sent room\n");
    let seen = served.join().unwrap();
    assert!(seen.starts_with("POST /chat.postMessage") && seen.contains("This channel works"));
    let refused = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args([
            "approvals",
            "send-test",
            "--config",
            &routes,
            "--channel",
            "room",
            "--send",
        ])
        .args(["--slack-api-url", "http://127.0.0.1:1"])
        .env("TOKEN", "xoxb-s3cr3t")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    assert_eq!(code(&refused), 1);
    assert_snapshot!(out(&refused), @r#"failed the channel "room" could not be reached: its URL is not https; use an https URL"#);
    assert!(!format!("{}{}", out(&refused), err(&refused)).contains("s3cr3t"));
}

#[test]
fn an_approval_through_a_queue_is_previewed_as_one() {
    for event in [
        "events/approval-through-sqs.json",
        "events/approval-through-sqs-raw.json",
    ] {
        let shown = preview(&["--channel", "release-room", event]);
        assert_eq!(code(&shown), 0, "{}", err(&shown));
        assert!(
            out(&shown).contains("shop-release waits for"),
            "{}",
            out(&shown)
        );
        assert!(!out(&shown).contains("0c35520a"), "{}", out(&shown));
        assert_eq!(err(&shown), "");
    }
}

#[test]
fn a_message_of_unknown_shape_is_warned_of() {
    let unknown = preview(&["events/approval-unknown.json"]);
    assert_eq!(code(&unknown), 0, "{}", err(&unknown));
    assert!(
        err(&unknown).contains("shape that is not known"),
        "{}",
        err(&unknown)
    );
}

#[test]
fn half_a_pair_of_surrogates_is_read() {
    let text = APPROVAL.replace(
        "\"expires\"",
        r#""customData":"broken \ud83d emoji","expires""#,
    );
    let path = file("surrogate.json", &text);
    let shown = preview(&["--channel", "release-room", &path]);
    assert_eq!(code(&shown), 0, "{}", err(&shown));
    assert!(
        out(&shown).contains("broken \u{fffd} emoji"),
        "{}",
        out(&shown)
    );
}
