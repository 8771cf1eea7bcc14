use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::PATIENCE;

/// A peer that speaks ZMTP byte by byte (RFC 37, RFC 23), over TCP or a Unix socket, with any misbehaviour that a test needs.
#[derive(Debug)]
pub struct RawPeer<S> {
    stream: S,
    arrived: Vec<u8>,
}

/// The greeting of ZMTP 3.`minor` with NULL, and the READY of a socket of type `own`, such as `SUB`.
///
/// # Panics
/// If the type is longer than any that ZeroMQ knows.
#[must_use]
pub fn zmtp_hello(own: &str, minor: u8) -> Vec<u8> {
    let mut hello = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, minor];
    hello.extend(b"NULL");
    hello.resize(64, 0);
    let property = [b"\x0bSocket-Type\0\0\0", &[length(own.as_bytes())][..], own.as_bytes()].concat();
    let body = [b"\x05READY", &property[..]].concat();
    hello.extend([4, length(&body)]);
    hello.extend(body);
    hello
}

fn length(short: &[u8]) -> u8 {
    u8::try_from(short.len()).expect("a short frame")
}

impl RawPeer<TcpStream> {
    /// Connects to an address such as `127.0.0.1:4711` and sends nothing.
    ///
    /// # Panics
    /// If the connection is refused.
    #[must_use]
    #[track_caller]
    pub fn tcp(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the service listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { stream, arrived: Vec::new() }
    }

    /// A SUB with these subscriptions. It uses ZMTP 3.0, so it gets no pings.
    #[must_use]
    #[track_caller]
    pub fn subscriber(address: &str, topics: &[&str]) -> Self {
        let mut peer = Self::tcp(address);
        let mut all = zmtp_hello("SUB", 0);
        for topic in topics {
            all.extend([0, length(topic.as_bytes()) + 1, 1]);
            all.extend(topic.as_bytes());
        }
        peer.say(&all);
        peer
    }

    /// A connection that a listener of the test has accepted, without a timeout.
    #[must_use]
    pub fn accepted(stream: TcpStream) -> Self {
        Self { stream, arrived: Vec::new() }
    }

    /// Closes the connection, also if other handles exist.
    pub fn hang_up(&self) {
        // What is gone already is as good.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Makes the close send a reset.
    ///
    /// # Panics
    /// If the kernel refuses.
    pub fn reset_at_the_end(&self) {
        set_socket_linger(&self.stream, Some(Duration::ZERO)).expect("a socket");
    }
}

impl RawPeer<UnixStream> {
    /// Connects to a Unix socket and sends nothing.
    ///
    /// # Panics
    /// If the connection is refused.
    #[must_use]
    #[track_caller]
    pub fn unix(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("the service listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { stream, arrived: Vec::new() }
    }
}

impl<S: Read + Write> RawPeer<S> {
    /// Sends these bytes. It is not an error if the service has closed the connection.
    pub fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Waits until the service closes the connection.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn wait_until_closed(&mut self) {
        while self.read_more() {}
    }

    /// The next event's map, after greeting, READY and commands.
    ///
    /// # Panics
    /// If there is none, or the bytes are not ZMTP.
    #[track_caller]
    pub fn event(&mut self) -> Vec<u8> {
        self.next_event().expect("the service closed the connection")
    }

    /// The same, or `None` at the end of the connection.
    ///
    /// # Panics
    /// If the bytes are not ZMTP, or end within a frame.
    #[track_caller]
    pub fn next_event(&mut self) -> Option<Vec<u8>> {
        loop {
            let (flags, body) = self.next_frame()?;
            let (is_command, has_more) = (flags & 4 != 0, flags & 1 != 0);
            if !is_command && !has_more {
                return Some(body);
            }
        }
    }

    /// The peer's READY, after its greeting; `None` at the end of the connection.
    ///
    /// # Panics
    /// If the bytes are not ZMTP, or end within a frame.
    #[track_caller]
    pub fn ready(&mut self) -> Option<Vec<u8>> {
        self.next_frame().map(|(_, body)| body)
    }

    /// The flags and the body of the next frame, after the greeting.
    fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        if !self.fill(1) {
            return None;
        }
        if self.arrived[0] == 0xff {
            assert!(self.fill(64), "closed within the greeting");
            self.arrived.drain(..64);
        }
        self.fill(1).then(|| self.frame())
    }

    fn frame(&mut self) -> (u8, Vec<u8>) {
        let is_long = self.arrived[0] & 2 != 0;
        let head = if is_long { 9 } else { 2 };
        assert!(self.fill(head), "closed within a frame");
        let length = self.arrived[1..head].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        assert!(self.fill(head + length), "closed within a frame");
        let flags = self.arrived[0];
        let body = self.arrived[head..head + length].to_vec();
        self.arrived.drain(..head + length);
        (flags, body)
    }

    /// Reads until this number of bytes has arrived; `false` at the end of the stream.
    fn fill(&mut self, count: usize) -> bool {
        while self.arrived.len() < count {
            if !self.read_more() {
                return false;
            }
        }
        true
    }

    fn read_more(&mut self) -> bool {
        let mut block = [0; 65_536];
        match self.stream.read(&mut block) {
            Ok(0) => false,
            Ok(count) => {
                self.arrived.extend_from_slice(&block[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no bytes within the timeout: {error}"),
        }
    }
}
