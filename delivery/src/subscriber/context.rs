use std::collections::VecDeque;
use std::time::Duration;

use pubsub_api::Envelope;

use super::counters::Counters;
use super::opening::Opening;
use super::{FeedOptions, Item};

/// The environment of a publisher's stream.
pub(super) struct Context<'a> {
    pub(super) now: Duration,
    pub(super) options: &'a FeedOptions,
    pub(super) random: &'a mut fastrand::Rng,
    pub(super) items: &'a mut VecDeque<Item>,
    pub(super) requests: &'a mut Vec<(String, Envelope)>,
    pub(super) counters: &'a mut Counters,
    pub(super) opening: &'a mut Opening,
}

impl Context<'_> {
    /// A random time up to `most`: full jitter.
    pub(super) fn jitter(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.random.f64())
    }
}
