//! `deploy-hooks env` against a small AWS: what is planned, done and remembered.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod fake;

use fake::ecs::{Target, arn};
use fake::{Svc, World, code, err, out};
use insta::assert_snapshot;
use serde_json::{Value, json};

const CONFIG: &str = "version: 1
accounts: ['111122223333']
zone: Europe/Berlin
schedules:
  office: Mon-Fri 09:00-22:00
  always-on: always
default_schedule: office
tiers:
  - { name: data, match: '*/db-*' }
deny: ['*/never-*']
";
const NIGHT: &str = "2026-11-23T21:00:00Z";

fn world(name: &str) -> World {
    let world = World::new(name, CONFIG);
    world.ecs(|ecs| {
        ecs.add("dev/web", Svc::new(3).scaled(2, 6, [false, true, false]));
        ecs.add("dev/db-main", Svc::new(1));
        ecs.add("dev/other", Svc::plain(2));
        ecs.add("dev/shop-prod", Svc::new(2));
        ecs.add(
            "test/api",
            Svc::new(2).tagged(
                "deploy-hooks:schedule",
                "Mon-Fri 09:00-18:00 America/New_York",
            ),
        );
        ecs.add(
            "test/always",
            Svc::new(1).tagged("deploy-hooks:schedule", "always-on"),
        );
        ecs.add(
            "dev/agent",
            Svc {
                daemon: true,
                ..Svc::new(1)
            },
        );
    });
    world
}

