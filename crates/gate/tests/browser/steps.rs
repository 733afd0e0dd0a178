//! Steps that a user takes: what passes, what keeps them from one, and what is typed.

use std::sync::Arc;
use std::time::Duration;

use gate::browsers::{Endpoint, RemoteBrowser};
use tokio::time::Instant;

use super::site::site;
use super::{Trial, is_masked, said, seen, strip, summary, trial};

#[tokio::test]
async fn a_site_that_can_be_used_passes_at_both_widths() {
    let base = site().await;
    let lines = "steps:
  - go: /
  - type: { into: { role: textbox, name: Mail }, text: demo }
  - click: { role: button, name: Buy }
  - expect:
      - title: Shop
      - url: { contains: 127.0.0.1 }
      - text: Thank you, demo!
      - element: { role: status, contains: Thank }
      - element: { css: button, count: 1 }
      - element: { css: '#mail', attribute: id, equals: mail }
      - element: { css: .error, exists: false }
vitals: { lcp: '< 20s', cls: '< 0.5', ttfb: '<= 10s' }";
    let outcome = trial(&base, lines, "").run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    let names: Vec<&str> = one
        .steps
        .iter()
        .filter_map(|step| step.name.as_deref())
        .collect();
    insta::assert_snapshot!(names.join("\n"), @r#"
    desktop: go to /
    desktop: type into textbox "Mail"
    desktop: click button "Buy"
    desktop: expect title, url, text, status, button, #mail, .error
    phone: go to /
    phone: type into textbox "Mail"
    phone: click button "Buy"
    phone: expect title, url, text, status, button, #mail, .error
    "#);
    assert!(one.pages.is_empty() && one.steps.iter().all(|step| step.pages.is_empty()));
    assert_eq!(one.steps[0].status, Some(200));
}

#[tokio::test]
async fn what_keeps_a_user_from_a_step_fails_with_a_picture() {
    let base = site().await;
    let dead = seen(&base, "[{ go: /dead }, { click: { role: button, name: Buy } }, { wait_for: { text: { contains: Thank you } } }]").await;
    insta::assert_snapshot!(said(&dead, &base), @r#"
    failed
    check "it" failed: step 3 "desktop: wait for text with \"Thank you\"": expected text with "Thank you" to be seen, got none in the page
    "#);
    let unmet = &dead.report.checks[0].rounds[0].tries[0].steps[2];
    let shot = unmet.pages[0].screenshot.as_ref().unwrap();
    assert!(shot.png.starts_with("iVBORw0KGgo") && (shot.width, shot.height) == (1280, 800));
    assert!(
        unmet.pages[0]
            .snapshot
            .iter()
            .any(|line| line.trim() == "button \"Buy\"")
    );
    let covered = seen(
        &base,
        "[{ go: /covered }, { click: { role: button, name: Buy } }]",
    )
    .await;
    insta::assert_snapshot!(said(&covered, &base), @r##"
    failed
    check "it" failed: step 2 "desktop: click button \"Buy\"": expected button "Buy" to be clicked, got it is covered by div#banner "Cookies?"
    "##);
    let missing = seen(&base, "[{ go: /failed }]").await;
    let missing = said(&missing, &base);
    assert!(
        missing.contains("expected a page, got one with status 503"),
        "{missing}"
    );
    let busy = seen(&base, "[{ go: /busy }, { click: { css: button } }]").await;
    let busy = said(&busy, &base);
    assert!(
        busy.contains("the page does not answer: a script of it keeps it busy"),
        "{busy}"
    );
}

#[tokio::test]
async fn secrets_are_typed_and_never_told() {
    let base = site().await;
    let declared = "secrets: { hidden: 'ssm:/x' }";
    let lines = "screens: [desktop]
step_timeout: 2s
steps:
  - go: /
  - type: { into: { role: textbox, name: Mail }, text: '{{ hidden }}' }
  - type: { into: { css: '#password' }, text: '{{ hidden }}' }
  - click: { role: button, name: Buy }
  - expect: [{ text: 'Thank you, {{ hidden }}!' }]
  - wait_for: { text: Never }";
    let outcome = trial(&base, lines, declared).run().await;
    let said = summary(&outcome);
    assert!(!outcome.verdict.passed && is_masked(&outcome), "{said}");
    let steps = &outcome.report.checks[0].rounds[0].tries[0].steps;
    assert_eq!(steps.len(), 6, "all but the last are met: {said}");
    // In the console, in requests, and in the page.
    let lines = "screens: [desktop]\nsteps: [{ go: '/secret?{{ hidden }}' }]";
    let outcome = trial(&base, lines, declared).run().await;
    let said = summary(&outcome);
    assert!(!outcome.verdict.passed && is_masked(&outcome), "{said}");
    assert!(said.contains("leaked ***"), "{said}");
}

#[tokio::test]
async fn where_there_is_no_browser_nothing_is_asked_and_nothing_passes() {
    let base = site().await;
    let without = Trial {
        browsers: None,
        ..trial(&base, "steps: [{ go: / }]", "")
    };
    let outcome = without.run().await;
    assert!(outcome.refused);
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" (line 7): there is no browser here: name where one listens for the Chrome DevTools Protocol (the stack's parameter BrowserEndpoint; of the command line --browser), or leave the check out (--skip, `on`)
    "#);
    let at =
        |port: u16| Endpoint::parse(&format!("ws://127.0.0.1:{port}/devtools/browser/x")).unwrap();
    let refusing = Trial {
        browsers: Some(Arc::new(RemoteBrowser(at(1)))),
        ..trial(&base, "steps: [{ go: / }]", "")
    };
    let outcome = refusing.run().await;
    assert!(
        !outcome.verdict.passed && strip(&outcome) == "E",
        "{}",
        summary(&outcome)
    );
    let mute = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let silent = Trial {
        browsers: Some(Arc::new(RemoteBrowser(at(mute
            .local_addr()
            .unwrap()
            .port())))),
        deadline: Duration::from_secs(2),
        ..trial(&base, "steps: [{ go: / }]", "")
    };
    let outcome = silent.run().await;
    assert!(!outcome.verdict.passed, "{}", summary(&outcome));
    // Names of the release lead nowhere in a browser that is not ours.
    let named = Trial {
        browsers: Some(Arc::new(RemoteBrowser(at(1)))),
        ..trial(&base, "steps: [{ go: / }]", "host: shop.example.com")
    };
    let outcome = named.run().await;
    let why = summary(&outcome);
    assert!(
        why.contains("can't be led to the release by its name: shop.example.com:"),
        "{why}"
    );
}

#[tokio::test]
async fn a_try_ends_in_time_with_a_picture() {
    let base = site().await;
    let lines =
        "screens: [desktop]\nstep_timeout: 1m\nsteps: [{ go: / }, { wait_for: { css: '#never' } }]";
    let mut trial = trial(&base, lines, "");
    trial.suite.push_str("    timeout: 6s\n");
    let begun = Instant::now();
    let outcome = trial.run().await;
    // The step alone would take a minute.
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(strip(&outcome), "F", "{}", summary(&outcome));
    let unmet = &outcome.report.checks[0].rounds[0].tries[0].steps[1];
    assert!(unmet.pages[0].screenshot.is_some());
}
