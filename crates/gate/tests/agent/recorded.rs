//! What a model has done, done again without it.

use super::*;

pub(super) const RECORDED: &str = "      recorded:
        - type: { into: { role: textbox, name: Mail }, text: demo@example.com }
        - click: { role: button, name: Buy }
";

#[tokio::test]
async fn what_was_recorded_is_done_again_without_a_model() {
    let base = site().await;
    let never: Says = |_, _| Err("nobody is asked".to_owned());
    let ran = run(&base, "/", RECORDED, never).await;
    assert!(
        ran.outcome.verdict.passed && ran.asked.is_empty(),
        "{}",
        ran.why()
    );
    assert!(ran.notes().contains("without a model"), "{}", ran.notes());
    // Where it no longer fits, the model finds another way, and people are told.
    let ran = run(&base, "/moved", RECORDED, buys).await;
    assert!(ran.outcome.verdict.passed, "{}", ran.why());
    assert_eq!(ran.asked.len(), 4);
    assert!(ran.notes().contains("no longer fits"), "{}", ran.notes());
    // In a session of its own: what went wrong on the way that was lost is not the other way's.
    let gone = RECORDED.replace("recorded:\n", "recorded:\n        - go: /gone\n");
    let ran = run(&base, "/", &gone, buys).await;
    assert!(ran.outcome.verdict.passed, "{}", ran.why());
    assert_eq!(ran.asked.len(), 4);
    // An exception is, whichever way meets it.
    let gone = gone.replace("go: /gone", "go: /throws\n        - go: /gone");
    let ran = run(&base, "/", &gone, buys).await;
    assert_eq!(ran.strip(), "F", "{}", ran.why());
    assert!(ran.why().contains("it is thrown"), "{}", ran.why());
    // Not in every round after traffic.
    let ran = run_at(Stage::PostTraffic, &base, "/moved", RECORDED, buys).await;
    assert!(
        ran.strip().contains('F') && ran.asked.is_empty(),
        "{}",
        ran.why()
    );
}

fn recording(ran: &Ran) -> String {
    ran.outcome.report.checks[0].rounds[0].tries[0]
        .recording
        .join("\n")
}

/// The address that the model is shown, with another path.
fn beside(asked: &Value, path: &str) -> String {
    let page = page(asked);
    let shown = page.lines().find_map(|line| line.strip_prefix("url: "));
    let shown: Url = shown.unwrap_or_else(|| panic!("{page}")).parse().unwrap();
    shown.join(path).unwrap().into()
}

#[tokio::test]
async fn what_is_recorded_leads_to_the_next_release_as_well() {
    let base = site().await;
    let wanders: Says = |turn, asked| match turn {
        0 => uses(
            "navigate",
            json!({ "url": beside(asked, "/thanks?a=1#end") }),
        ),
        1 => uses("navigate", json!({ "url": beside(asked, "/") })),
        2 => uses("back", json!({})),
        _ => uses("done", json!({ "summary": "thanked" })),
    };
    let ran = run(&base, "/", "", wanders).await;
    assert!(ran.outcome.verdict.passed, "{}", ran.why());
    assert_eq!(
        recording(&ran),
        "go: \"/thanks?a=1#end\"\ngo: \"/\"\ngo: \"/thanks?a=1#end\""
    );
    let again = format!(
        "      recorded:\n        - {}\n",
        recording(&ran).replace('\n', "\n        - ")
    );
    let never: Says = |_, _| Err("nobody is asked".to_owned());
    let ran = run(&site().await, "/", &again, never).await;
    assert!(ran.outcome.verdict.passed, "{}", ran.why());
    // What can't be written down would be missing from it.
    let refers: Says = |turn, asked| match turn {
        0 => uses("navigate", json!({ "url": "/thanks#{{hidden}}" })),
        1 => uses("navigate", json!({ "url": beside(asked, "/thanks") })),
        _ => uses("done", json!({ "summary": "thanked" })),
    };
    let ran = run(&base, "/", "", refers).await;
    assert!(ran.outcome.verdict.passed, "{}", ran.why());
    assert_eq!(recording(&ran), "");
    assert!(ran.notes().contains("so nothing is"), "{}", ran.notes());
}

#[tokio::test]
async fn a_page_goes_on_while_its_proof_is_asked_for() {
    let patient = ORDER.replace("retries: 5", "retries: 9") + RECORDED;
    let patient = patient.replace("retry_every: 100ms", "retry_every: 500ms");
    let never: Says = |_, _| Err("nobody is asked".to_owned());
    let ran = run(&site().await, "/keeps-late", &patient, never).await;
    assert!(ran.outcome.verdict.passed, "{}", ran.why());
    assert!(
        ran.asked.is_empty() && ran.notes().contains("without a model"),
        "{}",
        ran.notes()
    );
}
