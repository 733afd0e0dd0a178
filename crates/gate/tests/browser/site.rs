//! A site whose pages can be used, and each of which has a fault of its own.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use url::Url;

const FORM: &str = "<h1>Shop</h1><form onsubmit='return false'>\
    <label>Mail <input id=mail></label><label>Password <input id=password type=password></label>\
    <button id=buy>Buy</button></form><p role=status id=said></p>\
    <script>buy.onclick = () => setTimeout(() => { said.textContent = 'Thank you, ' + mail.value + '!' }, 50)</script>";

async fn answer(uri: Uri, headers: HeaderMap) -> Response {
    let page = |body: &str| {
        let head = "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Shop</title><link rel=icon href='data:,'>";
        Html(format!("{head}<main>{body}</main>")).into_response()
    };
    let said = headers
        .get("x-shop")
        .map_or("", |value| value.to_str().unwrap());
    match uri.path() {
        "/" => page(FORM),
        "/dead" => page(&FORM.replace("buy.onclick", "window.gone")),
        "/covered" => page(&format!(
            "{FORM}<div id=banner style='position:fixed;inset:0;background:#eee'>Cookies?</div>"
        )),
        "/loud" => page(
            "<img src=/gone.png alt=x><script>console.error('it is bad'); setTimeout(() => { throw new Error('thrown') })</script>",
        ),
        "/wide" => page("<div id=banner style='width:800px'>b</div>"),
        "/bare" => Html("<button></button><img src='data:,' width=9 height=9>").into_response(),
        "/away" => Redirect::to("http://127.0.0.1:9/old").into_response(),
        "/other-port" => page("<script src='http://127.0.0.1:9/old.js'></script>"),
        "/dialog" => page("<button onclick='confirm(\"Really?\")'>Ask</button>"),
        "/rule" => page(&format!("<p>{said}</p>")),
        "/stripe" => {
            let port = headers
                .get(header::HOST)
                .unwrap()
                .to_str()
                .unwrap()
                .rsplit_once(':')
                .unwrap()
                .1;
            let colour = port.parse::<u32>().unwrap() % 2 * 200;
            page(&format!(
                "<div style='position:fixed;left:0;top:80px;width:100%;height:80px;background:rgb({colour},0,0)'></div><footer>{port}</footer>"
            ))
        }
        "/ruled" => page(
            "<script src='/assets/old.js'></script><script>fetch('/ruled', { method: 'POST' })</script>",
        ),
        "/busy" => page("<button onclick='for(;;);'>Hang</button>"),
        "/later" => page(
            "<p id=x></p><script>setTimeout(() => { x.innerHTML = '<b class=error>Too late</b>' }, 400); fetch('/slow')</script>",
        ),
        "/deferred" => page(
            "<button onclick='setTimeout(() => { x.innerHTML = \"<b class=error>Declined</b>\" }, 50)'>Pay</button><p id=x></p>",
        ),
        "/put-off" => page(
            "<button onclick='setTimeout(() => { x.innerHTML = \"<b class=error>Declined</b>\" }, 700)'>Pay</button><p id=x></p>",
        ),
        "/faint" => page("<p class=note style='color:#aaa'>as of today</p><p>Shop</p>"),
        "/polling" => {
            page("<p>Shop</p><script>(async () => { for (;;) await fetch('/slow') })()</script>")
        }
        "/hanging" => page("<p>Shop</p><script>fetch('/never')</script>"),
        "/both" => page(
            "<p>Shop</p><script>fetch('/never'); (async () => { for (;;) await fetch('/slow') })()</script>",
        ),
        "/stream" => page("<p>Shop</p><script>new EventSource('/never')</script>"),
        "/socket" => page("<script>new WebSocket(`ws://${location.host}/live`)</script>"),
        "/other-socket" => page("<script>new WebSocket('ws://127.0.0.1:9/live')</script>"),
        "/many" => page(
            "<script>for (let n = 0; n < 150; n++) console.error('advert ' + n); console.error('it is bad')</script>",
        ),
        "/again" => page(
            "<script>for (let n = 0; n < 150; n++) console.error('advert'); console.error('it is bad')</script>",
        ),
        "/crowded" => page(
            "<p id=x></p><script>(async () => { for (let n = 0; n < 520; n++) await fetch('/empty'); x.textContent = 'All asked' })()</script>",
        ),
        "/empty" => StatusCode::NO_CONTENT.into_response(),
        "/never" => std::future::pending().await,
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(600)).await;
            StatusCode::NO_CONTENT.into_response()
        }
        "/secret" => page(
            "<p>x</p><script>console.error('leaked PLANTED-SECRET'); fetch('/gone?q=PLANTED-SECRET')</script>",
        ),
        "/failed" => (StatusCode::SERVICE_UNAVAILABLE, page("<p>down</p>")).into_response(),
        "/policy" => (
            [(header::CONTENT_SECURITY_POLICY, "img-src 'none'")],
            page("<img src=/x.png alt=x>"),
        )
            .into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The address of the site.
pub(super) async fn site() -> Url {
    test_support::chromium::site(Router::new().fallback(get(answer))).await
}
