//! The `browser` probe in a real Chromium, over small sites. `tools/install.sh chromium` gets one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use browser::Chromium;
use futures::FutureExt;
use futures::future::BoxFuture;
use gate::browsers::{Browsers, Endpoint, NoBrowser, OpenBrowser, RemoteBrowser};
use gate::{
    EarlierRule, HeaderCondition, HttpOptions, ListenerRule, Outcome, RuleConditions, RulePattern,
    Run, Stage, Suite, Target, report,
};
use tokio::time::Instant;
use url::Url;

const FORM: &str = "<h1>Shop</h1><form onsubmit='return false'>\
    <label>Mail <input id=mail></label><label>Password <input id=password type=password></label>\
    <button id=buy>Buy</button></form><p role=status id=said></p>\
    <script>buy.onclick = () => setTimeout(() => { said.textContent = 'Thank you, ' + mail.value + '!' }, 50)</script>";

async fn answer(uri: Uri, headers: HeaderMap) -> Response {
    let page = |body: &str| {
        let head = "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Shop</title><link rel=icon href='data:,'>";
        Html(format!("{head}<main>{body}</main>")).into_response()
    };
    let said = headers
        .get("x-shop")
        .map_or("", |value| value.to_str().unwrap());
    match uri.path() {
        "/" => page(FORM),
        "/dead" => page(&FORM.replace("buy.onclick", "window.gone")),
        "/covered" => page(&format!(
            "{FORM}<div id=banner style='position:fixed;inset:0;background:#eee'>Cookies?</div>"
        )),
        "/loud" => page(
            "<img src=/gone.png alt=x><script>console.error('it is bad'); setTimeout(() => { throw new Error('thrown') })</script>",
        ),
        "/wide" => page("<div id=banner style='width:800px'>b</div>"),
        "/bare" => Html("<button></button><img src='data:,' width=9 height=9>").into_response(),
        "/away" => Redirect::to("http://127.0.0.1:9/old").into_response(),
        "/other-port" => page("<script src='http://127.0.0.1:9/old.js'></script>"),
        "/dialog" => page("<button onclick='confirm(\"Really?\")'>Ask</button>"),
        "/rule" => page(&format!("<p>{said}</p>")),
        "/stripe" => {
            let port = headers
                .get(header::HOST)
                .unwrap()
                .to_str()
                .unwrap()
                .rsplit_once(':')
                .unwrap()
                .1;
            let colour = port.parse::<u32>().unwrap() % 2 * 200;
            page(&format!(
                "<div style='position:fixed;left:0;top:80px;width:100%;height:80px;background:rgb({colour},0,0)'></div><footer>{port}</footer>"
            ))
        }
        "/ruled" => page(
            "<script src='/assets/old.js'></script><script>fetch('/ruled', { method: 'POST' })</script>",
        ),
        "/busy" => page("<button onclick='for(;;);'>Hang</button>"),
        "/later" => page(
            "<p id=x></p><script>setTimeout(() => { x.innerHTML = '<b class=error>Too late</b>' }, 400); fetch('/slow')</script>",
        ),
        "/deferred" => page(
            "<button onclick='setTimeout(() => { x.innerHTML = \"<b class=error>Declined</b>\" }, 50)'>Pay</button><p id=x></p>",
        ),
        "/put-off" => page(
            "<button onclick='setTimeout(() => { x.innerHTML = \"<b class=error>Declined</b>\" }, 700)'>Pay</button><p id=x></p>",
        ),
        "/faint" => page("<p class=note style='color:#aaa'>as of today</p><p>Shop</p>"),
        "/polling" => {
            page("<p>Shop</p><script>(async () => { for (;;) await fetch('/slow') })()</script>")
        }
        "/hanging" => page("<p>Shop</p><script>fetch('/never')</script>"),
        "/both" => page(
            "<p>Shop</p><script>fetch('/never'); (async () => { for (;;) await fetch('/slow') })()</script>",
        ),
        "/stream" => page("<p>Shop</p><script>new EventSource('/never')</script>"),
        "/socket" => page("<script>new WebSocket(`ws://${location.host}/live`)</script>"),
        "/other-socket" => page("<script>new WebSocket('ws://127.0.0.1:9/live')</script>"),
        "/many" => page(
            "<script>for (let n = 0; n < 150; n++) console.error('advert ' + n); console.error('it is bad')</script>",
        ),
        "/again" => page(
            "<script>for (let n = 0; n < 150; n++) console.error('advert'); console.error('it is bad')</script>",
        ),
        "/crowded" => page(
            "<p id=x></p><script>(async () => { for (let n = 0; n < 520; n++) await fetch('/empty'); x.textContent = 'All asked' })()</script>",
        ),
        "/empty" => StatusCode::NO_CONTENT.into_response(),
        "/never" => std::future::pending().await,
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(600)).await;
            StatusCode::NO_CONTENT.into_response()
        }
        "/secret" => page(
            "<p>x</p><script>console.error('leaked PLANTED-SECRET'); fetch('/gone?q=PLANTED-SECRET')</script>",
        ),
        "/failed" => (StatusCode::SERVICE_UNAVAILABLE, page("<p>down</p>")).into_response(),
        "/policy" => (
            [(header::CONTENT_SECURITY_POLICY, "img-src 'none'")],
            page("<img src=/x.png alt=x>"),
        )
            .into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn site() -> Url {
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    let router = Router::new().fallback(get(answer));
    tokio::spawn(async move { axum::serve(socket, router).await });
    base.parse().unwrap()
}

