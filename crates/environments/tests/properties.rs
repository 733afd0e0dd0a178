//! Any sequence of ticks, crashes between two calls, lost answers, frozen runs, duplicates and runs that
//! come in between each other, with people, stacks and policies changing things meanwhile: what was there
//! is restored or a conflict is recorded; nothing else is touched; no count is lost; nothing is started
//! that did not run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use environments::backup_tag::ASLEEP_TAG;
use environments::schedule_overrides::RequestKind;
use proptest::prelude::*;
use serde_json::Value;
use support::ecs::{Target, arn};
use support::{CallFault, Fixture, Svc, block_on, dice};

const PLACES: [&str; 5] = [
    "dev/db-main",
    "dev/idle",
    "dev/plain",
    "dev/shop-prod",
    "dev/web",
];
const SCHEDULE: &str = "deploy-hooks:schedule";
const SELECTED: [&str; 3] = ["dev/db-main", "dev/idle", "dev/web"];

#[derive(Debug, Clone)]
enum Act {
    /// One run of the function; something may happen to one of its calls.
    Tick(Option<(usize, CallFault)>),
    /// Two at once, their calls mixed by the dice; each may meet something.
    Two(u64, Option<(usize, CallFault)>, Option<(usize, CallFault)>),
    /// A run that is frozen at this call for so long; meanwhile somebody asks for the opposite, and another
    /// run does it.
    Overtaken(usize, u64, RequestKind, usize),
    /// Somebody asks for something, for an hour.
    Ask(RequestKind, usize),
    /// So many minutes.
    Wait(u64),
    /// Somebody changes a service.
    Person(usize, Hand),
}

#[derive(Debug, Clone)]
enum Hand {
    Count(u32),
    Bounds(u32, u32, [bool; 3]),
    /// The scalable target is deregistered.
    Unscale,
    /// A deployment of a new task definition, which leaves the count as it is.
    Redeploy,
    /// Somebody's tool removes tags that it doesn't know.
    Untag,
    /// It opts out, or in again.
    Select(bool),
}

fn fate() -> impl Strategy<Value = (usize, CallFault)> {
    let fate = prop_oneof![
        4 => Just(CallFault::DieBefore),
        4 => Just(CallFault::DieAfter),
        2 => Just(CallFault::Lose),
        1 => Just(CallFault::Fail(500, "ServerException")),
        1 => Just(CallFault::Fail(400, "ThrottlingException")),
        1 => Just(CallFault::Fail(400, "AccessDeniedException")),
        1 => Just(CallFault::Fail(400, "ClientException")),
        1 => Just(CallFault::Fail(400, "ResourceInUse")),
        1 => (1_u64..400).prop_map(CallFault::Freeze),
    ];
    (0_usize..60, fate)
}

fn hand() -> impl Strategy<Value = Hand> {
    prop_oneof![
        4 => (0_u32..7).prop_map(Hand::Count),
        2 => (0_u32..4, 0_u32..5, any::<[bool; 3]>()).prop_map(|(min, more, suspended)| Hand::Bounds(min, min + more, suspended)),
        1 => Just(Hand::Unscale),
        2 => Just(Hand::Redeploy),
        1 => Just(Hand::Untag),
        1 => any::<bool>().prop_map(Hand::Select),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => prop::option::weighted(0.6, fate()).prop_map(Act::Tick),
        2 => (any::<u64>(), prop::option::of(fate()), prop::option::of(fate())).prop_map(|(seed, a, b)| Act::Two(seed, a, b)),
        3 => prop_oneof![Just(1_u64), Just(5), Just(60), Just(240), Just(660)].prop_map(Act::Wait),
        1 => (prop_oneof![Just(RequestKind::Snooze), Just(RequestKind::ForceDown)], 0..PLACES.len()).prop_map(|(ask, place)| Act::Ask(ask, place)),
        2 => (0_usize..60, 4_u64..400, prop_oneof![Just(RequestKind::Snooze), Just(RequestKind::ForceDown)], 0..PLACES.len())
            .prop_map(|(call, seconds, ask, place)| Act::Overtaken(call, seconds, ask, place)),
        2 => (0..PLACES.len(), hand()).prop_map(|(place, hand)| Act::Person(place, hand)),
    ]
}

