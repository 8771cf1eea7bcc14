use delivery::subscriber::{FeedOptions, TrackedSubscriber};
use pubsub_api::settings::{Settings, endpoint};
use pubsub_api::{Registry, Result, Role};
use sealing::OpeningOptions;
use subscriber_agent_settings::AgentSettings;

/// Opens the subscriber of the network driver in the settings, with as much tracking as the driver supports. Register
/// publisher addresses with [`listen_to_publishers`], or as the agent finds them in the directory.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias, settings that the driver refuses, or if only sealed
/// events are accepted and there is no keyring. The keyring is opened by [`initialize`](TrackedSubscriber::initialize).
///
/// ```
/// use delivery::subscriber::Item;
/// use pubsub_api::{Registry, Result, SEND_ALL};
/// use service_kit::SettingsArguments;
/// use subscriber_agent::{listen_to_publishers, tracked_subscriber};
///
/// /// Prints everything that happens on topic `D`.
/// async fn print(arguments: &SettingsArguments) -> Result<()> {
///     let registry = Registry::collect()?;
///     let (settings, _warnings) = arguments.load(&registry)?;
///     let subscriber = tracked_subscriber(&registry, &settings)?;
///     listen_to_publishers(&subscriber, &registry, &settings)?;
///     subscriber.register_topic(SEND_ALL.into())?;
///     subscriber.initialize().await?;
///     loop {
///         match subscriber.recv().await? {
///             Item::Event { envelope, .. } => println!("{:?}", envelope.payload),
///             Item::Snapshot(snapshot) => println!("{} rows", snapshot.rows.len()),
///             Item::Notice(notice) => println!("{notice:?}"),
///             Item::Clock(_) => {}
///         }
///     }
/// }
/// ```
pub fn tracked_subscriber(registry: &Registry, settings: &Settings) -> Result<TrackedSubscriber> {
    let driver = registry.find(&settings.pubsub().pub_sub_driver, Role::Network)?;
    let options = FeedOptions::of(&driver.capabilities, fastrand::u64(..));
    let options = FeedOptions { max_delay: AgentSettings::read(settings)?.max_delay, ..options };
    let subscriber = registry.open(settings, Role::Network)?.subscriber();
    Ok(TrackedSubscriber::new(subscriber, options).with_opening(OpeningOptions::of(settings)?))
}

/// Whether the network driver in the settings connects to publishers, so that their addresses must be registered. A driver
/// with a broker has the address in its own settings.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias.
pub fn connects_to_publishers(registry: &Registry, settings: &Settings) -> Result<bool> {
    Ok(!registry.route(settings)?.is_broker())
}

/// Registers the publishers in the settings (`publishers_ips`) at a subscriber that
/// [connects to publishers](connects_to_publishers).
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an invalid address, and any error of the driver.
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
