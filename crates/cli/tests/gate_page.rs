//! `gates page` as people call it, over reports that the program itself has written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod reports;

use std::path::{Path, PathBuf};

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

/// What a run came to: service, conclusion, and whether it was let pass.
type Came = (&'static str, &'static str, bool);

/// A folder with the reports of these runs, the oldest first.
fn folder_of(name: &str, runs: &[Came]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("reports")).unwrap();
    std::fs::write(folder.join("suite.yaml"), SUITE).unwrap();
    let url = service("/cart");
    let args = [
        "check",
        "suite.yaml",
        "--url",
        &url,
        "--quiet",
        "--report",
        "json=one.json",
    ];
    let measured = program(&folder, &args);
    assert_eq!(measured.status.code(), Some(0), "{}", told(&measured));
    let text = std::fs::read_to_string(folder.join("one.json")).unwrap();
    for (number, (service, conclusion, passed)) in runs.iter().enumerate() {
        let mut report: Value = serde_json::from_str(&text).unwrap();
        report["started"] = json!(format!("2026-11-{:02}T10:00:00Z", number + 1));
        report["duration_ms"] = json!(1_200);
        report["target"]["application"] = json!(service);
        report["target"]["version"] = json!(format!("1.{number}.0"));
        report["target"]["deployment_id"] = json!(format!("d-{number}"));
        report["verdict"] = json!({
            "passed": passed, "conclusion": conclusion, "reasons": [format!("the <b>price</b> & the cart {conclusion}")],
        });
        report["checks"][0]["slowest_round_ms"] = json!(40);
        report["checks"][1]["slowest_round_ms"] = json!(900);
        if number == 0 {
            report["checks"][0]["repeated_rounds"] = json!(1);
        }
        let path = folder.join(format!("reports/d {number}.json"));
        std::fs::write(&path, report.to_string()).unwrap();
        if number != 1 {
            std::fs::write(path.with_extension("html"), "the page of the report").unwrap();
        }
    }
    folder
}

fn page(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("site").join(name)).unwrap()
}

