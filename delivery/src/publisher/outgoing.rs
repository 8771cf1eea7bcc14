use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use pubsub_api::{Batch, Counter, Envelope, Error, ErrorKind, Publisher, Result};

use super::metrics::Metrics;
use super::shared_sequencer::SharedSequencer;

/// Events that are numbered and not yet accepted by the driver. They are sent before anything else, in order.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) pending: Batch,
    /// Whether the driver has panicked on the pending events, so that they are sent one by one.
    singly: bool,
}

/// The wait before an overloaded driver is tried again.
const RETRY: Duration = Duration::from_millis(10);

impl Outgoing {
    /// Sends all pending events to the driver, and waits until it has accepted them. An event that the driver refuses for good,
    /// or panics on (docs/guarantees.md#f16), is replaced by a loss record: one defect costs one event.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] of the driver; the rest stays pending.
    pub(super) async fn send(
        &mut self,
        driver: &dyn Publisher,
        sequencer: &SharedSequencer,
        metrics: &Metrics,
    ) -> Result<()> {
        let published = &metrics.published;
        while !self.pending.is_empty() {
            let attempt = match self.singly {
                true => self.send_first(driver, published).await,
                false => self.send_all(driver, published).await,
            };
            let Err(error) = attempt else { continue };
            let cause = match error.kind() {
                ErrorKind::Closed => return Err(error),
                ErrorKind::Overloaded => {
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
                ErrorKind::Internal => "internal",
                _ => "refused",
            };
            if let Some(times) = metrics.lost.count(cause, Instant::now()) {
                tracing::error!(id = "SK0205", cause, times, "lost an event: {error}");
            }
            self.lose_first(sequencer, cause);
        }
        self.singly = false;
        Ok(())
    }

    async fn send_all(&mut self, driver: &dyn Publisher, published: &Counter) -> Result<()> {
        let taken = Taken::of(&mut self.pending, published);
        let sent = AssertUnwindSafe(driver.send_batch(taken.pending)).catch_unwind().await;
        drop(taken);
        sent.unwrap_or_else(|_| {
            let events = self.pending.len();
            tracing::error!(
                id = "SK0206",
                events,
                "the driver panicked; the rest of the batch is sent one by one"
            );
            self.singly = true;
            Ok(())
        })
    }

    /// A driver that sent the event and panicked before it returned sends it twice, under one sequence.
    async fn send_first(&mut self, driver: &dyn Publisher, published: &Counter) -> Result<()> {
        let Some(first) = self.pending.first_envelope() else { return Ok(()) };
        let Envelope { topic, payload } = first?;
        let sent = AssertUnwindSafe(driver.send(&topic, payload)).catch_unwind().await;
        sent.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the driver panicked")))?;
        Taken::of(&mut self.pending, published).pending.advance(1);
        Ok(())
    }

    fn lose_first(&mut self, sequencer: &SharedSequencer, cause: &str) {
        let first = self.pending.first_envelope().and_then(Result::ok);
        self.pending.advance(1);
        // A loss record that is refused as well is not replaced by another: subscribers find it in the ring.
        let Some(event) = first.filter(|first| !first.topic.is_reserved()) else { return };
        match sequencer.lock().lose(&event, cause, sequencer.now()) {
            Ok(lost) => {
                let mut rest = std::mem::take(&mut self.pending);
                self.pending.push(lost);
                self.pending.append(&mut rest);
            }
            Err(error) => tracing::error!(id = "SK0207", "cannot publish the loss record: {error}"),
        }
    }
}

/// Lends the pending events to the driver, and counts the events that left when it is dropped.
struct Taken<'a> {
    pending: &'a mut Batch,
    before: usize,
    published: &'a Counter,
}

impl<'a> Taken<'a> {
    fn of(pending: &'a mut Batch, published: &'a Counter) -> Self {
        Self { before: events(pending), pending, published }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let taken = self.before.saturating_sub(events(self.pending));
        self.published.add(u64::try_from(taken).unwrap_or(u64::MAX));
    }
}

/// The number of events in a batch, without loss records.
fn events(batch: &Batch) -> usize {
    batch.iter().filter(|event| event.topic.first() != Some(&b'$')).count()
}
