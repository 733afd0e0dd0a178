//! The service under test: a checkout that works, is broken, or hangs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::loopback::Loopback;

/// How the service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    Well,
    Broken,
    Hanging,
    /// Well for so many requests, broken after.
    WellFor(usize),
    /// Broken twice, well once, and so on.
    Flapping,
    /// The right status, and a body or headers that are meant to take memory or time.
    Hostile(HostileAnswer),
    /// Two revisions behind one rule, as at a step of a canary.
    Two(TwoRevisions),
}

/// Two revisions that answer by their weights: 1.2.0 is the new one. What the test rule demands leads to it alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TwoRevisions {
    /// Of a hundred requests, those that the new one answers.
    pub new_percent: usize,
    pub new_is_broken: bool,
    pub old_is_broken: bool,
    /// A broken answer does not say whose it is.
    pub broken_is_unmarked: bool,
}

impl TwoRevisions {
    /// The answer to the `n`th request, from 0.
    fn answer(self, n: usize, by_test_rule: bool) -> Response {
        let of_new = |requests: usize| requests * self.new_percent / 100;
        let is_new = by_test_rule || of_new(n + 1) > of_new(n);
        let (version, is_broken) = if is_new {
            ("1.2.0", self.new_is_broken)
        } else {
            ("1.1.0", self.old_is_broken)
        };
        if is_broken && self.broken_is_unmarked {
            return (StatusCode::BAD_GATEWAY, "bad gateway").into_response();
        }
        let status = if is_broken {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::CREATED
        };
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("x-version", version.to_owned()),
            ("set-cookie", format!("revision={version}; Path=/")),
        ];
        let body = format!(r#"{{"ok":{},"version":"{version}"}}"#, !is_broken);
        (status, headers, body).into_response()
    }
}

/// What a hostile answer is made of. None of them is the JSON that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostileAnswer {
    /// Small lists in a list: as a tree a hundred times as large.
    Nested,
    /// Brackets that are opened and never closed.
    Deep,
    /// A body without an end.
    Endless,
    /// Says that it is compressed, and is not.
    Undecodable,
    /// More headers than anybody reads.
    Headers,
    /// JSON that breaks off.
    Cut,
    /// A byte now and then.
    Drip,
    /// The right status, and a body that says that it did not work.
    Lie,
}

/// All kinds.
pub const HOSTILE_ANSWERS: [HostileAnswer; 8] = [
    HostileAnswer::Nested,
    HostileAnswer::Deep,
    HostileAnswer::Endless,
    HostileAnswer::Undecodable,
    HostileAnswer::Headers,
    HostileAnswer::Cut,
    HostileAnswer::Drip,
    HostileAnswer::Lie,
];

/// A running service; stops when dropped.
pub struct Service {
    pub port: u16,
    served: Arc<AtomicUsize>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
    _server: Loopback,
}

impl Service {
    pub async fn start(behaviour: Behaviour) -> Self {
        let served = Arc::new(AtomicUsize::new(0));
        let headers = Arc::new(Mutex::new(Vec::new()));
        let heard = headers.clone();
        let record = move |request: Request, next: Next| {
            heard.lock().unwrap().push(request.headers().clone());
            next.run(request)
        };
        let app = Router::new()
            .route("/checkout", post(checkout).get(checkout))
            .layer(axum::middleware::from_fn(record))
            .with_state((behaviour, served.clone()));
        let server = Loopback::start(app).await;
        Self {
            port: server.port,
            served,
            headers,
            _server: server,
        }
    }

    /// Of each request, whether it had this header.
    pub fn header(&self, name: &str) -> Vec<bool> {
        let headers = self.headers.lock().unwrap();
        headers.iter().map(|one| one.contains_key(name)).collect()
    }

    /// How many checkouts were asked for.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }
}

async fn checkout(
    State((behaviour, served)): State<(Behaviour, Arc<AtomicUsize>)>,
    headers: HeaderMap,
) -> Response {
    let before = served.fetch_add(1, Ordering::Relaxed);
    let status = match behaviour {
        Behaviour::Hostile(attack) => return hostile(attack),
        Behaviour::Two(two) => return two.answer(before, headers.contains_key("x-test")),
        Behaviour::Well => StatusCode::CREATED,
        Behaviour::WellFor(n) if before < n => StatusCode::CREATED,
        Behaviour::Flapping if before % 3 == 2 => StatusCode::CREATED,
        Behaviour::Broken | Behaviour::WellFor(_) | Behaviour::Flapping => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Behaviour::Hanging => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::CREATED
        }
    };
    (status, r#"{"ok":true}"#).into_response()
}

fn hostile(attack: HostileAnswer) -> Response {
    let answer = Response::builder()
        .status(StatusCode::CREATED)
        .header("content-type", "application/json");
    let endless = |piece: &'static [u8], pause: Duration| {
        Body::from_stream(futures::stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(piece)), ()))
        }))
    };
    let answer = match attack {
        HostileAnswer::Nested => answer.body(format!("[{}0]", "[0],".repeat(64 * 1024)).into()),
        HostileAnswer::Deep => answer.body("[".repeat(256 * 1024).into()),
        HostileAnswer::Endless => answer.body(endless(&[b' '; 16 * 1024], Duration::ZERO)),
        HostileAnswer::Undecodable => answer
            .header("content-encoding", "gzip")
            .body(r#"{"ok":true}"#.into()),
        HostileAnswer::Headers => (0..10_000)
            .fold(answer, |answer, n| answer.header(format!("x-{n}"), "v"))
            .body(r#"{"ok":true}"#.into()),
        HostileAnswer::Cut => answer.body(r#"{"ok":true"#.into()),
        HostileAnswer::Drip => answer.body(endless(b" ", Duration::from_millis(100))),
        HostileAnswer::Lie => answer.body(r#"{"ok":false}"#.into()),
    };
    answer.unwrap()
}
