//! The first suite, written from what answered. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::crawl_site::{Answers, Page};

/// A longer text of a health page tells more than whether all is well.
const MAX_WORDS: usize = 40;

/// One check, before it is known whether it passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftCheck {
    pub(super) name: String,
    probe: String,
    expect: Vec<String>,
}

/// The checks that what was seen allows.
pub(super) fn drafts(seen: &Answers, secure: bool) -> Vec<DraftCheck> {
    let mut drafts = vec![of_home(&seen.home)];
    // Where everything is answered alike, only data says that somebody has thought of a place.
    let answers_all = seen.nowhere.as_ref().is_some_and(|page| page.status < 400);
    let usual = seen.usual.iter().filter(|page| page.status == 200);
    drafts.extend(
        usual
            .filter(|page| !answers_all || is_json(page))
            .filter(|page| !is_html(page))
            .map(of_usual),
    );
    if let Some(page) = seen.nowhere.as_ref().filter(|page| page.status == 404) {
        drafts.push(DraftCheck {
            name: "a page that does not exist is not found".to_owned(),
            probe: http(&page.path),
            expect: vec!["status: 404".to_owned()],
        });
    }
    if is_shown(&seen.home) {
        let start = quoted(&address(&seen.home.path));
        drafts.push(DraftCheck {
            name: "no page is broken".to_owned(),
            probe: format!("crawl: {{ start: {start}, max_pages: 20 }}"),
            expect: Vec::new(),
        });
    }
    if secure {
        drafts.push(DraftCheck {
            name: "the certificate is not about to expire".to_owned(),
            probe: "tls: { expires_in: \"> 14d\" }".to_owned(),
            expect: Vec::new(),
        });
    }
    drafts
}

fn of_home(page: &Page) -> DraftCheck {
    let mut expect = common(page);
    if is_shown(page) {
        match title(&page.body) {
            Title::Plain(title) => {
                expect.push(format!("css: {{ select: title, text: {} }}", quoted(title)));
            }
            Title::Other => expect.push("css: { select: title, exists: true }".to_owned()),
            Title::None => {}
        }
    } else if let Some(location) = page.location.as_ref().filter(|to| is_literal(to)) {
        expect.push(format!(
            "header: {{ name: location, equals: {} }}",
            quoted(location)
        ));
    }
    expect.push(format!(
        "latency: \"< {}\"",
        text::words::duration(generous(page.took))
    ));
    DraftCheck {
        name: "the first page is shown".to_owned(),
        probe: http(&page.path),
        expect,
    }
}

/// A page that people see, and no redirect.
fn is_shown(page: &Page) -> bool {
    is_html(page) && (200..300).contains(&page.status)
}

fn of_usual(page: &Page) -> DraftCheck {
    let mut expect = common(page);
    let data = serde_json::from_str::<Value>(&page.body).ok();
    if let Some(status) = data.as_ref().and_then(|data| text_at(data, "status")) {
        expect.push(format!(
            "json: {{ path: $.status, equals: {} }}",
            quoted(status)
        ));
    } else if let Some(words) = short(page) {
        expect.push(format!("body: {{ contains: {} }}", quoted(words)));
    }
    if data.is_some_and(|data| data["version"].is_string()) {
        expect.push("json: { path: $.version, type: string }".to_owned());
        // A gate knows which version is deployed; a laptop is told.
        expect.push(
            "# json: { path: $.version, equals: \"{{ target.version }}\" }    # of a deployment; here: --target version=…"
                .to_owned(),
        );
    }
    DraftCheck {
        name: format!("{} answers", page.path),
        probe: http(&page.path),
        expect,
    }
}

fn text_at<'a>(data: &'a Value, key: &str) -> Option<&'a str> {
    data[key].as_str().filter(|text| is_literal(text))
}

fn http(path: &str) -> String {
    let path = address(path);
    // A path with signs that YAML means something by is a value of its own.
    let is_plain = path
        .chars()
        .all(|sign| sign.is_ascii_alphanumeric() || "/-_.~".contains(sign));
    if is_plain {
        format!("http: GET {path}")
    } else {
        format!("http: {{ url: {} }}", quoted(&path))
    }
}

/// A path and a query as they can be sent, and in which no reference begins.
fn address(path: &str) -> String {
    path.bytes().fold(String::new(), |mut address, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/?&=+,;:@%".contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
        address
    })
}

fn common(page: &Page) -> Vec<String> {
    let mut expect = vec![format!("status: {}", page.status)];
    if let Some(media_type) = page.media_type.as_ref().filter(|kind| is_literal(kind)) {
        expect.push(format!(
            "header: {{ name: content-type, contains: {} }}",
            quoted(media_type)
        ));
    }
    expect
}

