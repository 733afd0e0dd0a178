//! Measures the plan for 10,000 services: its time, and the memory that it takes. Fails where the median is
//! over the bound.
//!
//! `cargo bench -p environments --bench plan`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use environments::config::{Config, Files};
use environments::decide::PlanContext;
use environments::plan::{Facts, plan};
use environments::resource::{Kind, Resource, Scaling, ScalingSuspension};
use environments::schedule_overrides::{OverrideRequest, RequestKind};
use environments::sleep_record::{Phase, SavedState, SleepRecord};
use jiff::{SignedDuration, Timestamp};

const SERVICES: usize = 10_000;
const RUNS: usize = 9;
const CLUSTERS: usize = 20;
/// What notices have led to in 40 days: each names the services that it is about.
const REQUESTS: usize = 60;
const NAMED: usize = 3_000;
/// The plan must be there within a second.
const BOUND: Duration = Duration::from_secs(1);

const CONFIG: &str = "version: 1
accounts: ['111122223333']
zone: Europe/Berlin
schedules:
  office: Mon-Fri 09:00-22:00
  long: Mon-Fri 07:00-23:00 + Sat 10:00-16:00
  follow-the-sun: office + Mon-Fri 09:00-18:00 America/New_York
default_schedule: office
calendar: { dates: [2026-12-25 Christmas Day, 2027-01-01] }
import_tags: { maid_offhours: custodian }
deny: ['*/payments-*', 'billing-*']
tiers:
  - { name: data, match: ['*/db-*', '*/queue-*'] }
  - { name: back ends, match: '*/api-*' }
";

fn main() -> ExitCode {
    let mut slowest = Duration::ZERO;
    let config = Config::parse("bench", CONFIG, &Files::new()).expect("the bench's configuration");
    println!("plan for {SERVICES} services in {CLUSTERS} clusters, best and median of {RUNS}");
    for (label, hour, own, asked) in [
        ("at night, all run: all sleep", 21, 0, 0),
        ("in the morning, all sleep: all wake", 8, 0, 0),
        ("by day, nothing to do", 12, 0, 0),
        ("at night, a window of its own in 1 of 10 tags", 21, 10, 0),
        ("at night, a window of its own in each tag", 21, 1, 0),
        (
            "at night, 60 requests name 3,000 services each",
            21,
            0,
            REQUESTS,
        ),
    ] {
        let now = format!("2026-11-24T{hour:02}:05:00Z")
            .parse()
            .expect("an instant");
        let asleep = hour == 8;
        let services: Vec<Resource> = (0..SERVICES).map(|n| resource(n, asleep, own)).collect();
        let records: HashMap<String, SleepRecord> = services
            .iter()
            .filter(|_| asleep)
            .map(|resource| (resource.arn.clone(), record(resource, now)))
            .collect();
        let requests: Vec<OverrideRequest> =
            (0..asked).map(|n| request(n, &services, now)).collect();
        let facts = (&services[..], &records, &requests[..]);
        slowest = slowest.max(measure(label, &config, facts, now));
    }
    println!(
        "slowest: {:.1} ms, {:.3} × the bound of 1 s",
        slowest.as_secs_f64() * 1e3,
        slowest.as_secs_f64() / BOUND.as_secs_f64()
    );
    ExitCode::from(u8::from(slowest > BOUND))
}

fn measure(
    label: &str,
    config: &Config,
    (services, records, requests): (
        &[Resource],
        &HashMap<String, SleepRecord>,
        &[OverrideRequest],
    ),
    now: Timestamp,
) -> Duration {
    let ctx = PlanContext {
        now,
        run: "bench",
        defer_deadline: SignedDuration::from_hours(1),
    };
    let mut times = Vec::new();
    let (mut steps, mut taken) = (0, 0);
    for _ in 0..RUNS {
        let facts = Facts {
            resources: services.to_vec(),
            records: records.clone(),
            requests,
        };
        let before = forget_peak_memory();
        let start = Instant::now();
        let plan = black_box(plan(facts, config, &ctx));
        times.push(start.elapsed());
        taken = taken.max(memory_of("VmHWM:").saturating_sub(before));
        steps = plan.work().count();
    }
    times.sort();
    let (best, median) = (times[0], times[RUNS / 2]);
    println!(
        "{label:<48} {:>7.1} ms best {:>7.1} ms median   {:.3} of the bound   {steps} steps   takes {:.1} MiB, peak of the process {} MiB",
        best.as_secs_f64() * 1e3,
        median.as_secs_f64() * 1e3,
        median.as_secs_f64() / BOUND.as_secs_f64(),
        f64::from(u32::try_from(taken).unwrap_or(u32::MAX)) / 1024.0,
        memory_of("VmHWM:") / 1024,
    );
    median
}

