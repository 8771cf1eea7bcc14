use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

/// A line between a publisher and its subscribers: a TCP proxy that carries a bounded number of bytes a second towards the
/// subscribers, for all connections together. The other way is not bounded.
///
/// A busy machine does not make the line narrower: a thread that wakes up to `LATENESS` too late makes up for it.
///
/// Connections share the line fairly, in parts of `PART_BYTES` bytes. What the line does not carry waits at the publisher: the
/// proxy itself keeps a few parts of each connection.
#[derive(Debug)]
pub struct NarrowLine {
    address: String,
    shared: Arc<Shared>,
}

/// What a connection puts on the line at once.
const PART_BYTES: usize = 4096;

/// How late a thread may wake, for want of a processor, without a loss of the line's rate; it bounds a burst after a pause.
const LATENESS: Duration = Duration::from_millis(500);

/// The receive buffer towards the publisher; the kernel doubles it (socket(7), SO_RCVBUF).
const RECEIVE_BYTES: usize = 32 * 1024;

#[derive(Debug)]
struct Shared {
    publisher: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    bytes_per_second: u64,
    /// When the line has carried all bytes so far.
    free_at: Instant,
    /// The number of changes of its rate.
    changes: u64,
    carried: u64,
    streams: Vec<TcpStream>,
    is_over: bool,
}

impl NarrowLine {
    /// A line in front of the publisher at this address, such as `127.0.0.1:4711`.
    ///
    /// # Panics
    /// If the address is invalid, or no port is free.
    #[must_use]
    pub fn before(publisher: &str, bytes_per_second: u64) -> Self {
        let publisher = publisher.parse().expect("an address and a port");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let state = State {
            bytes_per_second,
            free_at: Instant::now(),
            changes: 0,
            carried: 0,
            streams: Vec::new(),
            is_over: false,
        };
        let shared = Arc::new(Shared { publisher, state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Self { address, shared }
    }

    /// The address for subscribers, as an entry of `publishers_ips`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Makes the line narrower or wider, at once.
    pub fn set_rate(&self, bytes_per_second: u64) {
        self.shared.change(|state| {
            state.bytes_per_second = bytes_per_second;
            state.free_at = Instant::now();
            state.changes += 1;
        });
    }

    /// The number of bytes that it has carried to the subscribers.
    #[must_use]
    pub fn carried_bytes(&self) -> u64 {
        self.shared.state().carried
    }
}

impl Drop for NarrowLine {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.is_over = true;
            for stream in state.streams.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        while let Ok((subscriber, _)) = listener.accept() {
            if self.state().is_over {
                return;
            }
            // Without its publisher it closes at once, as the kernel would.
            let Ok(publisher) = with_small_buffer(self.publisher) else { continue };
            for stream in [&subscriber, &publisher] {
                stream.set_nodelay(true).expect("a socket");
                let stream = stream.try_clone().expect("a descriptor");
                self.change(|state| state.streams.push(stream));
            }
            let (from, to) = (clone(&subscriber), clone(&publisher));
            thread::spawn(move || pump(&from, &to, |_| true));
            let line = Arc::clone(&self);
            thread::spawn(move || pump(&publisher, &subscriber, |bytes| line.carry(bytes)));
        }
    }

    /// Waits until the line has carried this number of further bytes; `false` if the line was dropped.
    fn carry(&self, bytes: usize) -> bool {
        let mut state = self.state();
        while !state.is_over {
            let takes = Duration::from_secs_f64(bytes as f64 / state.bytes_per_second as f64);
            let now = Instant::now();
            let carried_at = state.free_at.max(now.checked_sub(LATENESS).unwrap_or(now)) + takes;
            state.free_at = carried_at;
            let changes = state.changes;
            while !state.is_over && state.changes == changes {
                let left = carried_at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    state.carried += bytes as u64;
                    return true;
                }
                let waited = self.changed.wait_timeout(state, left);
                (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        false
    }
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a descriptor")
}

/// A connection whose sender is held back soon: the buffer must be small before it connects (tcp(7)).
fn with_small_buffer(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_recv_buffer_size(&socket, RECEIVE_BYTES)?;
    connect(&socket, &address)?;
    Ok(TcpStream::from(socket))
}

/// Passes bytes on, as long as `carry` lets them pass and both ends stand.
fn pump(mut from: &TcpStream, mut to: &TcpStream, carry: impl Fn(usize) -> bool) {
    let mut part = [0; PART_BYTES];
    while let Ok(count @ 1..) = from.read(&mut part) {
        if !carry(count) || to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::NarrowLine;

    #[test]
    fn a_line_carries_its_bytes_a_second_for_all_of_its_connections_and_more_once_it_is_wider() {
        const EACH: usize = 60_000;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let publisher = listener.local_addr().unwrap().to_string();
        let sending = thread::spawn(move || {
            for _ in 0..3 {
                listener.accept().unwrap().0.write_all(&[0; EACH]).unwrap();
            }
        });
        let line = NarrowLine::before(&publisher, 100_000);
        let started = Instant::now();
        let read = || {
            let mut all = Vec::new();
            TcpStream::connect(line.address()).unwrap().read_to_end(&mut all).unwrap();
            assert_eq!(all.len(), EACH);
        };
        thread::scope(|scope| {
            scope.spawn(read);
            scope.spawn(read);
        });
        let narrow = started.elapsed();
        assert!(narrow >= Duration::from_millis(1100), "two at once took {narrow:?}");
        line.set_rate(1_000);
        thread::scope(|scope| {
            let third = scope.spawn(read);
            #[expect(
                clippy::disallowed_methods,
                reason = "the third read begins at the low rate, at which it would take too long"
            )]
            thread::sleep(Duration::from_millis(50));
            line.set_rate(100_000_000);
            third.join().unwrap();
        });
        assert!(started.elapsed() < narrow + Duration::from_secs(20), "it would take 60 s");
        assert_eq!(line.carried_bytes(), 3 * EACH as u64);
        sending.join().unwrap();
    }
}
