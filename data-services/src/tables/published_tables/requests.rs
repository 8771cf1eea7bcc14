use std::time::Duration;

use super::PublishedTables;
use crate::NodeInstance;
use crate::tables::limits::{REQUEST_BYTES, ROW_OVERHEAD};
use crate::tables::message::TableMessage;
use crate::tables::publish_effect::{PublishEffect, to_instance};
use crate::tables::request_budgets::Admission;

/// What followers request.
impl PublishedTables {
    /// Handles a message of a follower. A peer that requests too much is not answered, and its requests have no effect.
    pub(crate) fn received(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        message: &TableMessage,
        effects: &mut Vec<PublishEffect>,
    ) {
        if !matches!(message, TableMessage::Open(_) | TableMessage::Pull(_)) {
            return;
        }
        // This node itself is not limited.
        if source.instance == message.stream().instance {
            self.answer(now, source, message, effects);
            return;
        }
        match self.budgets.admit(now, source.instance) {
            Admission::Admitted => {
                let before = effects.len();
                let built = self.answer(now, source, message, effects);
                let sent = effects.iter().skip(before).map(PublishEffect::bytes).sum::<usize>();
                self.budgets.charge(now, source.instance, REQUEST_BYTES + built + sent);
            }
            Admission::Refused => {}
            Admission::Reported(refused) => {
                effects.push(PublishEffect::TooManyRequests { peer: source.clone(), refused });
            }
        }
    }

    /// Returns the number of requests that were dropped because their senders had requested too much.
    #[must_use]
    pub(crate) fn requests_refused(&self) -> u64 {
        self.budgets.refused()
    }

    /// Answers a request. Returns what it cost beside what is sent: the rows that were split into pages.
    fn answer(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        message: &TableMessage,
        effects: &mut Vec<PublishEffect>,
    ) -> usize {
        let stream = message.stream();
        let Some(table) = self.tables.get_mut(stream) else {
            effects.push(to_instance(source.instance, TableMessage::Unknown(stream.clone())));
            return 0;
        };
        let before = table.rows_paged();
        match message {
            TableMessage::Open(open) => {
                let followers = &mut self.streams.entry(stream.clone()).or_default().followers;
                if followers.is_empty() {
                    effects.push(PublishEffect::FirstFollower(stream.clone()));
                }
                followers.open(now, source.instance);
                table.open(now, source.instance, open, effects);
            }
            TableMessage::Pull(pull) => table.pull(now, source.instance, pull, effects),
            _ => {}
        }
        (table.rows_paged() - before) * ROW_OVERHEAD
    }
}
