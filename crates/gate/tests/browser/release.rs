//! Only the release under test counts: its address, its names, and the rule of its listener.

use axum::http::HeaderValue;
use gate::{EarlierRule, HeaderCondition, ListenerRule, Outcome, RuleConditions, RulePattern};
use url::Url;

use super::site::site;
use super::{said, seen, strip, summary, trial};

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

#[tokio::test]
async fn what_the_listeners_rule_does_not_take_is_not_the_release() {
    let base = site().await;
    // A part of the page that another release would answer.
    let only_page = ListenerRule {
        conditions: RuleConditions {
            paths: RulePattern::wildcards(&["/ruled"]),
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
                values: RulePattern::wildcards(&["1"]),
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
                paths: RulePattern::wildcards(&["/rule*"]),
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
            paths: RulePattern::wildcards(&["/socket"]),
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
                values: RulePattern::wildcards(&["green"]),
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

#[tokio::test]
async fn other_services_behind_the_listener_are_asked_where_the_check_says_so() {
    let base = site().await;
    let rule = ListenerRule {
        earlier: vec![EarlierRule {
            priority: 3,
            conditions: RuleConditions {
                paths: RulePattern::wildcards(&["/assets/*"]),
                ..RuleConditions::default()
            },
        }],
        ..ListenerRule::default()
    };
    let (why, outcome) = behind(&base, rule.clone(), "/ruled").await;
    assert_eq!(strip(&outcome), "E", "{why}");
    assert!(
        why.contains("if other services are meant to answer there, write allow_origins: [\"{{ target.url }}\"]"),
        "{why}"
    );
    let allowing = |go: &str| {
        let lines = format!(
            "screens: [desktop]\nallow_origins: ['{{{{ target.url }}}}']\nsteps: [{{ go: {go} }}]"
        );
        let mut trial = trial(&base, &lines, "");
        trial.target.rule = rule.clone();
        let fact = ("url".to_owned(), base.to_string());
        trial.target.facts.extend([fact]);
        trial
    };
    let mut unknown = allowing("/ruled");
    unknown.target.facts.clear();
    let why = said(&unknown.run().await, &base);
    assert!(why.contains("target.url"), "{why}");
    let outcome = allowing("/ruled").run().await;
    let notes = outcome.report.checks[0].rounds[0].tries[0].notes.concat();
    assert!(
        notes.contains("/assets/old.js does not reach the release")
            && notes.contains("the rule of priority 3"),
        "{notes} {}",
        said(&outcome, &base)
    );
    assert_ne!(strip(&outcome), "E");
    // Pages that only another service answers measure no release, and what its requests met is said in any case.
    let other = || {
        let mut other = allowing("/rule");
        other.target.rule.earlier[0].conditions.paths = RulePattern::wildcards(&["/rule*"]);
        other
    };
    let outcome = other().run().await;
    let why = said(&outcome, &base);
    assert_eq!(strip(&outcome), "P", "{why}");
    assert!(!outcome.verdict.passed, "{why}");
    assert!(
        why.contains("nothing required measures the release"),
        "{why}"
    );
    let mut cut = other();
    cut.suite = cut
        .suite
        .replace("go: /rule", "go: /rule }, { click: { css: '##' }");
    let outcome = cut.run().await;
    assert_eq!(strip(&outcome), "E");
    let notes = outcome.report.checks[0].rounds[0].tries[0].notes.concat();
    assert!(
        notes.contains("/rule does not reach the release"),
        "{notes}"
    );
}
