use std::path::PathBuf;
use std::time::Duration;

use super::{Kind, choice, declare_settings};
use crate::{Error, ErrorKind, Result};

const HOUR: Duration = Duration::from_secs(3600);

/// The longest `publisher_id`: as long as a topic.
const MAX_ID_BYTES: usize = 255;

choice! {
    /// Whether service and agents use the northbound database;
    /// [`Registry::used_database`](crate::Registry::used_database) decides by it.
    pub enum UseNbDb {
        /// If the driver of the database joins hosts.
        Auto = "auto",
        /// Whichever it is.
        Yes = "yes",
        /// No database at all.
        No = "no",
    }
}

declare_settings! {
    /// The settings of `[pubsub]`, which select drivers and which every driver obeys.
    ///
    /// The names are Dragonflow's, and so are the defaults except those of `publisher_bind_address` and the drivers.
    pub struct PubSub in "pubsub" {
        /// Alias of the driver that carries events over the network. `skimmer drivers` lists the aliases; an unknown
        /// alias is an error at start. The default uses the same wire protocol as Dragonflow's `zmq_pubsub_driver`.
        pub_sub_driver: String = r#""zmtp_pubsub_driver""#, Kind::Text, Restart;
        /// Alias of the driver that carries events from the API workers of a host to its publisher service. `skimmer
        /// drivers` lists the aliases; an unknown alias is an error at start. The default uses the same wire protocol
        /// as Dragonflow's `zmq_pubsub_multiproc_driver`.
        pub_sub_multiproc_driver: String = r#""zmtp_pubsub_multiproc_driver""#, Kind::Text, Restart;
        /// Whether workers send through the publisher service of their host. If false, a process binds
        /// `publisher_port` and publishes itself; only one process of a host can do so. The default is Dragonflow's.
        pub_sub_use_multiproc: bool = "true", Kind::Bool, Restart;
        /// The TCP port that a publisher binds, and that subscribers connect to where an entry of `publishers_ips`
        /// names no port. 0 binds any free port; use it for tests and single hosts only, because subscribers cannot
        /// know it in advance. If the port is in use, the start fails. The default is Dragonflow's.
        publisher_port: u16 = "8866", Kind::Integer { min: 0, max: 65535 }, Restart;
        /// The transport of the network driver, the word before `://` in its endpoints: `tcp`, or another one that
        /// the driver supports. A driver refuses a transport that it does not support. The default is Dragonflow's.
        publisher_transport: String = r#""tcp""#, Kind::Text, Restart;
        /// The local address that a publisher binds: an IPv4 or IPv6 address, a name, `*` for all IPv4 addresses of
        /// the host, or `::` for all IPv6 addresses, and all IPv4 addresses unless net.ipv6.bindv6only is 1. Without
        /// authentication every host that can connect to the address can read all events, so the default is this host
        /// only, and another address needs `allow_unauthenticated`. Dragonflow's default is `*`; it applies if a
        /// Dragonflow file is read.
        publisher_bind_address: String = r#""127.0.0.1""#, Kind::Text, Restart;
        /// Whether a publisher may bind an address that other hosts can connect to, although its driver does not
        /// authenticate subscribers. If false, such a start fails. Set it only in a network where every host may read
        /// every event: the alternative is `drivers.zmtp.mechanism = "curve"`.
        allow_unauthenticated: bool = "false", Kind::Bool, Restart;
        /// The Unix socket between workers and their publisher service. Its folder must exist, and the service must
        /// be able to write to it; every user who may write to the socket may publish. The default is Dragonflow's;
        /// its later releases call this setting `ipc_socket`.
        publisher_multiproc_socket: PathBuf = r#""/var/run/zmq_pubsub/zmq-publisher-socket""#,
            Kind::Path, Restart;
        /// The publishers that a subscriber connects to, each `ip`, `ip:port`, `[ipv6]:port`, `host` or `host:port`.
        /// A `host` stands for all its addresses; `zmq_pubsub_driver` connects to only one of them. The default port
        /// is `publisher_port`. With an empty list a subscriber receives nothing, unless it finds publishers in the
        /// directory. A reload connects to new entries and closes removed ones. Dragonflow's default is its
        /// `local_ip`; it applies if a Dragonflow file is read.
        publishers_ips: Vec<String> = r#"["127.0.0.1"]"#, Kind::Addresses, Live;
        /// The identity of this publisher, at most 255 bytes, by which subscribers follow its streams across
        /// restarts. Two publishers must not share one. If empty, the publisher uses the id that it saved in
        /// `state_dir`; at the first start it derives one (uuid5 of host name, bind address and port) and saves it
        /// there.
        publisher_id: Option<String> = r#""""#, Kind::Text, Restart;
        /// The folder for everything that the program keeps: the status socket and lock files; for a publisher its
        /// id, its epoch and its ring of recent events; for an agent its saved table; for table monitors the copies
        /// of the tables; and the sqlite database, unless `drivers.sqlite.path` is elsewhere. It must exist and be
        /// writable, and two programs of one kind need two folders. If its content is deleted, a publisher loses its
        /// ring, so subscribers that missed events receive a snapshot or a `resync`, and an agent starts with an
        /// empty table.
        state_dir: PathBuf = r#""/var/lib/skimmer""#, Kind::Path, Restart;
        /// How long closing a publisher waits until accepted events are sent, 0s to 1h. Events that are not sent by
        /// then are dropped and counted.
        linger: Duration = r#""1s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Restart;
        /// How long `send` waits for room in a full queue, 0s to 1h; with 0s it does not wait. Then it fails as
        /// overloaded, and the event is not accepted.
        send_timeout: Duration = r#""5s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Restart;
        /// A publisher that has sent a hello and is then silent for this long is considered dead, and the subscriber
        /// connects again; 2s to 1h. Publishers send a hello every second, so a shorter time would disconnect idle
        /// links.
        dead_after: Duration = r#""3s""#, Kind::Duration { min: Duration::from_secs(2), max: HOUR }, Restart;
        /// Alias of the driver of the northbound database, to which objects are written before their changes are
        /// published. `skimmer drivers` lists the aliases. The default keeps the database in a file of this host.
        /// Dragonflow's default is `etcd_nb_db_driver`, which Skimmer does not have.
        nb_db_class: String = r#""sqlite_nb_db_driver""#, Kind::Text, Restart;
        /// Whether service and agents use the northbound database. The service keeps its row in the directory of
        /// publishers there, and watches tables; agents find publishers there, and compare their table with it.
        /// `auto` means yes for a database that is shared between hosts. With `yes` every event must be about a row
        /// of the database, because agents delete rows that it does not contain.
        use_nb_db: UseNbDb = r#""auto""#, Kind::Choice(UseNbDb::WORDS), Restart;
    }
}

impl PubSub {
    /// Checks the rules that a [`Kind`] cannot express.
    pub(super) fn check(&self) -> Result<()> {
        match &self.publisher_id {
            Some(id) if id.len() > MAX_ID_BYTES => {
                let text = format!(
                    "publisher_id: at most {MAX_ID_BYTES} bytes, this has {}: it goes out with every `$hello`",
                    id.len()
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
            _ => Ok(()),
        }
    }
}
