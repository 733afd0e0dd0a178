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
            found.map(|(_, value)| value.written().clone())
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
    insta::assert_snapshot!(nothing, @r#"suites/shop.yaml:1:1: the suite has no "checks"; add `checks:`"#);
}

#[test]
fn problems_name_their_own_file() {
    let login = LOGIN
        .replace("form:", "forms:")
        .replace("version: 1", "version: 2\nname: x");
    let health = "checks:\n  - name: basket\n    http: 'GET /{{ typo }}'\n";
    let suite = SUITE.replace("'GET /basket", "'GETT /basket");
    insta::assert_snapshot!(wrong(&suite, &files(&login, health)), @r#"
    suites/shop.yaml:7:11: two checks have the name "basket"; the other one is in line 2 of shared/health.yaml; reports need to tell them apart
    suites/shop.yaml:8:11: unknown method "GETT"; did you mean GET?
    suites/shared/login.yaml:1:10: unknown version; this is version 1: write `version: 1`
    suites/shared/login.yaml:2:1: unknown key "name"; an included file knows "version", "include", "vars", "secrets", "defaults", "checks"
    suites/shared/login.yaml:8:40: unknown key "forms"; did you mean "form"?
    suites/shared/health.yaml:3:11: {{ typo }} refers to nothing; known here: "page", "password", "reader", "token"
    "#);
    insta::assert_snapshot!(wrong(SUITE, &files("a: [", "checks: {}")), @r#"
    suites/shared/login.yaml:2:1: not valid YAML: while parsing a node, did not find expected node content; check the indentation, quotes and brackets here and in the line above
    suites/shared/health.yaml:1:9: checks is a list, not a mapping; write each item in a line of its own, after `- `
    "#);
    insta::assert_snapshot!(wrong(SUITE, &[]), @r#"
    suites/shop.yaml:3:11: include: shared/login.yaml could not be read: no such file; its path is relative to the file that names it
    suites/shop.yaml:3:30: include: shared/health.yaml could not be read: no such file; its path is relative to the file that names it
    "#);
    insta::assert_snapshot!(wrong(SUITE, &[("shared/login.yaml", &[0xff]), ("shared/health.yaml", b"vars: []")]), @r#"
    suites/shop.yaml:3:11: include: shared/login.yaml is not UTF-8; save it as UTF-8
    suites/shared/health.yaml:1:7: vars is a mapping (`key: value`), not a list; write its keys below it, indented
    "#);
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
    insta::assert_snapshot!(wrong(SUITE, &more[..2]), @r#"
    suites/shared/login.yaml:1:11: include: shared/more/a.yaml could not be read: no such file; its path is relative to the file that names it
    suites/shared/login.yaml:4:46: body_file: a.bin could not be read: no such file; its path is relative to the file that names it
    "#);
}

#[test]
fn circles_and_depths_are_problems() {
    let circle = "include: [login.yaml]";
    let more = [
        ("shared/login.yaml", &b"include: [health.yaml]"[..]),
        ("shared/health.yaml", circle.as_bytes()),
    ];
    insta::assert_snapshot!(wrong(SUITE, &more), @"suites/shared/health.yaml:1:11: include: shared/login.yaml → shared/health.yaml → shared/login.yaml goes in a circle; remove one of them");
    let deep: Vec<(String, String)> = (0..8)
        .map(|n| (format!("{n}.yaml"), format!("include: [{}.yaml]", n + 1)))
        .collect();
    let deep: Vec<(&str, &[u8])> = deep
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    let suite = SUITE.replace("shared/login.yaml, shared/health.yaml", "0.yaml");
    insta::assert_snapshot!(wrong(&suite, &deep), @"suites/3.yaml:1:11: include: 4.yaml is included more than 4 levels deep; include it from the suite itself");
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

#[test]
fn a_bad_include_is_named_at_its_place() {
    let with = |list: &str, files: &[(&str, &[u8])]| {
        let suite = SUITE.replace("[shared/login.yaml, shared/health.yaml]", list);
        wrong(&suite, files)
    };
    let health: (&str, &[u8]) = ("a.yaml", HEALTH.as_bytes());
    insta::assert_snapshot!(with("[/etc/passwd, ../a.yaml, a/../a.yaml, 'C:\\a.yaml', 's3://b/a.yaml', '{{ page }}.yaml', '']", &[]), @r#"
    suites/shop.yaml:3:11: include: "/etc/passwd" is no path to a file beside the suite: it must lead from the folder of the file that names it downwards, without .. and :; write one such as shared/login.yaml
    suites/shop.yaml:3:24: include: "../a.yaml" is no path to a file beside the suite: it must lead from the folder of the file that names it downwards, without .. and :; write one such as shared/login.yaml
    suites/shop.yaml:3:35: include: "a/../a.yaml" is no path to a file beside the suite: it must lead from the folder of the file that names it downwards, without .. and :; write one such as shared/login.yaml
    suites/shop.yaml:3:48: include: "C:\\a.yaml" is no path to a file beside the suite: it has a backslash or an invisible character; folders are separated by /; write one such as shared/login.yaml
    suites/shop.yaml:3:61: include: "s3://b/a.yaml" is no path to a file beside the suite: it must lead from the folder of the file that names it downwards, without .. and :; write one such as shared/login.yaml
    suites/shop.yaml:3:78: include: "{{ page }}.yaml" is no path to a file beside the suite: a path can't have references; write one such as shared/login.yaml
    suites/shop.yaml:3:97: include is empty; write something, or remove the key
    "#);
    insta::assert_snapshot!(with("a.yaml", &[health]), @r#"
    suites/shop.yaml:3:10: include is a list, not text; write each item in a line of its own, after `- `
    "#);
    insta::assert_snapshot!(with("[]", &[health]), @r#"
    suites/shop.yaml:3:10: include: it names no file; name a file such as shared/login.yaml, or remove the key
    "#);
    insta::assert_snapshot!(with("[a.yaml, a.yaml]", &[health]), @"suites/shop.yaml:3:19: include: a.yaml is listed twice; remove one");
    insta::assert_snapshot!(with("[a.yaml]", &[("a.yaml", b"name: other\ntraffic: { bake: 1m }")]), @r#"
    suites/shop.yaml:8:11: {{ page }} refers to nothing; known here: "reader"
    suites/a.yaml:1:1: unknown key "name"; an included file knows "version", "include", "vars", "secrets", "defaults", "checks"
    suites/a.yaml:2:1: unknown key "traffic"; an included file knows "version", "include", "vars", "secrets", "defaults", "checks"
    "#);
    insta::assert_snapshot!(with("[a.yaml]", &[("a.yaml", b"- 1")]), @"suites/a.yaml:1:1: an included file is a mapping (`key: value`), not a list; write its keys below it, indented");
    insta::assert_snapshot!(with("[a.yaml]", &[("a.yaml", b"")]), @"suites/a.yaml:1:1: the file is empty; write what suites share: checks, vars, secrets, defaults");
    insta::assert_snapshot!(with("[a.yaml]", &[("a.yaml", b"include: [../b.yaml]")]), @r#"suites/a.yaml:1:11: include: "../b.yaml" is no path to a file beside the suite: it must lead from the folder of the file that names it downwards, without .. and :; write one such as shared/login.yaml"#);
    let large = format!("# {}\nvars: {{}}", "x".repeat(1024 * 1024));
    insta::assert_snapshot!(with("[a.yaml]", &[("a.yaml", large.as_bytes())]), @"suites/shop.yaml:3:11: include: a.yaml is larger than 1 MiB; make it smaller");
    let half = format!("# {}\nvars: {{}}", "x".repeat(800 * 1024));
    let half: Vec<(&str, &[u8])> = ["a.yaml", "b.yaml", "c.yaml"]
        .iter()
        .map(|name| (*name, half.as_bytes()))
        .collect();
    insta::assert_snapshot!(with("[a.yaml, b.yaml, c.yaml]", &half), @"suites/shop.yaml:3:27: include: with c.yaml the included files have more than 2 MiB together; include fewer");
    let bomb = (1..9).fold(
        "vars: { a0: &a0 [x, x, x, x, x, x, x, x, x]".to_owned(),
        |all, n| {
            let before = format!("*a{}", n - 1);
            format!("{all}, a{n}: &a{n} [{}]", [before.as_str(); 9].join(", "))
        },
    ) + " }";
    insta::assert_snapshot!(with("[a.yaml]", &[("a.yaml", bomb.as_bytes())]), @"suites/a.yaml:1:240: more than 50000 values, with aliases written out; split the included file, or use fewer aliases");
    // Files share one set of names, whichever of them has a check first.
    insta::assert_snapshot!(with("[a.yaml, b.yaml]", &[health, ("b.yaml", HEALTH.as_bytes())]), @r#"suites/b.yaml:4:11: two checks have the name "health"; the other one is in line 4 of a.yaml; reports need to tell them apart"#);
    let basket = HEALTH.replace("health", "basket");
    insta::assert_snapshot!(with("[a.yaml]", &[("a.yaml", basket.as_bytes())]), @r#"suites/shop.yaml:7:11: two checks have the name "basket"; the other one is in line 4 of a.yaml; reports need to tell them apart"#);
}

/// The lines of a text, some of them gone, doubled or from another place.
fn mangled(text: &str, picks: &[usize]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let picked = picks
        .iter()
        .enumerate()
        .map(|(index, pick)| match pick % 4 {
            0 => lines.get(pick / 4 % lines.len()).copied().unwrap_or(""),
            _ => lines.get(index).copied().unwrap_or(""),
        });
    picked.collect::<Vec<&str>>().join("\n")
}

proptest::proptest! {
    #[test]
    fn whatever_lies_beside_a_suite_is_read_or_refused(
        suite in proptest::collection::vec(0_usize..64, 0..12),
        login in proptest::collection::vec(0_usize..64, 0..12),
        health in proptest::collection::vec(0_usize..64, 0..12),
    ) {
        let suite = mangled(SUITE, &suite);
        let (login, health) = (mangled(LOGIN, &login), mangled(HEALTH, &health));
        match read_with(&suite, &files(&login, &health)) {
            Ok(read) => proptest::prop_assert!(!read.checks.is_empty()),
            Err(problems) => {
                proptest::prop_assert!(!problems.problems.is_empty());
                // Each is in a file that there is.
                for problem in &problems.problems {
                    let file = problems.file_of(problem);
                    proptest::prop_assert!(file.starts_with("suites/"), "{file}");
                    let text = match file {
                        "suites/shared/login.yaml" => &login,
                        "suites/shared/health.yaml" => &health,
                        _ => &suite,
                    };
                    // What breaks off is found behind the last line, and behind an empty one after that.
                    proptest::prop_assert!(problem.line <= text.lines().count() + 2, "{problem}");
                }
            }
        }
    }
}
