use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use pubsub_api::{Error, ErrorKind, Result};
use redis::{Value, cmd};
use tokio::time::Instant;

use super::cluster_node::{endpoint_of, ids_with_slots};
use super::coverage::Coverage;
use super::report::History;
use super::slot_view::SlotView;
use super::visit::Visit;
use super::{Endpoint, Server, Servers};

/// How many keys a server looks at for one page (SCAN, COUNT): it serves nobody else meanwhile.
const PAGE: u32 = 1_000;

/// How often all servers are scanned at least, if slots move between them meanwhile.
const ROUNDS: u32 = 3;

/// What a scan of all servers has found.
pub(crate) struct Scan {
    /// The keys that match. A key that was there the whole time is among them.
    pub(crate) keys: HashSet<Vec<u8>>,
    coverage: Option<Coverage>,
    /// Whose rows they are.
    histories: BTreeMap<Endpoint, Option<History>>,
}

impl Servers {
    /// The keys that match a pattern, on all servers. They are all keys or an error, never a part: each slot is scanned at the
    /// server that says of itself, before and after the scan, that it is the slot's master.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`] if a server is none of the masters, is not synchronized with its own, has restarted without
    ///   its rows, or if the servers that were reached do not serve all slots;
    /// - others as of [`run`](Self::run).
    pub(crate) async fn scan(&self, pattern: &str) -> Result<Scan> {
        let deadline = Instant::now() + self.timeout;
        let mut scan = Scan::new(self.clustered);
        let (mut rounds, mut attempt) = (0, 0);
        loop {
            let seen = self.map.version();
            let why = match self.scan_all(pattern, &mut scan).await {
                Ok(()) => match scan.open_slot() {
                    None => return Ok(scan),
                    Some(slot) => {
                        rounds += 1;
                        if rounds < ROUNDS || Instant::now() < deadline {
                            continue;
                        }
                        let text = format!("slot {slot} moves between masters, so its rows cannot be listed");
                        return Err(self.counters.failed(Error::new(ErrorKind::Unavailable, text)));
                    }
                },
                Err(error) if error.kind() == ErrorKind::Unavailable => error,
                Err(error) => return Err(self.counters.failed(error)),
            };
            self.counters.retries.add(1);
            self.wait(attempt, seen, deadline, why).await.map_err(|error| self.counters.failed(error))?;
            attempt += 1;
        }
    }

    /// Whether the servers that were scanned still have the rows that they had then, but for what was written since: a row that
    /// is gone was deleted then, and did not go with a server.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if they do not.
    pub(crate) async fn check_unchanged(&self, scan: &Scan) -> Result<()> {
        let check = try_join_all(scan.histories.iter().map(async |(endpoint, history)| {
            let visit = self.visit(&self.map.at(endpoint.clone())).await?;
            visit.check()?;
            if visit.report.history == *history { Ok(()) } else { Err(changed(endpoint)) }
        }));
        check.await.map(drop).map_err(|error| self.counters.failed(error))
    }

