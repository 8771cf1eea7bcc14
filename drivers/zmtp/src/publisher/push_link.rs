use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pubsub_api::{Backoff, Counter, CounterReading};
use tokio::time::sleep;

use super::push_connection::PushConnection;
use super::push_outbox::Outbox;
use super::push_outbox::chunk::Chunk;
use crate::ZmtpSettings;
use crate::connect::{self, ConnectError, ToldOnce};
use crate::protocol::SocketType;

/// Carries events from a worker's outbox to the service's socket, connecting again whenever the connection breaks.
pub(super) struct PushLink {
    settings: ZmtpSettings,
    outbox: Arc<Outbox>,
    readings: Arc<LinkReadings>,
    /// Taken from the outbox, and not yet written whole.
    chunk: Chunk,
}

/// What the link tells of itself.
///
/// - `events_handed_over`: events whose last byte was written to the service's socket.
/// - `links_lost`: connections that broke.
/// - `events_in_doubt`: events that were handed over to a connection which then broke, and of which it is not known that
///   the service had read them. They are not sent again.
#[derive(Debug)]
pub(super) struct LinkReadings {
    up: AtomicBool,
    pub(super) handed_over: Counter,
    links_lost: Counter,
    in_doubt: Counter,
    dropped: Counter,
}

impl Default for LinkReadings {
    fn default() -> Self {
        Self {
            up: AtomicBool::new(false),
            handed_over: Counter::new("events_handed_over"),
            links_lost: Counter::new("links_lost"),
            in_doubt: Counter::new("events_in_doubt"),
            dropped: Counter::with_cause("events_dropped", "closed"),
        }
    }
}

impl LinkReadings {
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        [&self.handed_over, &self.links_lost, &self.in_doubt, &self.dropped].map(Counter::read).into()
    }
}

impl PushLink {
    pub(super) fn new(settings: &ZmtpSettings, outbox: &Arc<Outbox>, readings: &Arc<LinkReadings>) -> Self {
        Self {
            settings: settings.clone(),
            outbox: Arc::clone(outbox),
            readings: Arc::clone(readings),
            chunk: Chunk::default(),
        }
    }

    /// Runs until the outbox is closed and all is handed over, or `linger` is over then. Tells how many events were
    /// dropped.
    pub(super) async fn run(mut self) -> usize {
        let (outbox, linger) = (Arc::clone(&self.outbox), self.settings.linger);
        tokio::select! {
            biased;
            () = self.carry() => {}
            () = lingered(&outbox, linger) => {}
        }
        let left = outbox.drop_rest();
        self.readings.up.store(false, Ordering::Relaxed);
        self.readings.dropped.add(left as u64);
        left
    }

    async fn carry(&mut self) {
        let (mut backoff, mut told) = (Backoff::default(), ToldOnce::default());
        while !self.outbox.is_finished() {
            if self.connect_and_serve(&mut backoff, &mut told).await {
                return;
            }
            tokio::select! {
                () = sleep(backoff.next_delay(fastrand::f64())) => {}
                () = self.outbox.closed(true) => {}
            }
        }
    }

    /// Whether all is done.
    async fn connect_and_serve(&mut self, backoff: &mut Backoff, told: &mut ToldOnce) -> bool {
        let path = self.settings.socket.display();
        let connecting = connect::unix(&self.settings.socket, SocketType::Push, &self.settings);
        let connected = tokio::select! {
            connected = connecting => connected,
            () = self.outbox.closed(true) => return true,
        };
        let connected = match connected {
            Ok(connected) => connected,
            Err(reason) => {
                match (told.untold(&reason), reason) {
                    (Some(text), ConnectError::Refused(_)) => {
                        tracing::warn!("{path} is no publisher service: {text}")
                    }
                    (Some(text), _) => tracing::debug!("no publisher service at {path}: {text}"),
                    (None, _) => {}
                }
                return false;
            }
        };
        backoff.reset();
        told.forget();
        let ping_every = self.settings.heartbeat_interval;
        let mut connection = PushConnection::new(connected, ping_every, &self.outbox, &self.readings);
        self.readings.up.store(true, Ordering::Relaxed);
        let ended = connection.run(&mut self.chunk).await;
        self.readings.up.store(false, Ordering::Relaxed);
        let Err(reason) = ended else { return true };
        let in_doubt = connection.in_doubt();
        self.chunk.rewind();
        self.readings.in_doubt.add(in_doubt);
        self.readings.links_lost.add(1);
        tracing::warn!("lost the publisher service at {path}: {reason}; {in_doubt} events are in doubt");
        false
    }
}

async fn lingered(outbox: &Outbox, linger: Duration) {
    outbox.closed(false).await;
    sleep(linger).await;
}
