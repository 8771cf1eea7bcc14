//! The settings of the section `[data_services]`.
//!
//! A crate of its own, because every program reads the same file and must refuse what is wrong in it, also about a node of
//! the data services engine, without linking the engine.

use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, declare_settings};

const SHORTEST: Duration = Duration::from_millis(100);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

declare_settings! {
    /// The settings of the section `[data_services]`.
    pub struct DataServicesSettings in "data_services" {
        /// The bus that the node joins, 1 to 100 bytes. Nodes of different buses do not see each other, even on one
        /// broker. The default is that of Congress.
        bus_id: String = r#""bus""#, Kind::Text, Restart;
        /// The name of the node, 1 to 100 bytes, unique on its bus: a second live node of the name is refused. If
        /// empty, it is the host name.
        node_id: Option<String> = r#""""#, Kind::Text, Restart;
        /// The local address that the node binds, as `publisher_bind_address`, for network drivers without a broker.
        /// Every host that can connect to the address can join the bus, so the default is this host only.
        bind_address: String = r#""127.0.0.1""#, Kind::Text, Restart;
        /// The port that the node binds, for network drivers without a broker: another one than `publisher_port`,
        /// which a publisher service on the same host binds. 0 binds any free port; other nodes can join by this node
        /// only if they know its port.
        port: u16 = "8870", Kind::Integer { min: 0, max: 65535 }, Restart;
        /// The address by which other nodes connect to this one: `ip`, `ip:port`, `host` or `host:port`; the default
        /// port is `port`. If empty, it is `bind_address`. It is needed if that is a wildcard, such as `*`.
        advertise: Option<String> = r#""""#, Kind::Text, Restart;
        /// The nodes by which this one joins the bus, each `ip`, `ip:port`, `host` or `host:port`, for network drivers
        /// without a broker; the default port is `port`. One that can be reached is enough, the node skips its own
        /// address, and it starts alone if it reaches none.
        seeds: Vec<String> = "[]", Kind::Addresses, Restart;
        /// The interval of heartbeats, 100ms to 1m, ± 10 %. The default is that of Congress.
        heartbeat: Duration = r#""1s""#, Kind::Duration { min: SHORTEST, max: MINUTE }, Restart;
        /// A node that is silent for this long is suspect, 100ms to 1h: its tables count as stale, calls to it wait.
        suspect_after: Duration = r#""3s""#, Kind::Duration { min: SHORTEST, max: HOUR }, Restart;
        /// A node that is silent for this long is down, 100ms to 1h: its services and subscriptions end, and calls to
        /// it fail. It must be longer than `suspect_after`. The default is the `ping_timeout` of Congress.
        down_after: Duration = r#""5s""#, Kind::Duration { min: SHORTEST, max: HOUR }, Restart;
        /// How long the rows of a publisher that is down stay readable, as stale, before they are removed, 0s to 24h.
        /// The default is the `long_timeout` of Congress.
        forget_after: Duration = r#""2m""#, Kind::Duration { min: Duration::ZERO, max: DAY }, Restart;
        /// How long the caller of a method waits for its result, 100ms to 1h, if it names no deadline. The default is
        /// that of Congress.
        call_timeout: Duration = r#""1m""#, Kind::Duration { min: SHORTEST, max: HOUR }, Restart;
        /// The largest table that a service can publish, up to 16GiB, counted in bytes of its rows as JSON. A larger
        /// one is refused, and the table keeps its earlier rows.
        table_bytes: usize = r#""64MiB""#, Kind::Bytes { min: 1, max: 16 << 30 }, Restart;
        /// The TOML file with the services of the node, an entry `[[service]]` with `id` and `kind` for each. If empty,
        /// the node starts without services. A reload stops the services that are no longer in it, starts new ones and
        /// reloads those that have changed.
        services_file: Option<PathBuf> = r#""""#, Kind::Text, Live;
        /// The TOML file with the access rules of the node, an entry `[[rule]]` for each, in order. If empty, every node
        /// may publish, subscribe and call. The rules protect against mistakes only: nobody is authenticated.
        access_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// How long the node continues after SIGTERM until its services have finished their calls, 0s to 1h.
        drain_timeout: Duration = r#""5s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Live;
    }
}
