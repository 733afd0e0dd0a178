//! `check --check`: whoever names a check wants its result to count, or to be told that there is none.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod reports;

use std::path::PathBuf;

use insta::assert_snapshot;

use self::reports::{program, service, told};

const SUITE: &str = "\
version: 1
name: shop
defaults: { http: { retries: 0 } }
traffic: { bake: 1s, every: 1s }
checks:
  - name: home
    http: GET /
  - name: cart
    severity: advisory
    tags: [smoke]
    http: GET /cart
  - name: orders
    on: [post-traffic]
    tags: [smoke]
    http: GET /
";

fn check(name: &str, args: &[&str]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("named-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("suite.yaml"), SUITE).unwrap();
    let url = service("/cart");
    let all = [
        &["check", "suite.yaml", "--url", url.as_str(), "--quiet"],
        args,
    ];
    told(&program(&folder, &all.concat()))
}

#[test]
fn an_advisory_check_that_is_named_beside_a_required_one_counts() {
    let both = check("both", &["--check", "home", "--check", "cart"]);
    assert!(both.ends_with("(ends with 1)"), "{both}");
    let home = check("home", &["--check", "home"]);
    assert!(home.ends_with("(ends with 0)"), "{home}");
    // A tag only chooses: what is advisory stays so.
    let tagged = check("tagged", &["--tag", "smoke", "--stage", "post-traffic"]);
    assert!(tagged.ends_with("(ends with 0)"), "{tagged}");
}

#[test]
fn a_check_of_the_other_stage_is_not_passed_over_where_it_is_named() {
    assert_snapshot!(check("other", &["--check", "home", "--check", "orders"]), @r#"
    suite.yaml: "orders" does not run at pre-traffic, though --check names it: give --stage post-traffic, or run each stage by itself
    (ends with 3)
    "#);
    let alone = check("alone", &["--check", "orders"]);
    assert!(alone.ends_with("(ends with 3)"), "{alone}");
    let there = [
        "--check",
        "home",
        "--check",
        "orders",
        "--stage",
        "post-traffic",
    ];
    let there = check("there", &there);
    assert!(there.ends_with("(ends with 0)"), "{there}");
}
