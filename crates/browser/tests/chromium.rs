//! Against a real Chromium, without a window. `tools/install.sh chromium` gets one; CHROMIUM names another.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use browser::{
    Chromium, Decision, Error, Key, Locator, Navigation, NotActionable, Page, PageOptions,
    PageRequest, ProblemKind, RequestPolicy, TextMatch, Viewport,
};
use tokio::time::Instant;

const DESKTOP: Viewport = Viewport {
    width: 1280,
    height: 800,
    mobile: false,
};
/// What a machine that is busy needs for anything here; what hangs would take longer.
const PLENTY: Duration = Duration::from_secs(30);
const PHONE: Viewport = Viewport {
    width: 390,
    height: 844,
    mobile: true,
};

#[allow(
    clippy::disallowed_methods,
    reason = "where the browser is, and nothing that is measured"
)]
fn program() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    Chromium::find(named.as_deref(), std::env::var_os("PATH")).unwrap_or_else(|why| panic!("{why}"))
}

/// Lets everything out but what has `forbidden` in it, and adds a header where `marked` is.
struct Rules;

impl RequestPolicy for Rules {
    fn decide(&mut self, request: &PageRequest<'_>) -> Decision {
        if request.url.contains("forbidden") {
            return Decision::Refuse(format!("{} is not let out", request.url));
        }
        if request.url.contains("marked") {
            return Decision::SendWith(vec![("x-mark".to_owned(), "set".to_owned())]);
        }
        Decision::Send
    }
}

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

async fn served() -> SocketAddr {
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = socket.local_addr().unwrap();
    let router = Router::new().fallback(get(answer));
    tokio::spawn(async move { axum::serve(socket, router).await });
    address
}

struct Bench {
    chromium: Arc<Chromium>,
    site: SocketAddr,
}

impl Bench {
    async fn new() -> Self {
        Self {
            chromium: Arc::new(Chromium::start(&program(), &[]).await.unwrap()),
            site: served().await,
        }
    }

    async fn page(&self, viewport: Viewport) -> Page {
        self.opened(viewport, false, Duration::from_secs(30)).await
    }

    async fn opened(&self, viewport: Viewport, accept_dialogs: bool, time: Duration) -> Page {
        let options = PageOptions {
            viewport,
            user_agent: "deploy-hooks/test".to_owned(),
            accept_dialogs,
        };
        let until = Instant::now() + time;
        Page::open(self.chromium.endpoint(), options, Box::new(Rules), until)
            .await
            .unwrap()
    }

    async fn at(&self, path: &str) -> Page {
        let mut page = self.page(DESKTOP).await;
        assert_eq!(self.go(&mut page, path).await, Navigation::Loaded);
        page
    }

    async fn go(&self, page: &mut Page, path: &str) -> Navigation {
        let url = format!("http://{}{path}", self.site);
        let until = Instant::now() + PLENTY;
        page.go(&url, until).await.unwrap()
    }
}

fn button(name: &str) -> Locator {
    Locator::Role {
        role: "button".to_owned(),
        name: Some(TextMatch::Equals(name.to_owned())),
    }
}

fn css(selector: &str) -> Locator {
    Locator::Css(selector.to_owned())
}

async fn seen(page: &mut Page, locator: &Locator) -> (usize, usize) {
    let located = page.locate(locator).await.unwrap();
    (located.all, located.seen)
}

/// Finds one element and clicks it, once it can be.
async fn click(page: &mut Page, locator: &Locator) {
    assert_eq!(seen(page, locator).await.1, 1, "{locator}");
    let at = page.ready(false).await.unwrap().unwrap();
    page.click(at).await.unwrap();
}

async fn text_comes(page: &mut Page, text: &str) {
    let until = Instant::now() + PLENTY;
    while !page.view().await.unwrap().text.contains(text) {
        assert!(Instant::now() < until, "{text:?} does not come");
        page.wait(Duration::from_millis(20)).await.unwrap();
    }
}

fn problems(page: &Page, kind: ProblemKind) -> Vec<String> {
    let problems = page.log().problems.iter();
    let of_kind = problems.filter(|problem| problem.kind == kind);
    of_kind.map(|problem| problem.text.clone()).collect()
}

