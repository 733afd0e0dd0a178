//! A shop on loopback, and the verdict on it of a Hurl file: as it is, and as the suite that it is converted to.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test may panic, and each uses what it needs"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use gate::{Conclusion, HttpOptions, Outcome, Run, Stage, Suite, Target};
use hurl_suite::Inputs;
use url::Url;

pub(crate) struct Shop {
    pub(crate) url: Url,
}

const JSON: &str = r#"{"id":7,"name":"Dune","price":9.5,"ok":true,"none":null,"tags":["a","b"],"empty":[],
"items":[{"id":1,"kind":"x"},{"id":2,"kind":"y"}],"object":{"a":1},"digits":"7","blank":"","null_text":"null","list_text":"[]"}"#;

impl Shop {
    pub(crate) async fn open() -> Self {
        let flaky = Arc::new(AtomicU32::new(0));
        let app = Router::new()
            .route("/json", get(|| async { headers(JSON) }))
            .route("/text", get(|| async { headers("Hello, reader") }))
            .route("/empty", get(|| async { "" }))
            .route("/slow", get(slow))
            .route("/login", get(login))
            .route("/redirect", get(|| async { to("/text") }))
            .route("/twice", get(|| async { to("/redirect") }))
            .route("/themes", get(themes))
            .route("/place", get(|| async { at("/json") }))
            .route("/away", get(|| async { at("//127.0.0.1/json") }))
            .route(
                "/place/of/all",
                get(|| async { at("http://127.0.0.1/json") }),
            )
            .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
            .route("/flaky", get(flaky_answer))
            .route("/reset", get(reset))
            .route("/echo", any(echo))
            .with_state(flaky);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self {
            url: url.parse().unwrap(),
        }
    }

    /// The verdict on a file. The suite that it is converted to must come to the same.
    pub(crate) async fn verdict(&self, file: &str, given: &Inputs) -> Outcome {
        let direct = hurl_suite::suite("shop.hurl", file, given)
            .unwrap_or_else(|problems| panic!("{problems}\n{file}"));
        let yaml = hurl_suite::yaml("shop.hurl", file, given).unwrap();
        let converted = Suite::parse("shop.yaml", &yaml)
            .unwrap_or_else(|problems| panic!("{problems}\n{yaml}"));
        let direct = self.run(direct).await;
        let converted = self.run(converted).await;
        assert_eq!(
            direct.verdict.conclusion, converted.verdict.conclusion,
            "{file}\n{yaml}"
        );
        direct
    }

    async fn run(&self, suite: Suite) -> Outcome {
        let names = suite.secrets.keys();
        let secrets = names.map(|name| (name.clone(), "hunter22".to_owned()));
        let secrets: BTreeMap<String, String> = secrets.collect();
        gate::run(Run {
            suite,
            stage: Stage::PreTraffic,
            target: Target {
                base_url: Some(self.url.clone()),
                ..Target::default()
            },
            secrets,
            http: HttpOptions::default(),
            cloud: None,
            browsers: None,
            memory: None,
            deadline: tokio::time::Instant::now() + Duration::from_secs(30),
        })
        .await
    }

    pub(crate) async fn passes(&self, file: &str) {
        self.passes_with(file, &Inputs::default()).await;
    }

    pub(crate) async fn passes_with(&self, file: &str, given: &Inputs) {
        let outcome = self.verdict(file, given).await;
        assert_eq!(
            outcome.verdict.conclusion,
            Conclusion::Passed,
            "{file}\n{:?}",
            outcome.verdict.reasons
        );
    }

    pub(crate) async fn fails(&self, file: &str) {
        let outcome = self.verdict(file, &Inputs::default()).await;
        assert_eq!(outcome.verdict.conclusion, Conclusion::Failed, "{file}");
    }

    /// Each of the lines on the answer of a path.
    pub(crate) async fn each(&self, path: &str, holds: &[&str], violated: &[&str]) {
        for line in holds {
            self.passes(&asserting(path, line)).await;
        }
        for line in violated {
            self.fails(&asserting(path, line)).await;
        }
    }
}

/// A file with one request and one assert, or several.
pub(crate) fn asserting(path: &str, line: &str) -> String {
    format!("GET {{{{host}}}}{path}\nHTTP *\n[Asserts]\n{line}\n")
}

pub(crate) fn vars(pairs: &[(&str, &str)]) -> Inputs {
    let pairs = pairs.iter();
    Inputs {
        vars: pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        secrets: Vec::new(),
    }
}

fn headers(body: &'static str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        "application/json; charset=utf-8".parse().unwrap(),
    );
    headers.insert("x-one", "first value".parse().unwrap());
    headers.insert("x-blank", "".parse().unwrap());
    headers.append("x-two", "a".parse().unwrap());
    headers.append("x-two", "b".parse().unwrap());
    response
}

fn to(place: &str) -> Response {
    (StatusCode::FOUND, [("location", place.to_owned())]).into_response()
}

fn at(place: &'static str) -> Response {
    (StatusCode::CREATED, [("location", place)]).into_response()
}

/// Sets one cookie twice, and another once.
async fn themes() -> Response {
    let mut response = "themes".into_response();
    for cookie in [
        "theme=dark; Path=/",
        "theme=light; Path=/; HttpOnly",
        "session=s; Path=/",
    ] {
        let headers = response.headers_mut();
        headers.append("set-cookie", cookie.parse().unwrap());
    }
    response
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(300)).await;
    "at last"
}

async fn login() -> Response {
    let mut response = "<input name=csrf value=t0ken> session: 42".into_response();
    let headers = response.headers_mut();
    headers.append(
        "set-cookie",
        "session=s3ss10n; Path=/; HttpOnly; Max-Age=60"
            .parse()
            .unwrap(),
    );
    headers.append("set-cookie", "theme=dark; Path=/".parse().unwrap());
    headers.insert("x-next", "/echo".parse().unwrap());
    response
}

/// Every third request is answered well.
async fn flaky_answer(State(count): State<Arc<AtomicU32>>) -> StatusCode {
    if count.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn reset(State(count): State<Arc<AtomicU32>>) {
    count.store(0, Ordering::Relaxed);
}

/// What was sent, as lines: method, query, headers of interest, body.
async fn echo(RawQuery(query): RawQuery, headers: HeaderMap, request: Request) -> String {
    let mut lines = vec![
        format!("method={}", request.method()),
        format!("query={}", query.unwrap_or_default()),
    ];
    for name in [
        "content-type",
        "cookie",
        "authorization",
        "accept-encoding",
        "x-own",
    ] {
        if let Some(value) = headers.get(name) {
            lines.push(format!("{name}={}", value.to_str().unwrap()));
        }
    }
    let body = axum::body::to_bytes(request.into_body(), 100_000)
        .await
        .unwrap();
    lines.push(format!("body={}", String::from_utf8_lossy(&body)));
    lines.join("\n")
}
