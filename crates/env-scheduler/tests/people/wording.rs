//! What a notice looks like in each channel, and that it keeps to their limits.

use serde_json::Value;

use crate::fixture::{CONFIG, Fixture, TOPIC};
use crate::support::Svc;

const EVERYWHERE: &str = "version: 1
accounts: ['111122223333']
zone: Europe/Berlin
schedules: { office: 'Mon-Fri 09:00-22:00 UTC' }
default_schedule: office
people:
  channels:
    room: { slack: { channel: C0123ABCD, token: 'secretsmanager:bot' } }
    hook: { slack_webhook: { url: 'secretsmanager:hook' } }
    teams: { teams: { url: 'secretsmanager:hook' } }
    shanghai: { ses: { from: environments@example.com, to: shanghai@example.com }, language: zh }
    q: { amazon_q: { topic_arn: 'arn:aws:sns:eu-central-1:111122223333:q' } }
    machine: { webhook: { url: 'secretsmanager:hook', secret: 'secretsmanager:signing' } }
  tell: { notice: [room, hook, teams, shanghai, q, machine] }
  slack_app: { team: T0123, buttons: true }
";

/// Links are long, and different with each key.
fn short(text: &str) -> String {
    let mut parts = text.split("https://env.example.com/e/");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let inside = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        text.push_str("LINK");
        text.push_str(part.trim_start_matches(inside));
    }
    text
}

fn heard(fixture: &Fixture) -> Vec<(String, Value)> {
    fixture.beside(|beside| beside.heard.clone())
}

