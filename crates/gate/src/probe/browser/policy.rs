//! Which requests of a page go out. A page must come from the release, or from where the check says. What is in it may
//! come from elsewhere, as fonts do, but not from another listener of the target, behind which an older release may answer.

use std::sync::{Arc, Mutex};

use browser::{Decision, PageRequest, RequestPolicy};
use url::Url;

use crate::probe::client::Clients;
use crate::probe::request_url::Origin;

/// Decides for one check.
pub(super) struct Policy {
    pub(super) clients: Arc<Clients>,
    /// What the release's listener rule demands of every request.
    pub(super) headers: Vec<(String, String)>,
    /// The release by the check's word.
    pub(super) stated: Vec<Origin>,
    pub(super) allowed: Vec<Origin>,
    /// Whether a page of the release was asked for.
    pub(super) reached: Arc<Mutex<bool>>,
}

impl RequestPolicy for Policy {
    fn decide(&mut self, request: &PageRequest<'_>) -> Decision {
        let origin = match Url::parse(request.url) {
            Ok(url) => Origin::of(&url),
            Err(_) => None,
        };
        let Some(origin) = origin else {
            // Nothing of HTTP: what is in the page itself.
            return Decision::Send;
        };
        let release = &self.clients.release;
        let is_release = release.is_at(&origin) || self.stated.contains(&origin);
        if is_release {
            if let (true, Ok(mut reached)) = (request.is_page, self.reached.lock()) {
                *reached = true;
            }
            if release.is_at(&origin) && !self.headers.is_empty() {
                return Decision::SendWith(self.headers.clone());
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
