use tokio::sync::watch;

/// Tells a service that it should stop.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits until the service should stop.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub async fn stopped(&mut self) {
        // If the sender is gone, the supervisor is: stop too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
