use bench_kit::{LatencyHistogram, failure};
use pubsub_api::Result;

use crate::payload::{PROBE, head};
use crate::rota::Share;
use crate::wire::{End, Piece, What, Wire};

/// One subscriber's stream, checked: every event once, in order, all of one length.
///
/// A block of events needs one check: if its last whole event has the number that follows from the count, all events before
/// it are there (events that are swapped or replaced within the block are not detected). Otherwise the block is checked event
/// by event. The same applies when latencies are recorded: then each event's number is checked.
#[derive(Debug)]
pub(crate) struct Connection {
    wire: Wire,
    share: Share,
    /// Position of the head in a payload.
    payload_head_at: usize,
    shape: Option<Shape>,
    /// The received part of an incomplete piece.
    partial: Vec<u8>,
    count: u64,
    greeted: bool,
    /// The current round of probes, and the number received of it.
    probes: (u64, u64),
    /// The last complete round.
    probed: u64,
}

/// The layout of all events of a connection, taken from the first: a service may append keys to the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    bytes: usize,
    head_at: usize,
}

/// The histogram for latencies, and the first event that counts.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    pub(crate) from: u64,
    pub(crate) histogram: LatencyHistogram,
}

/// No protocol here has a longer piece.
const LONGEST_PIECE: usize = 256 * 1024;

impl Connection {
    pub(crate) fn new(wire: Wire, share: Share, payload_head_at: usize) -> Self {
        Self {
            wire,
            share,
            payload_head_at,
            shape: None,
            partial: Vec::new(),
            count: 0,
            greeted: false,
            probes: (0, 0),
            probed: 0,
        }
    }

    /// Number of events received.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Whether it has sent its subscriptions.
    pub(crate) fn has_subscribed(&self) -> bool {
        self.greeted || !self.wire.is_greeted()
    }

    pub(crate) fn share(&self) -> &Share {
        &self.share
    }

    /// The number of the next event: all events of this subscriber with a lower number have arrived.
    pub(crate) fn position(&self) -> u64 {
        self.share.sequence_after(self.count)
    }

    /// The last complete round of probes.
    pub(crate) fn probed(&self) -> u64 {
        self.probed
    }

    /// Handles input that was read at `now_ns`, and returns the bytes to answer. With `latencies`, records each event's.
    ///
    /// # Errors
    /// If an event is missing, arrives twice or out of order, or if the input is invalid.
    pub(crate) fn take(
        &mut self,
        chunk: &[u8],
        now_ns: u64,
        mut latencies: Option<&mut Latencies>,
    ) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        let mut rest = chunk;
        let mut partial = std::mem::take(&mut self.partial);
        while !partial.is_empty() && !rest.is_empty() {
            let wanted = self.shape.map_or(0, |shape| shape.bytes.saturating_sub(partial.len()));
            let (more, after) = rest.split_at(if wanted == 0 { rest.len() } else { wanted.min(rest.len()) });
            partial.extend_from_slice(more);
            rest = after;
            let used = self.walk(&partial, now_ns, latencies.as_deref_mut(), &mut answer)?;
            partial.drain(..used);
        }
        if latencies.is_none() {
            rest = self.stride(rest);
        }
        let used = self.walk(rest, now_ns, latencies, &mut answer)?;
        partial.extend_from_slice(rest.get(used..).unwrap_or_default());
        if partial.len() > LONGEST_PIECE {
            return Err(failure(format!(
                "{LONGEST_PIECE} bytes contain no complete {:?} message",
                self.wire
            )));
        }
        self.partial = partial;
        Ok(answer)
    }

    /// Counts all whole events at once, if the check succeeds; returns the rest.
    fn stride<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(shape) = self.shape else { return bytes };
        let events = bytes.len() / shape.bytes;
        let Some(before_last) = events.checked_sub(1) else { return bytes };
        let last = bytes.get(before_last * shape.bytes..events * shape.bytes).unwrap_or_default();
        let wanted = self.share.sequence_after(self.count + before_last as u64);
        if head(last, shape.head_at).is_none_or(|(sequence, _)| sequence != wanted) {
            return bytes;
        }
        self.count += events as u64;
        bytes.get(events * shape.bytes..).unwrap_or_default()
    }

    /// Handles whole pieces; returns the number of their bytes.
    fn walk(
        &mut self,
        bytes: &[u8],
        now_ns: u64,
        mut latencies: Option<&mut Latencies>,
        answer: &mut Vec<u8>,
    ) -> Result<usize> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            let Some(piece) = self.wire.next(rest)? else { break };
            match piece.what {
                What::Event { payload_at } => {
                    let event = rest.get(..piece.bytes).unwrap_or_default();
                    self.event(event, piece, payload_at, (now_ns, latencies.as_deref_mut()))?;
                }
                What::Greeting if !self.greeted => {
                    self.greeted = true;
                    answer.extend(self.wire.after_greeting(End::Subscribe, &self.share.names()));
                }
                What::Ping => answer.extend_from_slice(self.wire.pong()),
                What::Greeting | What::Receipt | What::Nothing => {}
            }
            used += piece.bytes;
        }
        Ok(used)
    }

    fn event(
        &mut self,
        event: &[u8],
        piece: Piece,
        payload_at: usize,
        (now_ns, latencies): (u64, Option<&mut Latencies>),
    ) -> Result<()> {
        let shape = Shape { bytes: piece.bytes, head_at: payload_at + self.payload_head_at };
        if *self.shape.get_or_insert(shape) != shape {
            let text = format!("expected events with the layout {:?}, got {shape:?}", self.shape);
            return Err(failure(text));
        }
        let Some((sequence, time_ns)) = head(event, shape.head_at) else {
            return Err(failure("an event has no sequence number and time at their position"));
        };
        if sequence >= PROBE {
            self.probe(sequence - PROBE);
            return Ok(());
        }
        let wanted = self.position();
        if sequence != wanted {
            let fault =
                if sequence < wanted { "arrived twice or out of order" } else { "arrived: some were lost" };
            return Err(failure(format!("expected event {wanted}, but event {sequence} {fault}")));
        }
        self.count += 1;
        if let Some(latencies) = latencies
            && sequence >= latencies.from
        {
            latencies.histogram.record_ns(now_ns.saturating_sub(time_ns));
        }
        Ok(())
    }

    fn probe(&mut self, round: u64) {
        if self.probes.0 != round {
            self.probes = (round, 0);
        }
        self.probes.1 += 1;
        if self.probes.1 == self.share.len() {
            self.probed = round;
        }
    }
}

#[cfg(test)]
mod tests;
