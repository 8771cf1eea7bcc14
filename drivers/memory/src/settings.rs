use std::time::Duration;

use pubsub_api::settings::{Kind, Reload, Setting, Settings};
use pubsub_api::{Error, ErrorKind, Result};

use crate::endpoint::{Endpoint, TRANSPORT};

/// The section `[drivers.memory]`.
pub const SETTINGS: &[Setting] = &[
    Setting {
        section: "drivers.memory",
        name: "queue_events",
        kind: Kind::Integer { min: 1, max: 1_000_000 },
        default: "10000",
        doc: "Events that wait in one subscriber's inbox or in one worker's outbox, 1 to 1000000. Network: a full \
              inbox drops for its subscriber alone, counted, and told as a gap at that place. Multiproc: behind a full \
              inbox events wait in the outboxes, and a full outbox makes `send` wait for `send_timeout` and then fail \
              as overloaded. The default is as the other drivers' queues.",
        reload: Reload::Restart,
    },
    Setting {
        section: "drivers.memory",
        name: "database",
        kind: Kind::Text,
        default: r#""default""#,
        doc: "The name of the memory_nb_db_driver's database: who opens the same name in the same process has the same \
              rows.",
        reload: Reload::Restart,
    },
];

/// The checked settings of the driver.
#[derive(Debug, Clone)]
pub(crate) struct MemorySettings {
    /// The address that a network publisher binds; port 0 for any port.
    pub(crate) bind: Endpoint,
    /// The endpoint of the multiproc hop.
    pub(crate) multiproc_endpoint: String,
    /// The bound of every inbox and outbox.
    pub(crate) queue_events: usize,
    /// Time that a multiproc `send` waits for room.
    pub(crate) send_timeout: Duration,
    /// Time that `flush` and `close` wait.
    pub(crate) linger: Duration,
    /// Time that a reply waits for a requester that does not read.
    pub(crate) dead_after: Duration,
}

impl MemorySettings {
    /// Reads the settings of both hops.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let pubsub = settings.pubsub();
        // `tcp` is the default of the setting, so it does not mean another driver.
        if ![TRANSPORT, "tcp"].contains(&pubsub.publisher_transport.as_str()) {
            let text = format!(
                "publisher_transport: memory_pubsub_driver does not speak {:?}; it speaks {TRANSPORT}",
                pubsub.publisher_transport
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self {
            bind: Endpoint::to_bind(&pubsub.publisher_bind_address, pubsub.publisher_port),
            multiproc_endpoint: format!("{TRANSPORT}://{}", pubsub.publisher_multiproc_socket.display()),
            queue_events: settings.section("drivers.memory").get("queue_events")?,
            send_timeout: pubsub.send_timeout,
            linger: pubsub.linger,
            dead_after: pubsub.dead_after,
        })
    }
}
