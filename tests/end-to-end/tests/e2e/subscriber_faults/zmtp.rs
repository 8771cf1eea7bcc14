//! ZMTP as far as a proxy must know it (RFC 23): where a message begins and ends, and what it is about.

/// Whole messages out of the bytes of one direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    arrived: Vec<u8>,
    /// The bytes of the greeting that were passed on.
    greeted: usize,
}

/// A part of the greeting, a command, or all frames of a message, as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    kind: Kind,
    /// Of a command the whole body, of a message the first frame: its topic.
    head: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Greeting,
    Command,
    Frames,
}

const GREETING_BYTES: usize = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

impl Splitter {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.arrived.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub(crate) fn next(&mut self) -> Option<Message> {
        // In parts: either side may send the rest of its greeting after it has seen the other's beginning (RFC 23).
        if self.greeted < GREETING_BYTES {
            let count = self.arrived.len().min(GREETING_BYTES - self.greeted);
            let bytes = self.take(count).filter(|bytes| !bytes.is_empty())?;
            self.greeted += count;
            return Some(Message { bytes, kind: Kind::Greeting, head: Vec::new() });
        }
        let (mut at, mut head) = (0, None);
        loop {
            let rest = self.arrived.get(at..)?;
            let flags = *rest.first()?;
            let (from, length) = if flags & LONG == 0 {
                (2, usize::from(*rest.get(1)?))
            } else {
                let length = rest.get(1..9)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                (9, length)
            };
            let body = rest.get(from..from + length)?;
            let head: &mut Vec<u8> = head.get_or_insert_with(|| body.to_vec());
            at += from + length;
            if flags & MORE == 0 {
                let kind = if flags & COMMAND == 0 { Kind::Frames } else { Kind::Command };
                let head = std::mem::take(head);
                return Some(Message { bytes: self.take(at)?, kind, head });
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        (self.arrived.len() >= count).then(|| self.arrived.drain(..count).collect())
    }
}

impl Message {
    /// Whether it is of the handshake: the greeting, or READY.
    pub(crate) fn is_handshake(&self) -> bool {
        self.kind == Kind::Greeting || self.is_command("READY")
    }

    /// Whether it is an event: neither a command nor anything of ours, such as hellos, marks and heads of answers.
    pub(crate) fn is_event(&self) -> bool {
        self.kind == Kind::Frames && !self.head.is_empty() && self.head[0] > 1 && self.head[0] != b'$'
    }

    /// Whether it announces a socket of this type.
    pub(crate) fn announces(&self, socket: &str) -> bool {
        let length = u8::try_from(socket.len()).unwrap_or(u8::MAX);
        let property = [b"\x0bSocket-Type\0\0\0", &[length][..], socket.as_bytes()].concat();
        self.is_command("READY") && contains(&self.head, &property)
    }

    /// Of a SUB that subscribes (true) or cancels (false): to what; as a command of ZMTP 3.1, or as a message of 3.0.
    pub(crate) fn subscription(&self) -> Option<(bool, &[u8])> {
        if self.kind == Kind::Frames {
            return match self.head.split_first()? {
                (1, topic) => Some((true, topic)),
                (0, topic) => Some((false, topic)),
                _ => None,
            };
        }
        let after = |name: &[u8]| self.head.strip_prefix(name);
        let subscribed = after(b"\x09SUBSCRIBE").map(|topic| (true, topic));
        subscribed.or_else(|| after(b"\x06CANCEL").map(|topic| (false, topic)))
    }

    fn is_command(&self, name: &str) -> bool {
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let is_it = self
            .head
            .split_first()
            .is_some_and(|(first, rest)| *first == length && rest.starts_with(name.as_bytes()));
        self.kind == Kind::Command && is_it
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
