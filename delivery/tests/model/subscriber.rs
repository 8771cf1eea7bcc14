mod followed;

use std::collections::{BTreeMap, BTreeSet};

use delivery::Position;
use delivery::subscriber::{BufferLimit, Effect, Phase, Tracker};

pub(crate) use followed::{Followed, Hello};

use crate::service::SyncReply;
use crate::world::{Bounds, Change, Entry, Message, Mutation, Row, Rows};

/// The subscriber: a tracker for each publisher, and the rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subscriber {
    pub(crate) followed: Vec<Followed>,
    pub(crate) rows: Rows,
    buffer: usize,
    mutation: Flag,
    /// What was broken, if something was.
    pub(crate) broken: Option<&'static str>,
}

/// A mutation that hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flag(Mutation);

impl std::hash::Hash for Flag {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl Subscriber {
    pub(crate) fn new(bounds: &Bounds, mutation: Mutation) -> Self {
        let events = if mutation == Mutation::UnboundedBuffer { usize::MAX } else { bounds.buffer };
        let tracker = Tracker::new(BufferLimit { events, bytes: usize::MAX });
        let followed = Followed {
            tracker,
            publisher: 0,
            epoch: 0,
            first_number: 0,
            over: 0,
            bye: None,
            is_ended: false,
            pending: BTreeSet::new(),
            last_version: 0,
            highest: 0,
        };
        Self {
            followed: vec![followed; bounds.publishers],
            rows: Rows::new(),
            buffer: bounds.buffer,
            mutation: Flag(mutation),
            broken: None,
        }
    }

    fn mask(&self, epoch: u64) -> u64 {
        if self.mutation.0 == Mutation::NoEpoch { 1 } else { epoch }
    }

    /// A link stands: a hello came. At its start, an application compares with the database by itself: what was before the
    /// first numbers that it sees cannot be known from them.
    pub(crate) fn proved(&mut self, from: usize, hello: Hello, database: &BTreeMap<u8, u8>) {
        let Hello { publisher, epoch, first_number } = hello;
        let followed = &mut self.followed[from];
        let is_another = followed.publisher != publisher;
        let is_proof_needed = self.mutation.0 != Mutation::LifeWithoutProof;
        if is_proof_needed || followed.epoch == 0 {
            followed.tracker.unproved();
        }
        followed.pending.clear();
        if is_another && followed.epoch > 0 {
            let events = self.buffer;
            followed.tracker = Tracker::new(BufferLimit { events, bytes: usize::MAX });
        }
        let is_new_life = followed.epoch != epoch && followed.epoch > 0 && !is_another;
        if is_new_life
            && followed.tracker.phase() == Phase::Joining
            && self.mutation.0 != Mutation::SilentNewLife
        {
            // Of its former life nothing was heard but the hello: does it remember that?
            let old = if self.mutation.0 == Mutation::NoEpoch { 1 } else { followed.epoch };
            let limit = BufferLimit { events: self.buffer, bytes: usize::MAX };
            followed.tracker = Tracker::resumed(Position { epoch: old, sequence: 0 }, limit);
        }
        let is_resync =
            followed.epoch == 0 || (is_another && self.mutation.0 != Mutation::AddressIsPublisher);
        let before = std::mem::replace(&mut followed.first_number, first_number);
        let has_retired = !is_another
            && (1..first_number).contains(&before)
            && self.mutation.0 != Mutation::SilentRetirements;
        if is_another || has_retired || followed.over == 0 || first_number < followed.over {
            followed.over = first_number;
        }
        if is_another {
            followed.bye = None;
        }
        (followed.publisher, followed.epoch) = (publisher, epoch);
        if is_resync || has_retired {
            self.resync(database);
        }
    }

    pub(crate) fn unproved(&mut self, from: usize) {
        self.followed[from].pending.clear();
        if self.mutation.0 != Mutation::LifeWithoutProof {
            self.followed[from].tracker.unproved();
        }
    }

