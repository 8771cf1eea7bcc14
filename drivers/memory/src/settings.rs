use std::time::Duration;

use pubsub_api::Result;
use pubsub_api::settings::{Kind, Setting, Settings, check_transport, declare_settings};

use crate::endpoint::{Endpoint, TRANSPORT};

declare_settings! {
    /// The section `[drivers.memory]`.
    pub(crate) struct MemorySection in "drivers.memory" {
        /// The number of events that may wait in one subscriber's inbox or in one worker's outbox, 1 to 1000000.
        /// Network: a full inbox drops events for its subscriber only; they are counted, and reported as a gap at
        /// their place. Multiproc: if the inbox is full, events wait in the outboxes; if an outbox is full, `send`
        /// waits for `send_timeout` and then fails as overloaded.
        queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The name of the database of the memory_nb_db_driver. Within one process, all users of a name share its
        /// rows.
        database: String = r#""default""#, Kind::Text, Restart;
    }
}

/// The section `[drivers.memory]`, as the registry needs it.
pub const SETTINGS: &[Setting] = MemorySection::TABLE;

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
        if pubsub.publisher_transport != "tcp" {
            check_transport("memory_pubsub_driver", &pubsub.publisher_transport, TRANSPORT)?;
        }
        Ok(Self {
            bind: Endpoint::to_bind(&pubsub.publisher_bind_address, pubsub.publisher_port),
            multiproc_endpoint: format!("{TRANSPORT}://{}", pubsub.publisher_multiproc_socket.display()),
            queue_events: MemorySection::read(settings)?.queue_events,
            send_timeout: pubsub.send_timeout,
            linger: pubsub.linger,
            dead_after: pubsub.dead_after,
        })
    }
}
