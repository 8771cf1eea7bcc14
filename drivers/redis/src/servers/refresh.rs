use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use redis::{Cmd, Value, cmd};
use tokio::time::Instant;

use super::announced_master::AnnouncedMaster;
use super::refusal::{Said, said};
use super::server::{Limits, Parcel};
use super::{Endpoint, Server, Servers};

impl Servers {
    /// Asks a cluster who serves what, unless somebody did since the version `seen` of the map. One server that answers is
    /// enough; those that are connected are asked first, those of the settings last.
    ///
    /// # Errors
    /// Why the last one did not answer, if none did.
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
            match self.slots_as_told_by(&server).await {
                Ok(told) => {
                    self.counters.refreshed.add(1);
                    self.map.replace(told);
                    return Ok(());
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn slots_as_told_by(&self, server: &Arc<Server>) -> Result<Vec<(RangeInclusive<u16>, Endpoint)>> {
        let value = self.ask_server(server, cmd("CLUSTER").arg("SLOTS"), self.attempt()).await?;
        let Value::Array(ranges) = value else { return Err(nonsense(server)) };
        let masters = ranges.iter().map(AnnouncedMaster::parse);
        let masters: Vec<_> = masters.collect::<Option<_>>().ok_or_else(|| nonsense(server))?;
        if masters.is_empty() {
            let text = format!("{}: the cluster serves no slot yet", server.endpoint());
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        Ok(AnnouncedMaster::resolve(&masters, server.endpoint()))
    }

    /// One command to one server, and no second try.
    pub(super) async fn ask_server(
        &self,
        server: &Arc<Server>,
        command: &Cmd,
        within: Duration,
    ) -> Result<Value> {
        let limits = Limits { deadline: Instant::now() + within, ..self.limits() };
        let answers = server.ask(Parcel::One(command), &self.login, limits, &self.counters).await;
        let value = answers.map_err(|lost| lost.error)?.pop().unwrap_or(Value::Nil);
        match said(value, server.endpoint(), self.clustered) {
            Said::Value(value) => Ok(value),
            Said::NotNow(error) | Said::Never(error) => Err(error),
            Said::Moved(..) | Said::Ask(_) => Err(nonsense(server)),
        }
    }
}

fn nonsense(server: &Server) -> Error {
    let text = format!("{} does not say who serves which slots as Redis does", server.endpoint());
    Error::new(ErrorKind::Internal, text)
}