    /// Whether anything is followed.
    pub(crate) fn follows(&self, from: usize) -> bool {
        self.followed[from].tracker.phase() != Phase::Joining
    }

    /// Nobody can be asked.
    pub(crate) fn give_up(&mut self, from: usize, database: &BTreeMap<u8, u8>) {
        let mut effects = Vec::new();
        self.followed[from].tracker.give_up("nobody can be asked", &mut effects);
        self.carry_out(from, effects, &[], database);
    }

    pub(crate) fn hear(&mut self, from: usize, message: &Message, database: &BTreeMap<u8, u8>) {
        if self.followed[from].epoch == 0 {
            // No hello has arrived: it waits.
            return;
        }
        let mut effects = Vec::new();
        let drops = self.mutation.0 == Mutation::DropsAfterResync;
        let mask = |epoch| self.mask(epoch);
        match message {
            Message::Data { epoch, number, entry } => {
                let epoch = mask(*epoch);
                self.followed[from].is_ended = false;
                let tracker = &mut self.followed[from].tracker;
                let resets = self.mutation.0 == Mutation::FirstNumberResets && *number == 1;
                if resets && tracker.phase() == Phase::Live {
                    *tracker = Tracker::new(BufferLimit { events: self.buffer, bytes: usize::MAX });
                }
                let before = tracker.duplicates();
                tracker.data(epoch, *number, *entry, 1, &mut effects);
                let is_new = tracker.duplicates() == before;
                let followed = &mut self.followed[from];
                if let Entry::Change(Change { version, .. }) = *entry
                    && (is_new || (drops && version > followed.highest))
                {
                    followed.pending.insert(version);
                }
            }
            Message::Bye { last, again: Some(first), .. }
                if *first <= self.followed[from].over || self.followed[from].bye == Some(*last) => {}
            Message::Bye { epoch, last, .. } => {
                let epoch = mask(*epoch);
                self.followed[from].bye = Some(*last);
                self.followed[from].tracker.mark(epoch, *last, None, &mut effects);
                self.followed[from].is_ended = true;
            }
            Message::Hello { first_number } => self.followed[from].first_number = *first_number,
            Message::Mark { epoch, last, prev } => {
                let prev = prev.map(|(epoch, number)| Position { epoch: mask(epoch), sequence: number });
                let epoch = mask(*epoch);
                self.followed[from].is_ended = false;
                self.followed[from].tracker.mark(epoch, *last, prev, &mut effects);
            }
        }
        self.carry_out(from, effects, &[], database);
    }

    pub(crate) fn answered(&mut self, from: usize, answer: &SyncReply, database: &BTreeMap<u8, u8>) {
        let mut effects = Vec::new();
        let (SyncReply::Replay { at, .. } | SyncReply::Snapshot { at, .. } | SyncReply::Unknown { at }) =
            answer;
        if at.0 != self.followed[from].epoch {
            return;
        }
        let at = Position { epoch: self.mask(at.0), sequence: at.1 };
        let mask = |epoch| self.mask(epoch);
        match answer {
            SyncReply::Replay { events, .. } => {
                let events: Vec<_> = events.iter().map(|(e, n, entry)| (mask(*e), *n, *entry)).collect();
                let tracker = &mut self.followed[from].tracker;
                for (epoch, number, entry) in events {
                    tracker.replayed(epoch, number, entry, &mut effects);
                }
                tracker.replay_ended(at, &mut effects);
            }
            SyncReply::Snapshot { rows, .. } => {
                let rows =
                    rows.iter().map(|(key, version)| Entry::Change(Change { key: *key, version: *version }));
                self.followed[from].tracker.replaced(at, rows.collect(), &mut effects);
            }
            SyncReply::Unknown { .. } => {
                let tracker = &mut self.followed[from].tracker;
                tracker.unknown(at, &mut effects);
                if self.mutation.0 == Mutation::DropsAfterResync && tracker.phase() == Phase::Live {
                    effects.retain(|effect| !matches!(effect, Effect::Apply { .. }));
                    *tracker = Tracker::resumed(at, BufferLimit { events: self.buffer, bytes: usize::MAX });
                    tracker.mark(at.epoch, at.sequence, None, &mut effects);
                }
            }
        }
        let epochs = match answer {
            SyncReply::Snapshot { epochs, .. } => epochs.clone(),
            SyncReply::Replay { .. } | SyncReply::Unknown { .. } => Vec::new(),
        };
        self.carry_out(from, effects, &epochs, database);
    }

