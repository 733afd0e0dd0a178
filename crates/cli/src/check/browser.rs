//! The browser of checks that need one: a Chromium of this machine, or one that listens somewhere.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use browser::Chromium;
use common::settings::environment;
use futures::FutureExt as _;
use gate::browsers::{Browsers, Endpoint, NoBrowser, OpenBrowser, Opening, RemoteBrowser};
use tokio::sync::Mutex;

use crate::failure::Failure;

/// `--browser`
#[derive(Clone, Debug)]
pub(super) enum BrowserChoice {
    /// One that listens there.
    At(Endpoint),
    /// A program of this machine.
    Program(PathBuf),
}

pub(super) fn parse(written: &str) -> Result<BrowserChoice, String> {
    if written.contains("://") {
        let endpoint = Endpoint::parse(written).map_err(|error| error.to_string())?;
        return Ok(BrowserChoice::At(endpoint));
    }
    Ok(BrowserChoice::Program(PathBuf::from(written)))
}

/// What gives checks their browser; an error where there is none on this machine.
pub(super) fn browsers(choice: Option<&BrowserChoice>) -> Result<Arc<dyn Browsers>, Failure> {
    let named = match choice {
        Some(BrowserChoice::At(endpoint)) => {
            return Ok(Arc::new(RemoteBrowser(endpoint.clone())));
        }
        Some(BrowserChoice::Program(program)) => Some(program.clone()),
        None => environment("CHROMIUM").map(PathBuf::from),
    };
    let search_path = environment("PATH").map(Into::into);
    let program = Chromium::find(named.as_deref(), search_path);
    let program = program.map_err(|error| {
        Failure::Wrong(format!(
            "a check of this suite is measured in a browser: {error} (--browser ws://HOST:PORT/PATH), or leave the check \
             out (--skip)"
        ))
    })?;
    Ok(Arc::new(LocalChromium {
        program,
        started: Mutex::new(None),
    }))
}

/// Started for the first check that needs it, and ended with the run.
struct LocalChromium {
    program: PathBuf,
    started: Mutex<Option<Arc<Chromium>>>,
}

impl fmt::Debug for LocalChromium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalChromium")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl Browsers for LocalChromium {
    fn open<'a>(&'a self, hosts: &'a [(String, String)]) -> Opening<'a> {
        async move {
            let mut started = self.started.lock().await;
            // One that was killed is replaced. The names of the release are the same in all of a run.
            let running = started.clone().filter(|chromium| chromium.is_running());
            let chromium = if let Some(chromium) = running {
                chromium
            } else {
                let chromium = Chromium::start(&self.program, hosts).await;
                let chromium = chromium.map_err(|error| NoBrowser(error.to_string()))?;
                Arc::clone(started.insert(Arc::new(chromium)))
            };
            Ok(OpenBrowser {
                endpoint: chromium.endpoint().clone(),
                maps_hosts: true,
                lease: chromium,
            })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_an_address_or_a_program() {
        let at = parse("ws://127.0.0.1:9222/devtools/browser/x").unwrap();
        assert!(matches!(at, BrowserChoice::At(_)));
        let program = parse("/usr/bin/chromium").unwrap();
        assert!(matches!(program, BrowserChoice::Program(_)));
        let wrong = parse("http://127.0.0.1:9222").unwrap_err();
        assert!(wrong.contains("write ws://HOST:PORT/PATH"), "{wrong}");
    }
}
