use pubsub_api::Result;

use crate::hex;
use crate::payload::Payload;
use crate::rota::Rota;
use crate::wire::Wire;

/// Limit of bytes that are written at once.
const WRITE_BYTES: usize = 64 * 1024;

/// Events to push, encoded once: only sequence number and time are updated before each use.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    event_bytes: usize,
    head_at: usize,
    events: u64,
}

impl Block {
    /// Whole turns of the rota, at least one, and as many as are written at once.
    pub(crate) fn new(wire: Wire, rota: Rota) -> Result<Self> {
        let (mut turn, mut head_at) = (Vec::new(), 0);
        for topic in rota.names() {
            let payload = Payload::new(&topic)?;
            let (before, after) = wire.frame(&topic, payload.bytes.len());
            head_at = before.len() + payload.head_at;
            turn.extend([before.as_slice(), payload.bytes.as_slice(), after].concat());
        }
        let turns = (WRITE_BYTES / turn.len().max(1)).max(1);
        let events = rota.len() * turns as u64;
        Ok(Self {
            event_bytes: turn.len() / usize::try_from(rota.len()).unwrap_or(1),
            bytes: turn.repeat(turns),
            head_at,
            events,
        })
    }

    /// The bytes of at most `at_most` events from `first` on, as many as are written at once, and the number of these events;
    /// `number` sets the sequence number of each.
    pub(crate) fn fill(
        &mut self,
        first: u64,
        at_most: u64,
        time_ns: u64,
        number: impl Fn(u64) -> u64,
    ) -> (&[u8], u64) {
        let start = first % self.events;
        let fitting = (WRITE_BYTES / self.event_bytes.max(1)).max(1) as u64;
        let count = at_most.min(self.events - start).min(fitting);
        let place =
            |events: u64| usize::try_from(events).unwrap_or(usize::MAX).saturating_mul(self.event_bytes);
        let (begin, end) = (place(start), place(start + count));
        let part = self.bytes.get_mut(begin..end).unwrap_or_default();
        let mut time = [0; hex::DIGITS];
        hex::put(time_ns, &mut time);
        for (event, sequence) in part.chunks_exact_mut(self.event_bytes).zip(first..) {
            if let Some(head) = event.get_mut(self.head_at..self.head_at + 2 * hex::DIGITS) {
                let (number_place, time_place) = head.split_at_mut(hex::DIGITS);
                hex::put(number(sequence), number_place);
                time_place.copy_from_slice(&time);
            }
        }
        (part, count)
    }
}

#[cfg(test)]
mod tests {
    use super::Block;
    use crate::payload::{Payload, head};
    use crate::rota::Rota;
    use crate::wire::{What, Wire};

    #[test]
    fn every_event_is_complete_and_has_its_number_and_time() {
        let mut block = Block::new(Wire::Zmtp, Rota::Many(1000)).unwrap();
        let mut next = 900;
        while next < 2100 {
            let (bytes, count) = block.fill(next, 2100 - next, 7, |sequence| sequence);
            let mut rest = bytes;
            for sequence in next..next + count {
                let piece = Wire::Zmtp.next(rest).unwrap().unwrap();
                let What::Event { payload_at } = piece.what else { panic!("{piece:?}") };
                let topic = Rota::Many(1000).name(u32::try_from(sequence % 1000).unwrap());
                assert_eq!(&rest[2..11], topic.as_bytes());
                let head_at = payload_at + Payload::new(&topic).unwrap().head_at;
                assert_eq!(head(rest, head_at), Some((sequence, 7)));
                rest = &rest[piece.bytes..];
            }
            assert!(rest.is_empty());
            next += count;
        }
    }
}
