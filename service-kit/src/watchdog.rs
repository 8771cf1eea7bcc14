use std::future::pending;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{ReadParts, Readiness};

/// The heartbeat that systemd wants of a unit with `WatchdogSec=` (sd_watchdog_enabled(3)).
///
/// A beat is sent only while the program makes progress: its main loop turns, its runtime runs tasks, and every part answers
/// for its status, which needs the locks of all. A program that does not is ended by systemd and started again.
#[derive(Debug, Default)]
pub(crate) struct Watchdog {
    beats: Option<Interval>,
    proof: Option<JoinHandle<()>>,
}

/// The beats within the time that systemd allows: it advises two, and one may be late.
const BEATS: u32 = 3;

impl Watchdog {
    /// As the environment wants it; beats come only if it does.
    pub(crate) fn of_process() -> Self {
        Self { beats: sd_notify::watchdog_enabled().and_then(beats), proof: None }
    }

    /// Waits until the next beat is due.
    ///
    /// # Cancel safety
    /// If the future is dropped, the next call waits for the same beat.
    pub(crate) async fn due(&mut self) {
        match &mut self.beats {
            Some(beats) => drop(beats.tick().await),
            None => pending().await,
        }
    }

    /// Asks every part for its status, and sends a beat once all have answered. While the last proof is not done, none is begun.
    pub(crate) fn beat(&mut self, parts: Option<&ReadParts>) {
        if self.proof.as_ref().is_some_and(|proof| !proof.is_finished()) {
            tracing::warn!("a part does not answer for its status: systemd gets no beat");
            return;
        }
        let parts = parts.cloned();
        self.proof = Some(tokio::spawn(async move {
            if let Some(parts) = parts {
                drop(parts());
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
    use crate::ReadParts;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_beat_follows_one_that_a_part_did_not_answer() {
        let (asked, stuck) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(())));
        let (counted, lock) = (Arc::clone(&asked), Arc::clone(&stuck));
        let parts: ReadParts = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(lock.lock());
            BTreeMap::new()
        });
        let mut watchdog = Watchdog::default();
        let held = stuck.lock().unwrap();
        watchdog.beat(Some(&parts));
        for _ in 0..3 {
            watchdog.beat(Some(&parts));
        }
        drop(held);
        watchdog.proof.take().unwrap().await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1, "the first one was not answered");
        watchdog.beat(Some(&parts));
        watchdog.proof.take().unwrap().await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn without_a_manager_no_beat_is_ever_due() {
        let due = tokio::time::timeout(Duration::from_millis(20), Watchdog::default().due()).await;
        assert!(due.is_err());
    }
}
