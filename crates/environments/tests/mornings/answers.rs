//! What AWS and the state table answer late, as it was before, or not at all, and the morning behind that.

use super::*;

/// AWS may answer for a while what was before, in each part on its own.
#[test]
fn an_answer_from_before_is_never_saved() {
    type Old = fn(&Svc, &Svc) -> Svc;
    let olds: [Old; 4] = [
        |asleep, _| asleep.clone(),
        |asleep, evening| Svc {
            desired: evening.desired,
            ..asleep.clone()
        },
        |asleep, evening| Svc {
            target: evening.target,
            ..asleep.clone()
        },
        |_, evening| Svc {
            desired: 2,
            ..evening.clone()
        },
    ];
    for (old, seconds) in olds
        .into_iter()
        .flat_map(|old| [2, 20, 50].map(|at| (old, at)))
    {
        block_on(async {
            let evening = Svc::new(3).scaled(2, 6, [false, true, false]);
            let office = asleep(&evening).await;
            let before = old(&web(&office), &evening);
            office.until(MORNING).await;
            office.run("morning").await;
            assert_eq!(web(&office), evening);
            let until = "2026-11-24T09:00:59Z".parse().unwrap();
            office
                .world
                .ecs(|ecs| ecs.stale = Some(([("dev/web".to_owned(), before)].into(), until)));
            office
                .until(&format!("2026-11-24T09:00:{seconds:02}Z"))
                .await;
            office.ask("down", RequestKind::ForceDown, "dev/web").await;
            office.run("down").await;
            for at in ["2026-11-24T09:05:00Z", "2026-11-24T09:10:00Z"] {
                office.until(at).await;
                office.run(at).await;
            }
            assert_eq!(web(&office).desired, 0, "it was asked to be down");
            for at in ["2026-11-24T10:05:00Z", "2026-11-24T10:10:00Z"] {
                office.until(at).await;
                office.run(at).await;
            }
            assert_eq!(web(&office), evening, "{seconds} s");
        });
    }
}

#[test]
fn an_answer_from_before_is_no_conflict() {
    for seconds in [2, 20, 50] {
        block_on(async {
            let evening = Svc::new(3).scaled(2, 6, NOT);
            let office = Fixture::new();
            office.world.ecs(|ecs| ecs.add("dev/web", evening.clone()));
            office.until(NIGHT).await;
            office.run("night").await;
            let until = "2026-11-23T22:00:59Z".parse().unwrap();
            let old = [("dev/web".to_owned(), evening.clone())];
            office
                .world
                .ecs(|ecs| ecs.stale = Some((old.into(), until)));
            office
                .until(&format!("2026-11-23T22:00:{seconds:02}Z"))
                .await;
            office.run("duplicate").await;
            assert_eq!(phase(&office), "down");
            office.until(LATER).await;
            morning(&office).await;
            assert_eq!(web(&office), evening);
            assert_eq!(phase(&office), "up");
        });
    }
}

#[test]
fn a_table_that_is_put_back_from_a_backup_does_not_lose_a_night() {
    block_on(async {
        let evening = Svc::new(3).scaled(2, 6, NOT);
        let office = asleep(&evening).await;
        morning(&office).await;
        let backup = office.world.with(|state| state.tables.items().clone());
        // By day it gets another count, and sleeps with that.
        at_night(&office, |web| web.set(4));
        office.until("2026-11-24T22:00:00Z").await;
        office.run("second night").await;
        office.world.with(|state| *state.tables.items() = backup);
        office.until("2026-11-25T01:00:00Z").await;
        office.run("tick").await;
        office.until("2026-11-25T09:00:00Z").await;
        office.run("second morning").await;
        assert_eq!(web(&office).desired, 4);
        assert_eq!(web(&office).target, evening.target);
    });
}

#[test]
fn one_service_that_cannot_be_read_does_not_keep_the_others_up() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            for n in 0..7 {
                ecs.add(&format!("dev/web-{n}"), Svc::new(2));
            }
            ecs.odd.push("dev/web-3".into());
        });
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        let up = office.world.ecs(|ecs| {
            let up = ecs.services.iter().filter(|(_, one)| one.desired > 0);
            up.map(|(place, _)| place.clone()).collect::<Vec<_>>()
        });
        assert_eq!(up, ["dev/web-3"]);
        insta::assert_snapshot!(report_of(&ran), @"
        Stopped 6 services, woke 0 services.
        Not read: cluster dev: DescribeServices of arn:aws:ecs:eu-central-1:111122223333:service/dev/web-3 failed: UNKNOWN
        ");
    });
}

/// Application Auto Scaling reads the count when bounds are set, and sets one of them a while later.
#[test]
fn a_pull_into_the_bounds_that_comes_late_does_not_replace_the_count() {
    // Inside of the bounds, below and above them.
    for desired in [3, 2, 6, 1, 8] {
        block_on(async {
            let evening = Svc::new(desired).scaled(2, 6, NOT);
            let office = Fixture::new();
            office.world.ecs(|ecs| {
                ecs.add("dev/web", evening.clone());
                ecs.late = Some(Vec::new());
            });
            office.until(NIGHT).await;
            office.run("night").await;
            office.world.ecs(|ecs| {
                ecs.pulled();
                ecs.late = Some(Vec::new());
            });
            assert_eq!(web(&office).desired, 0, "of {desired}, at night");
            office.until(MORNING).await;
            office.run("morning").await;
            office.world.ecs(ecs::Ecs::pulled);
            // A count outside of the bounds is not safe from them, with us or without.
            let expected = desired.clamp(2, 6);
            assert_eq!(web(&office).desired, expected, "of {desired}");
            assert_eq!(web(&office).target, evening.target);
        });
    }
}

/// Somebody's request that nothing can read: perhaps it asks for more time, perhaps for all of them.
fn broken_request(office: &Fixture) {
    office.world.with(|state| {
        let items = state.tables.items();
        let (table, _, _) = items.keys().next().unwrap().clone();
        let key = (table, "environments".into(), "request#broken".into());
        let item = serde_json::json!({
            "pk": {"S": "environments"}, "sk": {"S": "request#broken"},
            "version": {"N": "1"}, "body": {"S": "{}"},
        });
        items.insert(key, item.as_object().unwrap().clone());
    });
}

#[test]
fn a_request_that_nothing_can_read_stops_no_morning_and_starts_no_night() {
    block_on(async {
        let office = asleep(&Svc::new(2)).await;
        broken_request(&office);
        let woken = morning(&office).await;
        assert_eq!(web(&office).desired, 2);
        assert!(
            report_of(&woken).contains("request#broken"),
            "{}",
            report_of(&woken)
        );
        office.until("2026-11-24T22:00:00Z").await;
        let evening = office.run("evening").await;
        assert_eq!(
            web(&office).desired,
            2,
            "somebody may have asked for more time"
        );
        let report_of = report_of(&evening);
        assert!(
            report_of.contains("nothing is put to sleep until that item is deleted"),
            "{report_of}"
        );
        // What was asked for in a way that can be read, and in so many words, counts.
        office.ask("down", RequestKind::ForceDown, "dev/web").await;
        office.run("forced").await;
        assert_eq!(web(&office).desired, 0);
    });
}
