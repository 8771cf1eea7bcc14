use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Notice};
use sealing::{EventOpener, NotOpened};

use super::refusals::Refusals;

/// Opens the events that a subscriber receives, before anything counts them; without an opener, events stay as they are.
#[derive(Debug, Default)]
pub(super) struct Opening {
    opener: Option<EventOpener>,
    refusals: Refusals,
}

impl Opening {
    pub(super) fn new(opener: EventOpener) -> Self {
        Self { opener: Some(opener), refusals: Refusals::default() }
    }

    /// How often the keys have changed.
    pub(super) fn key_changes(&self) -> u64 {
        self.opener.as_ref().map_or(0, EventOpener::key_changes)
    }

    /// Opens an event that was read.
    #[inline]
    pub(super) fn open(&mut self, envelope: &mut Envelope) -> Result<(), NotOpened> {
        let Some(opener) = self.opener.as_mut().filter(|_| !envelope.topic.is_reserved()) else {
            return Ok(());
        };
        let topic = envelope.topic.as_bytes();
        // What cannot be read is refused elsewhere.
        let Ok(event) = EventRef::read(topic, &envelope.payload) else { return Ok(()) };
        if let Some(opened) = opener.open(topic, &envelope.payload, event.sealed)? {
            envelope.payload = opened;
        }
        Ok(())
    }

    /// Counts a refused event of this publisher. Returns the notice about it, which is logged as well, if one is due.
    pub(super) fn refuse(
        &mut self,
        refused: &NotOpened,
        envelope: &Envelope,
        publisher: (u64, Option<String>),
        now: Duration,
    ) -> Option<Notice> {
        let (id, endpoint) = publisher;
        let events = self.refusals.count(id, now)?;
        let (cause, topic) = (refused.cause(), envelope.topic.as_str().to_owned());
        let publisher = endpoint.or_else(|| (id != 0).then(|| format!("{id:016x}")));
        let name = publisher.as_deref().unwrap_or("unknown");
        tracing::warn!(
            id = "SK0312",
            cause,
            topic,
            events,
            "dropped an event of publisher {name}: {refused}; it counts as missing"
        );
        Some(Notice::Refused {
            publisher,
            topic,
            cause: cause.to_owned(),
            events,
            reason: refused.to_string(),
        })
    }
}
