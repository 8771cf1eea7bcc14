use std::collections::BTreeMap;

use crate::world::{Change, Entry, Message, Mutation};

/// A worker, its hop, and the service that it sends to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Service {
    /// Its id.
    pub(crate) publisher: u8,
    /// The worker's events that are not acknowledged; the first one's number.
    pub(crate) outbox: Vec<Change>,
    pub(crate) first_in_outbox: u64,
    /// The highest number that was written to an earlier connection.
    pub(crate) sent_before: u64,
    /// How many of the outbox are written to this connection and published; the acknowledgement is still to come.
    pub(crate) taken: usize,

    pub(crate) epoch: u64,
    /// The topic was retired in this epoch, and not used since: its last number, and the first one of a hello after it.
    pub(crate) retired: Option<(u64, u64)>,
    /// In the file: numbers, ring, epochs, the worker's position, and the cache as it is rebuilt from them.
    pub(crate) file: File,
    /// The subscriber's connection, and what is on its way over it. It subscribes to marks first.
    pub(crate) subscribed_to_marks: bool,
    pub(crate) subscribed: bool,
    pub(crate) channel: Vec<Message>,
    /// What the subscriber asked for: its position.
    pub(crate) request: Option<(u64, u64)>,
    pub(crate) answer: Option<SyncReply>,
    /// An answer that the subscriber has not waited for, and that still comes.
    pub(crate) late: Option<SyncReply>,
    /// For each position of this publisher: what its changes up to there amount to.
    pub(crate) history: BTreeMap<(u64, u64), BTreeMap<u8, u8>>,
}

/// What survives a crash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct File {
    pub(crate) last: u64,
    /// The number above which topics begin that are not known.
    pub(crate) floor: u64,
    /// Epoch and number of each entry that is kept.
    pub(crate) ring: Vec<(u64, u64, Entry)>,
    /// Each epoch that is remembered, with the last number before it.
    pub(crate) epochs: Vec<(u64, u64)>,
    pub(crate) worker: Option<u64>,
    /// The latest version of each key that was published since number 1.
    pub(crate) cache: BTreeMap<u8, u8>,
    /// The topic was retired, and nothing was published on it since: there are no marks.
    pub(crate) is_retired: bool,
    /// The cache has all since number 1.
    pub(crate) is_seeded: bool,
}

/// What the service replies to a subscriber that misses events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum SyncReply {
    Replay {
        events: Vec<(u64, u64, Entry)>,
        at: (u64, u64),
    },
    /// What the numbers of these epochs amount to.
    Snapshot {
        rows: BTreeMap<u8, u8>,
        epochs: Vec<u64>,
        at: (u64, u64),
    },
    Unknown {
        at: (u64, u64),
    },
}

/// Of every publisher; there are lower ones for clocks that go back.
const FIRST_EPOCH: u64 = 8;

impl Service {
    pub(crate) fn new(publisher: u8) -> Self {
        Self {
            publisher,
            outbox: Vec::new(),
            first_in_outbox: 1,
            sent_before: 0,
            taken: 0,
            epoch: FIRST_EPOCH,
            retired: None,
            file: File::new(FIRST_EPOCH),
            subscribed_to_marks: false,
            subscribed: false,
            channel: Vec::new(),
            request: None,
            answer: None,
            late: None,
            history: BTreeMap::from([((FIRST_EPOCH, 0), BTreeMap::new())]),
        }
    }

    /// Takes the next event of the worker: drops a repeat, else numbers and publishes it.
    pub(crate) fn take(&mut self, ring: usize, mutation: Mutation) {
        let change = self.outbox[self.taken];
        let number = self.first_in_outbox + self.taken as u64;
        self.taken += 1;
        let is_repeat = self.file.worker.is_some_and(|last| number <= last);
        if is_repeat && mutation != Mutation::RepeatsNumbered {
            return;
        }
        let is_in_doubt = self.file.worker.is_none() && number <= self.sent_before;
        if is_in_doubt && mutation != Mutation::RepeatsNumbered {
            self.publish(Entry::Lost, ring);
        }
        self.file.worker = Some(number.max(self.file.worker.unwrap_or(0)));
        self.publish(Entry::Change(change), ring);
    }

    fn publish(&mut self, entry: Entry, ring: usize) {
        self.file.is_retired = false;
        self.retired = None;
        self.file.last += 1;
        let (epoch, number) = (self.epoch, self.file.last);
        self.file.ring.push((epoch, number, entry));
        if self.file.ring.len() > ring {
            self.file.ring.remove(0);
        }
        if let Entry::Change(Change { key, version }) = entry {
            self.file.cache.insert(key, version);
        }
        self.history.insert((epoch, number), self.file.cache.clone());
        if self.subscribed {
            self.channel.push(Message::Data { epoch, number, entry });
        }
    }

    pub(crate) fn mark(&self) -> Message {
        let prev = self.file.epochs.iter().rev().nth(1).map(|(epoch, _)| {
            let before = self.file.epochs.last().map_or(0, |(_, before)| *before);
            (*epoch, before)
        });
        Message::Mark { epoch: self.epoch, last: self.file.last, prev }
    }

    /// Whether it has something to report in a mark.
    pub(crate) fn has_mark(&self) -> bool {
        self.file.last > 0 && !self.file.is_retired
    }

    /// Marks are subscribed to: the newcomer gets one.
    pub(crate) fn subscribe_to_marks(&mut self, mutation: Mutation) {
        self.subscribed_to_marks = true;
        let says = mutation != Mutation::NoMarks && self.has_mark();
        let mark = says.then(|| self.mark());
        self.channel.extend(mark);
    }

