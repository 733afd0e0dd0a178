//! The bare loop: status, header and a JSONPath of each answer, as in the suite, with nothing around it.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use reqwest::{Certificate, Client};
use serde_json_path::JsonPath;
use url::Url;

use super::server::{CA, HOST};

pub(super) fn run(url: &Url, checks: usize, at_once: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(all(url, checks, at_once));
}

async fn all(url: &Url, checks: usize, at_once: usize) {
    // reqwest is built without a provider of its own, as in the packages.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address: SocketAddr = url.socket_addrs(|| None).unwrap()[0];
    let client = Client::builder().pool_max_idle_per_host(at_once);
    let (client, base) = if url.scheme() == "https" {
        let authority = Certificate::from_pem(CA.as_bytes()).unwrap();
        let mut base = url.clone();
        base.set_host(Some(HOST)).unwrap();
        (
            client.tls_certs_only([authority]).resolve(HOST, address),
            base,
        )
    } else {
        (client.tls_certs_only([]), url.clone())
    };
    let client = client.build().unwrap();
    let path = Arc::new(JsonPath::parse("$.books[*].price").unwrap());
    let passed = stream::iter(0..checks)
        .map(|number| {
            let request = client.get(base.join(&format!("/books/{number}")).unwrap());
            let path = Arc::clone(&path);
            async move {
                let response = request.send().await.unwrap();
                let header = response.headers().get("content-type");
                let fine = response.status() == 200
                    && header.is_some_and(|value| value.to_str().unwrap().contains("json"));
                let body = response.bytes().await.unwrap();
                let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let prices = path.query(&value).all();
                fine && !prices.is_empty() && prices.iter().all(|price| price.as_f64() > Some(0.0))
            }
        })
        .buffer_unordered(at_once)
        .filter(|fine| std::future::ready(*fine))
        .count()
        .await;
    assert_eq!(passed, checks);
}
