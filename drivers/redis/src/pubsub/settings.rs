use std::time::Duration;

use pubsub_api::Result;
use pubsub_api::settings::{Settings, check_transport};

use crate::settings::{RedisSection, RedisSettings};

/// The checked settings of the pub/sub driver.
#[derive(Debug, Clone)]
pub(super) struct PubSubSettings {
    /// The servers and the credentials.
    pub(super) redis: RedisSettings,
    /// Limit of events that were sent but not answered.
    pub(super) publish_in_flight_events: usize,
    /// The same in bytes.
    pub(super) publish_in_flight_bytes: usize,
    /// Limit of events that were received but not read.
    pub(super) recv_queue_events: usize,
    /// The same in bytes.
    pub(super) recv_queue_bytes: usize,
    /// Interval at which a publisher or subscriber checks that its node is still a master.
    pub(super) topology_check_interval: Duration,
    /// Time that `close` waits.
    pub(super) linger: Duration,
    /// Time that `send` waits.
    pub(super) send_timeout: Duration,
    /// Time without input after which a connection counts as dead.
    pub(super) dead_after: Duration,
}

impl PubSubSettings {
    /// Parses the settings, without using the network or the file system.
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let (own, pubsub) = (RedisSection::read(settings)?, settings.pubsub());
        check_transport("redis_db_pubsub_driver", &pubsub.publisher_transport, "tcp")?;
        Ok(Self {
            redis: RedisSettings::read(settings)?,
            publish_in_flight_events: own.publish_in_flight_events,
            publish_in_flight_bytes: own.publish_in_flight_bytes,
            recv_queue_events: own.recv_queue_events,
            recv_queue_bytes: own.recv_queue_bytes,
            topology_check_interval: own.topology_check_interval,
            linger: pubsub.linger,
            send_timeout: pubsub.send_timeout,
            dead_after: pubsub.dead_after,
        })
    }
}
