//! Answers Cloud Custodian off-hours values from standard input, so that another program can compare each
//! answer with Custodian's own, and measures how many a second.
//!
//! A line is an instant in seconds since 1970, a tab and a value. The answers are lines of `on`, `off`, or
//! `refused` where the value can't be read; the last line says how many evaluations a second one core made of the same questions.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read as _, stdin};
use std::time::Instant;

use jiff::Timestamp;
use schedule::custodian::{Policy, parse};
use schedule::{Calendar, Overrides, Schedule, State, desired_state};

const RUNS: usize = 5;
/// Few questions are asked again and again, for at least so many in a run.
const ENOUGH: usize = 1_000_000;

fn main() {
    let mut text = String::new();
    stdin().read_to_string(&mut text).expect("questions");
    let questions: Vec<(Timestamp, &str)> = text.lines().map(question).collect();
    // A value is read once, as Custodian does with its cache.
    let schedules: HashMap<&str, Option<Schedule>> = questions
        .iter()
        .map(|(_, value)| (*value, parse(value, &Policy::default(), None).ok()))
        .collect();
    let mut answers = String::new();
    let mut asked: Vec<(&Schedule, Timestamp)> = Vec::new();
    for (at, value) in &questions {
        if let Some(schedule) = &schedules[value] {
            asked.push((schedule, *at));
            writeln!(answers, "{}", state(schedule, *at)).expect("a string takes all");
        } else {
            answers.push_str("refused\n");
        }
    }
    print!("{answers}");
    println!("{:.0}", rate(&asked));
}

fn question(line: &str) -> (Timestamp, &str) {
    let (at, value) = line.split_once('\t').expect("an instant, a tab, a value");
    let second = at.parse().expect("seconds since 1970");
    let at = Timestamp::from_second(second).expect("an instant in range");
    (at, value)
}

fn state(schedule: &Schedule, at: Timestamp) -> State {
    desired_state(schedule, &Calendar::none(), &Overrides::default(), at).state
}

/// Evaluations a second, the best of some runs.
fn rate(asked: &[(&Schedule, Timestamp)]) -> f64 {
    let rounds = ENOUGH.div_ceil(asked.len().max(1));
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..rounds {
                for (schedule, at) in asked {
                    black_box(state(schedule, *at));
                }
            }
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    let evaluations = u32::try_from(rounds * asked.len()).expect("a few million");
    f64::from(evaluations) / best
}