/// A Chromium for each try.
#[derive(Debug)]
struct Local;

#[allow(
    clippy::disallowed_methods,
    reason = "where the browser is, and nothing that is measured"
)]
fn program() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    Chromium::find(named.as_deref(), std::env::var_os("PATH")).unwrap_or_else(|why| panic!("{why}"))
}

impl Browsers for Local {
    fn open<'a>(
        &'a self,
        hosts: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<OpenBrowser, NoBrowser>> {
        async move {
            let chromium = Chromium::start(&program(), hosts).await;
            let chromium = chromium.map_err(|error| NoBrowser(error.to_string()))?;
            Ok(OpenBrowser {
                endpoint: chromium.endpoint().clone(),
                maps_hosts: true,
                lease: Arc::new(chromium),
            })
        }
        .boxed()
    }
}

/// A run at a site, to be changed by the test.
struct Trial {
    suite: String,
    target: Target,
    browsers: Option<Arc<dyn Browsers>>,
    deadline: Duration,
}

impl Trial {
    async fn run(self) -> Outcome {
        gate::run(Run {
            suite: Suite::parse("suite.yaml", &self.suite).unwrap_or_else(|p| panic!("{p}")),
            stage: Stage::PreTraffic,
            target: self.target,
            secrets: BTreeMap::from([("hidden".to_owned(), "PLANTED-SECRET".to_owned())]),
            http: HttpOptions::default(),
            cloud: None,
            browsers: self.browsers,
            memory: None,
            deadline: Instant::now() + self.deadline,
        })
        .await
    }
}

fn trial(base: &Url, lines: &str, more: &str) -> Trial {
    let lines: Vec<String> = lines
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    let lines = lines.concat();
    Trial {
        suite: format!(
            "version: 1\nname: shop\n{more}\nchecks:\n  - name: it\n    browser:\n{lines}"
        ),
        target: Target {
            base_url: Some(base.clone()),
            ..Target::default()
        },
        browsers: Some(Arc::new(Local)),
        deadline: Duration::from_secs(40),
    }
}

/// The verdict as people read it.
fn summary(outcome: &Outcome) -> String {
    let word = if outcome.verdict.passed {
        "passed"
    } else {
        "failed"
    };
    format!("{word}\n{}", outcome.verdict.reasons.join("\n"))
}

fn strip(outcome: &Outcome) -> &str {
    &outcome.report.checks[0].strip
}

/// Whether nothing of the planted secret can be read in the report or the page.
fn is_masked(outcome: &Outcome) -> bool {
    let texts = [
        report::json(&outcome.report),
        report::html(&outcome.report),
        outcome.verdict.reasons.concat(),
    ];
    texts.iter().all(|text| !text.contains("PLANTED"))
}

/// On a desktop only, with steps that are not waited for long.
async fn seen(base: &Url, steps: &str) -> Outcome {
    let lines = format!("screens: [desktop]\nstep_timeout: 2s\nsteps: {steps}");
    trial(base, &lines, "").run().await
}

/// Without what differs between two runs.
fn said(outcome: &Outcome, base: &Url) -> String {
    summary(outcome).replace(&base.port().unwrap().to_string(), "PORT")
}

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
    check "it" failed: expected no page that some can't use, got desktop: html-lang: no language in /bare; desktop: page-title: no title in /bare; desktop: main-landmark: no main in /bare; desktop: button-name: button without a name (1) in /bare; desktop: image-nam…
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
    check "it" failed: expected no page that some can't use, got desktop: text-contrast: 2.32:1 of #aaaaaa on #ffffff, and 4.5:1 is needed: p.note "as of today" (1) in /faint
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

