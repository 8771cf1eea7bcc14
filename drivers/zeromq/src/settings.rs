use std::path::PathBuf;
use std::time::Duration;

use listen::Exposure;
use pubsub_api::Result;
use pubsub_api::settings::{Kind, Setting, Settings, check_transport, declare_settings};

declare_settings! {
    /// The section `[drivers.zeromq]`.
    pub(crate) struct ZeromqSection in "drivers.zeromq" {
        /// The number of events that are received and not yet read by the application, for all links together. When
        /// the queue is full, the driver stops reading, and the peers keep the events.
        recv_queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The number of events that a worker has sent and that are not yet written to the service's socket. When the
        /// queue is full, `send` waits for `send_timeout` and then fails as overloaded.
        send_queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The bytes of events that a network publisher has accepted and not yet written to every subscriber, with
        /// 512 bytes added for each event; the slowest subscriber decides. When the limit is reached, new events are
        /// refused as overloaded, so the service and its workers wait.
        max_in_flight_bytes: u64 = r#""256MiB""#,
            Kind::Bytes { min: 1024 * 1024, max: 64 * 1024 * 1024 * 1024 }, Restart;
        /// How long a connection to a peer, including the ZMTP greeting, may take before it is tried again: a peer
        /// that accepts connections and then stays silent must not hold a link for ever.
        handshake_timeout: Duration = r#""5s""#,
            Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(60) }, Restart;
    }
}

/// The section `[drivers.zeromq]`, as the registry needs it.
pub const SETTINGS: &[Setting] = ZeromqSection::TABLE;

/// The checked settings of the drivers.
#[derive(Debug, Clone)]
pub struct ZmqSettings {
    /// The address that a network publisher binds; `*` for all addresses.
    pub bind_address: String,
    /// The port to bind; 0 for any.
    pub port: u16,
    /// Whether other hosts may connect although nobody is authenticated.
    pub exposure: Exposure,
    /// The socket of the IPC hop.
    pub socket: PathBuf,
    /// The bound of the queue of received events.
    pub recv_queue_events: usize,
    /// The bound of a worker's queue.
    pub send_queue_events: usize,
    /// The bound of events that PUB has not written, in bytes.
    pub max_in_flight_bytes: u64,
    /// The timeout for connecting, including the greeting.
    pub handshake_timeout: Duration,
    /// The longest wait of `close`.
    pub linger: Duration,
    /// The longest wait of `send`.
    pub send_timeout: Duration,
    /// A link that receives nothing for this long is considered dead.
    pub dead_after: Duration,
}

impl ZmqSettings {
    /// Reads the settings for PUB/SUB; the transport must be `tcp`.
    pub(crate) fn network(settings: &Settings) -> Result<Self> {
        check_transport("zmq_pubsub_driver", &settings.pubsub().publisher_transport, "tcp")?;
        Self::read(settings)
    }

    /// Reads the settings for PUSH/PULL and checks the path of the socket, without access to the file system.
    pub(crate) fn multiproc(settings: &Settings) -> Result<Self> {
        let read = Self::read(settings)?;
        listen::check_path(&read.socket).map_err(|error| error.context("publisher_multiproc_socket"))?;
        Ok(read)
    }

    fn read(settings: &Settings) -> Result<Self> {
        let own = ZeromqSection::read(settings)?;
        let pubsub = settings.pubsub();
        Ok(Self {
            bind_address: pubsub.publisher_bind_address.clone(),
            port: pubsub.publisher_port,
            exposure: Exposure::of_setting(pubsub.allow_unauthenticated),
            socket: pubsub.publisher_multiproc_socket.clone(),
            recv_queue_events: own.recv_queue_events,
            send_queue_events: own.send_queue_events,
            max_in_flight_bytes: own.max_in_flight_bytes,
            handshake_timeout: own.handshake_timeout,
            linger: pubsub.linger,
            send_timeout: pubsub.send_timeout,
            dead_after: pubsub.dead_after,
        })
    }
}
