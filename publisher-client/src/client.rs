use std::sync::Arc;

use delivery::{BrokerOptions, BrokerPublisher, Identity, PublisherOptions, StampedPublisher};
use pubsub_api::settings::Settings;
use pubsub_api::{Event, Publisher, Registry, Result, Role, Route, Status};

/// The publisher that the settings describe, for async callers.
///
/// With a network driver whose capability is `broker`, events go straight to the broker, whatever `pub_sub_use_multiproc`
/// says: there is no service in between, and this process numbers its events itself. With any other,
/// `pub_sub_use_multiproc` decides: with it events go to the host's publisher service; without it this process binds the
/// network address itself, numbers its events, and says `$hello` and marks there. All methods may be called from many tasks
/// at once.
#[derive(Debug)]
pub struct PublisherClient {
    publisher: Arc<dyn Publisher>,
}

impl PublisherClient {
    /// Makes the publisher: checks the settings, starts nothing and connects to nothing. No runtime is needed.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) if the alias is unknown or the driver refuses its
    /// settings.
    pub fn open(settings: &Settings) -> Result<Self> {
        let registry = Registry::collect()?;
        let publisher: Arc<dyn Publisher> = match registry.route(settings)? {
            Route::Broker(_) => {
                let driver = registry.open(settings, Role::Network)?.publisher();
                Arc::new(BrokerPublisher::new(driver, BrokerOptions::of(settings)))
            }
            Route::Service(_) => registry.open(settings, Role::Multiproc)?.publisher(),
            Route::Bind(_) => {
                let driver = registry.open(settings, Role::Network)?.publisher();
                let options = PublisherOptions::of(settings)?;
                Arc::new(StampedPublisher::identified(driver, Identity::of(settings), options))
            }
        };
        Ok(Self { publisher })
    }

    /// Makes ready to send. On the IPC hop, and on a broker, this is what the driver does for it, which starts nothing that
    /// `fork` would harm; a publisher that binds itself opens its ring in `state_dir` and begins to say `$hello`.
    ///
    /// # Errors
    /// As [`Publisher::initialize`].
    pub async fn initialize(&self) -> Result<()> {
        self.publisher.initialize().await
    }

    /// Checks that [`initialize`](Self::initialize) can claim now what it binds, and claims nothing. Only a publisher that
    /// binds the network address itself binds anything.
    ///
    /// # Errors
    /// As [`Publisher::check`].
    pub fn check(&self) -> Result<()> {
        self.publisher.check()
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

    /// The publisher itself, for what takes one.
    #[must_use]
    pub fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
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
