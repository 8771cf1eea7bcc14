use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, Reload, Setting, Settings};
use pubsub_api::{Error, ErrorKind, Result};

use crate::{Network, Principal};

const SECTION: &str = "drivers.zmtp";

/// A setting of the section that takes effect at a start.
const fn setting(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Setting {
    Setting { section: SECTION, name, kind, default, doc, reload: Reload::Restart }
}

/// The section `[drivers.zmtp]`, which both aliases share.
pub const SETTINGS: &[Setting] = &[
    setting(
        "ring_bytes",
        Kind::Bytes { min: 4 * 1024 * 1024, max: 64 * 1024 * 1024 * 1024 },
        "\"64MiB\"",
        "Encoded events that a network publisher keeps for the subscribers that are behind, all of them together. A \
         subscriber that falls further behind skips to the end, and is told how many events it missed, or is \
         disconnected if it could not understand that.",
    ),
    setting(
        "recv_queue_events",
        Kind::Integer { min: 1, max: 1_000_000 },
        "10000",
        "Events received and not yet read by the application, for all links of a subscriber together. When full, the \
         driver stops reading, and the publishers keep for it what `ring_bytes` holds.",
    ),
    setting(
        "send_queue_events",
        Kind::Integer { min: 1, max: 1_000_000 },
        "10000",
        "Events that a worker has sent and that the service has not yet acknowledged; for a service that cannot, events \
         that are not yet written to its socket. When full, `send` waits for `send_timeout` and is then refused as \
         overloaded.",
    ),
    setting(
        "heartbeat_interval",
        Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(60) },
        "\"1s\"",
        "A peer that said nothing for so long is sent a PING, if it knows ZMTP 3.1. One that stays silent for \
         `dead_after` behind it is dead, and disconnected.",
    ),
    setting(
        "handshake_timeout",
        Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(60) },
        "\"5s\"",
        "How long connecting to a peer, or a peer that connected, may take to complete its handshake \
         (reliability.md S05, X01).",
    ),
    setting(
        "lookup_interval",
        Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(3600) },
        "\"10s\"",
        "How often a subscriber looks up a name of `publishers_ips`: it connects to each new address, and leaves an address \
         that three lookups in a row did not return. A name is also looked up a second after a connection to one of its addresses is made or lost.",
    ),
    setting(
        "user_timeout",
        Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(600) },
        "\"30s\"",
        "After how long TCP gives up a peer that acknowledges nothing, or whose window stays closed (TCP_USER_TIMEOUT, \
         tcp(7)). Heartbeats find a dead peer earlier, as long as a PING can be written; this is for the rest, and longer \
         than a subscriber that is only busy should need (reliability.md S04).",
    ),
    setting(
        "max_connections",
        Kind::Integer { min: 1, max: 1_000_000 },
        "16384",
        "Connections that a listener holds at once; more are closed at once, and counted.",
    ),
    setting(
        "max_connections_per_address",
        Kind::Integer { min: 1, max: 1_000_000 },
        "8192",
        "Connections of one IP address that a network publisher holds at once; more are closed at once, and counted.",
    ),
    setting(
        "max_handshakes",
        Kind::Integer { min: 1, max: 65_536 },
        "256",
        "Connections whose handshake is not complete that a listener holds at once. While there are as many, a network \
         publisher accepts no more and gives each a quarter of a second; the service's socket closes the oldest for one \
         more. So who is quick gets in however many are slow (reliability.md X01, X13, S11).",
    ),
    setting(
        "allow_from",
        Kind::List,
        "[]",
        "Networks whose addresses may connect to a network publisher, such as `10.1.0.0/16` or `2001:db8::/32`; empty \
         for any. Others are closed at once, and counted. It keeps mistakes out; it does not authenticate.",
    ),
    setting(
        "ipc_allow",
        Kind::List,
        "[]",
        "Who may connect to `publisher_multiproc_socket`, each `uid:1000` or `gid:42`, by the credentials that the \
         kernel has (SO_PEERCRED, unix(7)). Empty for the service's own user, root, and the socket's group. Where the \
         service cannot read a worker's supplementary groups (`ProtectProc=invisible`), the socket's mode decides for \
         the socket's group; for other groups name users instead.",
    ),
];

