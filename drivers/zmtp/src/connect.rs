//! Connecting: a peer is reached and its handshake completed within `handshake_timeout`, or an error explains why.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::ZmtpSettings;
use crate::protocol::curve::{ClientKeys, Session};
use crate::protocol::{CurveStage, Handshake, MAX_HANDSHAKE_BYTES, Peer, ProtocolError, SocketType};

/// A connection whose handshake is complete.
#[derive(Debug)]
pub(crate) struct Connected<S> {
    pub(crate) stream: S,
    pub(crate) peer: Peer,
    /// Of CURVE: all that is sent is to be sealed, and what arrived to be opened.
    pub(crate) session: Option<Box<Session>>,
    /// The bytes that arrived after the handshake.
    pub(crate) arrived: BytesMut,
}

/// Why there is no connection, in words.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// Nothing answered, or the connection broke.
    Unreachable(io::Error),
    /// The peer closed before its handshake was complete.
    Left {
        /// It had greeted, so it is one of ZMTP 3 with our mechanism. libzmq closes so when the type of our socket has no
        /// place at it; one that has no room for a connection closes before.
        after_its_greeting: bool,
        /// How far the handshake of CURVE was.
        stage: Option<CurveStage>,
    },
    /// With CURVE: no key is known that the publisher must have.
    NoKey,
    /// The peers are incompatible. Only a change of settings helps.
    Refused(ProtocolError),
    /// It took longer than `handshake_timeout`.
    TooSlow(Duration),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => error.fmt(f),
            Self::Left { stage, .. } => f.write_str(match stage {
                None => {
                    "it closed the connection during the handshake: it may be full, or its security mechanism another one"
                }
                Some(CurveStage::AwaitsWelcome) => {
                    "it closed the connection when it was asked to prove its key: it may not have the one in publisher_keys"
                }
                Some(CurveStage::AwaitsReady) => {
                    "it closed the connection when it knew the key of this agent: that may not be in its list of \
                     authorized agents, may have expired, or may have too many connections"
                }
            }),
            Self::NoKey => f.write_str("publisher_keys has no key for it"),
            Self::Refused(error) => error.fmt(f),
            Self::TooSlow(patience) => {
                write!(f, "no complete handshake within {patience:?} (handshake_timeout)")
            }
        }
    }
}

impl ConnectError {
    /// Whether there was a listener, and it ended the connection before the handshake was complete.
    pub(crate) fn is_within_the_handshake(&self) -> bool {
        matches!(self, Self::Left { .. })
    }

    /// The name of the cause in counters, for an incompatible peer.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Refused(error) => Some(error.cause()),
            Self::NoKey => Some("no_publisher_key"),
            Self::Left { stage: Some(CurveStage::AwaitsWelcome), .. } => Some("curve_no_welcome"),
            Self::Left { stage: Some(CurveStage::AwaitsReady), .. } => Some("curve_no_ready"),
            _ => None,
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl From<ProtocolError> for ConnectError {
    fn from(error: ProtocolError) -> Self {
        Self::Refused(error)
    }
}

/// Connects to `address`, a host and a port, as a socket of type `own`. The name is resolved at each call.
pub(crate) async fn tcp(
    address: &str,
    own: SocketType,
    settings: &ZmtpSettings,
    keys: Option<&ClientKeys>,
) -> Result<Connected<TcpStream>, ConnectError> {
    let deadline = Instant::now() + settings.handshake_timeout;
    let connecting = async {
        let stream = reach(address, deadline).await?;
        tune(&stream, settings.user_timeout)?;
        let alive_every = (own == SocketType::Sub).then(|| settings.alive_every());
        let begin = |out: &mut _| {
            let handshake = Handshake::connector(own, out).named(node()).alive_every(alive_every);
            match keys {
                Some(keys) => handshake.curve_client(keys),
                None => Ok(handshake),
            }
        };
        shake_hands(stream, begin).await
    };
    within(deadline, settings.handshake_timeout, connecting).await
}

/// The name of this host: the logs and the status of a publisher show it. A worker is on the publisher's host.
fn node() -> Option<&'static str> {
    static NODE: OnceLock<Option<String>> = OnceLock::new();
    let read = || rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
    NODE.get_or_init(read).as_deref()
}

/// Connects to the socket at `path` as a socket of type `own`.
pub(crate) async fn unix(
    path: &Path,
    own: SocketType,
    settings: &ZmtpSettings,
) -> Result<Connected<UnixStream>, ConnectError> {
    let deadline = Instant::now() + settings.handshake_timeout;
    let connecting = async {
        let stream = UnixStream::connect(path).await?;
        shake_hands(stream, |out| Ok(Handshake::connector(own, out))).await
    };
    within(deadline, settings.handshake_timeout, connecting).await
}

