//! `gates list` and `gates stats` as people call them, over reports that the program itself has written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod reports;

use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::{Value, json};

use self::reports::{program, service, told};

const SUITE: &str = "\
version: 1
name: shop
checks:
  - name: the first page is shown
    http: GET /
    retries: 0
  - name: the cart opens
    severity: advisory
    http: GET /cart
    retries: 0
";

/// A folder with so many reports of a service, the oldest of which failed, and one file that is no report.
fn reports(name: &str, count: usize) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("reports-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("shop")).unwrap();
    std::fs::write(folder.join("suite.yaml"), SUITE).unwrap();
    let url = service("/cart");
    let measured = program(
        &folder,
        &[
            "check",
            "suite.yaml",
            "--url",
            &url,
            "--quiet",
            "--report",
            "json=report.json",
        ],
    );
    assert_eq!(measured.status.code(), Some(0), "{}", told(&measured));
    let text = std::fs::read_to_string(folder.join("report.json")).unwrap();
    std::fs::remove_file(folder.join("report.json")).unwrap();
    for number in 0..count {
        let mut report: Value = serde_json::from_str(&text).unwrap();
        report["started"] = json!(format!(
            "{}-11-{:02}T10:00:00Z",
            2026 + number / 28,
            number % 28 + 1
        ));
        report["duration_ms"] = json!(1_200);
        report["target"]["application"] = json!("shop");
        report["target"]["version"] = json!(format!("1.{number}.0"));
        for (check, took) in [(0, 40), (1, 900)] {
            let check = &mut report["checks"][check];
            // Earlier reports have the rounds only, which in a bake are not all.
            if number % 2 == 0 {
                check.as_object_mut().unwrap().remove("repeated_rounds");
                check.as_object_mut().unwrap().remove("slowest_round_ms");
                check["rounds"][0]["duration_ms"] = json!(took);
            } else {
                check["rounds"][0]["duration_ms"] = json!(1);
                check["slowest_round_ms"] = json!(took);
            }
        }
        if number == 0 {
            report["verdict"] = json!({"passed": false, "conclusion": "failed", "reasons": ["check \"the first page is shown\" failed"]});
            report["checks"][0]["measurement"] = json!("failed");
        }
        if number == 1 {
            // A round that is shown no more.
            report["checks"][0]["repeated_rounds"] = json!(1);
        }
        std::fs::write(
            folder.join(format!("shop/d-{number}.json")),
            report.to_string(),
        )
        .unwrap();
    }
    std::fs::write(folder.join("shop/d-9-so-far.json"), "{}").unwrap();
    std::fs::write(folder.join("package.json"), "{}").unwrap();
    folder
}

