use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use drivers_zmtp::protocol::{Command, Decoded, EventDecoder, Greeting, Handshake, Mechanism, SocketType};

use super::ends::PATIENCE;

/// A subscriber that blocks, and reads on demand.
#[derive(Debug)]
pub(crate) struct RawSubscriber {
    stream: TcpStream,
    arrived: Vec<u8>,
    decoder: EventDecoder,
}

/// What a subscriber reads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Event(String, Vec<u8>),
    Ping,
    Pong,
    RetryAfter(Duration),
    End,
}

/// The greeting and READY of a socket of this type, to be followed by anything.
pub(crate) fn hello_of(own: SocketType) -> Vec<u8> {
    let mut hello = Vec::new();
    let mut machine = Handshake::connector(own, &mut hello);
    // The first stage of a listener's greeting makes it send the rest of its own.
    machine.take(&Greeting::encode(Mechanism::Null)[..11], &mut hello).unwrap();
    hello
}

impl RawSubscriber {
    /// Only the connection.
    pub(crate) fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, arrived: Vec::new(), decoder: EventDecoder::default() }
    }

    /// After its handshake, as a SUB of ZMTP 3.1.
    pub(crate) fn greeted(address: SocketAddr) -> Self {
        Self::greeted_as(address, SocketType::Sub, 1)
    }

    pub(crate) fn greeted_as(address: SocketAddr, own: SocketType, minor: u8) -> Self {
        let mut subscriber = Self::silent(address);
        let mut hello = hello_of(own);
        let mut machine = Handshake::connector(own, &mut Vec::new());
        hello[11] = minor;
        subscriber.say(&hello);
        loop {
            let (used, peer) = machine.take(&subscriber.arrived, &mut Vec::new()).unwrap();
            subscriber.arrived.drain(..used);
            if peer.is_some() {
                return subscriber;
            }
            assert!(subscriber.read_more(), "closed in the handshake");
        }
    }

    /// After the READY of a SUB on this node.
    pub(crate) fn of_node(address: SocketAddr, node: &'static str) -> Self {
        let mut subscriber = Self::silent(address);
        let mut hello = Vec::new();
        let mut machine = Handshake::connector(SocketType::Sub, &mut hello).named(Some(node));
        machine.take(&Greeting::encode(Mechanism::Null)[..11], &mut hello).unwrap();
        subscriber.say(&hello);
        subscriber
    }

    /// After its handshake, in which it states how often it sends something.
    pub(crate) fn alive_every(address: SocketAddr, time: Duration) -> Self {
        let mut subscriber = Self::silent(address);
        let mut hello = Vec::new();
        let mut machine = Handshake::connector(SocketType::Sub, &mut hello).alive_every(Some(time));
        machine.take(&Greeting::encode(Mechanism::Null)[..11], &mut hello).unwrap();
        subscriber.say(&hello);
        subscriber.skip_handshake();
        subscriber
    }

    /// After its handshake and these subscriptions, as commands.
    pub(crate) fn of(address: SocketAddr, prefixes: &[&str]) -> Self {
        let mut subscriber = Self::greeted(address);
        for prefix in prefixes {
            subscriber.command(&Command::Subscribe(prefix.as_bytes()));
        }
        subscriber
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) {
        // A peer that has closed refuses; what matters is what is read then.
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn command(&mut self, command: &Command<'_>) {
        let mut bytes = Vec::new();
        command.put(&mut bytes);
        self.say(&bytes);
    }

    /// The socket itself.
    pub(crate) fn raw(&self) -> &TcpStream {
        &self.stream
    }

    /// Closing it will send a reset.
    pub(crate) fn reset(&self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }

    /// Sends these bytes this number of times, and reads only when nobody reads them any more.
    pub(crate) fn flood(&mut self, bytes: &[u8], times: usize) {
        self.stream.set_nonblocking(true).unwrap();
        let all = bytes.repeat(times);
        let mut rest = all.as_slice();
        let deadline = std::time::Instant::now() + PATIENCE;
        while !rest.is_empty() && std::time::Instant::now() < deadline {
            match self.stream.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    let _ = self.stream.read(&mut [0; 65_536]);
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(rest.is_empty(), "the publisher never listened again");
    }

    /// Steps over a greeting and a READY that came.
    pub(crate) fn skip_handshake(&mut self) {
        let mut machine = Handshake::connector(SocketType::Sub, &mut Vec::new());
        loop {
            let (used, peer) = machine.take(&self.arrived, &mut Vec::new()).unwrap();
            self.arrived.drain(..used);
            if peer.is_some() {
                return;
            }
            assert!(self.read_more(), "closed in the handshake");
        }
    }

    /// A greeting and nothing else.
    pub(crate) fn greet(&mut self) {
        self.say(&Greeting::encode(Mechanism::Null));
    }

    /// The next thing heard.
    pub(crate) fn hear(&mut self) -> Heard {
        loop {
            let (used, decoded) = self.decoder.next(&self.arrived).unwrap();
            let heard = match decoded {
                Decoded::Incomplete => None,
                Decoded::Event { topic, payload } => {
                    let topic = String::from_utf8(self.arrived[topic].to_vec()).unwrap();
                    Some(Heard::Event(topic, self.arrived[payload].to_vec()))
                }
                Decoded::Command(Command::Ping { .. }) => Some(Heard::Ping),
                Decoded::Command(Command::Pong) => Some(Heard::Pong),
                Decoded::Command(Command::RetryAfter(time)) => Some(Heard::RetryAfter(time)),
                other => panic!("{other:?}"),
            };
            self.arrived.drain(..used);
            match heard {
                Some(heard) => return heard,
                None if !self.read_more() => return Heard::End,
                None => {}
            }
        }
    }

    /// The next event's topic and payload; heartbeats are answered and left out.
    pub(crate) fn event(&mut self) -> (String, Vec<u8>) {
        loop {
            match self.hear() {
                Heard::Event(topic, payload) => return (topic, payload),
                Heard::Ping => self.command(&Command::Pong),
                Heard::Pong | Heard::RetryAfter(_) => {}
                Heard::End => panic!("the publisher closed the connection"),
            }
        }
    }

    /// Reads the next bytes, raw, of this number.
    pub(crate) fn hears(&mut self, count: usize) -> Vec<u8> {
        while self.arrived.len() < count {
            assert!(self.read_more(), "closed before that came");
        }
        self.arrived.drain(..count).collect()
    }

    /// Reads until the publisher closes the connection; all that came raw.
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.arrived)
    }

    /// False at the end.
    fn read_more(&mut self) -> bool {
        let mut block = [0; 65_536];
        match self.stream.read(&mut block) {
            Ok(0) => false,
            Ok(count) => {
                self.arrived.extend_from_slice(&block[..count]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came in time: {error}"),
        }
    }
}
