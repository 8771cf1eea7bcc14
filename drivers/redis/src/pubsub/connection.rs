use std::io;
use std::time::Duration;

use bytes::BytesMut;
use pubsub_api::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use super::denied::{Wish, denied};
use super::node::Node;
use super::server_report::ServerReport;
use super::wire::{Bounds, Decoder, Frame, command};
use crate::servers::{Endpoint, Login, Stream, dial, refused};

/// How much is read at a time.
const READ_BYTES: usize = 64 * 1024;

/// A connection of its own to one node: one end writes commands to it and reads frames, in order.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) node: Node,
    /// As whom it is logged in.
    user: String,
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    decoder: Decoder,
    input: BytesMut,
    /// What is to be written; whoever appends to it bounds it.
    pub(super) out: BytesMut,
    /// How many bytes were written since the connection stands.
    written: u64,
    unflushed: bool,
}

/// What [`Connection::exchange`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchanged {
    /// It wrote.
    Wrote,
    /// It read: frames may be there.
    Read,
}

impl Connection {
    /// Connects and logs in, and waits for a first answer: the kernel accepts connections for a server that hangs. Any answer
    /// is a sign of life, also a refusal such as MISCONF, LOADING, MASTERDOWN or BUSY: a server that refuses PING so serves
    /// PUBLISH and SUBSCRIBE. The caller bounds the time; `silence` is after how long TCP gives up.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the password is refused or missing, else mostly [`ErrorKind::Unavailable`].
    pub(super) async fn open(node: Node, login: &Login, silence: Duration) -> Result<Self> {
        let stream = dial(&node.endpoint, login, silence).await?;
        let (reader, writer) = split(stream);
        let mut connection = Self {
            node,
            user: login.info().username().unwrap_or("default").to_owned(),
            reader,
            writer,
            decoder: Decoder::new(Bounds::PUBSUB),
            input: BytesMut::new(),
            out: BytesMut::new(),
            written: 0,
            unflushed: false,
        };
        connection.log_in(login).await?;
        match connection.ask(&[b"PING"], Bounds::PUBSUB).await? {
            Frame::Refused(line) if shuts_out(&line) => Err(connection.refused(&line)),
            _ => Ok(connection),
        }
    }

    /// What the server said is left out on purpose: one that does not know AUTH repeats its arguments, which are the password.
    async fn log_in(&mut self, login: &Login) -> Result<()> {
        let Some(password) = login.info().password() else { return Ok(()) };
        let mut arguments: Vec<&[u8]> = vec![b"AUTH"];
        arguments.extend(login.info().username().map(str::as_bytes));
        arguments.push(password.as_bytes());
        if let Frame::Refused(line) = self.ask(&arguments, Bounds::PUBSUB).await? {
            if shuts_out(&line) && !line.starts_with("WRONGPASS") {
                return Err(self.refused(&line));
            }
            let text = format!(
                "{} refuses the password for {}: look at drivers.redis.user and what {} holds",
                self.endpoint(),
                login.who(),
                login.password_setting()
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(())
    }

    /// Sends one command and waits for its answer; for connections on which nothing else is under way.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the connection ends first, or what came is not Redis.
    pub(super) async fn ask(&mut self, arguments: &[&[u8]], bounds: Bounds) -> Result<Frame> {
        self.decoder = Decoder::new(bounds);
        command(&mut self.out, arguments);
        let answer = loop {
            let next = self.next_frame();
            match next {
                Ok(Some(frame)) => break Ok(frame),
                Ok(None) => {}
                Err(reason) => break Err(reason),
            }
            if let Err(reason) = self.exchange().await {
                break Err(reason);
            }
        };
        self.decoder = Decoder::new(Bounds::PUBSUB);
        answer.map_err(|reason| {
            Error::new(ErrorKind::Unavailable, format!("no answer of {}: {reason}", self.endpoint()))
        })
    }

    /// What the server reports about itself.
    ///
    /// # Errors
    /// As of [`ask`](Self::ask).
    pub(super) async fn report(&mut self) -> Result<ServerReport> {
        let role = self.ask(&[b"ROLE"], Bounds::ROLE).await?;
        let info = self.ask(&[b"INFO"], Bounds::PUBSUB).await?;
        Ok(ServerReport::read(&role, &info))
    }

    /// Sets how large the frames may be that come from now on.
    pub(super) fn expect(&mut self, bounds: Bounds) {
        self.decoder = Decoder::new(bounds);
    }

    /// A frame of what was read; `None` until more has come.
    ///
    /// # Errors
    /// In words, if what came is not Redis.
    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, String> {
        self.decoder.next(&mut self.input).map_err(|_| {
            format!("what listens at {} does not speak the protocol of Redis", self.node.endpoint)
        })
    }

    /// Writes what is to be written or reads what comes, whichever is possible first.
    ///
    /// # Errors
    /// In words, if the connection has ended.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost.
    pub(super) async fn exchange(&mut self) -> Result<Exchanged, String> {
        let Self { reader, writer, input, out, written, unflushed, .. } = self;
        input.reserve(READ_BYTES);
        tokio::select! {
            read = reader.read_buf(input) => match read {
                Ok(0) => Err("the server closed the connection".to_owned()),
                Ok(_) => Ok(Exchanged::Read),
                Err(error) => Err(lost(&error)),
            },
            wrote = write_or_flush(writer, out), if !out.is_empty() || *unflushed => match wrote {
                Ok(bytes) => {
                    *written += bytes as u64;
                    *unflushed = bytes > 0;
                    Ok(Exchanged::Wrote)
                }
                Err(error) => Err(lost(&error)),
            },
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.node.endpoint
    }

    /// How many bytes were written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// How many bytes will have been written when all that is in `out` is.
    pub(super) fn will_be_written(&self) -> u64 {
        self.written + self.out.len() as u64
    }

    /// What a refusal of this node means.
    pub(super) fn refused(&self, line: &str) -> Error {
        refused(line, &self.node.endpoint, self.node.is_member())
    }

    /// What it means that the node refuses this, on a channel or a pattern as Redis spells it.
    pub(super) fn refused_on(&self, wish: Wish, channel: &[u8], line: &str) -> Error {
        if !line.starts_with("NOPERM") {
            return self.refused(line);
        }
        denied(line, &self.node.endpoint, &self.user, wish, &String::from_utf8_lossy(channel))
    }
}

/// Whether a server that refuses a first command so will serve none. Redis's own texts: NOAUTH and WRONGPASS of a server that
/// wants a (better) password, DENIED of its protected mode, and at `maxclients` a line without a code.
fn shuts_out(line: &str) -> bool {
    let codes = ["NOAUTH", "WRONGPASS", "DENIED"];
    codes.iter().any(|code| line.starts_with(code)) || line.starts_with("ERR max number of clients")
}

/// TLS keeps what the socket did not take: behind the last byte it is to be flushed.
async fn write_or_flush(writer: &mut WriteHalf<Stream>, out: &mut BytesMut) -> io::Result<usize> {
    if out.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write_buf(out).await }
}

fn lost(error: &io::Error) -> String {
    format!("the connection was lost: {error}")
}
