use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, Reload, Setting, Settings};
use pubsub_api::{Error, ErrorKind, Result};

/// The section `[drivers.zeromq]`, which both aliases share.
pub const SETTINGS: &[Setting] = &[
    Setting {
        section: "drivers.zeromq",
        name: "recv_queue_events",
        kind: Kind::Integer { min: 1, max: 1_000_000 },
        default: "10000",
        doc: "Events received and not yet read by the application, for all links together. When full, the driver \
              stops reading, and the peers hold back.",
        reload: Reload::Restart,
    },
    Setting {
        section: "drivers.zeromq",
        name: "send_queue_events",
        kind: Kind::Integer { min: 1, max: 1_000_000 },
        default: "10000",
        doc: "Events that a worker has sent and that are not yet written to the service's socket. When full, `send` \
              waits for `send_timeout` and is then refused as overloaded.",
        reload: Reload::Restart,
    },
    Setting {
        section: "drivers.zeromq",
        name: "max_in_flight_bytes",
        kind: Kind::Bytes { min: 1024 * 1024, max: 64 * 1024 * 1024 * 1024 },
        default: "\"256MiB\"",
        doc: "Bytes that a network publisher has taken and not yet written to every subscriber, with 512 for each event; \
              the slowest one decides. When full, new events are refused as overloaded: the service waits, and the \
              workers with it.",
        reload: Reload::Restart,
    },
    Setting {
        section: "drivers.zeromq",
        name: "handshake_timeout",
        kind: Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(60) },
        default: "\"5s\"",
        doc: "How long connecting to a peer, with its greeting, may take before it is tried again \
              (reliability.md S05).",
        reload: Reload::Restart,
    },
];

/// What the drivers need to know, checked.
#[derive(Debug, Clone)]
pub struct ZmqSettings {
    /// The address to bind for a network publisher; `*` for all.
    pub bind_address: String,
    /// The port to bind; 0 for any.
    pub port: u16,
    /// The socket of the IPC hop.
    pub socket: PathBuf,
    /// The bound of the queue of received events.
    pub recv_queue_events: usize,
    /// The bound of a worker's queue.
    pub send_queue_events: usize,
    /// The bound of what PUB has not written.
    pub max_in_flight_bytes: u64,
    /// How long a connection with its greeting may take.
    pub handshake_timeout: Duration,
    /// How long `close` waits.
    pub linger: Duration,
    /// How long `send` waits.
    pub send_timeout: Duration,
    /// After how long without a sign of life a link counts as dead.
    pub dead_after: Duration,
}

impl ZmqSettings {
    /// For PUB/SUB; only `tcp` is spoken.
    pub(crate) fn network(settings: &Settings) -> Result<Self> {
        let transport = &settings.pubsub().publisher_transport;
        if transport != "tcp" {
            return Err(Error::new(
                ErrorKind::Settings,
                format!("publisher_transport: zmq_pubsub_driver does not speak {transport:?}; it speaks tcp"),
            ));
        }
        Self::read(settings)
    }

    /// For PUSH/PULL; the socket's path is checked, the file system is not touched.
    pub(crate) fn multiproc(settings: &Settings) -> Result<Self> {
        let read = Self::read(settings)?;
        listen::check_path(&read.socket).map_err(|error| error.context("publisher_multiproc_socket"))?;
        Ok(read)
    }

    fn read(settings: &Settings) -> Result<Self> {
        let own = settings.section("drivers.zeromq");
        let pubsub = settings.pubsub();
        Ok(Self {
            bind_address: pubsub.publisher_bind_address.clone(),
            port: pubsub.publisher_port,
            socket: pubsub.publisher_multiproc_socket.clone(),
            recv_queue_events: own.get("recv_queue_events")?,
            send_queue_events: own.get("send_queue_events")?,
            max_in_flight_bytes: own.get("max_in_flight_bytes")?,
            handshake_timeout: own.get("handshake_timeout")?,
            linger: pubsub.linger,
            send_timeout: pubsub.send_timeout,
            dead_after: pubsub.dead_after,
        })
    }
}
