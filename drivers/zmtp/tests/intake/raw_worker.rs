use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use drivers_zmtp::protocol::{
    Command, Greeting, Handshake, Mechanism, PeerDecoder, PeerMessage, SocketType, put_event,
};

use super::service::PATIENCE;

/// A worker that blocks, and reads on demand.
#[derive(Debug)]
pub(crate) struct RawWorker {
    stream: UnixStream,
    arrived: Vec<u8>,
}

/// The greeting and READY of a PUSH, to be followed by anything.
pub(crate) fn hello_of_a_push() -> Vec<u8> {
    hello_of(SocketType::Push)
}

fn hello_of(own: SocketType) -> Vec<u8> {
    let mut hello = Vec::new();
    let mut machine = Handshake::connector(own, &mut hello);
    // The first stage of a listener's greeting makes it send the rest of its own.
    machine.take(&Greeting::encode(Mechanism::Null)[..11], &mut hello).unwrap();
    hello
}

/// One event's bytes, in topic `D`.
pub(crate) fn event(payload: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"D", payload.as_bytes());
    bytes
}

/// One command's bytes.
pub(crate) fn command(command: &Command<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.put(&mut bytes);
    bytes
}

impl RawWorker {
    /// Only the connection.
    pub(crate) fn silent(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, arrived: Vec::new() }
    }

    /// After its handshake, as a PUSH of ZMTP 3.1.
    pub(crate) async fn greeted(socket: &Path) -> Self {
        Self::greeted_as(socket, SocketType::Push).await
    }

    /// After its handshake; other tasks of the test go on meanwhile.
    pub(crate) async fn greeted_as(socket: &Path, own: SocketType) -> Self {
        let socket = socket.to_path_buf();
        tokio::task::spawn_blocking(move || Self::silent(&socket).shake_hands(own)).await.unwrap()
    }

    fn shake_hands(mut self, own: SocketType) -> Self {
        let mut machine = Handshake::connector(own, &mut Vec::new());
        self.say(&hello_of(own));
        loop {
            let (used, peer) = machine.take(&self.arrived, &mut Vec::new()).unwrap();
            self.arrived.drain(..used);
            if peer.is_some() {
                return self;
            }
            assert!(self.read_more(), "closed in the handshake");
        }
    }

    /// Says these bytes. A service that has closed refuses them; what matters is what is read then.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The socket itself.
    pub(crate) fn raw(&self) -> &UnixStream {
        &self.stream
    }

    /// How many PONGs come before anything else; the service's own PINGs are not counted.
    pub(crate) async fn hears_a_pong(mut self) -> Self {
        let hearing = move || {
            loop {
                let (used, says) = PeerDecoder::default().next(&self.arrived).unwrap();
                let is_pong = matches!(says, PeerMessage::Pong);
                let is_incomplete = matches!(says, PeerMessage::Incomplete);
                self.arrived.drain(..used);
                if is_pong {
                    return self;
                }
                assert!(!is_incomplete || self.read_more(), "closed before the PONG");
            }
        };
        tokio::task::spawn_blocking(hearing).await.unwrap()
    }

    /// Reads until all that came holds; all of it, raw.
    pub(crate) async fn hears_until(self, holds: impl Fn(&[u8]) -> bool + Send + 'static) -> Vec<u8> {
        self.goes_on_until(holds).await.arrived
    }

    /// The same, and goes on; what came stays.
    pub(crate) async fn goes_on_until(mut self, holds: impl Fn(&[u8]) -> bool + Send + 'static) -> Self {
        let reading = move || {
            while !holds(&self.arrived) {
                assert!(self.read_more(), "closed before that came");
            }
            self
        };
        tokio::task::spawn_blocking(reading).await.unwrap()
    }

    /// Reads until the service closes the connection; all that came raw.
    pub(crate) async fn until_closed(mut self) -> Vec<u8> {
        let reading = move || {
            while self.read_more() {}
            self.arrived
        };
        tokio::task::spawn_blocking(reading).await.unwrap()
    }

    /// False at the end.
    fn read_more(&mut self) -> bool {
        let mut block = [0; 4096];
        match self.stream.read(&mut block) {
            Ok(0) => false,
            Ok(count) => {
                self.arrived.extend_from_slice(&block[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came in time: {error}"),
        }
    }
}
