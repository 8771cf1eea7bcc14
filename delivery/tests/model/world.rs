use std::collections::BTreeMap;

use crate::service::Service;
use crate::subscriber::Subscriber;

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) publishers: usize,
    pub(crate) keys: u8,
    pub(crate) publishes: u8,
    pub(crate) crashes: u8,
    pub(crate) file_losses: u8,
    pub(crate) drops: u8,
    pub(crate) repeats: u8,
    pub(crate) ring: usize,
    pub(crate) buffer: usize,
}

impl Bounds {
    pub(crate) const NONE: Self = Self {
        publishers: 1,
        keys: 2,
        publishes: 0,
        crashes: 0,
        file_losses: 0,
        drops: 0,
        repeats: 0,
        ring: 1,
        buffer: 1,
    };
}

/// A rule that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    None,
    /// Numbers are compared without their epochs.
    NoEpoch,
    /// The publisher never says how far it is.
    NoMarks,
    /// Number 1 is taken for a new beginning (as DSE2 did).
    FirstNumberResets,
    /// What waits for a gap to be filled has no bound.
    UnboundedBuffer,
    /// A service that has lost its file serves what it has seen since as a snapshot to those who were there before.
    UnseededSnapshot,
    /// What a snapshot lacks is gone, even if it was told before the snapshot's numbers began.
    AbsenceWithoutEpochs,
    /// What a snapshot lacks is gone if its epoch is not before the first one of the snapshot: epochs of other lives of the
    /// publisher, whose clock was ahead, are taken for later ones.
    AbsenceByClock,
    /// What a worker sends again is numbered again.
    RepeatsNumbered,
    /// A snapshot row replaces whatever is there.
    MergeWithoutVersion,
}

impl Mutation {
    pub(crate) const ALL: [Self; 9] = [
        Self::NoEpoch,
        Self::NoMarks,
        Self::FirstNumberResets,
        Self::UnboundedBuffer,
        Self::UnseededSnapshot,
        Self::AbsenceWithoutEpochs,
        Self::AbsenceByClock,
        Self::RepeatsNumbered,
        Self::MergeWithoutVersion,
    ];
}

/// One change of a row: the object's version tells all changes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Change {
    pub(crate) key: u8,
    pub(crate) version: u8,
}

/// What was numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Entry {
    Change(Change),
    /// A record that changes may be repeated behind it.
    Lost,
}

/// What stands in a publisher's stream, or in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Message {
    Data { epoch: u64, number: u64, entry: Entry },
    Mark { epoch: u64, last: u64, prev: Option<(u64, u64)> },
}

/// Rows by key.
pub(crate) type Rows = BTreeMap<u8, Row>;

/// A row that the subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Row {
    pub(crate) version: u8,
    /// Which publisher told it last, in which epoch; 0 for the database.
    pub(crate) teller: usize,
    pub(crate) epoch: u64,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The truth: the version of each key.
    pub(crate) database: BTreeMap<u8, u8>,
    pub(crate) services: Vec<Service>,
    pub(crate) subscriber: Subscriber,
    pub(crate) published: u8,
    pub(crate) crashes: u8,
    pub(crate) file_losses: u8,
    pub(crate) drops: u8,
    pub(crate) repeats: u8,
}

impl World {
    pub(crate) fn new(bounds: &Bounds, mutation: Mutation) -> Self {
        Self {
            database: BTreeMap::new(),
            services: (0..bounds.publishers).map(|_| Service::new()).collect(),
            subscriber: Subscriber::new(bounds, mutation),
            published: 0,
            crashes: 0,
            file_losses: 0,
            drops: 0,
            repeats: 0,
        }
    }
}
