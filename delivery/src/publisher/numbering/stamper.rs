use pubsub_api::Stamp;
use pubsub_api::wire::{GrownMap, MAX_RECEIVED_BYTES, WireError};
use sealing::{EventSealer, SealPlan, SealedParts};

use super::stamp_pair::StampPair;

/// Adds the stamp to the maps of events, and seals them if the publisher seals.
#[derive(Debug, Default)]
pub(crate) struct Stamper {
    pair: StampPair,
    sealer: Option<EventSealer>,
}

/// The map of an author, to which a stamp can be added.
#[derive(Debug)]
pub(crate) enum AuthoredMap<'a> {
    Plain(GrownMap<'a>),
    Sealed(SealPlan<'a>),
}

impl AuthoredMap<'_> {
    /// Whether everything of `payload` is at the same place in the map that is written, which has only more at its end.
    #[inline]
    pub(crate) fn keeps_places(&self, payload: &[u8]) -> bool {
        match self {
            Self::Plain(map) => map.bytes_with(0) == payload.len(),
            Self::Sealed(_) => false,
        }
    }
}

impl Stamper {
    pub(crate) fn new(sealer: Option<EventSealer>) -> Self {
        Self { pair: StampPair::default(), sealer }
    }

    /// Begins a batch of events with this time.
    pub(crate) fn begin(&mut self, publisher: u64, epoch: u64, time_us: u64) {
        self.pair = StampPair::new(publisher, epoch, time_us);
        if let Some(sealer) = &mut self.sealer {
            sealer.use_current_key();
        }
    }

    /// What is sealed.
    pub(crate) fn parts(&self) -> Option<SealedParts> {
        self.sealer.as_ref().map(EventSealer::parts)
    }

    /// As [`authored`].
    #[inline]
    pub(crate) fn read<'a>(&self, payload: &'a [u8]) -> Result<AuthoredMap<'a>, WireError> {
        authored(payload, self.parts())
    }

    /// The size of the map as [`put`](Self::put) writes it, in bytes.
    #[inline]
    pub(crate) fn bytes(&self, map: &AuthoredMap<'_>) -> usize {
        match (map, &self.sealer) {
            (AuthoredMap::Sealed(plan), Some(sealer)) => sealer.bytes(plan, StampPair::BYTES),
            (AuthoredMap::Sealed(_), None) => 0,
            (AuthoredMap::Plain(map), _) => map.bytes_with(StampPair::BYTES),
        }
    }

    /// Appends the map with a stamp of this sequence.
    #[inline]
    pub(crate) fn put(&mut self, topic: &[u8], map: &AuthoredMap<'_>, number: u64, out: &mut Vec<u8>) {
        match (map, &mut self.sealer) {
            (AuthoredMap::Plain(map), _) => {
                out.extend_from_slice(map.head());
                out.extend_from_slice(map.pairs());
                self.pair.put(number, out);
            }
            (AuthoredMap::Sealed(plan), Some(sealer)) => {
                sealer.put(plan, topic, |out| self.pair.put(number, out), out);
            }
            // `read` returns one to a stamper with a sealer only.
            (AuthoredMap::Sealed(_), None) => {}
        }
    }

    /// The stamp of this batch, with a sequence.
    pub(crate) fn stamp(&self, sequence: u64) -> Stamp {
        self.pair.stamp(sequence)
    }
}

/// Reads a payload to which a stamp can be added, and of which these parts are sealed.
///
/// # Errors
/// The [`WireError`] of a payload that is no map or too large, and if it is sealed of one that is no event.
#[inline]
pub(crate) fn authored(payload: &[u8], parts: Option<SealedParts>) -> Result<AuthoredMap<'_>, WireError> {
    let (map, bytes) = match parts {
        None => {
            let map = GrownMap::new(payload, 1)?;
            let bytes = map.bytes_with(StampPair::BYTES);
            (AuthoredMap::Plain(map), bytes)
        }
        Some(parts) => {
            let plan = SealPlan::of(payload, parts)?;
            let bytes = EventSealer::most_bytes(&plan, StampPair::BYTES);
            (AuthoredMap::Sealed(plan), bytes)
        }
    };
    if bytes > MAX_RECEIVED_BYTES { Err(WireError::TooBig) } else { Ok(map) }
}