#[allow(clippy::too_many_lines, reason = "most of it is what people read")]
#[tokio::test]
async fn a_notice_in_each_channel() {
    let fixture = Fixture::with(EVERYWHERE, &[("ENVIRONMENTS_TOPIC", TOPIC)]).await;
    let answer = fixture.tick().await;
    assert_eq!(answer["problems"], serde_json::json!([]));
    let heard = heard(&fixture);
    let slack = &heard
        .iter()
        .find(|(path, _)| path == "/chat.postMessage")
        .unwrap()
        .1;
    insta::assert_snapshot!(shown_slack(slack), @"
    2 services will sleep at 23:00
    --
    On Mon 23 Nov at 23:00 (Europe/Berlin), in 15 minutes.
    Schedule: Mon-Fri 09:00-22:00 UTC.
    Awake again on Tue 24 Nov 10:00.
    If they are needed longer, put the sleep off. A link works for whoever opens it, and asks for confirmation.
    --
    *Services that will sleep*
    • dev/api: 1 task
    • dev/web: 3 tasks
    [1 hour more, until 00:00](button)
    [2 hours more, until 01:00](button)
    [Until Tue 24 Nov 09:00](button)
    [Wake them during the night](LINK)
    ");
    let hook = &heard
        .iter()
        .find(|(_, body)| body["blocks"].is_array() && body["channel"].is_null())
        .unwrap()
        .1;
    insta::assert_snapshot!(buttons(hook), @"
    [1 hour more, until 00:00](LINK)
    [2 hours more, until 01:00](LINK)
    [Until Tue 24 Nov 09:00](LINK)
    [Wake them during the night](LINK)
    ");
    let card = &heard
        .iter()
        .find(|(_, body)| body["attachments"].is_array())
        .unwrap()
        .1;
    let card = &card["attachments"][0]["content"];
    let actions: Vec<&str> = card["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect();
    insta::assert_snapshot!(actions.join(" | "), @"1 hour more, until 00:00 | 2 hours more, until 01:00 | Until Tue 24 Nov 09:00 | Wake them during the night");
    let machine = &heard
        .iter()
        .find(|(_, body)| body["type"].is_string() && body["data"].is_object())
        .unwrap()
        .1;
    insta::assert_snapshot!(short(&format!("{machine:#}")), @r#"
    {
      "type": "environment.notice",
      "timestamp": "2026-11-23T21:45:00Z",
      "data": {
        "format": 1,
        "waiting": false,
        "news": {
          "title": "2 services will sleep at 23:00",
          "lead": [
            "On Mon 23 Nov at 23:00 (Europe/Berlin), in 15 minutes.",
            "Schedule: Mon-Fri 09:00-22:00 UTC.",
            "Awake again on Tue 24 Nov 10:00.",
            "If they are needed longer, put the sleep off. A link works for whoever opens it, and asks for confirmation."
          ],
          "lists": [
            {
              "heading": "Services that will sleep",
              "lines": [
                "dev/api: 1 task",
                "dev/web: 3 tasks"
              ],
              "more": 0
            }
          ],
          "choices": [
            {
              "label": "1 hour more, until 00:00",
              "url": "LINK"
            },
            {
              "label": "2 hours more, until 01:00",
              "url": "LINK"
            },
            {
              "label": "Until Tue 24 Nov 09:00",
              "url": "LINK"
            },
            {
              "label": "Wake them during the night",
              "url": "LINK"
            }
          ]
        }
      }
    }
    "#);
    insta::assert_snapshot!(short(&fixture.mail("shanghai@example.com")), @"
    Subject: 2 个服务将于 23:00 休眠

    2 个服务将于 23:00 休眠
    11月23日 23:00（Europe/Berlin），15 分钟后。
    时间表：Mon-Fri 09:00-22:00 UTC。
    将于 11月24日 10:00 恢复运行。
    如需继续使用，请推迟休眠。打开链接者即可操作，页面会再次确认。

    即将休眠
    - dev/api: 1 个任务
    - dev/web: 3 个任务

    延长 1 小时，至 00:00：
    LINK

    延长 2 小时，至 01:00：
    LINK

    至 11月24日 09:00：
    LINK

    夜间唤醒：
    LINK

    -- 
    由 deploy-hooks 发送，所示为 Europe/Berlin 时间。
    ");
    let published = fixture.beside(|beside| beside.published.clone());
    let topic = published
        .iter()
        .find(|message| message["TopicArn"] == TOPIC)
        .unwrap();
    insta::assert_snapshot!(format!("Subject: {}\n\n{}", topic["Subject"], topic["Message"]), @"
    Subject: 2 services will sleep at 23:00

    2 services will sleep at 23:00
    On Mon 23 Nov at 23:00 (Europe/Berlin), in 15 minutes.
    Schedule: Mon-Fri 09:00-22:00 UTC.
    Awake again on Tue 24 Nov 10:00.

    Services that will sleep
    - dev/api: 1 task
    - dev/web: 3 tasks

    -- 
    Sent by deploy-hooks. Times are those of Europe/Berlin.
    ");
    let q = published
        .iter()
        .find(|message| message["TopicArn"].ends_with(":q"))
        .unwrap();
    let q: Value = serde_json::from_str(&q["Message"]).unwrap();
    insta::assert_snapshot!(short(q["content"]["description"].as_str().unwrap()), @"
    On Mon 23 Nov at 23:00 (Europe/Berlin), in 15 minutes.
    Schedule: Mon-Fri 09:00-22:00 UTC.
    Awake again on Tue 24 Nov 10:00.
    If they are needed longer, put the sleep off. A link works for whoever opens it, and asks for confirmation.
    *Services that will sleep*
    • dev/api: 1 task
    • dev/web: 3 tasks
    ");
}

/// The texts of the blocks, and the buttons.
fn shown_slack(message: &Value) -> String {
    let blocks = message["blocks"].as_array().unwrap();
    let texts = blocks
        .iter()
        .filter_map(|block| block["text"]["text"].as_str());
    let texts: Vec<&str> = texts.collect();
    format!("{}\n{}", texts.join("\n--\n"), buttons(message))
}

fn buttons(message: &Value) -> String {
    let blocks = message["blocks"].as_array().unwrap();
    let actions = blocks.iter().filter(|block| block["type"] == "actions");
    let elements = actions.flat_map(|block| block["elements"].as_array().unwrap());
    let shown = elements.map(|button| {
        let to = button["url"].as_str().map_or("button".to_owned(), short);
        format!("[{}]({to})", button["text"]["text"].as_str().unwrap())
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn two_hundred_services_keep_to_the_limits() {
    let fixture = Fixture::with(EVERYWHERE, &[("ENVIRONMENTS_TOPIC", TOPIC)]).await;
    for n in 0..200 {
        let place = format!(
            "dev/{}-{n:03}",
            "a-service-with-quite-a-long-name".repeat(3)
        );
        fixture.add(&place, Svc::new(2));
    }
    let answer = fixture.tick().await;
    assert_eq!(answer["problems"], serde_json::json!([]));
    let heard = heard(&fixture);
    assert_eq!(heard.len(), 4);
    for (path, body) in &heard {
        let text = body.to_string();
        let limit = if body["attachments"].is_array() {
            28 * 1024
        } else if body["blocks"].is_array() {
            13_500
        } else {
            128 * 1024
        };
        assert!(text.len() < limit, "{path}: {}", text.len());
        let whole = body["data"].is_object();
        assert!(text.contains(" more"), "{path}");
        assert!(whole || !text.contains("name-199"), "{path}");
        assert!(text.contains("202 services will sleep"), "{path}");
    }
    let request = fixture.items("environment-offer#");
    assert_eq!(
        request[0]["services"].as_array().unwrap().len(),
        202,
        "a link is for all of them"
    );
}

#[tokio::test]
async fn what_others_wrote_does_nothing() {
    let fixture = Fixture::with(&CONFIG.replace("leads: {", "room: { slack: { channel: C0123ABCD, token: 'secretsmanager:bot' } }\n    leads: {").replace("notice: leads", "notice: room"), &[]).await;
    let schedule = "Mon-Fri 09:00-22:00 UTC";
    fixture.add(
        "dev/x",
        Svc::new(1).tagged("deploy-hooks:schedule", schedule),
    );
    fixture.tick().await;
    for (_, body) in heard(&fixture) {
        assert!(!body.to_string().contains("<!"), "{body}");
        assert_eq!(body["unfurl_links"], false);
    }
}

#[tokio::test]
async fn buttons_are_links_where_nobody_hears_of_them() {
    let quiet = EVERYWHERE.replace("buttons: true", "buttons: false");
    for (config, secret) in [(quiet.as_str(), "secretsmanager:slack"), (EVERYWHERE, "")] {
        let fixture = Fixture::with(config, &[("SLACK_SECRET", secret)]).await;
        fixture.tick().await;
        let heard = heard(&fixture);
        let slack = heard.iter().find(|(path, _)| path == "/chat.postMessage");
        let shown = buttons(&slack.unwrap().1);
        assert!(
            !shown.contains("button") && shown.contains("(LINK)"),
            "{shown}"
        );
    }
}
