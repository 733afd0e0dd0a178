//! A Hurl file that a check of a suite names.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gate::{Stage, Suite, SuiteProblems, SuiteReader};
use insta::assert_snapshot;

const SUITE: &str = r#"
version: 1
name: shop
vars: { expected: "2.0.1", book: 7 }
secrets: { password: "env:PASSWORD" }
checks:
  - name: a visit
    on: [pre-traffic]
    hurl: visits/checkout.hurl
"#;

const FILE: &str = r#"
GET {{host}}/version
HTTP 200
[Captures]
version: jsonpath "$.version"
[Asserts]
jsonpath "$.version" == "{{expected}}"

POST {{host}}/cart
[BasicAuth]
demo: {{password}}
[Options]
variable: copies=2
{"book": {{book}}, "copies": {{copies}}, "seen": "{{version}}"}
HTTP 201
"#;

/// The suite with this file, however often it is named.
fn read(suite: &str, file: &str) -> Result<Suite, SuiteProblems> {
    let reader = SuiteReader::new("suite.yaml", suite).with_hurl(hurl_suite::journey);
    reader.finish(|path| {
        if path.ends_with("none.hurl") {
            Err("No such file or directory".to_owned())
        } else {
            Ok(file.as_bytes().to_vec())
        }
    })
}

fn refused(suite: &str, file: &str) -> String {
    read(suite, file).unwrap_err().to_string()
}

#[test]
fn its_entries_are_the_steps_of_a_journey_with_the_names_of_the_suite() {
    let suite = read(SUITE, FILE).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = suite.plan_at(Stage::PreTraffic);
    let [check] = &plan.checks[..] else {
        panic!("{plan:?}")
    };
    assert_eq!(
        (check.probe, check.line, &check.file),
        ("journey", 9, &None)
    );
    assert_snapshot!(check.asks.join("\n"), @r#"
    line 2: GET {host}/version: GET /version
    line 9: POST {host}/cart: POST /cart
    "#);
    assert_eq!(check.secrets, ["password"]);
    assert_eq!(check.tries, "one try of 10s");
    let files: Vec<&str> = suite.files.iter().map(|file| &*file.name).collect();
    assert_eq!(files, ["suite.yaml", "visits/checkout.hurl"]);
}

#[test]
fn several_checks_may_name_files_and_share_no_names_but_the_suites() {
    let twice = format!("{SUITE}  - {{ name: another, retries: 2, hurl: other.hurl }}\n");
    let suite = read(&twice, FILE).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = suite.plan_at(Stage::PreTraffic);
    let tries: Vec<&str> = plan.checks.iter().map(|check| &*check.tries).collect();
    assert_eq!(tries, ["one try of 10s", "up to 3 tries of 10s, 1s apart"]);
    // What one file defines another does not know.
    let reader = SuiteReader::new("suite.yaml", &twice).with_hurl(hurl_suite::journey);
    let read = reader.finish(|path| {
        let text = if path == "other.hurl" {
            "GET {{host}}/{{copies}}\n"
        } else {
            FILE
        };
        Ok(text.as_bytes().to_vec())
    });
    assert_snapshot!(read.unwrap_err(), @r#"
    other.hurl:1:16: {{copies}} has no value here; write it under `vars` or `secrets` of the suite, or capture it before
    "#);
}

#[test]
fn what_is_wrong_has_the_place_of_the_file_that_it_stands_in() {
    let mut all = String::new();
    for file in [
        "GET {{host}}/a\n[Options]\ninsecure: true\n",
        "GET {{host}}/{{nobody}}\nHTTP 200\n[Asserts]\nxpath \"//h1\" exists\n",
        "GET {{host}}/a\nHTTP 200\n[Asserts]\nbody matches /(/\n",
        "GETT\n",
        "",
    ] {
        all += &refused(SUITE, file);
        all.push('\n');
    }
    assert_snapshot!(all, @r#"
    visits/checkout.hurl:3:1: insecure: a gate checks certificates; leave it out; a suite trusts an authority of your own by ca_certificates
    visits/checkout.hurl:1:16: {{nobody}} has no value here; write it under `vars` or `secrets` of the suite, or capture it before
    visits/checkout.hurl:4:1: the query xpath is not supported here; a suite judges pages by `css`
    visits/checkout.hurl:4:15: not valid Hurl: invalid Regex expression: unclosed group; see https://hurl.dev/docs/hurl-file.html; files of Hurl 8 are read
    visits/checkout.hurl:1:5: not valid Hurl: expecting a space; see https://hurl.dev/docs/hurl-file.html; files of Hurl 8 are read
    visits/checkout.hurl:1:1: the file has no request; write a request: GET {{host}}/health
    "#);
    let with = |key: &str| SUITE.replace("    hurl:", &format!("    {key}\n    hurl:"));
    let mut all = String::new();
    for suite in [
        with("http: /"),
        with("expect: [{ status: 200 }]"),
        with("always: [{ http: / }]"),
        SUITE.replace("visits/checkout.hurl", "../checkout.hurl"),
        SUITE.replace("visits/checkout.hurl", "none.hurl"),
        SUITE.replace("visits/checkout.hurl", "[a]"),
        SUITE.replace("book: 7", "book: 7, nothing: 1"),
    ] {
        all += &refused(&suite, FILE);
        all.push('\n');
    }
    assert_snapshot!(all, @r#"
    suite.yaml:9:5: a check has `hurl` or `http`, not both; write it into the Hurl file, or make a check of each
    suite.yaml:9:11: "/" is not a request; write a method and a path: GET /path
    suite.yaml:9:5: a check has `hurl` or `expect`, not both; write it into the Hurl file, or make a check of each
    suite.yaml:9:5: a check has `hurl` or `always`, not both; write it into the Hurl file, or make a check of each
    suite.yaml:9:13: `always` goes with `journey`; write the request under `journey`, or remove it
    suite.yaml:9:22: "/" is not a request; write a method and a path: GET /path
    suite.yaml:9:11: hurl: "../checkout.hurl" is no path to a file beside the suite: it must lead from the folder of the file that names it downwards, without .. and :; write one such as files/cover.png
    suite.yaml:9:11: hurl: none.hurl could not be read: No such file or directory; its path is relative to the file that names it
    suite.yaml:9:11: hurl is text, not a list; put it in quotes
    hurl: "nothing" is the name of a variable or a secret, and Hurl files need it; rename it
    "#);
    let without = Suite::parse("suite.yaml", SUITE).unwrap_err();
    assert_snapshot!(without, @r#"
    suite.yaml:9:11: hurl: a file of Hurl can't be read here; convert it: deploy-hooks init checks.yaml --from FILE.hurl
    "#);
}
