use std::path::PathBuf;
use std::time::Duration;

use listen::Exposure;
use pubsub_api::settings::{Kind, Setting, Settings, check_transport, declare_settings};
use pubsub_api::{Error, ErrorKind, Result};

use crate::keys::{CurveSettings, PinnedKeys, SecurityMechanism};
use crate::{Network, Principal, WorkerRight};

const SECTION: &str = ZmtpSection::SECTION;

declare_settings! {
    /// The section `[drivers.zmtp]`.
    pub(crate) struct ZmtpSection in "drivers.zmtp" {
        /// The size of the log of encoded events that a network publisher keeps in memory for slow subscribers, one
        /// log for all of them. A subscriber that falls off the log continues at its end and receives a gap with the
        /// number of events that it missed; a subscriber that cannot understand a gap is disconnected.
        fanout_log_bytes: u64 = r#""64MiB""#,
            Kind::Bytes { min: 4 * 1024 * 1024, max: 64 * 1024 * 1024 * 1024 }, Restart, formerly "ring_bytes";
        /// The number of events that are received and not yet read by the application, for all links of a subscriber
        /// together. When the queue is full, the driver stops reading, and the publishers keep as many events as
        /// `fanout_log_bytes` allows.
        recv_queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The number of events that a worker has sent and that the service has not yet acknowledged; if the service
        /// cannot acknowledge, the events that are not yet written to its socket. When the queue is full, `send`
        /// waits for `send_timeout` and then fails as overloaded.
        send_queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// A peer that is silent for this long receives a PING, if it supports ZMTP 3.1. If it stays silent for
        /// `dead_after` more, it is considered dead and disconnected. A subscriber sends a sign of life without a PING
        /// after one and a half times this, and receives one after twice this.
        heartbeat_interval: Duration = r#""1s""#,
            Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(60) }, Restart;
        /// How long a handshake may take, for a connection to a peer and for a peer that connects. Then the
        /// connection is closed, so that a peer that connects and stays silent does not keep its place.
        handshake_timeout: Duration = r#""5s""#,
            Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(60) }, Restart;
        /// How often a subscriber looks up a name of `publishers_ips`: it connects to each new address, and
        /// disconnects from an address that three lookups in a row did not return. It also looks up a name a second
        /// after a connection to one of its addresses is made or lost.
        lookup_interval: Duration = r#""10s""#,
            Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(3600) }, Restart;
        /// How long TCP waits for a peer that acknowledges nothing, or whose receive window stays closed
        /// (TCP_USER_TIMEOUT, tcp(7)); then the connection is closed. Heartbeats find a dead peer earlier, as long as
        /// a PING can be written. Keep this longer than a busy subscriber may stop reading.
        user_timeout: Duration = r#""30s""#,
            Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(600) }, Restart;
        /// The number of connections that a listener holds at the same time. Further connections are closed at once
        /// and counted.
        max_connections: usize = "16384", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The number of connections from one IP address that a network publisher holds at the same time. Further
        /// connections are closed at once and counted.
        max_connections_per_address: usize = "8192", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The number of connections of agents with one key that a network publisher holds at the same time, with
        /// `curve`. An agent has two, and twice that for a moment when it reconnects. Further connections are closed
        /// after their handshake and counted.
        max_connections_per_key: usize = "16", Kind::Integer { min: 2, max: 1_000_000 }, Restart;
        /// The number of connections with an incomplete handshake that a listener holds at the same time. When it is
        /// reached, a network publisher accepts no further connections and limits each handshake to a quarter of a
        /// second; the service's socket closes the oldest one to accept a new one. Fast clients can therefore connect
        /// even while many slow handshakes are open.
        max_handshakes: usize = "256", Kind::Integer { min: 1, max: 65_536 }, Restart;
        /// A network publisher that stops gives each agent its own time to connect again, so that at most this number of
        /// agents connect in one second after its restart. Agents of earlier versions, and other subscribers, connect as
        /// they choose.
        reconnects_per_second: u32 = "1000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The networks that may connect to a network publisher, such as `10.1.0.0/16` or `2001:db8::/32`; empty for
        /// any. Other connections are closed at once and counted. This prevents mistakes; it does not authenticate.
        allow_from: Vec<String> = "[]", Kind::List, Restart;
        /// The users and groups that may connect to `publisher_multiproc_socket`, each `uid:1000` or `gid:42`, by the
        /// credentials that the kernel reports (SO_PEERCRED, unix(7)). If empty: the service's own user, root, and
        /// the socket's group. If the service cannot read a worker's supplementary groups (`ProtectProc=invisible`),
        /// the socket's mode decides for the socket's group; list users instead of other groups.
        ipc_allow: Vec<String> = "[]", Kind::List, Restart;
        /// What workers may publish, by user or group: `uid:1000 table=lport topic=tenant-*`, with any number of `table=`
        /// and `topic=`, which are patterns; without any, all. A worker has the rights of all entries that name it; one
        /// that no entry names may not connect. An event outside of them is dropped, counted and logged. If the list is
        /// empty, every worker that may connect may publish everything.
        worker_rights: Vec<String> = "[]", Kind::List, Restart;
        /// The security mechanism between publishers and agents: `null` neither authenticates nor encrypts; `curve`
        /// does both (CURVE, RFC 25 and 26; libzmq and pyzmq have it too) and needs the keys below. A peer with the
        /// other mechanism is refused. The socket of workers is not concerned.
        mechanism: SecurityMechanism = r#""null""#, Kind::Choice(SecurityMechanism::WORDS), Restart;
        /// With `curve`, the file with the secret key of a publisher: one line, mode 0600, as `skimmer keys new`
        /// writes it. It is read again when it changes, for the connections that follow, and never shown.
        publisher_key_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// With `curve`, the file with the agents that may connect to a publisher: on each line a name, a public key,
        /// and the rights of the agent: `topic=PATTERN`, once for each pattern of topics that it may receive, without
        /// any for all topics; `expires=2027-01-31T00:00:00Z`, after which it may not connect. A line that begins with
        /// `#` is a comment. The file is read again when it changes: an agent that is no longer in it is disconnected
        /// within a second, one with other topics as well, which then connects again, and one that is added may
        /// connect.
        authorized_agents_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// With `curve`, the file with the secret key of an agent: one line, mode 0600, as `skimmer keys new` writes
        /// it. It is read again for each connection, and never shown.
        agent_key_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// With `curve`, the public keys of the publishers that an agent connects to: `host:port#key` for one of them
        /// as it stands in `publishers_ips`, and a key alone for all others. An agent connects to no publisher
        /// without one, and to none that does not have it.
        publisher_keys: Vec<String> = "[]", Kind::List, Restart;
    }
}

