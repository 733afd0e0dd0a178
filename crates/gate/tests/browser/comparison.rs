//! Pages beside those of the old version.

use gate::Outcome;
use url::Url;

use super::site::site;
use super::{said, strip, trial};

/// What is said of `page` beside the old version of `old`, within a tolerance.
async fn beside(base: &Url, old: &Url, page: &str, tolerance: &str) -> (String, Outcome) {
    let lines = format!(
        "screens: [desktop]\nstep_timeout: 3s\ncompare_to: old\ntolerance: {tolerance}\nmask: [footer]\nsteps: [{{ go: {page} }}]"
    );
    let mut trial = trial(base, &lines, "");
    let url = old.as_str().trim_end_matches('/').to_owned();
    trial.target.facts.insert("production_url".to_owned(), url);
    let outcome = trial.run().await;
    (said(&outcome, base), outcome)
}

#[tokio::test]
async fn pages_look_as_the_old_versions_do_within_a_tolerance() {
    let base = site().await;
    // One whose stripe has another colour.
    let mut old = site().await;
    while old.port().unwrap() % 2 == base.port().unwrap() % 2 {
        old = site().await;
    }
    let (why, outcome) = beside(&base, &old, "/", "1%").await;
    assert!(outcome.verdict.passed, "{why}");
    // Each site has a stripe of its own colour across a tenth of the page, and what differs beside that is masked.
    let (why, outcome) = beside(&base, &old, "/stripe", "1%").await;
    assert_eq!(strip(&outcome), "F", "{why}");
    assert!(why.contains("expected /stripe to look as the old version's at desktop, within 1 %, got 10.0 % of it differs"), "{why}");
    let pages = &outcome.report.checks[0].rounds[0].tries[0].pages;
    assert_eq!(pages.len(), 2);
    assert!(
        pages[1].screen.ends_with("the old version")
            && pages.iter().all(|page| page.screenshot.is_some())
    );
    let (why, outcome) = beside(&base, &old, "/stripe", "12%").await;
    assert!(outcome.verdict.passed, "{why}");
    // Without an old version nothing is compared, and nothing passes.
    let (why, outcome) = beside(&base, &base, "/", "1%").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    // Nor a page that does not come to rest: what it looks like depends on when it is looked at.
    let (why, outcome) = beside(&base, &old, "/polling", "99%").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(
        why.contains("/polling could not be compared, as it does not come to rest"),
        "{why}"
    );
}
