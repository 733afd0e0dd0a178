//! Servers of tests, on loopback.

use axum::Router;
use tokio::task::JoinHandle;

/// A server on a port of its own; stops when dropped.
pub struct Loopback {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Loopback {
    pub async fn start(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}
