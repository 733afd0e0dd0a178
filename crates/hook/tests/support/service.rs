//! The service under test: a checkout that works, is broken, or hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;

/// How the service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    Broken,
    Hanging,
    /// Well for so many requests, broken after.
    WellFor(usize),
}

/// A running service; stops when dropped.
pub struct Service {
    pub port: u16,
    served: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    pub async fn start(mood: Mood) -> Self {
        let served = Arc::new(AtomicUsize::new(0));
        let app = Router::new()
            .route("/checkout", post(checkout))
            .with_state((mood, served.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, served, task }
    }

    /// How many checkouts were asked for.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }
}

async fn checkout(State((mood, served)): State<(Mood, Arc<AtomicUsize>)>) -> StatusCode {
    let before = served.fetch_add(1, Ordering::Relaxed);
    match mood {
        Mood::Well => StatusCode::CREATED,
        Mood::WellFor(n) if before < n => StatusCode::CREATED,
        Mood::Broken | Mood::WellFor(_) => StatusCode::SERVICE_UNAVAILABLE,
        Mood::Hanging => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::CREATED
        }
    }
}
