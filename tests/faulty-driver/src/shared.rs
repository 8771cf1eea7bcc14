use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::state::State;

/// A network, as its ends share it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) is_broker: bool,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(seed: u64, is_broker: bool) -> Self {
        Self { is_broker, state: Mutex::new(State::new(seed, is_broker)) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