    /// Forgets its topic. Should that be published on again, its numbers are above all that any topic had.
    pub(crate) fn retire(&mut self, mutation: Mutation) {
        if self.subscribed_to_marks && mutation != Mutation::NoBye {
            self.channel.push(Message::Bye { epoch: self.epoch, last: self.file.last, again: None });
        }
        let last = self.file.last;
        self.file.floor = self.file.last.max(self.file.floor + 1);
        let is_repeated = !matches!(mutation, Mutation::NoBye | Mutation::ByeOnce);
        self.retired = is_repeated.then(|| (last, self.first_number()));
        let begins_anew = mutation == Mutation::RetiredNumbersBeginAnew;
        let floor = if begins_anew { 0 } else { self.file.floor };
        self.file.last = floor;
        self.file.ring.clear();
        self.file.cache.clear();
        self.file.epochs.iter_mut().for_each(|(_, before)| *before = floor);
        (self.file.is_retired, self.file.is_seeded) = (true, false);
        self.history.entry((self.epoch, floor)).or_default();
        if self.subscribed {
            self.channel.push(Message::Hello { first_number: self.first_number() });
        }
    }

    /// The `bye` that is repeated.
    pub(crate) fn bye_again(&self) -> Option<Message> {
        self.retired.map(|(last, first)| Message::Bye { epoch: self.epoch, last, again: Some(first) })
    }

    /// What a hello carries: the first number of topics that are not known.
    pub(crate) fn first_number(&self) -> u64 {
        self.file.floor + 1
    }

    /// Another publisher begins at its address; the workers send there what was not acknowledged.
    pub(crate) fn replace(&mut self, publisher: u8) {
        self.crash(true, false);
        (self.publisher, self.epoch) = (publisher, FIRST_EPOCH);
        self.file = File::new(FIRST_EPOCH);
        self.history = BTreeMap::from([((FIRST_EPOCH, 0), BTreeMap::new())]);
    }

    /// Nobody waits for an answer any more.
    pub(crate) fn forget_request(&mut self) {
        (self.request, self.answer) = (None, None);
    }

    /// The subscriber's connections break.
    pub(crate) fn disconnect(&mut self) {
        (self.subscribed_to_marks, self.subscribed) = (false, false);
        self.channel.clear();
        self.request = None;
        self.answer = None;
        self.late = None;
    }

    /// Killed, and started again; the file is there, or it is not.
    pub(crate) fn crash(&mut self, keeps_file: bool, clock_back: bool) {
        if clock_back && !keeps_file {
            self.epoch = self.history.keys().map(|(epoch, _)| *epoch).min().unwrap_or(self.epoch) - 1;
        } else {
            self.epoch = self.history.keys().map(|(epoch, _)| *epoch).max().unwrap_or(self.epoch) + 1;
        }
        if keeps_file {
            self.file.epochs.push((self.epoch, self.file.last));
        } else {
            self.file = File::new(self.epoch);
        }
        self.history.insert((self.epoch, self.file.last), self.file.cache.clone());
        self.retired = None;
        (self.subscribed_to_marks, self.subscribed) = (false, false);
        self.request = None;
        self.answer = None;
        self.late = None;
        let written = self.first_in_outbox + self.taken as u64 - 1;
        self.sent_before = self.sent_before.max(written);
        self.taken = 0;
    }

    /// The worker learns what was accepted.
    pub(crate) fn acknowledge(&mut self) {
        self.outbox.drain(..self.taken);
        self.first_in_outbox += self.taken as u64;
        self.taken = 0;
    }

    /// Answers the request.
    pub(crate) fn serve(&mut self, mutation: Mutation) {
        let Some(want) = self.request.take() else { return };
        self.answer = Some(self.answer_to(want, mutation));
    }

    fn answer_to(&self, (epoch, number): (u64, u64), mutation: Mutation) -> SyncReply {
        let at = (self.epoch, self.file.last);
        let has_nothing = number == 0 && self.file.epochs.iter().any(|(known, _)| *known == epoch);
        let knows = has_nothing || self.knows(epoch, number);
        let oldest = self.file.ring.first().map_or(self.file.last + 1, |(_, number, _)| *number);
        if knows && number + 1 >= oldest {
            let events = self.file.ring.iter().filter(|(_, kept, _)| *kept > number).copied().collect();
            return SyncReply::Replay { events, at };
        }
        if (knows && self.file.is_seeded) || mutation == Mutation::UnseededSnapshot {
            let epochs = self.file.epochs.iter().map(|(epoch, _)| *epoch).collect();
            return SyncReply::Snapshot { rows: self.file.cache.clone(), epochs, at };
        }
        SyncReply::Unknown { at }
    }

    /// Whether somebody can be there: the epoch is remembered, and the number lies within it.
    fn knows(&self, epoch: u64, number: u64) -> bool {
        let Some(place) = self.file.epochs.iter().position(|(known, _)| *known == epoch) else {
            return false;
        };
        let begins = self.file.epochs[place].1;
        let ends = self.file.epochs.get(place + 1).map_or(self.file.last, |(_, before)| *before);
        (begins..=ends).contains(&number)
    }
}

impl File {
    fn new(epoch: u64) -> Self {
        Self {
            last: 0,
            floor: 0,
            ring: Vec::new(),
            epochs: vec![(epoch, 0)],
            worker: None,
            cache: BTreeMap::new(),
            is_retired: false,
            is_seeded: true,
        }
    }
}
