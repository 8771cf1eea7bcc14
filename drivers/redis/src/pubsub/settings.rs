use std::time::Duration;

use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Result};

use crate::settings::RedisSettings;

/// What the pub/sub driver needs to know, checked.
#[derive(Debug, Clone)]
pub(super) struct PubSubSettings {
    /// Where the servers are, and how to be let in.
    pub(super) redis: RedisSettings,
    /// The bound of what was sent and is not answered.
    pub(super) publish_in_flight_events: usize,
    /// The same in bytes.
    pub(super) publish_in_flight_bytes: usize,
    /// The bound of what was received and is not read.
    pub(super) recv_queue_events: usize,
    /// The same in bytes.
    pub(super) recv_queue_bytes: usize,
    /// How often an end asks whether its node is still a master.
    pub(super) topology_check_interval: Duration,
    /// How long `close` waits.
    pub(super) linger: Duration,
    /// How long `send` waits.
    pub(super) send_timeout: Duration,
    /// After how long without a sign of life a connection counts as dead.
    pub(super) dead_after: Duration,
}

impl PubSubSettings {
    /// Reads the settings; neither network nor file system is touched.
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let (own, pubsub) = (settings.driver("redis"), settings.pubsub());
        let transport = &pubsub.publisher_transport;
        if transport != "tcp" {
            return Err(Error::new(
                ErrorKind::Settings,
                format!(
                    "publisher_transport: redis_db_pubsub_driver does not speak {transport:?}; it speaks tcp"
                ),
            ));
        }
        // The settings' own bounds are below what an address space holds.
        let bytes = |name| own.bytes(name).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(Self {
            redis: RedisSettings::read(settings)?,
            publish_in_flight_events: own.count("publish_in_flight_events")?,
            publish_in_flight_bytes: bytes("publish_in_flight_bytes")?,
            recv_queue_events: own.count("recv_queue_events")?,
            recv_queue_bytes: bytes("recv_queue_bytes")?,
            topology_check_interval: own.duration("topology_check_interval")?,
            linger: pubsub.linger,
            send_timeout: pubsub.send_timeout,
            dead_after: pubsub.dead_after,
        })
    }
}
