//! Locks that stay usable when a thread panicked while it held one.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock. A state is changed in one go, so one that a panic left behind is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