/// What a service begins with.
fn resource() -> impl Strategy<Value = Svc> {
    let scaled = prop::option::of((0_u32..3, 0_u32..4, any::<[bool; 3]>()));
    (0_u32..5, scaled).prop_map(|(desired, scaled)| match scaled {
        Some((min, more, suspended)) => {
            let max = (min + more).max(1);
            Svc::new(desired.clamp(min, max)).scaled(min, max, suspended)
        }
        None => Svc::new(desired),
    })
}

/// What people know: when they last changed which service.
#[derive(Default)]
struct Ledger {
    /// Services that somebody changed at a time at which they may have been asleep.
    touched: BTreeSet<&'static str>,
}

struct Story {
    office: Fixture,
    ledger: Ledger,
    runs: usize,
}

type Levels = BTreeMap<&'static str, (u32, Option<Target>)>;

impl Story {
    fn begin(services: &[Svc]) -> Self {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            for (place, resource) in PLACES.iter().zip(services) {
                ecs.add(place, resource.clone());
            }
            ecs.get("dev/plain").tags.clear();
            let idle = ecs.get("dev/idle");
            *idle = Svc {
                target: idle.target.map(|target| Target { min: 0, ..target }),
                ..Svc::new(0)
            };
        });
        Self {
            office,
            ledger: Ledger::default(),
            runs: 0,
        }
    }

    fn levels(&self) -> Levels {
        self.office.world.ecs(|ecs| {
            PLACES
                .iter()
                .map(|place| (*place, (ecs.get(place).desired, ecs.get(place).target)))
                .collect()
        })
    }

    fn record(&self, place: &str) -> Option<Value> {
        self.office
            .world
            .with(|state| state.tables.memories().get(&arn(place)).cloned())
    }

    fn run_id(&mut self) -> String {
        self.runs += 1;
        format!("run {}", self.runs)
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Tick(fate) => {
                let id = self.run_id();
                let mut fate = *fate;
                self.office
                    .world
                    .fates(move |n, _| fate.take_if(|(at, _)| *at == n).map(|(_, fate)| fate));
                let _ = self.office.world.live(self.office.run(&id)).await;
            }
            Act::Two(seed, one, two) => {
                let (a, b) = (self.run_id(), self.run_id());
                let mut order = dice(*seed);
                let mut fates = [*one, *two];
                self.office.world.fates(move |n, _| {
                    let hit = fates
                        .iter_mut()
                        .find(|fate| fate.is_some_and(|(at, _)| at * 2 <= n));
                    hit.and_then(Option::take).map(|(_, fate)| fate)
                });
                self.office
                    .world
                    .patience(move || usize::try_from(order(9)).unwrap());
                let world = &self.office.world;
                let _ = tokio::join!(
                    world.live(self.office.run(&a)),
                    world.live(self.office.run(&b))
                );
            }
            Act::Overtaken(call, seconds, ask, place) => {
                let (a, b) = (self.run_id(), self.run_id());
                let mut fate = Some(CallFault::Freeze(*seconds));
                let call = *call;
                self.office
                    .world
                    .fates(move |n, _| fate.take_if(|_| n == call));
                let office = &self.office;
                let other = async {
                    tokio::time::sleep(Duration::from_millis(seconds * 500)).await;
                    office.ask(&b, *ask, PLACES[*place]).await;
                    office.run(&b).await;
                };
                tokio::join!(office.run(&a), other);
            }
            Act::Ask(ask, place) => {
                let id = self.run_id();
                self.office.ask(&id, *ask, PLACES[*place]).await;
            }
            Act::Wait(minutes) => tokio::time::sleep(Duration::from_secs(minutes * 60)).await,
            Act::Person(index, hand) => self.person(PLACES[*index], hand),
        }
        self.office.world.no_fates();
        self.nothing_strange();
    }

    fn person(&mut self, place: &'static str, hand: &Hand) {
        let changed = self.office.world.ecs(|ecs| {
            let resource = ecs.get(place);
            let before = (resource.desired, resource.target);
            match hand {
                Hand::Count(count) => resource.set(*count),
                Hand::Bounds(min, max, suspended) => {
                    resource.register(Target {
                        min: *min,
                        max: (*max).max(1),
                        suspended: *suspended,
                    });
                }
                Hand::Unscale => resource.target = None,
                Hand::Redeploy => resource.task_definition.push('1'),
                Hand::Untag => drop(resource.tags.remove(ASLEEP_TAG)),
                Hand::Select(true) if SELECTED.contains(&place) => resource.select(),
                Hand::Select(_) => drop(resource.tags.remove(SCHEDULE)),
            }
            before != (resource.desired, resource.target)
        });
        if changed {
            self.ledger.touched.insert(place);
        }
    }

    /// What must hold at any time.
    fn nothing_strange(&self) {
        self.office.world.ecs(|ecs| {
            for change in &ecs.changes {
                assert!(
                    SELECTED.contains(&change.place.as_str()),
                    "not ours: {change:?}"
                );
                if let Some(count) = change.desired.filter(|count| *count > 0) {
                    let known = &ecs.services[&change.place].counts;
                    assert!(
                        known.contains(&count),
                        "it never had that: {change:?} {known:?}"
                    );
                }
            }
        });
    }

    /// Ticks without trouble until nothing moves any more.
    async fn settle(&mut self) {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_mins(5)).await;
            let id = self.run_id();
            let ran = self.office.run(&id).await;
            assert_eq!(ran.applied.failures().count(), 0, "{:?}", ran.applied);
            if ran.applied.outcomes.is_empty() {
                return;
            }
        }
        panic!("it never comes to rest: {:?}", self.levels());
    }

    /// Waits for this hour of a working day.
    async fn until_hour(&self, hour: i8) {
        loop {
            let now = self.office.world.now().to_zoned(jiff::tz::TimeZone::UTC);
            let weekday = now.weekday().to_monday_one_offset() <= 5;
            if now.hour() == hour && weekday {
                return;
            }
            tokio::time::sleep(Duration::from_mins(20)).await;
        }
    }
}

