//! What must hold of each decision, whatever a service, its tags and its record say.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use environments::backup_tag::{ASLEEP_TAG, BackupTag};
use environments::condition::Condition;
use environments::decide::{PlanContext, Step, decide};
use environments::missed_actions::{MissedAction, missed, would_be};
use environments::resource::{
    Capacity, Kind, Resource, Scaling, ScalingSuspension, ScheduledAction,
};
use environments::schedule_state::ScheduleState;
use environments::sleep_record::{
    MAX_RECOVERED_TASKS, Phase, RefusedStop, SavedState, SleepRecord,
};
use environments::write::Refusal;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use schedule::{Calendar, Overrides, Schedule};

const NOON: &str = "2026-11-24T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn scaling(most: u32) -> impl Strategy<Value = Scaling> {
    (0..most, 0..most, any::<[bool; 3]>()).prop_map(
        |(a, b, [dynamic_in, dynamic_out, scheduled])| Scaling {
            min: a.min(b),
            max: a.max(b),
            suspended: ScalingSuspension {
                dynamic_in,
                dynamic_out,
                scheduled,
            },
        },
    )
}

fn level(most: u32) -> impl Strategy<Value = Capacity> {
    let scaling = prop::option::of(scaling(most));
    (0..most, scaling).prop_map(|(desired, scaling)| Capacity { desired, scaling })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::EcsService), Just(Kind::AutoScalingGroup)]
}

fn resource(kind: Kind, level: Capacity) -> Resource {
    Resource {
        kind,
        arn: "arn:aws:ecs:eu-central-1:111122223333:service/dev/web".into(),
        cluster: "dev".into(),
        name: "web".into(),
        desired: level.desired,
        running: level.desired,
        scaling: level.scaling,
        ..Resource::default()
    }
}

fn judge(resource: &Resource, record: Option<&SleepRecord>, window: &str, now: Timestamp) -> Step {
    let schedule = Schedule::parse(window, Some("UTC")).unwrap();
    let scheduled = ScheduleState::of(&schedule, &Calendar::none(), &Overrides::default(), now);
    let defer_deadline = SignedDuration::from_hours(1);
    let ctx = PlanContext {
        now,
        run: "this",
        defer_deadline,
    };
    decide(resource, record, &scheduled, &ctx).step
}

