//! What must not be in a picture is covered wherever it is, in a real Chromium; where it can't be, there is no picture.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bench;

use axum::http::{Uri, header};
use axum::response::{Html, IntoResponse, Response};
use browser::Error;

use self::bench::Bench;

/// Two that are as long in every font.
const SECRETS: [&str; 2] = ["planted-mmm", "planted-www"];

#[allow(clippy::needless_pass_by_value, reason = "a handler of axum")]
fn answer(uri: Uri) -> Response {
    // The path is the place, and the query what is shown in it.
    let shown = uri.query().unwrap_or_default();
    let port = shown.split('&').nth(1).unwrap_or_default();
    let shown = shown.split('&').next().unwrap_or_default();
    let page = |body: &str| {
        Html(format!(
            "<!doctype html><html lang=en><title>t</title><link rel=icon href='data:,'><main><h1>Shop</h1>{body}</main>"
        ))
        .into_response()
    };
    let within = format!("<p class=own>{shown}</p>");
    let closed = |inner: &str| {
        format!(
            "<div id=host></div><script>const root = host.attachShadow({{ mode: 'closed' }}); root.innerHTML = `{inner}`</script>"
        )
    };
    match uri.path() {
        "/closed" => page(&closed(&within)),
        "/nested" => page(&format!(
            "<div id=host></div><script>const outer = host.attachShadow({{ mode: 'closed' }}); outer.innerHTML = '<div></div>'; \
             outer.firstChild.attachShadow({{ mode: 'closed' }}).innerHTML = `{within}`</script>"
        )),
        "/frame" => page(&format!("<iframe width=400 height=250 src='/closed?{shown}'></iframe>")),
        "/frames" => page(&format!("<iframe width=600 height=500 src='/frame?{shown}'></iframe>")),
        "/written" => page(&format!("<iframe srcdoc='{within}'></iframe>")),
        "/other-site" => page(&format!(
            "<iframe src='http://localhost:{port}/closed?{shown}'></iframe>"
        )),
        "/sandboxed" => page(&format!("<iframe sandbox srcdoc='{within}'></iframe>")),
        "/hidden-frame" => page(&format!(
            "{}<script>const frame = document.createElement('iframe'); frame.srcdoc = `{within}`; root.append(frame)</script>",
            closed("<p>x</p>")
        )),
        "/drawn" => page(&format!(
            "<object type='image/svg+xml' data='/svg?{shown}' width=300 height=80></object>"
        )),
        "/slot" => page(&format!(
            "<div id=host></div><script>host.attachShadow({{ mode: 'open' }}).innerHTML = \
             `<style>slot {{ font: 20px monospace }}</style><slot>{shown}</slot>`</script>"
        )),
        "/option" => page(&format!("<select style='font: 20px monospace'><option selected>{shown}</select>")),
        "/placeholder" => page(&format!("<input placeholder='{shown}'>")),
        "/pieces" => {
            let (one, other) = shown.split_at(shown.len() / 2);
            page(&format!("<p id=x></p><script>x.append('{one}', '{other}')</script>"))
        }
        "/svg" => (
            [(header::CONTENT_TYPE, "image/svg+xml")],
            format!(
                "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='80'><text y='40'>{shown}</text></svg>"
            ),
        )
            .into_response(),
        "/crowd" => page(
            "<script>for (let n = 0; n < 310; n++) { const one = document.createElement('div'); document.body.append(one); \
             one.attachShadow({ mode: 'closed' }).innerHTML = '<b>x</b>' }</script>",
        ),
        _ => page(&within),
    }
}

/// Both pictures of a page, with one secret and with the other.
async fn both(bench: &mut Bench, path: &str, mask: &[String], hide: bool) -> [String; 2] {
    let mut pictures = [String::new(), String::new()];
    for (picture, secret) in pictures.iter_mut().zip(SECRETS) {
        let port = bench.site.port();
        bench.go(&format!("{path}?{secret}&{port}")).await;
        let secrets = if hide {
            vec![secret.to_owned()]
        } else {
            Vec::new()
        };
        let shot = bench.page.screenshot(mask, &secrets).await;
        *picture = shot.unwrap_or_else(|why| panic!("{path}: {why}")).png;
    }
    pictures
}

const PLACES: [&str; 9] = [
    "/",
    "/closed",
    "/nested",
    "/frame",
    "/frames",
    "/written",
    "/other-site",
    "/sandboxed",
    "/hidden-frame",
];

/// Where a secret stands in no box of its own, or in no one text. Without `.own`.
const DRAWN_OTHERWISE: [&str; 4] = ["/slot", "/option", "/placeholder", "/pieces"];

#[tokio::test]
async fn a_secret_is_in_no_picture_wherever_the_page_shows_it() {
    let mut bench = Bench::new(answer).await;
    for path in PLACES.into_iter().chain(DRAWN_OTHERWISE) {
        let [one, other] = both(&mut bench, path, &[], false).await;
        assert!(one != other, "{path} shows nothing that could be hidden");
        let [one, other] = both(&mut bench, path, &[], true).await;
        assert!(one == other, "{path}: the secret shows");
        // It leaves nothing behind.
        let again = bench.page.screenshot(&[], &[]).await.unwrap();
        assert!(again.png != other, "{path}: it is covered still");
    }
}

#[tokio::test]
async fn what_a_suite_masks_is_covered_in_shadows_and_frames() {
    let mut bench = Bench::new(answer).await;
    for path in PLACES {
        let [one, other] = both(&mut bench, path, &[".own".to_owned()], false).await;
        assert!(one == other, "{path}: it shows");
    }
}

#[tokio::test]
async fn what_can_not_be_covered_is_in_no_picture_at_all() {
    let mut bench = Bench::new(answer).await;
    let secrets = [SECRETS[0].to_owned()];
    bench.go(&format!("/drawn?{}", SECRETS[0])).await;
    let drawn = bench.page.screenshot(&[], &secrets).await;
    assert!(matches!(&drawn, Err(Error::Script(_))), "{drawn:?}");
    // Nothing stays covered by the try.
    assert!(bench.page.screenshot(&[], &[]).await.is_ok());
    bench.go("/crowd").await;
    let crowd = bench.page.screenshot(&[], &secrets).await;
    assert!(
        matches!(&crowd, Err(Error::Script(why)) if why.contains("more than are looked into")),
        "{crowd:?}"
    );
}
