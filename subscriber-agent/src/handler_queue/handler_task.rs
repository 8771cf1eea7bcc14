use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use pubsub_api::Backoff;
use tokio::time::sleep;

use super::SharedQueue;
use crate::reports::{Reporter, ResyncRequest};
use crate::{Change, Handler, HandlerFailure, OnFailure};

/// The task that calls the handler for one event after the other.
pub(super) struct HandlerTask {
    /// The handler's number, counted from 0.
    pub(super) number: usize,
    pub(super) filter: String,
    pub(super) handler: Box<dyn Handler>,
    pub(super) on_failure: OnFailure,
    pub(super) reporter: Arc<Reporter>,
    pub(super) shared: Arc<SharedQueue>,
}

impl HandlerTask {
    pub(super) async fn run(mut self) {
        loop {
            let change = self.shared.next().await;
            match self.handle(&change).await {
                Ok(()) => self.shared.counters.handled.add(1),
                Err(reason) => {
                    self.fail(&change, &reason);
                    if self.on_failure == OnFailure::Stop {
                        self.reporter.stop(format!(
                            "the handler of {} failed on {} (agent.on_failure = \"stop\"): {reason}",
                            self.filter,
                            change.row_name()
                        ));
                        return;
                    }
                }
            }
            self.shared.done();
        }
    }

    /// Calls the handler, with the retries of the policy.
    async fn handle(&mut self, change: &Change) -> Result<(), String> {
        let mut outcome = self.attempt(change).await;
        let mut backoff = Backoff::default();
        for _ in 0..self.on_failure.retries() {
            if outcome.is_ok() {
                break;
            }
            self.shared.counters.retried.add(1);
            sleep(backoff.next_delay(fastrand::f64())).await;
            outcome = self.attempt(change).await;
        }
        outcome
    }

    async fn attempt(&mut self, change: &Change) -> Result<(), String> {
        match AssertUnwindSafe(self.handler.handle(change)).catch_unwind().await {
            Ok(handled) => handled.map_err(|error| error.to_string()),
            Err(_) => Err("the handler panicked".to_owned()),
        }
    }

    fn fail(&self, change: &Change, reason: &str) {
        self.shared.counters.failed.add(1);
        tracing::warn!(
            id = "SK0614",
            "the handler of {} failed on {}: {reason}",
            self.filter,
            change.row_name()
        );
        let event = &change.event;
        let failure = HandlerFailure {
            handler: self.filter.clone(),
            table: event.table.clone(),
            key: event.key.clone(),
            reason: reason.to_owned(),
        };
        if !self.reporter.failed(failure) {
            self.shared.counters.unreported.add(1);
        }
        if let (OnFailure::Resync, Some(table)) = (self.on_failure, &event.table) {
            let reason = format!("the handler of {} failed on table {table}: {reason}", self.filter);
            self.reporter.resync(ResyncRequest { handler: self.number, table: table.clone(), reason });
        }
    }
}

/// Closes the queue however the task ends, so that no dispatcher waits for room any more.
impl Drop for HandlerTask {
    fn drop(&mut self) {
        self.shared.close();
    }
}
