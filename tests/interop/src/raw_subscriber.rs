use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use end_to_end::{PATIENCE, event};

use crate::Sender;
use crate::sender::PROBE;

/// The form of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// A frame that starts with 1 or 0 (RFC 23, ZMTP 3.0).
    Messages,
    /// The commands SUBSCRIBE and CANCEL (RFC 37, ZMTP 3.1).
    Commands,
}

/// A SUB on a plain TCP connection, which sends the given subscriptions and replies to pings.
///
/// Its ZMTP is implemented here from RFC 23 and RFC 37, independent of both engines of the workspace.
#[derive(Debug)]
pub struct RawSubscriber {
    stream: TcpStream,
    says: Says,
    arrived: Vec<u8>,
    frames: Vec<Vec<u8>>,
}

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

impl RawSubscriber {
    /// Connects to `host:port` as a SUB of ZMTP 3.`minor` and makes the handshake.
    ///
    /// # Panics
    /// If the publisher sends no greeting.
    #[must_use]
    #[track_caller]
    pub fn connect(address: &str, minor: u8, says: Says, identity: &str) -> Self {
        const GREETING_BYTES: usize = 64;
        let stream = TcpStream::connect(address).expect("a publisher listens");
        stream.set_read_timeout(Some(Duration::from_millis(10))).expect("a socket has timeouts");
        let mut subscriber = Self { stream, says, arrived: Vec::new(), frames: Vec::new() };
        let mut greeting = [0; GREETING_BYTES];
        greeting[0] = 0xff;
        greeting[9] = 0x7f;
        greeting[10] = 3;
        greeting[11] = minor;
        greeting[12..16].copy_from_slice(b"NULL");
        subscriber.write(&greeting);
        let ready = [property("Socket-Type", "SUB"), property("Identity", identity)].concat();
        subscriber.command("READY", &ready);
        let deadline = Instant::now() + PATIENCE;
        while subscriber.arrived.len() < GREETING_BYTES {
            assert!(Instant::now() < deadline, "the publisher sends no greeting");
            subscriber.read_more();
        }
        subscriber.arrived.drain(..GREETING_BYTES);
        subscriber
    }

    /// Subscribes to a prefix.
    #[track_caller]
    pub fn subscribe(&mut self, prefix: &str) {
        match self.says {
            Says::Messages => self.frame(0, &[&[1], prefix.as_bytes()].concat()),
            Says::Commands => self.command("SUBSCRIBE", prefix.as_bytes()),
        }
    }

    /// Cancels a prefix once.
    #[track_caller]
    pub fn cancel(&mut self, prefix: &str) {
        match self.says {
            Says::Messages => self.frame(0, &[&[0], prefix.as_bytes()].concat()),
            Says::Commands => self.command("CANCEL", prefix.as_bytes()),
        }
    }

    /// The next message, if it arrives within some milliseconds.
    ///
    /// # Panics
    /// If the publisher closes the connection.
    #[track_caller]
    pub fn message(&mut self) -> Option<Vec<Vec<u8>>> {
        loop {
            let Some((flags, body)) = self.take_frame() else {
                if self.read_more() {
                    continue;
                }
                return None;
            };
            if flags & COMMAND != 0 {
                // PING: its name, two bytes of TTL, and the context that PONG has to repeat.
                if let Some(ping) = body.strip_prefix(b"\x04PING") {
                    self.command("PONG", &ping[2..]);
                }
                continue;
            }
            self.frames.push(body);
            if flags & MORE == 0 {
                return Some(std::mem::take(&mut self.frames));
            }
        }
    }

    /// Sends probes on a topic until one arrives. Then the publisher has applied all earlier subscriptions, because it applies
    /// them in order.
    ///
    /// # Panics
    /// If none arrives.
    #[track_caller]
    pub fn prove(&mut self, sender: &mut Sender, topic: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "no probe arrived on {topic}");
            sender.send(&event(PROBE, "probe", "log", "probe", topic));
            while let Some(message) = self.message() {
                if message[0] == topic.as_bytes() {
                    return;
                }
            }
        }
    }

    /// The topics of the events up to that of `key`, without probes.
    ///
    /// # Panics
    /// If it does not arrive.
    #[track_caller]
    pub fn topics_until(&mut self, key: &str) -> Vec<String> {
        let (deadline, mut topics) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            assert!(Instant::now() < deadline, "no event of {key} after {topics:?}");
            let Some(message) = self.message() else { continue };
            assert_eq!(message.len(), 2, "an event is two frames");
            if !holds(&message[1], PROBE) {
                topics.push(String::from_utf8_lossy(&message[0]).into_owned());
            }
            if holds(&message[1], key) {
                return topics;
            }
        }
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let flags = *self.arrived.first()?;
        let (head, length) = if flags & LONG == 0 {
            (2, u64::from(*self.arrived.get(1)?))
        } else {
            (9, u64::from_be_bytes(self.arrived.get(1..9)?.try_into().expect("eight bytes")))
        };
        let end = head + usize::try_from(length).expect("a frame that memory holds");
        let body = self.arrived.get(head..end)?.to_vec();
        self.arrived.drain(..end);
        Some((flags, body))
    }

    /// Whether something came.
    fn read_more(&mut self) -> bool {
        let mut bytes = [0; 65_536];
        match self.stream.read(&mut bytes) {
            Ok(0) => panic!("the publisher has closed the connection"),
            Ok(count) => {
                self.arrived.extend_from_slice(&bytes[..count]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
            Err(error) => panic!("the connection is broken: {error}"),
        }
    }

    fn command(&mut self, name: &str, data: &[u8]) {
        self.frame(COMMAND, &[&[length(name)], name.as_bytes(), data].concat());
    }

    /// All messages here are short.
    fn frame(&mut self, flags: u8, body: &[u8]) {
        let length = u8::try_from(body.len()).expect("a short frame");
        self.write(&[&[flags, length], body].concat());
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the publisher listens");
    }
}

fn holds(payload: &[u8], text: &str) -> bool {
    payload.windows(text.len()).any(|part| part == text.as_bytes())
}

fn property(name: &str, value: &str) -> Vec<u8> {
    [&[length(name)], name.as_bytes(), &[0, 0, 0, length(value)], value.as_bytes()].concat()
}

fn length(text: &str) -> u8 {
    u8::try_from(text.len()).expect("a short text")
}
