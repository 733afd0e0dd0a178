//! Clocks that were wrong, tags that came from elsewhere, and answers that are old: each of them ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use environments::backup_tag::ASLEEP_TAG;
use environments::decide::{Decision, PlanContext, Step, decide};
use environments::resource::{Capacity, Resource};
use environments::schedule_state::ScheduleState;
use environments::sleep_record::{Holder, LEASE, Phase, SavedState, SleepRecord};
use jiff::{SignedDuration, Timestamp};
use schedule::{Calendar, Overrides, Schedule};
use support::ecs::arn;
use support::{CONFIG, CallFault, Fixture, Svc, block_on, config};

const NIGHT: &str = "2026-11-23T22:00:00Z";
const LATER: &str = "2026-11-24T01:00:00Z";
const MORNING: &str = "2026-11-24T09:00:00Z";
const WAS: Capacity = Capacity {
    desired: 3,
    scaling: None,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn record(phase: Phase, since: Timestamp) -> SleepRecord {
    SleepRecord {
        arn: arn("dev/web"),
        born: None,
        phase,
        was: Some(SavedState {
            level: WAS,
            task_definition: None,
            size: None,
            at: since,
        }),
        set: Some(Resource::default().asleep(WAS)),
        since,
        why: String::new(),
        rule: String::new(),
        conflict: None,
        slept_since: None,
        ran_on: None,
        short_since: None,
        giving: None,
        refused: None,
        holder: None,
    }
}

fn judge(record: &SleepRecord, desired: u32, now: &str) -> Decision {
    let resource = Resource {
        arn: arn("dev/web"),
        cluster: "dev".into(),
        name: "web".into(),
        desired,
        ..Resource::default()
    };
    let office = Schedule::parse("Mon-Fri 09:00-22:00", Some("UTC")).unwrap();
    let scheduled = ScheduleState::of(&office, &Calendar::none(), &Overrides::default(), at(now));
    let ctx = PlanContext {
        now: at(now),
        run: "this",
        defer_deadline: SignedDuration::from_hours(1),
    };
    decide(&resource, Some(record), &scheduled, &ctx)
}

#[test]
fn who_sleeps_since_tomorrow_is_not_settling_until_then() {
    let settling = "it was changed a moment ago; the next run looks again";
    let far = at(LATER) + SignedDuration::from_hours(24);
    let judged = judge(&record(Phase::Down, far), 2, LATER);
    assert!(matches!(judged.step, Step::Leave { .. }), "{judged:?}");
    // Clocks that are a little apart are no news.
    let near = at(LATER) + SignedDuration::from_secs(5);
    assert_eq!(judge(&record(Phase::Down, near), 2, LATER).why, settling);
}

#[test]
fn nobody_holds_a_service_for_longer_than_a_lease() {
    for (until, is_held) in [
        (LEASE, true),
        (LEASE + SignedDuration::from_secs(5), true),
        (SignedDuration::from_hours(3), false),
        (SignedDuration::from_secs(0), false),
    ] {
        let mut record = record(Phase::Down, at(NIGHT));
        record.holder = Some(Holder {
            run: "other".into(),
            until: at(MORNING) + until,
        });
        let judged = judge(&record, 0, MORNING);
        let busy = matches!(judged.step, Step::Busy { .. });
        assert_eq!((busy, judged.step.is_up()), (is_held, !is_held), "{until}");
    }
}

#[test]
fn what_is_left_by_a_wrong_clock_is_left_until_the_next_edge_and_no_longer() {
    for ours in [true, false] {
        let mut left = record(Phase::Left, at(LATER) + SignedDuration::from_hours(9000));
        if !ours {
            (left.was, left.set) = (None, None);
        }
        let judged = judge(&left, 3, LATER);
        assert!(matches!(judged.step, Step::Leave { .. }), "{judged:?}");
        // So it is dated anew.
        left.since = at(LATER);
        let judged = judge(&left, 3, "2026-11-24T03:00:00Z");
        assert_eq!(judged.step, Step::Nothing);
        let judged = judge(&left, 3, "2026-11-24T22:00:00Z");
        assert!(judged.step.is_down(), "{judged:?}");
    }
}

#[test]
fn a_tag_that_can_not_be_about_this_service_starts_nothing_and_is_told() {
    for (value, doubt) in [
        // The fake's services were made in September.
        (
            "desired=50 at=2026-09-01T22:00:00Z",
            "is from before the service was made",
        ),
        ("desired=50 at=2026-12-24T22:00:00Z", "is from the future"),
    ] {
        block_on(async {
            let office = Fixture::new();
            office
                .world
                .ecs(|ecs| ecs.add("dev/web", Svc::new(0).tagged(ASLEEP_TAG, value)));
            let ran = office.run("day").await;
            assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 0);
            let row = &ran.plan.rows[0];
            assert!(row.attention);
            assert!(row.why.contains(doubt), "{}", row.why);
        });
    }
}

