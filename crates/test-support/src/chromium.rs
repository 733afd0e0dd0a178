//! A real Chromium for tests, and the sites that it shows. `tools/install.sh chromium` gets one; CHROMIUM names another.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use browser::Chromium;
use futures::FutureExt;
use gate::browsers::{Browsers, NoBrowser, OpenBrowser, Opening};
use url::Url;

#[allow(
    clippy::disallowed_methods,
    reason = "where the browser is, and nothing that is measured"
)]
pub fn program() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    Chromium::find(named.as_deref(), std::env::var_os("PATH")).unwrap_or_else(|why| panic!("{why}"))
}

/// A Chromium for each try of a check.
#[derive(Debug)]
pub struct ChromiumPerTry;

impl Browsers for ChromiumPerTry {
    fn open<'a>(&'a self, hosts: &'a [(String, String)]) -> Opening<'a> {
        async move {
            let chromium = Chromium::start(&program(), hosts).await;
            let chromium = chromium.map_err(|error| NoBrowser(error.to_string()))?;
            Ok(OpenBrowser {
                endpoint: chromium.endpoint().clone(),
                maps_hosts: true,
                lease: Arc::new(chromium),
            })
        }
        .boxed()
    }
}

/// The address of a site on loopback that these routes answer.
pub async fn site(router: Router) -> Url {
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, router).await });
    base.parse().unwrap()
}
