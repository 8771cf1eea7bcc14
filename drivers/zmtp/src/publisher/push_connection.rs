use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustix::net::sockopt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use super::push_doubt::Doubt;
use super::push_link::LinkReadings;
use super::push_outbox::Outbox;
use super::push_outbox::chunk::Chunk;
use crate::connect::Connected;
use crate::protocol::{Command, PeerDecoder, PeerSays};

/// One connection to the service, from its handshake to its end.
pub(super) struct PushConnection<'a> {
    stream: UnixStream,
    outbox: &'a Outbox,
    readings: &'a LinkReadings,
    arrived: BytesMut,
    decoder: PeerDecoder,
    /// To be written between two chunks: PINGs and PONGs.
    commands: Vec<u8>,
    /// A PING is in the commands.
    pings: bool,
    knows_ping: bool,
    ping_every: Duration,
    ping_due: Instant,
    doubt: Doubt,
}

/// How a connection ended, if it did not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finished;

/// A service that does not take our answers gets none while so many bytes of them wait.
const MAX_COMMAND_BYTES: usize = 4096;

/// The send buffer counts whole segments; one is begun while there is any room (unix(7), Linux).
const SEGMENT_BYTES: usize = 64 * 1024;

impl<'a> PushConnection<'a> {
    pub(super) fn new(
        connected: Connected<UnixStream>,
        ping_every: Duration,
        outbox: &'a Outbox,
        readings: &'a LinkReadings,
    ) -> Self {
        let Connected { stream, peer, arrived } = connected;
        let kernel_bytes =
            sockopt::socket_send_buffer_size(&stream).map_or(usize::MAX, |size| size + SEGMENT_BYTES);
        Self {
            stream,
            outbox,
            readings,
            arrived,
            decoder: PeerDecoder::default(),
            commands: Vec::new(),
            pings: false,
            knows_ping: peer.speaks_3_1(),
            ping_every,
            ping_due: Instant::now() + ping_every,
            doubt: Doubt::new(kernel_bytes),
        }
    }

    /// How many events were written and may not have been read.
    pub(super) fn in_doubt(&self) -> u64 {
        self.doubt.events()
    }

    /// Hands over what comes into the outbox, `chunk` first, until all is written and the outbox is closed.
    ///
    /// # Errors
    /// The reason, if the connection broke.
    pub(super) async fn run(&mut self, chunk: &mut Chunk) -> Result<Finished, String> {
        self.hear()?;
        loop {
            if chunk.rest().is_empty()
                && let Some(next) = self.outbox.take()
            {
                self.outbox.recycle(std::mem::replace(chunk, next));
            }
            let writes = !chunk.rest().is_empty() || !self.commands.is_empty();
            if !writes && self.outbox.is_finished() {
                self.farewell().await;
                return Ok(Finished);
            }
            let asks = self.knows_ping && !self.pings && self.doubt.is_worth_asking();
            tokio::select! {
                biased;
                // Who is gone is noticed before it is given more.
                ready = self.stream.readable() => {
                    ready.map_err(in_words)?;
                    self.read()?;
                }
                () = sleep_until(self.ping_due), if asks => self.ask(),
                ready = self.stream.writable(), if writes => {
                    ready.map_err(in_words)?;
                    self.write(chunk)?;
                }
                () = self.outbox.filled(), if !writes => {}
            }
        }
    }

    fn read(&mut self) -> Result<(), String> {
        match self.stream.try_read_buf(&mut self.arrived) {
            Ok(0) => Err("it closed the connection".to_owned()),
            Ok(_) => self.hear(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(in_words(error)),
        }
    }

    /// A PULL says nothing but PING and PONG.
    fn hear(&mut self) -> Result<(), String> {
        loop {
            let (used, said) = self.decoder.next(&self.arrived).map_err(|error| error.to_string())?;
            match said {
                PeerSays::Incomplete => return Ok(()),
                PeerSays::Ping { context, .. } => {
                    self.knows_ping = true;
                    if self.commands.len() < MAX_COMMAND_BYTES {
                        Command::put_pong(&mut self.commands, context);
                    }
                }
                PeerSays::Pong => self.doubt.answered(),
                PeerSays::Subscribe(_) | PeerSays::Cancel(_) | PeerSays::Other => {}
            }
            self.arrived.advance(used);
        }
    }

    /// A PONG will prove what was written before the PING. A service that does not answer is slow, and not dead: the kernel
    /// tells at once when it is gone, and to leave it would only put in doubt what it has not read.
    fn ask(&mut self) {
        Command::Ping { ttl: 0, context: b"" }.put(&mut self.commands);
        self.pings = true;
    }

    fn write(&mut self, chunk: &mut Chunk) -> Result<(), String> {
        // A chunk that was begun is finished first: no command stands within an event.
        let commands = !self.commands.is_empty() && (chunk.is_untouched() || chunk.rest().is_empty());
        let bytes = if commands { &self.commands } else { chunk.rest() };
        let count = match self.stream.try_write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(in_words(error)),
        };
        if commands {
            self.commands.drain(..count);
            if self.commands.is_empty() && std::mem::take(&mut self.pings) {
                self.doubt.asked();
                self.ping_due = Instant::now() + self.ping_every;
            }
            return Ok(());
        }
        let whole = chunk.advance(count);
        self.doubt.written(whole.events as u64, count);
        self.readings.handed_over.add(whole.events as u64);
        self.outbox.written(whole.events, whole.bytes);
        Ok(())
    }

    /// Ends the connection so that nothing is lost with it, and waits until the service has read all and closes too.
    ///
    /// Only our direction is shut: a libzmq PULL behind its high-water mark drops what it has not read when both are
    /// (EPOLLHUP). What the service says meanwhile is read away: bytes that nobody has read at a close reach it as
    /// ECONNRESET (Linux, `unix_release_sock`). Whoever closes the outbox bounds the time.
    async fn farewell(&mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let mut said = [0; 1024];
        while self.stream.read(&mut said).await.is_ok_and(|count| count > 0) {}
    }
}

fn in_words(error: io::Error) -> String {
    error.to_string()
}