proptest! {
    /// Who may only tag a service gets no more of it than its scalable target allows.
    #[test]
    fn a_tag_alone_gives_no_more_than_something_vouches_for(
        kind in kind(),
        found in level(40),
        tag in level(9_000),
    ) {
        let mut resource = resource(kind, found);
        let at = at("2026-11-23T22:00:00Z");
        resource.tags.insert(ASLEEP_TAG.into(), BackupTag { level: tag, at }.value());
        let most = found.scaling.map_or(0, |bounds| bounds.max).max(found.desired).max(MAX_RECOVERED_TASKS);
        let step = judge(&resource, None, "always", NOON.parse().unwrap());
        if let Step::Wake { was } | Step::FinishWake { was } = step {
            prop_assert!(was.desired <= most, "{was} of {found}");
            prop_assert!(was.scaling.is_none_or(|bounds| bounds.max <= most && bounds.min <= bounds.max));
        }
    }

    /// What AWS has refused for good is asked again after an edge, and not before; nothing of it is restored.
    #[test]
    fn a_refusal_for_good_is_asked_again_after_an_edge(
        kind in kind(),
        had in level(9).prop_filter("it runs", |level| level.desired > 0),
        minutes in 0_i64..600,
        tries in 1_u32..4,
        permanent: bool,
    ) {
        let resource = resource(kind, had);
        let since = at("2026-11-23T22:01:00Z");
        let refusal = if permanent { Refusal::Permanent } else { Refusal::State };
        let refused = RefusedStop { what: "StopDBCluster".into(), detail: "no".into(), refusal, tries };
        let record = SleepRecord {
            phase: Phase::Left,
            was: Some(SavedState::of(&resource, had, since)),
            refused: Some(refused.clone()),
            ..SleepRecord::new(&resource, since)
        };
        let office = "Mon-Fri 09:00-22:00";
        let now = since + SignedDuration::from_mins(minutes);
        let step = judge(&resource, Some(&record), office, now);
        prop_assert_eq!(step.is_down(), !refused.is_final(), "{:?}", step);
        let day = judge(&resource, Some(&record), office, at(NOON));
        prop_assert_eq!(day, Step::Nothing);
        let next = judge(&resource, Some(&record), office, at("2026-11-24T22:01:00Z"));
        prop_assert!(next.is_down(), "{:?}", next);
    }

    /// What would be is a level that Application Auto Scaling knows.
    #[test]
    fn what_would_be_lies_within_its_bounds(
        was in level(30),
        bounds in prop::collection::vec((prop::option::of(0_u32..30), prop::option::of(0_u32..30)), 0..5),
    ) {
        let all: Vec<MissedAction> = bounds.iter().map(|(min, max)| MissedAction {
            name: "one".into(),
            at: at(NOON),
            min: *min,
            max: *max,
        }).collect();
        let level = would_be(was, &all);
        prop_assert_eq!(level.scaling.is_some(), was.scaling.is_some());
        if let (Some(bounds), Some(had), false) = (level.scaling, was.scaling, all.is_empty()) {
            prop_assert!(bounds.min <= bounds.max && bounds.allows(level.desired), "{}", level);
            prop_assert_eq!(bounds.suspended, had.suspended);
        }
        prop_assert_eq!(would_be(was, &[]), was);
    }

    /// However an action is written, nothing is missed outside of the sleep, and reading it ends.
    #[test]
    fn what_is_missed_was_due_in_the_sleep(
        fields in "[0-9*?/LW#,-]{1,6} [0-9*?/,-]{1,5} [0-9*?LW/,-]{1,5} [0-9*?/,-]{1,5} [0-9*?LW#/,-]{1,5} [0-9*?/,-]{1,6}",
        hours in 0_i64..20_000,
    ) {
        let action = ScheduledAction {
            name: "one".into(),
            schedule: format!("cron({fields})"),
            min: Some(1),
            ..ScheduledAction::default()
        };
        let (from, until) = (at(NOON) - SignedDuration::from_hours(hours), at(NOON));
        let (missed, unknown) = missed(&[action], from, until);
        prop_assert!(missed.len() + unknown.len() <= 1);
        prop_assert!(missed.iter().all(|one| one.at > from && one.at <= until));
    }

    /// Nothing costs that isn't there, and nobody lacks what runs.
    #[test]
    fn a_condition_is_about_what_runs(
        had in level(9),
        desired in 0_u32..9,
        running in 0_u32..9,
        aside in 0_u32..3,
        minutes in 0_i64..2_000,
        down: bool,
    ) {
        let mut resource = resource(Kind::AutoScalingGroup, had);
        let since = at("2026-11-23T22:00:00Z");
        let record = SleepRecord {
            phase: if down { Phase::Down } else { Phase::Up },
            set: down.then(|| resource.asleep(had)),
            was: Some(SavedState::of(&resource, had, since)),
            ..SleepRecord::new(&resource, since)
        };
        (resource.desired, resource.running, resource.not_in_service) = (desired, running, aside);
        let now = since + SignedDuration::from_mins(minutes);
        match Condition::of(&resource, Some(&record), now) {
            Some(Condition::StillRuns { .. }) => prop_assert!(down && desired == 0 && running + aside > 0),
            Some(Condition::NotUp { .. }) => prop_assert!(!down && running < desired.min(had.desired)),
            Some(other) => prop_assert!(false, "{:?}", other),
            None => {}
        }
    }
}

/// However long the configuration lets deployments put off a sleep.
#[test]
fn a_deployment_of_twenty_hours_defers_no_sleep() {
    let schedule = Schedule::parse("Mon-Fri 09:00-22:00", Some("UTC")).unwrap();
    let now = at("2026-11-23T23:00:00Z");
    let none = Overrides::default();
    let scheduled = ScheduleState::of(&schedule, &Calendar::none(), &none, now);
    let step = |hours: i64| {
        let resource = Resource {
            deploying_since: Some(now - SignedDuration::from_hours(hours)),
            ..resource(Kind::EcsService, level_of(2))
        };
        let ctx = PlanContext {
            now,
            run: "this",
            defer_deadline: SignedDuration::from_hours(24),
        };
        decide(&resource, None, &scheduled, &ctx).step
    };
    let until = at("2026-11-24T00:00:00Z");
    assert_eq!(step(19), Step::Defer { until });
    for hours in [20, 21, 30] {
        assert!(step(hours).is_down(), "{hours}");
    }
}

fn level_of(desired: u32) -> Capacity {
    Capacity {
        desired,
        scaling: None,
    }
}
