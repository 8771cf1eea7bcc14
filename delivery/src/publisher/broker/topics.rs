use std::collections::HashMap;

use bytes::Bytes;
use foldhash::fast::RandomState;
use pubsub_api::{Result, Topic};

use crate::publisher::numbering::least_recent::LeastRecent;
use crate::publisher::numbering::topics::TopicId;

/// The topics on which a process publishes, at most `bound`: the topic that was idle longest is retired for a new one.
///
/// A sequence of one epoch must never be used twice, and a retired topic is forgotten. So a new topic begins above all
/// sequences of retired ones. Subscribers take its first event for one after missing ones, and resync once more than necessary;
/// if it began at 1, one that missed the `bye` would silently drop events as duplicates.
#[derive(Debug)]
pub(super) struct Topics {
    bound: usize,
    states: Vec<Option<State>>,
    free: Vec<TopicId>,
    ids: HashMap<Bytes, TopicId, RandomState>,
    idle: LeastRecent<TopicId>,
    floor: u64,
}

/// The state of one topic.
#[derive(Debug)]
pub(super) struct State {
    pub(super) topic: Topic,
    /// The last sequence that was used up: its event was published, or may have been.
    pub(super) last: u64,
    /// The last planned sequence: above `last` only for events that the driver has in hand.
    pub(super) planned: u64,
    /// The sequence of an event in doubt, for which a loss record is owed.
    pub(super) owed: Option<u64>,
    /// The sequence before the first.
    before: u64,
    used_at: u64,
}

impl State {
    /// Whether subscribers may have seen it.
    pub(super) fn is_used(&self) -> bool {
        self.last > self.before
    }
}

/// The result of a search for a topic.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: TopicId,
    /// Whether the topic is new.
    pub(super) is_new: bool,
    /// The topic that was retired for it.
    pub(super) retired: Option<State>,
}

impl Topics {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound: bound.max(1),
            states: Vec::new(),
            free: Vec::new(),
            ids: HashMap::default(),
            idle: LeastRecent::default(),
            floor: 0,
        }
    }

    /// Finds the topic of an event, or makes room for it; `None` if all topics are in use at this tick.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if the bytes are no topic.
    pub(super) fn find_or_add(&mut self, name: &[u8], tick: u64) -> Result<Option<Found>> {
        if let Some(id) = self.ids.get(name).copied()
            && let Some(state) = self.get_mut(id)
        {
            state.used_at = tick;
            return Ok(Some(Found { id, is_new: false, retired: None }));
        }
        let topic = Topic::new(Bytes::copy_from_slice(name))?;
        let mut retired = None;
        if self.ids.len() >= self.bound {
            retired = self.retire(tick);
            if retired.is_none() {
                return Ok(None);
            }
        }
        Ok(self.add(topic, tick).map(|id| Found { id, is_new: true, retired }))
    }

    fn add(&mut self, topic: Topic, tick: u64) -> Option<TopicId> {
        let id = self.free.pop().or_else(|| {
            let id = TopicId::of(u32::try_from(self.states.len()).ok()?);
            self.states.push(None);
            Some(id)
        })?;
        let before = self.floor;
        self.ids.insert(topic.to_bytes(), id);
        *self.states.get_mut(id.index())? =
            Some(State { topic, last: before, planned: before, owed: None, before, used_at: tick });
        Some(id)
    }

    /// Retires the topic that was idle longest, unless it is in use at this tick.
    fn retire(&mut self, tick: u64) -> Option<State> {
        let Self { idle, states, .. } = self;
        let all = || {
            let ids = (0..).map(TopicId::of);
            states.iter().zip(ids).filter_map(|(state, id)| Some((state.as_ref()?.used_at, id)))
        };
        let (used_at, id) = idle.find(all, |id| Some(states.get(id.index())?.as_ref()?.used_at))?;
        if used_at >= tick {
            return None;
        }
        let state = self.states.get_mut(id.index())?.take()?;
        self.ids.remove(state.topic.as_bytes());
        self.free.push(id);
        self.floor = self.floor.max(state.last);
        Some(state)
    }

    pub(super) fn get(&self, id: TopicId) -> Option<&State> {
        self.states.get(id.index())?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: TopicId) -> Option<&mut State> {
        self.states.get_mut(id.index())?.as_mut()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = TopicId> + '_ {
        let ids = (0..).map(TopicId::of);
        self.states.iter().zip(ids).filter(|(state, _)| state.is_some()).map(|(_, id)| id)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}
