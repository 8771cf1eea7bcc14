use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{
    Batch, Error, ErrorKind, PeerReading, Posture, Publisher, Result, Status, Topic, Verdict, wire,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::counters::LinkCounters;
use super::link::PushLink;
use super::outbox::{MAX_BYTES, Offered, Outbox};
use crate::ZmtpSettings;

/// The worker's end of the IPC hop: it pushes to `publisher_multiproc_socket`, to which it connects at the first `send`.
///
/// Making it and `initialize` start nothing, so that both may happen before `fork`. From the first `send` on, a task of the
/// current runtime holds the link. It connects as DEALER, and keeps each event until the service acknowledges it; when a
/// connection breaks, what was not acknowledged is sent again over the next one, in order and before anything newer.
///
/// An event that the service refuses for good makes `flush` fail, with the reason: each one that is under way then, and otherwise
/// the next one, or `close`.
///
/// To a service that has no place for a DEALER, such as Dragonflow's own, it is a PUSH. Then an event is handed over when
/// its last byte is written, and not confirmed (`events_unconfirmed`, one warning); when the connection breaks, the event
/// that is not whole is sent again, and what was written and possibly not read is in doubt: counted (`events_in_doubt`),
/// and not sent again.
#[derive(Debug)]
pub struct PushPublisher {
    settings: ZmtpSettings,
    outbox: Arc<Outbox>,
    link: Mutex<Link>,
    /// Whether the link runs, or was closed: then it need not be looked at.
    begun: AtomicBool,
    counters: Arc<LinkCounters>,
}

#[derive(Debug)]
enum Link {
    /// Nothing was sent yet.
    New,
    /// It returns the number of events that it dropped.
    Running(JoinHandle<usize>),
    Closed,
}

impl PushPublisher {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        Self {
            outbox: Arc::new(Outbox::new(settings.send_queue_events)),
            settings,
            link: Mutex::new(Link::New),
            begun: AtomicBool::new(false),
            counters: Arc::default(),
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first call starts the link.
    fn begin(&self) {
        if self.begun.load(Ordering::Acquire) {
            return;
        }
        let mut link = self.link();
        if let Link::New = *link {
            let carrier = PushLink::new(&self.settings, &self.outbox, &self.counters);
            *link = Link::Running(tokio::spawn(carrier.run()));
        }
        self.begun.store(true, Ordering::Release);
    }

    /// Calls `offer` until it finds room, at most for `send_timeout`.
    async fn accept(&self, mut offer: impl FnMut(&Outbox) -> Result<Offered> + Send) -> Result<()> {
        self.begin();
        let mut offered = offer(&self.outbox)?;
        if offered == Offered::Full {
            let mut settled = |outbox: &Outbox| match offer(outbox) {
                Ok(Offered::Full) => None,
                settled => Some(settled),
            };
            let waiting = self.outbox.when_room(&mut settled);
            offered = timeout(self.settings.send_timeout, waiting).await.map_err(|_| self.overloaded())??;
        }
        match offered {
            Offered::Accepted => Ok(()),
            Offered::Full => Err(self.overloaded()),
            Offered::Closed => Err(Error::closed("publisher")),
        }
    }

    fn overloaded(&self) -> Error {
        self.counters.overloaded.add(1);
        let (waited, bound, socket) =
            (self.settings.send_timeout, self.settings.send_queue_events, self.settings.socket.display());
        let text = format!(
            "the queue of {bound} events (drivers.zmtp.send_queue_events) and {MAX_BYTES} bytes to {socket} was full for \
             {waited:?}: is the publisher service running, and does it keep up?"
        );
        Error::new(ErrorKind::Overloaded, text)
    }
}

#[async_trait]
impl Publisher for PushPublisher {
    async fn initialize(&self) -> Result<()> {
        listen::check_path(&self.settings.socket)
    }

    fn posture(&self) -> Vec<Posture> {
        let socket = self.settings.socket.display();
        let state = format!("its socket {socket} is on this host, and identifies the user of this process");
        vec![Posture::new("service", Verdict::Good, state)]
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        wire::check_size(&payload)?;
        self.accept(|outbox| Ok(outbox.offer(topic.as_bytes(), &payload))).await
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        while !batch.is_empty() {
            self.accept(|outbox| outbox.offer_batch(batch)).await?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        let (accepted, mut gone) = self.outbox.progress();
        let known = self.counters.reported_refusals();
        while timeout(self.settings.send_timeout, self.outbox.gone(accepted)).await.is_err() {
            let (_, gone_now) = self.outbox.progress();
            if gone_now == gone {
                let (left, socket) = (accepted.saturating_sub(gone), self.settings.socket.display());
                let why = self.counters.failure();
                let text = format!("{left} events are not confirmed by {socket}: {why}");
                return Err(Error::new(ErrorKind::Unavailable, text));
            }
            gone = gone_now;
        }
        self.counters.report_refusals(known)
    }

    async fn close(&self) -> Result<()> {
        let link = std::mem::replace(&mut *self.link(), Link::Closed);
        self.begun.store(true, Ordering::Release);
        self.outbox.close();
        let Link::Running(link) = link else { return Ok(()) };
        // A link that ended with its runtime has dropped nothing itself.
        let left = link.await.unwrap_or_else(|_| self.outbox.drop_rest());
        if left == 0 {
            return self.counters.report_refusals(self.counters.reported_refusals());
        }
        let (linger, socket) = (self.settings.linger, self.settings.socket.display());
        let why = self.counters.failure();
        let text = format!("{left} events were not confirmed by {socket} within linger ({linger:?}): {why}");
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    fn endpoint(&self) -> Option<String> {
        Some(format!("ipc://{}", self.settings.socket.display()))
    }

    fn status(&self) -> Status {
        let peers = vec![PeerReading {
            endpoint: format!("ipc://{}", self.settings.socket.display()),
            state: self.counters.state().to_owned(),
        }];
        Status { counters: self.counters.read(), queues: self.outbox.read(), peers, ..Status::default() }
    }
}

impl Drop for PushPublisher {
    /// The link hands over what was accepted and has it acknowledged, within `linger`, and ends.
    fn drop(&mut self) {
        self.outbox.close();
    }
}
