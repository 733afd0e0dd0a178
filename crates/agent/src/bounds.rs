//! What a run may cost, and what it has cost.

use std::time::Duration;

/// What a run may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Turns of the model.
    pub steps: u32,
    /// In and out, together.
    pub tokens: u64,
    /// From the first page to the last action.
    pub time: Duration,
    /// US dollars, by this price.
    pub cost: Option<(f64, Price)>,
}

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// That the model reads.
    pub input: f64,
    /// That it writes.
    pub output: f64,
}

/// What a run has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Answers of the model.
    pub steps: u32,
    /// Tokens that it read.
    pub input_tokens: u64,
    /// Tokens that it wrote.
    pub output_tokens: u64,
}

impl Usage {
    /// Both kinds of tokens.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// In US dollars.
    #[allow(clippy::cast_precision_loss, reason = "a bill, and not bookkeeping")]
    pub fn usd(&self, price: Price) -> f64 {
        let of = |tokens: u64, price: f64| tokens as f64 * price / 1_000_000.0;
        of(self.input_tokens, price.input) + of(self.output_tokens, price.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_costs_what_its_tokens_do() {
        let spent = Usage {
            steps: 3,
            input_tokens: 2_000_000,
            output_tokens: 100_000,
        };
        let price = Price {
            input: 1.0,
            output: 5.0,
        };
        assert_eq!(spent.tokens(), 2_100_000);
        assert!((spent.usd(price) - 2.5).abs() < 1e-9);
    }
}
