use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::ResyncWanted;

/// When a handler is given a table again: at once, but at most once a minute; what is wanted meanwhile is done then. No clock.
#[derive(Debug, Default)]
pub(crate) struct Resyncs(BTreeMap<(usize, String), Turn>);

#[derive(Debug)]
struct Turn {
    /// Not before then.
    due: Instant,
    /// Why, if it is wanted.
    wanted: Option<String>,
}

/// The least time between two resyncs of one handler and table.
const INTERVAL: Duration = Duration::from_secs(60);

impl Resyncs {
    pub(crate) fn want(&mut self, wanted: ResyncWanted, now: Instant) {
        let ResyncWanted { handler, table, reason } = wanted;
        // Who failed last a minute ago is forgotten, so that as many stay as handlers fail in a minute.
        self.0.retain(|_, turn| turn.wanted.is_some() || turn.due > now);
        let turn = self.0.entry((handler, table)).or_insert(Turn { due: now, wanted: None });
        turn.wanted.get_or_insert(reason);
    }

    /// The next one whose turn it is.
    pub(crate) fn next(&mut self, now: Instant) -> Option<ResyncWanted> {
        let mut of_now = self.0.iter_mut().filter(|(_, turn)| turn.wanted.is_some() && turn.due <= now);
        let ((handler, table), turn) = of_now.next()?;
        turn.due = now + INTERVAL;
        let reason = turn.wanted.take()?;
        Some(ResyncWanted { handler: *handler, table: table.clone(), reason })
    }

    /// When to ask next.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.values().filter(|turn| turn.wanted.is_some()).map(|turn| turn.due).min()
    }

    /// The tables that are still to be given again.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, turn)| turn.wanted.is_some()).map(|((_, table), _)| table.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{INTERVAL, Resyncs};
    use crate::ResyncWanted;

    fn wanted(handler: usize, table: &str) -> ResyncWanted {
        ResyncWanted { handler, table: table.to_owned(), reason: "it failed".to_owned() }
    }

    #[test]
    fn a_table_is_given_again_at_once_and_then_once_a_minute() {
        let (mut resyncs, start) = (Resyncs::default(), Instant::now());
        resyncs.want(wanted(0, "t"), start);
        resyncs.want(wanted(0, "t"), start);
        assert_eq!(resyncs.next(start), Some(wanted(0, "t")));
        assert_eq!((resyncs.next(start), resyncs.due()), (None, None));

        let later = start + Duration::from_secs(1);
        resyncs.want(wanted(0, "t"), later);
        assert_eq!((resyncs.next(later), resyncs.due()), (None, Some(start + INTERVAL)));
        assert_eq!(resyncs.tables().collect::<Vec<_>>(), ["t"], "wanted, and not forgotten");
        assert_eq!(resyncs.next(start + INTERVAL), Some(wanted(0, "t")));
    }

    #[test]
    fn handlers_and_tables_have_turns_of_their_own_and_old_ones_are_forgotten() {
        let (mut resyncs, start) = (Resyncs::default(), Instant::now());
        for (handler, table) in [(0, "t"), (1, "t"), (0, "u")] {
            resyncs.want(wanted(handler, table), start);
        }
        assert_eq!(std::iter::from_fn(|| resyncs.next(start)).count(), 3);
        resyncs.want(wanted(2, "v"), start + INTERVAL);
        assert_eq!(resyncs.0.len(), 1);
    }
}
