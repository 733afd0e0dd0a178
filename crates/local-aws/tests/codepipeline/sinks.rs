//! Teams and generic webhooks.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::bench::Bench;

const JSON: (&str, &str) = ("content-type", "application/json");

fn card(change: impl FnOnce(&mut Value)) -> String {
    let mut card = json!({
        "type": "AdaptiveCard", "version": "1.4",
        "body": [
            { "type": "TextBlock", "text": "shop waits for you" },
            { "type": "FactSet", "facts": [{ "title": "Version", "value": "2.0.0" }] },
        ],
        "actions": [{ "type": "Action.OpenUrl", "title": "Look", "url": "https://example.com" }],
    });
    change(&mut card);
    json!({ "type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card,
    }]})
    .to_string()
}

#[tokio::test]
async fn teams_takes_cards_that_open_links_and_nothing_else() {
    let bench = Bench::new().await;
    let send = async |body: String| {
        let (status, _, body) = bench.post("/_sinks/teams/1", &[JSON], body).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        (
            status,
            body["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(send(card(|_| {})).await, (202, String::new()));
    let refused = (400, "TriggerInputSchemaMismatch".to_owned());
    for change in [
        (|card| card["actions"][0]["type"] = json!("Action.Submit")) as fn(&mut Value),
        |card| card["actions"][0]["url"] = json!("javascript:alert(1)"),
        |card| card["version"] = json!("2.0"),
        |card| card["type"] = json!("Card"),
        |card| card["body"] = json!("text"),
        |card| card["body"][0]["type"] = json!("Marquee"),
        |card| card["body"][0]["text"] = json!(null),
        |card| card["body"][1]["facts"][0]["value"] = json!(2),
    ] {
        assert_eq!(send(card(change)).await, refused);
    }
    assert_eq!(
        send("{".to_owned()).await,
        (400, "InvalidRequestContent".to_owned())
    );
    let of_size = |size: usize| {
        let rest = card(|card| card["body"][0]["text"] = json!("")).len();
        card(move |card| card["body"][0]["text"] = json!("x".repeat(size - rest)))
    };
    assert_eq!(of_size(28 * 1024).len(), 28 * 1024);
    assert_eq!(send(of_size(28 * 1024)).await.0, 202);
    assert_eq!(
        send(of_size(28 * 1024 + 1)).await,
        (413, "RequestEntityTooLarge".to_owned())
    );
}

fn sign(key: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_webhook_is_verified_and_a_replay_noticed() {
    let bench = Bench::new().await;
    let key = b"0123456789abcdef0123456789abcdef";
    let secret = format!("whsec_{}", BASE64.encode(key));
    let path = "/_sinks/webhook/machine";
    let body = r#"{"type":"approval.asked"}"#;
    let now = Timestamp::now().as_second();
    let send = async |id: &str, timestamp: i64, signature: &str| {
        let timestamp = timestamp.to_string();
        let headers = [
            JSON,
            ("webhook-id", id),
            ("webhook-timestamp", timestamp.as_str()),
            ("webhook-signature", signature),
        ];
        bench.post(path, &headers, body.to_owned()).await.0
    };
    let good = sign(key, "msg_1", now, body);
    assert_eq!(
        send("msg_1", now, &good).await,
        401,
        "no secret is known yet"
    );
    let setup = json!({ "webhook_secrets": { "machine": secret } });
    bench.control("/_local/sinks", setup).await;
    assert_eq!(send("msg_1", now, &good).await, 200);
    assert_eq!(send("msg_1", now, &good).await, 200);
    assert_eq!(send("msg_2", now, &good).await, 401, "the id is signed too");
    assert_eq!(
        send("msg_1", now - 301, &sign(key, "msg_1", now - 301, body)).await,
        401
    );
    assert_eq!(
        send("msg_1", now, &sign(b"another key", "msg_1", now, body)).await,
        401
    );
    let kept = bench.get("/_local/sinks?service=webhook&after=1").await;
    let noticed: Vec<String> = kept["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            format!(
                "{} {}",
                message["answer"]["verified"], message["answer"]["replay"]
            )
        })
        .collect();
    assert_eq!(
        noticed,
        [
            "true false",
            "true true",
            "false null",
            "false null",
            "false null"
        ]
    );
}

#[tokio::test]
async fn a_sink_that_is_not_there_says_which_there_are() {
    let bench = Bench::new().await;
    let (status, _, body) = bench
        .post("/_sinks/pager/1", &[JSON], "{}".to_owned())
        .await;
    assert_eq!(status, 404);
    assert!(body.contains("/_sinks/teams/ID"), "{body}");
}
