//! The shop as a program, good and broken.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

/// A running shop, killed at the end.
struct Shop {
    process: Child,
    url: String,
    client: Client,
}

impl Shop {
    async fn open(fault: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let process = Command::new(env!("CARGO_BIN_EXE_sample-shop"))
            .env("PORT", port.to_string())
            .env("SHOP_VERSION", "1.2.3")
            .env("SHOP_FAULT", fault)
            .env("SHOP_POOL", "2")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let client = Client::builder().timeout(Duration::from_secs(20));
        let shop = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            client: client.build().unwrap(),
        };
        for _ in 0..500 {
            if shop.client.get(shop.at("/health")).send().await.is_ok() {
                return shop;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the shop does not open");
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn checkout(&self) -> u16 {
        let order = json!({ "book": 7, "quantity": 1 });
        let sent = self.client.post(self.at("/api/checkout")).json(&order);
        sent.send().await.unwrap().status().as_u16()
    }

    async fn quote(&self) -> u16 {
        let url = self.at("/api/checkout?book=7&quantity=1");
        let answer = self.client.get(url).send().await.unwrap();
        answer.status().as_u16()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Gone already: as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_good_release_says_its_version_and_sells() {
    let shop = Shop::open("none").await;
    let answer = shop.client.get(shop.at("/version")).send().await.unwrap();
    let version: Value = answer.json().await.unwrap();
    assert_eq!(version, json!({ "version": "1.2.3" }));
    assert_eq!(shop.checkout().await, 201);
}

#[tokio::test]
async fn a_broken_checkout_fails_from_the_first_order_on_and_an_exhausted_pool_later() {
    let shop = Shop::open("checkout").await;
    assert_eq!((shop.checkout().await, shop.quote().await), (500, 500));
    let shop = Shop::open("pool").await;
    let statuses = [
        shop.checkout().await,
        // Nothing is ordered by asking.
        shop.quote().await,
        shop.checkout().await,
        shop.quote().await,
        shop.checkout().await,
    ];
    assert_eq!(statuses, [201, 200, 201, 503, 503]);
}
