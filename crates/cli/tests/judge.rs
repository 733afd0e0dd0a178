//! `deploy-hooks judge` as people call it, over reports that the program itself has written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod reports;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use serde_json::{Value, json};

use self::reports::{program, service, told};

const SUITE: &str = "\
version: 1
name: shop
traffic: { count: 5, every: 100ms, failure_limit: 4 }
checks:
  - name: the cart opens
    http: GET /cart
    retries: 0
    expect: [{ status: 2xx }, { latency: '< 5s' }]
  - name: the banner is shown
    severity: advisory
    http: GET /banner
    retries: 0
";

/// The same without the list of runs.
fn summary(told: &str) -> &str {
    told.split_once("\n\n").unwrap().1
}

/// One run: how its release proved, its rounds, and how long the cart's last answer took.
type Run = (&'static str, &'static str, u64);

/// A folder with the suite, a report for each run, and what the releases proved to be.
fn folder(name: &str, stage: &str, runs: &[Run]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("judge-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("reports")).unwrap();
    std::fs::write(folder.join("suite.yaml"), SUITE).unwrap();
    let url = service("/banner");
    let measured = program(
        &folder,
        &[
            "check",
            "suite.yaml",
            "--url",
            &url,
            "--stage",
            stage,
            "--quiet",
            "--report",
            "json=report.json",
        ],
    );
    assert_eq!(measured.status.code(), Some(0), "{}", told(&measured));
    let text = std::fs::read_to_string(folder.join("report.json")).unwrap();
    let mut measured: Value = serde_json::from_str(&text).unwrap();
    if stage == "post-traffic" {
        complete(&mut measured);
    }
    let mut outcomes = "deployment,outcome\n".to_owned();
    for (number, (proved, strip, took)) in runs.iter().enumerate() {
        let mut report = measured.clone();
        report["started"] = json!(format!("2026-11-{:02}T10:00:00Z", number + 1));
        report["target"]["application"] = json!("shop");
        report["target"]["version"] = json!(format!("1.{number}.0"));
        report["target"]["deployment_id"] = json!(format!("d-{number}"));
        let cart = &mut report["checks"][0];
        cart["strip"] = json!(strip);
        cart["detail"] = json!(if strip.contains('F') {
            "expected status 2xx, got 503"
        } else {
            ""
        });
        let last = cart["rounds"].as_array_mut().unwrap().last_mut().unwrap();
        let last = &mut last["tries"][0];
        last["latency_ms"] = json!(took);
        last["expectations"][1]["got"] = json!(format!("{took}ms"));
        let path = folder.join(format!("reports/d-{number}.json"));
        std::fs::write(path, report.to_string()).unwrap();
        if !proved.is_empty() {
            writeln!(outcomes, "d-{number},{proved}").unwrap();
        }
    }
    std::fs::write(folder.join("outcomes.csv"), outcomes).unwrap();
    folder
}

/// A round that took longer than `every` leaves out others, so on a busy machine the program measures fewer of the five.
/// This is the report of a machine that had time: what the first round came to, in each round when it was due.
fn complete(report: &mut Value) {
    const ROUNDS: u64 = 5;
    const EVERY: u64 = 100;
    report["duration_ms"] = json!((ROUNDS - 1) * EVERY);
    let bake = &mut report["bake"];
    assert_eq!(bake["window_ms"], (ROUNDS - 1) * EVERY);
    assert_eq!(bake["completed"], true);
    bake["rounds"] = json!(ROUNDS);
    bake["starts_ms"] = (0..ROUNDS).map(|place| place * EVERY).collect();
    for check in report["checks"].as_array_mut().unwrap() {
        let strip = check["strip"].as_str().unwrap();
        let (letter, measured) = (strip[..1].to_owned(), strip.len() as u64);
        assert_eq!(strip, letter.repeat(strip.len()), "the service is steady");
        for count in check["tally"].as_object_mut().unwrap().values_mut() {
            if *count == measured {
                *count = json!(ROUNDS);
            }
        }
        check["strip"] = json!(letter.repeat(5));
        // Of rounds that passed, the first and the last one are kept.
        let kept = if letter == "P" {
            vec![0, 4]
        } else {
            vec![0, 1, 2, 3, 4]
        };
        let first = check["rounds"][0].clone();
        let rounds = kept.into_iter().map(|place: u64| {
            let mut round = first.clone();
            round["number"] = json!(place + 1);
            round["started_ms"] = json!(place * EVERY);
            round["tries"][0]["started_ms"] = json!(place * EVERY);
            round
        });
        check["rounds"] = rounds.collect();
    }
}

fn change(folder: &Path, from: &str, to: &str) {
    let suite = std::fs::read_to_string(folder.join("suite.yaml")).unwrap();
    assert!(suite.contains(from), "{from}");
    std::fs::write(folder.join("suite.yaml"), suite.replace(from, to)).unwrap();
}

#[test]
fn each_run_is_judged_by_the_limits_of_the_suite() {
    let folder = folder(
        "runs",
        "post-traffic",
        &[("", "PPPPP", 40), ("", "PFPFP", 40), ("", "PFPPP", 40)],
    );
    let judged = || told(&program(&folder, &["judge", "suite.yaml", "reports"]));
    assert_snapshot!(judged(), @"
    began             service  version  gate          was     would be  why
    2026-11-03 10:00  shop     1.2.0    post-traffic  passed  passed    the required check stayed within the limits over 5 rounds in 400ms and passed the last
    2026-11-02 10:00  shop     1.1.0    post-traffic  passed  passed    the required check stayed within the limits over 5 rounds in 400ms and passed the last
    2026-11-01 10:00  shop     1.0.0    post-traffic  passed  passed    the required check stayed within the limits over 5 rounds in 400ms and passed the last

    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  3     0             0           3           0
    (ends with 0)
    ");
    change(&folder, "failure_limit: 4", "failure_limit: 1");
    assert_snapshot!(judged(), @r#"
    began             service  version  gate          was     would be  why
    2026-11-03 10:00  shop     1.2.0    post-traffic  passed  passed    the required check stayed within the limits over 5 rounds in 400ms and passed the last
    2026-11-02 10:00  shop     1.1.0    post-traffic  passed  stopped   check "the cart opens" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503
    2026-11-01 10:00  shop     1.0.0    post-traffic  passed  passed    the required check stayed within the limits over 5 rounds in 400ms and passed the last

    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  3     0             1           2           0
    (ends with 0)
    "#);
    change(&folder, "count: 5", "count: 9");
    assert_snapshot!(judged(), @r#"
    began             service  version  gate          was     would be  why
    2026-11-03 10:00  shop     1.2.0    post-traffic  passed  unknown   the run ended after 5 rounds, and by these limits it would have gone on
    2026-11-02 10:00  shop     1.1.0    post-traffic  passed  stopped   check "the cart opens" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503
    2026-11-01 10:00  shop     1.0.0    post-traffic  passed  unknown   the run ended after 5 rounds, and by these limits it would have gone on

    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  3     0             1           0           2
    (ends with 0)
    "#);
    change(&folder, "status: 2xx", "status: 200");
    assert_snapshot!(judged(), @r#"
    began             service  version  gate          was     would be  why
    2026-11-03 10:00  shop     1.2.0    post-traffic  passed  unknown   check "the cart opens" measured something else then: its probe, expectations or tries have changed
    2026-11-02 10:00  shop     1.1.0    post-traffic  passed  unknown   check "the cart opens" measured something else then: its probe, expectations or tries have changed
    2026-11-01 10:00  shop     1.0.0    post-traffic  passed  unknown   check "the cart opens" measured something else then: its probe, expectations or tries have changed

    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  3     0             0           0           3
    (ends with 0)
    "#);
}

#[test]
fn programs_get_each_run_with_its_reasons() {
    let folder = folder("json", "post-traffic", &[("bad", "PFPFP", 40)]);
    change(&folder, "failure_limit: 4", "failure_limit: 1");
    let judged = program(
        &folder,
        &[
            "judge",
            "suite.yaml",
            "reports",
            "--outcomes",
            "outcomes.csv",
            "--json",
        ],
    );
    assert_snapshot!(told(&judged), @r#"
    {
      "runs": [
        {
          "service": "shop",
          "version": "1.0.0",
          "deployment": "d-0",
          "stage": "post-traffic",
          "started": "2026-11-01T10:00:00Z",
          "place": "reports/d-0.json",
          "was": {
            "conclusion": "passed",
            "passed": true
          },
          "stops": true,
          "conclusion": "failed",
          "dry_run": false,
          "reasons": [
            "check \"the cart opens\" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503",
            "advisory check \"the banner is shown\" did not pass 4 of 4 rounds (never blocks); last: expected status 2xx, got 503"
          ],
          "stopped_by": [
            {
              "check": "the cart opens",
              "limit": "failure_limit"
            }
          ],
          "unknown": [],
          "notes": [],
          "proved": "bad"
        }
      ],
      "gates": [
        {
          "stage": "post-traffic",
          "runs": 1,
          "stopped": 0,
          "would_stop": 1,
          "would_stop_but_for_dry_run": 0,
          "would_pass": 0,
          "unknown": 0
        }
      ],
      "outcomes": {
        "limits": [
          {
            "stage": "post-traffic",
            "true_stops": 1,
            "false_alarms": 0,
            "misses": 0,
            "unknown": 0
          },
          {
            "stage": "post-traffic",
            "check": "the cart opens",
            "limit": "failure_limit",
            "true_stops": 1,
            "false_alarms": 0,
            "misses": 0,
            "unknown": 0
          }
        ],
        "evidence": [
          {
            "stage": "post-traffic",
            "good": 0,
            "bad": 1
          }
        ],
        "suggestions": [],
        "unmatched": []
      },
      "unread": []
    }
    (ends with 0)
    "#);
}

#[test]
fn limits_are_held_against_what_releases_proved_to_be() {
    let mut runs: Vec<Run> = vec![("bad", "PFFFP", 900), ("bad", "PFFPP", 800)];
    runs.extend([("good", "PPPPP", 40); 16]);
    runs.extend([("good", "PFPPP", 40), ("good", "PFPFP", 40)]);
    let folder = folder("outcomes", "post-traffic", &runs);
    let judged = || {
        told(&program(
            &folder,
            &[
                "judge",
                "suite.yaml",
                "reports",
                "--outcomes",
                "outcomes.csv",
            ],
        ))
    };
    assert_snapshot!(summary(&judged()), @r#"
    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  20    0             0           20          0

    How right they are
      gate          limit         true stops  false alarms  misses  unknown
      post-traffic  all together  0           0             2       0

    The loosest value that still stops the bad releases, all else unchanged
      gate          limit                        now  suggested  stops   false alarms
      post-traffic  failure_limit                4    1          2 of 2  1 of 18 (6 %)
      post-traffic  error_limit                  2    -          -       it stops no bad run, whatever its value is
      post-traffic  latency of "the cart opens"  5s   -          -       what it would cost in good runs is not recorded
    (ends with 0)
    "#);
    change(&folder, "failure_limit: 4", "failure_limit: 0");
    assert_snapshot!(summary(&judged()), @r#"
    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  20    0             4           16          0

    How right they are
      gate          limit                          true stops  false alarms  misses  unknown
      post-traffic  all together                   2           2             0       0
      post-traffic  the cart opens: failure_limit  2           2             0       0

    The loosest value that still stops the bad releases, all else unchanged
      gate          limit                        now  suggested  stops   false alarms
      post-traffic  failure_limit                0    1          2 of 2  1 of 18 (6 %)
      post-traffic  error_limit                  2    -          -       other limits stop all bad runs that it would stop
      post-traffic  latency of "the cart opens"  5s   -          -       other limits stop all bad runs that it would stop
    (ends with 0)
    "#);
}

#[test]
fn a_limit_of_latency_is_suggested_from_what_answers_took() {
    let mut runs: Vec<Run> = vec![("bad", "P", 900), ("bad", "P", 800)];
    runs.extend([("good", "P", 40); 17]);
    runs.extend([("good", "P", 850)]);
    let folder = folder("latency", "pre-traffic", &runs);
    change(&folder, "< 5s", "< 1s");
    let judged = program(
        &folder,
        &[
            "judge",
            "suite.yaml",
            "reports",
            "--outcomes",
            "outcomes.csv",
        ],
    );
    assert_snapshot!(summary(&told(&judged)), @r#"
    How often these limits stop a release
      gate         runs  stopped then  would stop  would pass  unknown
      pre-traffic  20    0             0           20          0

    How right they are
      gate         limit         true stops  false alarms  misses  unknown
      pre-traffic  all together  0           0             2       0

    The loosest value that still stops the bad releases, all else unchanged
      gate         limit                        now  suggested  stops   false alarms
      pre-traffic  latency of "the cart opens"  1s   800ms      2 of 2  1 of 18 (6 %)
    (ends with 0)
    "#);
}

#[test]
fn few_runs_suggest_nothing() {
    let folder = folder(
        "few",
        "post-traffic",
        &[("good", "PPPPP", 40), ("bad", "PFPPP", 40)],
    );
    std::fs::write(
        folder.join("outcomes.csv"),
        "d-0,good\n1.1.0,bad\nd-77,bad\n",
    )
    .unwrap();
    assert_snapshot!(told(&program(&folder, &["judge", "suite.yaml", "reports", "--outcomes", "outcomes.csv"])), @"
    began             service  version              gate          was     would be  why
    2026-11-02 10:00  shop     1.1.0 (proved bad)   post-traffic  passed  passed    the required check stayed within the limits over 5 rounds in 400ms and passed the last
    2026-11-01 10:00  shop     1.0.0 (proved good)  post-traffic  passed  passed    the required check stayed within the limits over 5 rounds in 400ms and passed the last

    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  2     0             0           2           0

    How right they are
      gate          limit         true stops  false alarms  misses  unknown
      post-traffic  all together  0           0             1       0

    post-traffic has too few runs for suggestions: 2 runs proved good or bad, and 20 are needed
    No report has the deployment or version d-77.
    (ends with 0)
    ");
}

#[test]
fn a_dry_run_is_counted_for_itself() {
    let folder = folder(
        "dry-run",
        "post-traffic",
        &[("", "PPPPP", 40), ("", "PFPFP", 40)],
    );
    change(&folder, "failure_limit: 4", "failure_limit: 1");
    change(&folder, "name: shop\n", "name: shop\ndry_run: true\n");
    assert_snapshot!(told(&program(&folder, &["judge", "suite.yaml", "reports"])), @r#"
    began             service  version  gate          was     would be                      why
    2026-11-02 10:00  shop     1.1.0    post-traffic  passed  stopped, but for the dry run  check "the cart opens" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503
    2026-11-01 10:00  shop     1.0.0    post-traffic  passed  passed                        dry run, so this gate lets everything pass; it would have passed this release as well

    How often these limits stop a release
      gate          runs  stopped then  would stop  but for the dry run  would pass  unknown
      post-traffic  2     0             0           1                    1           0
    (ends with 0)
    "#);
}

#[test]
fn what_is_not_listed_is_summed_up() {
    let mut runs: Vec<Run> = vec![("", "PFPFP", 40); 2];
    runs.extend([("", "PPPPP", 40); 19]);
    let folder = folder("many", "post-traffic", &runs);
    change(&folder, "failure_limit: 4", "failure_limit: 1");
    assert_snapshot!(told(&program(&folder, &["judge", "suite.yaml", "reports"])), @r#"
    began             service  version  gate          was     would be  why
    2026-11-02 10:00  shop     1.1.0    post-traffic  passed  stopped   check "the cart opens" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503
    2026-11-01 10:00  shop     1.0.0    post-traffic  passed  stopped   check "the cart opens" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503
    19 runs would be decided as they were.

    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  21    0             2           19          0
    (ends with 0)
    "#);
    change(&folder, "count: 5", "count: 9");
    assert_snapshot!(told(&program(&folder, &["judge", "suite.yaml", "reports"])), @r#"
    began             service  version  gate          was     would be  why
    2026-11-02 10:00  shop     1.1.0    post-traffic  passed  stopped   check "the cart opens" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503
    2026-11-01 10:00  shop     1.0.0    post-traffic  passed  stopped   check "the cart opens" failed 2 of 4 rounds, limit 1; last: expected status 2xx, got 503
    Of 19 runs it can't be known: the run ended after 5 rounds, and by these limits it would have gone on.

    How often these limits stop a release
      gate          runs  stopped then  would stop  would pass  unknown
      post-traffic  21    0             2           0           19
    (ends with 0)
    "#);
}

#[test]
fn files_that_are_no_report_are_counted() {
    let folder = folder("unread", "pre-traffic", &[("", "P", 40)]);
    let judge = |args: &[&str]| {
        told(&program(
            &folder,
            &[&["judge", "suite.yaml"], args].concat(),
        ))
    };
    assert_snapshot!(judge(&["reports/d-0.json", "suite.yaml"]), @"
    1 file could not be read as a report, such as: suite.yaml is no report of a gate: expected value at line 1 column 1
    began             service  version  gate         was     would be  why
    2026-11-01 10:00  shop     1.0.0    pre-traffic  passed  passed    the required check passed

    How often these limits stop a release
      gate         runs  stopped then  would stop  would pass  unknown
      pre-traffic  1     0             0           1           0
    (ends with 0)
    ");
    assert_snapshot!(judge(&["reports", "--service", "nope"]), @r#"
    No report is of the service "nope"; those that were read are of "shop".
    (ends with 0)
    "#);
}

#[test]
fn a_release_that_is_good_and_bad_is_refused() {
    let folder = folder("both", "pre-traffic", &[("", "P", 40), ("", "P", 40)]);
    std::fs::write(
        folder.join("outcomes.csv"),
        "d-0,bad\nd-1,good\n1.0.0,good\n",
    )
    .unwrap();
    assert_snapshot!(told(&program(&folder, &["judge", "suite.yaml", "reports", "--outcomes", "outcomes.csv"])), @r#"
    outcomes.csv:1: the deployment "d-0" is bad, and its version "1.0.0" is good (line 3); remove one
    (ends with 3)
    "#);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_judged() {
    let folder = folder("wrong", "pre-traffic", &[("good", "P", 40)]);
    std::fs::write(folder.join("wrong.csv"), "d-1,fine\nd-2\n").unwrap();
    std::fs::write(
        folder.join("wrong.yaml"),
        "version: 1\nname: shop\nchecks: []\n",
    )
    .unwrap();
    let judge = |args: &[&str]| told(&program(&folder, &[&["judge"], args].concat()));
    assert_snapshot!(judge(&["wrong.yaml", "reports"]), @"
    wrong.yaml:3:9: the suite has no checks, so it could never pass; write at least one check
    (ends with 3)
    ");
    assert_snapshot!(judge(&["suite.yaml", "reports", "--outcomes", "wrong.csv"]), @r#"
    wrong.csv:1: "fine" is no outcome; write good or bad
    wrong.csv:2: expected a deployment or version, a comma, and good or bad
    (ends with 3)
    "#);
    assert_snapshot!(judge(&["suite.yaml", "nowhere.json"]), @"
    no report could be read, of 1 file: nowhere.json could not be read: No such file or directory (os error 2)
    (ends with 1)
    ");
    assert_snapshot!(judge(&["suite.yaml", "suite.yaml"]), @"
    no report could be read, of 1 file: suite.yaml is no report of a gate: expected value at line 1 column 1
    (ends with 1)
    ");
    std::fs::create_dir(folder.join("empty")).unwrap();
    assert_snapshot!(judge(&["suite.yaml", "empty"]), @"
    No report was found.
    (ends with 0)
    ");
}
