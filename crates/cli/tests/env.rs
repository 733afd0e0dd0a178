//! `deploy-hooks env` as people call it, for what needs no AWS: configurations and schedules.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

fn run(args: &[&str]) -> Output {
    fed(args, "")
}

fn fed(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .arg("env")
        .args(args)
        .current_dir(root())
        .env_remove("ENVIRONMENTS_CONFIG")
        .env_remove("STATE_TABLE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever needs no input may have closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn bad(name: &str) -> String {
    format!("crates/environments/tests/bad/{name}.yaml")
}

#[test]
fn the_version_names_the_commit_and_the_release_of_the_time_zones() {
    let told = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .arg("--version")
        .output()
        .unwrap();
    let zones = schedule::zone_data();
    let git = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(root())
        .output();
    // Without git, as in an archive of the sources, no commit is known.
    let commit = match git {
        Ok(git) if git.status.success() => format!("commit {}, ", out(&git).trim()),
        _ => String::new(),
    };
    let own = env!("CARGO_PKG_VERSION");
    let expected = format!("deploy-hooks {own} ({commit}time zones: IANA {zones})\n");
    assert_eq!(out(&told), expected);
    assert!(zones.starts_with("20"), "{zones}");
}

#[test]
fn each_command_has_examples_and_exit_codes() {
    let commands = [
        "lint", "at", "plan", "status", "explain", "down", "up", "snooze",
    ];
    for command in commands {
        let help = run(&[command, "--help"]);
        assert_eq!(code(&help), 0, "{command}");
        let text = out(&help);
        assert!(
            text.contains("Examples:\n  deploy-hooks env") || text.contains("deploy-hooks env"),
            "{text}"
        );
        assert!(text.contains("Exit codes:"), "{command}: {text}");
    }
}

#[test]
fn a_right_configuration_is_shown() {
    let told = run(&["lint", "examples/environments.yaml"]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(out(&told), @r"
    examples/environments.yaml: 4 schedules, 1 rule, 2 tiers, 2 holidays
      follow-the-sun: office + Mon-Fri 09:00-18:00 America/New_York
      legacy: off=[(M-F,19)];on=[(M-F,7)];tz=pt
      long: Mon-Fri 07:00-23:00 + Sat 10:00-16:00
      office (default): Mon-Fri 08:00-20:00
    ");
}

#[test]
fn wrong_configurations_are_told_with_every_place() {
    let files = [
        "unknown-key",
        "schedule-window",
        "durations",
        "not-production-pattern",
    ]
    .map(bad);
    let names: Vec<&str> = std::iter::once("lint")
        .chain(files.iter().map(String::as_str))
        .collect();
    let told = run(&names);
    assert_eq!(code(&told), 2);
    assert_eq!(out(&told), "");
    assert_snapshot!(err(&told), @r#"
    crates/environments/tests/bad/unknown-key.yaml:4:1: unknown key "shedules"; did you mean "schedules"?
    crates/environments/tests/bad/unknown-key.yaml:5:23: unknown key "matches"; did you mean "match"?
    crates/environments/tests/bad/schedule-window.yaml:5:11: schedule "office", character 5: unknown weekday "Fry"; did you mean Fri?
    crates/environments/tests/bad/schedule-window.yaml:6:10: schedule "night", character 9: "25:00" is not a time of day; write 00:00 to 23:59, or 24:00 as an end
    crates/environments/tests/bad/durations.yaml:4:17: healthy_within has no unit; write 10s or 10ms
    crates/environments/tests/bad/durations.yaml:5:17: defer_deadline: "2d" is not a duration; write a number and a unit: 500ms, 10s, 1m30s, 2h
    crates/environments/tests/bad/durations.yaml:6:9: notice: "1000h" is out of range; write 0ms to 4h
    crates/environments/tests/bad/not-production-pattern.yaml:4:18: not_production: "dev/live-*" is a pattern; write each name out: this guard is only lifted for what you have looked at
    "#);
}

#[test]
fn every_kind_of_wrong_configuration_has_line_column_and_remedy() {
    let folder = root().join("crates/environments/tests/bad");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let path = file.to_string_lossy().into_owned();
        let told = run(&["lint", &path]);
        assert_eq!(code(&told), 2, "{path}: {}", err(&told));
        for line in err(&told).lines() {
            let place = line.strip_prefix(&path).unwrap_or_else(|| panic!("{line}"));
            let numbers = place.split(':').skip(1).take(2);
            assert!(
                numbers
                    .map(|number| number.parse::<usize>().unwrap())
                    .all(|number| number > 0),
                "{line}"
            );
        }
        let json = run(&["lint", "--json", &path]);
        let value: Value = serde_json::from_slice(&json.stdout).unwrap();
        let problems = value["files"][0]["problems"].as_array().unwrap();
        assert_eq!(problems.len(), err(&told).lines().count(), "{path}");
        assert!(
            problems
                .iter()
                .all(|one| one["line"].is_u64() && one["remedy"].is_string()),
            "{path}"
        );
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn one_that_is_missing_or_comes_by_standard_input() {
    let told = run(&["lint", "missing.yaml"]);
    assert_eq!(code(&told), 2);
    assert!(
        err(&told).starts_with("missing.yaml could not be read: "),
        "{}",
        err(&told)
    );
    let told = fed(&["lint", "-"], "version: 1\naccounts: '111122223333'\n");
    assert_eq!(
        (code(&told), out(&told).as_str()),
        (0, "-: 0 schedules, 0 rules, 0 tiers, 0 holidays\n")
    );
}

#[test]
fn a_schedule_at_instants() {
    let told = run(&[
        "at",
        "Mon-Fri 01:30-22:00 Europe/Berlin + Sun 02:30-05:00 Europe/Berlin",
        "2026-03-27T00:29:59Z",
        "2026-03-29T01:00:00Z",
        "2026-11-23T21:00:00+01:00",
    ]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(out(&told), @r#"
    2026-03-27T00:29:59Z  off  outside all windows; on at 2026-03-27T00:30:00Z
    2026-03-29T01:00:00Z  on   by "Sun 02:30-05:00 Europe/Berlin"; off at 2026-03-29T03:00:00Z
    2026-11-23T20:00:00Z  on   by "Mon-Fri 01:30-22:00 Europe/Berlin"; off at 2026-11-23T21:00:00Z
    "#);
    let told = run(&[
        "at",
        "--json",
        "--syntax",
        "custodian",
        "off=[(M-F,19)];on=[(M-F,7)];tz=pt",
        "2026-11-24T03:00:00Z",
    ]);
    assert_snapshot!(out(&told), @r#"{"state":"off","next_edge":"2026-11-24T15:00:00Z","rule":"switched off at 2026-11-24T03:00:00Z by the hour in America/Los_Angeles"}"#);
}

#[test]
fn a_wrong_schedule_is_pointed_at() {
    let told = run(&[
        "at",
        "Mon-Fri 09:00-22:00 Europe/Berlim",
        "2026-03-27T00:29:59Z",
    ]);
    assert_eq!(code(&told), 2);
    assert_snapshot!(err(&told), @r#"
    column 21: unknown time zone "Europe/Berlim"; did you mean Europe/Berlin?
      Mon-Fri 09:00-22:00 Europe/Berlim
                          ^
    "#);
    let told = run(&["at", "always", "tomorrow"]);
    assert_eq!(code(&told), 2);
    assert!(
        err(&told).contains("is no instant; write it with Z or an offset"),
        "{}",
        err(&told)
    );
}

#[test]
fn a_configuration_names_schedules_and_holidays() {
    let told = run(&[
        "at",
        "--config",
        "examples/environments.yaml",
        "follow-the-sun",
        "2026-12-23T16:00:00Z",
        "2026-12-25T12:00:00Z",
    ]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(out(&told), @r#"
    2026-12-23T16:00:00Z  on   by "Mon-Fri 08:00-20:00 Europe/Berlin" (office); off at 2026-12-23T23:00:00Z
    2026-12-25T12:00:00Z  off  2026-12-25 is a holiday (Christmas Day), so "Mon-Fri 08:00-20:00 Europe/Berlin" (office) doesn't start; on at 2026-12-28T07:00:00Z
    "#);
}

#[test]
fn lines_are_answered_one_by_one() {
    let input = "{\"syntax\":\"kube-downscaler\",\"schedule\":\"Mon-Fri 07:30-20:30 Europe/Berlin\",\"at\":\"2026-11-23T06:30:00Z\"}\n\
                 {\"schedule\":\"Mon-Fri 7-20 UTC\",\"at\":\"2026-11-23T06:30:00Z\"}\n\
                 {\"schedule\":\"always\",\"at\":\"2026-11-23T06:30:00Z\"}\n";
    let told = fed(&["at"], input);
    assert_eq!(code(&told), 1);
    assert_snapshot!(out(&told), @r#"
    {"state":"on","next_edge":"2026-11-23T19:30:00Z","rule":"by \"Mon-Fri 07:30-20:30 Europe/Berlin\""}
    {"error":{"line":2,"field":"schedule","column":9,"problem":"\"7\" is not a time of day","remedy":"write 07:00"}}
    {"state":"on","next_edge":null,"rule":"by \"always\""}
    "#);
    assert_snapshot!(err(&told), @"1 line could not be answered; see their errors");
    let good = fed(
        &["at", "--zone", "Asia/Tokyo"],
        "{\"schedule\":\"Mon 09:00-10:00\",\"at\":\"2026-11-23T00:00:00Z\"}",
    );
    assert_eq!((code(&good), err(&good).as_str()), (0, ""));
}

#[test]
fn what_an_imported_schedule_leaves_in_doubt_is_refused_or_remarked() {
    let at = "2026-03-02T12:00:00Z";
    let told = run(&[
        "at",
        "--syntax",
        "kube-downscaler",
        "Mon-Fri 20:00-08:00 Australia/Sydney",
        at,
    ]);
    assert_eq!(code(&told), 2);
    assert!(
        err(&told).contains("name the grammar go-kube-downscaler or py-kube-downscaler"),
        "{}",
        err(&told)
    );
    let told = run(&[
        "at",
        "--syntax",
        "go-kube-downscaler",
        "Mon-Fri 20:00-08:00 Australia/Sydney",
        at,
    ]);
    assert_eq!((code(&told), err(&told).as_str()), (0, ""));
    assert_snapshot!(out(&told), @r#"2026-03-02T12:00:00Z  on   by "Mon-Fri 20:00-08:00 Australia/Sydney"; off at 2026-03-02T21:00:00Z"#);
    let told = run(&[
        "at",
        "--syntax",
        "py-kube-downscaler",
        "Mon-Fri 20:00-08:00 Australia/Sydney",
        at,
        at,
    ]);
    assert_eq!(code(&told), 0);
    assert_snapshot!(err(&told), @r#""Mon-Fri 20:00-08:00 Australia/Sydney" ends before it starts, and kube-downscaler in Python doesn't go over midnight, so it is never on; write Mon-Fri 00:00-08:00 Australia/Sydney,Mon-Fri 20:00-24:00 Australia/Sydney (warning)"#);
    let lines = fed(
        &["at", "--syntax", "custodian"],
        "{\"schedule\":\"off\",\"at\":\"2026-03-02T12:00:00Z\"}\n\
         {\"syntax\":\"kube-downscaler\",\"schedule\":\"Mon-Sun 11:36-00:00 Asia/Kolkata\",\"at\":\"2026-03-02T10:00:00Z\"}\n\
         {\"schedule\":\"always\",\"at\":\"2026-03-02T12:00:00Z\",\"zoone\":\"UTC\"}\n",
    );
    assert_eq!(code(&lines), 1);
    assert_snapshot!(out(&lines), @r#"
    {"state":"on","next_edge":null,"rule":"by \"off\"","remarks":["Cloud Custodian leaves this alone, so it is always on"]}
    {"error":{"line":2,"field":"schedule","column":9,"problem":"\"Mon-Sun 11:36-00:00 Asia/Kolkata\" ends before it starts: GoKubeDownscaler is on from 11:36 to 24:00 of each of these days, and kube-downscaler in Python is never on","remedy":"write Mon-Sun 11:36-24:00 Asia/Kolkata for the first and never for the second, or name the grammar go-kube-downscaler or py-kube-downscaler"}}
    {"error":{"line":3,"column":56,"problem":"unknown field `zoone`, expected one of `syntax`, `zone`, `schedule`, `at`","remedy":"write {\"syntax\":\"windows\",\"schedule\":\"Mon-Fri 09:00-22:00 UTC\",\"at\":\"2026-11-23T22:00:00Z\"}"}}
    "#);
}

#[test]
fn regions_and_policies_are_linted() {
    let lint = |text: &str| {
        fed(
            &["lint", "-"],
            &format!("version: 1\naccounts: '111122223333'\n{text}\n"),
        )
    };
    let policy = "import_tags: { maid_offhours: { syntax: custodian, on_hour: 8, off_hour: 22, weekends: false } }";
    let right = lint(policy);
    assert_eq!((code(&right), err(&right).as_str()), (0, ""));
    let new = lint("regions: [eu-central-1, us-gov-west-1, cn-north-1, eu-central-9]");
    assert_eq!(code(&new), 0);
    assert_snapshot!(err(&new), @r#"-:3:52: regions: "eu-central-9" was no region when this version was made; leave it if AWS has it by now; else did you mean eu-central-1? (warning)"#);
    let wrong = lint(
        "regions: [eu-centrl-1]\nimport_tags: { a: { syntax: custodian, onhour: 8 }, b: { syntax: kube-downscaler, weekends: true } }",
    );
    assert_eq!(code(&wrong), 2);
    assert_snapshot!(err(&wrong), @r#"
    -:3:11: regions: "eu-centrl-1" is no region; did you mean eu-central-1?
    -:4:40: unknown key "onhour"; did you mean "on_hour"?
    -:4:93: weekends belongs to Cloud Custodian's policies, and this is kube-downscaler; remove it, or write `syntax: custodian`
    "#);
    let remark = lint("schedules: { old: { syntax: custodian, text: 'off' } }");
    assert_eq!(code(&remark), 0);
    assert_snapshot!(err(&remark), @"-:3:46: Cloud Custodian leaves this alone, so it is always on; change it if that isn't meant (warning)");
}

#[test]
fn what_is_missing_has_its_remedy() {
    let told = run(&["plan"]);
    assert_eq!(code(&told), 2);
    assert!(
        err(&told).starts_with("no configuration is named; give --config"),
        "{}",
        err(&told)
    );
    let told = run(&["status", "--config", "examples/environments.yaml"]);
    assert_eq!(code(&told), 2);
    assert!(
        err(&told).contains("EnvironmentsTableName"),
        "{}",
        err(&told)
    );
    let told = run(&["snooze", "dev/shop"]);
    assert_eq!(code(&told), 2);
    assert!(err(&told).starts_with("say how long"), "{}", err(&told));
    let told = run(&[
        "down",
        "dev/[a]",
        "--config",
        "examples/environments.yaml",
        "--table",
        "t",
        "--region",
        "eu-central-1",
        "--endpoint-url",
        "http://127.0.0.1:9",
    ]);
    assert_eq!(code(&told), 2);
}

#[test]
fn a_reader_that_has_heard_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args(["env", "at"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let line = "{\"schedule\":\"always\",\"at\":\"2026-11-23T22:00:00Z\"}\n";
    // It ends at the first answer that nobody takes.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(line.repeat(50_000).as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), err(&output)), (141, String::new()));
}

const SERVICES: &str = r#"{"services": [
  {"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/dev-shop/web", "desiredCount": 2, "runningCount": 2},
  {"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/dev-shop/shop-prod", "desiredCount": 1, "runningCount": 1},
  {"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/test/agent", "schedulingStrategy": "DAEMON"}
]}
{"services": [
  {"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/test/api", "desiredCount": 1, "runningCount": 1,
   "tags": [{"key": "deploy-hooks:schedule", "value": "long"}]}
]}"#;

#[test]
fn a_week_can_be_seen_without_an_account() {
    let plan = |more: &[&str]| {
        let args = ["plan", "--config", "examples/environments.yaml"];
        run(&[&args[..], more].concat())
    };
    let week = plan(&["--offline", "--week", "--from", "2026-11-23"]);
    assert_eq!(code(&week), 0, "{}", err(&week));
    assert_snapshot!(out(&week), @r"
    Week of 2026-11-23 to 2026-11-29, America/Los_Angeles
            Mon 23       Tue 24       Wed 25       Thu 26       Fri 27       Sat 28       Sun 29
            0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18
    legacy  .../#####\.. .../#####\.. .../#####\.. .../#####\.. .../#####\.. ............ ............   60 h
    One letter is 2 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
    Week of 2026-11-23 to 2026-11-29, Europe/Berlin
                   Mon 23       Tue 24       Wed 25       Thu 26       Fri 27       Sat 28       Sun 29
                   0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18
    follow-the-sun ....######## ....######## ....######## ....######## ....######## ............ ............   80 h
    long           .../#######\ .../#######\ .../#######\ .../#######\ .../#######\ .....###.... ............   86 h
    office         ....######.. ....######.. ....######.. ....######.. ....######.. ............ ............   60 h
    One letter is 2 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
    ");
    let nothing = plan(&["--offline"]);
    assert_eq!(code(&nothing), 2);
    assert_snapshot!(err(&nothing), @"a plan needs services, and without an AWS account there are none; give --services FILE, or --week for the week of the configuration's schedules");
    let page = plan(&["--offline", "--html", "-"]);
    assert!(out(&page).contains("follow-the-sun"), "{}", err(&page));
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("services.json");
    std::fs::write(&file, SERVICES).unwrap();
    let of_services =
        |more: &[&str]| plan(&[&["--services", file.to_str().unwrap()], more].concat());
    let week = of_services(&["--week", "--from", "2026-11-23"]);
    assert_snapshot!(out(&week), @r#"
    Week of 2026-11-23 to 2026-11-29, Europe/Berlin
                 Mon 23       Tue 24       Wed 25       Thu 26       Fri 27       Sat 28       Sun 29
                 0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18
    dev-shop/web ....######.. ....######.. ....######.. ....######.. ....######.. ............ ............   60 h
    test/api     .../#######\ .../#######\ .../#######\ .../#######\ .../#######\ .....###.... ............   86 h
    One letter is 2 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
    dev-shop/shop-prod: no week is shown: dev-shop/shop-prod looks like production ("prod"); if it isn't, name it under not_production.
    "#);
    let night = of_services(&["--at", "2026-11-23T22:30:00Z", "--all"]);
    assert_eq!(code(&night), 0, "{}", err(&night));
    assert_snapshot!(out(&night), @r#"
    Plan for Mon 2026-11-23 23:30, Europe/Berlin
    #  about     service             do     is → to be  why
    1  23:30:00  dev-shop/web        sleep  2 → 0       outside all windows
    2  23:30:00  test/api            sleep  1 → 0       outside all windows
                 dev-shop/shop-prod  skip   1           dev-shop/shop-prod looks like production ("prod"); if it isn't, name it under not_production
    2 of 3 services ours, 0 asleep: 2 to stop, 1 to be looked at.
    1 DAEMON service not looked at: ECS takes no count for them.
    "#);
    let missing = plan(&["--services", "/nowhere.json"]);
    assert_eq!(code(&missing), 2);
    let without_table = plan(&["--week"]);
    assert!(
        err(&without_table).contains("`env plan --offline` needs none"),
        "{}",
        err(&without_table)
    );
}