#[tokio::test]
async fn a_page_is_used_as_people_use_it() {
    let bench = Bench::new().await;
    let mut page = bench.at("/").await;
    assert!(page.product().starts_with("Chrome/"), "{}", page.product());
    assert_eq!(seen(&mut page, &button("Buy now")).await, (1, 1));
    assert_eq!(seen(&mut page, &button("Ghost")).await, (0, 0));
    assert_eq!(seen(&mut page, &css("button")).await, (3, 2));
    let part = TextMatch::Contains("Welc".to_owned());
    assert_eq!(seen(&mut page, &Locator::Text(part)).await, (1, 1));
    let all = TextMatch::Equals("Welc".to_owned());
    assert_eq!(seen(&mut page, &Locator::Text(all)).await, (0, 0));

    let mail = Locator::Role {
        role: "textbox".to_owned(),
        name: Some(TextMatch::Equals("Mail".to_owned())),
    };
    assert_eq!(seen(&mut page, &mail).await, (1, 1));
    assert!(page.ready(true).await.unwrap().is_ok());
    assert!(page.enter(false).await.unwrap());
    page.type_text("a Reader+ü@example.com").await.unwrap();
    assert_eq!(
        page.look(None).await.unwrap(),
        [Some("a Reader+ü@example.com".to_owned())]
    );
    assert_eq!(seen(&mut page, &css("#country")).await, (1, 1));
    assert_eq!(page.choose("France").await.unwrap(), Ok(()));
    assert_eq!(
        page.choose("Spain").await.unwrap(),
        Err(NotActionable::NoOption("Germany, France".to_owned()))
    );
    click(&mut page, &button("Buy now")).await;
    text_comes(&mut page, "Thank you, a Reader+ü@example.com of fr").await;
    seen(&mut page, &mail).await;
    page.enter(false).await.unwrap();
    page.press(&Key::parse("Enter").unwrap()).await.unwrap();
    text_comes(&mut page, "entered").await;

    assert!(page.settle(Instant::now() + PLENTY).await.unwrap());
    let view = page.view().await.unwrap();
    assert_eq!(
        (view.title.as_str(), view.lang.as_str(), view.ready),
        ("Shop", "en", true)
    );
    assert!(
        view.ttfb.is_some_and(|ttfb| ttfb >= 0.0) && view.cls < 0.1,
        "{view:?}"
    );
    let tree = page.tree().await.unwrap();
    assert!(tree.iter().any(|node| node.role == "main"));
    assert!(
        tree.iter()
            .any(|node| node.role == "button" && node.name == "Sold out")
    );
    assert_eq!(page.log().problems, [], "{:?}", page.log());
    let first = &page.log().requests[0];
    assert_eq!(
        first.answered_by.as_deref(),
        Some(bench.site.to_string().as_str())
    );
    assert_eq!(first.outcome.as_deref(), Some("200"));
    page.close().await;
}

#[tokio::test]
async fn what_can_not_be_used_is_said_with_what_is_in_the_way() {
    let bench = Bench::new().await;
    let mut page = bench.at("/covered").await;
    seen(&mut page, &button("Buy")).await;
    assert_eq!(
        page.ready(false).await.unwrap().unwrap_err(),
        NotActionable::Covered("div#cookies \"Cookies?\"".to_owned())
    );
    bench.go(&mut page, "/moving").await;
    seen(&mut page, &button("Buy")).await;
    assert_eq!(
        page.ready(false).await.unwrap().unwrap_err(),
        NotActionable::Moving
    );
    bench.go(&mut page, "/").await;
    seen(&mut page, &button("Sold out")).await;
    assert_eq!(
        page.ready(false).await.unwrap().unwrap_err(),
        NotActionable::Disabled
    );
    assert!(matches!(
        page.ready(true).await.unwrap(),
        Err(NotActionable::Disabled)
    ));
    seen(&mut page, &css("h1")).await;
    assert!(matches!(
        page.ready(true).await.unwrap(),
        Err(NotActionable::NoField(_))
    ));
    assert!(page.locate(&css("div[")).await.unwrap().invalid);
    // What is far down is brought onto the screen first.
    bench.go(&mut page, "/far").await;
    click(&mut page, &button("Buy")).await;
    assert_eq!(page.view().await.unwrap().title, "clicked");
}

