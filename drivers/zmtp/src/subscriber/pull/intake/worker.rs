mod reporting;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use pubsub_api::{Batch, PeerId, PeerReading};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::acknowledgements::AckSlot;
use super::blocks::WorkerBytes;
use super::{Ends, Intake};
use crate::hop::put_ack;
use crate::protocol::{Command, Handshake, Heartbeat, Peer, Pulse, SocketType};
use crate::subscriber::pull::publish_rights::PublishRights;
use reporting::CloseReason;

/// One worker's connection.
#[derive(Debug)]
pub(super) struct Worker {
    intake: Arc<Intake>,
    peer: u64,
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    bytes: WorkerBytes,
    /// The messages for it that were not written yet.
    pending: Vec<u8>,
    acks: Arc<AckSlot>,
    /// The last number that was acknowledged to it, or is being acknowledged.
    acknowledged: u64,
}

/// The socket types of workers.
const SERVED: &[SocketType] = &[SocketType::Push, SocketType::Dealer];

/// The most bytes of unsent replies to a worker; further replies are dropped.
const MAX_PENDING_REPLY_BYTES: usize = 32 * 1024;

impl Worker {
    /// A worker that was let in; it is in the list of peers until it is dropped.
    pub(super) fn new(
        intake: Arc<Intake>,
        peer: u64,
        stream: UnixStream,
        name: String,
        rights: PublishRights,
    ) -> Self {
        let reading = PeerReading { endpoint: name, state: "connecting".to_owned() };
        intake.peers().insert(peer, reading);
        let acks = intake.acknowledgements.open(peer);
        let (reader, writer) = stream.into_split();
        let (bytes, pending) = (WorkerBytes::new(rights), Vec::new());
        Self { intake, peer, reader, writer, bytes, pending, acks, acknowledged: 0 }
    }

    /// Serves it until it leaves or the intake stops.
    pub(super) async fn serve(self, mut ends: Ends) {
        // A task that waits for the end of `ends` must find the connection closed.
        self.serve_until_it_leaves(&mut ends).await;
    }

    async fn serve_until_it_leaves(mut self, ends: &mut Ends) {
        let handshake = timeout(self.intake.settings.handshake_timeout, self.shake_hands());
        let met = tokio::select! {
            () = ends.stopping.asked() => return,
            met = handshake => met,
        };
        let leaving = match met {
            Ok(Ok(peer)) => self.read(peer, ends).await,
            Ok(Err(CloseReason::Gone)) => CloseReason::GoneInHandshake,
            Ok(Err(leaving)) => leaving,
            Err(_) => CloseReason::Refused(
                "handshake_timeout",
                "its handshake exceeded handshake_timeout".to_owned(),
            ),
        };
        self.leave(leaving);
    }

    async fn shake_hands(&mut self) -> Result<Peer, CloseReason> {
        let mut machine = Handshake::listener(SERVED, &mut self.pending);
        loop {
            let taken = machine.take(self.bytes.bytes(), &mut self.pending);
            // Before the worker hears that it is through: from then on it must not be ended for another.
            if matches!(taken, Ok((_, Some(_)))) && !self.intake.handshakes.end(self.peer) {
                return Err(CloseReason::Stopping);
            }
            self.write_replies();
            let (used, met) = taken?;
            self.bytes.handshake(used);
            if let Some(peer) = met {
                if let Some(reading) = self.intake.peers().get_mut(&self.peer) {
                    "up".clone_into(&mut reading.state);
                }
                if peer.socket_type == SocketType::Dealer {
                    self.bytes.is_of_a_dealer(PeerId(self.peer));
                }
                return Ok(peer);
            }
            if self.reader.read_buf(self.bytes.room()).await? == 0 {
                return Err(CloseReason::Gone);
            }
        }
    }

    async fn read(&mut self, peer: Peer, ends: &mut Ends) -> CloseReason {
        match self.read_on(peer, ends).await {
            Ok(never) => match never {},
            Err(leaving) => leaving,
        }
    }

