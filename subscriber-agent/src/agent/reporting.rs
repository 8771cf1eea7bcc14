use std::time::Instant;

use super::{Agent, Io};

impl Agent {
    /// Reports to each publisher which of its events are applied, if the interval is over: those that are in the table and in the output,
    /// and that all handlers are done with. A report that is dropped is repeated by a later one.
    pub(super) fn report_applied(&self, io: &mut Io, now: Instant) {
        if !io.applied.is_due(now) {
            return;
        }
        let Some(streams) = self.subscriber.applied() else { return };
        for (endpoint, report) in io.applied.next(streams, &self.dispatcher.unfinished(), now) {
            match self.subscriber.report(&endpoint, &report) {
                Ok(true) => {}
                Ok(false) => {
                    tracing::debug!(endpoint, "dropped a report of applied events; a later one repeats it")
                }
                Err(error) => tracing::debug!(endpoint, "could not pack a report of applied events: {error}"),
            }
        }
    }
}
