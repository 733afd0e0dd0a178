//! What goes wrong behind a page, and pages that do not come to rest.

use gate::report;

use super::site::site;
use super::{said, seen, strip, summary, trial};

#[tokio::test]
#[allow(clippy::similar_names, reason = "short in a test")]
async fn what_goes_wrong_behind_a_page_fails_unless_the_suite_allows_it() {
    let base = site().await;
    let loud = seen(&base, "[{ go: /loud }]").await;
    insta::assert_snapshot!(said(&loud, &base), @r#"
    failed
    check "it" failed: expected no uncaught exceptions, got desktop: Uncaught Error: thrown (http://127.0.0.1:PORT/loud:1); expected no errors in the console, got desktop: it is bad (http://127.0.0.1:PORT/loud:1); expected no failed requests, got desktop: GET http://127.0.0.1:PORT/gone.png: 404
    "#);
    let page = &loud.report.checks[0].rounds[0].tries[0].pages[0];
    assert!(
        page.screenshot.is_some() && page.console.len() >= 2,
        "{page:?}"
    );
    let allowed = "screens: [desktop]\nallow: ['*Error: thrown*', 'it is bad*', 'GET *gone.png: 404']\nsteps: [{ go: /loud }]";
    let outcome = trial(&base, allowed, "").run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let notes = &outcome.report.checks[0].rounds[0].tries[0].notes;
    assert_eq!(
        notes
            .iter()
            .filter(|note| note.starts_with("allowed: "))
            .count(),
        3,
        "{notes:?}"
    );
    let policy = said(&seen(&base, "[{ go: /policy }]").await, &base);
    assert!(
        policy.contains("expected no violations of the content security policy"),
        "{policy}"
    );
    let dialog = said(
        &seen(&base, "[{ go: /dialog }, { click: { css: button } }]").await,
        &base,
    );
    assert!(
        dialog.contains(r#"expected no dialogs, got desktop: confirm: "Really?""#),
        "{dialog}"
    );
    let bare = said(&seen(&base, "[{ go: /bare }]").await, &base);
    insta::assert_snapshot!(bare, @r#"
    failed
    check "it" failed: expected no page that breaks the basics of accessibility, got desktop: html-lang: no language in /bare; desktop: page-title: no title in /bare; desktop: main-landmark: no main in /bare; desktop: button-name: button without a name (1) in /bare; desktop: image-nam…
    "#);
    let wide = trial(&base, "steps: [{ go: /wide }]", "").run().await;
    let wide = said(&wide, &base);
    assert!(
        wide.contains("expected no page wider than the screen, got phone: /wide is ")
            && !wide.contains("desktop"),
        "{wide}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_only_believed_of_a_page_at_rest() {
    let base = site().await;
    let lines = "screens: [desktop]\nstep_timeout: 3s\nsteps: [{ go: /later }, { expect: [{ element: { css: .error, exists: false } }] }]";
    let outcome = trial(&base, lines, "").run().await;
    assert!(!outcome.verdict.passed, "{}", summary(&outcome));
    assert!(
        summary(&outcome).contains("expected no .error, got 1 visible"),
        "{}",
        summary(&outcome)
    );
}

#[tokio::test]
async fn what_an_action_brings_a_moment_later_is_waited_for() {
    let base = site().await;
    let absent = "{ expect: [{ element: { css: .error, exists: false } }] }";
    let steps =
        format!("[{{ go: /deferred }}, {absent}, {{ click: {{ css: button }} }}, {absent}]");
    let outcome = seen(&base, &steps).await;
    let why = said(&outcome, &base);
    assert_eq!(strip(&outcome), "F", "{why}");
    assert!(why.contains("expected no .error, got 1 visible"), "{why}");
}

#[tokio::test]
async fn what_a_script_puts_off_without_a_request_is_waited_for() {
    let base = site().await;
    let absent = "{ expect: [{ element: { css: .error, exists: false } }] }";
    let steps = format!("[{{ go: /put-off }}, {{ click: {{ css: button }} }}, {absent}]");
    let lines = format!("screens: [desktop]\nstep_timeout: 5s\nsteps: {steps}");
    let outcome = trial(&base, &lines, "").run().await;
    let why = said(&outcome, &base);
    assert_eq!(strip(&outcome), "F", "{why}");
    assert!(why.contains("expected no .error, got 1 visible"), "{why}");
}

#[tokio::test]
async fn text_that_is_too_faint_is_a_problem_unless_it_is_allowed() {
    let base = site().await;
    let faint = seen(&base, "[{ go: /faint }]").await;
    assert_eq!(strip(&faint), "F");
    insta::assert_snapshot!(said(&faint, &base), @r#"
    failed
    check "it" failed: expected no page that breaks the basics of accessibility, got desktop: text-contrast: 2.32:1 of #aaaaaa on #ffffff, and 4.5:1 is needed: p.note "as of today" (1) in /faint
    "#);
    let lines = "screens: [desktop]\nallow: ['text-contrast: * of #aaaaaa on #ffffff, *']\nsteps: [{ go: /faint }]";
    let allowed = trial(&base, lines, "").run().await;
    assert!(allowed.verdict.passed, "{}", said(&allowed, &base));
    let one = &allowed.report.checks[0].rounds[0].tries[0];
    assert!(
        one.notes
            .iter()
            .any(|note| note.starts_with("allowed: desktop: text-contrast: 2.32:1"))
    );
}

#[tokio::test]
async fn steps_that_are_not_reached_are_in_the_report() {
    let base = site().await;
    let steps = "[{ go: / }, { click: { css: '#gone' }, timeout: 300ms }, { press: Enter }, { name: thanks, expect: [{ text: Thank }] }]";
    let outcome = seen(&base, steps).await;
    assert_eq!(strip(&outcome), "F", "{}", said(&outcome, &base));
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    assert_eq!(one.steps.len(), 2);
    let left = one.not_reached.iter().map(|step| {
        let name = step.name.as_deref().unwrap_or_default();
        format!("{} {name}", step.number)
    });
    let left: Vec<String> = left.collect();
    assert_eq!(left, ["3 desktop: press Enter", "4 desktop: thanks"]);
    let page = report::html(&outcome.report);
    assert!(
        page.contains("Not reached: step 3: desktop: press Enter, step 4: desktop: thanks"),
        "{page}"
    );
    let good = seen(&base, "[{ go: / }]").await;
    assert!(!report::json(&good.report).contains("not_reached"));
}

#[tokio::test]
async fn what_is_not_there_is_not_believed_of_a_page_that_never_rests() {
    let base = site().await;
    let absent = "{ expect: [{ element: { css: .error, exists: false } }] }";
    let outcome = seen(&base, &format!("[{{ go: /polling }}, {absent}]")).await;
    let why = said(&outcome, &base);
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(
        why.contains("the page does not come to rest") && why.contains("/slow"),
        "{why}"
    );
    // What is there is, whatever the page asks for; and each of its requests is answered.
    let outcome = seen(&base, "[{ go: /polling }, { expect: [{ text: Shop }] }]").await;
    assert!(outcome.verdict.passed, "{}", said(&outcome, &base));
}

#[tokio::test]
async fn a_request_without_an_answer_is_a_problem_unless_it_is_allowed() {
    let base = site().await;
    let hanging = seen(&base, "[{ go: /hanging }]").await;
    let why = said(&hanging, &base);
    assert_eq!(strip(&hanging), "F", "{why}");
    assert!(
        why.contains(
            "expected no failed requests, got desktop: GET http://127.0.0.1:PORT/never: no answer"
        ),
        "{why}"
    );
    // A long poll neither keeps a page from its rest.
    let lines = "screens: [desktop]\nstep_timeout: 1s\nallow: ['GET */never: no answer']\n\
        steps: [{ go: /hanging }, { expect: [{ element: { css: .error, exists: false } }] }]";
    let outcome = trial(&base, lines, "").run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    // What else it asks for does.
    let both = trial(&base, &lines.replace("/hanging", "/both"), "")
        .run()
        .await;
    let why = said(&both, &base);
    assert_eq!(strip(&both), "E", "{why}");
    assert!(why.contains("the page does not come to rest"), "{why}");
    let stream = seen(&base, "[{ go: /stream }]").await;
    assert!(stream.verdict.passed, "{}", summary(&stream));
}

#[tokio::test]
async fn problems_that_are_allowed_hide_no_other() {
    let base = site().await;
    let lines =
        |page: &str| format!("screens: [desktop]\nallow: ['advert*']\nsteps: [{{ go: {page} }}]");
    let again = trial(&base, &lines("/again"), "").run().await;
    let why = said(&again, &base);
    assert_eq!(strip(&again), "F", "{why}");
    assert!(
        why.contains("expected no errors in the console, got desktop: it is bad"),
        "{why}"
    );
    let notes = again.report.checks[0].rounds[0].tries[0].notes.concat();
    assert!(notes.contains("desktop: 150 times: advert"), "{notes}");
    // Of more than are kept nobody knows what they are.
    let many = trial(&base, &lines("/many"), "").run().await;
    let why = said(&many, &base);
    assert_eq!(strip(&many), "E", "{why}");
    assert!(why.contains("51 more than are kept"), "{why}");
}

#[tokio::test]
async fn the_status_of_a_page_is_known_after_any_number_of_requests() {
    let base = site().await;
    let lines = "screens: [desktop]\nstep_timeout: 30s\nsteps: [{ go: /crowded }, { wait_for: { text: All asked } }, { go: /failed }]";
    let outcome = trial(&base, lines, "").run().await;
    let why = said(&outcome, &base);
    assert!(
        why.contains("expected a page, got one with status 503"),
        "{why}"
    );
}
