//! A site with what pages have: forms, faults, dialogs, and requests that end late or never.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

const SHOP: &str = r#"<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title></head><body>
<main><h1>Welcome</h1>
<form id="order"><label>Mail <input id="mail" name="mail" value="old"></label>
<label>Password <input id="pw" type="password"></label>
<label>Country <select id="country"><option value="de">Germany</option><option value="fr">France</option></select></label>
<button id="buy" type="button">Buy now</button><button disabled>Sold out</button><button style="display:none">Ghost</button></form>
<p id="said"></p></main>
<script>
document.getElementById('buy').addEventListener('click', () => {
  setTimeout(() => { said.textContent = 'Thank you, ' + mail.value + ' of ' + country.value; }, 100);
});
document.getElementById('mail').addEventListener('keydown', event => { if (event.key === 'Enter') said.textContent = 'entered'; });
</script></body></html>"#;

async fn answer(uri: Uri, headers: HeaderMap) -> Response {
    let page = |body: &str| {
        Html(format!(
            "<!doctype html><html lang=en><title>t</title><main>{body}</main>"
        ))
        .into_response()
    };
    match uri.path() {
        "/" => Html(SHOP).into_response(),
        "/faults" => page(
            "<img src=/gone.png alt=x><script src=/forbidden.js></script>\
             <script>console.error('it is', 'bad'); setTimeout(() => { throw new Error('thrown') }); Promise.reject(new Error('rejected'));\
             fetch('http://127.0.0.1:1/x').catch(() => {})</script>",
        ),
        "/policy" => (
            [(header::CONTENT_SECURITY_POLICY, "img-src 'none'")],
            Html("<title>t</title><main><img src=/x.png alt=x></main>"),
        )
            .into_response(),
        "/covered" => page(
            "<button>Buy</button><div id=cookies style='position:fixed;inset:0;background:#fff'>Cookies?</div>",
        ),
        "/moving" => page(
            "<style>@keyframes go { from { margin-left: 0 } to { margin-left: 300px } } button { animation: go 1s infinite alternate linear }</style><button>Buy</button>",
        ),
        "/far" => page(
            "<div style='height:3000px'></div><button onclick='document.title=\"clicked\"'>Buy</button>",
        ),
        "/wide" => page(
            "<meta name=viewport content='width=device-width'><div id=banner style='width:700px;height:10px'>b</div>",
        ),
        "/dialog" => page("<button onclick='document.title = confirm(\"Sure?\")'>Ask</button>"),
        "/popup" => page("<button onclick='window.open(\"/gone\")'>Open</button>"),
        "/file" => (
            [(header::CONTENT_DISPOSITION, "attachment; filename=bill.pdf")],
            "bytes",
        )
            .into_response(),
        "/download" => page("<a href=/file>Bill</a>"),
        "/busy" => page("<button onclick='for(;;);'>Hang</button>"),
        "/flood" => page("<script>for(;;) console.log('x'.repeat(100))</script>"),
        "/marked" => page(headers.get("x-mark").map_or("no mark", |_| "a mark")),
        "/agent" => page(headers[header::USER_AGENT].to_str().unwrap()),
        "/away" => Redirect::to("/forbidden").into_response(),
        "/shadow" => page(
            "<div id=host></div><script>host.attachShadow({ mode: 'open' }).innerHTML = '<input aria-label=Code><p></p>'; \
             host.shadowRoot.firstChild.oninput = event => { event.target.nextSibling.textContent = event.target.value }</script>",
        ),
        "/closed" => page(
            "<div id=host></div><script>host.attachShadow({ mode: 'closed' }).innerHTML = '<input aria-label=Code>'</script>",
        ),
        "/places" => page(&format!(
            "<div>{}</div><div style='height:3000px'></div><div>{}</div>",
            "<b>x</b> ".repeat(600),
            "<i>x</i> ".repeat(600)
        )),
        "/deferred" => page(
            "<button onclick='setTimeout(() => { document.title = \"done\" }, 50)'>Pay</button>",
        ),
        "/leads-on" => page("<img src=/slow><script>location.replace('/marked')</script>"),
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(20)).await;
            page("late")
        }
        "/hostile" => page(
            "<p>x</p><script>JSON.stringify = document.querySelectorAll = () => { throw 1 }; Element.prototype.getBoundingClientRect = () => null</script>",
        ),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The address of the site.
pub(super) async fn served() -> SocketAddr {
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = socket.local_addr().unwrap();
    let router = Router::new().fallback(get(answer));
    tokio::spawn(async move { axum::serve(socket, router).await });
    address
}
