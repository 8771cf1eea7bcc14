use std::time::Duration;

use pubsub_api::{Envelope, Notice, Topic};
use sealing::NotOpened;

use super::PublisherStream;
use super::recovery::repair_delay;
use crate::subscriber::Item;
use crate::subscriber::context::Context;
use crate::subscriber::sync_response::SyncResponse;
use crate::subscriber::timing::{MAX_UNOPENED, PROOF};

const UNOPENED: &str =
    "the missing events cannot be opened: they are not authentic, or the keyring lacks their key";

const LACKS_ROWS: &str =
    "the snapshot has rows that cannot be opened: they are not authentic, or the keyring lacks their key";

/// Replies with events that cannot be opened.
///
/// The request is repeated [`MAX_UNOPENED`] times, since a key may be on its way to this host. Then the topic is given up, with a
/// report, and its rows are requested again later. Until a reply can be opened, each further one is given up at once.
impl PublisherStream {
    /// Opens an event of a reply; `None` if that was not possible.
    pub(super) fn open(&mut self, mut envelope: Envelope, context: &mut Context<'_>) -> Option<Envelope> {
        match context.opening.open(&mut envelope) {
            Ok(()) => Some(envelope),
            Err(refused) => {
                self.note_refused(&refused, &envelope, context);
                self.skip_part(context);
                None
            }
        }
    }

    fn note_refused(&self, refused: &NotOpened, envelope: &Envelope, context: &mut Context<'_>) {
        context.counters.bad(refused.cause());
        let publisher = (self.publisher_epoch.publisher, Some(self.endpoint.clone()));
        let notice = context.opening.refuse(refused, envelope, publisher, context.now);
        context.items.extend(notice.map(Item::Notice));
    }

    /// A snapshot is read to its end, since its other rows may be of use. A replay is not: nothing after the event counts.
    fn skip_part(&mut self, context: &mut Context<'_>) {
        let Some(response) = &mut self.sync_response else { return };
        if response.rows.is_some() {
            response.skip();
        } else {
            let topic = response.topic.clone();
            self.was_not_opened(&topic, context);
        }
    }

    /// The reply about a topic is complete: whether it is of use. If not, this was reported, or it is requested again.
    pub(super) fn is_of_use(&mut self, response: &SyncResponse, context: &mut Context<'_>) -> bool {
        let attempts = self.topics.get(&response.topic).map_or(0, |tracked| tracked.unopened);
        let is_last = attempts.saturating_add(1) >= MAX_UNOPENED;
        let has_rows = response.rows.as_ref().is_some_and(|rows| !rows.is_empty());
        self.lacks_rows = response.unopened > 0;
        if self.lacks_rows && !(is_last && has_rows) {
            self.was_not_opened(&response.topic, context);
            return false;
        }
        if let Some(tracked) = self.topics.get_mut(&response.topic) {
            tracked.unopened = 0;
        }
        true
    }

    /// Reports a snapshot that was applied without the rows that could not be opened.
    pub(super) fn report_lacking_rows(&mut self, topic: &Topic, context: &mut Context<'_>) {
        if !std::mem::take(&mut self.lacks_rows) {
            return;
        }
        context.counters.resyncs += 1;
        let (publisher, topic) = (Some(self.endpoint.clone()), Some(topic.as_str().to_owned()));
        let resync = Notice::Resync { publisher, topic, reason: LACKS_ROWS.to_owned() };
        context.items.push_back(Item::Notice(resync));
    }

    /// After a change of the keys, what was given up is requested at once: the missing key may have arrived.
    pub(super) fn look_at_keys(&mut self, context: &mut Context<'_>) {
        let changes = context.opening.key_changes();
        if std::mem::replace(&mut self.key_changes, changes) == changes {
            return;
        }
        let at = context.now + context.jitter(PROOF);
        for (topic, tracked) in self.topics.iter_mut().filter(|(_, tracked)| tracked.unopened > 0) {
            tracked.unopened = 0;
            self.request_schedule.put(topic.clone(), at);
        }
    }

    fn was_not_opened(&mut self, topic: &Topic, context: &mut Context<'_>) {
        self.sync_response = None;
        self.sync_client.answered(topic);
        let is_behind = self.behind.contains(topic);
        let Some(tracked) = self.topics.get_mut(topic) else { return };
        tracked.unopened = tracked.unopened.saturating_add(1);
        if is_behind && tracked.unopened < MAX_UNOPENED {
            let wait = PROOF * tracked.unopened + context.jitter(PROOF);
            self.request_schedule.put(topic.clone(), context.now + wait);
            return;
        }
        tracked.repairs = tracked.repairs.saturating_add(1);
        let delay: Duration = repair_delay(tracked.repairs, context);
        if is_behind {
            self.give_up(topic.clone(), UNOPENED, context);
        } else {
            self.request_schedule.put(topic.clone(), context.now + delay);
        }
    }
}
