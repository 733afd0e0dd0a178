//! Which text is found to be too faint, in a real Chromium, and which is left out as nothing is guessed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bench;

use axum::http::Uri;
use axum::response::{Html, IntoResponse, Response};

use self::bench::Bench;

/// By their paths: what is found, and what it is found in.
const PAGES: &[(&str, &str, &str)] = &[
    (
        "/low",
        "<p style='color:#777'>just too faint</p><p style='color:#767676'>dark enough</p>",
        r#"4.47:1 of 4.5:1, #777777 on #ffffff, p "just too faint" (1)"#,
    ),
    (
        "/large",
        "<p style='color:#949494;font-size:24px'>large</p><p style='color:#949494;font-size:23px'>smaller</p>\
         <p style='color:#aaa;font-size:40px'>large, and too faint</p>",
        "3.03:1 of 4.5:1, #949494 on #ffffff, p \"smaller\" (1)\n\
         2.32:1 of 3:1, #aaaaaa on #ffffff, p \"large, and too faint\" (1)",
    ),
    (
        "/bold",
        "<p style='color:#949494;font-size:18.7px;font-weight:700'>bold</p>\
         <p style='color:#949494;font-size:18.7px;font-weight:600'>less so</p>\
         <p style='color:#949494;font-size:18px'><b>bold, and too small</b></p>",
        r#"3.03:1 of 4.5:1, #949494 on #ffffff, p "less so" (2)"#,
    ),
    (
        "/inherited",
        "<section style='background:#333;color:#eee'><p>light on dark</p><p style='color:#666'>dark on dark</p></section>",
        r#"2.20:1 of 4.5:1, #666666 on #333333, p "dark on dark" (1)"#,
    ),
    (
        "/body",
        "<style>body { background: #222; color: #eee }</style><p>light</p><a style='color:#444'>a link</a>",
        r#"1.63:1 of 4.5:1, #444444 on #222222, a "a link" (1)"#,
    ),
    (
        "/fields",
        "<input value=typed style='color:#bbb'><input placeholder=Mail class=p><input placeholder=Good>\
         <style>.p::placeholder { color: #ccc }</style><input type=submit value=Go style='color:#ccc'>",
        "1.91:1 of 4.5:1, #bbbbbb on #ffffff, input (1)\n\
         1.60:1 of 4.5:1, #cccccc on #ffffff, input.p (1)\n\
         1.39:1 of 4.5:1, #cccccc on #efefef, input (1)",
    ),
    (
        "/shadow",
        "<div id=host></div><script>host.attachShadow({ mode: 'open' }).innerHTML = '<p style=color:#aaa>within</p>'</script>",
        r#"2.32:1 of 4.5:1, #aaaaaa on #ffffff, p "within" (1)"#,
    ),
    (
        "/below",
        "<div style='height:5000px'></div><p style='color:#aaa'>far down</p>",
        r#"2.32:1 of 4.5:1, #aaaaaa on #ffffff, p "far down" (1)"#,
    ),
    (
        "/plain",
        "<h1>Shop</h1><p>See <a href=/>the books</a></p><button>Buy</button><select><option>1</select><textarea>x</textarea>",
        "",
    ),
    (
        "/pictures",
        "<div style='background:url(data:,) #fff;color:#aaa'>over one</div>\
         <div style='background:linear-gradient(#fff,#eee)'><p style='color:#aaa'>over a gradient</p></div>\
         <div style='position:relative;height:90px'><img alt='' style='position:absolute;inset:0;width:100%;height:90px' \
         src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='><p style='position:relative;color:#aaa'>before one</p></div>\
         <div style='position:relative'><i style='position:absolute;inset:0;background:#000'></i>\
         <p style='position:relative;color:#aaa'>before something dark</p></div>",
        "",
    ),
    (
        "/transparent",
        "<p style='color:rgba(0,0,0,.3)'>a</p><div style='opacity:.9'><p style='color:#aaa'>b</p></div>\
         <div style='background:rgba(0,0,0,.5)'><p style='color:#aaa'>c</p></div>\
         <div style='filter:brightness(.2)'><p style='color:#aaa'>d</p></div>\
         <p style='color:#aaa;text-shadow:0 0 3px #000'>e</p><p style='color:oklch(.8 0 0)'>f</p>",
        "",
    ),
    (
        "/drawn-upon",
        "<style>.on { position:relative;z-index:0;color:#fff } .on::before { content:'';position:absolute;inset:0;z-index:-1;background:#036 }\
         .hero { position:relative } .hero::after { content:'';position:absolute;inset:0;z-index:-1;background:url(data:,) #000 }</style>\
         <a class=on>Buy</a><div class=hero style='height:90px'><p style='color:#eee'>Welcome</p></div>\
         <x-card style='color:#fff'>within what is closed</x-card>\
         <script>document.querySelector('x-card').attachShadow({ mode: 'closed' }).innerHTML = '<div style=background:#222><slot></slot></div>'</script>",
        "",
    ),
    (
        "/no-text",
        "<i aria-hidden=true style='color:#bbb'>chevron_right</i><span style='color:#bbb'> / </span>\
         <h1 style='width:90px;text-indent:100%;white-space:nowrap;overflow:hidden;color:#aaa'>replaced</h1>\
         <p style='clip-path:circle(0);color:#aaa'>clipped</p>",
        "",
    ),
    (
        "/outside",
        "<div style='background:#000;height:9px;color:#ccc'><p style='position:absolute;top:300px'>not on its ground</p></div>",
        "",
    ),
    (
        "/disabled",
        "<button disabled style='color:#aaa'>off</button><div aria-disabled=true style='color:#aaa'>off</div>\
         <fieldset disabled><label style='color:#aaa'>Mail <input value=x style='color:#aaa'></label></fieldset>",
        "",
    ),
    (
        "/hidden",
        "<p style='display:none;color:#aaa'>a</p><p style='visibility:hidden;color:#aaa'>b</p>\
         <p style='position:absolute;width:1px;height:1px;overflow:hidden;color:#aaa'>for screen readers</p>\
         <p style='position:absolute;left:-9999px;color:#aaa'>c</p><p style='opacity:0;color:#aaa'>d</p>",
        "",
    ),
];

