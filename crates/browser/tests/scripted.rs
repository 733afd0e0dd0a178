//! Against a browser that is none: one that hangs, breaks off, floods, and speaks nonsense.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use browser::{
    Decision, Endpoint, Error, Locator, Navigation, Page, PageOptions, PageRequest, RequestPolicy,
    Viewport,
};
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

struct All;

impl RequestPolicy for All {
    fn decide(&mut self, _: &PageRequest<'_>) -> Decision {
        Decision::Send
    }
}

async fn serving<F, W>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

type Socket = WebSocketStream<TcpStream>;

/// Answers as a browser with a page does, until `at` is asked; what comes then is up to `then`.
async fn scripted<F, W>(at: &'static str, then: F) -> SocketAddr
where
    F: Fn(Socket, u64) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    serving(move |stream| {
        let then = then.clone();
        async move {
            let Ok(mut socket) = accept_async(stream).await else {
                return;
            };
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                let asked: serde_json::Value = serde_json::from_str(&text).unwrap();
                let id = asked["id"].as_u64().unwrap();
                let method = asked["method"].as_str().unwrap().to_owned();
                if method == at {
                    return then(socket, id).await;
                }
                let result = json!({
                    "product": "Chrome/1", "userAgent": "Mozilla", "browserContextId": "c",
                    "targetId": "t", "sessionId": "s", "frameId": "t", "loaderId": "l"
                });
                let answer = json!({ "id": id, "result": result });
                if socket
                    .send(Message::text(answer.to_string()))
                    .await
                    .is_err()
                {
                    return;
                }
                if method == "Page.navigate" {
                    let loaded = json!({
                        "method": "Page.lifecycleEvent", "sessionId": "s",
                        "params": { "frameId": "t", "loaderId": "l", "name": "load" }
                    });
                    socket.send(Message::text(loaded.to_string())).await.ok();
                }
            }
        }
    })
    .await
}

/// Says nothing, and stays.
async fn stays(socket: Socket) {
    let _kept = socket;
    std::future::pending::<()>().await;
}

async fn open(address: SocketAddr, time: Duration) -> Result<Page, Error> {
    let endpoint = Endpoint::parse(&format!("ws://{address}/devtools/browser/x")).unwrap();
    let options = PageOptions {
        viewport: Viewport {
            width: 800,
            height: 600,
            mobile: false,
        },
        user_agent: String::new(),
        accept_dialogs: false,
    };
    let begun = Instant::now();
    let opened = Page::open(&endpoint, options, Box::new(All), begun + time).await;
    let late = begun.elapsed().saturating_sub(time);
    assert!(late < Duration::from_secs(5), "{late:?} too late");
    opened
}

async fn why(address: SocketAddr) -> String {
    let opened = open(address, Duration::from_millis(800)).await;
    let why = opened.map(|_| ()).unwrap_err().to_string();
    why.replace(&format!(":{}", address.port()), ":PORT")
}

#[tokio::test]
async fn what_is_no_browser_is_said() {
    let refusing: SocketAddr = "127.0.0.1:1".parse().unwrap();
    assert!(
        why(refusing)
            .await
            .contains("no browser answers at 127.0.0.1:")
    );
    let silent = serving(|stream| async move {
        let _kept = stream;
        std::future::pending::<()>().await;
    })
    .await;
    assert!(why(silent).await.contains("no answer in time"));
    let web = serving(|mut stream| async move {
        let mut bytes = [0; 4096];
        let _read = stream.read(&mut bytes).await;
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.ok();
    })
    .await;
    assert_eq!(
        why(web).await,
        "no browser answers at 127.0.0.1:PORT: the handshake is answered with status 404; check that it runs, and that \
         this address reaches it"
    );
    let garbling =
        serving(
            |mut stream| async move { while stream.write_all(b"\0garbage\r\n").await.is_ok() {} },
        )
        .await;
    assert!(why(garbling).await.starts_with("no browser answers at"));
}

