//! A real Chromium and a small site, for tests that look at pages. `tools/install.sh chromium` gets one; CHROMIUM names another.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use browser::{
    Chromium, Decision, Navigation, Page, PageOptions, PageRequest, RequestPolicy, Viewport,
};
use tokio::time::Instant;

/// What a machine that is busy needs for anything here; what hangs would take longer.
const PLENTY: Duration = Duration::from_mins(1);

struct All;

impl RequestPolicy for All {
    fn decide(&mut self, _: &PageRequest<'_>) -> Decision {
        Decision::Send
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "where the browser is, and nothing that is measured"
)]
fn program() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    Chromium::find(named.as_deref(), std::env::var_os("PATH")).unwrap_or_else(|why| panic!("{why}"))
}

pub(crate) struct Bench {
    _chromium: Chromium,
    pub(crate) site: SocketAddr,
    pub(crate) page: Page,
}

impl Bench {
    /// A page that shows nothing yet, and a site that answers so.
    pub(crate) async fn new(answer: fn(Uri) -> Response) -> Self {
        let chromium = Chromium::start(&program(), &[]).await.unwrap();
        let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let site = socket.local_addr().unwrap();
        let router = Router::new().fallback(get(async move |uri: Uri| answer(uri)));
        tokio::spawn(async move { axum::serve(socket, router).await });
        let options = PageOptions {
            viewport: Viewport {
                width: 1280,
                height: 800,
                mobile: false,
            },
            user_agent: "deploy-hooks/test".to_owned(),
            accept_dialogs: false,
        };
        let until = Instant::now() + PLENTY;
        let page = Page::open(chromium.endpoint(), options, Box::new(All), until)
            .await
            .unwrap();
        Self {
            _chromium: chromium,
            site,
            page,
        }
    }

    pub(crate) async fn go(&mut self, path: &str) {
        let url = format!("http://{}{path}", self.site);
        let until = Instant::now() + PLENTY;
        let went = self.page.go(&url, until).await.unwrap();
        assert_eq!(went, Navigation::Loaded, "{path}");
        assert!(self.page.settle(until).await.unwrap(), "{path}");
    }
}
