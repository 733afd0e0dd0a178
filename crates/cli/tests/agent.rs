//! `agent`: a customer of the sample shop, played by a model that a test writes; what it did is recorded, approved, and done
//! again without it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::routing::any;
use axum::{Json, Router};
use serde_json::{Value, json};
use test_support::programs::RunningShop;

/// Bedrock, with a model that buys books.
struct Model {
    url: String,
    asked: Arc<AtomicUsize>,
    _runtime: tokio::runtime::Runtime,
}

impl Model {
    fn open() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let listening = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listening = listening.unwrap();
        let url = format!("http://{}", listening.local_addr().unwrap());
        let router = Router::new()
            .fallback(any(answer))
            .with_state(asked.clone());
        runtime.spawn(async move { axum::serve(listening, router).await });
        Self {
            url,
            asked,
            _runtime: runtime,
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(asked): State<Arc<AtomicUsize>>, Json(body): Json<Value>) -> Json<Value> {
    asked.fetch_add(1, Ordering::SeqCst);
    let last = body["messages"].as_array().unwrap().last().unwrap()["content"][0].clone();
    let page = last["text"]
        .as_str()
        .or(last["toolResult"]["content"][0]["text"].as_str());
    let page = page.unwrap();
    let line = |called: &str| {
        page.lines()
            .find(|line| line.contains('@') && line.contains(called))
    };
    let reference = |called: &str| {
        let line = line(called).unwrap_or_else(|| panic!("{called} in {page}"));
        line.split_whitespace()
            .find(|word| word.starts_with('@'))
            .unwrap()
            .to_owned()
    };
    let (name, input) = if page.contains("Thank you!") {
        ("done", json!({ "summary": "The order is confirmed." }))
    } else if line("link \"Release It!\"").is_some() {
        ("click", json!({ "ref": reference("link \"Release It!\"") }))
    } else if !line("\"Mail\"").unwrap().contains("holds") {
        (
            "type",
            json!({ "ref": reference("\"Mail\""), "data": "mail" }),
        )
    } else if !line("\"Copies\"").unwrap().contains("holds \"2\"") {
        (
            "select",
            json!({ "ref": reference("\"Copies\""), "option": "2" }),
        )
    } else if page.contains("Buy now") && !body.to_string().contains("turn-3") {
        ("click", json!({ "ref": reference("button \"Buy now\"") }))
    } else {
        ("give_up", json!({ "reason": "The button does nothing." }))
    };
    Json(json!({
        "output": { "message": { "role": "assistant", "content": [
            { "toolUse": { "toolUseId": "x", "name": name, "input": input } }
        ] } },
        "stopReason": "tool_use", "usage": { "inputTokens": 900, "outputTokens": 40 }
    }))
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("agent-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What the release must answer for itself.
const REQUEST: &str = "        - name: it is the version\n          http: GET /version\n          expect:\n            - json: { path: $.version, equals: 1.2.3 }\n";

/// The example with a request in its proof, where it may be changed.
fn suite(folder: &Path) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/suites/agent.yaml");
    let suite = folder.join("agent.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let asking = text.replace("      proof:\n", &format!("      proof:\n{REQUEST}"));
    assert_ne!(asking, text);
    std::fs::write(&suite, asking).unwrap();
    suite
}

fn deploy_hooks(model: &Model, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args(args)
        .env("NO_COLOR", "1")
        .env("AWS_ENDPOINT_URL", &model.url)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr];
    texts
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat()
}

const CHECK: &str = "a customer buys two books";

#[test]
fn what_an_agent_did_is_recorded_approved_and_done_again_without_a_model() {
    let (model, release, folder) = (Model::open(), RunningShop::open("none"), folder("record"));
    let suite = suite(&folder);
    let path = suite.to_str().unwrap();
    // The only check with an agent need not be named.
    let call = ["agent", "record", path, "--url", &release.url];
    let output = deploy_hooks(&model, &call);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(model.asked(), 5, "{}", said(&output));
    let recording = folder.join("a-customer-buys-two-books.recording.json");
    let shown = deploy_hooks(&model, &["agent", "show", recording.to_str().unwrap()]);
    insta::assert_snapshot!(said(&shown), @r#"
    a customer buys two books:
      1. click: { role: link, name: "Release It!" }
      2. type: { into: { role: textbox, name: "Mail" }, text: "reader@example.com" }
      3. select: { from: { role: combobox, name: "Copies" }, option: "2" }
      4. click: { role: button, name: "Buy now" }
    "#);
    let approved = deploy_hooks(
        &model,
        &["agent", "approve", recording.to_str().unwrap(), path],
    );
    assert_eq!(approved.status.code(), Some(0), "{}", said(&approved));
    let text = std::fs::read_to_string(&suite).unwrap();
    assert!(
        text.contains("# once; under traffic each round"),
        "what was written stays: {text}"
    );
    assert!(text.contains(REQUEST), "its proof stays: {text}");
    let begun = Instant::now();
    let report = folder.join("report.json");
    let to = format!("json={}", report.display());
    let call = [
        "agent",
        "replay",
        path,
        "--url",
        &release.url,
        "--report",
        &to,
    ];
    let replayed = deploy_hooks(&model, &call);
    assert_eq!(replayed.status.code(), Some(0), "{}", said(&replayed));
    assert!(
        begun.elapsed() < Duration::from_mins(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(model.asked(), 5, "nobody was asked");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let steps = &report["checks"][1]["rounds"][0]["tries"][0]["steps"];
    let asked = steps
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["name"] == "desktop: it is the version");
    assert_eq!(asked.unwrap()["measurement"], "passed", "{steps}");
    // The replay finds what the model found.
    let dead = RunningShop::open("dead-button");
    let replayed = deploy_hooks(&model, &["agent", "replay", path, "--url", &dead.url]);
    assert_ne!(replayed.status.code(), Some(0), "{}", said(&replayed));
    assert_eq!(model.asked(), 5);
}

#[test]
fn a_dead_button_is_found_from_one_sentence() {
    let (model, release, folder) = (
        Model::open(),
        RunningShop::open("dead-button"),
        folder("dead"),
    );
    let suite = suite(&folder);
    let (path, report) = (suite.to_str().unwrap(), folder.join("report.json"));
    let to = format!("json={}", report.display());
    let output = deploy_hooks(
        &model,
        &["check", path, "--url", &release.url, "--report", &to],
    );
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(
        report["checks"][0]["measurement"], "passed",
        "the API is good"
    );
    let one = &report["checks"][1]["rounds"][0]["tries"][0];
    let notes = one["notes"].to_string();
    assert!(
        notes.contains("The button does nothing.") && notes.contains("USD"),
        "{notes}"
    );
    let last = one["steps"].as_array().unwrap().last().unwrap();
    assert!(
        last["pages"][0]["screenshot"]["png"]
            .as_str()
            .unwrap()
            .starts_with("iVBORw0KGgo")
    );
    // Nothing is recorded of what did not reach its goal.
    let call = [
        "agent",
        "record",
        path,
        "--url",
        &release.url,
        "--check",
        CHECK,
    ];
    assert_eq!(deploy_hooks(&model, &call).status.code(), Some(1));
    assert!(
        !folder
            .join("a-customer-buys-two-books.recording.json")
            .exists()
    );
}

#[test]
fn what_can_not_be_recorded_is_said() {
    let (model, folder) = (Model::open(), folder("wrong"));
    let suite = suite(&folder);
    let path = suite.to_str().unwrap();
    let text = std::fs::read_to_string(&suite).unwrap();
    let at = text.find("  - name: a customer").unwrap();
    let other = |name: &str, text: &str| {
        let other = folder.join(name);
        std::fs::write(&other, text).unwrap();
        other.to_str().unwrap().to_owned()
    };
    let (none, two) = (
        &other("none.yaml", &text[..at]),
        &other(
            "two.yaml",
            &format!("{text}{}", text[at..].replace("a customer", "another")),
        ),
    );
    let said_of = |args: &[&str]| {
        let output = deploy_hooks(&model, args);
        format!("{:?}: {}", output.status.code(), said(&output)).replace(path, "agent.yaml")
    };
    let url = "http://127.0.0.1:1";
    let said = [
        said_of(&["agent", "record", none, "--url", url]),
        said_of(&["agent", "record", two, "--url", url]),
        said_of(&[
            "agent",
            "record",
            path,
            "--url",
            url,
            "--check",
            "home page",
        ]),
        said_of(&["agent", "replay", path, "--url", url]),
        said_of(&["agent", "show", path]),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    Some(3): no check of this file has an `agent`

    Some(3): one check is recorded: name it by --check

    Some(3): the check "home page" has no `agent` in this file

    Some(3): nothing is recorded of a customer buys two books: agent record, or --skip

    Some(2): agent.yaml is no recording: expected value at line 1 column 1
    "#);
    assert_eq!(model.asked(), 0);
}
