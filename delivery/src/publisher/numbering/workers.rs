use std::collections::HashMap;

use foldhash::fast::RandomState;
use pubsub_api::{Source, WorkerPosition};

use super::least_recent::LeastRecent;

/// The position of each worker, so that an event that is sent again is not published again.
#[derive(Debug)]
pub(crate) struct Workers {
    bound: usize,
    known: HashMap<u64, Worker, RandomState>,
    idle: LeastRecent<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Worker {
    progress: Progress,
    used_at: u64,
}

/// The position of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) worker: u64,
    /// Its last worker position that was published.
    pub(crate) last: u64,
    /// Whether events that it had sent before may have been published in an epoch that nobody remembers.
    pub(crate) in_doubt: bool,
}

/// The result for an event of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It was never published.
    Fresh,
    /// It was published before.
    Repeat,
    /// It is not known whether it was published.
    InDoubt,
}

/// The number of workers that are remembered; the one that was silent longest is forgotten for a new one. A host has a few
/// hundred, and each start of a worker is a new one.
pub(super) const MAX_WORKERS: usize = 16_384;

impl Workers {
    pub(crate) fn new(bound: usize) -> Self {
        Self { bound, known: HashMap::default(), idle: LeastRecent::default() }
    }

    /// Judges the next event of a worker, which counts as published from now on.
    #[inline]
    pub(crate) fn judge(&mut self, origin: WorkerPosition, tick: u64) -> Judgement {
        let WorkerPosition { worker, number, sent_before } = origin;
        let Some(known) = self.known.get_mut(&worker) else {
            let progress = Progress { worker, last: number, in_doubt: sent_before };
            self.note(progress, tick);
            return if sent_before { Judgement::InDoubt } else { Judgement::Fresh };
        };
        known.used_at = tick;
        if number <= known.progress.last {
            return Judgement::Repeat;
        }
        known.progress.last = number;
        known.progress.in_doubt &= sent_before;
        if known.progress.in_doubt { Judgement::InDoubt } else { Judgement::Fresh }
    }

    /// Notes that all positions of a run are used up, including those of refused events.
    pub(crate) fn pass(&mut self, source: &Source, tick: u64) {
        let Source { worker, sent_before, .. } = *source;
        let last = source.last();
        let in_doubt = last <= sent_before;
        let before = self.get(worker).unwrap_or(Progress { worker, last, in_doubt });
        let last = last.max(before.last);
        self.note(Progress { worker, last, in_doubt: before.in_doubt && in_doubt }, tick);
    }

    /// Remembers the position of a worker.
    pub(crate) fn note(&mut self, progress: Progress, tick: u64) {
        if self.known.len() >= self.bound && !self.known.contains_key(&progress.worker) {
            let Self { known, idle, .. } = self;
            let all = || known.iter().map(|(worker, state)| (state.used_at, *worker));
            if let Some((_, silent)) = idle.find(all, |id| known.get(&id).map(|state| state.used_at)) {
                known.remove(&silent);
            }
        }
        self.known.insert(progress.worker, Worker { progress, used_at: tick });
    }

    pub(crate) fn get(&self, worker: u64) -> Option<Progress> {
        self.known.get(&worker).map(|known| known.progress)
    }

    /// All positions, in the order of their last use.
    pub(crate) fn by_use(&self) -> Vec<Progress> {
        let mut all: Vec<Worker> = self.known.values().copied().collect();
        all.sort_by_key(|worker| worker.used_at);
        all.into_iter().map(|worker| worker.progress).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn bound(&self) -> usize {
        self.bound
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{PeerId, Source, WorkerPosition};

    use super::Judgement::{Fresh, InDoubt, Repeat};
    use super::{Progress, Workers};

    #[test]
    fn a_published_event_is_a_repeat_and_one_that_nobody_remembers_is_in_doubt() {
        let mut workers = Workers::new(9);
        for (worker, number, sent_before, wanted) in [
            (1, 1, false, Fresh),
            (1, 2, false, Fresh),
            (1, 2, true, Repeat),
            (1, 1, true, Repeat),
            (1, 3, true, Fresh),
            (2, 7, true, InDoubt),
            (2, 7, true, Repeat),
            (2, 8, true, InDoubt),
            (2, 9, false, Fresh),
            (2, 10, true, Fresh),
        ] {
            let judged = workers.judge(WorkerPosition { worker, number, sent_before }, number);
            assert_eq!(judged, wanted, "number {number} of worker {worker}");
        }
    }

    #[test]
    fn a_run_passes_with_the_events_that_were_refused() {
        let mut workers = Workers::new(9);
        workers.judge(WorkerPosition { worker: 1, number: 4, sent_before: false }, 1);
        let source = Source { peer: PeerId(1), worker: 1, first: 4, count: 6, sent_before: 0 };
        workers.pass(&source, 2);
        assert_eq!(workers.get(1), Some(Progress { worker: 1, last: 9, in_doubt: false }));
    }

    #[test]
    fn the_worker_that_was_silent_longest_is_forgotten_for_a_new_one() {
        let mut workers = Workers::new(2);
        for (tick, worker) in [1, 2, 1, 3].into_iter().enumerate() {
            let tick = tick as u64;
            workers.judge(WorkerPosition { worker, number: tick + 1, sent_before: false }, tick);
        }
        assert_eq!((workers.get(2), workers.len()), (None, 2));
        let last: Vec<u64> = workers.by_use().iter().map(|progress| progress.last).collect();
        assert_eq!(last, [3, 4]);
    }
}
