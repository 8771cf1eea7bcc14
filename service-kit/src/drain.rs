use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::timeout;

/// The drain of a program: who requests it, and how far it is. Clones share it.
///
/// SIGUSR2 requests it, and `skimmer drain` over the query socket.
#[derive(Debug, Clone, Default)]
pub struct Drain(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    requested: Notify,
    read: Notify,
}

#[derive(Debug, Default)]
struct State {
    request: Option<DrainRequest>,
    progress: Option<DrainProgress>,
    /// Whether a client reads the progress.
    is_followed: bool,
    /// How often a client has read how the drain ended. The second time shows that the first reply has arrived.
    reads_of_end: u32,
}

/// What a client requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DrainRequest {
    /// How long agents may take to receive what is published, in milliseconds; absent for that of the settings.
    pub agents_timeout_ms: Option<u64>,
}

/// How far a drain is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum DrainProgress {
    /// It was requested.
    Requested,
    /// Events of workers that were received are published; no more are received.
    Workers,
    /// The agents receive what is published.
    Agents,
    /// The program exits.
    Ended {
        /// What was not done, in words; absent if all acknowledged events are out.
        left: Option<String>,
    },
}

/// How long an ended program waits until the client that follows its drain has read how it ended. The client reads every tenth of a
/// second.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

impl Drain {
    /// Requests a drain, or follows the one that runs. Returns its progress.
    pub fn request(&self, request: DrainRequest) -> DrainProgress {
        let mut state = self.state();
        state.is_followed = true;
        let progress = state.progress.get_or_insert(DrainProgress::Requested).clone();
        if state.request.is_none() {
            state.request = Some(request);
            self.0.requested.notify_one();
        }
        if matches!(progress, DrainProgress::Ended { .. }) {
            state.reads_of_end += 1;
            if state.reads_of_end > 1 {
                self.0.read.notify_one();
            }
        }
        progress
    }

    /// Waits for the first request.
    ///
    /// # Cancel safety
    /// If the future is dropped, the next call returns a request that arrived in the meantime.
    pub async fn requested(&self) -> DrainRequest {
        loop {
            let notified = self.0.requested.notified();
            if let Some(request) = self.state().request {
                return request;
            }
            notified.await;
        }
    }

    /// What a client requested, if one did.
    #[must_use]
    pub fn request_of_client(&self) -> Option<DrainRequest> {
        self.state().request
    }

    /// Whether the program stops, for whatever reason.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.state().progress.as_ref().is_some_and(|progress| *progress != DrainProgress::Requested)
    }

    /// Sets the progress.
    pub fn show(&self, progress: DrainProgress) {
        self.state().progress = Some(progress);
    }

    /// Shows that the drain has ended, and waits until the client that follows it has received that, for a second at most.
    pub async fn end(&self, left: Option<String>) {
        self.show(DrainProgress::Ended { left });
        if self.state().is_followed && timeout(READ_TIMEOUT, self.0.read.notified()).await.is_err() {
            tracing::debug!("the client that requested the drain did not read how it ended");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Drain, DrainProgress, DrainRequest};

    #[tokio::test]
    async fn the_first_request_counts_and_the_end_waits_until_it_was_read() {
        let drain = Drain::default();
        let first = DrainRequest { agents_timeout_ms: Some(7) };
        assert_eq!(drain.request(first), DrainProgress::Requested);
        assert_eq!(drain.request(DrainRequest::default()), DrainProgress::Requested);
        assert_eq!(drain.requested().await, first);
        assert!(!drain.has_begun());
        drain.show(DrainProgress::Workers);
        assert!(drain.has_begun());
        let left = Some("2 agents".to_owned());
        let (ended, reading) = (drain.clone(), left.clone());
        let end = tokio::spawn(async move { ended.end(reading).await });
        while drain.request(DrainRequest::default()) != (DrainProgress::Ended { left: left.clone() }) {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        assert!(!end.is_finished(), "the reply may still be on its way");
        drain.request(DrainRequest::default());
        end.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_a_client_that_there_is_not_or_that_does_not_read() {
        Drain::default().end(None).await;
        let drain = Drain::default();
        drain.request(DrainRequest::default());
        drain.end(None).await;
    }
}
