#![allow(missing_docs)]
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use axum::{Json, Router, http::StatusCode, routing::{get, post}};
use gate::*;
use serde_json::json;

static N: AtomicUsize = AtomicUsize::new(0);

async fn serve(bad: bool) -> url::Url {
    let r = Router::new()
        .route("/", get(|| async { tokio::time::sleep(Duration::from_millis(38)).await; ([("content-type", "text/html")], "<h1>Welcome</h1>") }))
        .route("/version", get(|| async { Json(json!({"version": "1.2.0"})) }))
        .route("/api/books", get(|| async { tokio::time::sleep(Duration::from_millis(90)).await; Json(json!([{"id": 1}])) }))
        .route("/api/checkout", post(move || async move {
            tokio::time::sleep(Duration::from_millis(140)).await;
            let n = N.fetch_add(1, Ordering::SeqCst);
            if bad && n % 3 != 0 { (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": "payment provider not configured", "code": "PAY-17", "hint": "set PAYMENT_URL", "token": "abc"}))) }
            else { (StatusCode::CREATED, Json(json!({"total": 19.9}))) }
        }));
    let l = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let u = format!("http://{}/", l.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(l, r).await });
    u
}

#[tokio::main]
async fn main() {
    let shop = std::fs::read_to_string("examples/suites/shop.yaml").unwrap();
    let facts: BTreeMap<String, String> = [("application","shop"),("deployment_group","shop-production"),("deployment_id","d-4QX7LWN2B"),("cluster","shop"),("service","shop"),("image","123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1.2.0"),("version","1.2.0"),("old_version","1.1.4"),("task_definition","arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:42"),("platform","ecs")].into_iter().map(|(a,b)|(a.to_owned(),b.to_owned())).collect();
    let pre_fail = shop.replace("  - name: books\n", "  - name: search finds what was added in this release, with a rather long name so that it wraps somewhere\n    http: GET http://search.invalid/\n    retries: 1\n  - name: books\n");
    let bake = shop.replace("bake: 20s", "bake: 6s").replace("every: 2s", "every: 150ms").replace("failure_limit: 0", "failure_limit: 9").replace("    expect:\n      - status: 201", "    retries: 0\n    expect:\n      - status: 201");
    for (name, text, stage, bad) in [("pass", shop.clone(), Stage::PreTraffic, false), ("fail", pre_fail, Stage::PreTraffic, true), ("bakefail", bake.clone(), Stage::PostTraffic, true), ("bakepass", bake, Stage::PostTraffic, false)] {
        N.store(1, Ordering::SeqCst);
        let out = run(Run { suite: Suite::parse("shop.yaml", &text).unwrap(), stage, target: Target { base_url: serve(bad).await, facts: facts.clone() }, secrets: BTreeMap::new(), http: HttpOptions::default(), deadline: tokio::time::Instant::now() + Duration::from_secs(60) }).await;
        println!("{name} {:#?}", out.verdict);
        std::fs::write(format!("/tmp/shots/{name}.html"), report::html(&out.report)).unwrap();
        std::fs::write(format!("/tmp/shots/{name}.json"), report::json(&out.report)).unwrap();
    }
    let out = Outcome::refused("shop", Stage::PreTraffic, facts, vec!["suite.yaml:12:9: unknown key \"staus\"; did you mean \"status\"?".into(), "suite.yaml:20:3: two checks have the name \"checkout\"; the other one is in line 14; reports need to tell them apart".into()]);
    std::fs::write("/tmp/shots/refused.html", report::html(&out.report)).unwrap();
}