#[tokio::test]
async fn what_goes_wrong_behind_a_page_is_seen() {
    let bench = Bench::new().await;
    let mut page = bench.at("/faults").await;
    page.settle(Instant::now() + PLENTY).await.unwrap();
    let site = bench.site;
    let exceptions = problems(&page, ProblemKind::Exception);
    assert_eq!(exceptions.len(), 2, "{exceptions:?}");
    assert!(exceptions.iter().any(|text| text.contains("Error: thrown")));
    assert!(
        exceptions
            .iter()
            .any(|text| text.contains("(in promise) Error: rejected"))
    );
    let console = problems(&page, ProblemKind::Console);
    assert!(console[0].starts_with("it is bad (http://"), "{console:?}");
    let mut requests = problems(&page, ProblemKind::Request);
    requests.sort();
    assert!(
        requests[0].starts_with("GET http://127.0.0.1:1/x: "),
        "{requests:?}"
    );
    assert_eq!(requests[1], format!("GET http://{site}/gone.png: 404"));
    assert_eq!(
        problems(&page, ProblemKind::Refused),
        [format!("http://{site}/forbidden.js is not let out")]
    );
    bench.go(&mut page, "/policy").await;
    page.settle(Instant::now() + PLENTY).await.unwrap();
    let policy = problems(&page, ProblemKind::ContentPolicy);
    assert!(
        policy.len() == 1 && policy[0].contains("img-src"),
        "{policy:?}"
    );
}

#[tokio::test]
async fn dialogs_windows_and_files_do_not_keep_a_page_waiting() {
    let bench = Bench::new().await;
    let mut page = bench.at("/dialog").await;
    click(&mut page, &button("Ask")).await;
    assert_eq!(page.view().await.unwrap().title, "false");
    assert_eq!(problems(&page, ProblemKind::Dialog), ["confirm: \"Sure?\""]);
    bench.go(&mut page, "/popup").await;
    click(&mut page, &button("Open")).await;
    page.wait(Duration::from_millis(300)).await.unwrap();
    assert_eq!(
        problems(&page, ProblemKind::PopUp),
        [format!("http://{}/gone", bench.site)]
    );
    bench.go(&mut page, "/download").await;
    click(&mut page, &css("a")).await;
    page.wait(Duration::from_millis(300)).await.unwrap();
    assert_eq!(
        problems(&page, ProblemKind::Download),
        [format!("bill.pdf from http://{}/file", bench.site)]
    );
    let mut page = bench.opened(DESKTOP, true, Duration::from_secs(20)).await;
    bench.go(&mut page, "/dialog").await;
    click(&mut page, &button("Ask")).await;
    assert_eq!(page.view().await.unwrap().title, "true");
    assert_eq!(page.log().problems, []);
}

#[tokio::test]
async fn requests_go_out_as_the_policy_says() {
    let bench = Bench::new().await;
    let mut page = bench.at("/marked").await;
    assert_eq!(page.view().await.unwrap().text.trim(), "a mark");
    bench.go(&mut page, "/agent").await;
    let agent = page.view().await.unwrap().text;
    assert!(
        agent.contains("deploy-hooks/test") && !agent.contains("Headless"),
        "{agent}"
    );
    let left = bench.go(&mut page, "/away").await;
    assert_eq!(
        left,
        Navigation::Failed("net::ERR_BLOCKED_BY_CLIENT".to_owned())
    );
    assert_eq!(problems(&page, ProblemKind::Refused).len(), 1);
    let nobody = page
        .go("http://127.0.0.1:1/", Instant::now() + PLENTY)
        .await;
    assert!(
        matches!(&nobody, Ok(Navigation::Failed(why)) if why.contains("ERR_")),
        "{nobody:?}"
    );
    let url = format!("http://{}/slow", bench.site);
    let late = page
        .go(&url, Instant::now() + Duration::from_millis(500))
        .await
        .unwrap();
    assert_eq!(late, Navigation::Unfinished);
}

