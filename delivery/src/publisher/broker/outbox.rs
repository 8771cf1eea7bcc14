use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pubsub_api::{Envelope, Error, ErrorKind, Result};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// The events of callers of `send` that wait for the driver, in order: while one batch is on its way, the next one gathers
/// here, so that many callers share one round trip. Bounded; the batch on its way counts.
#[derive(Debug)]
pub(super) struct Outbox {
    events: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    /// Notified when there is something to send, or a mark may be due earlier.
    pub(super) filled: Notify,
    send_timeout: Duration,
}

#[derive(Debug, Default)]
struct Waiting {
    sends: VecDeque<Send>,
    is_closed: bool,
}

/// One event, and the caller that waits for its result.
#[derive(Debug)]
pub(super) struct Send {
    pub(super) envelope: Envelope,
    reply: oneshot::Sender<Result<()>>,
    /// Released when the event is sent or refused.
    _room: [OwnedSemaphorePermit; 2],
}

/// The result of one event, once it is known.
#[derive(Debug)]
pub(super) struct SendResult(oneshot::Receiver<Result<()>>);

/// The bounds of the worker hop's outbox: 10,000 events, 16 MiB.
pub(super) const MAX_EVENTS: usize = 10_000;
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

impl Outbox {
    pub(super) fn new(send_timeout: Duration) -> Self {
        Self {
            events: Arc::new(Semaphore::new(MAX_EVENTS)),
            bytes: Arc::new(Semaphore::new(MAX_BYTES)),
            waiting: Mutex::default(),
            filled: Notify::new(),
            send_timeout,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event, once there is room.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] if there is no room within `send_timeout`, [`ErrorKind::Closed`].
    pub(super) async fn put(&self, envelope: Envelope) -> Result<SendResult> {
        let room = timeout(self.send_timeout, self.room(envelope.payload.len())).await;
        let room = room.map_err(|_| self.overloaded())??;
        let (reply, answer) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.is_closed {
                return Err(closed());
            }
            waiting.sends.push_back(Send { envelope, reply, _room: room });
        }
        self.filled.notify_one();
        Ok(SendResult(answer))
    }

    async fn room(&self, bytes: usize) -> Result<[OwnedSemaphorePermit; 2]> {
        let bytes = u32::try_from(bytes.min(MAX_BYTES)).unwrap_or(u32::MAX);
        let event = Arc::clone(&self.events).acquire_owned().await.map_err(|_| closed())?;
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(bytes).await.map_err(|_| closed())?;
        Ok([event, bytes])
    }

    fn overloaded(&self) -> Error {
        let (events, bytes) = self.depth();
        let text = format!(
            "the broker accepts events too slowly: {events} events of {bytes} bytes are waiting, and none left within {:?}",
            self.send_timeout
        );
        Error::new(ErrorKind::Overloaded, text)
    }

    /// Takes waiting events, up to `events` of them and up to the one that brings them to `bytes`. Events whose caller has gone
    /// are dropped.
    pub(super) fn take(&self, events: usize, bytes: usize) -> VecDeque<Send> {
        let mut waiting = self.waiting();
        let (mut taken, mut taken_bytes) = (VecDeque::new(), 0);
        while taken.len() < events
            && taken_bytes < bytes
            && let Some(send) = waiting.sends.pop_front()
        {
            if !send.reply.is_closed() {
                taken_bytes += send.envelope.payload.len();
                taken.push_back(send);
            }
        }
        taken
    }

    pub(super) fn is_closed(&self) -> bool {
        self.waiting().is_closed
    }

    /// The number of events and bytes in the outbox.
    pub(super) fn depth(&self) -> (usize, usize) {
        let bytes = MAX_BYTES.saturating_sub(self.bytes.available_permits());
        (MAX_EVENTS.saturating_sub(self.events.available_permits()), bytes)
    }

    /// Closes the outbox, also for callers that wait for room; returns whether it was open.
    pub(super) fn close(&self) -> bool {
        self.events.close();
        self.bytes.close();
        !std::mem::replace(&mut self.waiting().is_closed, true)
    }

    /// Fails all waiting events as closed; returns their number.
    pub(super) fn end(&self) -> usize {
        let sends = std::mem::take(&mut self.waiting().sends);
        let count = sends.len();
        sends.into_iter().for_each(|send| send.answer(Err(closed())));
        count
    }
}

impl SendResult {
    /// Waits for the result.
    ///
    /// # Errors
    /// The driver's error for the event; [`ErrorKind::InDoubt`] if the task has ended.
    ///
    /// # Cancel safety
    /// If the future is dropped, an event that the driver does not have yet is not published.
    pub(super) async fn wait(self) -> Result<()> {
        self.0.await.unwrap_or_else(|_| {
            let text = "sending ended before the broker replied: the event may have been published";
            Err(Error::new(ErrorKind::InDoubt, text))
        })
    }
}

impl Send {
    /// Sends the result to the caller; the caller may have gone.
    pub(super) fn answer(self, result: Result<()>) {
        let _ = self.reply.send(result);
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the publisher is closed")
}
