use pubsub_api::{Error, ErrorKind};

use super::{Endpoint, info};

/// As what a server was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A server alone, or with replicas.
    Standalone,
    /// A node of a cluster.
    Cluster,
    /// Sentinel, which watches servers: it holds no rows, and accepts and delivers no events.
    Sentinel,
}

impl Mode {
    /// Reads the text of INFO server. `None` if it does not name the mode.
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

/// Why Sentinel's port cannot be used as Redis's, and what to write instead. Of [`ErrorKind::Settings`]: a retry does not cure
/// it.
pub(crate) fn sentinel_refused(endpoint: &Endpoint) -> Error {
    let text = format!(
        "{endpoint} is Sentinel, which holds no rows and carries no events: name the Redis master in drivers.redis.hosts \
         (SENTINEL GET-MASTER-ADDR-BY-NAME returns its address), or a name or address that follows the master"
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
    fn the_refusal_names_sentinel_its_address_and_what_to_write() {
        let endpoint = Endpoint::parse("192.0.2.1:26379", "").unwrap();
        let error = sentinel_refused(&endpoint);
        assert_eq!(error.kind(), ErrorKind::Settings);
        let text = error.to_string();
        assert!(
            ["Sentinel", "192.0.2.1:26379", "drivers.redis.hosts"].iter().all(|part| text.contains(part))
        );
    }
}