/// A text that can be expected as it stands: it is not empty, no reference hides in it, and all of it can be seen.
fn is_literal(text: &str) -> bool {
    !text.is_empty() && !text.contains("{{") && text::clean::shown(text) == text
}

fn is_html(page: &Page) -> bool {
    page.media_type.as_deref() == Some("text/html")
}

fn is_json(page: &Page) -> bool {
    let kind = page.media_type.as_deref().unwrap_or_default();
    kind == "application/json" || kind.ends_with("+json")
}

/// The title of a page.
#[derive(Debug, PartialEq, Eq)]
enum Title<'a> {
    /// It can be written down as it stands.
    Plain(&'a str),
    /// There is one, in words that only a browser reads.
    Other,
    None,
}

fn title(body: &str) -> Title<'_> {
    let lower = body.to_ascii_lowercase();
    // A drawing in the page has titles of its own.
    let head = lower.find("<body").or_else(|| lower.find("<svg"));
    let head = &lower[..head.unwrap_or(lower.len())];
    let inside = head.find("<title").and_then(|tag| {
        let open = tag + head[tag..].find('>')? + 1;
        let close = open + head[open..].find("</title")?;
        Some(body[open..close].trim())
    });
    match inside {
        None | Some("") => Title::None,
        Some(title) => {
            let is_plain = !title.contains(['&', '<', char::REPLACEMENT_CHARACTER])
                && is_literal(title)
                && text::clean::line(title) == title;
            if is_plain {
                Title::Plain(title)
            } else {
                Title::Other
            }
        }
    }
}

fn short(page: &Page) -> Option<&str> {
    let words = page.body.trim();
    let is_short = !words.is_empty() && words.chars().count() <= MAX_WORDS;
    (is_short && !is_json(page) && is_literal(words)).then_some(words)
}

/// Ten times what was seen, in whole seconds: a first suite is not to fail on a busy day.
fn generous(took: Duration) -> Duration {
    Duration::from_secs((took * 10).as_secs() + 1)
}