/// A snooze of an evening long ago; the last ones hold.
fn request(n: usize, services: &[Resource], now: Timestamp) -> OverrideRequest {
    let asked = services.iter().cycle().skip(n * 1_000).take(NAMED);
    let places: Vec<String> = asked.map(Resource::place).collect();
    let hours = i64::try_from(REQUESTS - n).expect("a few") * 16 - 20;
    OverrideRequest {
        id: n.to_string(),
        ask: RequestKind::Snooze,
        services: places.join(" "),
        until: now - SignedDuration::from_hours(hours),
        by: "link".to_owned(),
        at: now - SignedDuration::from_hours(hours + 2),
        place: Some(services[0].home()),
    }
}

fn resource(n: usize, asleep: bool, own: usize) -> Resource {
    let cluster = format!("dev-{:02}", n % CLUSTERS);
    let name = format!("{}-{n:05}", ["web", "api", "db", "worker"][n % 4]);
    let schedule = match n % 5 {
        0 => "default".to_owned(),
        1 => "long".to_owned(),
        2 => "follow-the-sun".to_owned(),
        3 => "Mon-Fri 08:00-20:00 Europe/London".to_owned(),
        _ => "office + Sun 10:00-12:00".to_owned(),
    };
    let schedule = if own > 0 && n.is_multiple_of(own) {
        format!(
            "Mon-Fri {:02}:{:02}-{}:00 Europe/Paris",
            n / 60 % 12,
            n % 60,
            13 + n / 720 % 9
        )
    } else {
        schedule
    };
    let tags = BTreeMap::from([
        ("deploy-hooks:schedule".to_owned(), schedule),
        ("team".to_owned(), "shop".to_owned()),
        (
            "aws:cloudformation:stack-name".to_owned(),
            format!("{cluster}-{name}"),
        ),
    ]);
    let suspended = if asleep {
        ScalingSuspension::ALL
    } else {
        ScalingSuspension::default()
    };
    let min = if asleep { 0 } else { 2 };
    Resource {
        kind: Kind::EcsService,
        arn: format!("arn:aws:ecs:eu-central-1:111122223333:service/{cluster}/{name}"),
        cluster,
        name,
        desired: if asleep { 0 } else { 3 },
        running: if asleep { 0 } else { 3 },
        controller: "ECS".to_owned(),
        task_definition: format!("arn:aws:ecs:eu-central-1:111122223333:task-definition/shop:{n}"),
        tags,
        scaling: n.is_multiple_of(2).then_some(Scaling {
            min,
            max: 6,
            suspended,
        }),
        ..Resource::default()
    }
}

fn record(resource: &Resource, now: Timestamp) -> SleepRecord {
    let set = resource.level();
    let mut was = set;
    was.desired = 3;
    if let Some(scaling) = &mut was.scaling {
        scaling.min = 2;
        scaling.suspended = ScalingSuspension::default();
    }
    let since = now - SignedDuration::from_hours(10);
    SleepRecord {
        phase: Phase::Down,
        was: Some(SavedState::of(resource, was, since)),
        set: Some(set),
        why: "by night".to_owned(),
        ..SleepRecord::new(resource, since)
    }
}

/// From here on the peak is counted anew; what the process has now, in KiB.
fn forget_peak_memory() -> u64 {
    // Where the kernel does not know this, the peak is that of the whole process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    memory_of("VmRSS:")
}

/// In KiB, as the kernel counts it; 0 where it doesn't say.
fn memory_of(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_default()
}