    pub(crate) fn doubt(&mut self, from: usize, database: &BTreeMap<u8, u8>) {
        let mut effects = Vec::new();
        self.followed[from].tracker.doubt(&mut effects);
        self.carry_out(from, effects, &[], database);
    }

    fn carry_out(
        &mut self,
        from: usize,
        effects: Vec<Effect<Entry>>,
        epochs: &[u64],
        database: &BTreeMap<u8, u8>,
    ) {
        for effect in effects {
            match effect {
                Effect::Apply { event: Entry::Change(change), .. } => self.apply(from, change),
                Effect::Apply { event: Entry::Lost, .. } | Effect::Resync(_) => self.resync(database),
                Effect::Replace(rows) => self.replace(from, rows, epochs),
                Effect::Missing(_) => self.followed[from].pending.clear(),
                Effect::Recovering { .. } | Effect::Live => {}
            }
        }
        let (followed, events) = (&mut self.followed[from], self.buffer);
        if followed.is_ended && !followed.tracker.is_behind() {
            followed.tracker = Tracker::new(BufferLimit { events, bytes: usize::MAX });
            followed.is_ended = false;
        }
        if self.followed[from].tracker.waiting_bytes() > self.buffer {
            self.broken = Some("bounded: more waits than may");
        }
    }

    fn apply(&mut self, from: usize, Change { key, version }: Change) {
        if version <= self.followed[from].last_version {
            self.broken = Some("unique: an event was applied twice, or after a later one");
        }
        let Followed { publisher, epoch, .. } = self.followed[from];
        self.followed[from].last_version = version;
        if self.mutation.0 == Mutation::DropsAfterResync {
            self.followed[from].highest = version.max(self.followed[from].highest);
        }
        self.followed[from].pending.remove(&version);
        let row = self.rows.entry(key).or_default();
        if version >= row.version {
            *row = Row { version, source: publisher, epoch };
        }
    }

    fn replace(&mut self, from: usize, rows: Vec<Entry>, epochs: &[u64]) {
        let rows: BTreeMap<u8, u8> = rows
            .into_iter()
            .filter_map(|row| match row {
                Entry::Change(change) => Some((change.key, change.version)),
                Entry::Lost => None,
            })
            .collect();
        self.followed[from].last_version = rows.values().copied().max().unwrap_or(0);
        self.followed[from].pending.clear();
        let Followed { publisher, epoch, .. } = self.followed[from];
        let is_spoken_for = |row: &Row| match self.mutation.0 {
            Mutation::AbsenceWithoutEpochs => row.epoch > 0,
            Mutation::AbsenceByOrderOfEpochs => epochs.first().is_some_and(|first| row.epoch >= *first),
            _ => epochs.contains(&row.epoch),
        };
        let is_of_publisher = |row: &Row| row.source == publisher && is_spoken_for(row);
        self.rows.retain(|key, row| !is_of_publisher(row) || rows.contains_key(key));
        for (key, version) in rows {
            let row = self.rows.entry(key).or_default();
            if version >= row.version || self.mutation.0 == Mutation::MergeWithoutVersion {
                *row = Row { version, source: publisher, epoch };
            }
        }
    }

    /// Compares with the database: what the application does after a resync.
    fn resync(&mut self, database: &BTreeMap<u8, u8>) {
        for (key, version) in database {
            self.rows.entry(*key).or_default().version = *version;
        }
        self.followed.iter_mut().for_each(|followed| followed.last_version = 0);
    }
}