#[tokio::test]
async fn a_phone_has_a_narrow_screen() {
    let bench = Bench::new().await;
    let mut page = bench.page(PHONE).await;
    bench.go(&mut page, "/").await;
    assert_eq!(page.overflow().await.unwrap(), None);
    let shot = page.screenshot(&[], &[]).await.unwrap();
    assert_eq!((shot.width, shot.height), (390, 844));
    bench.go(&mut page, "/wide").await;
    let overflow = page.overflow().await.unwrap().unwrap();
    assert!(
        overflow.width >= 700 && overflow.by == "div#banner \"b\"",
        "{overflow:?}"
    );
}

#[tokio::test]
async fn secrets_are_not_in_a_picture() {
    let bench = Bench::new().await;
    let mut page = bench.at("/").await;
    let shot = |png: &str| data_encoding::BASE64.decode(png.as_bytes()).unwrap();
    seen(&mut page, &css("#mail")).await;
    page.enter(false).await.unwrap();
    page.type_text("first-planted").await.unwrap();
    let bare = page.screenshot(&[], &[]).await.unwrap();
    let masked = page
        .screenshot(&[], &["first-planted".to_owned()])
        .await
        .unwrap();
    assert_ne!(shot(&bare.png), shot(&masked.png));
    // The same picture whatever the secret is: nothing of it shows.
    seen(&mut page, &css("#mail")).await;
    page.enter(false).await.unwrap();
    page.type_text("other-planted").await.unwrap();
    let other = page
        .screenshot(&[], &["other-planted".to_owned()])
        .await
        .unwrap();
    assert_eq!(shot(&masked.png), shot(&other.png));
    // A mask that a suite names.
    let named = page.screenshot(&["#mail".to_owned()], &[]).await.unwrap();
    assert_eq!(shot(&named.png), shot(&other.png));
    assert!(page.screenshot(&["div[".to_owned()], &[]).await.is_err());
    // It leaves nothing behind.
    assert_eq!(seen(&mut page, &css("#deploy-hooks-mask")).await, (0, 0));
}

#[tokio::test]
async fn secrets_in_the_shadow_are_not_in_a_picture() {
    let bench = Bench::new().await;
    let field = Locator::Role {
        role: "textbox".to_owned(),
        name: Some(TextMatch::Equals("Code".to_owned())),
    };
    let mut page = bench.page(DESKTOP).await;
    // In an open one by what it shows, and in a closed one by what was typed.
    for (path, secret) in [("/shadow", false), ("/closed", true)] {
        let mut pictures = Vec::new();
        for typed in ["first-planted", "other-planted"] {
            bench.go(&mut page, path).await;
            assert_eq!(seen(&mut page, &field).await, (1, 1));
            assert!(page.enter(secret).await.unwrap(), "{path}");
            page.type_text(typed).await.unwrap();
            let bare = page.screenshot(&[], &[]).await.unwrap();
            let secrets = [typed.to_owned()];
            let masked = page.screenshot(&[], &secrets).await.unwrap();
            pictures.push((bare.png, masked.png));
        }
        assert!(pictures[0].1 == pictures[1].1, "{path}");
        // Without its word the one that is told shows.
        assert_eq!(pictures[0].0 == pictures[1].0, secret, "{path}");
    }
    // A mask that a suite names.
    bench.go(&mut page, "/shadow").await;
    let bare = page.screenshot(&[], &[]).await.unwrap();
    let masked = page.screenshot(&["input".to_owned()], &[]).await.unwrap();
    assert!(bare.png != masked.png);
}

#[tokio::test]
async fn where_not_all_can_be_covered_there_is_no_picture() {
    let bench = Bench::new().await;
    let mut page = bench.at("/places").await;
    let many = page.screenshot(&["b".to_owned()], &[]).await;
    assert!(
        matches!(&many, Err(Error::Script(why)) if why.contains("600")),
        "{many:?}"
    );
    // What is not on the screen is in no picture.
    assert!(page.screenshot(&["i".to_owned()], &[]).await.is_ok());
}

