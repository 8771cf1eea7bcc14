use std::path::PathBuf;
use std::time::Duration;

use super::Kind;
use crate::{Error, ErrorKind, Result, choice, declare_settings};

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
    /// The settings of `[pubsub]` by which drivers are chosen, and which every driver obeys.
    ///
    /// The names, and the defaults but for `publisher_bind_address` and the drivers, are Dragonflow's.
    pub struct PubSub in "pubsub" {
        /// Alias of the driver that carries events over the network. `skimmer drivers` lists the aliases; an
        /// unknown one is an error at start. The default speaks the same wire as Dragonflow's, `zmq_pubsub_driver`.
        pub_sub_driver: String = r#""zmtp_pubsub_driver""#, Kind::Text, Restart;
        /// Alias of the driver that carries events from the API workers of a host to its publisher service.
        /// `skimmer drivers` lists the aliases; an unknown one is an error at start. The default speaks the same
        /// wire as Dragonflow's, `zmq_pubsub_multiproc_driver`.
        pub_sub_multiproc_driver: String = r#""zmtp_pubsub_multiproc_driver""#, Kind::Text, Restart;
        /// Whether workers send through the publisher service of their host. If false, a process binds
        /// `publisher_port` and publishes itself, which only one process of a host can. The default is
        /// Dragonflow's.
        pub_sub_use_multiproc: bool = "true", Kind::Bool, Restart;
        /// The TCP port that a publisher binds, and that subscribers connect to where `publishers_ips` gives none.
        /// 0 takes any free port, which serves tests and single hosts only, since nobody can know it beforehand. If
        /// the port is taken, the start fails. The default is Dragonflow's.
        publisher_port: u16 = "8866", Kind::Integer { min: 0, max: 65535 }, Restart;
        /// The transport under the network driver, the word before `://` in its endpoints: `tcp`, or another that
        /// the driver supports. The driver refuses by name what it does not. The default is Dragonflow's.
        publisher_transport: String = r#""tcp""#, Kind::Text, Restart;
        /// The local address that a publisher binds: an IPv4 or IPv6 address, a name, `*` for all IPv4 addresses of
        /// the host, or `::` for all IPv6 addresses, and the IPv4 ones too unless net.ipv6.bindv6only is 1. Whoever
        /// reaches it can read all events, so the default is the host itself, where Dragonflow's is `*`, which
        /// holds with a Dragonflow file.
        publisher_bind_address: String = r#""127.0.0.1""#, Kind::Text, Restart;
        /// The Unix socket between workers and their publisher service. Its folder must exist and be writable for
        /// the service; who may write to the socket may publish. The default is Dragonflow's, whose newer releases
        /// call it `ipc_socket`.
        publisher_multiproc_socket: PathBuf = r#""/var/run/zmq_pubsub/zmq-publisher-socket""#,
            Kind::Path, Restart;
        /// The publishers that a subscriber connects to, each `ip`, `ip:port`, `[ipv6]:port`, `host` or
        /// `host:port`. A `host` stands for all its addresses; `zmq_pubsub_driver` follows one of them. Without a port
        /// it is `publisher_port`. With an empty list nothing is ever received. On reload new ones are connected and
        /// dropped ones closed. Dragonflow's default, its `local_ip`, holds with a Dragonflow file.
        publishers_ips: Vec<String> = r#"["127.0.0.1"]"#, Kind::Addresses, Live;
        /// The identity of this publisher, at most 255 bytes, by which subscribers follow its streams across
        /// restarts; no two may share one. If empty, it is the one that `state_dir` keeps: at the first start the
        /// uuid5 of host name, bind address and port, and the same ever after.
        publisher_id: Option<String> = r#""""#, Kind::Text, Restart;
        /// The folder of the program's own: status socket and lock file. It must exist and be writable; two
        /// programs of one kind need two folders.
        state_dir: PathBuf = r#""/var/lib/skimmer""#, Kind::Path, Restart;
        /// How long closing a publisher waits for accepted events to leave; 0s to 1h. What is left then is dropped,
        /// and counted.
        linger: Duration = r#""1s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Restart;
        /// How long `send` waits for room in a full queue; 0s to 1h, where 0s does not wait. After it the send
        /// fails as overloaded, and its event was not accepted.
        send_timeout: Duration = r#""5s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Restart;
        /// After how long without a sign a publisher that says hello counts as dead, and is connected anew; 2s to
        /// 1h. Publishers say hello every second: less than two of these would cut idle links.
        dead_after: Duration = r#""3s""#, Kind::Duration { min: Duration::from_secs(2), max: HOUR }, Restart;
        /// Alias of the driver of the northbound database, where objects are written before their changes are
        /// published. `skimmer drivers` lists the aliases. The default keeps them in a file of this host;
        /// Dragonflow's is `etcd_nb_db_driver`, which is not among them.
        nb_db_class: String = r#""sqlite_nb_db_driver""#, Kind::Text, Restart;
        /// Whether service and agents use the northbound database: the service keeps its row in the directory of
        /// publishers and watches tables; agents find publishers there, and compare what they have with it. `auto`
        /// does where the driver of the database joins hosts. With `yes` every event is to be about a row of the
        /// database: agents delete rows that it does not have.
        use_nb_db: UseNbDb = r#""auto""#, Kind::Choice(UseNbDb::WORDS), Restart;
    }
}

impl PubSub {
    /// Checks what a kind cannot say.
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
