//! The `crawl` probe, over small sites.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::*;
use super::*;

const PAGE: &str = "<title>t</title><main><h1>h</h1>";

/// Answers paths with a status and a body; `css` and `js` are files, all else is HTML.
async fn site(pages: Vec<(&'static str, u16, String)>) -> Url {
    let pages = Arc::new(pages);
    serving(move |mut socket| {
        let pages = Arc::clone(&pages);
        async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = socket.read(&mut bytes).await {
                let asked = String::from_utf8_lossy(&bytes[..count]).into_owned();
                let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
                let found = pages.iter().find(|(name, ..)| *name == path);
                let (status, body) = found.map_or((404, ""), |(_, status, body)| (*status, body.as_str()));
                let kind = if path.ends_with("css") { "text/css" } else { "text/html" };
                let more = if status == 302 {
                    format!("location: {body}\r\n")
                } else {
                    String::new()
                };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                if socket.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

fn page(links: &str) -> String {
    format!("{PAGE}{links}")
}

#[tokio::test]
async fn a_site_without_faults_passes() {
    let base = site(vec![
        ("/", 200, page("<a href=/one>1</a><a href='two?x=1#y'>2</a><link rel=stylesheet href=a.css><a href='mailto:a@b.c'>m</a><a href=https://www.example.com/>e</a>")),
        ("/one", 302, "/two?x=1".to_owned()),
        ("/two?x=1", 200, page("<a href=/>back</a><a href=/logout>out</a>")),
        ("/a.css", 200, "h1 {}".to_owned()),
        ("/logout", 500, String::new()),
    ])
    .await;
    let check = "crawl: { ignore: [/logout] }";
    let outcome = checked(&base, Stage::PreTraffic, check, "").await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    assert_eq!(one.notes, ["2 pages and 1 files were visited"]);
}

#[tokio::test]
async fn every_fault_is_said_with_the_page_that_has_it() {
    let base = site(vec![
        ("/", 200, page("<a href=/gone>1</a><a href=/bad>2</a><script src=/no.js></script><a href=/bare>3</a>")),
        ("/bad", 503, String::new()),
        ("/bare", 200, "<p>x".to_owned()),
    ])
    .await;
    insta::assert_snapshot!(summary_of(&base, "crawl: /", "").await, @r#"
    failed
    check "it" failed: expected no broken links, got /gone (in /): 404; /no.js (in /): 404; expected no errors of the server, got /bad (in /): 503; expected no page without its landmarks, got /bare has no title, main, h1
    "#);
    let summary = summary_of(&base, "crawl: { start: /bare, landmarks: [] }", "").await;
    assert!(summary.starts_with("passed"), "{summary}");
    let summary = summary_of(&base, "crawl: /nowhere", "").await;
    insta::assert_snapshot!(summary, @r#"
    failed
    check "it" failed: expected at least 1 page, got 0; expected no broken links, got /nowhere: 404
    "#);
}

#[tokio::test]
async fn a_walk_stops_at_its_bounds() {
    let links: Vec<String> = (0..200).map(|n| format!("<a href=/p{n}>x</a>")).collect();
    let base = serving(move |mut socket| {
        let body = page(&links.concat());
        async move {
            let mut bytes = [0; 4096];
            while let Ok(1..) = socket.read(&mut bytes).await {
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                socket.write_all(answer.as_bytes()).await.ok();
            }
        }
    })
    .await;
    let notes = |outcome: &Outcome| outcome.report.checks[0].rounds[0].tries[0].notes.concat();
    let outcome = checked(&base, Stage::PreTraffic, "crawl: { max_pages: 7 }", "").await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    assert!(
        notes(&outcome).starts_with("7 pages and 0 files were visited; "),
        "{}",
        notes(&outcome)
    );
    let outcome = checked(&base, Stage::PreTraffic, "crawl: { max_depth: 0 }", "").await;
    assert!(
        notes(&outcome).starts_with("1 pages and"),
        "{}",
        notes(&outcome)
    );
}

#[tokio::test]
async fn what_is_no_site_is_no_pass() {
    let check = "timeout: 500ms, crawl: /";
    for base in [
        refusing(),
        silent().await,
        resetting().await,
        flooding().await,
        garbling().await,
    ] {
        let summary = summary_of(&base, check, "").await;
        assert!(summary.starts_with("failed"), "{summary}");
    }
    // A walk that is led away at once has seen nothing.
    let base = site(vec![("/", 302, "https://www.example.com/".to_owned())]).await;
    insta::assert_snapshot!(summary_of(&base, "crawl: /", "").await, @r#"
    failed
    check "it" failed: expected at least 1 page, got 0
    "#);
    let large = site(vec![("/", 200, "x".repeat(3_000))]).await;
    insta::assert_snapshot!(summary_of(&large, "crawl: { max_body: 1KiB }", "").await, @r#"
    failed
    check "it" errored: / is larger than max_body (1 KiB); raise max_body
    "#);
    let summary = summary_of(&base, "crawl: 'https://www.example.com/'", "").await;
    assert!(
        summary.contains("nothing says that www.example.com:443 is the release under test"),
        "{summary}"
    );
}

#[tokio::test]
async fn a_secret_in_a_link_is_masked() {
    let base = site(vec![(
        "/",
        200,
        page("<a href=/x?token=PLANTED-1>1</a><a href=/PLANTED-SECRET>2</a>"),
    )])
    .await;
    let hidden = "secrets: { hidden: 'ssm:/x' }\nvars: { a: b }";
    let outcome = checked(&base, Stage::PreTraffic, "crawl: '/?{{ hidden }}'", hidden).await;
    assert!(
        !outcome.verdict.passed && is_masked(&outcome),
        "{}",
        summary(&outcome)
    );
    let outcome = checked(
        &base,
        Stage::PreTraffic,
        "crawl: /",
        "secrets: { hidden: 'ssm:/x' }",
    )
    .await;
    assert!(!outcome.verdict.passed, "{}", summary(&outcome));
    assert!(
        !report::json(&outcome.report).contains("PLANTED-1"),
        "{}",
        summary(&outcome)
    );
}
