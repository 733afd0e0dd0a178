//! Slack's limits, one by one.

use serde_json::{Value, json};

use crate::bench::Bench;

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const TOKEN: (&str, &str) = ("authorization", "Bearer xoxb-test");

async fn call(bench: &Bench, method: &str, input: Value) -> Value {
    let path = format!("/_sinks/slack/api/{method}");
    let (status, _, body) = bench.post(&path, &[JSON, TOKEN], input.to_string()).await;
    assert_eq!(status, 200);
    serde_json::from_str(&body).unwrap()
}

fn text(kind: &str, length: usize) -> Value {
    json!({ "type": kind, "text": "x".repeat(length) })
}

fn section(length: usize) -> Value {
    json!({ "type": "section", "text": text("mrkdwn", length) })
}

fn button(change: &Value) -> Value {
    let mut button =
        json!({ "type": "button", "action_id": "approve", "text": text("plain_text", 5) });
    for (name, value) in change.as_object().unwrap() {
        button[name] = value.clone();
    }
    json!({ "type": "actions", "elements": [button] })
}

fn confirm(lengths: [usize; 4]) -> Value {
    button(&json!({ "confirm": {
        "title": text("plain_text", lengths[0]), "text": text("mrkdwn", lengths[1]),
        "confirm": text("plain_text", lengths[2]), "deny": text("plain_text", lengths[3]),
    }}))
}

/// What Slack says to a message with these blocks: `ok`, or the error.
async fn blocks(bench: &Bench, blocks: Value) -> String {
    let input = json!({ "channel": "C0123456789", "text": "fallback", "blocks": blocks });
    let answer = call(bench, "chat.postMessage", input).await;
    answer["error"].as_str().unwrap_or("ok").to_owned()
}

