use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustix::net::sockopt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use super::counters::LinkCounters;
use super::in_doubt::InDoubt;
use super::outbox::Outbox;
use super::unacked_window::UnackedWindow;
use crate::connect::Connected;
use crate::hop::{ACK, Introduction, REFUSED, Refusal, read_ack};
use crate::protocol::{Command, Decoded, EventDecoder, SocketType};

/// One connection to the service, from its handshake to its end.
pub(super) struct PushConnection<'a> {
    stream: UnixStream,
    outbox: &'a Outbox,
    counters: &'a LinkCounters,
    window: &'a mut UnackedWindow,
    arrived: BytesMut,
    decoder: EventDecoder,
    /// To be written between two events: the introduction, PINGs and PONGs.
    commands: Vec<u8>,
    /// A PING is in the commands.
    pings: bool,
    knows_ping: bool,
    ping_every: Duration,
    ping_due: Instant,
    manner: Manner,
}

/// Whether the service acknowledges events.
enum Manner {
    /// It acknowledges them: they are kept until then.
    Acknowledged,
    /// It is a PULL: what is written is gone, and may be in doubt.
    HandedOver(InDoubt),
}

/// How a connection ended, if it did not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finished;

/// While this number of bytes waits for a service that does not read, it gets no further PONG.
const MAX_COMMAND_BYTES: usize = 4096;

/// More than any control message of a service has; a larger message is skipped.
const MAX_WORD_BYTES: usize = 1024;

/// The send buffer counts whole segments; one is begun while there is any room (unix(7), Linux).
const SEGMENT_BYTES: usize = 64 * 1024;

impl<'a> PushConnection<'a> {
    /// A connection as DEALER introduces `worker` first.
    pub(super) fn new(
        connected: Connected<UnixStream>,
        worker: u64,
        ping_every: Duration,
        (outbox, counters): (&'a Outbox, &'a LinkCounters),
        window: &'a mut UnackedWindow,
    ) -> Self {
        let Connected { stream, peer, arrived, .. } = connected;
        let mut commands = Vec::new();
        let manner = if peer.own_type == SocketType::Dealer {
            let (first, sent_before) = (window.first(), window.highest());
            Introduction { worker, first, sent_before }.put(&mut commands);
            Manner::Acknowledged
        } else {
            let size = sockopt::socket_send_buffer_size(&stream);
            Manner::HandedOver(InDoubt::new(size.map_or(usize::MAX, |size| size + SEGMENT_BYTES)))
        };
        Self {
            stream,
            outbox,
            counters,
            window,
            arrived,
            decoder: EventDecoder::with_payloads_up_to(MAX_WORD_BYTES),
            commands,
            pings: false,
            knows_ping: peer.speaks_3_1(),
            ping_every,
            ping_due: Instant::now() + ping_every,
            manner,
        }
    }

    /// Puts all kept events back. Returns the number of events that were written and perhaps not read, and of those that are to
    /// be written again.
    pub(super) fn break_off(self) -> (u64, u64) {
        let (in_doubt, again) = match &self.manner {
            Manner::Acknowledged => (0, self.window.unacknowledged()),
            Manner::HandedOver(doubt) => (doubt.events(), 0),
        };
        self.window.rewind();
        (in_doubt, again)
    }

    /// Carries what is under way and what comes into the outbox, until the outbox is closed and nothing is kept any more.
    ///
    /// # Errors
    /// The reason, if the connection broke.
    pub(super) async fn run(&mut self) -> Result<Finished, String> {
        self.hear()?;
        loop {
            if self.window.rest().is_empty()
                && let Some(next) = self.outbox.take()
            {
                self.window.add(next);
            }
            let writes = !self.window.rest().is_empty() || !self.commands.is_empty();
            if !writes && self.outbox.is_finished() {
                self.farewell().await;
                return Ok(Finished);
            }
            let asks = self.is_worth_asking();
            tokio::select! {
                biased;
                // A service that is gone is noticed before it receives more.
                ready = self.stream.readable() => {
                    ready.map_err(in_words)?;
                    self.read()?;
                }
                () = sleep_until(self.ping_due), if asks => self.ask(),
                ready = self.stream.writable(), if writes => {
                    ready.map_err(in_words)?;
                    self.write()?;
                }
                () = self.outbox.filled(), if !writes => {}
            }
        }
    }

