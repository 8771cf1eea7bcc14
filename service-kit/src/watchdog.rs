use std::future::pending;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{ReadParts, Readiness, VitalSigns};

/// The heartbeat that systemd expects from a unit with `WatchdogSec=` (sd_watchdog_enabled(3)).
///
/// A heartbeat is sent only while the program makes progress: its main loop runs, its runtime runs tasks, its main work does not hang at
/// one step, and every part returns its status, which needs the locks of all parts. Otherwise systemd ends the program and restarts
/// it.
#[derive(Debug, Default)]
pub(crate) struct Watchdog {
    beats: Option<Interval>,
    /// The time that systemd allows.
    limit: Duration,
    check: Option<JoinHandle<()>>,
}

/// The number of heartbeats within the time that systemd allows: it advises two, and one may be late.
const BEATS: u32 = 3;

impl Watchdog {
    /// Reads the interval from the environment; without one, no heartbeat is sent.
    pub(crate) fn of_process() -> Self {
        let limit = sd_notify::watchdog_enabled();
        Self { beats: limit.and_then(beats), limit: limit.unwrap_or_default(), check: None }
    }

    /// Waits until the next heartbeat is due.
    ///
    /// # Cancel safety
    /// If the future is dropped, the next call waits for the same beat.
    pub(crate) async fn due(&mut self) {
        match &mut self.beats {
            Some(beats) => drop(beats.tick().await),
            None => pending().await,
        }
    }

    /// Reads the status of every part, then sends a heartbeat. While the previous check still runs, no new one starts.
    pub(crate) fn beat(&mut self, parts: Option<&ReadParts>, signs: Option<&VitalSigns>) {
        if let Some(stands_for) = signs.and_then(|signs| (signs.stands_for)())
            && stands_for > self.limit
        {
            tracing::warn!(
                id = "SK0119",
                "the work of the program has been at one step for {stands_for:?}; no heartbeat is sent to systemd"
            );
            return;
        }
        if self.check.as_ref().is_some_and(|check| !check.is_finished()) {
            tracing::warn!(
                id = "SK0114",
                "a part of the program does not return its status; no heartbeat is sent to systemd"
            );
            return;
        }
        let (parts, summary) = (parts.cloned(), signs.map(|signs| signs.summary));
        self.check = Some(tokio::spawn(async move {
            if let Some(parts) = parts {
                let parts = parts();
                if let Some(summary) = summary {
                    Readiness.status(&summary(&parts));
                }
            }
            Readiness.alive();
        }));
    }
}

fn beats(limit: Duration) -> Option<Interval> {
    let every = limit / BEATS;
    if every.is_zero() {
        return None;
    }
    let mut beats = interval(every);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(beats)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::Watchdog;
    use crate::{ReadParts, VitalSigns};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_check_starts_while_a_part_does_not_return_its_status() {
        let (reads, stuck) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(())));
        let (counted, lock) = (Arc::clone(&reads), Arc::clone(&stuck));
        let parts: ReadParts = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(lock.lock());
            BTreeMap::new()
        });
        let mut watchdog = Watchdog::default();
        let held = stuck.lock().unwrap();
        watchdog.beat(Some(&parts), None);
        for _ in 0..3 {
            watchdog.beat(Some(&parts), None);
        }
        drop(held);
        watchdog.check.take().unwrap().await.unwrap();
        assert_eq!(reads.load(Ordering::SeqCst), 1, "the first check was still running");
        watchdog.beat(Some(&parts), None);
        watchdog.check.take().unwrap().await.unwrap();
        assert_eq!(reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn no_heartbeat_is_sent_while_the_work_hangs_at_one_step_for_longer_than_the_limit() {
        let mut watchdog = Watchdog { limit: Duration::from_secs(30), ..Watchdog::default() };
        for (seconds, beats) in [(None, true), (Some(30), true), (Some(31), false)] {
            let stands_for = Arc::new(move || seconds.map(Duration::from_secs));
            let signs = VitalSigns { stands_for, summary: |_| String::new() };
            watchdog.beat(None, Some(&signs));
            assert_eq!(watchdog.check.take().is_some(), beats, "{seconds:?}");
        }
    }

    #[tokio::test]
    async fn without_a_service_manager_no_heartbeat_is_due() {
        let due = tokio::time::timeout(Duration::from_millis(20), Watchdog::default().due()).await;
        assert!(due.is_err());
    }
}
