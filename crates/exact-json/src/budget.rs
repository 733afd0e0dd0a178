//! What following a path may cost, and why something can't be decided.
//!
//! A path of a few characters can ask for more than a machine has: `$..*..*..*`, or a filter that
//! searches the whole document for each of its values. Every value that is visited and every piece
//! of text that is compared is a step; a limit of steps bounds them all alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Place;
use crate::number::MAX_EXPONENT_DIGITS;

/// Steps that one question may take: a fraction of a second.
pub const MAX_STEPS: u64 = 10_000_000;
/// Values that one path may select.
pub const MAX_SELECTED: usize = 1_000_000;

/// A comparison of this many bytes of text is one step.
const BYTES_PER_STEP: usize = 64;

/// The steps that are left.
#[derive(Clone, Debug)]
pub struct Budget {
    steps: u64,
    stop: Option<Arc<AtomicBool>>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undecided {
    /// More than [`MAX_STEPS`].
    #[error(
        "it takes more than {} steps in this body; use fewer \"..\" and smaller filters, or ask for a \
         smaller body",
        MAX_STEPS
    )]
    Steps,
    /// Whoever asked wants no answer any more.
    #[error("the question was withdrawn")]
    Stopped,
    /// More than [`MAX_SELECTED`].
    #[error(
        "more than {} values are selected; write a narrower path",
        MAX_SELECTED
    )]
    Selected,
    /// A number whose exponent is too long.
    #[error(
        "{0} can't be compared exactly: its exponent has more than {digits} digits",
        digits = MAX_EXPONENT_DIGITS
    )]
    Exponent(String),
    /// An object has one key twice.
    #[error(
        "the key {key:?} comes twice in one object (the second at {at}), and readers differ in which \
         one counts"
    )]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it comes again.
        at: Place,
    },
    /// A string that is no text was to be searched or measured.
    #[error(transparent)]
    LoneSurrogate(#[from] crate::text::LoneSurrogate),
    /// A regular expression that the document brought is too large to be used.
    #[error("the regular expression {0} is too large")]
    Pattern(String),
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(MAX_STEPS)
    }
}

impl Budget {
    /// A budget of so many steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, stop: None }
    }

    /// Spends nothing more once `stop` is set.
    #[must_use]
    pub fn until(self, stop: Arc<AtomicBool>) -> Self {
        Self {
            stop: Some(stop),
            ..self
        }
    }

    /// Takes steps, or says that there are none left.
    pub fn spend(&mut self, steps: usize) -> Result<(), Undecided> {
        if self
            .stop
            .as_ref()
            .is_some_and(|stop| stop.load(Ordering::Relaxed))
        {
            return Err(Undecided::Stopped);
        }
        let left = self.steps.checked_sub(steps as u64);
        self.steps = left.unwrap_or_default();
        left.map(drop).ok_or(Undecided::Steps)
    }

    /// Takes the steps of looking through so many bytes.
    pub fn spend_bytes(&mut self, bytes: usize) -> Result<(), Undecided> {
        self.spend(1 + bytes / BYTES_PER_STEP)
    }
}
