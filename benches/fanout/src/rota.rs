use std::sync::Arc;

/// The topics in the order of the events, repeated: event i is on topic i mod [`len`](Self::len).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rota {
    /// One topic for all subscribers.
    Single,
    /// This number of topics.
    Many(u32),
}

impl Rota {
    pub(crate) fn len(self) -> u64 {
        match self {
            Self::Single => 1,
            Self::Many(topics) => u64::from(topics),
        }
    }

    /// The name of a topic; all names have the same length.
    pub(crate) fn name(self, topic: u32) -> String {
        match self {
            Self::Single => "D".to_owned(),
            Self::Many(_) => format!("topic-{topic:03}"),
        }
    }

    /// All names, in order.
    pub(crate) fn names(self) -> Vec<String> {
        let topics = u32::try_from(self.len()).unwrap_or(u32::MAX);
        (0..topics).map(|topic| self.name(topic)).collect()
    }

    /// The topics of each of `subscribers`: the one topic, or `each` of the many, pseudo-random and always the same.
    pub(crate) fn shares(self, subscribers: usize, each: usize) -> Vec<Share> {
        const SEED: u64 = 8866;
        let mut random = fastrand::Rng::with_seed(SEED);
        let topics = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let share = |_| {
            let mut taken = random.choose_multiple(0..topics, each.max(1));
            taken.sort_unstable();
            Share { rota: self, topics: Arc::from(taken) }
        };
        (0..subscribers).map(share).collect()
    }
}

/// The topics of a [`Rota`] that one subscriber receives.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    rota: Rota,
    /// Sorted, never empty.
    topics: Arc<[u32]>,
}

impl Share {
    pub(crate) fn len(&self) -> u64 {
        self.topics.len() as u64
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.topics.iter().map(|topic| self.rota.name(*topic)).collect()
    }

    /// The sequence number of the event after `count` others of this share.
    pub(crate) fn sequence_after(&self, count: u64) -> u64 {
        if self.rota == Rota::Single {
            return count;
        }
        let place = usize::try_from(count % self.len()).unwrap_or(0);
        let topic = self.topics.get(place).copied().unwrap_or(0);
        count / self.len() * self.rota.len() + u64::from(topic)
    }

    /// Number of events below `sequence` in this share.
    pub(crate) fn count_below(&self, sequence: u64) -> u64 {
        let rest = sequence % self.rota.len();
        let begun = self.topics.partition_point(|topic| u64::from(*topic) < rest);
        sequence / self.rota.len() * self.len() + begun as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Rota;

    #[test]
    fn counts_and_sequence_numbers_agree() {
        for (rota, each) in [(Rota::Single, 1), (Rota::Many(10), 3), (Rota::Many(1000), 20)] {
            for share in rota.shares(5, each) {
                assert_eq!(share.len(), each as u64);
                for count in 0..100 {
                    let sequence = share.sequence_after(count);
                    assert_eq!(share.count_below(sequence), count);
                    assert_eq!(share.count_below(sequence + 1), count + 1);
                }
            }
        }
    }

    #[test]
    fn the_shares_are_the_same_every_time() {
        let names = || Rota::Many(1000).shares(3, 20).iter().map(super::Share::names).collect::<Vec<_>>();
        assert_eq!(names(), names());
    }
}
