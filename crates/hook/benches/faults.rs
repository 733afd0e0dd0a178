//! A thousand runs of each contract under random faults: how many are answered, how many pass falsely, how slow the
//! slowest invocation is. Ends with 1 if a run passes falsely, or is neither answered nor said to be unheard.
//!
//! `cargo bench -p hook --bench faults [-- RUNS [SEED]]`

#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::process::ExitCode;

use test_support::gates::storm::{self, CONTRACTS, LEFT};
use test_support::paced_time;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> ExitCode {
    let _time = paced_time::start();
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let runs = numbers.next().unwrap_or(1000);
    let seed = numbers.next().unwrap_or(2026);
    println!(
        "gates under random faults, one call in six; every second release is broken, breaks on the way, or is hostile; \
         seed {seed}"
    );
    let mut kept = true;
    for contract in CONTRACTS {
        let tally = storm::run(contract, runs, seed).await;
        println!("{contract:?}");
        println!(
            "  runs              {runs}, in {} invocations",
            tally.invocations
        );
        println!(
            "  answered          {} ({} retries by Lambda)",
            tally.answered, tally.retries
        );
        println!(
            "  unheard           {}, and said so by the gate",
            tally.unheard
        );
        println!("  passes            {}", tally.passes);
        println!("  false passes      {}", tally.false_passes);
        println!("  faults met        {}", tally.faults);
        println!(
            "  slowest           {:.1} s of {} s",
            tally.slowest.as_secs_f64(),
            LEFT.as_secs()
        );
        for wrong in &tally.wrong {
            println!("  WRONG             {wrong}");
        }
        kept &= tally.wrong.is_empty()
            && tally.false_passes == 0
            && tally.answered + tally.unheard == usize::try_from(runs).expect("a count");
    }
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
