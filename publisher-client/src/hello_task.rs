use std::sync::Arc;

use pubsub_api::hello::{self, HELLO_INTERVAL};
use pubsub_api::{Envelope, Publisher, Result};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Says `$hello` on a network publisher, at once and then every second, until it is dropped.
#[derive(Debug)]
pub struct HelloTask(JoinHandle<()>);

impl HelloTask {
    /// Starts on the current runtime. A hello that the driver refuses is skipped: the next one comes in a second.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if the id is too long to be packed.
    pub fn start(publisher: Arc<dyn Publisher>, publisher_id: &str) -> Result<Self> {
        let Envelope { topic, payload } = Envelope::pack(&hello::event(publisher_id))?;
        let task = tokio::spawn(async move {
            let mut ticks = interval(HELLO_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(error) = publisher.send(&topic, payload.clone()).await {
                    tracing::warn!("no hello this second: {error}");
                }
            }
        });
        Ok(Self(task))
    }
}

impl Drop for HelloTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}
