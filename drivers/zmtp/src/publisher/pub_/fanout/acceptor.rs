use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::fd::AsFd;
use rustix::net::sockopt;

use super::admission::Place;
use super::core::Core;

/// Accepts connections, as many at a time as leaves the shard's other work its turn.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    core: Arc<Core>,
    /// Until when nothing is accepted, and for how long the next time.
    pause: Option<Instant>,
    next_pause: Duration,
}

/// A connection that may stay.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) place: Place,
}

/// The token of the listener in epoll.
pub(super) const LISTENER: u64 = u64::MAX;

const AT_A_TIME: usize = 64;

/// The pause before the next look, while the number of handshakes is at its bound.
const CROWDED_PAUSE: Duration = Duration::from_millis(5);

/// Without a free descriptor, accepting pauses for this time at first, which doubles up to [`LONGEST_PAUSE`]
/// (docs/guarantees.md#f17).
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The interval of TCP probes on an idle connection (tcp(7)), which find a peer that vanished; heartbeats find it earlier if
/// the peer supports them.
const KEEPALIVE: Duration = Duration::from_secs(5);

impl Acceptor {
    pub(super) fn new(listener: TcpListener, core: Arc<Core>) -> Self {
        Self { listener, core, pause: None, next_pause: SHORTEST_PAUSE }
    }

    /// Adds the listener to epoll, which then reports new connections.
    pub(super) fn watch(&self, epoll: impl AsFd) -> io::Result<()> {
        epoll::add(epoll, &self.listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        Ok(())
    }

    /// Accepts the waiting connections, up to a bound; epoll reports again if there are more.
    pub(super) fn accept(&mut self, epoll: impl AsFd, now: Instant) -> Vec<Newcomer> {
        let mut newcomers = Vec::new();
        for _ in 0..AT_A_TIME {
            if self.core.is_crowded() {
                self.pause_for(epoll, CROWDED_PAUSE, now);
                break;
            }
            match self.listener.accept() {
                Ok((stream, address)) => {
                    self.next_pause = SHORTEST_PAUSE;
                    newcomers.extend(self.admit(stream, address, now));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if is_exhaustion(&error) => {
                    self.pause_exhausted(epoll, now, &error);
                    break;
                }
                // An error of one connection does not concern the next.
                Err(_) => {}
            }
        }
        newcomers
    }

    /// Until when it pauses.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.pause
    }

    /// Goes on after a pause.
    pub(super) fn resume(&mut self, epoll: impl AsFd, now: Instant) {
        if self.pause.is_some_and(|until| now >= until) {
            self.pause = None;
            if let Err(error) = self.watch(epoll) {
                tracing::error!(id = "SK0402", "cannot watch the listening socket: {error}");
                self.pause = Some(now + LONGEST_PAUSE);
            }
        }
    }

    fn admit(&self, stream: TcpStream, address: SocketAddr, now: Instant) -> Option<Newcomer> {
        let admitted = self.core.admission.admit(address.ip()).and_then(|place| {
            self.prepare(&stream).map_err(|_| "gone")?;
            Ok(place)
        });
        match admitted {
            Ok(place) => {
                self.core.counters.accepted.add(1);
                self.core.handshake_begins();
                Some(Newcomer { stream, address, place })
            }
            Err(cause) => {
                let (host, reason) = (address.ip().to_canonical().to_string(), cause.replace('_', " "));
                if let Some(times) = self.core.counters.refused.refuse(cause, &host, &reason, now) {
                    tracing::warn!(
                        id = "SK0401",
                        cause,
                        times,
                        "refused a connection from {address}: {reason}"
                    );
                }
                None
            }
        }
    }

    fn prepare(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        sockopt::set_socket_keepalive(stream, true)?;
        sockopt::set_tcp_keepidle(stream, KEEPALIVE)?;
        sockopt::set_tcp_keepintvl(stream, KEEPALIVE)?;
        let timeout = u32::try_from(self.core.settings.user_timeout.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, timeout)?;
        Ok(())
    }

    fn pause_exhausted(&mut self, epoll: impl AsFd, now: Instant, error: &io::Error) {
        if let Some(times) = self.core.counters.paused.count("descriptors", now) {
            tracing::error!(
                id = "SK0402",
                times,
                "no connection is accepted for {:?}: {error}",
                self.next_pause
            );
        }
        self.pause_for(epoll, self.next_pause, now);
        self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
    }

    fn pause_for(&mut self, epoll: impl AsFd, length: Duration, now: Instant) {
        let _ = epoll::delete(epoll, &self.listener);
        self.pause = Some(now + length);
    }
}

/// No descriptor or memory is left: EMFILE, ENFILE, ENOBUFS, ENOMEM (accept(2)).
fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}
