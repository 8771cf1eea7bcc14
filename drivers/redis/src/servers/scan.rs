use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::try_join_all;
use pubsub_api::{Error, ErrorKind, Result};
use redis::{Value, cmd};
use tokio::time::Instant;

use super::{Server, Servers};

/// How many keys a server looks at for one page (SCAN, COUNT): it serves nobody else meanwhile.
const PAGE: u32 = 1_000;

/// How often all servers are scanned while slots move between them.
const ROUNDS: u32 = 3;

impl Servers {
    /// The keys that match a pattern, on all servers. A key that is there the whole time is found, also while slots move,
    /// unless it moves in each of three rounds.
    ///
    /// # Errors
    /// As of [`run`](Self::run); a part of the keys is no answer.
    pub(crate) async fn scan(&self, pattern: &str) -> Result<HashSet<Vec<u8>>> {
        let deadline = Instant::now() + self.timeout;
        let mut found = HashSet::new();
        let (mut rounds, mut attempt) = (0, 0);
        while rounds < ROUNDS {
            let seen = self.map.version();
            match self.scan_all(pattern, &mut found).await {
                Ok(true) => break,
                Ok(false) => rounds += 1,
                Err(error) if error.kind() == ErrorKind::Unavailable => {
                    self.counters.retries.add(1);
                    let waited = self.wait(attempt, seen, deadline, error).await;
                    waited.map_err(|error| self.counters.failed(error))?;
                    attempt += 1;
                }
                Err(error) => return Err(self.counters.failed(error)),
            }
        }
        Ok(found)
    }

    /// One round; whether no key can have moved meanwhile from a server not yet scanned to one scanned already.
    async fn scan_all(&self, pattern: &str, found: &mut HashSet<Vec<u8>>) -> Result<bool> {
        self.refresh(self.map.version()).await?;
        if !self.map.is_complete() {
            let text = "the cluster does not serve all slots: rows of the others cannot be listed";
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        let masters = self.map.masters();
        let before = self.shares(&masters).await?;
        let keys = try_join_all(masters.iter().map(|server| self.scan_one(server, pattern))).await?;
        found.extend(keys.into_iter().flatten());
        Ok(before == self.shares(&masters).await? && !before.iter().any(|share| share.contains('[')))
    }

    async fn scan_one(&self, server: &Arc<Server>, pattern: &str) -> Result<Vec<Vec<u8>>> {
        let mut found = Vec::new();
        let mut cursor = b"0".to_vec();
        loop {
            let mut page = cmd("SCAN");
            page.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE);
            let answer = self.ask_server(server, &page, self.timeout).await?;
            let (next, keys) = parse_page(answer).ok_or_else(|| {
                let text = format!("{} does not answer SCAN as Redis does", server.endpoint());
                Error::new(ErrorKind::Internal, text)
            })?;
            found.extend(keys);
            if next == b"0" {
                return Ok(found);
            }
            cursor = next;
        }
    }

    /// What each of these nodes says that it serves, with slots that come and go in brackets (CLUSTER NODES).
    async fn shares(&self, masters: &[Arc<Server>]) -> Result<Vec<String>> {
        if !self.clustered {
            return Ok(Vec::new());
        }
        let shares = masters.iter().map(async |server| {
            let nodes = self.ask_server(server, cmd("CLUSTER").arg("NODES"), self.timeout).await?;
            let Value::BulkString(nodes) = nodes else { return Ok(String::new()) };
            let nodes = String::from_utf8_lossy(&nodes);
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap_or_default();
            // id, address, flags, master, two times, epoch, state; then the slots.
            Ok(own.split(' ').skip(8).collect::<Vec<_>>().join(" "))
        });
        try_join_all(shares).await
    }
}

fn parse_page(answer: Value) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let Value::Array(parts) = answer else { return None };
    let [Value::BulkString(cursor), Value::Array(keys)] = <[Value; 2]>::try_from(parts).ok()? else {
        return None;
    };
    let key = |value| if let Value::BulkString(bytes) = value { Some(bytes) } else { None };
    Some((cursor, keys.into_iter().map(key).collect::<Option<_>>()?))
}
