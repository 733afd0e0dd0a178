//! What a suite includes.

use std::time::Duration;

use super::files::read_with;
use super::*;
use crate::probe::Probe;
use crate::template::Var;

const SUITE: &str = "\
version: 1
name: shop
include: [shared/login.yaml, shared/health.yaml]
vars: { reader: own@example.com }
defaults: { http: { timeout: 2s, headers: { X-Team: own } } }
checks:
  - name: basket
    http: 'GET /basket/{{ reader }}/{{ page }}'
";
const LOGIN: &str = "\
version: 1
vars: { reader: shared@example.com, page: one, token: plain }
secrets: { password: 'ssm:/shared/password' }
defaults: { http: { timeout: 9s, retries: 7, headers: { x-team: shared, x-from: login } } }
checks:
  - name: login
    http: { method: POST, url: /login, form: { user: '{{ reader }}', password: '{{ password }}' } }
";
const HEALTH: &str = "\
vars: { page: two }
secrets: { token: 'ssm:/shared/token' }
checks:
  - name: health
    http: { url: /health, headers: { x-token: '{{ token }}' } }
";

fn files<'f>(login: &'f str, health: &'f str) -> [(&'f str, &'f [u8]); 2] {
    [
        ("shared/login.yaml", login.as_bytes()),
        ("shared/health.yaml", health.as_bytes()),
    ]
}

fn wrong(suite: &str, files: &[(&str, &[u8])]) -> String {
    read_with(suite, files).unwrap_err().to_string()
}

#[test]
fn files_become_one_suite_in_which_its_own_word_wins() {
    let suite = read_with(SUITE, &files(LOGIN, HEALTH)).unwrap_or_else(|p| panic!("{p}"));
    let names: Vec<&str> = suite
        .checks
        .iter()
        .map(|check| check.name.as_str())
        .collect();
    assert_eq!(names, ["login", "health", "basket"]);
    let var = |name: &str| match suite.vars.get(name) {
        Some(Var::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    assert_eq!(
        (var("reader"), var("page")),
        (Some("own@example.com"), Some("two"))
    );
    // What a later file calls a secret is no variable any more.
    assert_eq!(var("token"), None);
    assert!(suite.secrets.contains_key("token") && suite.secrets.contains_key("password"));
    for check in &suite.checks {
        let Probe::Http(request) = &check.probe else {
            panic!("another probe");
        };
        let header = |name: &str| {
            let found = request.headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.written().to_owned())
        };
        assert_eq!(header("x-team").as_deref(), Some("own"));
        assert_eq!(header("x-from").as_deref(), Some("login"));
        assert_eq!(
            (check.retry.timeout, check.retry.retries),
            (Duration::from_secs(2), 7)
        );
    }
    let places: Vec<String> = suite.checks.iter().map(Check::place).collect();
    assert_eq!(
        places,
        [
            "line 7 of shared/login.yaml",
            "line 5 of shared/health.yaml",
            "line 8"
        ]
    );
    let made_of: Vec<&str> = suite.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        made_of,
        [
            "suites/shop.yaml",
            "suites/shared/health.yaml",
            "suites/shared/login.yaml"
        ]
    );
}

#[test]
fn a_change_of_an_included_file_is_a_change_of_the_suite() {
    let print = |health: &str| {
        let suite = read_with(SUITE, &files(LOGIN, health)).unwrap();
        (suite.fingerprint, suite.checks[1].definition)
    };
    let other = HEALTH.replace("/health,", "/healthz,");
    let (one, two) = (print(HEALTH), print(&other));
    assert!(one.0 != two.0 && one.1 != two.1);
    assert_eq!(one, print(HEALTH));
}

#[test]
fn a_suite_may_consist_of_what_it_includes() {
    let suite = "version: 1\nname: shop\ninclude: [shared/login.yaml]\n";
    assert_eq!(read_with(suite, &files(LOGIN, "")).unwrap().checks.len(), 1);
    let nothing = wrong(suite, &files("vars: {}", ""));
    insta::assert_snapshot!(nothing, @"");
}

#[test]
fn problems_name_their_own_file() {
    let login = LOGIN
        .replace("form:", "forms:")
        .replace("version: 1", "version: 2\nname: x");
    let health = "checks:\n  - name: basket\n    http: 'GET /{{ typo }}'\n";
    let suite = SUITE.replace("'GET /basket", "'GETT /basket");
    insta::assert_snapshot!(wrong(&suite, &files(&login, health)), @"");
    insta::assert_snapshot!(wrong(SUITE, &files("a: [", "checks: {}")), @"");
    insta::assert_snapshot!(wrong(SUITE, &[]), @"");
    insta::assert_snapshot!(wrong(SUITE, &[("shared/login.yaml", &[0xff]), ("shared/health.yaml", b"vars: []")]), @"");
}

#[test]
fn files_of_an_included_file_lie_beside_it() {
    let login = "include: [more/a.yaml]\nchecks:\n  - name: a\n    http: { method: POST, url: /, body_file: a.bin }\n";
    let more: [(&str, &[u8]); 4] = [
        ("shared/login.yaml", login.as_bytes()),
        ("shared/health.yaml", HEALTH.as_bytes()),
        ("shared/more/a.yaml", b"vars: { page: deep }"),
        ("shared/a.bin", b"x"),
    ];
    let suite = read_with(SUITE, &more).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(suite.files.len(), 5);
    insta::assert_snapshot!(wrong(SUITE, &more[..2]), @"");
}

#[test]
fn circles_and_depths_are_problems() {
    let circle = "include: [login.yaml]";
    let more = [
        ("shared/login.yaml", &b"include: [health.yaml]"[..]),
        ("shared/health.yaml", circle.as_bytes()),
    ];
    insta::assert_snapshot!(wrong(SUITE, &more), @"");
    let deep: Vec<(String, String)> = (0..8)
        .map(|n| (format!("{n}.yaml"), format!("include: [{}.yaml]", n + 1)))
        .collect();
    let deep: Vec<(&str, &[u8])> = deep
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    let suite = SUITE.replace("shared/login.yaml, shared/health.yaml", "0.yaml");
    insta::assert_snapshot!(wrong(&suite, &deep), @"");
    // The same file by two ways is no circle, and counts once.
    let twice = [
        ("shared/login.yaml", &b"include: [health.yaml]"[..]),
        ("shared/health.yaml", HEALTH.as_bytes()),
    ];
    let suite = read_with(SUITE, &twice).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(suite.checks.len(), 2);
    let many: Vec<String> = (0..30).map(|n| format!("f{n}.yaml")).collect();
    let texts: Vec<(&str, &[u8])> = many
        .iter()
        .map(|name| (name.as_str(), &b"vars: {}"[..]))
        .collect();
    let suite = SUITE.replace("shared/login.yaml, shared/health.yaml", &many.join(", "));
    assert!(wrong(&suite, &texts).contains("a suite may include 20 files"));
}