/// The same, but sends READY only after the READY of the listener: not to ours, which waits for it.
pub(crate) async fn unix_after_its_ready(
    path: &Path,
    own: SocketType,
    settings: &ZmtpSettings,
) -> Result<Connected<UnixStream>, ConnectError> {
    let patience = settings.handshake_timeout.min(UNASKED_READY);
    let deadline = Instant::now() + patience;
    let connecting = async {
        let stream = UnixStream::connect(path).await?;
        shake_hands(stream, |out| Ok(Handshake::reticent_connector(own, out))).await
    };
    within(deadline, patience, connecting).await
}

/// How long a READY is waited for that need not wait for ours.
const UNASKED_READY: Duration = Duration::from_secs(1);

async fn within<T>(
    deadline: Instant,
    patience: Duration,
    connecting: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout_at(deadline, connecting).await.map_err(|_| ConnectError::TooSlow(patience))?
}

/// Tries each address of a name, each with its share of the time: one that does not answer leaves time for the next.
async fn reach(address: &str, deadline: Instant) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host(address).await?.collect();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (tried, &address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) if is_other(&stream) => return Ok(stream),
            // A port of the ephemeral range without a listener can be given to the very socket that connects to it.
            Ok(Ok(_)) => failure = io::ErrorKind::ConnectionRefused.into(),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

fn is_other(stream: &TcpStream) -> bool {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(own), Ok(peer)) => own != peer,
        _ => true,
    }
}

/// No delay for small frames; a peer that vanished is found by probes (tcp(7)), of which TCP_USER_TIMEOUT
/// bounds the time, idle or not (docs/guarantees.md#f33).
fn tune(stream: &TcpStream, user_timeout: Duration) -> io::Result<()> {
    // Three probes within the time; the kernel accepts whole seconds.
    let probe_every = (user_timeout / 3).max(Duration::from_secs(1));
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, probe_every)?;
    sockopt::set_tcp_keepintvl(stream, probe_every)?;
    sockopt::set_tcp_user_timeout(stream, u32::try_from(user_timeout.as_millis()).unwrap_or(u32::MAX))?;
    Ok(())
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    begin: impl FnOnce(&mut Vec<u8>) -> Result<Handshake, ProtocolError>,
) -> Result<Connected<S>, ConnectError> {
    let mut out = Vec::new();
    let mut handshake = begin(&mut out)?;
    let mut arrived = BytesMut::with_capacity(MAX_HANDSHAKE_BYTES);
    loop {
        let taken = handshake.take(&arrived, &mut out);
        let written = stream.write_all(&out).await;
        out.clear();
        let (used, peer) = taken?;
        arrived.advance(used);
        if let Some(peer) = peer {
            written?;
            return Ok(Connected { stream, peer, session: handshake.take_session(), arrived });
        }
        let read = match written {
            Ok(()) => stream.read_buf(&mut arrived).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(count) if count > 0 => {}
            Err(error) if !is_a_close(&error) => return Err(error.into()),
            _ => {
                let (after_its_greeting, stage) = (handshake.is_greeted(), handshake.curve_stage());
                return Err(ConnectError::Left { after_its_greeting, stage });
            }
        }
    }
}

/// A peer that closes with bytes unread sends a reset.
fn is_a_close(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// Returns each reason for the log once, until a connection was made.
#[derive(Debug, Default)]
pub(crate) struct LoggedOnce(BTreeSet<String>);

impl LoggedOnce {
    /// More reasons than there are kinds of failure.
    const KEPT: usize = 64;

    /// The text of the reason, if it was not yet logged.
    pub(crate) fn unlogged(&mut self, reason: &ConnectError) -> Option<String> {
        let text = reason.to_string();
        if self.0.len() >= Self::KEPT {
            self.0.clear();
        }
        self.0.insert(text.clone()).then_some(text)
    }

    /// A connection was made: later failures are new.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectError, LoggedOnce, ProtocolError};

    const LEFT: ConnectError = ConnectError::Left { after_its_greeting: false, stage: None };

    #[test]
    fn a_reason_is_reported_once_until_a_connection_is_up() {
        let mut logged = LoggedOnce::default();
        for (reason, is_reported) in [
            (LEFT, true),
            (ConnectError::Refused(ProtocolError::WrongSocketType), true),
            (LEFT, false),
            (ConnectError::Refused(ProtocolError::WrongSocketType), false),
        ] {
            assert_eq!(logged.unlogged(&reason).is_some(), is_reported, "{reason}");
        }
        logged.forget();
        assert!(logged.unlogged(&LEFT).is_some());
    }
}
