//! The other probes.

use std::time::Duration;

use super::*;
use crate::probe::Probe;

#[test]
fn probes_without_a_url_are_checked() {
    insta::assert_snapshot!(problems_of_check("tcp: { host: 'http://x', port: 0, send: [1], receives: {}, staus: 1 }"), @r#"
    suite.yaml:5:18: host: "http://x" is not a host name; write a name such as db.example.com or an address, without scheme, port or path
    suite.yaml:5:36: port: "0" is not a port; write a number from 1 to 65535
    suite.yaml:5:45: send is text, not a list; write one value, in quotes if it is empty
    suite.yaml:5:60: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another
    suite.yaml:5:64: unknown key "staus"; tcp knows "host", "port", "reaches_release", "send", "receives"
    "#);
    insta::assert_snapshot!(problems_of_check("tcp: { host: db.example.com }\nexpect: [{ body: { contains: x } }]"), @r"
    suite.yaml:5:18: host: a host without a port can't be connected to; add `port`
    suite.yaml:6:14: what `tcp` measures has no body; `tcp` has latency, and conditions of its own among its keys
    ");
    insta::assert_snapshot!(problems_of_check("tls: { expires_in: 14d, names: ['a b'], min_version: 1.1, reaches_release: maybe }"), @r#"
    suite.yaml:5:24: expires_in: "14d" is not a limit; write whole days, as in "> 14d" or ">= 30d"
    suite.yaml:5:37: "a b" is not a host name; write a name that must be on the certificate, such as www.example.com
    suite.yaml:5:58: min_version: "1.1" is not a version of TLS; write 1.2 or 1.3; the gate speaks no older one
    suite.yaml:5:80: reaches_release is true or false, not text; write true or false, without quotes
    "#);
    insta::assert_snapshot!(problems_of_check("dns: { type: PTR, contains: [], count: many }"), @r#"
    suite.yaml:5:10: dns has no "name"; add `name:`
    suite.yaml:5:18: type: unknown "PTR"; write one of "A", "AAAA", "CNAME", "TXT", "MX", "SRV"
    suite.yaml:5:33: contains has 0 entries; write 1 to 100 records; for none, `count: 0`
    suite.yaml:5:44: count: "many" is not a number of records; write 3, "> 0", ">= 1", "< 10" or "<= 10"
    "#);
    insta::assert_snapshot!(problems_of_check("dns: { name: 'http://x/', equals: [[a]] }"), @r#"
    suite.yaml:5:18: name: "http://x/" is not a name that can be looked up; write a name such as shop.example.com, without scheme, port or path
    suite.yaml:5:40: equals is text, not a list; write one value, in quotes if it is empty
    "#);
}

#[test]
fn probes_with_a_url_are_checked() {
    insta::assert_snapshot!(problems_of_check("websocket: { url: 'ftp://x/', send: [1], receives: { exists: true } }"), @r#"
    suite.yaml:5:23: "ftp://x/" can't be asked for: the scheme "ftp" is not http or https; write a path that begins with /, or an absolute http or https URL
    suite.yaml:5:41: send is text, not a list; write one value, in quotes if it is empty
    suite.yaml:5:58: unknown key "exists"; receives knows "equals", "contains", "matches"
    "#);
    insta::assert_snapshot!(problems_of_check("websocket: /live\nexpect: [{ body: { contains: x } }]"), @"suite.yaml:6:14: what `websocket` measures has no body; `websocket` has headers and latency, and conditions of its own among its keys");
    insta::assert_snapshot!(problems_of_check("grpc: { service: '', url: /x y, headers: { te: x } }"), @r#"
    suite.yaml:5:22: service is empty; write something, or remove the key
    suite.yaml:5:31: "/x y" can't be asked for: ' ' can't be sent as it is; write /x%20y
    suite.yaml:5:48: the header te is set by the gate; remove it
    "#);
    insta::assert_snapshot!(problems_of_check("crawl: { start: /, reaches_release: true, max_pages: 0, max_depth: 99, ignore: [x], landmarks: [nav] }"), @r#"
    suite.yaml:5:41: reaches_release: says of an absolute URL that it leads to the release; remove it: a path always goes to the target
    suite.yaml:5:58: max_pages is out of range; write a whole number from 1 to 500
    suite.yaml:5:72: max_depth is out of range; write a whole number from 0 to 20
    suite.yaml:5:85: ignore: "x" is not a path; write a path that begins with /; * stands for anything
    suite.yaml:5:101: landmarks: unknown "nav"; write one of "title", "main", "h1"
    "#);
}

#[test]
fn problems_of_probes_of_the_cloud_are_named_together() {
    let text = "version: 1
name: shop
checks:
  - name: metric
    metric:
      queries:
        Errors: { namespace: N, metric: E, statistic: Sum }
        requests: { namespace: N, metric: R, statistic: Sum }
      period: 7s
      fail_when: 1.0 or more
      samples: reqests
      direction: increase
  - name: compared
    metric: { queries: { m: { namespace: N, metric: M, statistic: Sum } }, compare_to: old }
  - name: log
    logs: { filter: ERROR, streams: web, window: 2h }
  - name: wiring
    wiring: { except: [image-tags] }
  - name: targets
    targets: complet
  - name: function
    lambda: {}
";
    insta::assert_snapshot!(problems(text), @r#"
    suite.yaml:7:9: "Errors" can't be the name of a query; begin with a small letter, and use letters, digits and _
    suite.yaml:9:15: CloudWatch has no such period; write whole minutes, or 1s, 5s, 10s, 20s or 30s
    suite.yaml:10:18: fail_when: "1.0 or more" is no limit; write a sign and a number: "> 1.0", ">= 5", "< 0.5", "<= 10"
    suite.yaml:12:18: direction: goes with compare_to; add `compare_to: old`, or remove it
    suite.yaml:14:88: compare_to: no dimension differs between the old version and the new one; use one of "target.target_group", "target.version", "target.task_definition", "target.image", "target.revision", "target.target_version" in a dimension
    suite.yaml:16:37: streams: goes with group; without both, the streams of the release are read; add group, or remove streams
    suite.yaml:16:50: window: "2h" is out of range; write 10s to 1h
    suite.yaml:18:24: except: unknown "image-tags"; did you mean "image-tag"?
    suite.yaml:20:14: targets: unknown "complet"; did you mean "complete"?
    suite.yaml:22:13: lambda has no "payload"; add `payload:`
    "#);
}

#[test]
fn facts_that_cost_a_call_are_known_to_be_used() {
    let suite = |value: &str| {
        parsed(&one_check(&format!(
            "metric: {{ queries: {{ m: {{ namespace: N, metric: M, statistic: Sum, dimensions: {{ TargetGroup: \"{value}\" }} }} }}, fail_when: '> 1' }}"
        )))
    };
    let keys = ["target_group", "load_balancer"];
    assert!(suite("{{ target.target_group }}").uses_facts(&keys));
    assert!(!suite("{{ target.version }}").uses_facts(&keys));
}

#[test]
fn how_many_more_errors_are_tolerated_needs_an_old_version_and_a_share() {
    let problems = |errors: &str, more: &str| {
        problems_of_check(&format!(
            "load: {{ http: GET /, rate: 5/s, for: 1m, errors: {{ {errors} }}{more} }}"
        ))
    };
    insta::assert_snapshot!(problems("tolerance: 1%", ""), @"suite.yaml:5:67: tolerance: goes with compare_to; add `compare_to: old`, or remove it");
    insta::assert_snapshot!(problems("", ", compare_to: old"), @r#"suite.yaml:5:54: errors has no "fail_when"; add `fail_when:`"#);
    insta::assert_snapshot!(problems("tolerance: 0.01", ", compare_to: old"), @"suite.yaml:5:67: tolerance is text, not a number; put it in quotes");
    insta::assert_snapshot!(problems("tolerance: '100%'", ", compare_to: old"), @r#"suite.yaml:5:67: tolerance: "100%" is no share of all requests below 100%; write how many more of a hundred may fail than of the old version: "0.5%""#);
    insta::assert_snapshot!(problems("tolerance: some, fail_when: '> x%'", ", compare_to: old"), @r#"
    suite.yaml:5:67: tolerance: "some" is no share of all requests below 100%; write how many more of a hundred may fail than of the old version: "0.5%"
    suite.yaml:5:84: fail_when: "> x%" is no limit; write a sign and a share of all requests: "> 0%", "> 1%", ">= 0.5%"
    "#);
    parsed(&one_check(
        "load: { http: GET /, rate: 5/s, for: 1m, errors: { tolerance: '0.5%' }, compare_to: old }",
    ));
}

#[test]
fn problems_of_a_load_are_named_together() {
    let text = "version: 1
name: shop
checks:
  - name: all wrong
    load: { http: { method: POST, url: /, follow_redirects: true, allow_origins: [https://a.example.com], aws_sigv4: { service: s3 } }, rate: 5, for: 2h, timeout: 2m, errors: {}, latency: { statistic: p42, fail_when: '< 300ms' }, tolerance: 10% }
  - name: too much
    load: { http: GET /, rate: 51/s, for: 1s }
  - name: too many
    load: { http: GET /, rate: 50/s, for: 5m }
  - name: too many at once
    load: { http: GET /, rate: 50/s, for: 1m, compare_to: old }
  - name: too few
    load: { http: GET /, rate: 10/m, for: 1m, latency: { statistic: p99, fail_when: '> 1s' } }
  - name: too few by its own word
    load: { http: GET /, rate: 5/s, for: 1s, min_samples: 6 }
  - name: not compared
    load: { http: { url: 'https://a.example.com/', reaches_release: true }, rate: 5/s, for: 1m, compare_to: old, tolerance: 2 }
  - name: cut
    timeout: 1m
    within: 30s
    load: { http: GET /, rate: 5/s, for: 1m, errors: { fail_when: '> 101%' } }
  - name: cut, and else right
    timeout: 1m
    load: { http: GET /, rate: 5/s, for: 1m }
  - name: judged elsewhere
    load: { http: GET /, rate: 5/s, for: 1m }
    expect: [{ status: 200 }]
  - name: nothing
    load: {}
";
    insta::assert_snapshot!(problems(text), @r#"
    suite.yaml:5:19: POST may change something, and load sends it many times; write a request that only reads, by GET or HEAD
    suite.yaml:5:19: load follows no redirects: each request is one answer; write the URL that the redirect leads to
    suite.yaml:5:19: load goes to the release under test, and nowhere else; remove allow_origins
    suite.yaml:5:19: load signs no requests: each would need a signature of its own; remove aws_sigv4, or measure by `http`
    suite.yaml:5:118: aws_sigv4: a signature is good for one URL, and not for that of a redirect; remove follow_redirects
    suite.yaml:5:143: rate: "5" is no rate; write requests in a second or in a minute: 5/s, 30/m
    suite.yaml:5:151: for: "2h" is out of range; write 1s to 10m
    suite.yaml:5:164: timeout: "2m" is out of range; write 1ms to 1m
    suite.yaml:5:176: errors has no "fail_when"; add `fail_when:`
    suite.yaml:5:202: statistic: unknown "p42"; write one of "p50", "p75", "p90", "p95", "p99"
    suite.yaml:5:218: fail_when: "< 300ms" is no limit; write a sign and a time: "> 300ms", ">= 1s"
    suite.yaml:5:242: tolerance: goes with compare_to; add `compare_to: old`, or remove it
    suite.yaml:7:32: rate: 51/s is more than a gate sends; write up to 50/s; for more, run a tool for load tests
    suite.yaml:9:32: rate: 50/s for 5m are 15000 requests; let it be up to 10000: lower `rate`, or shorten `for`
    suite.yaml:11:32: rate: at 50/s, 502 requests that each take up to 5s may be under way at once; let it be up to 256: lower `rate`, or `timeout` of the load
    suite.yaml:13:32: 10/m for 1m makes 10 requests, and min_samples is 100: it could never pass; lengthen `for`, raise `rate`, or lower `min_samples`
    suite.yaml:15:59: 5/s for 1s makes 5 requests, and min_samples is 6: it could never pass; lengthen `for`, raise `rate`, or lower `min_samples`
    suite.yaml:17:109: compare_to: the old version answers at another address than the URL names; write a path, which is asked of both, or remove it
    suite.yaml:17:125: tolerance is a number between 0 and 1; write one, such as 0.05
    suite.yaml:21:67: fail_when: "> 101%" is no limit; write a sign and a share of all requests: "> 0%", "> 1%", ">= 0.5%"
    suite.yaml:23:14: timeout: the load takes up to 1m10s, and 1m would cut it; write 1m10s or more, or remove it
    suite.yaml:27:14: what `load` measures has no status; remove it: `load` has conditions of its own
    suite.yaml:29:11: load has no "http"; add `http:`
    suite.yaml:29:11: load has no "rate"; add `rate:`
    suite.yaml:29:11: load has no "for"; add `for:`
    "#);
}

#[test]
fn a_load_has_the_time_and_the_memory_that_it_takes() {
    let check = |load: &str| {
        let suite = parsed(&one_check(&format!("load: {{ http: GET /, {load} }}")));
        suite.checks[0].clone()
    };
    let plain = check("rate: 5/s, for: 2m");
    assert_eq!(plain.retry.timeout, Duration::from_secs(130));
    assert_eq!(plain.retry.retries, 0);
    let Probe::Load(load) = &plain.probe else {
        panic!("another probe");
    };
    assert_eq!(
        (load.schedule.of_each(), load.demands.min_samples),
        (600, 20)
    );
    let most = check("rate: 50/s, for: 200s").probe.kind().profile();
    assert!(
        most.received <= 64 * 1024 * 1024 && most.judged <= 1024 * 1024,
        "{most:?}"
    );
}

#[test]
fn problems_of_a_task_are_named_together() {
    let text = "version: 1
name: shop
secrets: { token: 'ssm:/x' }
vars: { reader: 7 }
checks:
  - name: all wrong
    within: 10s
    ecs_task: { container: [a], command: [], environment: { TOKEN: 'x{{ token }}', READER: '{{ reader }}' }, exit_code: 300, assign_public_ip: maybe, security_groups: [sg-1], family: x }
  - name: right
    timeout: 10m
    ecs_task: { task_definition: 'shop-tests:{{ target.version }}', command: [a, '{{ reader }}'], subnets: [subnet-1], security_groups: [sg-1] }
  - name: judged elsewhere
    ecs_task: { task_definition: t }
    expect: [{ status: 200 }]
";
    insta::assert_snapshot!(problems(text), @r#"
    suite.yaml:8:15: ecs_task has no "task_definition"; add `task_definition:`
    suite.yaml:8:28: container is text, not a list; put it in quotes
    suite.yaml:8:42: command has 0 entries; write 1 to 100, or remove the key
    suite.yaml:8:68: TOKEN: {{ token }} is a secret, and everybody who may describe the task could read it; name the secret under `secrets` of the container in the task definition
    suite.yaml:8:121: exit_code is out of range; write a whole number from 0 to 255
    suite.yaml:8:144: assign_public_ip is true or false, not text; write true or false, without quotes
    suite.yaml:8:144: assign_public_ip: goes with subnets; without both, the network is that of the service; add subnets, or remove it
    suite.yaml:8:168: security_groups: goes with subnets; without both, the network is that of the service; add subnets, or remove it
    suite.yaml:8:176: unknown key "family"; ecs_task knows "task_definition", "container", "cluster", "subnets", "security_groups", "assign_public_ip", "command", "environment", "exit_code", "results"
    suite.yaml:14:14: what `ecs_task` measures has no status; remove it: `ecs_task` has conditions of its own
    "#);
}

#[test]
fn results_of_a_task_that_could_not_fail_are_refused() {
    let text = "\
version: 1
name: shop
checks:
  - name: nothing fails it
    ecs_task: { task_definition: t, results: { format: json, tests: $.n } }
  - name: no number of tests
    ecs_task: { task_definition: t, results: { format: json, failed: $.f } }
  - name: all wrong
    ecs_task: { task_definition: t, environment: { DEPLOY_HOOKS_RESULTS: x }, results: { format: tap, from: mail, tests: '$[', kind: x } }
  - name: paths of another form
    ecs_task: { task_definition: t, results: { format: junit, tests: $.n } }
  - name: no form
    ecs_task: { task_definition: t, results: {} }
  - name: what a result does not have
    ecs_task: { task_definition: t, results: { format: junit } }
    expect: [{ latency: '< 1s' }]
  - name: right
    ecs_task: { task_definition: t, results: { format: json, tests: $.n } }
    expect: [{ that: 'json.failed == 0' }]
";
    insta::assert_snapshot!(problems(text), @r#"
    suite.yaml:4:5: the result is read, and nothing says when the tests have failed; add `failed:` to results, or `expect:` to the check
    suite.yaml:7:46: results says no path to the number of tests, and a result without tests must not pass; add `tests:`, such as $.run.stats.assertions.total
    suite.yaml:9:50: environment has DEPLOY_HOOKS_RESULTS, in which the task finds where its result belongs; rename it
    suite.yaml:9:98: format: unknown "tap"; write one of "junit", "json"
    suite.yaml:9:109: from: unknown "mail"; write one of "s3", "log"
    suite.yaml:9:122: "$[" is not a JSONPath: a bracket is not closed (character 3); close it with ]
    suite.yaml:9:128: unknown key "kind"; results knows "format", "from", "tests", "failed", "skipped"
    suite.yaml:11:70: tests goes with `format: json`; a JUnit file always has its counts in the same places; remove it
    suite.yaml:13:46: results has no "format"; add `format:`
    suite.yaml:16:14: what `ecs_task` measures has no latency; `ecs_task` has body, and conditions of its own among its keys
    "#);
}

#[test]
fn a_task_has_the_time_of_its_check() {
    let check = |text: &str| parsed(&one_check(text)).checks[0].clone();
    for (text, time) in [
        ("ecs_task: { task_definition: t }", 180),
        ("timeout: 10m\necs_task: { task_definition: t }", 600),
        // What it takes to read the result comes on top.
        (
            "timeout: 1m\necs_task: { task_definition: t, results: { format: junit } }",
            60,
        ),
    ] {
        let check = check(text);
        let Probe::EcsTask(task) = &check.probe else {
            panic!("another probe");
        };
        assert_eq!(task.time, Duration::from_secs(time));
        let after = if task.results.is_some() { 35 } else { 15 };
        assert_eq!(check.retry.timeout, Duration::from_secs(time + after));
        assert_eq!(check.retry.retries, 0);
    }
}

#[test]
fn a_load_that_can_not_fail_or_can_not_pass_is_refused() {
    let refused = |limit: &str| {
        problems(&format!(
            "version: 1
name: shop
checks:
  - name: load
    load: {{ http: GET /, rate: 5/s, for: 1m, errors: {{ fail_when: '{limit}' }} }}
"
        ))
    };
    insta::assert_snapshot!(refused("> 100%"), @r#"suite.yaml:5:67: fail_when: a load with this limit never fails; write a share between: "> 1%""#);
    insta::assert_snapshot!(refused(">= 0%"), @r#"suite.yaml:5:67: fail_when: a load with this limit fails whatever is answered; write a share between: "> 1%""#);
}

#[test]
fn problems_of_a_check_in_a_browser_are_named_together() {
    let text = "version: 1
name: shop
secrets: { password: 'ssm:/p' }
checks:
  - name: all wrong
    browser:
      steps:
        - click: { role: buton, name: Buy }
        - go: /a b
        - type: { into: { css: 'div[', name: x } }
        - press: enter
        - {}
        - { go: /, press: Tab }
        - expect: [{ text: a, title: b }, { element: { css: a, attribute: href } }, { element: { css: a, count: 0, contains: b } }]
        - wait_for: { role: button, text: Buy }
        - wait_for: { text: { contains: ' ' } }
        - select: { from: { css: '{{ x }}' }, option: '{{ y }}' }
      screens: [tablet, { name: wide, width: 9, height: 800 }]
      allow: ['*']
      dialogs: maybe
      vitals: { lcp: 2.5s, cls: '< 1s' }
      mask: ['a[']
      step_timeout: 10m
  - name: begins nowhere
    browser: { steps: [{ press: Tab }] }
  - name: twice
    browser: { steps: [{ go: / }], screens: [phone, phone], vitals: {} }
  - name: fine
    browser: /
  - name: also fine
    browser: { steps: [{ go: / , timeout: 20s, name: open }, { type: { into: { role: textbox }, text: '{{ password }}' } }], screens: [{ name: tablet, width: 820, height: 1180, mobile: true }], dialogs: accept, mask: [.card] }
";
    insta::assert_snapshot!(problems(text), @r#"
    suite.yaml:8:26: role: "buton" is not a role by which people find an element; did you mean "button"?
    suite.yaml:9:15: "/a b" can't be asked for: ' ' can't be sent as it is; write /a%20b
    suite.yaml:10:17: type has no "text"; add `text:`
    suite.yaml:10:46: `name` goes with `role`; remove it
    suite.yaml:11:18: press: "enter" is no key; did you mean "Enter"?
    suite.yaml:12:11: the step does nothing; write one of `go`, `click`, `type`, `select`, `press`, `wait_for` and `expect`
    suite.yaml:13:11: a step does one thing, not both `go` and `press`; make a step of each
    suite.yaml:14:20: an expectation of a page has one key; write one of `text`, `title`, `url` and `element`
    suite.yaml:14:75: the expectation names an attribute, but not what must hold of it; add `equals:`, `contains:`, `matches:` or another
    suite.yaml:14:96: an element that is not there meets nothing else; remove the other conditions
    suite.yaml:15:21: an element is found in one way, not both by `role` and `text`; remove one
    suite.yaml:16:41: contains: an empty text is found everywhere; write what people read
    suite.yaml:17:34: a selector can't have references; write a fixed selector
    suite.yaml:17:55: {{ y }} refers to nothing; known here: "password"
    suite.yaml:18:17: screens: unknown "tablet"; write one of "desktop", "phone"
    suite.yaml:18:46: width is out of range; write a whole number from 240 to 3840
    suite.yaml:19:15: allow: "*" does not say which problem is meant; write its text, with * for anything: "GET https://ads.example.com/*"
    suite.yaml:20:16: dialogs: unknown "maybe"; write one of "accept", "fail"
    suite.yaml:21:22: lcp: "2.5s" is not a limit; write "< 800ms" or "<= 2.5s"
    suite.yaml:21:33: cls: "< 1s" is not a limit; write "< 0.1" or "<= 0.25"
    suite.yaml:22:14: mask: "a[" is not a CSS selector; write one such as "main > h1" or "a[href^='/buy']"
    suite.yaml:23:21: step_timeout: "10m" is out of range; write 100ms to 5m
    suite.yaml:25:24: the first step does not say which page is opened; begin with `go: /`
    suite.yaml:27:53: two screens have the name "phone"; reports need to tell them apart
    suite.yaml:27:69: vitals limits nothing; write one of lcp, cls, ttfb and long_task, or remove it
    "#);
}
