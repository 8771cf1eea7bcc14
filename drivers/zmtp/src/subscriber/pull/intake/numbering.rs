use std::fmt;

use pubsub_api::{Batch, PeerId, Source, SourceId};

use crate::hop::{ACK, Introduction, WORKER};
use crate::protocol::ProtocolError;

/// The numbers of the messages of one connection: a worker that introduced itself numbers them by their order.
#[derive(Debug, Default)]
pub(super) enum Numbering {
    /// They have no numbers.
    #[default]
    Without,
    /// A DEALER's, of which nothing came yet.
    Open(PeerId),
    /// All from now on have one.
    Run(Run),
}

/// Whose numbers, and which comes next.
#[derive(Debug)]
pub(super) struct Run {
    peer: PeerId,
    introduction: Introduction,
    next: u64,
}

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// An event, as far as its numbering is concerned.
    Event,
    /// The id of the worker.
    Introduction,
    /// A control message from a peer that has not introduced itself.
    Stray,
    /// A message that no worker sends.
    Breach(Breach),
}

/// The violation for which a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breach {
    /// It does not speak ZMTP as it should.
    Protocol(ProtocolError),
    /// It introduced itself in a way that cannot be read.
    BadIntroduction,
    /// It introduced itself again, or acknowledged something: its numbers cannot be trusted.
    OutOfTurn,
}

impl Numbering {
    /// A message of two frames came.
    #[inline]
    pub(super) fn on(&mut self, topic: &[u8], payload: &[u8]) -> Heard {
        let is_word = topic.first() == Some(&b'$') && (topic == WORKER || topic == ACK);
        match self {
            Self::Run(_) | Self::Without if !is_word => Heard::Event,
            Self::Run(_) => Heard::Breach(Breach::OutOfTurn),
            Self::Open(peer) if topic == WORKER => match Introduction::read(payload) {
                Some(introduction) => {
                    *self = Self::Run(Run { peer: *peer, introduction, next: introduction.first });
                    Heard::Introduction
                }
                None => Heard::Breach(Breach::BadIntroduction),
            },
            Self::Open(_) | Self::Without => {
                *self = Self::Without;
                if is_word { Heard::Stray } else { Heard::Event }
            }
        }
    }

    /// A message arrived that does not have two frames.
    pub(super) fn on_other(&mut self) {
        if let Self::Open(_) = self {
            *self = Self::Without;
        }
    }

    /// Whether messages have numbers.
    pub(super) fn numbers(&self) -> bool {
        matches!(self, Self::Run(_))
    }

    /// `count` numbers are used, by events of `batch` or by dropped ones.
    pub(super) fn use_up(&mut self, count: u32, batch: &mut Batch) -> Option<SourceId> {
        let Self::Run(Run { peer, introduction: Introduction { worker, sent_before, .. }, next }) = self
        else {
            return None;
        };
        if count == 0 {
            return None;
        }
        let first = *next;
        *next = next.saturating_add(u64::from(count));
        let source = Source {
            peer: *peer,
            worker: *worker,
            first,
            count: u64::from(count),
            sent_before: *sent_before,
        };
        Some(batch.add_source(source))
    }
}

impl Breach {
    /// The name of the cause in counters.
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Protocol(error) => error.cause(),
            Self::BadIntroduction => "bad_introduction",
            Self::OutOfTurn => OUT_OF_TURN,
        }
    }
}

/// The cause of control messages out of turn.
pub(super) const OUT_OF_TURN: &str = "out_of_turn";

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::BadIntroduction => f.write_str("it sent a malformed introduction"),
            Self::OutOfTurn => f.write_str(
                "it introduced itself twice, or sent an acknowledgement, which only the service sends",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Batch, PeerId, Source};

    use super::{Breach, Heard, Numbering};
    use crate::hop::{ACK, Introduction, WORKER, put_ack};
    use crate::protocol::{Decoded, EventDecoder};

    fn word(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut message = Vec::new();
        put(&mut message);
        match EventDecoder::default().next(&message).unwrap().1 {
            Decoded::Event { payload, .. } => message[payload].to_vec(),
            other => panic!("one event was due, and it is {other:?}"),
        }
    }

    fn introduction() -> Vec<u8> {
        word(|out| Introduction { worker: 7, first: 5, sent_before: 9 }.put(out))
    }

    #[test]
    fn a_dealer_that_introduces_itself_first_numbers_its_messages() {
        let mut numbering = Numbering::Open(PeerId(3));
        assert_eq!(numbering.on(WORKER, &introduction()), Heard::Introduction);
        assert!(numbering.numbers());
        let mut batch = Batch::new();
        assert_eq!(numbering.on(b"$hello", b""), Heard::Event);
        numbering.on_other();
        for (count, first) in [(0, 5), (2, 5), (1, 7)] {
            batch.clear();
            assert_eq!(numbering.use_up(count, &mut batch).is_some(), count > 0);
            let source = Source { peer: PeerId(3), worker: 7, first, count: count.into(), sent_before: 9 };
            assert!(batch.sources().iter().eq(Some(&source).filter(|_| count > 0)));
        }
    }

    #[test]
    fn a_worker_with_another_first_message_has_no_numbers() {
        let ack = word(|out| put_ack(out, 1));
        let cases: [(&[u8], &[u8], Heard); 3] =
            [(b"D", b"", Heard::Event), (b"$hello", b"", Heard::Event), (ACK, &ack, Heard::Stray)];
        for (topic, payload, heard) in cases {
            let mut numbering = Numbering::Open(PeerId(3));
            assert_eq!(numbering.on(topic, payload), heard);
            assert_eq!(numbering.on(WORKER, &introduction()), Heard::Stray, "too late");
            assert!(numbering.use_up(1, &mut Batch::new()).is_none());
        }
        let mut numbering = Numbering::Open(PeerId(3));
        numbering.on_other();
        assert_eq!(numbering.on(WORKER, &introduction()), Heard::Stray, "too late");
        assert_eq!(Numbering::Without.on(WORKER, &introduction()), Heard::Stray, "it is no DEALER");
    }

    #[test]
    fn a_worker_whose_numbers_cannot_be_trusted_is_in_breach() {
        let bad = &introduction()[1..];
        assert_eq!(Numbering::Open(PeerId(3)).on(WORKER, bad), Heard::Breach(Breach::BadIntroduction));
        for topic in [WORKER, ACK] {
            let mut numbering = Numbering::Open(PeerId(3));
            numbering.on(WORKER, &introduction());
            assert_eq!(numbering.on(topic, &introduction()), Heard::Breach(Breach::OutOfTurn));
        }
    }
}