/// The text of a page, one line for each piece.
fn words(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let pieces = body.split('<').filter_map(|piece| piece.split_once('>'));
    let pieces = pieces
        .map(|(_, text)| text.trim())
        .filter(|text| !text.is_empty());
    let made = pieces.map(|text| {
        if text.starts_with("as of") || text.starts_with(", as of") {
            "as of now"
        } else {
            text
        }
    });
    made.collect::<Vec<_>>().join("\n")
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table")]
fn an_index_and_a_page_for_each_service_are_written() {
    let runs = [
        ("shop", "failed", false),
        ("shop", "passed", true),
        ("<i>cellar</i>", "inconclusive", true),
        ("shop", "inconclusive", false),
    ];
    let folder = folder_of("made", &runs);
    let made = program(&folder, &["gates", "page", "reports", "--out", "site"]);
    assert_snapshot!(told(&made), @r#"
    site/index.html: 3 pages of 4 runs
    (ends with 0)
    "#);
    let index = page(&folder, "index.html");
    assert_snapshot!(words(&index), @r#"
    as of now
    What the gates decided
    Services
    Service
    Last verdict
    Version
    Ended
    Runs
    Failed
    Inconclusive
    Median
    Newest runs
    &#60;i&#62;cellar&#60;/i&#62;
    inconclusive
    let pass
    1.2.0
    2026-11-03 10:00 UTC
    1
    0
    1
    1.2s
    shop
    inconclusive
    1.3.0
    2026-11-04 10:00 UTC
    3
    1
    1
    1.2s
    4 runs were read.
    "#);
    let shop = page(&folder, "shop.html");
    assert_snapshot!(words(&shop), @r#"
    All services
    as of now
    shop
    inconclusive
    the &#60;b&#62;price&#60;/b&#62; &#38; the cart inconclusive
    runs
    3
    passed
    1
    failed
    1
    inconclusive
    1
    median
    1.2s
    Runs
    Ended
    Verdict
    Version
    Gate
    Deployment
    Took
    Why
    Report
    2026-11-04 10:00 UTC
    inconclusive
    1.3.0
    pre-traffic
    d-3
    1.2s
    the &#60;b&#62;price&#60;/b&#62; &#38; the cart inconclusive
    report
    of 2026-11-04 10:00 UTC
    2026-11-02 10:00 UTC
    passed
    1.1.0
    pre-traffic
    d-1
    1.2s
    the &#60;b&#62;price&#60;/b&#62; &#38; the cart passed
    reports/d 1.json
    2026-11-01 10:00 UTC
    failed
    1.0.0
    pre-traffic
    d-0
    1.2s
    the &#60;b&#62;price&#60;/b&#62; &#38; the cart failed
    report
    of 2026-11-01 10:00 UTC
    Flaky checks
    the first page is shown
    in 1 of 3 runs
    They passed, but not at the first try or not in each round.
    Slowest checks
    the cart opens
    advisory
    900ms
    the first page is shown
    40ms
    By the median of their slowest rounds.
    "#);
    for page in [&index, &shop, &page(&folder, "-i-cellar--i-.html")] {
        assert!(
            !page.contains("<b>") && !page.contains("<script") && !page.contains("<i>cellar"),
            "{page}"
        );
        for elsewhere in [" src=", "href=\"http", "@import", "url("] {
            assert!(!page.contains(elsewhere), "{elsewhere}: {page}");
        }
        assert!(page.contains("Content-Security-Policy") && page.contains("name=\"viewport\""));
    }
    // The report whose page lies there is linked; of the other one the place is said.
    assert!(shop.contains("href=\"../reports/d%203.html\""), "{shop}");
    assert!(
        !shop.contains("d%201.html") && shop.contains("reports/d 1.json"),
        "{shop}"
    );
    // Once more is no problem, and one service may be enough.
    let one = [
        "gates",
        "page",
        "reports",
        "--out",
        "site",
        "--service",
        "shop",
        "--last",
        "2",
        "--json",
    ];
    assert_snapshot!(told(&program(&folder, &one)), @r#"
    {
      "folder": "site",
      "pages": [
        "shop.html",
        "index.html"
      ],
      "runs": 2,
      "unread": []
    }
    (ends with 0)
    "#);
}

#[test]
fn what_can_not_be_made_is_told() {
    let folder = folder_of("refused", &[("shop", "passed", true)]);
    std::fs::write(folder.join("taken"), "").unwrap();
    std::fs::create_dir_all(folder.join("none")).unwrap();
    let mut all = String::new();
    for args in [
        &["gates", "page", "reports"][..],
        &["gates", "page", "--out", "site"],
        &["gates", "page", "none", "--out", "site"],
        &["gates", "page", "suite.yaml", "--out", "site"],
        &[
            "gates",
            "page",
            "reports",
            "--service",
            "cellar",
            "--out",
            "site",
        ],
        &["gates", "page", "reports", "--out", "taken"],
    ] {
        all += &told(&program(&folder, args));
        all.push('\n');
    }
    assert!(!folder.join("site").exists());
    assert_snapshot!(all, @r#"
    error: the following required arguments were not provided:
      --out <FOLDER>

    Usage: deploy-hooks gates page --out <FOLDER> <PLACES>...

    For more information, try '--help'.
    (ends with 2)
    error: the following required arguments were not provided:
      <PLACES>...

    Usage: deploy-hooks gates page --out <FOLDER> <PLACES>...

    For more information, try '--help'.
    (ends with 2)
    No report was found.
    (ends with 1)
    no report could be read, of 1 file: suite.yaml is no report of a gate: expected value at line 1 column 1
    (ends with 1)
    No report is of the service "cellar"; those that were read are of "shop".
    (ends with 1)
    taken could not be written: File exists (os error 17)
    (ends with 2)
    "#);
}
