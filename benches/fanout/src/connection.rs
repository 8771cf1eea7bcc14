use hdrhistogram::Histogram;
use pubsub_api::Result;

use crate::failure::failure;
use crate::payload::{PROBE, head};
use crate::rota::Share;
use crate::wire::{End, Piece, What, Wire};

/// One subscriber's stream, checked: every event once, in order, all of one length.
///
/// A block of events costs one look: if the last whole one of it has the number that it must have when all before it
/// are there, they are there (that two of them changed places, or that one took another's, is not
/// seen). Anything else is taken apart piece by piece, and so is everything where latencies are recorded: then each
/// event's number is checked.
#[derive(Debug)]
pub(crate) struct Connection {
    wire: Wire,
    share: Share,
    /// Where the head stands in a payload.
    payload_head_at: usize,
    shape: Option<Shape>,
    /// What an incomplete piece has so far.
    partial: Vec<u8>,
    count: u64,
    greeted: bool,
    /// The round of probes that is coming in, and how many of it have come.
    probes: (u64, u64),
    /// The last round that came in full.
    probed: u64,
}

/// How all events of a connection look, learnt from the first: a service may append keys to the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    bytes: usize,
    head_at: usize,
}

/// Where latencies go, and from which event on they count.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    pub(crate) from: u64,
    pub(crate) histogram: Histogram<u64>,
}

/// No piece of any protocol here is longer.
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

    /// How many events have come.
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

    /// The number of the next event: all that come here and have a lower one are here.
    pub(crate) fn position(&self) -> u64 {
        self.share.sequence_after(self.count)
    }

    /// The last round of probes that has come in full.
    pub(crate) fn probed(&self) -> u64 {
        self.probed
    }

    /// Takes what was read at `now_ns`, and says what to answer. With `latencies`, every event's is recorded.
    ///
    /// # Errors
    /// If an event is missing, came twice or out of order, or if bytes came that are none.
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
            return Err(failure(format!("{LONGEST_PIECE} bytes came that have no end as {:?}", self.wire)));
        }
        self.partial = partial;
        Ok(answer)
    }

    /// Counts the whole events at once, if they are what they must be; what is left.
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

    /// Takes whole pieces; how many bytes they were.
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
            let text = format!("events of one length were awaited, {:?}, and {shape:?} came", self.shape);
            return Err(failure(text));
        }
        let Some((sequence, time_ns)) = head(event, shape.head_at) else {
            return Err(failure("an event came without number and time where they must stand"));
        };
        if sequence >= PROBE {
            self.probe(sequence - PROBE);
            return Ok(());
        }
        let wanted = self.position();
        if sequence != wanted {
            let fault = if sequence < wanted { "came twice or out of order" } else { "came: some were lost" };
            return Err(failure(format!("event {wanted} was awaited, and event {sequence} {fault}")));
        }
        self.count += 1;
        if let Some(latencies) = latencies
            && sequence >= latencies.from
        {
            latencies.histogram.saturating_record(now_ns.saturating_sub(time_ns));
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
