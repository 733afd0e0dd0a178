//! The program as people call it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
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

const PREVIEW: [&str; 8] = [
    "approvals",
    "preview",
    "--config",
    "examples/approvals.yaml",
    "--briefing",
    "examples/approvals/briefing.json",
    "--now",
    "2026-03-08T18:30:00Z",
];

fn preview(more: &[&str]) -> Output {
    let all: Vec<&str> = PREVIEW.iter().chain(more).copied().collect();
    run(&all)
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
fn preview_shows_what_each_channel_gets() {
    let shown = preview(&["--channel", "release-room", "events/approval-asks.json"]);
    assert_eq!(code(&shown), 0, "{}", err(&shown));
    assert_snapshot!(out(&shown), @r#"
    route: production

    === release-room (Slack, en) ===
    # shop-release waits for a release manager

    <!subteam^S0123ABCDEF>
    The action ApproveRelease in the stage Production of shop-release waits. 🟠 *Decide by 2026-03-09 09:00 UTC: 14 h 30 min left.*
    Version: `1.9.3 → 2.4.0` 🔴 *MAJOR: may break whoever uses it*
    Started by developer (Webhook)

    *Commits and other sources*
    • `Source` <https://git.example.com/shop/commit/8f14e45f|8f14e45fceea>: Checkout: pay by invoice, by developer

    *What changes in the stack shop-production*
    6 changes: 🔴 *1 removed*, 🔴 *1 replaced*, 🟠 *1 on access*, 🟠 *1 on data*, 2 other
    • 🔴 *REMOVES* `LegacyOrders` (AWS::DynamoDB::Table)
    • 🔴 *REPLACES* `Data/Database` (AWS::RDS::DBInstance): Engine: mysql → postgres; EngineVersion: 8.0 → 17.2
    • changes `TaskRole` (AWS::IAM::Role) 🟠 *[access]*: Policies
    • changes `Uploads` (AWS::S3::Bucket) 🟠 *[data]*: LifecycleConfiguration
    • changes `Service` (AWS::ECS::Service): DesiredCount: 2 → 3
    • adds `InvoiceQueue` (AWS::SQS::Queue)

    *Gates*
    • *✓* The pre-traffic gate of shop passed (d-A1B2C3D4E) · <https://console.aws.amazon.com/s3/object/shop-gate-reports?region=eu-central-1&amp;prefix=reports%2Fshop%2Fd-A1B2C3D4E%2Fpre-traffic.html|report>

    *Variables*
    • `RELEASE` = `2.4.0`

    *Comment in the pipeline*
    • Release 2.4.0: new checkout

    <https://decision.example.com/d/preview-of-a-signed-link-to-view|See everything>
    <https://shop.example.com/releases/v2.4.0|Link given in the pipeline>
    <https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1|The pipeline in the AWS console>

    [ Comment, for the record ]

    [Approve] [Reject]

          10 of      50 blocks
          40 of     150 characters of the header
         527 of    3000 characters of the longest section
          63 of     300 characters of the notification
        3540 of   13000 characters of all blocks
    "#);
    let all = out(&preview(&["events/approval-asks.json"]));
    for recipient in [
        "release-room",
        "managers:release-manager@example.com",
        "shanghai",
        "change-log",
    ] {
        assert!(all.contains(&format!("=== {recipient}")), "{recipient}");
    }
    assert!(all.contains("等待审批"), "the channel's own language");
}

#[test]
fn a_preview_is_of_the_time_at_which_its_message_was_sent() {
    let shown = |event: &str| {
        let config = [
            "--config",
            "examples/approvals.yaml",
            "--channel",
            "release-room",
        ];
        let told = run(&[&["approvals", "preview"], &config[..], &[event]].concat());
        assert_eq!(code(&told), 0, "{}", err(&told));
        told
    };
    for event in ["approval-asks", "approval-through-sqs"] {
        let told = shown(&format!("events/{event}.json"));
        assert!(
            out(&told).contains("Decide by 2026-03-09 09:00 UTC: 6 d 23 h"),
            "{}",
            out(&told)
        );
        let left_out = "without --briefing, what is looked up (commits, versions, change sets, what gates said) is left out";
        assert!(err(&told).starts_with(left_out), "{}", err(&told));
    }
    let paused = shown("events/approval-ecs-pause.json");
    assert!(
        out(&paused).contains("Decide by 2026-05-05 10:00 UTC: 1 d 0 h left"),
        "{}",
        out(&paused)
    );
    assert!(
        out(&paused).contains("|The deployment in the AWS console>"),
        "{}",
        out(&paused)
    );
    // One that says nothing of its time.
    let alone = file("alone.json", APPROVAL);
    assert!(out(&shown(&alone)).contains("The time to decide ended"));
}

#[test]
fn preview_speaks_other_languages_and_occasions() {
    let shown = preview(&[
        "--channel",
        "everybody",
        "--language",
        "zh",
        "--occasion",
        "approved",
        "events/approval-asks.json",
    ]);
    assert_snapshot!(out(&shown), @r#"
    route: production

    === everybody (SNS, zh) ===
    Subject: shop-release: Production was approved

    shop-release：Production 阶段已批准
    ✓ release-manager 已批准，时间 2026-03-08 18:30 UTC

    查看全部：
    https://decision.example.com/d/preview-of-a-signed-link-to-view

    流水线中给出的链接：
    https://shop.example.com/releases/v2.4.0

    在 AWS 控制台中查看流水线：
    https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1

    -- 
    由 deploy-hooks 发送，所有时间均为 UTC。

          37 of     100 characters of the subject
         455 of  262144 bytes of the message
    "#);
}

#[test]
fn preview_as_json_has_payloads_and_sizes_within_their_limits() {
    let shown = preview(&["--format", "json", "events/approval-asks.json"]);
    let shown: Value = serde_json::from_str(&out(&shown)).unwrap();
    assert_eq!(shown["route"], "production");
    for message in shown["messages"].as_array().unwrap() {
        assert!(message["payload"].is_object());
        for size in message["sizes"].as_array().unwrap() {
            assert!(size["is"].as_u64() <= size["limit"].as_u64(), "{size}");
        }
    }
    let same = preview(&["--json", "events/approval-asks.json"]);
    assert_eq!(serde_json::from_str::<Value>(&out(&same)).unwrap(), shown);
}

#[test]
fn preview_as_html_is_the_page_of_a_mail() {
    let page = preview(&[
        "--channel",
        "managers",
        "--format",
        "html",
        "events/approval-asks.json",
    ]);
    assert!(out(&page).starts_with("<!doctype html>"));
    let none = preview(&[
        "--channel",
        "release-room",
        "--format",
        "html",
        "events/approval-asks.json",
    ]);
    assert_eq!(code(&none), 2);
    assert_snapshot!(err(&none), @"none of these channels gets HTML; name one of kind ses with --channel");
}

#[test]
fn preview_takes_a_message_alone_and_never_shows_its_token() {
    let routes = file("routes.yaml", ROUTES);
    let mut child = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args(["approvals", "preview", "--config", &routes, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(APPROVAL.as_bytes())
        .unwrap();
    let shown = child.wait_with_output().unwrap();
    assert_eq!(code(&shown), 0);
    let shown = out(&shown);
    assert!(
        shown.contains("=== room (Slack, en) ===")
            && shown.contains("=== mail:lead@example.com (e-mail, en) ===")
    );
    assert!(!shown.contains("0c35520a"), "{shown}");
}

#[test]
fn preview_of_all_sample_events_ends_well_or_says_why() {
    for entry in fs::read_dir(root().join("events")).unwrap() {
        let path = entry.unwrap().path();
        let shown = preview(&["--channel", "on-call", &path.to_string_lossy()]);
        match code(&shown) {
            0 => assert!(out(&shown).contains("=== on-call"), "{path:?}"),
            1 | 2 => assert!(!err(&shown).is_empty(), "{path:?}"),
            other => panic!("{path:?} ended with {other}"),
        }
    }
}

#[test]
fn the_decision_of_a_gate_that_stops_a_release_is_shown_as_its_route_tells_it() {
    let stopped = "events/approval-gate-stopped.json";
    let config = ROUTES.replace(
        "routes:\n",
        "routes:\n  - { name: stops, match: { gate: '*', passed: false }, tell: [room] }\n",
    );
    let config = file("decisions.yaml", &config);
    let of = |config: &str, event: &str| run(&["approvals", "preview", "--config", config, event]);
    let shown = of(&config, stopped);
    assert_snapshot!(out(&shown), @r#"
    route: stops

    === room (Slack, en) ===
    # The pre-traffic gate stopped shop 1.2.0 (d-ABCDEF123)

    check "a reader buys a book" failed: expected status 201, got 503
    At AfterAllowTestTraffic.

    <https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1&amp;prefix=reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic.html|Open the link>

           3 of      50 blocks
          53 of     150 characters of the header
         172 of    3000 characters of the longest section
          53 of     300 characters of the notification
         531 of   13000 characters of all blocks
    "#);
    assert_eq!(err(&shown), "");
    // People were asked before: those channels hear of their question.
    let asked = fs::read_to_string(root().join(stopped)).unwrap();
    let asked = asked.replace(
        "\"passed\": false,",
        "\"passed\": false, \"case\": \"n6j2sa3llfsi7obdlyl7xd5ppy\", \"people\": \"unanswered\",",
    );
    let shown = of(&config, &file("ended.json", &asked));
    assert!(
        out(&shown).contains("The pre-traffic gate stopped shop 1.2.0"),
        "{}",
        err(&shown)
    );
    assert_snapshot!(err(&shown), @"channels that were asked about this gate hear what became of the question in place of this message");
    let unrouted = of(&file("no-decisions.yaml", ROUTES), stopped);
    assert_eq!(code(&unrouted), 1);
    let why = err(&unrouted);
    assert!(why.starts_with("nobody is told: no route takes the gate's decision; add one with `match: { passed: false }` to "), "{why}");
    let passed = of(&config, "events/approval-gate-decided.json");
    assert_eq!(code(&passed), 2, "{}", err(&passed));
    assert!(err(&passed).contains("only changes what was sent before"));
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
