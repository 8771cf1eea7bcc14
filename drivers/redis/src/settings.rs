mod password_source;
mod tls_settings;

use std::time::Duration;

use pubsub_api::settings::{Kind, Reload, Setting, Settings, endpoint};
use pubsub_api::{Error, ErrorKind, Result};

use crate::database::KeyLayout;
use crate::servers::Endpoint;
pub(crate) use password_source::PasswordSource;
pub(crate) use tls_settings::{ClientFiles, TlsSettings};

const SECTION: &str = "drivers.redis";

/// The default port of Redis.
const PORT: u16 = 6379;

/// A setting of the section that takes effect at a start.
const fn setting(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Setting {
    Setting { section: SECTION, name, kind, default, doc, reload: Reload::Restart }
}

/// The section `[drivers.redis]`.
pub const SETTINGS: &[Setting] = &[
    setting(
        "hosts",
        Kind::Addresses,
        "[\"127.0.0.1:6379\"]",
        "Where Redis is, each `host:port`; without a port it is 6379. Of a cluster some nodes are enough: they tell the \
         others. A server that is no cluster is named alone; it must be a master, and not Sentinel.",
    ),
    setting(
        "user",
        Kind::Text,
        "\"\"",
        "The user to log in as (ACL, Redis 6 and later); empty for the default user.",
    ),
    setting(
        "password_file",
        Kind::Text,
        "\"\"",
        "A file whose first line is the password, which is shown nowhere; empty to log in without one. It is read when \
         the driver starts. A file that everybody can read, or others can write, is used with a warning.",
    ),
    setting(
        "password_env",
        Kind::Text,
        "\"\"",
        "The name of an environment variable that holds the password, in the place of `password_file`. It is read when the \
         driver starts. Handlers of an agent (`--exec`) do not inherit it.",
    ),
    setting(
        "tls",
        Kind::Bool,
        "false",
        "Whether to speak TLS (1.2 or 1.3) with every server, also with the nodes that a cluster tells.",
    ),
    setting(
        "ca_file",
        Kind::Text,
        "\"\"",
        "The certificates, PEM, of the authorities that sign the servers' certificates; needed with `tls`. The system's \
         authorities are not asked: name their file, if one of them signs. It is read when the driver starts.",
    ),
    setting(
        "tls_server_name",
        Kind::Text,
        "\"\"",
        "The name, or IP address, that every server's certificate must be for; empty for the host by which each server is \
         known: as in `hosts`, or as its cluster tells it, which is its IP address unless the cluster announces names.",
    ),
    setting(
        "client_cert_file",
        Kind::Text,
        "\"\"",
        "The certificate to show, PEM, with those that lead to its authority; for servers that want one \
         (`tls-auth-clients yes`, Redis's default). Goes with `client_key_file`.",
    ),
    setting(
        "client_key_file",
        Kind::Text,
        "\"\"",
        "The private key, PEM, of the certificate in `client_cert_file`.",
    ),
    setting(
        "timeout",
        Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(600) },
        "\"5s\"",
        "How long a call waits for Redis: for an answer, a connection, or a fail-over. A listing has it for each page. \
         Longer than a cluster's `cluster-node-timeout` and its election, calls wait for the new master and succeed.",
    ),
    setting(
        "key_layout",
        Kind::Choice(&["head", "4.0"]),
        "\"head\"",
        "How the keys of new rows are written: `{table.topic}key` as Dragonflow's last version does, or \
         `{table.topic}.key` as 4.0 and 5.0 do. Rows of both are read, changed and deleted where they are.",
    ),
    setting(
        "publish_in_flight_events",
        Kind::Integer { min: 1, max: 1_000_000 },
        "10000",
        "Events that a publisher has sent and Redis has not answered. When full, `send` waits for `send_timeout` and is then \
         refused as overloaded.",
    ),
    setting(
        "publish_in_flight_bytes",
        Kind::Bytes { min: 2 * 1024 * 1024, max: 1 << 30 },
        "\"64MiB\"",
        "The same in bytes, with 512 for each event.",
    ),
    setting(
        "recv_queue_events",
        Kind::Integer { min: 1, max: 1_000_000 },
        "10000",
        "Events that a subscriber has received and the application has not read. When full, the driver stops reading, and \
         the server keeps what it cannot send, until it disconnects the subscriber (its `client-output-buffer-limit \
         pubsub`). Valkey 9 does not count events of 16 KiB and more there, and never disconnects a subscriber for them: \
         its `min-string-size-avoid-copy-reply`, set to a number larger than any event, makes it count them.",
    ),
    setting(
        "recv_queue_bytes",
        Kind::Bytes { min: 2 * 1024 * 1024, max: 1 << 30 },
        "\"64MiB\"",
        "The same in bytes, with 512 for each event.",
    ),
    setting(
        "topology_check_interval",
        Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(600) },
        "\"10s\"",
        "How often each publisher and subscriber asks whether the server that it is connected to is still a master, with \
         20 % of jitter: another node of a cluster, or whoever is found at the address of a server alone. A node that left \
         its cluster, a master that was demoted and a server whose address moved do not say so, and are left then. The \
         database asks its masters as often for their role, and whether they evict rows.",
    ),
];

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
        let own = settings.section("drivers.redis");
        let hosts = own.get::<Vec<String>>("hosts")?;
        let hosts = hosts.iter().map(|host| address(host)).collect::<Result<Vec<_>>>()?;
        if hosts.is_empty() {
            return Err(Error::new(ErrorKind::Settings, format!("{SECTION}.hosts is empty: set a host")));
        }
        let (user, password) = (own.get::<String>("user")?, PasswordSource::read(&own)?);
        if !user.is_empty() && password.is_none() {
            let text = format!(
                "{SECTION}.user is {user:?}, without a password: set {SECTION}.password_file or {SECTION}.password_env"
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self {
            hosts,
            user: Some(user).filter(|user| !user.is_empty()),
            password,
            tls: TlsSettings::read(&own)?,
            timeout: own.get("timeout")?,
            check_interval: own.get("topology_check_interval")?,
            key_layout: KeyLayout::named(&own.get::<String>("key_layout")?),
        })
    }
}

fn address(host: &str) -> Result<Endpoint> {
    let refuse = |why: String| Error::new(ErrorKind::Settings, format!("{SECTION}.hosts: {why}"));
    let address = endpoint("redis", host, PORT).map_err(|error| refuse(error.to_string()))?;
    let address = address.trim_start_matches("redis://");
    Endpoint::parse(address, "").ok_or_else(|| refuse(format!("{host:?} is not a host with a port")))
}
