use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, even after a panic of another holder: every change under these locks is complete before the next call that
/// could panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
