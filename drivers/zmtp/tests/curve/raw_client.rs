//! A client of CURVE that can stop or go wrong at any place.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drivers_zmtp::protocol::curve::{ClientKeys, PublicKey, SecretKey, Session};
use drivers_zmtp::protocol::{Handshake, SocketType};

use super::fleet::PATIENCE;

/// The keys of an agent of the fleet.
pub(crate) fn keys(file: &Path, server: PublicKey) -> ClientKeys {
    ClientKeys::new(Arc::new(drivers_zmtp::read_key_file(file).unwrap()), server)
}

/// Keys that nobody knows.
pub(crate) fn unknown_keys(server: PublicKey) -> ClientKeys {
    ClientKeys::new(Arc::new(SecretKey::generate().unwrap()), server)
}

/// One connection.
pub(crate) struct RawClient {
    stream: TcpStream,
    machine: Handshake,
    arrived: Vec<u8>,
    /// What is to be sent.
    pub(crate) out: Vec<u8>,
}

impl RawClient {
    /// Connected, with its greeting not sent.
    pub(crate) fn new(endpoint: &str, keys: &ClientKeys) -> Self {
        let stream = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut out = Vec::new();
        let machine = Handshake::connector(SocketType::Sub, &mut out).curve_client(keys).unwrap();
        Self { stream, machine, arrived: Vec::new(), out }
    }

    /// Sends what waits; `false` if the peer has closed.
    pub(crate) fn send(&mut self) -> bool {
        let out = std::mem::take(&mut self.out);
        self.stream.write_all(&out).is_ok()
    }

    /// Sends what waits, and reads until there is something to be sent again, or the session is there.
    pub(crate) fn step(&mut self) -> Option<Box<Session>> {
        self.send();
        loop {
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).unwrap();
            assert!(count > 0, "closed");
            self.arrived.extend_from_slice(&bytes[..count]);
            let (used, met) = self.machine.take(&self.arrived, &mut self.out).unwrap();
            self.arrived.drain(..used);
            if met.is_some() {
                return self.machine.take_session();
            }
            if !self.out.is_empty() {
                return None;
            }
        }
    }

    /// Up to the HELLO, which waits to be sent.
    pub(crate) fn with_hello(endpoint: &str, keys: &ClientKeys) -> Self {
        let mut client = Self::new(endpoint, keys);
        while client.out.len() < 200 {
            assert!(client.step().is_none());
        }
        client
    }

    /// Up to the INITIATE, which waits to be sent.
    pub(crate) fn with_initiate(endpoint: &str, keys: &ClientKeys) -> Self {
        let mut client = Self::with_hello(endpoint, keys);
        assert!(client.step().is_none());
        client
    }

    /// After a whole handshake.
    pub(crate) fn connected(endpoint: &str, keys: &ClientKeys) -> (Self, Box<Session>) {
        let mut client = Self::with_initiate(endpoint, keys);
        let session = client.step().expect("a session");
        (client, session)
    }

    /// A write that takes longer than this fails.
    pub(crate) fn limit_writes(&self, time: Duration) {
        self.stream.set_write_timeout(Some(time)).unwrap();
    }

    /// Sends bytes.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.send();
    }

    /// Reads sealed messages until they have this number of bytes of frames.
    pub(crate) fn frames(&mut self, session: &mut Session, count: usize) -> Vec<u8> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let mut bytes = [0; 4096];
            let read = self.stream.read(&mut bytes).unwrap();
            assert!(read > 0, "closed");
            self.arrived.extend_from_slice(&bytes[..read]);
            let used = session.opener.open(&self.arrived, 1 << 20, &mut frames).unwrap();
            self.arrived.drain(..used);
        }
        frames
    }

    /// Reads until the peer closes.
    pub(crate) fn until_closed(&mut self) {
        loop {
            match self.stream.read(&mut [0; 4096]) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
                Err(error) => panic!("not closed: {error}"),
            }
        }
    }
}
