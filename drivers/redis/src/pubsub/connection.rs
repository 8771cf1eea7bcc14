use std::io;
use std::time::Duration;

use bytes::BytesMut;
use pubsub_api::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use super::denied::{ChannelAction, denied};
use super::node::Node;
use super::server_report::ServerReport;
use super::wire::{Bounds, Decoder, RespFrame, command};
use crate::servers::{Endpoint, Login, Stream, dial, refused};

/// Number of bytes to read at a time.
const READ_BYTES: usize = 64 * 1024;

/// A connection to one node, used by one publisher or subscriber: it writes commands and reads frames, in order.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) node: Node,
    /// The user that is logged in.
    user: String,
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    decoder: Decoder,
    input: BytesMut,
    /// Bytes to write; the code that appends limits them.
    pub(super) out: BytesMut,
    /// Bytes written since the connection was opened.
    written: u64,
    unflushed: bool,
}

/// The result of [`Connection::exchange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchanged {
    /// It has written.
    Wrote,
    /// It has read: frames may be available.
    Read,
}

impl Connection {
    /// Connects and logs in, and waits for a first answer, because the kernel accepts connections for a server that hangs. Any
    /// answer shows that the server is alive, even a refusal such as MISCONF, LOADING, MASTERDOWN or BUSY: a server that refuses
    /// PING like this serves PUBLISH and SUBSCRIBE. The caller limits the time; TCP gives up after `silence`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the password is refused or missing, otherwise mostly [`ErrorKind::Unavailable`].
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
            RespFrame::Refused(line) if refuses_client(&line) => Err(connection.refused(&line)),
            _ => Ok(connection),
        }
    }

    /// The error omits the server's text on purpose: a server that does not know AUTH repeats its arguments with the password.
    async fn log_in(&mut self, login: &Login) -> Result<()> {
        let Some(password) = login.info().password() else { return Ok(()) };
        let mut arguments: Vec<&[u8]> = vec![b"AUTH"];
        arguments.extend(login.info().username().map(str::as_bytes));
        arguments.push(password.as_bytes());
        if let RespFrame::Refused(line) = self.ask(&arguments, Bounds::PUBSUB).await? {
            if refuses_client(&line) && !line.starts_with("WRONGPASS") {
                return Err(self.refused(&line));
            }
            let text = format!(
                "{} refuses the password for {}: check drivers.redis.user and {}",
                self.endpoint(),
                login.user_name(),
                login.password_setting()
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(())
    }

    /// Sends one command and waits for its answer; only for connections without other pending commands.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the connection ends first, or the peer does not speak Redis.
    pub(super) async fn ask(&mut self, arguments: &[&[u8]], bounds: Bounds) -> Result<RespFrame> {
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
            Error::new(ErrorKind::Unavailable, format!("no answer from {}: {reason}", self.endpoint()))
        })
    }

    /// Asks the server for its report about itself.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(super) async fn report(&mut self) -> Result<ServerReport> {
        let role = self.ask(&[b"ROLE"], Bounds::ROLE).await?;
        let info = self.ask(&[b"INFO"], Bounds::PUBSUB).await?;
        Ok(ServerReport::read(&role, &info))
    }

    /// Sets the size limits of the next frames.
    pub(super) fn expect(&mut self, bounds: Bounds) {
        self.decoder = Decoder::new(bounds);
    }

    /// The next frame from the input; `None` if it is not complete yet.
    ///
    /// # Errors
    /// A text, if the peer does not speak Redis.
    pub(super) fn next_frame(&mut self) -> Result<Option<RespFrame>, String> {
        self.decoder
            .next(&mut self.input)
            .map_err(|_| format!("the server at {} does not speak the Redis protocol", self.node.endpoint))
    }

    /// Writes pending output or reads input, whichever is possible first.
    ///
    /// # Errors
    /// A text, if the connection has ended.
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

    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that will have been written after all of `out`.
    pub(super) fn will_be_written(&self) -> u64 {
        self.written + self.out.len() as u64
    }

    /// The error for a refusal of this node.
    pub(super) fn refused(&self, line: &str) -> Error {
        refused(line, &self.node.endpoint, self.node.is_member())
    }

    /// The error for a refused command on a channel, or on a pattern in Redis's notation.
    pub(super) fn refused_on(&self, action: ChannelAction, channel: &[u8], line: &str) -> Error {
        if !line.starts_with("NOPERM") {
            return self.refused(line);
        }
        denied(line, &self.node.endpoint, &self.user, action, &String::from_utf8_lossy(channel))
    }
}

/// Whether a refusal of the first command means that the server serves no command. Redis's own texts: NOAUTH and WRONGPASS of
/// a server that requires a (different) password, DENIED in protected mode, and at `maxclients` a line without a code.
fn refuses_client(line: &str) -> bool {
    let codes = ["NOAUTH", "WRONGPASS", "DENIED"];
    codes.iter().any(|code| line.starts_with(code)) || line.starts_with("ERR max number of clients")
}

/// TLS buffers bytes that the socket did not accept, so it must be flushed after the last byte.
async fn write_or_flush(writer: &mut WriteHalf<Stream>, out: &mut BytesMut) -> io::Result<usize> {
    if out.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write_buf(out).await }
}

fn lost(error: &io::Error) -> String {
    format!("the connection was lost: {error}")
}
