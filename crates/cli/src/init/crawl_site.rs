//! What answers at an address: the first page, and the usual places where a service tells how it is.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Client, redirect};
use url::Url;

const CRAWL_TIMEOUT: Duration = Duration::from_secs(10);
/// Nobody's first page is longer before its title.
const MAX_BODY_BYTES: usize = 256 * 1024;
const MAX_REDIRECTS: usize = 5;
/// Where services tell how they are, or which version they are.
const USUAL_PATHS: [&str; 12] = [
    "/health",
    "/healthz",
    "/api/health",
    "/actuator/health",
    "/livez",
    "/readyz",
    "/status",
    "/ping",
    "/version",
    "/api/version",
    "/robots.txt",
    "/sitemap.xml",
];
/// What no service has; one that answers it with success answers everything.
const ABSENT_PATH: &str = "/deploy-hooks-looks-for-a-page-that-does-not-exist";

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) path: String,
    pub(super) status: u16,
    /// Its `content-type`, without parameters.
    pub(super) media_type: Option<String>,
    /// Where a redirect leads.
    pub(super) location: Option<String>,
    pub(super) body: String,
    pub(super) took: Duration,
}

/// All that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    /// The first page, behind its redirects.
    pub(super) home: Page,
    /// What the usual places answered.
    pub(super) usual: Vec<Page>,
    /// What a page answered that does not exist.
    pub(super) nowhere: Option<Page>,
}

/// Looks, and changes nothing: GET only.
pub(super) async fn crawl_site(base: &Url) -> Result<Answers, String> {
    // An error says that another part of the process has chosen one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .user_agent(concat!("deploy-hooks/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .timeout(CRAWL_TIMEOUT)
        .build()
        .map_err(|error| reason(&error))?;
    let home = first_page(&client, base).await?;
    let usual = USUAL_PATHS.iter().map(|path| get(&client, base, path));
    let (usual, nowhere) = tokio::join!(join_all(usual), get(&client, base, ABSENT_PATH));
    Ok(Answers {
        home,
        usual: usual.into_iter().flatten().collect(),
        nowhere: nowhere.ok(),
    })
}

async fn first_page(client: &Client, base: &Url) -> Result<Page, String> {
    let mut page = get(client, base, "/").await?;
    for _ in 0..MAX_REDIRECTS {
        let next = page.location.as_ref().and_then(|to| {
            let here = base.join(&page.path).ok()?;
            here.join(to).ok()
        });
        let Some(next) = next.filter(|next| next.origin() == base.origin()) else {
            break;
        };
        let path = &next[url::Position::BeforePath..url::Position::AfterQuery];
        // Beside a base, two slashes would begin the name of another host.
        if path.starts_with("//") {
            break;
        }
        page = get(client, base, path).await?;
    }
    Ok(page)
}

async fn get(client: &Client, base: &Url, path: &str) -> Result<Page, String> {
    let url = base.join(path).map_err(|error| error.to_string())?;
    let began = Instant::now();
    let answer = client
        .get(url)
        .send()
        .await
        .map_err(|error| reason(&error))?;
    let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
    let media_type = header("content-type").map(|value| {
        let end = value.find(';').unwrap_or(value.len());
        value[..end].trim().to_ascii_lowercase()
    });
    let (status, location) = (answer.status().as_u16(), header("location"));
    let body = body_of(answer).await?;
    Ok(Page {
        path: path.to_owned(),
        status,
        media_type,
        location,
        body,
        took: began.elapsed(),
    })
}

async fn body_of(mut answer: reqwest::Response) -> Result<String, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error))? {
        let left = MAX_BODY_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(left)]);
        if body.len() == MAX_BODY_BYTES {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The innermost reason: the others repeat that a request failed.
fn reason(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    inner.to_string()
}
