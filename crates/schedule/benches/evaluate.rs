//! Measures how many times a second one core says whether something is on, in each of the three grammars,
//! at random instants of the years 2020 to 2035. Fails where a schedule stays below a million.
//!
//! `cargo bench -p schedule`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use jiff::Timestamp;
use schedule::{Calendar, Context, Overrides, Schedule, State, Syntax, desired_state, next_edge};

const INSTANTS: u32 = 1_000_000;
const EDGES: u32 = 20_000;
const RUNS: usize = 5;
/// So many evaluations a second at least, of each schedule, with holidays and without.
const BOUND: f64 = 1_000_000.0;
/// 2020-01-01 and the seconds up to 2036-01-01.
const FROM: i64 = 1_577_836_800;
const SECONDS: u64 = 504_921_600;

const SCHEDULES: [(Syntax, &str); 5] = [
    (Syntax::Windows, "Mon-Fri 09:00-22:00 Europe/London"),
    (Syntax::Windows, "Sun-Thu 20:00-06:00 America/New_York"),
    (
        Syntax::Windows,
        "Mon-Fri 09:00-22:00 Europe/Berlin + Sat 10:00-14:00 Europe/Berlin + Sun 10:00-12:00 Europe/Berlin",
    ),
    (Syntax::Custodian, "off=[(M-F,19)];on=[(M-F,7)];tz=pt"),
    (Syntax::KubeDownscaler, "Mon-Fri 07:30-20:30 Europe/Berlin"),
];

fn main() -> ExitCode {
    let mut slowest = f64::INFINITY;
    let instants = random_instants();
    let holidays = Calendar::from_dates("2026-12-25 Christmas Day\n2027-01-01 New Year's Day")
        .expect("two dates");
    println!("one core, {INSTANTS} random instants from 2020 to 2035, best of {RUNS}");
    for (syntax, text) in SCHEDULES {
        let schedule =
            Schedule::parse_as(syntax, text, &Context::default()).expect("a schedule of the bench");
        let plain = rate(INSTANTS, || {
            evaluate(&schedule, &Calendar::none(), &instants)
        });
        let holiday = rate(INSTANTS, || evaluate(&schedule, &holidays, &instants));
        let edges = &instants[..EDGES as usize];
        let edges = rate(EDGES, || next_edges(&schedule, edges));
        println!("{syntax}: {text}");
        println!(
            "  {plain:>12.0} evaluations/s   {holiday:>12.0} with holidays   {edges:>12.0} next edges/s"
        );
        slowest = slowest.min(plain).min(holiday);
    }
    println!(
        "slowest: {slowest:.0} evaluations/s, {:.1} × the bound of {BOUND:.0}",
        slowest / BOUND
    );
    ExitCode::from(u8::from(slowest < BOUND))
}

fn evaluate(schedule: &Schedule, calendar: &Calendar, instants: &[Timestamp]) -> usize {
    let overrides = Overrides::default();
    let on =
        |at: &&Timestamp| desired_state(schedule, calendar, &overrides, **at).state == State::On;
    instants.iter().filter(on).count()
}

fn next_edges(schedule: &Schedule, instants: &[Timestamp]) -> usize {
    let (calendar, overrides) = (Calendar::none(), Overrides::default());
    instants
        .iter()
        .filter_map(|at| next_edge(schedule, &calendar, &overrides, *at))
        .count()
}

fn rate(number: u32, run: impl Fn() -> usize) -> f64 {
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .min()
        .expect("a few runs");
    f64::from(number) / best.as_secs_f64()
}

/// The same in every run: xorshift.
fn random_instants() -> Vec<Timestamp> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    (0..INSTANTS)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let second = i64::try_from(state % SECONDS).expect("a few years");
            Timestamp::from_second(FROM + second).expect("an instant in range")
        })
        .collect()
}
