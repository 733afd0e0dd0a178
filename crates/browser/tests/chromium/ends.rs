//! Every page and browser ends, and nothing is left of it.

use std::path::PathBuf;
use std::time::Duration;

use browser::{Chromium, Error, IntendedAction, Navigation, Page, PageOptions};
use tokio::time::Instant;

use super::{Bench, DESKTOP, PLENTY, Rules, button, program, seen};

#[tokio::test]
async fn a_page_that_never_ends_is_left_in_time() {
    let bench = Bench::new().await;
    let mut page = bench.at("/busy").await;
    seen(&mut page, &button("Hang")).await;
    let at = page.ready(IntendedAction::Click).await.unwrap().unwrap();
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

#[cfg(unix)]
#[tokio::test]
async fn what_a_browser_writes_elsewhere_goes_with_its_profile() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("browser");
    std::fs::write(&program, "#!/bin/sh\necho \"$TMPDIR\" >&2\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let why = Chromium::start(&program, &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("/deploy-hooks-browser-"), "{why}");
}
