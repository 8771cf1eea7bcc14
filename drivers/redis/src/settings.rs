use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, Reload, Setting, Settings, endpoint};
use pubsub_api::{Error, ErrorKind, Result};

use crate::database::KeyLayout;
use crate::servers::Endpoint;

const SECTION: &str = "drivers.redis";

/// Redis's own port, for a host without one.
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
         others. A server that is no cluster is named alone.",
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
         the driver starts.",
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
];

/// What the driver needs to know, checked.
#[derive(Debug, Clone)]
pub(crate) struct RedisSettings {
    /// Where to begin; at least one.
    pub(crate) hosts: Vec<Endpoint>,
    /// As whom to log in, if not as the default user.
    pub(crate) user: Option<String>,
    /// Where the password is, if there is one.
    pub(crate) password_file: Option<PathBuf>,
    /// How long a call waits.
    pub(crate) timeout: Duration,
    /// How keys are written.
    pub(crate) key_layout: KeyLayout,
}

impl RedisSettings {
    /// Reads the section; neither network nor file system is touched.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let own = settings.driver("redis");
        let hosts = own.list("hosts")?;
        let hosts = hosts.iter().map(|host| address(host)).collect::<Result<Vec<_>>>()?;
        if hosts.is_empty() {
            return Err(Error::new(ErrorKind::Settings, format!("{SECTION}.hosts is empty: name a host")));
        }
        let (user, password_file) = (own.text("user")?, own.text("password_file")?);
        if !user.is_empty() && password_file.is_empty() {
            let text =
                format!("{SECTION}.user is {user:?}, without a password: name {SECTION}.password_file");
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self {
            hosts,
            user: Some(user).filter(|user| !user.is_empty()),
            password_file: Some(password_file).filter(|path| !path.is_empty()).map(PathBuf::from),
            timeout: own.duration("timeout")?,
            key_layout: KeyLayout::named(&own.text("key_layout")?),
        })
    }
}

fn address(host: &str) -> Result<Endpoint> {
    let refuse = |why: String| Error::new(ErrorKind::Settings, format!("{SECTION}.hosts: {why}"));
    let address = endpoint("redis", host, PORT).map_err(|error| refuse(error.to_string()))?;
    let address = address.trim_start_matches("redis://");
    Endpoint::parse(address, "").ok_or_else(|| refuse(format!("{host:?} is no host with a port")))
}