#[allow(clippy::needless_pass_by_value, reason = "a handler of axum")]
fn answer(uri: Uri) -> Response {
    let page = |body: &str| {
        Html(format!(
            "<!doctype html><html lang=en><title>t</title><link rel=icon href='data:,'><main>{body}</main>"
        ))
        .into_response()
    };
    match uri.path() {
        "/many" => {
            let line = |n: u32| format!("<p style='color:rgb({n},200,200)'>x</p>");
            page(&(100..170).map(line).collect::<String>())
        }
        "/huge" => page(&"<i style='color:#aaa'>x</i>".repeat(20_001)),
        path => {
            let (_, body, _) = PAGES.iter().find(|(known, ..)| *known == path).unwrap();
            page(body)
        }
    }
}

#[tokio::test]
async fn text_that_is_too_faint_is_found_and_nothing_is_guessed() {
    let mut bench = Bench::new(answer).await;
    for (path, _, expected) in PAGES {
        bench.go(path).await;
        let contrast = bench.page.contrast().await.unwrap();
        let line = |low: &browser::LowContrast| {
            format!(
                "{:.2}:1 of {}:1, {} on {}, {} ({})",
                low.ratio, low.needed, low.colour, low.background, low.what, low.count
            )
        };
        let found: Vec<String> = contrast.low.iter().map(line).collect();
        assert_eq!(found.join("\n"), *expected, "{path}");
        assert!(contrast.complete, "{path}");
    }
}

#[tokio::test]
async fn what_is_found_is_bounded() {
    let mut bench = Bench::new(answer).await;
    bench.go("/many").await;
    let many = bench.page.contrast().await.unwrap();
    assert_eq!((many.low.len(), many.complete), (50, false));
    bench.go("/huge").await;
    let huge = bench.page.contrast().await.unwrap();
    assert_eq!((huge.low.len(), huge.complete), (0, false));
}
