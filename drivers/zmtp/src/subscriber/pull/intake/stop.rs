use tokio::sync::watch;

/// The stop signal, for one task. Its sender sees when all tasks have received it.
#[derive(Debug, Clone)]
pub(super) struct Stop(Option<watch::Receiver<bool>>);

impl Stop {
    pub(super) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self(Some(stopping))
    }

    /// Returns when the task is to stop; never once that was [heard](Self::heard). Cancel-safe.
    pub(super) async fn asked(&mut self) {
        match &mut self.0 {
            Some(stopping) => drop(stopping.wait_for(|stop| *stop).await),
            None => std::future::pending().await,
        }
    }

    /// The task has sent its last messages.
    pub(super) fn heard(&mut self) {
        self.0 = None;
    }

    /// Whether the task is to stop.
    pub(super) fn is_asked(&self) -> bool {
        self.0.as_ref().is_none_or(|stopping| *stopping.borrow())
    }
}
