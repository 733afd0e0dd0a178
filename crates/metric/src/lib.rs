//! How samples of a metric are judged: against a limit, and against the old version over the same window.
//!
//! Pure: samples come in, an [`Outcome`] and a sentence with the numbers go out. Where they come from is the caller's
//! business. Too few samples are never a pass: [`Outcome::Inconclusive`] says how many are needed.

pub mod effect;
mod judge;
mod mann_whitney;
mod question;
mod shares;
mod wording;

pub use judge::{Judgement, Outcome, Samples, judge};
pub use mann_whitney::{Alternative, RankTest, mann_whitney};
pub use question::{Aggregate, Comparison, Direction, Limit, Operator, Question, Tolerance};
pub use shares::{Share, compare_shares};

fn float(count: usize) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "sample sizes are far below 2^53"
    )]
    let count = count as f64;
    count
}