#[tokio::test]
async fn a_browser_that_goes_wrong_is_left_with_the_reason() {
    let mute = scripted("Target.createTarget", |socket, _| stays(socket)).await;
    assert_eq!(
        why(mute).await,
        "the browser does not answer Target.createTarget in time"
    );
    let gone = scripted("Target.createTarget", |_socket, _| async {}).await;
    let gone = why(gone).await;
    assert!(
        gone.contains("closed the connection") || gone.contains("broke off"),
        "{gone}"
    );
    let nonsense = scripted("Target.createTarget", |mut socket, _| async move {
        socket.send(Message::text("<html>")).await.ok();
        std::future::pending::<()>().await;
    })
    .await;
    assert!(
        why(nonsense)
            .await
            .starts_with("the browser sent what is no message of the Chrome DevTools Protocol")
    );
    let other = scripted("Target.createTarget", |mut socket, id| async move {
        let answer = format!(r#"{{"id":{id},"result":{{"targetId":7}}}}"#);
        socket.send(Message::text(answer)).await.ok();
        std::future::pending::<()>().await;
    })
    .await;
    assert!(
        why(other)
            .await
            .starts_with("the browser sent what is no message")
    );
    let refuses = scripted("Target.createTarget", |mut socket, id| async move {
        let answer = format!(r#"{{"id":{id},"error":{{"code":-1,"message":"no room"}}}}"#);
        socket.send(Message::text(answer)).await.ok();
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(
        why(refuses).await,
        "the browser refuses Target.createTarget: no room"
    );
    let huge = scripted("Target.createTarget", |mut socket, _| async move {
        socket.send(Message::text("x".repeat(9 << 20))).await.ok();
        std::future::pending::<()>().await;
    })
    .await;
    let address = open(huge, Duration::from_secs(10))
        .await
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(address, Error::TooLarge), "{address}");
}

#[tokio::test]
async fn a_flood_ends() {
    let flood = scripted("Page.navigate", |mut socket, _| async move {
        let event = r#"{"method":"Runtime.consoleAPICalled","sessionId":"s","params":{"type":"log","args":[]}}"#;
        while socket.send(Message::text(event)).await.is_ok() {}
    })
    .await;
    let mut page = open(flood, Duration::from_mins(1)).await.unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let flooded = page.go("http://a/", until).await.unwrap_err();
    assert!(matches!(flooded, Error::Flood { .. }), "{flooded}");
    assert!(page.log().console.len() <= 200 && page.log().left_out > 100_000);
}

#[tokio::test]
async fn a_page_that_crashes_and_one_that_is_closed_are_told_apart() {
    let event = |method: &'static str, params: &'static str| {
        scripted("Page.navigate", move |mut socket: Socket, _| async move {
            let event = format!(r#"{{"method":"{method}","sessionId":"s","params":{params}}}"#);
            socket.send(Message::text(event)).await.ok();
            std::future::pending::<()>().await;
        })
    };
    let until = Instant::now() + Duration::from_secs(5);
    let crashing = event("Inspector.targetCrashed", "{}").await;
    let mut page = open(crashing, Duration::from_secs(5)).await.unwrap();
    let crashed = page.go("http://a/", until).await.unwrap_err();
    assert!(matches!(crashed, Error::Crashed) && crashed.is_of_page());
    let closing = event("Target.detachedFromTarget", r#"{"sessionId":"s"}"#).await;
    let mut page = open(closing, Duration::from_secs(5)).await.unwrap();
    let closed = page.go("http://a/", until).await.unwrap_err();
    assert!(matches!(closed, Error::Closed) && !closed.is_of_page());
}

#[tokio::test]
async fn a_browser_that_stops_answering_is_not_the_pages_fault() {
    let mute = scripted("Page.captureScreenshot", |socket, _| stays(socket)).await;
    let mut page = open(mute, Duration::from_secs(3)).await.unwrap();
    let until = Instant::now() + Duration::from_secs(1);
    assert_eq!(
        page.go("http://a/", until).await.unwrap(),
        Navigation::Loaded
    );
    let silent = page.view().await.unwrap_err();
    assert!(
        matches!(silent, Error::Silent { .. }) && !silent.is_of_page(),
        "{silent}"
    );
}

#[tokio::test]
async fn what_is_asked_of_a_document_that_goes_away_is_asked_of_the_next() {
    let goes_on = scripted("Page.navigate", |mut socket: Socket, id| async move {
        let created = |context: u8| {
            json!({ "method": "Runtime.executionContextCreated", "sessionId": "s", "params": {
                "context": { "id": context, "name": "deploy-hooks", "auxData": { "frameId": "t" } }
            } })
        };
        let destroyed = json!({ "method": "Runtime.executionContextDestroyed", "sessionId": "s",
            "params": { "executionContextId": 1 } });
        let loaded = json!({ "method": "Page.lifecycleEvent", "sessionId": "s",
            "params": { "frameId": "t", "loaderId": "l", "name": "load" } });
        let navigated = json!({ "id": id, "result": { "frameId": "t", "loaderId": "l" } });
        for message in [navigated, created(1), loaded] {
            socket.send(Message::text(message.to_string())).await.ok();
        }
        let mut queries = 0;
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            let asked: serde_json::Value = serde_json::from_str(&text).unwrap();
            let result = match asked["method"].as_str().unwrap() {
                "DOM.getDocument" => json!({ "root": { "backendNodeId": 1 } }),
                "Accessibility.queryAXTree" if queries == 0 => {
                    queries += 1;
                    for event in [destroyed.clone(), created(2)] {
                        socket.send(Message::text(event.to_string())).await.ok();
                    }
                    continue;
                }
                "Accessibility.queryAXTree" => json!({ "nodes": [] }),
                "Runtime.callFunctionOn" => {
                    assert_eq!(asked["params"]["executionContextId"], 2);
                    json!({ "result": { "value": { "all": 0, "seen": 0, "invalid": false } } })
                }
                _ => json!({}),
            };
            let answer = json!({ "id": asked["id"], "result": result });
            socket.send(Message::text(answer.to_string())).await.ok();
        }
    })
    .await;
    let mut page = open(goes_on, Duration::from_secs(20)).await.unwrap();
    let until = Instant::now() + Duration::from_secs(1);
    let went = page.go("http://a/", until).await.unwrap();
    assert_eq!(went, Navigation::Loaded);
    let button = Locator::Role {
        role: "button".to_owned(),
        name: None,
    };
    let located = page.locate(&button).await.unwrap();
    assert_eq!((located.all, located.seen), (0, 0));
}

#[test]
fn an_address_is_one_of_a_websocket() {
    for wrong in [
        "",
        "browser",
        "http://h:1/",
        "ws:///x",
        "ws://u:p@h/",
        "https://h/",
    ] {
        let why = Endpoint::parse(wrong).unwrap_err().to_string();
        assert!(why.contains("ws://HOST:PORT/PATH"), "{wrong}: {why}");
    }
    let endpoint = Endpoint::parse("ws://[::1]:9222/devtools/browser/secret").unwrap();
    assert_eq!(format!("{endpoint:?}"), "Endpoint(\"[::1]:9222\")");
}
