//! The settings of the section `[data_services]`.
//!
//! A crate of its own, because every program reads the same file and must refuse what is wrong in it, also about a node of
//! the data services engine, without linking the engine.

use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, declare_settings};
use pubsub_api::{Error, ErrorKind, Posture, Result, Verdict};
use sealing::{AcceptedEvents, PacketSealing, PacketsToSend};

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
        /// Every host that can connect to the address can join the bus, unless `accept` or CURVE prevents it, so the default is
        /// this host only.
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
        /// may publish, subscribe and call. The rules protect against mistakes only: no name of a node is authenticated.
        access_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// The file with the keys of sealed packets, mode 0600, as `skimmer keys keyring new` writes it, the same on every node of
        /// the bus: whoever has it is a member. The node seals with the key that has the mark `use`, and opens with all. The
        /// file is read again when it changes, and never shown. A file that is invalid then changes nothing, which is
        /// logged every minute.
        keyring_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// How the node sends its packets: `plain`, readable for everyone who can receive them, or `sealed`, encrypted and
        /// authenticated, which needs a keyring. Change it when every node of the bus has the keyring.
        packets: PacketsToSend = r#""plain""#, Kind::Choice(PacketsToSend::WORDS), Restart;
        /// Which packets the node accepts: `any`, or `sealed` only, which needs a keyring. Others are dropped and counted.
        /// Change it when every node of the bus seals.
        accept: AcceptedEvents = r#""any""#, Kind::Choice(AcceptedEvents::WORDS), Restart;
        /// How long the node continues after SIGTERM until its services have finished their calls, 0s to 1h.
        drain_timeout: Duration = r#""5s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Live;
    }
}

impl DataServicesSettings {
    /// How packets are sealed and opened; `None` without a keyring. The file is not read.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if packets are to be sealed, or only sealed ones accepted, and no keyring is set.
    pub fn sealing(&self) -> Result<Option<PacketSealing>> {
        let Self { keyring_file, packets, accept, .. } = self;
        let needed_by = match (packets, accept) {
            (PacketsToSend::Sealed, _) => "data_services.packets",
            (_, AcceptedEvents::Sealed) => "data_services.accept",
            _ => "",
        };
        match keyring_file.clone() {
            Some(keyring_file) => {
                Ok(Some(PacketSealing { setting: SETTING, keyring_file, send: *packets, accept: *accept }))
            }
            None if needed_by.is_empty() => Ok(None),
            None => {
                let text = format!(
                    "{SETTING} is empty, and {needed_by} = \"sealed\" needs it: skimmer keys keyring new FILE"
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
        }
    }

    /// Who can read the packets of the bus, and whose packets the node believes.
    #[must_use]
    pub fn posture(&self) -> Posture {
        match (self.packets, self.accept) {
            (PacketsToSend::Plain, AcceptedEvents::Any) => Posture::new(
                ASPECT,
                Verdict::Open,
                "not sealed: whoever reaches the bus reads and forges them",
            )
            .remedy("data_services.keyring_file, packets and accept = \"sealed\" change that"),
            (PacketsToSend::Sealed, AcceptedEvents::Any) => {
                Posture::new(ASPECT, Verdict::Open, "sealed, but others are accepted too")
                    .remedy("data_services.accept = \"sealed\" refuses them")
            }
            (PacketsToSend::Plain, AcceptedEvents::Sealed) => Posture::new(
                ASPECT,
                Verdict::Open,
                "only sealed ones are accepted, but its own are not sealed",
            )
            .remedy("data_services.packets = \"sealed\" seals them"),
            (PacketsToSend::Sealed, AcceptedEvents::Sealed) => {
                Posture::new(ASPECT, Verdict::Good, "sealed, and no others are accepted")
            }
        }
    }
}

const SETTING: &str = "data_services.keyring_file";

const ASPECT: &str = "packets";
