//! What people are answered in Slack.

use schedule::State;

use super::*;
use environments::decide::Step;
use environments::sleep_record::Phase;

fn row(place: &str, asleep: bool) -> PlanRow {
    let (cluster, name) = place.split_once('/').unwrap();
    PlanRow {
        resource: Resource {
            cluster: cluster.into(),
            name: name.into(),
            desired: u32::from(!asleep),
            ..Resource::default()
        },
        phase: asleep.then_some(Phase::Down),
        since: None,
        desired_state: Some(if asleep { State::Off } else { State::On }),
        step: Step::Nothing,
        why: String::new(),
        want_rule: None,
        source: None,
        remarks: Vec::new(),
        next_edge: Some("2026-11-20T21:00:00Z".parse().unwrap()),
        tier: String::new(),
        tier_number: 0,
        order: None,
        about_when: None,
        condition: None,
        gives: None,
        notes: Vec::new(),
        noted_short: false,
        awaited_since: None,
        is_override_unclear: false,
        left_asleep: false,
        attention: place == "dev/b",
        stuck: false,
    }
}

#[test]
fn a_status_is_told_cluster_by_cluster() {
    let rows = [
        row("dev/a", false),
        row("dev/b", false),
        row("test/a", true),
    ];
    let rows: Vec<&PlanRow> = rows.iter().collect();
    let zone = Zone::of(Some("Europe/Berlin"));
    let reply = status(&rows, Texts::of(contacts::Language::English), &zone);
    insta::assert_snapshot!(reply, @"
    2 awake, 1 asleep
    dev: 2 awake, 0 asleep; sleeps Fri 20 Nov 22:00
    test: 0 awake, 1 asleep; wakes Fri 20 Nov 22:00
    1 to look at: `deploy-hooks env status`
    ");
}

#[test]
fn many_clusters_are_a_number() {
    let rows: Vec<PlanRow> = (0..50).map(|n| row(&format!("c{n:02}/a"), true)).collect();
    let rows: Vec<&PlanRow> = rows.iter().collect();
    let english = Texts::of(contacts::Language::English);
    let reply = status(&rows, english, &Zone::of(None));
    assert!(reply.ends_with("\nand 20 more"), "{reply}");
    assert!(reply.len() < 3_000, "{}", reply.len());
}

#[test]
fn a_name_alone_is_a_cluster_or_a_service() {
    let service = |place: &str| row(place, false).resource;
    assert!(fits("dev", &service("dev/web")));
    assert!(fits("web", &service("dev/web")));
    assert!(fits("dev/w*", &service("dev/web")));
    for other in ["de", "dev-", "eb", "test/*", "dev/we"] {
        assert!(!fits(other, &service("dev/web")), "{other}");
    }
    let only = |name: &str| -> Vec<Option<String>> {
        let events = ticks(name, "asked for");
        events.into_iter().map(|event| event.only).collect()
    };
    assert_eq!(only("dev"), [Some("dev/*".into()), Some("dev".into())]);
    assert_eq!(only("dev/web"), [Some("dev/web".into())]);
}

#[test]
fn what_people_write_does_nothing_in_slack() {
    let reply = message("<!channel> & <@U1>");
    assert_eq!(reply["text"], "&lt;!channel&gt; &amp; &lt;@U1&gt;");
    assert_eq!(reply["response_type"], "ephemeral");
}

#[test]
fn what_does_not_run_is_not_awake() {
    let zero = PlanRow {
        phase: None,
        ..row("dev/zero", true)
    };
    let short = PlanRow {
        condition: Some(Condition::NotUp {
            kind: environments::resource::Kind::EcsService,
            wanted: 3,
            running: 0,
            in_units: false,
            since: jiff::Timestamp::UNIX_EPOCH,
        }),
        ..row("dev/short", false)
    };
    let by_hand = PlanRow {
        phase: Some(Phase::Down),
        ..row("dev/by-hand", false)
    };
    let rows = [zero, short, by_hand, row("dev/asleep", true)];
    let rows: Vec<&PlanRow> = rows.iter().collect();
    assert_eq!(counts(&rows), ("1".to_owned(), "1".to_owned()));
}