#[test]
fn a_plan_is_a_table_and_changes_nothing() {
    let world = world("plan");
    let told = world.env(&["plan", "--at", NIGHT]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(out(&told), @r#"
    Plan for Mon 2026-11-23 22:00, Europe/Berlin
    #  about     service        do     is → to be                                   why
    1  22:00:00  dev/web        sleep  3 (2-6, suspended -o-) → 0 (0-6, suspended)  outside all windows
    2  22:00:00  dev/db-main    sleep  1 → 0                                        outside all windows
                 test/always    -      1                                            it runs
                 test/api       -      2                                            it runs
                 dev/shop-prod  skip   2                                            dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production
    4 of 6 services ours, 0 asleep: 2 to stop, 1 to be looked at.
    1 DAEMON service not looked at: ECS takes no count for them.
    "#);
    let calls = world.with(|state| state.calls.clone());
    let reads = |call: &String| {
        ["List", "Describe", "Get", "Query"]
            .iter()
            .any(|verb| call.starts_with(verb))
    };
    assert!(calls.iter().all(reads), "{calls:?}");
    let json: Value = serde_json::from_slice(
        &world
            .env(&["plan", "--at", NIGHT, "--json", "--week"])
            .stdout,
    )
    .unwrap();
    assert_eq!(json["totals"]["sleep"], 2);
    assert_eq!(json["weeks"][1]["zone"], "Europe/Berlin");
    assert_eq!(json["daemons"][0], "dev/agent");
    assert_eq!(world.ecs(|ecs| ecs.changes.len()), 0);
}

#[test]
fn a_week_is_a_picture() {
    let world = world("week");
    let told = world.env(&["plan", "--week", "--from", "2026-03-23", "--at", NIGHT]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(out(&told), @r#"
    Week of 2026-03-23 to 2026-03-29, America/New_York
             Mon 23       Tue 24       Wed 25       Thu 26       Fri 27       Sat 28       Sun 29
             0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18
    test/api ..../####... ..../####... ..../####... ..../####... ..../####... ............ ............   45 h
    One letter is 2 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
    Week of 2026-03-23 to 2026-03-29, Europe/Berlin
                Mon 23       Tue 24       Wed 25       Thu 26       Fri 27       Sat 28       Sun 29*
                0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0 6  12 18
    dev/db-main ..../######. ..../######. ..../######. ..../######. ..../######. ............ ............   65 h
    dev/web     ..../######. ..../######. ..../######. ..../######. ..../######. ............ ............   65 h
    test/always ############ ############ ############ ############ ############ ############ ############  167 h
    Sunday, 2026-03-29 has 23 h: at 02:00 the clocks go forward to 03:00.
    One letter is 2 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
    dev/shop-prod: no week is shown: dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production.
    "#);
}

#[test]
fn a_page_is_one_file() {
    let world = world("page");
    let told = world.env(&["plan", "--html", "-", "--at", NIGHT]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    let page = out(&told);
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for foreign in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn what_can_not_be_read_is_told_and_fails() {
    let world = world("unreadable");
    world.with(|state| state.refused.push("DescribeScalableTargets"));
    let told = world.env(&["plan", "--at", NIGHT]);
    assert_eq!(code(&told), 1);
    assert!(
        err(&told).contains("DescribeScalableTargets"),
        "{}",
        err(&told)
    );
    world.with(|state| state.refused.push("ListClusters"));
    assert_eq!(code(&world.env(&["plan", "--at", NIGHT])), 1);
}

#[test]
fn down_and_up_by_hand() {
    let world = world("by-hand");
    let dry = world.env(&["down", "dev/web", "--for", "2h", "--dry-run"]);
    assert_eq!(code(&dry), 0, "{}", err(&dry));
    assert!(
        out(&dry).contains("Dry run: nothing was changed. Say --yes to do it."),
        "{}",
        out(&dry)
    );
    assert!(
        out(&dry).contains("3 (2-6, suspended -o-) → 0 (0-6, suspended)"),
        "{}",
        out(&dry)
    );
    assert_eq!(world.ecs(|ecs| ecs.changes.len()), 0);
    assert!(
        world
            .with(|state| state.tables.sort_keys("environments"))
            .is_empty()
    );

    let down = world.env(&["down", "dev/web", "--for", "2h", "--yes"]);
    assert_eq!(code(&down), 0, "{}", err(&down));
    assert_eq!(err(&down), "[1/1] dev/web: sleep: done\n");
    assert!(
        out(&down).starts_with("Stopped 1 service, woke 0 services.\nIt holds for dev/web until "),
        "{}",
        out(&down)
    );
    assert!(
        out(&down).contains("a function in dry run does not wake"),
        "{}",
        out(&down)
    );
    assert_eq!(world.ecs(|ecs| ecs.get("dev/web").desired), 0);
    assert_eq!(
        world.ecs(|ecs| ecs.get("dev/db-main").desired),
        1,
        "nobody asked for that one"
    );

    let status: Value =
        serde_json::from_slice(&world.env(&["status", "--json", "dev/web"]).stdout).unwrap();
    let web = &status["services"][0];
    assert_eq!(
        (&web["state"], &web["had"]["desired"]),
        (&"asleep".into(), &3.into()),
        "{status}"
    );
    let told = out(&world.env(&["explain", "web"]));
    assert!(
        told.contains("It should be off: forced down until "),
        "{told}"
    );
    assert!(
        told.contains("before it slept it had 3 (2-6, suspended -o-)"),
        "{told}"
    );

    // The last word counts.
    let up = world.env(&["up", "dev/*", "--for", "1h", "--yes", "--json"]);
    assert_eq!(code(&up), 0, "{}", err(&up));
    let told: Value = serde_json::from_slice(&up.stdout).unwrap();
    assert_eq!(told["requests"][0]["by"], "lead");
    let place = json!({"account": "111122223333", "region": "eu-central-1"});
    assert_eq!(told["requests"][0]["place"], place, "not in other accounts");
    assert_eq!(told["applied"]["outcomes"][0]["end"], "done", "{told}");
    let web = world.ecs(|ecs| ecs.get("dev/web").clone());
    assert_eq!((web.desired, web.target.unwrap().min), (3, 2));
    assert_eq!(web.target.unwrap().suspended, [false, true, false]);
}

/// A record as a run of the function has left it.
fn remember(world: &World, place: &str, memory: &Value) {
    let mut memory = memory.clone();
    memory["arn"] = arn(place).into();
    let item = json!({
        "pk": {"S": format!("service#{}", arn(place))}, "sk": {"S": "sleep"}, "version": {"N": "1"},
        "body": {"S": memory.to_string()}, "expires_at": {"N": "4000000000"},
    });
    let call = json!({"TableName": "state", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"});
    world
        .with(|state| state.tables.serve("PutItem", &call))
        .unwrap();
}

#[test]
fn a_status_says_since_when_and_what_that_saves() {
    let world = world("status");
    let level = |desired: u32, min: u32, asleep: bool| {
        let suspended = json!({"dynamic_in": asleep, "dynamic_out": true, "scheduled": asleep});
        json!({"desired": desired, "scaling": {"min": min, "max": 6, "suspended": suspended}})
    };
    let size = json!({"cpu_units": 512, "memory_mib": 1024});
    let since = "2026-11-23T21:00:00Z";
    let slept = json!({
        "phase": "down", "since": since, "why": "outside all windows", "set": level(0, 0, true),
        "was": {"level": level(3, 2, false), "size": size, "at": since},
    });
    remember(&world, "dev/web", &slept);
    let mut conflict = slept;
    conflict["phase"] = "conflict".into();
    conflict["conflict"] = json!({"found": {"desired": 1, "scaling": null}, "at": since});
    remember(&world, "dev/db-main", &conflict);
    world.ecs(|ecs| {
        let web = ecs.get("dev/web");
        (web.desired, web.running) = (0, 0);
        web.target = Some(Target {
            min: 0,
            max: 6,
            suspended: [true; 3],
        });
    });
    let told = world.env(&["status", "--at", "2026-11-24T03:00:00Z"]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(out(&told), @r#"
    service        state     since                 had                     next                     saved     note
    dev/db-main    conflict  Mon 2026-11-23 22:00  3 (2-6, suspended -o-)  on Tue 2026-11-24 09:00            sleep: outside all windows
    dev/shop-prod  awake                                                                                      skip: dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production
    dev/web        asleep    Mon 2026-11-23 22:00  3 (2-6, suspended -o-)  on Tue 2026-11-24 09:00  0.44 USD
    test/always    awake                                                   never
    test/api       awake                                                   on Tue 2026-11-24 15:00            sleep: outside all windows
    Saved so far: about 0.44 USD (9.0 vCPU-hours, 18.0 GB-hours) of 1 service.
    Times are those of Europe/Berlin.
    "#);
    let told = world.env(&["explain", "dev/web", "--at", "2026-11-24T03:00:00Z"]);
    assert_snapshot!(out(&told), @r#"
    dev/web, times of Europe/Berlin
      It is an ECS service at 0 (0-6, suspended), 0 running.
      It should be off: outside all windows (tag deploy-hooks:schedule: office).
      That changes at Tue 2026-11-24 09:00.
      Remembered: asleep since Mon 2026-11-23 22:00 (outside all windows); before it slept it had 3 (2-6, suspended -o-).
      Now: nothing, because it sleeps.
    Week of 2026-11-24 to 2026-11-30, Europe/Berlin
            Tue 24       Wed 25       Thu 26       Fri 27       Sat 28       Sun 29       Mon 30
            0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18
    dev/web ..../######. ..../######. ..../######. ..../######. ............ ............ ..../######.   65 h
    One letter is 2 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
    "#);
    let morning = world.env(&["plan", "--at", "2026-11-24T08:00:00Z", "dev/*", "--all"]);
    assert_snapshot!(out(&morning), @r#"
    Plan for Tue 2026-11-24 09:00, Europe/Berlin
    #  about     service        do    is → to be                                   why
    1  09:00:00  dev/web        wake  0 (0-6, suspended) → 3 (2-6, suspended -o-)  by "Mon-Fri 09:00-22:00 Europe/Berlin"
                 dev/db-main    -     1                                            somebody changed it while it slept; that is recorded, and it is left alone
                 dev/other      skip  2                                            not selected: no tag deploy-hooks:schedule and no rule
                 dev/shop-prod  skip  2                                            dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production
    2 of 4 services ours, 1 asleep: 1 to wake, 2 to be looked at.
    1 DAEMON service not looked at: ECS takes no count for them.
    "#);
}

#[test]
fn a_call_that_fails_fails_the_command_and_nothing_else() {
    let world = world("failing");
    world.with(|state| state.refused.push("RegisterScalableTarget"));
    let down = world.env(&["down", "dev/*", "--for", "2h", "--yes"]);
    assert_eq!(code(&down), 1);
    assert!(
        out(&down).contains("Failed for 1 service (dev/web): "),
        "{}",
        out(&down)
    );
    assert!(
        err(&down).ends_with("1 of 2 services did not succeed\n"),
        "{}",
        err(&down)
    );
    assert_eq!(world.ecs(|ecs| ecs.get("dev/db-main").desired), 0);
}

#[test]
fn nothing_that_is_not_ours_can_be_asked_for() {
    let world = world("not-ours");
    let told = |args: &[&str]| {
        let output = world.env(args);
        assert_eq!(code(&output), 2, "{}", out(&output));
        err(&output)
    };
    assert_snapshot!(told(&["down", "dev/shop-prod", "--yes"]), @r#""dev/shop-prod" matches nothing that may be touched: dev/shop-prod: dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production"#);
    assert_snapshot!(told(&["down", "dev/wep", "--yes"]), @r#"there is no service "dev/wep"; did you mean "dev/web"?"#);
    assert_snapshot!(told(&["down", "test/always", "--yes"]), @"the schedule of test/always never changes (tag deploy-hooks:schedule: always-on); say how long, with --for or --until");
    assert_snapshot!(told(&["explain", "agent"]), @"dev/agent is a DAEMON service: ECS takes no count for it, so it never sleeps");
    assert_snapshot!(told(&["explain", "nothing-like-it"]), @r#"there is no service "nothing-like-it"; there are "dev/db-main", "dev/other", "dev/shop-prod", "dev/web", "test/always", "test/api""#);
    assert_eq!(world.ecs(|ecs| ecs.changes.len()), 0);
}

#[test]
fn a_snooze_changes_only_the_state_table() {
    let world = world("snooze");
    let dry = world.env(&["snooze", "dev/web", "--for", "2h", "--dry-run"]);
    assert_eq!(code(&dry), 0, "{}", err(&dry));
    assert!(
        world
            .with(|state| state.tables.sort_keys("environments"))
            .is_empty()
    );
    let told = world.env(&["snooze", "dev/web", "--for", "2h", "--by", "the lead"]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert!(
        out(&told).starts_with("The sleep of dev/web is put off until "),
        "{}",
        out(&told)
    );
    assert!(
        out(&told).contains("\n  dev/web: snoozed until "),
        "{}",
        out(&told)
    );
    assert_eq!(
        world.with(|state| state.tables.sort_keys("environments").len()),
        1
    );
    assert!(world.with(|state| state.tables.dump()).contains("the lead"));
    let typo = world.env(&["snooze", "dev/wep", "--for", "2h"]);
    assert_eq!(code(&typo), 2, "{}", out(&typo));

    // Without a configuration the table is enough.
    let mut plain = world.command(&["snooze", "dev/web", "--until", "2h"]);
    assert_eq!(
        code(&plain.args(["--table", "state"]).output().unwrap()),
        2,
        "2h is no time of the day"
    );
    let mut plain = world.command(&["snooze", "anything", "--for", "2h"]);
    world.with(|state| state.calls.clear());
    let told = plain.args(["--table", "state"]).output().unwrap();
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_eq!(world.with(|state| state.calls.clone()), ["PutItem"]);
}

#[test]
fn what_stays_down_all_the_same_is_named() {
    let world = world("stays-down");
    world.ecs(|ecs| {
        let down = Svc::new(3).tagged("deploy-hooks:force-down-until", "2999-01-01T00:00:00Z");
        ecs.add("dev/web", down.tagged("deploy-hooks:schedule", "office"));
        ecs.add("dev/zero", Svc::new(0));
        ecs.add("dev/zero-too", Svc::new(0));
    });
    let dry = world.env(&["up", "dev/web", "dev/z*", "--for", "1h"]);
    assert_eq!(code(&dry), 0, "{}", err(&dry));
    assert_snapshot!(err(&dry), @"
    Stays down: dev/web (forced down until Tue 2999-01-01 01:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).
    Stays down: dev/zero and 1 more (it is at zero, and deploy-hooks did not stop it; set its count by hand).
    ");
    let up = world.env(&["up", "dev/z*", "--for", "1h", "--yes"]);
    assert_snapshot!(err(&up), @"Stays down: dev/zero and 1 more (it is at zero, and deploy-hooks did not stop it; set its count by hand).");
    let told = world.env(&["snooze", "dev/web", "--for", "1h"]);
    let told = out(&told);
    assert_snapshot!(told.lines().last().unwrap(), @"Stays down: dev/web (forced down until Tue 2999-01-01 01:00 by its tag deploy-hooks:force-down-until; remove the tag to wake it).");
}

#[test]
fn without_a_time_it_holds_until_the_next_edge() {
    let world = world("edges");
    let requests = |args: &[&str]| {
        // A Tuesday far ahead: the clock is never behind the real one.
        let more = ["--at", "2040-01-10T12:00:00Z", "--dry-run", "--json"];
        let told = world.env(&[args, &more].concat());
        assert_eq!(code(&told), 0, "{}", err(&told));
        let value: Value = serde_json::from_slice(&told.stdout).unwrap();
        let one = |request: &Value| format!("{} {}", request["services"], request["until"]);
        let all = value["requests"].as_array().unwrap();
        all.iter().map(one).collect::<Vec<_>>().join("\n")
    };
    let same = requests(&["down", "dev/*"]);
    assert_eq!(same, r#""dev/*" "2040-01-10T21:00:00Z""#);
    assert_snapshot!(requests(&["down", "dev/*", "test/api"]), @r#"
    "test/api" "2040-01-10T14:00:00Z"
    "dev/db-main" "2040-01-10T21:00:00Z"
    "dev/web" "2040-01-10T21:00:00Z"
    "#);
    assert_eq!(requests(&["up", "dev/*"]), "", "they are on");
    // What it replaces does not count: not until Friday, which is when the `down` would have ended.
    let friday = "2040-01-13T12:00:00Z";
    let asked = json!({
        "id": "1", "ask": "force-down", "services": "dev/web", "until": friday, "by": "lead", "at": NIGHT,
    });
    let item = json!({
        "pk": {"S": "environments"}, "sk": {"S": "request#1"}, "version": {"N": "1"},
        "body": {"S": asked.to_string()}, "expires_at": {"N": "4000000000"},
    });
    let call = json!({"TableName": "state", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"});
    world
        .with(|state| state.tables.serve("PutItem", &call))
        .unwrap();
    assert_eq!(
        requests(&["up", "dev/web"]),
        r#""dev/web" "2040-01-10T21:00:00Z""#
    );
}

#[test]
fn who_is_not_logged_in_is_told_so() {
    let world = world("nobody");
    let mut command = world.command(&["plan", "--table", "state", "--config"]);
    command.arg("../../examples/environments.yaml");
    for secret in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "HOME",
    ] {
        command.env_remove(secret);
    }
    let told = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    assert_eq!(code(&told), 2);
    assert_snapshot!(err(&told), @"no AWS credentials were found; set AWS_PROFILE (after `aws configure` or `aws sso login`), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}