#[test]
fn runs_are_listed_newest_first() {
    let folder = reports("list", 3);
    assert_snapshot!(told(&program(&folder, &["gates", "list", "."])), @r#"
    1 file could not be read as a report, such as: ./package.json is no report of a gate: missing field `format` at line 1 column 2
    ended             service  version  gate         verdict  why
    2026-11-03 10:00  shop     1.2.0    pre-traffic  passed   the required check passed
    2026-11-02 10:00  shop     1.1.0    pre-traffic  passed   the required check passed
    2026-11-01 10:00  shop     1.0.0    pre-traffic  failed   check "the first page is shown" failed
    (ends with 0)
    "#);
    let one = program(&folder, &["gates", "list", "shop", "--last", "1", "--json"]);
    assert_snapshot!(told(&one), @r#"
    {
      "runs": [
        {
          "service": "shop",
          "version": "1.2.0",
          "stage": "pre-traffic",
          "conclusion": "passed",
          "passed": true,
          "reason": "the required check passed",
          "started": "2026-11-03T10:00:00Z",
          "duration_ms": 1200,
          "place": "shop/d-2.json"
        }
      ],
      "unread": []
    }
    (ends with 0)
    "#);
    let twice = program(
        &folder,
        &["gates", "list", "shop", "shop/d-1.json", "--json"],
    );
    let twice: Value = serde_json::from_slice(&twice.stdout).unwrap();
    assert_eq!(twice["runs"].as_array().unwrap().len(), 3);
    let none = program(&folder, &["gates", "list", "shop", "--service", "cellar"]);
    assert_snapshot!(told(&none), @r#"
    No report is of the service "cellar"; those that were read are of "shop".
    (ends with 0)
    "#);
    for last in ["0", "x"] {
        let wrong = told(&program(
            &folder,
            &["gates", "list", "shop", "--last", last],
        ));
        assert!(wrong.contains("expected a number of 1 or more"), "{wrong}");
    }
}

#[test]
fn named_files_count_like_those_of_folders() {
    let folder = reports("named", 1);
    assert_snapshot!(told(&program(&folder, &["gates", "list", "shop/d-0.json", "suite.yaml", "nowhere.json"])), @r#"
    2 files could not be read as a report, such as: suite.yaml is no report of a gate: expected value at line 1 column 1
    ended             service  version  gate         verdict  why
    2026-11-01 10:00  shop     1.0.0    pre-traffic  failed   check "the first page is shown" failed
    (ends with 0)
    "#);
    assert_snapshot!(told(&program(&folder, &["gates", "list", "suite.yaml"])), @"
    no report could be read, of 1 file: suite.yaml is no report of a gate: expected value at line 1 column 1
    (ends with 1)
    ");
    assert_snapshot!(told(&program(&folder, &["gates", "stats", "shop", "--service", "cellar"])), @r#"
    No report is of the service "cellar"; those that were read are of "shop".
    (ends with 0)
    "#);
}

#[test]
fn of_many_runs_the_newest_are_kept() {
    let folder = reports("many", 1_005);
    let newest = program(&folder, &["gates", "list", "shop", "--last", "2", "--json"]);
    let newest: Value = serde_json::from_slice(&newest.stdout).unwrap();
    let runs = newest["runs"].as_array().unwrap();
    let versions: Vec<_> = runs.iter().map(|run| run["version"].as_str()).collect();
    assert_eq!(versions, [Some("1.1004.0"), Some("1.1003.0")]);
}

#[test]
fn stats_name_flaky_slow_and_idle_checks() {
    let folder = reports("stats", 22);
    assert_snapshot!(told(&program(&folder, &["gates", "stats", "shop"])), @"
    service  runs  passed  failed  inconclusive  median
    shop     22    21      1       0             1.2s

    Flaky checks
      shop: the first page is shown, in 1 of 22 runs

    Slowest checks, by the median of their runs
      shop: the cart opens, 900ms
      shop: the first page is shown, 40ms
    (ends with 0)
    ");
    let newest = program(&folder, &["gates", "stats", "shop", "--last", "20"]);
    assert_snapshot!(told(&newest), @"
    service  runs  passed  failed  inconclusive  median
    shop     20    20      0       0             1.2s

    Slowest checks, by the median of their runs
      shop: the cart opens, 900ms
      shop: the first page is shown, 40ms

    Checks that never failed
      shop: the first page is shown, 20 runs
    (ends with 0)
    ");
}

#[test]
fn a_place_that_is_not_there_is_told() {
    let folder = reports("absent", 1);
    // A folder without any report.
    std::fs::remove_dir_all(folder.join("shop")).unwrap();
    assert_snapshot!(told(&program(&folder, &["gates", "list", "."])), @"
    no report could be read, of 1 file: ./package.json is no report of a gate: missing field `format` at line 1 column 2
    (ends with 1)
    ");
    assert_snapshot!(told(&program(&folder, &["gates", "stats", "nowhere.json"])), @"
    no report could be read, of 1 file: nowhere.json could not be read: No such file or directory (os error 2)
    (ends with 1)
    ");
}
