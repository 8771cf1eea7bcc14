use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use redis::{Value, cmd};
use tokio::sync::Mutex;

use super::counters::Counters;
use super::credentials::Credentials;
use super::map::SlotMap;
use super::{Server, Servers};
use crate::settings::RedisSettings;

impl Servers {
    /// Connects to the first host that answers, and finds out whether it is a standalone server or a cluster node.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the password is refused or cannot be read, or several hosts are given that are not a cluster;
    /// [`ErrorKind::Unavailable`] if no host answers.
    pub(crate) async fn discover(settings: &RedisSettings) -> Result<Self> {
        let seeds: Vec<_> =
            settings.hosts.iter().map(|endpoint| Arc::new(Server::new(endpoint.clone()))).collect();
        let mut servers = Self {
            credentials: Credentials::read(settings)?,
            timeout: settings.timeout,
            map: SlotMap::new(&seeds),
            seeds,
            clustered: false,
            refreshing: Mutex::new(()),
            counters: Counters::new(),
        };
        let (first, clustered) = servers.first_that_answers().await?;
        servers.clustered = clustered;
        if clustered {
            servers.refresh(servers.map.version()).await?;
        } else if servers.seeds.len() > 1 {
            let text = format!(
                "drivers.redis.hosts has {} hosts, but {} is not a cluster node: set one host",
                servers.seeds.len(),
                first.endpoint()
            );
            return Err(Error::new(ErrorKind::Settings, text));
        } else {
            servers.map = SlotMap::all_at(&first);
        }
        let masters = servers.map.masters().len();
        tracing::info!(id = "SK0801", endpoint = %first.endpoint(), clustered, masters, "connected to the Redis database");
        Ok(servers)
    }

    async fn first_that_answers(&self) -> Result<(Arc<Server>, bool)> {
        let mut why: Option<Error> = None;
        for server in &self.seeds {
            match self.ask_server(server, cmd("INFO").arg("cluster"), self.attempt()).await {
                Ok(info) => return Ok((Arc::clone(server), says_cluster(&info))),
                // A refused password is more useful to report than a host that is down.
                Err(error) if why.as_ref().is_none_or(|why| why.kind() != ErrorKind::Settings) => {
                    why = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(why
            .unwrap_or_else(|| Error::new(ErrorKind::Settings, "drivers.redis.hosts is empty: set a host")))
    }

    /// Closes every connection; requests in progress are still answered.
    pub(crate) fn close(&self) {
        self.map.close();
        self.seeds.iter().for_each(|server| server.close());
    }
}

fn says_cluster(info: &Value) -> bool {
    let Value::BulkString(bytes) = info else { return false };
    String::from_utf8_lossy(bytes).lines().any(|line| line.trim() == "cluster_enabled:1")
}