/// The section `[drivers.zmtp]`, as the registry needs it.
pub const SETTINGS: &[Setting] = ZmtpSection::TABLE;

/// What the drivers need to know, checked.
#[derive(Debug, Clone)]
pub struct ZmtpSettings {
    /// The address to bind for a network publisher: an IP address or a name; `*` for all IPv4 addresses.
    pub bind_address: String,
    /// The port to bind; 0 for any free one, which [`endpoint`](pubsub_api::Publisher::endpoint) then names.
    pub port: u16,
    /// Whether other hosts may connect although nobody is authenticated.
    pub exposure: Exposure,
    /// The socket of the IPC hop; its folder must exist.
    pub socket: PathBuf,
    /// The bound of what is kept for subscribers that are behind, in bytes, for all of them together. A subscriber that
    /// falls off it receives a gap, or is disconnected.
    pub fanout_log_bytes: u64,
    /// The bound of the queue of received events. When it is full, the driver stops reading.
    pub recv_queue_events: usize,
    /// The bound of a worker's queue. When it is full, `send` waits for `send_timeout`, and then fails as
    /// [`Overloaded`](ErrorKind::Overloaded).
    pub send_queue_events: usize,
    /// How long a peer may be silent before it is pinged.
    pub heartbeat_interval: Duration,
    /// How long a handshake may take; then the connection is closed.
    pub handshake_timeout: Duration,
    /// How often a name is looked up.
    pub lookup_interval: Duration,
    /// How long TCP waits for a peer to take something.
    pub user_timeout: Duration,
    /// How many connections a listener holds; further ones are closed at once and counted.
    pub max_connections: usize,
    /// How many of them may come from one IP address; further ones are closed at once and counted.
    pub max_connections_per_address: usize,
    /// How many of them may have one key, with CURVE; further ones are closed and counted.
    pub max_connections_per_key: usize,
    /// How many of them may be without a complete handshake.
    pub max_handshakes: usize,
    /// How many agents connect again in a second after a restart.
    pub reconnects_per_second: u32,
    /// Which networks may connect; all if empty.
    pub allow_from: Vec<Network>,
    /// The processes that may connect to the socket of the IPC hop.
    pub ipc_allow: Vec<Principal>,
    /// What they may publish; everything if empty.
    pub worker_rights: Vec<WorkerRight>,
    /// The keys of CURVE; `None` for NULL.
    pub curve: Option<CurveSettings>,
    /// How long `close` waits until accepted events are sent.
    pub linger: Duration,
    /// How long `send` waits for room.
    pub send_timeout: Duration,
    /// After how long without a sign of life a peer counts as dead.
    pub dead_after: Duration,
}

