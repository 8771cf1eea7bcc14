use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::ResyncRequest;

/// Schedules the resyncs of handlers: at once, but at most once a minute for each handler and table; a request in between waits.
/// No clock: callers pass the time.
#[derive(Debug, Default)]
pub(crate) struct ResyncSchedule(BTreeMap<(usize, String), Turn>);

#[derive(Debug)]
struct Turn {
    /// The earliest time of the next resync.
    due: Instant,
    /// The reason, if a resync is requested.
    reason: Option<String>,
}

/// The shortest time between two resyncs of one handler and table.
const INTERVAL: Duration = Duration::from_secs(60);

impl ResyncSchedule {
    pub(crate) fn request(&mut self, request: ResyncRequest, now: Instant) {
        let ResyncRequest { handler, table, reason } = request;
        // Entries older than a minute are removed, which bounds the map.
        self.0.retain(|_, turn| turn.reason.is_some() || turn.due > now);
        let turn = self.0.entry((handler, table)).or_insert(Turn { due: now, reason: None });
        turn.reason.get_or_insert(reason);
    }

    /// The next resync that is due.
    pub(crate) fn next(&mut self, now: Instant) -> Option<ResyncRequest> {
        let mut of_now = self.0.iter_mut().filter(|(_, turn)| turn.reason.is_some() && turn.due <= now);
        let ((handler, table), turn) = of_now.next()?;
        turn.due = now + INTERVAL;
        let reason = turn.reason.take()?;
        Some(ResyncRequest { handler: *handler, table: table.clone(), reason })
    }

    /// When the next requested resync is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.values().filter(|turn| turn.reason.is_some()).map(|turn| turn.due).min()
    }

    /// The tables with requested resyncs.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, turn)| turn.reason.is_some()).map(|((_, table), _)| table.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{INTERVAL, ResyncSchedule};
    use crate::ResyncRequest;

    fn request(handler: usize, table: &str) -> ResyncRequest {
        ResyncRequest { handler, table: table.to_owned(), reason: "it failed".to_owned() }
    }

    #[test]
    fn a_table_is_resent_at_once_and_then_at_most_once_a_minute() {
        let (mut resyncs, start) = (ResyncSchedule::default(), Instant::now());
        resyncs.request(request(0, "t"), start);
        resyncs.request(request(0, "t"), start);
        assert_eq!(resyncs.next(start), Some(request(0, "t")));
        assert_eq!((resyncs.next(start), resyncs.due()), (None, None));

        let later = start + Duration::from_secs(1);
        resyncs.request(request(0, "t"), later);
        assert_eq!((resyncs.next(later), resyncs.due()), (None, Some(start + INTERVAL)));
        assert_eq!(resyncs.tables().collect::<Vec<_>>(), ["t"], "the request waits");
        assert_eq!(resyncs.next(start + INTERVAL), Some(request(0, "t")));
    }

    #[test]
    fn each_handler_and_table_is_limited_separately_and_old_entries_are_removed() {
        let (mut resyncs, start) = (ResyncSchedule::default(), Instant::now());
        for (handler, table) in [(0, "t"), (1, "t"), (0, "u")] {
            resyncs.request(request(handler, table), start);
        }
        assert_eq!(std::iter::from_fn(|| resyncs.next(start)).count(), 3);
        resyncs.request(request(2, "v"), start + INTERVAL);
        assert_eq!(resyncs.0.len(), 1);
    }
}
