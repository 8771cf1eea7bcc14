use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use redis::{Cmd, Value, cmd};
use tokio::time::Instant;

use super::announced_master::AnnouncedMaster;
use super::reply::{Reply, interpret};
use super::server::{Limits, Request};
use super::{Endpoint, Server, Servers};

impl Servers {
    /// Asks the cluster for the server of each slot, unless another caller did so since the version `seen` of the map. One answer
    /// is enough; connected servers are asked first, those of the settings last.
    ///
    /// # Errors
    /// The error of the last server, if none answered.
    pub(super) async fn refresh(&self, seen: u64) -> Result<()> {
        if !self.clustered {
            return Ok(());
        }
        let _one = self.refreshing.lock().await;
        if self.map.version() > seen {
            return Ok(());
        }
        let mut candidates = self.map.known();
        candidates.sort_by_key(|server| !server.is_up());
        candidates.extend(self.seeds.iter().cloned());
        let mut why = Error::new(ErrorKind::Unavailable, "no node of the cluster is known");
        for server in candidates {
            match self.slots_known_to(&server).await {
                Ok(slots) => {
                    self.counters.refreshed.add(1);
                    self.map.replace(slots);
                    return Ok(());
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn slots_known_to(&self, server: &Arc<Server>) -> Result<Vec<(RangeInclusive<u16>, Endpoint)>> {
        let value = self.ask_server(server, cmd("CLUSTER").arg("SLOTS"), self.attempt()).await?;
        let Value::Array(ranges) = value else { return Err(invalid_answer(server)) };
        let masters = ranges.iter().map(AnnouncedMaster::parse);
        let masters: Vec<_> = masters.collect::<Option<_>>().ok_or_else(|| invalid_answer(server))?;
        if masters.is_empty() {
            let text = format!("{}: the cluster serves no slots yet", server.endpoint());
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        Ok(AnnouncedMaster::resolve(&masters, server.endpoint()))
    }

    /// Sends one command to one server, without a retry.
    pub(super) async fn ask_server(
        &self,
        server: &Arc<Server>,
        command: &Cmd,
        within: Duration,
    ) -> Result<Value> {
        let limits = Limits { deadline: Instant::now() + within, ..self.limits() };
        let answers = server.ask(Request::One(command), &self.credentials, limits, &self.counters).await;
        let value = answers.map_err(|lost| lost.error)?.pop().unwrap_or(Value::Nil);
        match interpret(value, server.endpoint(), self.clustered) {
            Reply::Value(value) => Ok(value),
            Reply::NotNow(error) | Reply::Never(error) => Err(error),
            Reply::Moved(..) | Reply::Ask(_) => Err(invalid_answer(server)),
        }
    }
}

fn invalid_answer(server: &Server) -> Error {
    let text = format!("{} sent an invalid answer to CLUSTER SLOTS", server.endpoint());
    Error::new(ErrorKind::Internal, text)
}