/// Whether it was left alone at zero, and that is recorded: what it had is outside of somebody's new bounds.
fn found_at_zero(record: Option<&Value>) -> bool {
    let found = |record: &Value| {
        record["phase"] == "conflict" && record["conflict"]["found"]["desired"] == 0
    };
    record.is_some_and(found)
}

/// The whole: whatever happened, then a quiet day, a quiet night and a quiet morning.
async fn story(services: Vec<Svc>, acts: Vec<Act>) {
    let mut story = Story::begin(&services);
    let first = story.levels();
    for act in &acts {
        story.act(act).await;
    }
    for place in SELECTED {
        story.person(place, &Hand::Select(true));
    }
    // What somebody asked for last holds for an hour.
    story.act(&Act::Wait(60)).await;
    story.until_hour(12).await;
    story.settle().await;
    story.nothing_strange();
    let day = story.levels();
    for place in SELECTED {
        let (record, now) = (story.record(place), day[place]);
        let phase = record
            .as_ref()
            .map_or("none", |record| record["phase"].as_str().unwrap());
        let context = || format!("{place}: {:?} → {now:?}, {record:?}", first[place]);
        assert!(
            ["none", "up", "left", "conflict"].contains(&phase),
            "{}",
            context()
        );
        if !story.ledger.touched.contains(place) {
            assert_eq!(now, first[place], "{}", context());
            assert_ne!(phase, "conflict", "{}", context());
            let tagged = story
                .office
                .world
                .ecs(|ecs| ecs.get(place).tags.contains_key(ASLEEP_TAG));
            assert!(!tagged, "{}", context());
        } else if now.0 == 0 && !found_at_zero(record.as_ref()) {
            // Nobody lost it: somebody set it to zero, or it began so.
            let zero = story
                .office
                .world
                .ecs(|ecs| ecs.get(place).counts.contains(&0));
            assert!(zero, "{}", context());
        }
    }
    for place in PLACES.iter().filter(|place| !SELECTED.contains(place)) {
        if !story.ledger.touched.contains(place) {
            assert_eq!(day[place], first[place], "{place}");
        }
    }

    // A quiet night after it: whatever there was in the day is there in the next morning.
    story.until_hour(23).await;
    story.settle().await;
    for (place, (count, _)) in story.levels() {
        assert!(
            count == 0 || !SELECTED.contains(&place),
            "{place} still runs at night"
        );
    }
    story.until_hour(10).await;
    story.settle().await;
    for (place, (count, target)) in story.levels() {
        let (was, bounds) = day[place];
        let record = story.record(place);
        assert_eq!(count, was, "{place}: {bounds:?} {target:?} {record:?}");
        let conflict = record
            .as_ref()
            .is_some_and(|record| record["phase"] == "conflict");
        let ours = bounds.is_some_and(|bounds| bounds.suspended == [true; 3]);
        // Bounds that were still ours in a conflict may be the user's again by now.
        assert!(
            target == bounds || (ours && !conflict),
            "{place}: {bounds:?} {target:?} {record:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_is_given_back_or_told(
        services in prop::collection::vec(resource(), 5),
        acts in prop::collection::vec(act(), 1..24),
    ) {
        block_on(story(services, acts));
    }

    /// Without people nothing is ever a conflict, and everything is exact.
    #[test]
    fn without_people_it_is_exactly_as_it_was(
        services in prop::collection::vec(resource(), 5),
        acts in prop::collection::vec(act().prop_filter("only the function", |act| !matches!(act, Act::Person(..))), 1..24),
    ) {
        block_on(story(services, acts));
    }
}

/// Every single point of a night: the run dies before and after each of its calls.
#[test]
fn every_crash_point_of_a_night() {
    every_crash_point(false, false);
}

#[test]
fn every_crash_point_of_a_morning() {
    every_crash_point(true, false);
}

/// No run follows until the next edge.
#[test]
fn every_crash_point_of_a_morning_without_ticks() {
    every_crash_point(true, true);
}

fn every_crash_point(morning: bool, forgotten: bool) {
    let services = || {
        vec![
            // Above its own bounds.
            Svc::new(4).scaled(1, 2, [false; 3]),
            Svc::new(0),
            Svc::new(2),
            Svc::new(2),
            Svc::new(3).scaled(2, 6, [false, true, false]),
        ]
    };
    let fates = [
        CallFault::DieBefore,
        CallFault::DieAfter,
        CallFault::Lose,
        CallFault::Fail(500, "ServerException"),
        CallFault::Freeze(130),
    ];
    let expected = block_on(async { Story::begin(&services()).levels() });
    let mut points = 0;
    for fate in fates {
        for call in 0.. {
            let calls = block_on(async {
                let mut story = Story::begin(&services());
                story.act(&Act::Wait(180)).await;
                if morning {
                    story.act(&Act::Tick(None)).await;
                    story.act(&Act::Wait(11 * 60)).await;
                }
                let world = story.office.world.clone();
                world.fates(move |n, _| (n == call).then_some(fate));
                let _ = world.live(story.office.run("struck")).await;
                let calls = world.calls().len();
                world.no_fates();
                if !forgotten {
                    // At once, while the lease lasts; and then as a tick would.
                    let id = story.run_id();
                    story.office.run(&id).await;
                    story.nothing_strange();
                } else if morning {
                    // The next run comes in the next night.
                    story.until_hour(23).await;
                    story.settle().await;
                }
                story.until_hour(if morning { 12 } else { 23 }).await;
                story.settle().await;
                if !morning {
                    let running = SELECTED
                        .iter()
                        .filter(|place| story.levels()[*place].0 > 0)
                        .count();
                    assert_eq!(running, 0, "{fate:?} at call {call}");
                    story.until_hour(12).await;
                    story.settle().await;
                }
                assert_eq!(
                    story.levels(),
                    expected,
                    "{fate:?} at call {call}, morning: {morning}"
                );
                calls
            });
            points += 1;
            if call >= calls {
                break;
            }
        }
    }
    assert!(points >= 130, "only {points} points");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Somebody starts a service at night: it runs until the next edge, whatever the function does.
    #[test]
    fn a_manual_start_sticks(
        resource in resource().prop_filter("it sleeps", |resource| resource.desired > 0),
        count in 1_u32..7,
        minutes in 5_u64..300,
        ticks in prop::collection::vec((prop::option::of(fate()), 1_u64..60), 1..6),
    ) {
        block_on(async {
            let services = vec![resource.clone(), Svc::new(0), Svc::new(1), Svc::new(1), resource];
            let mut story = Story::begin(&services);
            story.until_hour(22).await;
            story.settle().await;
            story.act(&Act::Wait(minutes)).await;
            story.act(&Act::Person(4, Hand::Count(count))).await;
            story.act(&Act::Person(1, Hand::Count(count))).await;
            for (fate, wait) in ticks {
                story.act(&Act::Tick(fate)).await;
                story.act(&Act::Wait(wait)).await;
                assert_eq!(story.levels()["dev/web"].0, count);
                assert_eq!(story.levels()["dev/idle"].0, count);
            }
            story.until_hour(10).await;
            story.settle().await;
            assert_eq!(story.levels()["dev/web"].0, count, "newer than what was saved");
            assert_eq!(story.levels()["dev/idle"].0, count);
        });
    }
}
