use std::sync::Arc;

use delivery::{BrokerOptions, BrokerPublisher, Identity, PublisherOptions, StampedPublisher};
use pubsub_api::settings::Settings;
use pubsub_api::{Event, Publisher, Registry, Result, Role, Route, Status};
use sealing::SealingOptions;

/// A publisher from the settings, for async callers.
///
/// If the network driver has the capability `broker`, events are sent directly to the broker, whatever the value of
/// `pub_sub_use_multiproc`; this process numbers its events. With any other driver `pub_sub_use_multiproc` decides. If it is
/// true, events are sent to the publisher service of the host. If it is false, this process binds the network address, numbers
/// its events, and publishes `$hello` and marks. Many tasks may call all methods at once.
///
/// ```
/// use publisher_client::PublisherClient;
/// use pubsub_api::{Action, Event, Incoming, Registry, Role, SEND_ALL};
/// use settings::Sources;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> pubsub_api::Result<()> {
/// let registry = Registry::collect()?;
/// let sets = vec!["pub_sub_multiproc_driver=memory_pubsub_driver".to_owned()];
/// let (settings, _) = all_settings::load(&Sources { sets, ..Sources::default() }, &registry.settings())?;
///
/// let client = PublisherClient::open(&settings)?;
/// client.initialize().await?;
/// client.send(&Event::new("lport", "port-1", Action::Create, "{}", SEND_ALL)).await?;
///
/// // The receiving end of the publisher service may start later: the event waits in the outbox.
/// let service = registry.open(&settings, Role::Multiproc)?.subscriber();
/// service.initialize().await?;
/// assert!(matches!(service.recv().await?, Incoming::Event(_)));
/// client.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PublisherClient {
    publisher: Arc<dyn Publisher>,
}

impl PublisherClient {
    /// Makes the publisher and checks the settings. It starts nothing, connects to nothing, and needs no runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) if the alias is unknown or the driver refuses its
    /// settings.
    pub fn open(settings: &Settings) -> Result<Self> {
        let registry = Registry::collect()?;
        // With a service, that seals.
        let sealing = || SealingOptions::of(settings);
        let publisher: Arc<dyn Publisher> = match registry.route(settings)? {
            Route::Broker(_) => {
                let driver = registry.open(settings, Role::Network)?.publisher();
                Arc::new(BrokerPublisher::new(driver, BrokerOptions::of(settings)).with_sealing(sealing()?))
            }
            Route::Service(_) => registry.open(settings, Role::Multiproc)?.publisher(),
            Route::Bind(_) => {
                let driver = registry.open(settings, Role::Network)?.publisher();
                let options = PublisherOptions::of(settings)?;
                let publisher = StampedPublisher::identified(driver, Identity::of(settings), options);
                Arc::new(publisher.with_sealing(sealing()?))
            }
        };
        Ok(Self { publisher })
    }

    /// Prepares to send. With the publisher service or a broker it starts nothing that `fork` would break. A publisher that
    /// binds the network address opens its ring in `state_dir` and starts to publish `$hello`.
    ///
    /// # Errors
    /// As [`Publisher::initialize`].
    pub async fn initialize(&self) -> Result<()> {
        self.publisher.initialize().await
    }

    /// Checks that [`initialize`](Self::initialize) can bind its address now, and binds nothing. Only a publisher that binds the
    /// network address has one.
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
    /// If the future is dropped, the event may or may not have been accepted; nothing else changes.
    pub async fn send(&self, event: &Event) -> Result<()> {
        self.publisher.send_event(event).await
    }

    /// Waits until all accepted events have left this process.
    ///
    /// Use it before the end of a request that must not be lost with this process; `close` includes it, within
    /// `linger`.
    ///
    /// # Errors
    /// As [`Publisher::flush`].
    ///
    /// # Cancel safety
    /// As [`Publisher::flush`].
    pub async fn flush(&self) -> Result<()> {
        self.publisher.flush().await
    }

    /// Sends the accepted events within `linger`, then closes.
    ///
    /// # Errors
    /// As [`Publisher::close`].
    pub async fn close(&self) -> Result<()> {
        self.publisher.close().await
    }

    /// The underlying publisher, for functions that need one.
    #[must_use]
    pub fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
    }

    /// The address to which events are sent.
    ///
    /// `None` before the driver knows it. It is for logs; no call needs it.
    #[must_use]
    pub fn endpoint(&self) -> Option<String> {
        self.publisher.endpoint()
    }

    /// The current counters, queues and peers.
    #[must_use]
    pub fn status(&self) -> Status {
        self.publisher.status()
    }
}
