use delivery::subscriber::{FeedOptions, TrackedSubscriber};
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Role};

/// The subscriber of the network driver that the settings name, tracked as far as the driver allows.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias, or settings that the driver refuses.
pub fn tracked_subscriber(registry: &Registry, settings: &Settings) -> Result<TrackedSubscriber> {
    let driver = registry.find(&settings.pubsub().pub_sub_driver, Role::Network)?;
    let options = FeedOptions::of(&driver.capabilities, fastrand::u64(..));
    let subscriber = registry.open(settings, Role::Network)?.subscriber();
    Ok(TrackedSubscriber::new(subscriber, options))
}
