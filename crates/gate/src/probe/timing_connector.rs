//! Connects, with TLS where the URL asks for it, and notes how long that took.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Extensions, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::Connection;
use tokio::time::Instant;
use tower_service::Service;

use super::connect::Router;
use super::timing::{ConnectTimer, TimedStream};

/// Connects, with TLS where the URL asks for it, and notes how long TLS took.
#[derive(Clone)]
pub(super) struct TimingConnector(pub(super) HttpsConnector<Router>);

impl Service<Uri> for TimingConnector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let begun = Instant::now();
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let stream = connecting.await?;
            if matches!(stream, MaybeHttpsStream::Https(_)) {
                let mut known = Extensions::new();
                stream.connected().get_extras(&mut known);
                if let Some(noted) = known.get::<ConnectTimer>() {
                    noted.secured(begun.elapsed());
                }
            }
            Ok(stream)
        })
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

type Stream = MaybeHttpsStream<TimedStream>;
