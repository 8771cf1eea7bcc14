use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use pubsub_api::{Error, ErrorKind};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::counters::Counters;
use super::eviction::Eviction;
use super::report::Report;
use super::{Server, Servers};

/// The task that asks all masters for their reports periodically; dropping it ends the task.
#[derive(Debug)]
pub(crate) struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Servers {
    /// Watches for masters that became replicas, and for evicted rows: at once, and then every `interval` with 20 % of
    /// jitter.
    pub(crate) fn watch(self: &Arc<Self>, interval: Duration) -> Watch {
        Watch(tokio::spawn(watch(Arc::downgrade(self), interval)))
    }

    /// Asks each master. A server that does not answer is ignored here; calls that need it report it.
    async fn check_masters(&self) {
        join_all(self.map.masters().iter().map(async |server| {
            let Ok(visit) = self.visit(server).await else { return };
            if visit.report.refusal(server.endpoint()).is_some() {
                // The next call connects, and reports why the server cannot be used.
                server.close();
            }
        }))
        .await;
    }
}

async fn watch(servers: Weak<Servers>, interval: Duration) {
    while let Some(servers) = servers.upgrade() {
        servers.check_masters().await;
        drop(servers);
        // Jitter, so that programs that were started together do not ask together.
        sleep(interval.mul_f64(0.8 + 0.4 * fastrand::f64())).await;
    }
}

impl Server {
    /// Stores the server's report, and logs what it means for the rows.
    pub(super) fn note(&self, report: &Report, counters: &Counters) {
        let mut last = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.replace(report.clone());
        drop(last);
        let endpoint = self.endpoint();
        let risk = report.eviction.as_ref().and_then(Eviction::risk);
        let known = before.as_ref().and_then(|before| before.eviction.as_ref()?.risk());
        if let Some(risk) = risk.filter(|risk| known.as_ref() != Some(risk)) {
            tracing::warn!(id = "SK0906", "{endpoint}: {risk}");
        }
        let Some(before) = before else { return };
        if let (Some(was), Some(is)) = (&before.role, &report.role)
            && was != is
        {
            tracing::warn!(id = "SK0907", "{endpoint} is now {is}; before, it was {was}");
        }
        let evicted = evicted_since(&before, report);
        if evicted > 0 {
            counters.evicted.add(evicted);
            tracing::warn!(
                id = "SK0908",
                "{endpoint} evicted {evicted} keys, so rows may be lost: set maxmemory-policy noeviction, raise maxmemory, and \
                 write the rows again"
            );
        }
    }

    /// The error, if the server's empty listing would be wrong because its rows were lost in a restart.
    pub(super) fn lost_all_rows(&self, report: &Report) -> Option<Error> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let (run_id, keys) = listed.as_ref()?;
        let history = report.history.as_ref()?;
        let lost = report.keys == Some(0) && *keys > 0 && history.run_id != *run_id;
        lost.then(|| {
            let text = format!(
                "{} restarted without its rows: it had {keys} keys before and has none now; its rows are not listed until \
                 it has some, so restore its data",
                self.endpoint()
            );
            Error::new(ErrorKind::Unavailable, text)
        })
    }

    /// Stores the result of a listing.
    pub(super) fn was_listed(&self, report: &Report) {
        let Some((history, keys)) = report.history.as_ref().zip(report.keys) else { return };
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        *listed = Some((history.run_id.clone(), keys));
    }
}

/// The number of keys that one run of a server evicted between two reports.
fn evicted_since(before: &Report, now: &Report) -> u64 {
    let run = |report: &Report| report.history.as_ref().map(|history| history.run_id.clone());
    let evicted = |report: &Report| report.eviction.as_ref().map_or(0, |eviction| eviction.evicted_keys);
    if run(before) == run(now) { evicted(now).saturating_sub(evicted(before)) } else { 0 }
}
