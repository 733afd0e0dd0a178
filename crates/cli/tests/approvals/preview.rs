//! What people will see of a message, before it is sent.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

use super::{APPROVAL, ROUTES, code, err, file, out, root, run};

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

pub(super) fn preview(more: &[&str]) -> Output {
    let all: Vec<&str> = PREVIEW.iter().chain(more).copied().collect();
    run(&all)
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