    async fn read_on(
        &mut self,
        peer: Peer,
        ends: &mut Ends,
    ) -> Result<std::convert::Infallible, CloseReason> {
        let settings = &self.intake.settings;
        let (beat, dead_after) = (settings.heartbeat_interval, settings.dead_after);
        let mut heartbeat = Heartbeat::new(beat, dead_after, peer.speaks_3_1(), Instant::now());
        let mut ticks = interval(beat / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What came together with the handshake.
        self.take_apart(ends, &mut heartbeat).await?;
        loop {
            // What waits to be read is life, and is looked at before the clock: we may have been suspended.
            tokio::select! {
                biased;
                () = ends.stopping.asked() => {
                    self.write_replies();
                    return Err(CloseReason::Stopping);
                }
                read = self.reader.read_buf(self.bytes.room()) => {
                    self.was_read(read?, ends, &mut heartbeat).await?;
                }
                ready = self.writer.writable(), if !self.pending.is_empty() => {
                    ready?;
                    self.write_replies();
                }
                () = self.acks.raised() => self.write_replies(),
                _ = ticks.tick() => match heartbeat.tick(Instant::now()) {
                    Pulse::Quiet => {}
                    Pulse::Ping => {
                        Command::Ping { ttl: 0, context: b"" }.put(&mut self.pending);
                        self.write_replies();
                    }
                    Pulse::Dead => return Err(CloseReason::Refused("dead", "it sent no sign of life".to_owned())),
                },
            }
            if heartbeat.awaits_writing() && self.pending.is_empty() {
                heartbeat.ping_written(Instant::now());
            }
        }
    }

    async fn was_read(
        &mut self,
        count: usize,
        ends: &mut Ends,
        heartbeat: &mut Heartbeat,
    ) -> Result<(), CloseReason> {
        if count == 0 {
            return Err(CloseReason::Gone);
        }
        let filled = self.bytes.was_read(count);
        self.take_apart(ends, heartbeat).await?;
        // It was not read from while its block waited for room: its silence was ours.
        heartbeat.heard(Instant::now());
        if filled {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn take_apart(&mut self, ends: &mut Ends, heartbeat: &mut Heartbeat) -> Result<(), CloseReason> {
        let apart = self.bytes.take_apart(&self.intake.counters.dropped);
        self.report_refused(&apart.refused);
        if let Some(time_to_live) = apart.pinged {
            heartbeat.pinged(time_to_live);
        }
        if !apart.answers.is_empty() && self.pending.len() < MAX_PENDING_REPLY_BYTES {
            self.pending.extend_from_slice(&apart.answers);
            self.write_replies();
        }
        if !apart.batch.is_empty() || !apart.batch.sources().is_empty() {
            self.hand_on(ends, apart.batch, apart.bytes).await;
        }
        if ends.stopping.is_asked() {
            self.write_replies();
            return Err(CloseReason::Stopping);
        }
        apart.broken.map_or(Ok(()), |breach| Err(breach.into()))
    }

    /// Hands a block's events on; waits for room. Meanwhile the worker hears what was accepted of what it sent before.
    async fn hand_on(&mut self, ends: &mut Ends, batch: Batch, bytes: usize) {
        self.intake.counters.received.add(batch.len() as u64);
        let Ends { blocks, stopping } = ends;
        let mut sending = pin!(blocks.send(batch, bytes));
        loop {
            tokio::select! {
                biased;
                () = &mut sending => return,
                () = stopping.asked() => {
                    self.write_replies();
                    stopping.heard();
                }
                () = self.acks.raised() => self.write_replies(),
                ready = self.writer.writable(), if !self.pending.is_empty() => match ready {
                    Ok(()) => self.write_replies(),
                    Err(_) => self.pending.clear(),
                },
            }
        }
    }

    /// Writes pending replies until the socket would block, and an acknowledgement when no other reply waits: so a worker that
    /// does not read costs one acknowledgement at most. A worker that is gone receives nothing, but what it wrote before
    /// counts: only reading ends the connection.
    fn write_replies(&mut self) {
        loop {
            self.acknowledge();
            if self.pending.is_empty() {
                return;
            }
            match self.writer.try_write(&self.pending) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.pending.clear(),
            }
        }
    }

    fn acknowledge(&mut self) {
        let due = self.acks.due();
        if self.pending.is_empty() && due > self.acknowledged && self.bytes.are_numbered() {
            if let Some(refusal) = self.acks.take_refusal() {
                refusal.put(&mut self.pending);
            }
            put_ack(&mut self.pending, due);
            self.acknowledged = due;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.intake.handshakes.end(self.peer);
        self.intake.acknowledgements.close(self.peer);
        self.intake.peers().remove(&self.peer);
        self.intake.counters.left.add(1);
    }
}
