use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use pubsub_api::{NamedCounters, Result, Topic};

use super::epoch_history::EpochHistory;
use super::least_recent::LeastRecent;
use super::topic_index::TopicIndex;
use super::topic_sequence::TopicSequence;

/// The topics of a publisher, at most `bound`: the topic that was idle longest is retired for a new one.
#[derive(Debug)]
pub(crate) struct Topics {
    bound: usize,
    /// By index; `None` is free.
    states: Vec<Option<TopicState>>,
    free: Vec<TopicId>,
    ids: HashMap<Bytes, TopicId, RandomState>,
    names: BTreeMap<Bytes, TopicId>,
    idle: LeastRecent<TopicId>,
    /// The topic of the last event: events of one topic often follow each other.
    latest: Option<TopicId>,
    floor: u64,
    retired: u64,
    /// Retired since the last [`take_retired`](Topics::take_retired).
    leaving: Vec<RetiredTopic>,
    /// The events of each, for readers without the lock of the publisher.
    counters: Arc<NamedCounters>,
}

/// A topic that was retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetiredTopic {
    pub(crate) topic: Topic,
    /// Its last sequence.
    pub(crate) last: u64,
    /// The [floor](Topics::floor) after it.
    pub(crate) floor: u64,
}

/// Identifies a topic until it is retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicId(u32);

/// The state of a topic.
#[derive(Debug)]
pub(crate) struct TopicState {
    pub(crate) topic: Topic,
    pub(crate) sequence: TopicSequence,
    pub(crate) index: TopicIndex,
    /// The [place](NamedCounters::place) of its counter, from its first event in this process on.
    pub(crate) counter: Option<usize>,
    /// The tick of the last event.
    used_at: u64,
}

/// The result of a search for a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The topic exists.
    Known(TopicId),
    /// The topic was added, perhaps in the place of a retired one.
    New(TopicId),
    /// There is no room: all topics are in use at this tick.
    NoRoom,
}

