use pubsub_api::{Error, ErrorKind};

use super::{Endpoint, info};

/// The mode in which a server was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A standalone server, with or without replicas.
    Standalone,
    /// A node of a cluster.
    Cluster,
    /// Sentinel, which monitors servers: it has no rows, and accepts and delivers no events.
    Sentinel,
}

impl Mode {
    /// Parses the text of INFO server. `None` if it does not contain the mode.
    ///
    /// Redis calls the field `redis_mode`. Valkey 8 and later call it `server_mode`, unless
    /// `extended-redis-compatibility` is set.
    pub(crate) fn from_info(text: &str) -> Option<Self> {
        let mode = info::field(text, "redis_mode").or_else(|| info::field(text, "server_mode"))?;
        match mode {
            "standalone" => Some(Self::Standalone),
            "cluster" => Some(Self::Cluster),
            "sentinel" => Some(Self::Sentinel),
            _ => None,
        }
    }
}

/// The error for the address of a Sentinel, with the correct setting. Its kind is [`ErrorKind::Settings`]: a retry does not
/// help.
pub(crate) fn sentinel_refused(endpoint: &Endpoint) -> Error {
    let text = format!(
        "{endpoint} is Sentinel, which has no rows and carries no events: set drivers.redis.hosts to the Redis master \
         (SENTINEL GET-MASTER-ADDR-BY-NAME returns its address), or to a name or address that follows the master"
    );
    Error::new(ErrorKind::Settings, text)
}

#[cfg(test)]
mod tests {
    use pubsub_api::ErrorKind;

    use super::{Endpoint, Mode, sentinel_refused};

    #[test]
    fn the_mode_is_read_from_redis_and_valkey() {
        for (text, mode) in [
            ("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n", Some(Mode::Standalone)),
            ("# Server\r\nserver_name:valkey\r\nserver_mode:cluster\r\n", Some(Mode::Cluster)),
            ("# Server\r\nredis_mode:sentinel\r\n", Some(Mode::Sentinel)),
            ("# Server\r\nserver_mode:other\r\n", None),
            ("", None),
        ] {
            assert_eq!(Mode::from_info(text), mode, "{text}");
        }
    }

    #[test]
    fn the_error_names_sentinel_its_address_and_the_setting() {
        let endpoint = Endpoint::parse("192.0.2.1:26379", "").unwrap();
        let error = sentinel_refused(&endpoint);
        assert_eq!(error.kind(), ErrorKind::Settings);
        let text = error.to_string();
        assert!(
            ["Sentinel", "192.0.2.1:26379", "drivers.redis.hosts"].iter().all(|part| text.contains(part))
        );
    }
}