/// A value of YAML, whatever it holds.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The file. Checks that did not pass just now are kept as advisory, with the reason.
pub(super) fn suite(
    name: &str,
    drafts: &[DraftCheck],
    doubts: &BTreeMap<String, String>,
) -> String {
    let mut file = format!(
        "# What a release of {} must do before it may have traffic, and while it has it.\n\
         # All keys: docs/suite.md of deploy-hooks.\n\
         version: 1\nname: {}\n\nchecks:\n",
        text::clean::line(name),
        quoted(name)
    );
    for (index, draft) in drafts.iter().enumerate() {
        if index > 0 {
            file.push('\n');
        }
        let _ = writeln!(file, "  - name: {}", quoted(&draft.name));
        if let Some(doubt) = doubts.get(&draft.name) {
            let _ = writeln!(file, "    # It did not pass when this was written: {doubt}");
            file.push_str("    severity: advisory\n");
        }
        let _ = writeln!(file, "    {}", draft.probe);
        if !draft.expect.is_empty() {
            file.push_str("    expect:\n");
        }
        for one in &draft.expect {
            let _ = match one.strip_prefix("# ") {
                Some(comment) => writeln!(file, "      # - {comment}"),
                None => writeln!(file, "      - {one}"),
            };
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use gate::{Stage, Suite};

    use super::*;

    fn page(path: &str, status: u16, media_type: &str, body: &str) -> Page {
        Page {
            path: path.to_owned(),
            status,
            media_type: Some(media_type.to_owned()),
            location: None,
            body: body.to_owned(),
            took: Duration::from_millis(130),
        }
    }

    fn written(seen: &Answers) -> String {
        suite("shop", &drafts(seen, true), &BTreeMap::new())
    }

    #[test]
    fn a_site_with_health_and_version_gets_a_check_for_each() {
        let seen = Answers {
            home: page("/", 200, "text/html", "<html><Title> Our shop</title>"),
            usual: vec![
                page("/health", 200, "application/json", r#"{"status":"UP"}"#),
                page("/ping", 200, "text/plain", "pong\n"),
                page("/status", 404, "text/plain", "no"),
                page(
                    "/version",
                    200,
                    "application/json",
                    r#"{"version":"1.2.0"}"#,
                ),
            ],
            nowhere: Some(page("/nowhere", 404, "text/html", "not here")),
        };
        let file = written(&seen);
        insta::assert_snapshot!(file, @r#"
                # What a release of shop must do before it may have traffic, and while it has it.
                # All keys: docs/suite.md of deploy-hooks.
                version: 1
                name: "shop"

                checks:
                  - name: "the first page is shown"
                    http: GET /
                    expect:
                      - status: 200
                      - header: { name: content-type, contains: "text/html" }
                      - css: { select: title, text: "Our shop" }
                      - latency: "< 2s"

                  - name: "/health answers"
                    http: GET /health
                    expect:
                      - status: 200
                      - header: { name: content-type, contains: "application/json" }
                      - json: { path: $.status, equals: "UP" }

                  - name: "/ping answers"
                    http: GET /ping
                    expect:
                      - status: 200
                      - header: { name: content-type, contains: "text/plain" }
                      - body: { contains: "pong" }

                  - name: "/version answers"
                    http: GET /version
                    expect:
                      - status: 200
                      - header: { name: content-type, contains: "application/json" }
                      - json: { path: $.version, type: string }
                      # - json: { path: $.version, equals: "{{ target.version }}" }    # of a deployment; here: --target version=…

                  - name: "a page that does not exist is not found"
                    http: GET /nowhere
                    expect:
                      - status: 404

                  - name: "no page is broken"
                    crawl: { start: "/", max_pages: 20 }

                  - name: "the certificate is not about to expire"
                    tls: { expires_in: "> 14d" }
                "#);
        let suite = Suite::parse("suite.yaml", &file).unwrap();
        assert_eq!(suite.checks_at(Stage::PreTraffic), 7);
    }

    #[test]
    fn a_title_is_that_of_the_page_and_in_words_that_can_be_expected() {
        assert_eq!(
            title("<TITLE lang=en>\n Shop </TITLE>"),
            Title::Plain("Shop")
        );
        assert_eq!(title("<title>A &amp; B</title>"), Title::Other);
        assert_eq!(title("<title>Caf\u{fffd}</title>"), Title::Other);
        assert_eq!(title("<title> </title>"), Title::None);
        assert_eq!(title("<p>Hello<svg><title>icon</title></svg>"), Title::None);
        assert_eq!(title("<head></head><body><title>late</title>"), Title::None);
    }

    #[test]
    fn a_redirect_that_leaves_is_expected_as_it_is() {
        let mut home = page("/", 302, "text/html", "<title>Found</title>");
        home.location = Some("https://login.example.com/".to_owned());
        let seen = Answers {
            home,
            usual: Vec::new(),
            nowhere: None,
        };
        let drafts = drafts(&seen, false);
        assert_eq!(drafts.len(), 1, "nothing to walk: {drafts:?}");
        assert!(drafts[0].expect.contains(
            &"header: { name: location, equals: \"https://login.example.com/\" }".to_owned()
        ));
    }

    #[test]
    fn where_everything_is_answered_alike_only_data_counts() {
        let shell = "<title>App &amp; more</title>";
        let seen = Answers {
            home: page("/", 200, "text/html", shell),
            usual: vec![
                page("/health", 200, "text/html", shell),
                page("/ping", 200, "text/plain", "pong"),
                page("/api/health", 200, "application/json", "{}"),
            ],
            nowhere: Some(page("/nowhere", 200, "text/html", shell)),
        };
        let names: Vec<_> = drafts(&seen, false)
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(
            names,
            [
                "the first page is shown",
                "/api/health answers",
                "no page is broken"
            ]
        );
    }

    #[test]
    fn whatever_a_site_answers_the_file_is_a_suite() {
        for hostile in [
            "{{ password }}",
            "\" } , x: {",
            "a\nb: c",
            "# - x",
            "\u{202e}evil\u{0}",
            "'",
            "",
        ] {
            let body = format!("<title>{hostile}</title>");
            let data = serde_json::json!({ "status": hostile, "version": hostile }).to_string();
            let seen = Answers {
                home: page(&format!("/?a={hostile}"), 200, "text/html", &body),
                usual: vec![
                    page("/health", 200, "application/json", &data),
                    page("/ping", 200, hostile, hostile),
                ],
                nowhere: None,
            };
            let file = written(&seen);
            let suite = Suite::parse("suite.yaml", &file);
            assert!(suite.is_ok(), "{hostile:?}: {}\n{file}", suite.unwrap_err());
        }
    }

    #[test]
    fn what_did_not_pass_is_kept_as_advisory_with_its_reason() {
        let seen = Answers {
            home: page("/", 200, "text/html", "<title>Shop</title>"),
            usual: Vec::new(),
            nowhere: None,
        };
        let doubts = BTreeMap::from([(
            "no page is broken".to_owned(),
            "1 broken link: /old".to_owned(),
        )]);
        let file = suite("shop", &drafts(&seen, false), &doubts);
        let (_, doubted) = file.split_once("\n\n  - ").unwrap();
        insta::assert_snapshot!(doubted, @r#"
        name: "no page is broken"
            # It did not pass when this was written: 1 broken link: /old
            severity: advisory
            crawl: { start: "/", max_pages: 20 }
        "#);
        let suite = Suite::parse("suite.yaml", &file).unwrap();
        assert_eq!(suite.required_checks_at(Stage::PreTraffic), 1);
    }
}
