//! Against a real Chromium, without a window. `tools/install.sh chromium` gets one; CHROMIUM names another.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod ends;
mod pictures;
mod requests;
mod site;
mod using;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use browser::{
    Chromium, Decision, IntendedAction, Locator, Navigation, Page, PageOptions, PageRequest,
    ProblemKind, RequestPolicy, TextMatch, Viewport,
};
use tokio::time::Instant;

use site::served;

const DESKTOP: Viewport = Viewport {
    width: 1280,
    height: 800,
    mobile: false,
};

/// What a machine that is busy needs for anything here; what hangs would take longer.
const PLENTY: Duration = Duration::from_secs(30);

const PHONE: Viewport = Viewport {
    width: 390,
    height: 844,
    mobile: true,
};

#[allow(
    clippy::disallowed_methods,
    reason = "where the browser is, and nothing that is measured"
)]
fn program() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    Chromium::find(named.as_deref(), std::env::var_os("PATH")).unwrap_or_else(|why| panic!("{why}"))
}

/// Lets everything out but what has `forbidden` in it, and adds a header where `marked` is.
struct Rules;

impl RequestPolicy for Rules {
    fn decide(&mut self, request: &PageRequest<'_>) -> Decision {
        if request.url.contains("forbidden") {
            return Decision::Refuse(format!("{} is not let out", request.url));
        }
        if request.url.contains("marked") {
            return Decision::SendWith(vec![("x-mark".to_owned(), "set".to_owned())]);
        }
        Decision::Send
    }
}

struct Bench {
    chromium: Arc<Chromium>,
    site: SocketAddr,
}

impl Bench {
    async fn new() -> Self {
        Self {
            chromium: Arc::new(Chromium::start(&program(), &[]).await.unwrap()),
            site: served().await,
        }
    }

    async fn page(&self, viewport: Viewport) -> Page {
        self.opened(viewport, false, Duration::from_secs(30)).await
    }

    async fn opened(&self, viewport: Viewport, accept_dialogs: bool, time: Duration) -> Page {
        let options = PageOptions {
            viewport,
            user_agent: "deploy-hooks/test".to_owned(),
            accept_dialogs,
        };
        let until = Instant::now() + time;
        Page::open(self.chromium.endpoint(), options, Box::new(Rules), until)
            .await
            .unwrap()
    }

    async fn at(&self, path: &str) -> Page {
        let mut page = self.page(DESKTOP).await;
        assert_eq!(self.go(&mut page, path).await, Navigation::Loaded);
        page
    }

    async fn go(&self, page: &mut Page, path: &str) -> Navigation {
        let url = format!("http://{}{path}", self.site);
        let until = Instant::now() + PLENTY;
        page.go(&url, until).await.unwrap()
    }
}

fn button(name: &str) -> Locator {
    Locator::Role {
        role: "button".to_owned(),
        name: Some(TextMatch::Equals(name.to_owned())),
    }
}

fn css(selector: &str) -> Locator {
    Locator::Css(selector.to_owned())
}

async fn seen(page: &mut Page, locator: &Locator) -> (usize, usize) {
    let located = page.locate(locator).await.unwrap();
    (located.all, located.seen)
}

/// Finds one element and clicks it, once it can be.
async fn click(page: &mut Page, locator: &Locator) {
    assert_eq!(seen(page, locator).await.1, 1, "{locator}");
    let at = page.ready(IntendedAction::Click).await.unwrap().unwrap();
    page.click(at).await.unwrap();
}

async fn text_comes(page: &mut Page, text: &str) {
    let until = Instant::now() + PLENTY;
    while !page.view().await.unwrap().text.contains(text) {
        assert!(Instant::now() < until, "{text:?} does not come");
        page.wait(Duration::from_millis(20)).await.unwrap();
    }
}

fn problems(page: &Page, kind: ProblemKind) -> Vec<String> {
    let problems = page.log().problems.iter();
    let of_kind = problems.filter(|problem| problem.kind == kind);
    of_kind.map(|problem| problem.text.clone()).collect()
}