#[tokio::test]
async fn every_limit_is_kept_to_the_character() {
    let bench = Bench::new().await;
    let fields = |count: usize, length: usize| {
        let fields: Vec<Value> = (0..count).map(|_| text("mrkdwn", length)).collect();
        json!({ "type": "section", "fields": fields })
    };
    let context = |count: usize| {
        let elements: Vec<Value> = (0..count).map(|_| text("mrkdwn", 10)).collect();
        json!({ "type": "context", "elements": elements })
    };
    let id = |length: usize| json!({ "type": "divider", "block_id": "x".repeat(length) });
    let with = |name: &str, length: usize| button(&json!({ name: "x".repeat(length) }));
    for (what, fits, too_much) in [
        ("section", section(3000), section(3001)),
        ("section is not empty", section(1), section(0)),
        ("fields", fields(10, 10), fields(11, 10)),
        ("field", fields(1, 2000), fields(1, 2001)),
        (
            "header",
            json!({ "type": "header", "text": text("plain_text", 150) }),
            json!({ "type": "header", "text": text("plain_text", 151) }),
        ),
        (
            "header is plain",
            json!({ "type": "header", "text": text("plain_text", 9) }),
            json!({ "type": "header", "text": text("mrkdwn", 9) }),
        ),
        ("context", context(10), context(11)),
        ("block_id", id(255), id(256)),
        ("action_id", with("action_id", 255), with("action_id", 256)),
        ("button value", with("value", 2000), with("value", 2001)),
        (
            "button text",
            button(&json!({ "text": text("plain_text", 75) })),
            button(&json!({ "text": text("plain_text", 76) })),
        ),
        (
            "button style",
            button(&json!({ "style": "danger" })),
            button(&json!({ "style": "red" })),
        ),
        (
            "confirm title",
            confirm([100, 1, 1, 1]),
            confirm([101, 1, 1, 1]),
        ),
        (
            "confirm text",
            confirm([1, 300, 1, 1]),
            confirm([1, 301, 1, 1]),
        ),
        ("confirm", confirm([1, 1, 30, 1]), confirm([1, 1, 31, 1])),
        ("deny", confirm([1, 1, 1, 30]), confirm([1, 1, 1, 31])),
        (
            "type",
            json!({ "type": "divider" }),
            json!({ "type": "card" }),
        ),
    ] {
        assert_eq!(blocks(&bench, json!([fits])).await, "ok", "{what}");
        assert_eq!(
            blocks(&bench, json!([too_much])).await,
            "invalid_blocks",
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_message_has_limits_as_a_whole() {
    let bench = Bench::new().await;
    let dividers = |count: usize| (0..count).map(|_| json!({ "type": "divider" })).collect();
    assert_eq!(blocks(&bench, dividers(50)).await, "ok");
    assert_eq!(blocks(&bench, dividers(51)).await, "invalid_blocks");
    let sections = |last: usize| {
        json!([
            section(3000),
            section(3000),
            section(3000),
            section(3000),
            section(last)
        ])
    };
    assert_eq!(blocks(&bench, sections(1000)).await, "ok");
    assert_eq!(blocks(&bench, sections(1001)).await, "msg_too_long");
    let same =
        json!([{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }]);
    assert_eq!(blocks(&bench, same).await, "invalid_blocks");
    let long = json!({ "channel": "C0123456789", "text": "x".repeat(40_001) });
    let posted = call(&bench, "chat.postMessage", long).await;
    assert_eq!(
        posted["message"]["text"].as_str().unwrap().len(),
        40_000,
        "it is cut"
    );
}

#[tokio::test]
async fn a_refusal_names_its_place() {
    let bench = Bench::new().await;
    let input =
        json!({ "channel": "C0123456789", "text": "x", "blocks": [section(10), section(3001)] });
    let answer = call(&bench, "chat.postMessage", input).await;
    insta::assert_json_snapshot!(answer, @r#"
    {
      "ok": false,
      "error": "invalid_blocks",
      "response_metadata": {
        "messages": [
          "[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
        ]
      }
    }
    "#);
}

#[tokio::test]
async fn strangers_and_unknown_places_are_refused() {
    let bench = Bench::new().await;
    let path = "/_sinks/slack/api/chat.postMessage";
    let message = json!({ "channel": "C0123456789", "text": "x" }).to_string();
    let error = async |headers: &[(&str, &str)]| {
        let (_, _, body) = bench.post(path, headers, message.clone()).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        body["error"].as_str().unwrap_or("ok").to_owned()
    };
    assert_eq!(error(&[JSON]).await, "not_authed");
    assert_eq!(
        error(&[JSON, ("authorization", "Bearer wrong")]).await,
        "invalid_auth"
    );
    assert_eq!(error(&[JSON, TOKEN]).await, "ok");
    let setup = json!({ "slack_tokens": ["xoxb-known"], "slack_channels": ["C0000000001"] });
    bench.control("/_local/sinks", setup).await;
    assert_eq!(error(&[JSON, TOKEN]).await, "invalid_auth");
    assert_eq!(
        error(&[JSON, ("authorization", "Bearer xoxb-known")]).await,
        "channel_not_found"
    );
}

#[tokio::test]
async fn messages_are_updated_threaded_and_answered_where_they_are() {
    let bench = Bench::new().await;
    let channel = "C0123456789";
    let posted = call(
        &bench,
        "chat.postMessage",
        json!({ "channel": channel, "text": "a" }),
    )
    .await;
    let ts = posted["ts"].as_str().unwrap();
    let update = |ts: &str, text: &str| {
        let input = json!({ "channel": channel, "ts": ts, "text": text });
        call(&bench, "chat.update", input)
    };
    assert_eq!(update(ts, "b").await["ok"], true);
    assert_eq!(update("1.1", "b").await["error"], "message_not_found");
    assert_eq!(update(ts, &"x".repeat(4001)).await["error"], "msg_too_long");
    assert_eq!(update(ts, "").await["error"], "no_text");
    let thread = json!({ "channel": channel, "text": "c", "thread_ts": ts });
    assert_eq!(call(&bench, "chat.postMessage", thread).await["ok"], true);
    let whisper = json!({ "channel": channel, "text": "d" });
    assert_eq!(
        call(&bench, "chat.postEphemeral", whisper).await["error"],
        "user_not_in_channel"
    );
    let path = "/_sinks/slack/response/1";
    for n in 0..6 {
        let (status, _, _) = bench
            .post(path, &[JSON], json!({ "text": "e" }).to_string())
            .await;
        assert_eq!(status, if n < 5 { 200 } else { 404 }, "use {n}");
    }
    let (status, _, body) = bench
        .post("/_sinks/slack/hook/1", &[JSON], "{}".to_owned())
        .await;
    assert_eq!((status, body.as_str()), (400, "no_text"));
}

#[tokio::test]
async fn what_would_notify_people_is_noticed() {
    let bench = Bench::new().await;
    let input = json!({
        "channel": "C0123456789", "text": "fallback",
        "blocks": [
            { "type": "section", "text": { "type": "mrkdwn", "text": "<@U0123> &lt;!channel&gt; <https://example.com|x> <!here>" } },
            { "type": "header", "text": { "type": "plain_text", "text": "<!channel>" } },
        ],
    });
    call(&bench, "chat.postMessage", input).await;
    let kept = bench.get("/_local/sinks?service=slack").await;
    assert_eq!(
        kept["messages"][0]["answer"]["mentions"],
        json!(["@U0123", "!here"])
    );
    assert!(
        !kept.to_string().contains("xoxb-"),
        "credentials are not kept"
    );
}

#[tokio::test]
async fn slack_can_be_told_to_throttle_also_after_the_deed() {
    let bench = Bench::new().await;
    let fault = json!({
        "service": "slack", "operation": "chat.postMessage", "status": 429, "times": 1,
        "after": true, "headers": { "Retry-After": "2" },
    });
    bench.control("/_local/faults", fault).await;
    let message = json!({ "channel": "C0123456789", "text": "x" }).to_string();
    let path = "/_sinks/slack/api/chat.postMessage";
    let (status, headers, body) = bench.post(path, &[JSON, TOKEN], message).await;
    assert_eq!(
        (status, headers["retry-after"].to_str().unwrap()),
        (429, "2")
    );
    assert_eq!(body, r#"{"ok":false,"error":"ratelimited"}"#);
    let kept = bench.get("/_local/sinks?service=slack").await;
    assert_eq!(
        kept["messages"].as_array().unwrap().len(),
        1,
        "it was posted all the same"
    );
    let fault = json!({ "service": "slack", "operation": "chat.postMessage", "status": 200, "times": 1, "code": "fatal_error" });
    bench.control("/_local/faults", fault).await;
    let refused = call(
        &bench,
        "chat.postMessage",
        json!({ "channel": "C0123456789", "text": "x" }),
    );
    assert_eq!(refused.await["error"], "fatal_error");
    let calls = bench.get("/_local/calls?service=slack").await;
    let errors: Vec<&Value> = calls["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| &call["error"])
        .collect();
    assert_eq!(errors, ["ThrottlingException", "fatal_error"]);
}