#[test]
fn who_sleeps_in_a_cluster_that_is_left_out_by_now_is_told() {
    block_on(async {
        let mut office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(3));
            ecs.add("old/web", Svc::new(2));
            ecs.add("old/broken", Svc::plain(2));
            ecs.add("old/other", Svc::plain(2));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("old/web").desired), 0);
        office.config = config(&format!("{CONFIG}clusters: [dev]\n"));
        office
            .world
            .ecs(|ecs| ecs.odd.push("old/broken".to_owned()));
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        assert!(
            ran.gathered.problems.is_empty(),
            "{:?}",
            ran.gathered.problems
        );
        let rows: Vec<_> = ran
            .plan
            .rows
            .iter()
            .map(|row| (row.resource.place(), row.attention, row.why.as_str()))
            .collect();
        assert_eq!(rows.len(), 2, "{rows:?}");
        let old = rows.iter().find(|row| row.0 == "old/web").unwrap();
        assert!(old.1);
        insta::assert_snapshot!(old.2, @"cluster old is not among the clusters of the configuration; it sleeps and is left asleep: select it again, or set its count by hand and remove the tag deploy-hooks:asleep");
        assert_eq!(office.world.ecs(|ecs| ecs.get("old/web").desired), 0);
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 3);
    });
}

#[test]
fn a_tier_that_still_looks_asleep_is_waited_for() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/db-main", Svc::new(1));
            ecs.add("dev/web", Svc::new(2));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        let asleep = office.world.ecs(|ecs| ecs.services.clone());
        office.until(MORNING).await;
        let until = at("2026-11-24T09:00:45Z");
        office.world.ecs(|ecs| ecs.stale = Some((asleep, until)));
        office.run("morning").await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 2);
        let now = office.world.now();
        assert!(now >= until, "the front end was woken at {now}");
    });
}

/// A run that takes forgotten tags away is frozen before it looks at the record, or before it makes the
/// call, while another one puts everything to sleep.
#[test]
fn the_tag_of_a_new_sleep_is_not_taken_for_a_forgotten_one() {
    for frozen_at in [("GetItem", 3), ("UntagResource", 1)] {
        block_on(async {
            let office = Fixture::new();
            office.world.ecs(|ecs| {
                ecs.add("dev/web", Svc::new(3));
                ecs.add("dev/zoo", Svc::new(1));
            });
            office.until(NIGHT).await;
            office.run("night").await;
            office.until(MORNING).await;
            office.world.fates(|_, called| {
                (called == "UntagResource").then_some(CallFault::Fail(400, "AccessDeniedException"))
            });
            office.run("morning").await;
            office.until("2026-11-24T21:59:50Z").await;
            let mut times = 0;
            office.world.fates(move |_, called| {
                times += usize::from(called == frozen_at.0);
                (called == frozen_at.0 && times == frozen_at.1).then_some(CallFault::Freeze(100))
            });
            let other = async {
                office.until("2026-11-24T22:00:20Z").await;
                office.run("other").await;
            };
            tokio::join!(office.run("slow"), other);
            office.world.no_fates();
            assert!(
                office.world.now() > at("2026-11-24T22:01:00Z"),
                "it was frozen"
            );
            office.until("2026-11-24T22:05:00Z").await;
            office.run("tick").await;
            for place in ["dev/web", "dev/zoo"] {
                let resource = office.world.ecs(|ecs| ecs.get(place).clone());
                assert_eq!(resource.desired, 0);
                assert!(
                    resource.tags.contains_key(ASLEEP_TAG),
                    "{place} says what it had"
                );
            }
        });
    }
}
