use std::sync::Arc;

use data_services::{CallError, CallErrorKind};
use tokio::sync::watch;

/// The requests to poll at once, as the method `refresh` makes them. Those that arrive during a poll share the next one.
#[derive(Debug, Clone)]
pub(super) struct Refreshes {
    requested: Arc<watch::Sender<u64>>,
    served: watch::Receiver<u64>,
}

/// The requests, as the task that polls sees them.
#[derive(Debug)]
pub(super) struct RefreshQueue {
    requested: watch::Receiver<u64>,
    served: watch::Sender<u64>,
}

impl Refreshes {
    pub(super) fn new() -> (Self, RefreshQueue) {
        let (requested, requests) = watch::channel(0);
        let (serving, served) = watch::channel(0);
        let queue = RefreshQueue { requested: requests, served: serving };
        (Self { requested: Arc::new(requested), served }, queue)
    }

    /// Requests a poll, and returns after one that has begun after this call.
    pub(super) async fn refresh(&self) -> Result<(), CallError> {
        let mut number = 0;
        self.requested.send_modify(|requested| {
            *requested += 1;
            number = *requested;
        });
        match self.served.clone().wait_for(|served| *served >= number).await {
            Ok(_) => Ok(()),
            Err(_) => {
                let text = "the service stopped before it could poll; call again when it runs";
                Err(CallError::new(CallErrorKind::Draining, text))
            }
        }
    }
}

impl RefreshQueue {
    /// Returns the number of requests that a poll serves which begins now.
    pub(super) fn due(&mut self) -> u64 {
        *self.requested.borrow_and_update()
    }

    /// Returns whether there is a request that was not served.
    pub(super) fn is_due(&self) -> bool {
        *self.requested.borrow() > *self.served.borrow()
    }

    /// The poll for these requests is over.
    pub(super) fn serve(&self, due: u64) {
        self.served.send_replace(due);
    }

    /// Waits for a request that was not served. Cancel-safe.
    pub(super) async fn wait(&mut self) {
        let served = *self.served.borrow();
        if self.requested.wait_for(|requested| *requested > served).await.is_err() {
            // Nobody can request any more.
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Refreshes;

    #[tokio::test]
    async fn requests_during_a_poll_share_the_next_one() {
        let (refreshes, mut queue) = Refreshes::new();
        let first = tokio::spawn({
            let refreshes = refreshes.clone();
            async move { refreshes.refresh().await }
        });
        queue.wait().await;
        let due = queue.due();
        let during: Vec<_> = (0..3)
            .map(|_| {
                let refreshes = refreshes.clone();
                tokio::spawn(async move { refreshes.refresh().await })
            })
            .collect();
        queue.requested.clone().wait_for(|requested| *requested == 4).await.unwrap();
        queue.serve(due);
        first.await.unwrap().unwrap();
        assert!(queue.is_due() && during.iter().all(|one| !one.is_finished()));
        let due = queue.due();
        queue.serve(due);
        for one in during {
            one.await.unwrap().unwrap();
        }
        assert!(!queue.is_due());
    }

    #[tokio::test]
    async fn a_service_that_ends_refuses_the_requests_that_wait() {
        let (refreshes, queue) = Refreshes::new();
        drop(queue);
        assert!(refreshes.refresh().await.unwrap_err().to_string().contains("stopped before it could poll"));
    }
}
