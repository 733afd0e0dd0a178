//! What an evaluation may hold at once of what it makes: lists of `map` and `filter`, and texts put together.
//!
//! A loop in a loop, or a text that is doubled in each step, would take any memory there is.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use crate::fault::Halt;

/// Bytes of lists and texts that one evaluation may hold at once.
pub const MAX_MEMORY: usize = 4 * 1024 * 1024;

/// What is left.
#[derive(Clone, Debug)]
pub(crate) struct MemoryBudget(Rc<Cell<usize>>);

/// Something that was made; its memory is free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Allocated<T> {
    value: T,
    bytes: usize,
    memory: MemoryBudget,
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MAX_MEMORY)))
    }
}

impl MemoryBudget {
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Halt> {
        let Some(left) = self.0.get().checked_sub(bytes) else {
            return Err(Halt::Ended(format!(
                "it makes more than {} MiB of lists and texts; loop over less",
                MAX_MEMORY / 1024 / 1024
            )));
        };
        self.0.set(left);
        Ok(())
    }

    /// Of memory that was taken before.
    pub(crate) fn holding<T>(&self, value: T, bytes: usize) -> Rc<Allocated<T>> {
        Rc::new(Allocated {
            value,
            bytes,
            memory: self.clone(),
        })
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_add(bytes));
    }
}

impl<T> Drop for Allocated<T> {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
    }
}

impl<T> Deref for Allocated<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