#[tokio::test]
async fn pages_come_from_the_release_and_from_nowhere_else() {
    let base = site().await;
    let away = said(&seen(&base, "[{ go: /away }]").await, &base);
    assert!(
        away.contains("expected a page, got none: net::ERR_BLOCKED_BY_CLIENT")
            && away
                .contains("GET http://127.0.0.1:9/old: this page would not come from the release"),
        "{away}"
    );
    // Another port of the same host: production, say.
    let other = said(&seen(&base, "[{ go: /other-port }]").await, &base);
    assert!(
        other.contains("another listener of the target, behind which another release may answer"),
        "{other}"
    );
    let absolute = said(&seen(&base, "[{ go: 'http://127.0.0.1:9/' }]").await, &base);
    assert!(
        absolute.contains("nothing says that 127.0.0.1:9 is the release under test"),
        "{absolute}"
    );
    // By the release's name, which leads to its address in the browser as well.
    let host = format!(
        "host: shop.example.com\nvars: {{ port: '{}' }}",
        base.port().unwrap()
    );
    let lines = "screens: [desktop]\nsteps: [{ go: / }, { expect: [{ url: 'http://shop.example.com:{{ port }}/' }] }]";
    let outcome = trial(&base, lines, &host).run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let notes = outcome.report.checks[0].rounds[0].tries[0].notes.concat();
    let by = format!(
        "the pages were answered by 127.0.0.1:{}",
        base.port().unwrap()
    );
    assert!(notes.contains(&by), "{notes}");
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

#[tokio::test]
async fn what_the_listeners_rule_demands_goes_out_with_each_request_to_the_release() {
    let base = site().await;
    let mut trial = trial(
        &base,
        "screens: [desktop]\nsteps: [{ go: /rule }, { expect: [{ text: green }] }]",
        "",
    );
    let demanded = HeaderValue::from_static("green");
    trial.target.headers.insert("x-shop", demanded);
    let outcome = trial.run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

/// What is said of `page` behind a listener whose rule is this.
async fn behind(base: &Url, rule: ListenerRule, page: &str) -> (String, Outcome) {
    let lines = format!("screens: [desktop]\nsteps: [{{ go: {page} }}]");
    let mut trial = trial(base, &lines, "");
    trial.target.rule = rule;
    let outcome = trial.run().await;
    (said(&outcome, base), outcome)
}

fn patterns(written: &[&str]) -> Vec<RulePattern> {
    written.iter().copied().map(RulePattern::wildcard).collect()
}

#[tokio::test]
async fn what_the_listeners_rule_does_not_take_is_not_the_release() {
    let base = site().await;
    // A part of the page that another release would answer.
    let only_page = ListenerRule {
        conditions: RuleConditions {
            paths: patterns(&["/ruled"]),
            ..RuleConditions::default()
        },
        ..ListenerRule::default()
    };
    let (why, outcome) = behind(&base, only_page, "/ruled").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(
        why.contains(
            "/assets/old.js does not reach the release, as its listener rule takes the path /ruled"
        ),
        "{why}"
    );
    // A method of a script, and a header that nothing sends: known when the request goes out.
    let reading = ListenerRule {
        conditions: RuleConditions {
            methods: vec!["GET".to_owned()],
            ..RuleConditions::default()
        },
        ..ListenerRule::default()
    };
    let (why, outcome) = behind(&base, reading, "/ruled").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(
        why.contains("POST") && why.contains("takes the method \"GET\""),
        "{why}"
    );
    let canary = ListenerRule {
        conditions: RuleConditions {
            headers: vec![HeaderCondition {
                name: "x-canary".parse().unwrap(),
                values: patterns(&["1"]),
            }],
            ..RuleConditions::default()
        },
        ..ListenerRule::default()
    };
    let (why, outcome) = behind(&base, canary, "/rule").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(why.contains("takes the header x-canary"), "{why}");
    // Another rule comes first.
    let late = ListenerRule {
        earlier: vec![EarlierRule {
            priority: 3,
            conditions: RuleConditions {
                paths: patterns(&["/rule*"]),
                ..RuleConditions::default()
            },
        }],
        ..ListenerRule::default()
    };
    let (why, outcome) = behind(&base, late, "/rule").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(why.contains("the rule of priority 3"), "{why}");
    // A header that the rule demands can't be given to a WebSocket.
    let (why, outcome) = behind(&base, ListenerRule::default(), "/other-socket").await;
    assert_eq!(strip(&outcome), "F", "{why}");
    assert!(
        why.contains("127.0.0.1:9/live: another listener of the target"),
        "{why}"
    );
    let only_page = ListenerRule {
        conditions: RuleConditions {
            paths: patterns(&["/socket"]),
            ..RuleConditions::default()
        },
        ..ListenerRule::default()
    };
    let (why, outcome) = behind(&base, only_page, "/socket").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(
        why.contains(
            "/live does not reach the release, as its listener rule takes the path /socket"
        ),
        "{why}"
    );
    let green = ListenerRule {
        conditions: RuleConditions {
            headers: vec![HeaderCondition {
                name: "x-shop".parse().unwrap(),
                values: patterns(&["green"]),
            }],
            ..RuleConditions::default()
        },
        ..ListenerRule::default()
    };
    let mut socket = trial(&base, "screens: [desktop]\nsteps: [{ go: /socket }]", "");
    let demanded = HeaderValue::from_static("green");
    socket.target.headers.insert("x-shop", demanded);
    socket.target.rule = green;
    let outcome = socket.run().await;
    let why = said(&outcome, &base);
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(
        why.contains("/live") && why.contains("takes the header x-shop"),
        "{why}"
    );
    // What it takes is measured.
    let (why, outcome) = behind(&base, ListenerRule::default(), "/rule").await;
    assert!(outcome.verdict.passed, "{why}");
}

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