    fn read(&mut self) -> Result<(), String> {
        self.arrived.reserve(MAX_WORD_BYTES);
        match self.stream.try_read_buf(&mut self.arrived) {
            Ok(0) => Err("it closed the connection".to_owned()),
            Ok(_) => self.hear(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(in_words(error)),
        }
    }

    /// A PULL sends only PING and PONG; messages other than acknowledgements and refusals are skipped.
    fn hear(&mut self) -> Result<(), String> {
        let mut acknowledged = None;
        loop {
            let (used, said) = self.decoder.next(&self.arrived).map_err(|error| error.to_string())?;
            match said {
                Decoded::Incomplete => {
                    self.arrived.advance(used);
                    return acknowledged.map_or(Ok(()), |up_to| self.acknowledge(up_to));
                }
                Decoded::Command(Command::Ping { context, .. }) => {
                    self.knows_ping = true;
                    if self.commands.len() < MAX_COMMAND_BYTES {
                        Command::put_pong(&mut self.commands, context);
                    }
                }
                Decoded::Command(Command::Pong) => {
                    if let Manner::HandedOver(doubt) = &mut self.manner {
                        doubt.answered();
                    }
                }
                Decoded::Event { topic, payload } if self.arrived.get(topic.clone()) == Some(ACK) => {
                    let payload = self.arrived.get(payload).unwrap_or_default();
                    let up_to = read_ack(payload).ok_or("it sent a malformed acknowledgement")?;
                    acknowledged = acknowledged.max(Some(up_to));
                }
                Decoded::Event { topic, payload } if self.arrived.get(topic.clone()) == Some(REFUSED) => {
                    let payload = self.arrived.get(payload).unwrap_or_default();
                    self.counters.refused(Refusal::read(payload).ok_or("it sent a malformed refusal")?);
                }
                Decoded::Event { .. } | Decoded::Dropped(_) | Decoded::Command(_) => {}
            }
            self.arrived.advance(used);
        }
    }

    fn acknowledge(&mut self, up_to: u64) -> Result<(), String> {
        if let Manner::HandedOver(_) = self.manner {
            return Ok(());
        }
        let gone = self.window.acknowledge(up_to).ok_or("it acknowledged events that were not sent to it")?;
        self.counters.acknowledged.add(gone.events as u64);
        self.outbox.release(gone, self.window.done());
        Ok(())
    }

    fn is_worth_asking(&self) -> bool {
        match &self.manner {
            Manner::Acknowledged => false,
            Manner::HandedOver(doubt) => self.knows_ping && !self.pings && doubt.is_worth_asking(),
        }
    }

    /// A PONG will prove that everything before the PING was read. A service that does not answer is slow, not dead: the kernel
    /// reports at once when it is gone, and a disconnect would only put in doubt what it has not read.
    fn ask(&mut self) {
        Command::Ping { ttl: 0, context: b"" }.put(&mut self.commands);
        self.pings = true;
    }

    fn write(&mut self) -> Result<(), String> {
        // An event that was begun is finished first: no command stands within it.
        let commands = !self.commands.is_empty() && self.window.is_between_events();
        let bytes = if commands { &self.commands } else { self.window.rest() };
        let count = match self.stream.try_write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(in_words(error)),
        };
        if commands {
            self.commands.drain(..count);
            if self.commands.is_empty()
                && std::mem::take(&mut self.pings)
                && let Manner::HandedOver(doubt) = &mut self.manner
            {
                doubt.asked();
                self.ping_due = Instant::now() + self.ping_every;
            }
        } else {
            self.written(count);
        }
        Ok(())
    }

    fn written(&mut self, count: usize) {
        let whole = self.window.advance(count);
        self.counters.handed_over.add(whole.new);
        self.counters.resent.add(whole.again);
        if let Manner::HandedOver(doubt) = &mut self.manner {
            doubt.written(whole.new + whole.again, count);
            self.counters.unconfirmed.add(whole.new + whole.again);
            self.outbox.release(self.window.release_written(), self.window.done());
        }
    }

    /// Ends the connection so that nothing is lost with it, and waits until the service has read all and closes too; what is
    /// acknowledged was read.
    ///
    /// Only our direction is shut: a libzmq PULL above its high-water mark drops what it has not read when both are
    /// (EPOLLHUP). What the service sends in the meantime is read and dropped: unread bytes at a close reach it as
    /// ECONNRESET (Linux, `unix_release_sock`). The caller that closes the outbox bounds the time.
    async fn farewell(&mut self) {
        if self.stream.shutdown().await.is_err() || matches!(self.manner, Manner::Acknowledged) {
            return;
        }
        let mut said = [0; 1024];
        while self.stream.read(&mut said).await.is_ok_and(|count| count > 0) {}
    }
}

fn in_words(error: io::Error) -> String {
    error.to_string()
}