    /// One round: every master, from before to after.
    async fn scan_all(&self, pattern: &str, scan: &mut Scan) -> Result<()> {
        self.refresh(self.map.version()).await?;
        if !self.map.is_complete() {
            let text = "the cluster does not serve all slots: rows of the others cannot be listed";
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        let mut before = try_join_all(self.map.masters().iter().map(|server| self.visit(server))).await?;
        let receiving = self.receiving(&before);
        before.extend(try_join_all(receiving.iter().map(|server| self.visit(server))).await?);
        before.iter().try_for_each(Visit::check)?;
        let view = self.view(&before)?;
        scan.is_of(&before)?;
        let keys = try_join_all(before.iter().map(|visit| self.scan_one(visit, pattern))).await?;
        let after = try_join_all(before.iter().map(|visit| self.visit_again(visit))).await?;
        if let Some((visit, _)) = before.iter().zip(&after).find(|(visit, after)| !after.has_rows_of(visit)) {
            return Err(changed(visit.server.endpoint()));
        }
        // A master that is one no more has no slots in the second view.
        scan.keys.extend(keys.into_iter().flatten());
        if let (Some(coverage), Some(view)) = (&mut scan.coverage, view) {
            coverage.add_round(&view, &SlotView::new(after.iter().filter_map(|visit| visit.node.as_ref())));
        } else {
            after.iter().try_for_each(Visit::check)?;
        }
        after.iter().for_each(|visit| visit.server.was_listed(&visit.report));
        Ok(())
    }

    /// Masters without a slot to which one is on its way: some of its keys are there already, and CLUSTER SLOTS does not name
    /// them.
    fn receiving(&self, visits: &[Visit]) -> Vec<Arc<Server>> {
        let mut found = BTreeMap::new();
        for visit in visits {
            let moves = visit.node.iter().flat_map(|node| &node.moves).filter(|one| one.leaves);
            for endpoint in
                moves.filter_map(|one| endpoint_of(&one.peer, &visit.nodes, visit.server.endpoint()))
            {
                found.insert(endpoint.clone(), self.map.at(endpoint));
            }
        }
        let is_visited = |endpoint: &Endpoint| visits.iter().any(|visit| visit.server.endpoint() == endpoint);
        found.into_iter().filter(|(endpoint, _)| !is_visited(endpoint)).map(|(_, server)| server).collect()
    }

    /// Who serves what, as all say that are visited; `None` if there is no cluster.
    fn view(&self, visits: &[Visit]) -> Result<Option<SlotView>> {
        if !self.clustered {
            return Ok(None);
        }
        let view = SlotView::new(visits.iter().filter_map(|visit| visit.node.as_ref()));
        let Some(slot) = view.unserved() else {
            check_agreed(visits)?;
            return Ok(Some(view));
        };
        let asked: Vec<_> = visits.iter().map(|visit| visit.server.endpoint().to_string()).collect();
        let text = format!(
            "slot {slot} is served by no master that is reached ({}): if the nodes announce no addresses, set \
             cluster-announce-hostname at each, or cluster-preferred-endpoint-type ip",
            asked.join(", ")
        );
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    async fn scan_one(&self, visit: &Visit, pattern: &str) -> Result<Vec<Vec<u8>>> {
        let mut found = Vec::new();
        let mut cursor = b"0".to_vec();
        loop {
            let mut page = cmd("SCAN");
            page.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE);
            let answer = self.ask_visited(visit, &page).await?;
            let (next, keys) = parse_page(answer).ok_or_else(|| {
                let text = format!("{} does not answer SCAN as Redis does", visit.server.endpoint());
                Error::new(ErrorKind::Internal, text)
            })?;
            found.extend(keys);
            if next == b"0" {
                return Ok(found);
            }
            cursor = next;
        }
    }
}

impl Scan {
    fn new(clustered: bool) -> Self {
        Self { keys: HashSet::new(), coverage: clustered.then(Coverage::new), histories: BTreeMap::new() }
    }

    fn open_slot(&self) -> Option<u16> {
        self.coverage.as_ref().and_then(Coverage::open_slot)
    }

    /// Adds whose rows are scanned. If a server lost its rows since an earlier round, all begins anew.
    fn is_of(&mut self, visits: &[Visit]) -> Result<()> {
        for visit in visits {
            let (endpoint, history) = (visit.server.endpoint(), &visit.report.history);
            let known = self.histories.entry(endpoint.clone()).or_insert_with(|| history.clone());
            if known != history {
                *self = Self::new(self.coverage.is_some());
                return Err(changed(endpoint));
            }
        }
        Ok(())
    }
}

/// A node that was cut off from the others goes on as the master of slots that they have given to another.
fn check_agreed(visits: &[Visit]) -> Result<()> {
    let visited: HashSet<_> =
        visits.iter().filter_map(|visit| visit.node.as_ref()).map(|node| node.id.as_str()).collect();
    for visit in visits {
        if let Some(id) = ids_with_slots(&visit.nodes).find(|id| !visited.contains(id)) {
            let text = format!(
                "the nodes of the cluster do not agree: for {} a node {id} serves slots",
                visit.server.endpoint()
            );
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
    }
    Ok(())
}

fn changed(endpoint: &Endpoint) -> Error {
    let text = format!("{endpoint} restarted, or was given other rows, while its rows were listed");
    Error::new(ErrorKind::Unavailable, text)
}

fn parse_page(answer: Value) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let Value::Array(parts) = answer else { return None };
    let [Value::BulkString(cursor), Value::Array(keys)] = <[Value; 2]>::try_from(parts).ok()? else {
        return None;
    };
    let key = |value| if let Value::BulkString(bytes) = value { Some(bytes) } else { None };
    Some((cursor, keys.into_iter().map(key).collect::<Option<_>>()?))
}
