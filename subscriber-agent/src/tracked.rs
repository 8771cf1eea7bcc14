use delivery::subscriber::{FeedOptions, TrackedSubscriber};
use pubsub_api::settings::{Settings, endpoint};
use pubsub_api::{Registry, Result, Role};
use subscriber_agent_settings::AgentSettings;

/// The subscriber of the network driver that the settings name, tracked as far as the driver allows. It is to be told where
/// publishers are: by [`listen_to_publishers`], or as the agent finds them.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias, or settings that the driver refuses.
pub fn tracked_subscriber(registry: &Registry, settings: &Settings) -> Result<TrackedSubscriber> {
    let driver = registry.find(&settings.pubsub().pub_sub_driver, Role::Network)?;
    let options = FeedOptions::of(&driver.capabilities, fastrand::u64(..));
    let options = FeedOptions { max_delay: AgentSettings::read(settings)?.max_delay, ..options };
    let subscriber = registry.open(settings, Role::Network)?.subscriber();
    Ok(TrackedSubscriber::new(subscriber, options))
}

/// Whether the network driver that the settings name connects to publishers, whose addresses it is to be given; with a broker it
/// knows from its own settings where to go.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias.
pub fn connects_to_publishers(registry: &Registry, settings: &Settings) -> Result<bool> {
    Ok(!registry.route(settings)?.is_broker())
}

/// Makes a subscriber listen to the publishers that the settings name (`publishers_ips`), if it
/// [connects to them](connects_to_publishers).
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an address that is none, and whatever the driver refuses.
pub fn listen_to_publishers(
    subscriber: &TrackedSubscriber,
    registry: &Registry,
    settings: &Settings,
) -> Result<()> {
    let pubsub = settings.pubsub();
    if connects_to_publishers(registry, settings)? {
        for entry in &pubsub.publishers_ips {
            let endpoint = endpoint(&pubsub.publisher_transport, entry, pubsub.publisher_port)?;
            subscriber.register_listen_address(&endpoint)?;
        }
    }
    Ok(())
}