impl ZmtpSettings {
    /// How often a subscriber sends something to a publisher of ours that it hears, without being pinged.
    pub(crate) fn alive_every(&self) -> Duration {
        self.heartbeat_interval * 3 / 2
    }

    /// For the network hop; only `tcp` is spoken.
    pub(crate) fn network(settings: &Settings) -> Result<Self> {
        check_transport("zmtp_pubsub_driver", &settings.pubsub().publisher_transport, "tcp")?;
        Self::read(settings)
    }

    /// For the IPC hop; the socket's path is checked, the file system is not touched.
    pub(crate) fn multiproc(settings: &Settings) -> Result<Self> {
        let read = Self::read(settings)?;
        listen::check_path(&read.socket).map_err(|error| error.context("publisher_multiproc_socket"))?;
        Ok(read)
    }

    fn read(settings: &Settings) -> Result<Self> {
        let own = ZmtpSection::read(settings)?;
        let pubsub = settings.pubsub();
        Ok(Self {
            bind_address: pubsub.publisher_bind_address.clone(),
            port: pubsub.publisher_port,
            exposure: Exposure::of_setting(pubsub.allow_unauthenticated),
            socket: pubsub.publisher_multiproc_socket.clone(),
            fanout_log_bytes: own.fanout_log_bytes,
            recv_queue_events: own.recv_queue_events,
            send_queue_events: own.send_queue_events,
            heartbeat_interval: own.heartbeat_interval,
            handshake_timeout: own.handshake_timeout,
            lookup_interval: own.lookup_interval,
            user_timeout: own.user_timeout,
            max_connections: own.max_connections,
            max_connections_per_address: own.max_connections_per_address,
            max_connections_per_key: own.max_connections_per_key,
            max_handshakes: own.max_handshakes,
            reconnects_per_second: own.reconnects_per_second,
            allow_from: parse_all(&own.allow_from, "allow_from")?,
            ipc_allow: parse_all(&own.ipc_allow, "ipc_allow")?,
            worker_rights: parse_all(&own.worker_rights, "worker_rights")?,
            curve: curve(&own, pubsub.publisher_port)?,
            linger: pubsub.linger,
            send_timeout: pubsub.send_timeout,
            dead_after: pubsub.dead_after,
        })
    }
}

/// The settings of CURVE, `None` with NULL. Files are not read.
fn curve(own: &ZmtpSection, default_port: u16) -> Result<Option<CurveSettings>> {
    let publisher_keys = PinnedKeys::parse(&own.publisher_keys, default_port)
        .map_err(|error| Error::new(ErrorKind::Settings, format!("{SECTION}.publisher_keys: {error}")))?;
    let curve = CurveSettings {
        publisher_key_file: own.publisher_key_file.clone(),
        authorized_agents_file: own.authorized_agents_file.clone(),
        agent_key_file: own.agent_key_file.clone(),
        publisher_keys,
    };
    match own.mechanism {
        SecurityMechanism::Curve => Ok(Some(curve)),
        SecurityMechanism::Null if curve.is_empty() => Ok(None),
        SecurityMechanism::Null => Err(Error::new(
            ErrorKind::Settings,
            format!(
                "{SECTION} has keys, which mechanism = \"null\" does not use: set mechanism = \"curve\", or remove them"
            ),
        )),
    }
}

fn parse_all<T: std::str::FromStr<Err = String>>(entries: &[String], name: &str) -> Result<Vec<T>> {
    let parse = |entry: &String| {
        entry.parse().map_err(|error| Error::new(ErrorKind::Settings, format!("{SECTION}.{name}: {error}")))
    };
    entries.iter().map(parse).collect()
}
