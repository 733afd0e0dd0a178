//! What holds of a suite as a whole: its keys, names, secrets and the YAML that it is written in.

use std::time::Duration;

use super::*;

#[test]
fn all_problems_are_reported_together() {
    let text = "version: 1
nmae: shop
vars: { reader: demo }
checks:
  - name: home page
    http: GET /
    expect:
      - staus: 200
      - latency: 800ms
  - name: home page
    severity: optional
    http: { method: GTE, url: '/{{ raeder }}/{{ target.versoin }}' }
    timeout: 5
    retries: many
    expect:
      - json: { path: $.a, equal: 1 }
      - body: { matches: 'a(' }
";
    insta::assert_snapshot!(problems(text), @r#"
    suite.yaml:2:1: unknown key "nmae"; did you mean "name"?
    suite.yaml:8:9: unknown key "staus"; did you mean "status"?
    suite.yaml:9:18: latency: "800ms" is not a limit; write "< 800ms" or "<= 800ms"
    suite.yaml:10:11: two checks have the name "home page"; the other one is in line 5; reports need to tell them apart
    suite.yaml:11:15: severity: unknown "optional"; write one of "required", "advisory"
    suite.yaml:12:21: unknown method "GTE"; did you mean GET?
    suite.yaml:12:31: {{ raeder }} refers to nothing; did you mean {{ reader }}?
    suite.yaml:12:31: {{ target.versoin }} refers to nothing; did you mean {{ target.version }}?
    suite.yaml:13:14: timeout has no unit; write 5s or 5ms
    suite.yaml:14:14: retries is a whole number, not text; write a number from 0 to 100
    suite.yaml:16:28: unknown key "equal"; did you mean "equals"?
    suite.yaml:17:26: "a(" is not a regular expression: unclosed group; see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes
    "#);
}

#[test]
fn keys_of_other_versions_have_a_word_of_their_own() {
    insta::assert_snapshot!(problems_of_check("http: GET /\nmetrics: []"), @r#"suite.yaml:6:5: the key "metrics" is not part of this version; a check knows "name", "on", "tags", "severity", "dry_run", "http", "journey", "hurl", "always", "alarms", "tcp", "dns", "tls", "websocket", "grpc", "crawl", "browser", "agent", "targets", "lambda", "metric", "load", "ecs_task", "logs", "wiring", "timeout", "retries", "retry_every", "within", "expect""#);
    insta::assert_snapshot!(problems_of_check("http: GET /\nexpect: [{ metrics: status == 200 }]"), @r#"suite.yaml:6:16: the key "metrics" is not part of this version; an expectation knows "status", "header", "body", "json", "json_schema", "that", "css", "redirects", "latency""#);
}

#[test]
fn traffic_and_secrets_are_what_was_written() {
    let suite = parsed(
        "version: 1
name: shop
secrets: { a: 'env:A_B', b: 'ssm:/x/y', c: 'secretsmanager:id', d: 'secretsmanager:arn:aws:x#k' }
checks: [{ name: a, http: GET /, severity: advisory, on: post-traffic, within: 1m30s }]
traffic: { bake: 10m, every: 30s, failure_limit: 1 }",
    );
    assert_eq!(
        suite.bake(),
        Bake {
            window: Duration::from_mins(10),
            every: Duration::from_secs(30),
            failure_limit: 1,
            error_limit: 2,
            ..Bake::ONE_ROUND
        }
    );
    assert_eq!(suite.secrets["a"], SecretRef::Env("A_B".to_owned()));
    assert_eq!(suite.secrets["b"], SecretRef::Ssm("/x/y".to_owned()));
    assert_eq!(
        suite.secrets["d"],
        SecretRef::SecretsManager {
            id: "arn:aws:x".to_owned(),
            json_key: Some("k".to_owned())
        }
    );
    assert_eq!(suite.checks[0].retry.within, Some(Duration::from_secs(90)));
    assert_eq!(
        (
            suite.checks_at(Stage::PreTraffic),
            suite.checks_at(Stage::PostTraffic)
        ),
        (0, 1)
    );
}

#[test]
fn a_secret_written_into_the_suite_is_refused_and_not_repeated() {
    let problems = problems(
        "version: 1\nname: s\nsecrets: { password: hunter2 }\nchecks: [{ name: a, http: GET / }]",
    );
    insta::assert_snapshot!(problems, @r#"suite.yaml:3:22: the secret "password" does not say where it is kept; write env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key; the secret itself must not be in the suite"#);
    assert!(!problems.contains("hunter2"));
}

#[test]
fn names_are_unique_and_fit() {
    let text = "version: 1
name: s
name: t
host: https://x
vars: { a: 1, target: 2, 'b c': 3, d: [1] }
secrets: { a: 'env:A' }
checks: [{ name: 'x {{ a }}', http: GET / }]
";
    insta::assert_snapshot!(problems(text), @r#"
    suite.yaml:3:1: the key "name" is there twice; it is also in line 2; remove one
    suite.yaml:4:7: host: "https://x" is not a host name; write a name such as shop.example.com, without scheme, port or path
    suite.yaml:5:15: "target" can't be the name of a variable; use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment
    suite.yaml:5:26: "b c" can't be the name of a variable; use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment
    suite.yaml:5:39: the variable "d" is a list; write text, a number, true or false
    suite.yaml:6:12: "a" is both a variable and a secret; rename one of them
    suite.yaml:7:18: a check's name can't have references; write a fixed name
    "#);
}

#[test]
fn windows_must_fit() {
    let with = |traffic: &str| {
        problems(&format!(
            "{}limits: {{ overall: 30s }}\ntraffic: {traffic}",
            one_check("http: GET /")
        ))
    };
    insta::assert_snapshot!(with("{ bake: 30s, every: 1m }"), @"
    suite.yaml:7:18: every (1m) is longer than the bake (30s); make every shorter or bake longer
    suite.yaml:7:18: the bake (30s) does not fit in limits.overall (30s); make overall longer or bake shorter
    ");
    insta::assert_snapshot!(with("{ bake: 20s }"), @r#"suite.yaml:7:10: traffic has no "every"; add `every:`"#);
    insta::assert_snapshot!(with("{ bake: 14m, every: 100ms }"), @"
    suite.yaml:7:18: bake and every make 8401 rounds; stay within 1000: measure less often
    suite.yaml:7:18: the bake (14m) does not fit in limits.overall (30s); make overall longer or bake shorter
    ");
}

#[test]
fn yaml_itself_is_checked() {
    insta::assert_snapshot!(problems(""), @"suite.yaml:1:1: the file is empty; write a suite: version, name, checks");
    insta::assert_snapshot!(problems("# only a comment"), @"suite.yaml:1:1: the file is empty; write a suite: version, name, checks");
    insta::assert_snapshot!(problems("- a list"), @"suite.yaml:1:1: the suite is a mapping (`key: value`), not a list; write its keys below it, indented");
    insta::assert_snapshot!(problems("version: 1\nname: \"shop"), @"suite.yaml:2:7: not valid YAML: while scanning a quoted scalar, found unexpected end of stream; check the indentation, quotes and brackets here and in the line above");
    insta::assert_snapshot!(problems("version: 1\n\tname: x"), @"suite.yaml:1:10: not valid YAML: while scanning a plain scalar, found a tab; check the indentation, quotes and brackets here and in the line above");
    insta::assert_snapshot!(problems("version: 1\n---\nversion: 1"), @"suite.yaml:2:1: a second document begins; a file holds one suite: remove the `---` or make a file of its own");
    insta::assert_snapshot!(problems("version: !!int 1"), @"suite.yaml:1:10: tags (`!…`) have no meaning in a suite; remove the tag; quote text");
    insta::assert_snapshot!(problems("a: &a [*a]"), @"suite.yaml:1:8: this alias stands inside of its own anchor; write the value out");
    insta::assert_snapshot!(problems("{ { a: b }: c }"), @r#"suite.yaml:1:3: a mapping can't be a key; keys are words; put a template in quotes: "{{ name }}""#);
    insta::assert_snapshot!(problems(&format!("a: {}", "[".repeat(80))), @"suite.yaml:1:67: nested deeper than 64 levels; write it flatter");
    insta::assert_snapshot!(problems(&"#".repeat(1024 * 1024 + 1)), @"suite.yaml:1:1: the file is larger than 1 MiB; split it into several suites");
}

#[test]
fn an_alias_bomb_costs_nothing() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text = format!("{text}a{level}: &a{level} [{items}]\n");
    }
    let begun = std::time::Instant::now();
    insta::assert_snapshot!(problems(&text), @"suite.yaml:5:20: more than 50000 values, with aliases written out; split the suite, or use fewer aliases");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_alias_is_a_copy() {
    let suite = parsed(
        "version: 1
name: shop
checks:
  - { name: a, http: GET /, expect: &fine [{ status: 200 }] }
  - { name: b, http: GET /b, expect: *fine }",
    );
    assert_eq!(suite.checks.len(), 2);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in "[ -~\n]{0,200}") {
        let _ = Suite::parse("suite.yaml", &text);
    }

    #[test]
    fn no_broken_suite_makes_the_decoder_panic(cut in 0_usize..1200, put in "[ -~\n]{0,6}") {
        let whole = include_str!("../../../../../examples/suites/shop.yaml");
        let (start, end) = whole.split_at(whole.floor_char_boundary(cut.min(whole.len())));
        let _ = Suite::parse("suite.yaml", &format!("{start}{put}{end}"));
    }
}
