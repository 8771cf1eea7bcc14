use tokio::sync::watch;

/// Signals a service to stop.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<Option<Stop>>);

/// Why a service should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It ends.
    End,
    /// A service of the same kind replaces it.
    Replaced,
}

impl StopSignal {
    pub(super) fn new() -> (watch::Sender<Option<Stop>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// Waits until the service should stop.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub async fn stopped(&mut self) {
        // If the sender is gone, the supervisor is: stop too.
        let _ = self.0.wait_for(Option::is_some).await;
    }

    /// Returns whether the service should stop because another one of its kind replaces it. Then it may leave open what its
    /// successor [takes over](crate::Service::take_over).
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        *self.0.borrow() == Some(Stop::Replaced)
    }
}
