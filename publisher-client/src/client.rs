use std::sync::{Arc, OnceLock};

use pubsub_api::settings::Settings;
use pubsub_api::{Event, PubSubApi, Publisher, Registry, Result, Role, Status};

use crate::{HelloTask, publisher_id};

/// The publisher that the settings describe, for async callers.
///
/// With `pub_sub_use_multiproc` events go to the host's publisher service; without it this process binds the network
/// address itself, and says `$hello` there. All methods may be called from many tasks at once.
#[derive(Debug)]
pub struct PublisherClient {
    publisher: Arc<dyn Publisher>,
    /// Set for a network publisher: the id to say hello with.
    hello_id: Option<String>,
    hello: OnceLock<HelloTask>,
}

impl PublisherClient {
    /// Makes the publisher: checks the settings, starts nothing and connects to nothing. No runtime is needed.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) if the alias is unknown or the driver refuses its
    /// settings.
    pub fn open(settings: &Settings) -> Result<Self> {
        let registry = Registry::collect()?;
        let driver: Arc<dyn PubSubApi>;
        let hello_id;
        if settings.pubsub().pub_sub_use_multiproc {
            driver = registry.open(settings, Role::Multiproc)?;
            hello_id = None;
        } else {
            driver = registry.open(settings, Role::Network)?;
            hello_id = Some(publisher_id(settings));
        }
        Ok(Self { publisher: driver.publisher(), hello_id, hello: OnceLock::new() })
    }

    /// Makes ready to send. On the IPC hop this only checks; a network publisher binds and begins to say `$hello`.
    ///
    /// # Errors
    /// As [`Publisher::initialize`].
    pub async fn initialize(&self) -> Result<()> {
        self.publisher.initialize().await?;
        if let Some(id) = &self.hello_id
            && self.hello.get().is_none()
        {
            let _ = self.hello.set(HelloTask::start(Arc::clone(&self.publisher), id)?);
        }
        Ok(())
    }

    /// Publishes one event; `Ok` means accepted.
    ///
    /// # Errors
    /// As [`Publisher::send_event`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the event was either accepted or not; nothing else changes.
    pub async fn send(&self, event: &Event) -> Result<()> {
        self.publisher.send_event(event).await
    }

    /// Waits until everything accepted has left this process.
    ///
    /// # Errors
    /// As [`Publisher::flush`].
    pub async fn flush(&self) -> Result<()> {
        self.publisher.flush().await
    }

    /// Hands over what was accepted, within `linger`, and ends.
    ///
    /// # Errors
    /// As [`Publisher::close`].
    pub async fn close(&self) -> Result<()> {
        self.publisher.close().await
    }

    /// Where events go.
    #[must_use]
    pub fn endpoint(&self) -> Option<String> {
        self.publisher.endpoint()
    }

    /// Counters, queues and peers as they are now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.publisher.status()
    }
}
