use gate::Report;

use super::{junit, markdown, tap};

/// A run of four checks: passed, failed, errored, and one that failed and does not block.
fn report() -> Report {
    let check = |name: &str, severity: &str, measurement: &str, detail: &str| {
        let tries = serde_json::json!([{
            "number": 1, "measurement": measurement, "started_ms": 0, "duration_ms": 1250, "request": null, "status": 503,
            "latency_ms": 3, "expectations": [], "notes": ["the cookie a|b is Secure, so it is not sent to http://localhost:8080"],
        }]);
        serde_json::json!({
            "name": name, "severity": severity, "measurement": measurement, "detail": detail,
            "tally": { "passed": 0, "failed": 1, "inconclusive": 0, "errored": 0, "no_data": 0 },
            "strip": "F", "rounds": [{
                "number": 1, "measurement": measurement, "started_ms": 0, "duration_ms": 1250, "tries": tries,
            }],
        })
    };
    let report = serde_json::json!({
        "format": 1, "suite": "shop", "stage": "pre-traffic", "address": "http://localhost:8080/", "target": {},
        "started": "2026-11-30T08:00:00Z", "finished": "2026-11-30T08:00:02Z", "duration_ms": 2000,
        "verdict": { "passed": false, "conclusion": "failed", "reasons": [
            "the cart | is <b>full</b>: failed; expected status 200, got 503", "@all: 1 of 3 required checks errored",
        ]},
        "bake": null, "summary": { "passed": 1, "failed": 2, "inconclusive": 0, "errored": 1, "no_data": 0 },
        "checks": [
            check("the home page renders", "required", "passed", ""),
            check("the cart | is <b>full</b> # 1", "required", "failed", "expected status 200, got \"503\"\nor so"),
            check("prices", "required", "errored", "the name shop.invalid does not resolve"),
            check("certificate", "advisory", "failed", "expected more than 14 days, got 3"),
        ],
        "notes": [],
    });
    serde_json::from_value(report).unwrap()
}

#[test]
fn junit_turns_red_for_what_blocks() {
    let text = junit::write(&report());
    insta::assert_snapshot!(text, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="shop" tests="4" skipped="1" failures="1" errors="1">
        <testsuite name="shop, pre-traffic" tests="4" skipped="1" errors="1" failures="1" time="2.000" timestamp="2026-11-30T08:00:00Z">
            <testcase name="the home page renders" classname="shop" time="1.250"/>
            <testcase name="the cart | is &lt;b&gt;full&lt;/b&gt; # 1" classname="shop" time="1.250">
                <failure message="failed: expected status 200, got &quot;503&quot;
    or so">the cookie a|b is Secure, so it is not sent to http://localhost:8080</failure>
            </testcase>
            <testcase name="prices" classname="shop" time="1.250">
                <error message="errored: the name shop.invalid does not resolve">the cookie a|b is Secure, so it is not sent to http://localhost:8080</error>
            </testcase>
            <testcase name="certificate" classname="shop" time="1.250">
                <skipped message="advisory: failed: expected more than 14 days, got 3">the cookie a|b is Secure, so it is not sent to http://localhost:8080</skipped>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn tap_takes_what_does_not_block_for_a_to_do() {
    insta::assert_snapshot!(tap::write(&report()), @r#"
    TAP version 14
    1..4
    ok 1 - the home page renders
    not ok 2 - the cart | is <b>full</b> \# 1
      ---
      message: "failed: expected status 200, got \"503\"\nor so"
      notes: ["the cookie a|b is Secure, so it is not sent to http://localhost:8080"]
      ...
    not ok 3 - prices
      ---
      message: "errored: the name shop.invalid does not resolve"
      notes: ["the cookie a|b is Secure, so it is not sent to http://localhost:8080"]
      ...
    not ok 4 - certificate # TODO advisory
      ---
      message: "failed: expected more than 14 days, got 3"
      notes: ["the cookie a|b is Secure, so it is not sent to http://localhost:8080"]
      ...
    "#);
}

#[test]
fn markdown_has_the_reasons_first_and_no_markup_of_others() {
    insta::assert_snapshot!(markdown::write(&report()), @r#"
    ### shop, pre-traffic: failed

    - the cart \| is &lt;b\>full&lt;/b\>: failed; expected status 200, got 503
    - \@all: 1 of 3 required checks errored

    | | check | | time |
    |---|---|---|---:|
    | failed | the cart \| is &lt;b\>full&lt;/b\> \# 1 | expected status 200, got "503" or so<br>the cookie a\|b is Secure, so it is not sent to http://localhost:8080 | 1.25s |
    | errored | prices | the name shop.invalid does not resolve<br>the cookie a\|b is Secure, so it is not sent to http://localhost:8080 | 1.25s |
    | failed | certificate *(advisory)* | expected more than 14 days, got 3<br>the cookie a\|b is Secure, so it is not sent to http://localhost:8080 | 1.25s |
    | passed | the home page renders |  | 1.25s |

    4 checks against http://localhost:8080/ at 2026-11-30T08:00:00Z, in 2s
    "#);
}

#[test]
fn a_gate_that_was_refused_is_green_nowhere() {
    let mut report = report();
    // What is left is one that passed, and one that does not block.
    report
        .checks
        .retain(|check| ["the home page renders", "certificate"].contains(&&*check.name));
    report.verdict.reasons = vec!["the suite needs more memory".to_owned()];
    let junit = junit::write(&report);
    assert!(
        junit.contains(r#"errors="1""#) && junit.contains("the suite needs more memory"),
        "{junit}"
    );
    assert!(tap::write(&report).contains("Bail out! the suite needs more memory"));
    assert!(markdown::write(&report).contains("- the suite needs more memory"));
}
