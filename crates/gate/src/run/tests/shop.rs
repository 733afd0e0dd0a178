//! A shop on a loopback port, with pages that misbehave.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

/// A running shop; it ends with the test's runtime.
pub(super) struct Shop {
    pub(super) url: Url,
    pub(super) seen: Arc<Seen>,
}

/// What the shop noticed of its visitors.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) requests: AtomicUsize,
    pub(super) at_once: AtomicUsize,
    pub(super) most_at_once: AtomicUsize,
    pub(super) till_works: std::sync::atomic::AtomicBool,
    /// What was asked of the cart and the till, in order.
    pub(super) visits: Mutex<Vec<String>>,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let seen = Arc::new(Seen::default());
        let router = Router::new()
            .route("/", get(home))
            .route(
                "/version",
                get(|| async { Json(json!({ "version": "1.2.0" })) }),
            )
            .route("/api/books", get(books))
            .route("/api/checkout", get(quote).post(checkout))
            .route("/form", post(|body: String| async { body }))
            .route("/echo", get(echo).post(echo))
            .route("/flaky", get(flaky))
            .route("/two-revisions", get(two_revisions).post(two_revisions))
            .route("/worn", get(worn))
            .route("/slow", get(slow))
            .route("/trickle", get(trickle))
            .route("/broken", get(broken))
            .route("/huge", get(|| async { vec![b'x'; 2 * 1024 * 1024] }))
            .route("/not-json", get(|| async { "{ \"total\": " }))
            .route("/moved", get(|| async { Redirect::temporary("/version") }))
            .route("/round", get(|| async { Redirect::temporary("/round") }))
            .route("/posted", post(|| async { Redirect::to("/echo") }))
            .route("/down", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route(
                "/cookie",
                get(|| async { ([(header::SET_COOKIE, "sid=1")], "ok") }),
            )
            .route("/cookies", get(cookies))
            .route("/login", get(login_page).post(login))
            .route("/cart", post(cart).delete(empty_cart))
            .route("/pay", post(pay))
            .route("/logout", post(logout))
            .route("/wild", get(|| async { Json(wild(12)) }))
            .with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    /// An address where nothing listens.
    pub(super) async fn closed() -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap()
    }

    /// A server that takes connections and says nothing, or hangs up at once.
    pub(super) async fn mute(hang_up: bool) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                if !hang_up {
                    kept.push(socket);
                }
            }
        });
        url
    }

    pub(super) fn visits(&self) -> Vec<String> {
        self.seen.visits.lock().unwrap().clone()
    }

    pub(super) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }
}

/// What a session of the shop is called; a visitor must never see it in a report.
pub(super) const SESSION: &str = "session-5d41402abc4b2a76";
pub(super) const CSRF: &str = "c5rf-b9719d911017c592";

fn visit(seen: &Seen, what: impl Into<String>) {
    seen.visits.lock().unwrap().push(what.into());
}

fn is_logged_in(headers: &HeaderMap) -> bool {
    let cookie = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok());
    cookie.is_some_and(|cookie| {
        cookie
            .split("; ")
            .any(|pair| pair == format!("sid={SESSION}"))
    })
}

async fn login_page() -> impl IntoResponse {
    let page = format!(
        "<form method=post><input name=csrf type=hidden value={CSRF}><input name=user></form>"
    );
    ([(header::CONTENT_TYPE, "text/html")], page)
}

async fn login(State(seen): State<Arc<Seen>>, body: String) -> axum::response::Response {
    visit(&seen, "login");
    if !body.contains(&format!("csrf={CSRF}")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let cookie = format!("sid={SESSION}; Path=/; HttpOnly");
    let answer = Json(json!({ "reader": 17, "token": SESSION }));
    ([(header::SET_COOKIE, cookie)], answer).into_response()
}

async fn cart(
    State(seen): State<Arc<Seen>>,
    headers: HeaderMap,
    Json(order): Json<Value>,
) -> axum::response::Response {
    visit(&seen, format!("cart {order}"));
    if !is_logged_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = Json(json!({ "cart": 9_007_199_254_740_993_u64, "lines": 1 }));
    (StatusCode::CREATED, [("x-cart", "c-42")], answer).into_response()
}

/// The till is broken, and says back what it was asked.
async fn pay(
    State(seen): State<Arc<Seen>>,
    headers: HeaderMap,
    body: String,
) -> axum::response::Response {
    visit(&seen, format!("pay {body}"));
    if seen.till_works.load(Ordering::SeqCst) && is_logged_in(&headers) {
        return (StatusCode::CREATED, "paid").into_response();
    }
    let cookie = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok());
    let summary = format!("no till for {} with {body}", cookie.unwrap_or_default());
    (StatusCode::SERVICE_UNAVAILABLE, summary).into_response()
}

