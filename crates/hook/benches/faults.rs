//! A thousand gates under random faults: how many are answered, how many pass falsely, how slow the
//! slowest is. `cargo bench -p hook --bench faults [-- RUNS]`

#![allow(clippy::print_stdout, reason = "a bench prints")]

use test_support::gates as support;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let runs = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1000);
    let tally = support::storm::run(runs, 2026).await;
    println!(
        "gates under random faults, one call in six; every second service is broken or hostile"
    );
    println!("  events            {runs}");
    println!(
        "  answered          {} ({} after a retry by Lambda)",
        tally.answered, tally.retries
    );
    println!("  passes            {}", tally.passes);
    println!("  false passes      {}", tally.false_passes);
    println!("  faults met        {}", tally.faults);
    println!(
        "  slowest           {:.1} s of 9 s",
        tally.slowest.as_secs_f64()
    );
}