impl TopicId {
    pub(crate) fn of(index: u32) -> Self {
        Self(index)
    }

    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Topics {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            bound: bound.max(1),
            states: Vec::new(),
            free: Vec::new(),
            ids: HashMap::default(),
            names: BTreeMap::new(),
            idle: LeastRecent::default(),
            latest: None,
            floor: 0,
            retired: 0,
            leaving: Vec::new(),
            counters: Arc::new(NamedCounters::new("events_published", "topic")),
        }
    }

    /// Finds the topic of an event, or makes room for it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if the bytes are no topic.
    #[inline]
    pub(crate) fn find_or_add(&mut self, name: &[u8], tick: u64) -> Result<Found> {
        if let Some(id) = self.latest
            && let Some(state) = self.get_mut(id)
            && state.topic.as_bytes() == name
        {
            state.used_at = tick;
            return Ok(Found::Known(id));
        }
        if let Some(id) = self.id(name) {
            if let Some(state) = self.get_mut(id) {
                state.used_at = tick;
            }
            self.latest = Some(id);
            return Ok(Found::Known(id));
        }
        let topic = Topic::new(Bytes::copy_from_slice(name))?;
        // Above the floor after the retirement, so that the ring shows the floor at any time: a restart with another bound
        // retires other topics, and must not lower it.
        Ok(self
            .make_room(tick)
            .and_then(|()| self.put(topic, TopicSequence::after(self.floor), tick))
            .map_or(Found::NoRoom, Found::New))
    }

    /// Adds a topic. If there is no room, it retires the one that was idle longest; `None` if all are in use at this tick.
    pub(crate) fn add(&mut self, topic: Topic, sequence: TopicSequence, tick: u64) -> Option<TopicId> {
        self.make_room(tick)?;
        self.put(topic, sequence, tick)
    }

    fn make_room(&mut self, tick: u64) -> Option<()> {
        while self.len() >= self.bound {
            let (used_at, idle) = self.longest_idle()?;
            if used_at >= tick {
                return None;
            }
            self.retire(idle);
        }
        Some(())
    }

    fn put(&mut self, topic: Topic, sequence: TopicSequence, tick: u64) -> Option<TopicId> {
        let id = self.free.pop().or_else(|| {
            let id = TopicId(u32::try_from(self.states.len()).ok()?);
            self.states.push(None);
            Some(id)
        })?;
        let name = topic.to_bytes();
        self.ids.insert(name.clone(), id);
        self.names.insert(name, id);
        self.latest = Some(id);
        *self.states.get_mut(id.index())? =
            Some(TopicState { topic, sequence, index: TopicIndex::default(), counter: None, used_at: tick });
        Some(id)
    }

    fn longest_idle(&mut self) -> Option<(u64, TopicId)> {
        let Self { idle, states, .. } = self;
        let all = || {
            let ids = (0..).map(TopicId::of);
            states.iter().zip(ids).filter_map(|(state, id)| state.as_ref().map(|state| (state.used_at, id)))
        };
        idle.find(all, |id| states.get(id.index())?.as_ref().map(|state| state.used_at))
    }

    /// Forgets a topic; a later topic of its name will be numbered above it.
    fn retire(&mut self, id: TopicId) {
        let Some(state) = self.states.get_mut(id.index()).and_then(Option::take) else { return };
        // It rises with every topic, so that a subscriber that was away notices a topic of which it has seen nothing.
        self.raise_floor(state.sequence.last().max(self.floor.saturating_add(1)));
        self.ids.remove(state.topic.as_bytes());
        self.names.remove(state.topic.as_bytes());
        self.free.push(id);
        self.latest = None;
        self.retired += 1;
        let (last, floor) = (state.sequence.last(), self.floor);
        self.leaving.push(RetiredTopic { topic: state.topic, last, floor });
    }

    /// The topics that were retired since the last call.
    pub(crate) fn take_retired(&mut self) -> Vec<RetiredTopic> {
        std::mem::take(&mut self.leaving)
    }

    /// The sequence above which unknown topics begin: at least the highest one of any retired topic, and higher after each.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn raise_floor(&mut self, floor: u64) {
        self.floor = self.floor.max(floor);
    }

    /// The number of events of each topic.
    pub(crate) fn counters(&self) -> Arc<NamedCounters> {
        Arc::clone(&self.counters)
    }

    /// The number of retired topics.
    pub(crate) fn retired(&self) -> u64 {
        self.retired
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn bound(&self) -> usize {
        self.bound
    }

    #[inline]
    pub(crate) fn get(&self, id: TopicId) -> Option<&TopicState> {
        self.states.get(id.index()).and_then(Option::as_ref)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: TopicId) -> Option<&mut TopicState> {
        self.states.get_mut(id.index()).and_then(Option::as_mut)
    }

    pub(crate) fn id(&self, name: &[u8]) -> Option<TopicId> {
        self.ids.get(name).copied()
    }

    pub(crate) fn named(&self, name: &[u8]) -> Option<&TopicState> {
        self.id(name).and_then(|id| self.get(id))
    }

    /// All topics, in the order of their last use.
    pub(crate) fn by_use(&self) -> impl Iterator<Item = &TopicState> {
        let ticks = self.ids().filter_map(|id| Some((self.get(id)?.used_at, id)));
        let mut ticks: Vec<(u64, TopicId)> = ticks.collect();
        ticks.sort_unstable();
        ticks.into_iter().filter_map(|(_, id)| self.get(id))
    }

    /// The ids of all topics.
    pub(crate) fn ids(&self) -> impl Iterator<Item = TopicId> + '_ {
        let ids = (0..).map(TopicId::of);
        self.states.iter().zip(ids).filter(|(state, _)| state.is_some()).map(|(_, id)| id)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut TopicState> {
        self.states.iter_mut().flatten()
    }

    /// The topics whose names begin with `prefix`, in the order of their names, from `from` on.
    pub(crate) fn covered<'a>(
        &'a self,
        prefix: &'a [u8],
        from: &'a [u8],
    ) -> impl Iterator<Item = TopicId> + 'a {
        let begin = from.max(prefix);
        let named =
            self.names.range::<[u8], _>((std::ops::Bound::Included(begin), std::ops::Bound::Unbounded));
        named.take_while(move |(name, _)| name.starts_with(prefix)).map(|(_, id)| *id)
    }

    /// Forgets the epochs that the history has forgotten.
    pub(super) fn forget_epochs(&mut self, epoch_history: &EpochHistory) {
        let oldest = epoch_history.oldest().unwrap_or(0);
        self.iter_mut().for_each(|state| state.sequence.forget_before(oldest));
    }
}

impl TopicState {
    /// The lowest sequence in the ring, or the next one if there is none.
    pub(crate) fn oldest(&self) -> u64 {
        self.index.oldest(self.sequence.last())
    }
}

#[cfg(test)]
mod tests;
