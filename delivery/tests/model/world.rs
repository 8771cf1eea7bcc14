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
    /// How often another publisher takes the place of one, at the same address.
    pub(crate) replacements: u8,
    /// How often a topic is retired at its publisher.
    pub(crate) retirements: u8,
    /// How often a publisher forgets that its topic was retired, because others were since.
    pub(crate) forgets: u8,
    /// How often a connection breaks while its publisher lives on.
    pub(crate) breaks: u8,
    /// How often the subscriber does not wait for an answer, and asks again.
    pub(crate) timeouts: u8,
    /// A publisher that has lost its file begins an epoch below the ones before: its clock went back.
    pub(crate) clock_back: bool,
    /// All publishers are at one address, and none can be requested there.
    pub(crate) proxied: bool,
    /// Marks are subscribed to before events and hellos, and something may happen in between.
    pub(crate) staged: bool,
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
        replacements: 0,
        retirements: 0,
        forgets: 0,
        breaks: 0,
        timeouts: 0,
        clock_back: false,
        proxied: false,
        staged: false,
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
    /// The publisher never sends its position.
    NoMarks,
    /// Number 1 is taken for a new beginning (as DSE2 did).
    FirstNumberResets,
    /// What waits for a gap to be filled has no bound.
    UnboundedBuffer,
    /// A service that has lost its file serves what it has seen since as a snapshot to subscribers that were there before.
    UnseededSnapshot,
    /// What a snapshot lacks is gone, even if it was delivered before the first sequence of the snapshot.
    AbsenceWithoutEpochs,
    /// What a snapshot lacks is gone if its epoch is not lower than the first one of the snapshot, whatever the clock showed.
    AbsenceByOrderOfEpochs,
    /// What a worker sends again is numbered again.
    RepeatsNumbered,
    /// A snapshot row replaces whatever is there.
    MergeWithoutVersion,
    /// What a publisher had before its answer that it does not remember is not applied after the `Resync`.
    DropsAfterResync,
    /// An address is mistaken for a publisher: the one there is assumed to be the one of before.
    AddressIsPublisher,
    /// Of the publishers at one address, only the one that sends the first hello is followed.
    FirstHelloOnly,
    /// A life that begins while its link stands is believed to go on without proof.
    LifeWithoutProof,
    /// Of a life that nothing was heard of but its hello, no request asks whether it is remembered.
    SilentNewLife,
    /// The numbers of a topic that was retired begin anew.
    RetiredNumbersBeginAnew,
    /// What was asked, and was not answered in time, is not asked again.
    AskedOnce,
    /// The hello is not looked at for topics that were retired while the subscriber was away.
    SilentRetirements,
    /// A topic is retired without a `bye` in the stream.
    NoBye,
    /// A `bye` is sent once.
    ByeOnce,
}

impl Mutation {
    /// Each with the bounds in which it must be noticed.
    pub(crate) const ALL: [(Self, &str); 20] = [
        (Self::NoEpoch, "a loss and a crash"),
        (Self::NoMarks, "a loss and a crash"),
        (Self::FirstNumberResets, "losses and a repeat"),
        (Self::UnboundedBuffer, "a loss and a crash"),
        (Self::UnseededSnapshot, "a crash that loses the file"),
        (Self::AbsenceWithoutEpochs, "a crash that loses the file"),
        (Self::AbsenceByOrderOfEpochs, "a publisher that forgets and whose clock went back"),
        (Self::RepeatsNumbered, "a loss and a crash"),
        (Self::MergeWithoutVersion, "two publishers"),
        (Self::DropsAfterResync, "a crash that loses the file"),
        (Self::AddressIsPublisher, "another publisher at the same address"),
        (Self::FirstHelloOnly, "two publishers behind one address"),
        (Self::LifeWithoutProof, "a file that is lost, and what was on its way"),
        (Self::SilentNewLife, "a file that is lost, and what was on its way"),
        (Self::RetiredNumbersBeginAnew, "a topic that is retired, while its subscriber is there or away"),
        (Self::AskedOnce, "answers that are slower than a timeout"),
        (Self::SilentRetirements, "a topic that is retired, while its subscriber is there or away"),
        (Self::NoBye, "a topic that is retired after its last event was lost"),
        (Self::NoBye, "a topic that is retired after an event that was published while the link returned"),
        (Self::ByeOnce, "a topic that is retired after its last event was lost, as is its bye"),
    ];
}

/// One change of a row: the object's version distinguishes all changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Change {
    pub(crate) key: u8,
    pub(crate) version: u8,
}

/// What was numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Entry {
    Change(Change),
    /// A record that changes may be repeated after it.
    Lost,
}

/// What stands in a publisher's stream, or in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Message {
    Data {
        epoch: u64,
        number: u64,
        entry: Entry,
    },
    Mark {
        epoch: u64,
        last: u64,
        prev: Option<(u64, u64)>,
    },
    /// The topic is retired: its last number.
    Bye {
        epoch: u64,
        last: u64,
        /// In one that is repeated: the first number that a hello carries after the retirement.
        again: Option<u64>,
    },
    /// The first hello after a topic was retired.
    Hello {
        first_number: u64,
    },
}

/// Rows by key.
pub(crate) type Rows = BTreeMap<u8, Row>;

/// A row that the subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Row {
    pub(crate) version: u8,
    /// Which publisher sent it last, in which epoch; 0 for the database.
    pub(crate) source: u8,
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
    pub(crate) replacements: u8,
    pub(crate) retirements: u8,
    pub(crate) forgets: u8,
    pub(crate) breaks: u8,
    pub(crate) timeouts: u8,
}

impl World {
    pub(crate) fn new(bounds: &Bounds, mutation: Mutation) -> Self {
        Self {
            database: BTreeMap::new(),
            services: (1..).take(bounds.publishers).map(Service::new).collect(),
            subscriber: Subscriber::new(bounds, mutation),
            published: 0,
            crashes: 0,
            file_losses: 0,
            drops: 0,
            repeats: 0,
            replacements: 0,
            retirements: 0,
            forgets: 0,
            breaks: 0,
            timeouts: 0,
        }
    }
}
