use std::collections::VecDeque;

use pubsub_api::{Batch, EncodedEvent, Error, ErrorKind, Result};

use super::outbox::Send;
use super::outgoing::{Failure, Outcome, Outgoing};
use super::session::Session;

/// A batch is closed at this many events, or by the event that brings it to this many bytes.
const BATCH_EVENTS: usize = 4096;
const BATCH_BYTES: usize = Batch::MAX_RECEIVED_BYTES;

/// The way of events from callers to the driver.
impl Outgoing {
    /// Sends the waiting events of the outbox as one batch, and reports the results to their callers; returns whether there
    /// were any. An event that is refused or in doubt does not fail the others; a driver that accepts nothing fails all events
    /// of the batch.
    ///
    /// # Cancel safety
    /// If the future is dropped, the events that the driver had in hand are reported as in doubt.
    pub(super) async fn send_waiting(&mut self, session: &Session) -> bool {
        let mut sends = session.outbox.take(BATCH_EVENTS, BATCH_BYTES);
        let was_something = !sends.is_empty();
        while !sends.is_empty() {
            self.begin(session);
            let planned = sends.iter().take_while(|send| self.plan_event(encoded(send), session)).count();
            if planned == 0 {
                // Unreachable: each event was checked.
                if let Some(first) = sends.pop_front() {
                    first.answer(Err(unplannable()));
                }
                continue;
            }
            let outcome = self.send(session, false).await;
            answer(&mut sends, planned, outcome, session);
        }
        was_something
    }

    /// Sends the first `count` events of a batch, which were checked; each leaves the batch when it is accepted.
    ///
    /// # Errors
    /// The driver's error for the first event that is left.
    ///
    /// # Cancel safety
    /// As [`send_batch`](pubsub_api::Publisher::send_batch).
    pub(super) async fn send_first(
        &mut self,
        batch: &mut Batch,
        mut count: usize,
        session: &Session,
    ) -> Result<()> {
        while count > 0 {
            self.begin(session);
            let mut bytes = 0;
            for event in batch.iter().take(count.min(BATCH_EVENTS)) {
                if bytes >= BATCH_BYTES || !self.plan_event(event, session) {
                    break;
                }
                bytes += event.payload.len();
            }
            if self.plan.is_empty() {
                return Err(unplannable());
            }
            let lent = Lent { outgoing: self, batch };
            let Outcome { accepted, failure } = lent.outgoing.send(session, true).await;
            lent.batch.advance(accepted);
            drop(lent);
            count -= accepted.min(count);
            if let Some(Failure::Event(error) | Failure::Driver(error)) = failure {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Lends a caller's batch: if the caller is cancelled, the events that the driver has accepted by then leave it.
struct Lent<'a> {
    outgoing: &'a mut Outgoing,
    batch: &'a mut Batch,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // Zero, once the result is settled.
        self.batch.advance(self.outgoing.taken());
    }
}

fn unplannable() -> Error {
    Error::new(ErrorKind::Internal, "an event that passed the check could not be numbered")
}

fn encoded(send: &Send) -> EncodedEvent<'_> {
    let envelope = &send.envelope;
    EncodedEvent { topic: envelope.topic.as_bytes(), payload: &envelope.payload, origin: None, row: None }
}

/// Reports the known results to their callers; the other events remain. `planned` is the number of events in the batch.
fn answer(sends: &mut VecDeque<Send>, planned: usize, outcome: Outcome, session: &Session) {
    let Outcome { accepted, failure } = outcome;
    let failed = match failure {
        Some(Failure::Driver(_)) => planned.saturating_sub(accepted),
        Some(Failure::Event(_)) => 1,
        None => 0,
    };
    for send in sends.drain(..accepted.min(sends.len())) {
        send.answer(Ok(()));
    }
    let Some(Failure::Driver(error) | Failure::Event(error)) = failure else { return };
    let (kind, text) = (error.kind(), error.to_string());
    let mut others = sends.drain(..failed.min(sends.len()));
    if let Some(first) = others.next() {
        first.answer(Err(error));
    }
    for send in others {
        let error = Error::new(kind, text.clone());
        session.metrics.refuse(send.envelope.topic.as_bytes(), kind.as_str(), &error);
        send.answer(Err(error));
    }
}
