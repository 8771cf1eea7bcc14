use std::collections::VecDeque;

use pubsub_api::{Batch, EncodedEvent, Error, ErrorKind, Result};

use super::outbox::Send;
use super::outgoing::{Failure, Outcome, Outgoing};
use super::session::Session;

/// A batch has at most so many events, and so many bytes and one event more.
const BATCH_EVENTS: usize = 4096;
const BATCH_BYTES: usize = Batch::MAX_RECEIVED_BYTES;

/// How events get from callers to the driver.
impl Outgoing {
    /// Sends what waits in the outbox, as one batch, and answers those who wait; whether there was something. An event that
    /// is refused, or in doubt, does not fail the others; a driver that takes nothing fails all that it was given.
    ///
    /// # Cancel safety
    /// If the future is dropped, callers whose event was in the driver's hand learn that it is in doubt.
    pub(super) async fn send_waiting(&mut self, session: &Session) -> bool {
        let mut sends = session.outbox.take(BATCH_EVENTS, BATCH_BYTES);
        let was_something = !sends.is_empty();
        while !sends.is_empty() {
            self.begin(session);
            let planned = sends.iter().take_while(|send| self.plan_event(encoded(send), session)).count();
            if planned == 0 {
                // It cannot be: each was checked.
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

    /// Sends events that were checked, the first `count` of a batch; each leaves it when it is accepted.
    ///
    /// # Errors
    /// What the driver said about the first that is left.
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

/// Lends a caller's batch: if the caller gives up, what the driver has taken by then leaves it.
struct Lent<'a> {
    outgoing: &'a mut Outgoing,
    batch: &'a mut Batch,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // None, once the answer is settled.
        self.batch.advance(self.outgoing.taken());
    }
}

fn unplannable() -> Error {
    Error::new(ErrorKind::Internal, "an event that passed the check could not be numbered")
}

fn encoded(send: &Send) -> EncodedEvent<'_> {
    let envelope = &send.envelope;
    EncodedEvent { topic: envelope.topic.as_bytes(), payload: &envelope.payload, origin: None }
}

/// Answers those of whose events something is known; the others remain. `planned` is how many were in the batch.
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
