//! Which requests of a page go out. A page must come from the release, or from where the check says. What is in it may
//! come from elsewhere, as fonts do, but not from another listener of the target, behind which an older release may answer.
//!
//! What the listener would lead elsewhere by its rules does not go out: whatever answered it would not be the release, and
//! nothing that the page is like without it says anything of the release. Where the check names the release's own origin, another
//! service behind the listener is meant, and is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use browser::{Decision, PageRequest, RequestPolicy};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::probe::client::Clients;
use crate::probe::request_url::{Origin, RequestUrl};

/// Requests that the listener leads elsewhere, of which the report has the reason.
const MAX_MISSED: usize = 5;

/// Decides for one check.
pub(super) struct Policy {
    pub(super) clients: Arc<Clients>,
    /// What the release's listener rule demands of every request.
    pub(super) headers: Arc<HeaderMap>,
    /// The release by the check's word.
    pub(super) stated: Vec<Origin>,
    pub(super) allowed: Vec<Origin>,
    pub(super) requests: Arc<Mutex<Requests>>,
}

/// What became of the requests of a try.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Whether a page of the release was asked for.
    pub(super) reached: bool,
    /// Why a request would not have reached the release. None of these went out.
    pub(super) missed: Vec<String>,
    /// Why a request did not reach the release, as the check allows.
    pub(super) elsewhere: Vec<String>,
}

impl Requests {
    /// Notes one to the release's origin.
    fn note(&mut self, miss: Option<&str>, is_allowed: bool, is_page: bool) {
        let Some(why) = miss else {
            self.reached |= is_page;
            return;
        };
        let all = if is_allowed {
            &mut self.elsewhere
        } else {
            &mut self.missed
        };
        if all.len() < MAX_MISSED && !all.iter().any(|one| one == why) {
            all.push(why.to_owned());
        }
    }
}

impl Policy {
    /// Why the listener leads this request somewhere else.
    fn miss(&self, request: &PageRequest<'_>, url: &Url, origin: &Origin) -> Option<String> {
        let method = Method::from_bytes(request.method.as_bytes()).ok()?;
        let mut headers = as_map(request.headers);
        if request.can_be_held {
            for (name, value) in &*self.headers {
                headers.insert(name, value.clone());
            }
        }
        let url = RequestUrl {
            origin: origin.clone(),
            path: path_and_query(url),
        };
        let met = self.clients.meets_rule(&method, &url, &headers);
        met.err().map(|error| error.message)
    }
}

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// As a load balancer gets them; what is no header does not get there.
fn as_map(headers: &BTreeMap<String, String>) -> HeaderMap {
    let pairs = headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    pairs.collect()
}

impl RequestPolicy for Policy {
    fn decide(&mut self, request: &PageRequest<'_>) -> Decision {
        let url = Url::parse(request.url).ok();
        let Some((origin, url)) = url.and_then(|url| Some((Origin::of(&url)?, url))) else {
            // Nothing of HTTP: what is in the page itself.
            return Decision::Send;
        };
        let release = &self.clients.release;
        let is_release = release.is_at(&origin) || self.stated.contains(&origin);
        if is_release {
            let miss = self.miss(request, &url, &origin);
            // By whichever name of the release it is written.
            let is_allowed = self
                .allowed
                .iter()
                .any(|one| *one == origin || release.is_at(one));
            if let Ok(mut requests) = self.requests.lock() {
                requests.note(miss.as_deref(), is_allowed, request.is_page);
            }
            if let Some(why) = miss.filter(|_| !is_allowed) {
                return Decision::Refuse(why);
            }
            if release.is_at(&origin) && !self.headers.is_empty() {
                let pairs = self.headers.iter().filter_map(|(name, value)| {
                    Some((name.to_string(), value.to_str().ok()?.to_owned()))
                });
                return Decision::SendWith(pairs.collect());
            }
            return Decision::Send;
        }
        if self.allowed.contains(&origin) {
            return Decision::Send;
        }
        let (url, method) = (request.url, request.method);
        if request.is_page {
            return Decision::Refuse(format!(
                "{method} {url}: this page would not come from the release; if the other place is meant, write \
                 allow_origins: [\"{origin}\"]"
            ));
        }
        if self.clients.only_release && release.names_host(&origin.host) {
            return Decision::Refuse(format!(
                "{method} {url}: another listener of the target, behind which another release may answer; if it is meant, \
                 write allow_origins: [\"{origin}\"]"
            ));
        }
        Decision::Send
    }
}