#[tokio::test]
async fn a_page_rests_once_nothing_has_come_of_what_was_done() {
    let bench = Bench::new().await;
    let mut page = bench.at("/deferred").await;
    let end = Instant::now() + PLENTY;
    assert!(page.settle(end).await.unwrap());
    click(&mut page, &button("Pay")).await;
    assert!(page.settle(end).await.unwrap());
    assert_eq!(page.view().await.unwrap().title, "done");
}

#[tokio::test]
async fn a_page_that_never_ends_is_left_in_time() {
    let bench = Bench::new().await;
    let mut page = bench.at("/busy").await;
    seen(&mut page, &button("Hang")).await;
    let at = page.ready(false).await.unwrap().unwrap();
    let begun = Instant::now();
    let frozen = page.click(at).await.unwrap_err();
    assert!(matches!(frozen, Error::Frozen), "{frozen}");
    assert!(begun.elapsed() < PLENTY);
    drop(page);
    let mut page = bench.page(DESKTOP).await;
    let url = format!("http://{}/flood", bench.site);
    let begun = Instant::now();
    let flooded = page.go(&url, begun + Duration::from_secs(4)).await;
    assert!(
        matches!(
            flooded,
            Ok(Navigation::Unfinished) | Err(Error::Flood { .. })
        ),
        "{flooded:?}"
    );
    assert!(begun.elapsed() < PLENTY);
}

#[tokio::test]
async fn the_scripts_of_a_page_do_not_reach_ours() {
    let bench = Bench::new().await;
    let mut page = bench.at("/hostile").await;
    assert_eq!(page.view().await.unwrap().text.trim(), "x");
    assert_eq!(seen(&mut page, &css("p")).await, (1, 1));
}

/// How many processes have this in their command line.
fn processes(words: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(words)
    })
    .count()
}

async fn contexts(chromium: &Chromium) -> usize {
    // A page of another connection sees all targets.
    let options = PageOptions {
        viewport: DESKTOP,
        user_agent: String::new(),
        accept_dialogs: false,
    };
    let until = Instant::now() + PLENTY;
    let mut page = Page::open(chromium.endpoint(), options, Box::new(Rules), until)
        .await
        .unwrap();
    let count = page.contexts().await.unwrap();
    page.close().await;
    count
}

#[tokio::test]
async fn nothing_is_left_of_a_page_that_is_dropped() {
    let bench = Bench::new().await;
    assert_eq!(contexts(&bench.chromium).await, 1);
    let page = bench.at("/").await;
    assert_eq!(contexts(&bench.chromium).await, 2);
    drop(page);
    let until = Instant::now() + PLENTY;
    while contexts(&bench.chromium).await > 1 {
        assert!(Instant::now() < until, "its context is still there");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_left_of_a_browser_that_is_dropped() {
    let chromium = Chromium::start(&program(), &[]).await.unwrap();
    let profile = chromium.profile().to_owned();
    let name = profile.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(processes(&name) > 1);
    drop(chromium);
    let until = Instant::now() + PLENTY;
    while processes(&name) > 0 || profile.exists() {
        assert!(Instant::now() < until, "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn names_lead_where_they_are_mapped() {
    let site = served().await;
    let hosts = [("shop.example.com:8443".to_owned(), site.to_string())];
    let chromium = Chromium::start(&program(), &hosts).await.unwrap();
    let bench = Bench {
        chromium: Arc::new(chromium),
        site,
    };
    let mut page = bench.page(DESKTOP).await;
    let url = "http://shop.example.com:8443/";
    let loaded = page.go(url, Instant::now() + PLENTY).await.unwrap();
    assert_eq!(loaded, Navigation::Loaded);
    assert_eq!(page.view().await.unwrap().url, url);
    assert_eq!(
        page.log().requests[0].answered_by.as_deref(),
        Some(site.to_string().as_str())
    );
}

#[tokio::test]
async fn what_is_no_browser_does_not_start() {
    let begun = Instant::now();
    let why = Chromium::start(&PathBuf::from("/bin/false"), &[])
        .await
        .unwrap_err();
    assert!(
        why.to_string().starts_with("/bin/false does not listen"),
        "{why}"
    );
    assert!(begun.elapsed() < PLENTY);
}
