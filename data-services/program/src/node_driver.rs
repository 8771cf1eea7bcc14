use std::sync::Arc;

use pubsub_api::settings::{SettingValue, Settings, Slot};
use pubsub_api::{PubSubApi, Registry, Result, Role};

/// Creates the network driver for a node that binds this address and port instead of those of a publisher service, and
/// returns whether it uses a broker.
///
/// # Errors
/// As [`Registry::open`].
pub(crate) fn node_driver(
    registry: &Registry,
    settings: &Settings,
    bind_address: &str,
    port: u16,
) -> Result<(Arc<dyn PubSubApi>, bool)> {
    let changed = settings.slots().iter().map(|slot| match slot.setting.full_name().as_str() {
        "publisher_bind_address" => {
            Slot { value: SettingValue::Text(bind_address.to_owned()), ..slot.clone() }
        }
        "publisher_port" => Slot { value: SettingValue::Integer(port.into()), ..slot.clone() },
        _ => slot.clone(),
    });
    let settings = Settings::new(changed.collect())?;
    let driver = registry.find(&settings.pubsub().pub_sub_driver, Role::Network)?;
    Ok((registry.open(&settings, Role::Network)?, driver.capabilities.broker))
}
