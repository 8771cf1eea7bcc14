mod password_source;
mod tls_settings;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, Setting, Settings, declare_settings, endpoint};
use pubsub_api::{Error, ErrorKind, Posture, Result, Verdict};

use crate::database::KeyLayout;
use crate::servers::Endpoint;
pub(crate) use password_source::PasswordSource;
pub(crate) use tls_settings::{ClientFiles, TlsSettings};

const SECTION: &str = RedisSection::SECTION;

/// The default port of Redis.
const PORT: u16 = 6379;

declare_settings! {
    /// The section `[drivers.redis]`.
    pub(crate) struct RedisSection in "drivers.redis" {
        /// The addresses of Redis, each `host:port`; the default port is 6379. Of a cluster some nodes are enough,
        /// because they report the others. A server that is not part of a cluster is named alone; it must be a
        /// master, and not Sentinel.
        hosts: Vec<String> = r#"["127.0.0.1:6379"]"#, Kind::Addresses, Restart;
        /// The user to log in as (ACL, Redis 6 and later); empty for the default user.
        user: Option<String> = r#""""#, Kind::Text, Restart;
        /// A file whose first line is the password, which is never shown; empty to log in without a password. It is
        /// read for each new connection. The driver logs a warning if every user can read the file, or other users can
        /// write it.
        password_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// The name of an environment variable that holds the password, instead of `password_file`. It is read when
        /// the driver starts. Handlers of an agent (`--exec`) do not inherit it.
        password_env: Option<String> = r#""""#, Kind::Text, Restart;
        /// Whether to use TLS (1.2 or 1.3) with every server, including the nodes that a cluster reports.
        tls: bool = "false", Kind::Bool, Restart;
        /// The certificates, in PEM, of the authorities that sign the servers' certificates; required with `tls`. The
        /// system's authorities are not used: if one of them signs, name its file. Like the files below, it
        /// is read for each new connection.
        ca_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// The name or IP address that every server's certificate must be valid for. If empty, it is the host of each
        /// server: as in `hosts`, or as its cluster reports it, which is an IP address unless the cluster announces
        /// names.
        tls_server_name: Option<String> = r#""""#, Kind::Text, Restart;
        /// The certificate to show, in PEM, with the certificates up to its authority; for servers that require one
        /// (`tls-auth-clients yes`, Redis's default). `client_key_file` must be set too.
        client_cert_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// The private key, in PEM, of the certificate in `client_cert_file`.
        client_key_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
        /// How long a call waits for Redis: for a reply, a connection, or a failover. A listing has this time for
        /// each page. If it is longer than the cluster's `cluster-node-timeout` and its election, calls wait for the
        /// new master and succeed.
        timeout: Duration = r#""5s""#,
            Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(600) }, Restart;
        /// How the keys of new rows are written: `head` writes `{table.topic}key` as Dragonflow's last version does,
        /// `4.0` writes `{table.topic}.key` as its versions 4.0 and 5.0 do. Rows in either layout are read, changed
        /// and deleted where they are.
        key_layout: KeyLayout = r#""head""#, Kind::Choice(KeyLayout::WORDS), Restart;
        /// The number of events that a publisher has sent and Redis has not yet answered. When the limit is reached,
        /// `send` waits for `send_timeout` and then fails as overloaded.
        publish_in_flight_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The same limit in bytes, with 512 bytes added for each event.
        publish_in_flight_bytes: usize = r#""64MiB""#,
            Kind::Bytes { min: 2 * 1024 * 1024, max: 1 << 30 }, Restart;
        /// The number of events that a subscriber has received and the application has not yet read. When the queue
        /// is full, the driver stops reading, and the server keeps the events until it disconnects the subscriber
        /// (its `client-output-buffer-limit pubsub`). Valkey 9 does not count events of 16 KiB or more there and
        /// never disconnects a subscriber for them; to count them, set its `min-string-size-avoid-copy-reply` to a
        /// number larger than any event.
        recv_queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The same limit in bytes, with 512 bytes added for each event.
        recv_queue_bytes: usize = r#""64MiB""#, Kind::Bytes { min: 2 * 1024 * 1024, max: 1 << 30 }, Restart;
        /// How often each publisher and subscriber checks that the server it is connected to is still a master, with
        /// 20 % of jitter. A node that left its cluster, a master that was demoted and a server whose address moved
        /// do not report it; the check finds them, and the driver connects to the right server. The database driver
        /// checks the role of its masters as often, and whether they evict rows.
        topology_check_interval: Duration = r#""10s""#,
            Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(600) }, Restart;
    }
}