/// What the drivers need to know, checked.
#[derive(Debug, Clone)]
pub struct ZmtpSettings {
    /// The address to bind for a network publisher; `*` for all.
    pub bind_address: String,
    /// The port to bind; 0 for any.
    pub port: u16,
    /// The socket of the IPC hop.
    pub socket: PathBuf,
    /// The bound of what is kept for subscribers that are behind.
    pub ring_bytes: u64,
    /// The bound of the queue of received events.
    pub recv_queue_events: usize,
    /// The bound of a worker's queue.
    pub send_queue_events: usize,
    /// How long a peer may be silent before it is pinged.
    pub heartbeat_interval: Duration,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// How often a name is looked up.
    pub lookup_interval: Duration,
    /// How long TCP waits for a peer to take something.
    pub user_timeout: Duration,
    /// How many connections a listener holds.
    pub max_connections: usize,
    /// How many of them may come from one address.
    pub max_connections_per_address: usize,
    /// How many of them may be without a complete handshake.
    pub max_handshakes: usize,
    /// Which networks may connect; all if empty.
    pub allow_from: Vec<Network>,
    /// Who may connect to the socket of the IPC hop.
    pub ipc_allow: Vec<Principal>,
    /// How long `close` waits.
    pub linger: Duration,
    /// How long `send` waits.
    pub send_timeout: Duration,
    /// After how long without a sign of life a peer counts as dead.
    pub dead_after: Duration,
}

impl ZmtpSettings {
    /// For the network hop; only `tcp` is spoken.
    pub(crate) fn network(settings: &Settings) -> Result<Self> {
        let transport = &settings.pubsub().publisher_transport;
        if transport != "tcp" {
            return Err(Error::new(
                ErrorKind::Settings,
                format!(
                    "publisher_transport: zmtp_pubsub_driver does not speak {transport:?}; it speaks tcp"
                ),
            ));
        }
        Self::read(settings)
    }

    /// For the IPC hop; the socket's path is checked, the file system is not touched.
    pub(crate) fn multiproc(settings: &Settings) -> Result<Self> {
        let read = Self::read(settings)?;
        listen::check_path(&read.socket).map_err(|error| error.context("publisher_multiproc_socket"))?;
        Ok(read)
    }

    fn read(settings: &Settings) -> Result<Self> {
        let own = settings.section("drivers.zmtp");
        let pubsub = settings.pubsub();
        Ok(Self {
            bind_address: pubsub.publisher_bind_address.clone(),
            port: pubsub.publisher_port,
            socket: pubsub.publisher_multiproc_socket.clone(),
            ring_bytes: own.get("ring_bytes")?,
            recv_queue_events: own.get("recv_queue_events")?,
            send_queue_events: own.get("send_queue_events")?,
            heartbeat_interval: own.get("heartbeat_interval")?,
            handshake_timeout: own.get("handshake_timeout")?,
            lookup_interval: own.get("lookup_interval")?,
            user_timeout: own.get("user_timeout")?,
            max_connections: own.get("max_connections")?,
            max_connections_per_address: own.get("max_connections_per_address")?,
            max_handshakes: own.get("max_handshakes")?,
            allow_from: parse_all(&own.get::<Vec<String>>("allow_from")?, "allow_from")?,
            ipc_allow: parse_all(&own.get::<Vec<String>>("ipc_allow")?, "ipc_allow")?,
            linger: pubsub.linger,
            send_timeout: pubsub.send_timeout,
            dead_after: pubsub.dead_after,
        })
    }
}

fn parse_all<T: std::str::FromStr<Err = String>>(entries: &[String], name: &str) -> Result<Vec<T>> {
    let parse = |entry: &String| {
        entry.parse().map_err(|error| Error::new(ErrorKind::Settings, format!("{SECTION}.{name}: {error}")))
    };
    entries.iter().map(parse).collect()
}
