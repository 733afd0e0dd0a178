//! The scripted model, asked as gates ask one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use common::aws::Aws;
use gate::cloud::{CloudProbes as _, ModelQuery};
use hook::ModelsOnly;
use local_aws::{Server, WorldOptions};
use serde_json::{Value, json};

async fn server(name: &str) -> Server {
    let folder = format!("local-aws-bedrock-{name}-{}", std::process::id());
    let options = WorldOptions {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        upstream: "http://127.0.0.1:1".parse().unwrap(),
        data_dir: std::env::temp_dir().join(folder),
        images: BTreeMap::new(),
    };
    Server::start("127.0.0.1:0".parse().unwrap(), options)
        .await
        .unwrap()
}

fn models(server: &Server) -> ModelsOnly {
    ModelsOnly(Aws::new(&|name| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ENDPOINT_URL" => Some(format!("http://{}", server.address())),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    }))
}

async fn ask(models: &ModelsOnly, messages: Value) -> Result<Value, String> {
    let query = ModelQuery {
        model: "eu.anthropic.claude-haiku-4-5-20251001-v1:0".to_owned(),
        body: json!({ "messages": messages }),
    };
    models.converse(&query).await.map_err(|error| error.0)
}

async fn script(server: &Server, script: Value) {
    let at = format!("http://{}/_local/model", server.address());
    let told = reqwest::Client::new()
        .post(at)
        .json(&script)
        .send()
        .await
        .unwrap();
    assert!(told.status().is_success(), "{}", told.text().await.unwrap());
}

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": [{ "text": text }] })
}

#[tokio::test]
async fn a_model_says_what_its_script_has_and_is_tried_again_where_it_is_throttled() {
    let server = server("says").await;
    let models = models(&server);
    script(&server, json!({ "turns": [
        { "error": "ThrottlingException" }, { "tools": [["click", { "ref": "@e1" }]] }, { "text": "done" }
    ] })).await;
    let said = ask(&models, json!([user("a page")])).await.unwrap();
    let tool = &said["output"]["message"]["content"][0]["toolUse"];
    assert_eq!(
        (&said["stopReason"], &tool["name"]),
        (&json!("tool_use"), &json!("click"))
    );
    assert!(said["usage"]["inputTokens"].as_u64().unwrap() > 5);
    assert_eq!(server.world().bedrock.heard().len(), 2);
    // The last one again and again.
    for _ in 0..2 {
        let said = ask(&models, json!([user("a page")])).await.unwrap();
        assert_eq!(said["output"]["message"]["content"][0]["text"], "done");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_bedrock_refuses_is_refused() {
    let server = server("refuses").await;
    let models = models(&server);
    script(&server, json!({ "turns": [{ "text": "yes" }] })).await;
    let used = json!({ "role": "assistant", "content": [{ "toolUse": { "toolUseId": "t", "name": "x", "input": {} } }] });
    let result = json!({ "role": "user", "content": [{ "toolResult": { "toolUseId": "t", "content": [{ "text": "ok" }] } }] });
    assert!(ask(&models, json!([user("a"), used, result])).await.is_ok());
    for wrong in [
        json!([]),
        json!([user("a"), user("b")]),
        json!([user("a"), used, user("b")]),
    ] {
        let why = ask(&models, wrong).await.unwrap_err();
        assert!(why.contains("ValidationException"), "{why}");
    }
    script(
        &server,
        json!({ "turns": [{ "error": "AccessDeniedException" }] }),
    )
    .await;
    let why = ask(&models, json!([user("a")])).await.unwrap_err();
    assert!(
        why.contains("bedrock:InvokeModel") && why.contains("Converse eu.anthropic"),
        "{why}"
    );
    server.stop().await;
}