/// The section `[drivers.redis]`, as the registry needs it.
pub const SETTINGS: &[Setting] = RedisSection::TABLE;

/// The checked settings of the driver.
#[derive(Debug, Clone)]
pub(crate) struct RedisSettings {
    /// The first servers to connect to; at least one.
    pub(crate) hosts: Vec<Endpoint>,
    /// User to log in as, if not the default user.
    pub(crate) user: Option<String>,
    /// Location of the password, if there is one.
    pub(crate) password: Option<PasswordSource>,
    /// The TLS settings, if TLS is enabled.
    pub(crate) tls: Option<TlsSettings>,
    /// Time limit of a call.
    pub(crate) timeout: Duration,
    /// Interval at which the servers are asked for their role.
    pub(crate) check_interval: Duration,
    /// The format of keys.
    pub(crate) key_layout: KeyLayout,
}

impl RedisSettings {
    /// Parses the section, without using the network or the file system.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let own = RedisSection::read(settings)?;
        let hosts = own.hosts.clone();
        let hosts = hosts.iter().map(|host| address(host)).collect::<Result<Vec<_>>>()?;
        if hosts.is_empty() {
            return Err(Error::new(ErrorKind::Settings, format!("{SECTION}.hosts is empty: set a host")));
        }
        let (user, password) = (own.user.clone(), PasswordSource::read(&own)?);
        if let (Some(user), None) = (&user, &password) {
            let text = format!(
                "{SECTION}.user is {user:?}, without a password: set {SECTION}.password_file or {SECTION}.password_env"
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self {
            hosts,
            user,
            password,
            tls: TlsSettings::read(&own)?,
            timeout: own.timeout,
            check_interval: own.topology_check_interval,
            key_layout: own.key_layout,
        })
    }
}

impl RedisSettings {
    /// Who can read and change what Redis has, as far as the settings show it.
    pub(crate) fn posture(&self, aspect: &'static str) -> Posture {
        let is_here = |host: &Endpoint| {
            host.host == "localhost" || host.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        };
        match (&self.tls, &self.password) {
            (None, _) if !self.hosts.iter().all(is_here) => {
                let state =
                    "Redis is reached over the network without TLS: whoever reads the network reads all";
                Posture::new(aspect, Verdict::Weak, state).remedy("set drivers.redis.tls and ca_file")
            }
            (_, None) => Posture::new(aspect, Verdict::Open, "Redis is used without a password")
                .remedy("set drivers.redis.password_file"),
            (Some(_), Some(_)) => {
                Posture::new(aspect, Verdict::Good, "Redis is used with TLS and a password")
            }
            (None, Some(_)) => {
                Posture::new(aspect, Verdict::Good, "Redis on this host is used with a password")
            }
        }
    }
}

fn address(host: &str) -> Result<Endpoint> {
    let refuse = |why: String| Error::new(ErrorKind::Settings, format!("{SECTION}.hosts: {why}"));
    let address = endpoint("redis", host, PORT).map_err(|error| refuse(error.to_string()))?;
    let address = address.trim_start_matches("redis://");
    Endpoint::parse(address, "").ok_or_else(|| refuse(format!("{host:?} is not a host with a port")))
}