async fn empty_cart(State(seen): State<Arc<Seen>>, headers: HeaderMap) -> StatusCode {
    visit(&seen, "empty");
    if is_logged_in(&headers) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::UNAUTHORIZED
    }
}

async fn logout(State(seen): State<Arc<Seen>>) -> StatusCode {
    visit(&seen, "logout");
    tokio::time::sleep(Duration::from_millis(100)).await;
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn home() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        "<h1>Welcome</h1>",
    )
}

/// Two values of one header.
async fn cookies() -> impl IntoResponse {
    let cookies = ["session=1; Path=/", "theme=dark; HttpOnly"];
    let headers = cookies.map(|cookie| (header::SET_COOKIE, cookie));
    (
        axum::response::AppendHeaders(headers),
        Json(json!({ "items": [1, 2, 4] })),
    )
}

async fn books() -> impl IntoResponse {
    Json(json!([
        { "id": 1, "title": "Dune", "price": 12.5, "tags": ["sand", "space"] },
        { "id": 2, "title": "Emma", "price": 7, "tags": [] },
    ]))
}

async fn quote(
    Query(order): Query<std::collections::BTreeMap<String, String>>,
) -> impl IntoResponse {
    let known = order.get("book").is_some_and(|book| book == "7");
    let total = known.then_some(json!({ "total": 19.9 }));
    total.map(Json).ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

async fn checkout(Json(order): Json<Value>) -> impl IntoResponse {
    // Of those that are listed, and the one that suites name.
    if matches!(order["book"].as_u64(), Some(1 | 7)) {
        (
            StatusCode::CREATED,
            Json(json!({ "total": 19.9, "book": 7 })),
        )
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "error": "no such book", "order": order })),
        )
    }
}

/// Says back what it was asked.
async fn echo(
    Query(query): Query<std::collections::BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let headers: Value = headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
        .collect::<serde_json::Map<_, _>>()
        .into();
    Json(json!({ "query": query, "headers": headers, "body": String::from_utf8_lossy(&body) }))
}

/// Fails the first two of three requests.
async fn flaky(State(seen): State<Arc<Seen>>) -> impl IntoResponse {
    let number = seen.requests.fetch_add(1, Ordering::SeqCst) + 1;
    if number.is_multiple_of(3) {
        StatusCode::OK
    } else {
        StatusCode::BAD_GATEWAY
    }
}

/// Each fifth answer is the new revision's; the old one's has another shape. `?broken=new` breaks the new one.
async fn two_revisions(
    State(seen): State<Arc<Seen>>,
    Query(asked): Query<std::collections::HashMap<String, String>>,
) -> axum::response::Response {
    let number = seen.requests.fetch_add(1, Ordering::SeqCst) + 1;
    let is_new = number.is_multiple_of(5) && !asked.contains_key("no-new");
    let broken =
        asked.get("broken").map(String::as_str) == Some(if is_new { "new" } else { "old" });
    let status = if broken {
        StatusCode::BAD_GATEWAY
    } else {
        StatusCode::OK
    };
    let version = if is_new { "1.2.0" } else { "1.1.0" };
    // As error pages do, of the load balancer among others.
    if broken && asked.contains_key("unmarked") {
        return (status, Json(json!({}))).into_response();
    }
    let body = Json(json!({ "version": version }));
    (status, [("x-version", version)], body).into_response()
}

/// Works at first.
async fn worn(State(seen): State<Arc<Seen>>) -> impl IntoResponse {
    let number = seen.requests.fetch_add(1, Ordering::SeqCst) + 1;
    if number <= 2 {
        StatusCode::OK
    } else {
        StatusCode::BAD_GATEWAY
    }
}

async fn slow(State(seen): State<Arc<Seen>>) -> impl IntoResponse {
    let now = seen.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most_at_once.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(100)).await;
    seen.at_once.fetch_sub(1, Ordering::SeqCst);
    "slow"
}

/// A head at once, and a body that never ends.
async fn trickle() -> Body {
    Body::from_stream(stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b".")), ()))
    }))
}

/// A body that ends before it should.
async fn broken() -> impl IntoResponse {
    let pieces = [
        Ok(Bytes::from_static(b"half")),
        Err(std::io::Error::other("cut")),
    ];
    (
        [(header::CONTENT_LENGTH, "100")],
        Body::from_stream(stream::iter(pieces)),
    )
}

/// A small document in which paths find a great deal.
fn wild(depth: usize) -> Value {
    if depth == 0 {
        return json!(1);
    }
    json!([wild(depth - 1), wild(depth - 1)])
}
