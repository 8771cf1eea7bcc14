use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use pubsub_api::{Error, ErrorKind, Result};
use redis::{Value, cmd};
use tokio::time::Instant;

use super::attempts::Attempts;
use super::cluster_node::{endpoint_of, ids_with_slots};
use super::coverage::Coverage;
use super::report::History;
use super::slot_view::SlotView;
use super::visit::Visit;
use super::{Endpoint, Server, Servers};

/// Number of keys that a server examines for one page (SCAN, COUNT); it serves no other client meanwhile.
const PAGE: u32 = 1_000;

/// The minimum number of rounds before a listing fails because slots move between servers.
const ROUNDS: u32 = 3;

/// The result of a scan of all servers.
pub(crate) struct Scan {
    /// The keys that match. Every key that existed the whole time is included.
    pub(crate) keys: HashSet<Vec<u8>>,
    coverage: Option<Coverage>,
    /// The history of each server's rows.
    histories: BTreeMap<Endpoint, Option<History>>,
}

impl Servers {
    /// The keys that match a pattern, on all servers. The result is complete or an error: each slot is scanned at the server that
    /// reports itself as the slot's master, before and after the scan.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`] if a server is not a master, is not synchronized with its master, or has restarted without
    ///   its rows, or if the reached servers do not serve all slots;
    /// - others as [`run`](Self::run).
    pub(crate) async fn scan(&self, pattern: &str) -> Result<Scan> {
        let deadline = Instant::now() + self.timeout;
        let mut scan = Scan::new(self.clustered);
        let mut attempts = Attempts::until(deadline);
        let mut rounds = 0;
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
                        let text =
                            format!("slot {slot} keeps moving between masters, so its rows cannot be listed");
                        return Err(self.counters.failed(Error::new(ErrorKind::Unavailable, text)));
                    }
                },
                Err(error) if error.kind() == ErrorKind::Unavailable => error,
                Err(error) => return Err(self.counters.failed(error)),
            };
            self.counters.retries.add(1);
            self.wait(&mut attempts, seen, why).await.map_err(|error| self.counters.failed(error))?;
        }
    }

    /// Checks that the scanned servers still have the same rows, apart from writes: a row that is missing was deleted, and did
    /// not vanish with a server.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if that is not so.
    pub(crate) async fn check_unchanged(&self, scan: &Scan) -> Result<()> {
        let check = try_join_all(scan.histories.iter().map(async |(endpoint, history)| {
            let visit = self.visit(&self.map.at(endpoint.clone())).await?;
            visit.check()?;
            if visit.report.history == *history { Ok(()) } else { Err(changed(endpoint)) }
        }));
        check.await.map(drop).map_err(|error| self.counters.failed(error))
    }

    /// Scans every master once, and compares the views before and after.
    async fn scan_all(&self, pattern: &str, scan: &mut Scan) -> Result<()> {
        self.refresh(self.map.version()).await?;
        if !self.map.is_complete() {
            let text = "the cluster does not serve all slots, so its rows cannot be listed";
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        let mut before = try_join_all(self.map.masters().iter().map(|server| self.visit(server))).await?;
        let receiving = self.receiving(&before);
        before.extend(try_join_all(receiving.iter().map(|server| self.visit(server))).await?);
        before.iter().try_for_each(Visit::check)?;
        let view = self.view(&before)?;
        scan.add_histories(&before)?;
        let keys = try_join_all(before.iter().map(|visit| self.scan_one(visit, pattern))).await?;
        let after = try_join_all(before.iter().map(|visit| self.visit_again(visit))).await?;
        if let Some((visit, _)) = before.iter().zip(&after).find(|(visit, after)| !after.has_rows_of(visit)) {
            return Err(changed(visit.server.endpoint()));
        }
        // A server that is not a master any more has no slots in the second view.
        scan.keys.extend(keys.into_iter().flatten());
        if let (Some(coverage), Some(view)) = (&mut scan.coverage, view) {
            coverage.add_round(&view, &SlotView::new(after.iter().filter_map(|visit| visit.node.as_ref())));
        } else {
            after.iter().try_for_each(Visit::check)?;
        }
        after.iter().for_each(|visit| visit.server.was_listed(&visit.report));
        Ok(())
    }

    /// Masters without slots to which a slot is moving: some of its keys are there already, and CLUSTER SLOTS does not list
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

    /// The server of each slot, as all visited servers report it; `None` without a cluster.
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
            "no master that was reached serves slot {slot} ({}): if the nodes announce no addresses, set \
             cluster-announce-hostname on each, or cluster-preferred-endpoint-type ip",
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
                let text = format!("{} sent an invalid answer to SCAN", visit.server.endpoint());
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

    /// Adds the histories of the scanned rows. If a server lost its rows since an earlier round, the scan starts again.
    fn add_histories(&mut self, visits: &[Visit]) -> Result<()> {
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

/// A node that lost contact with the others still acts as the master of slots that they have given to another.
fn check_agreed(visits: &[Visit]) -> Result<()> {
    let visited: HashSet<_> =
        visits.iter().filter_map(|visit| visit.node.as_ref()).map(|node| node.id.as_str()).collect();
    for visit in visits {
        if let Some(id) = ids_with_slots(&visit.nodes).find(|id| !visited.contains(id)) {
            let text = format!(
                "the nodes of the cluster disagree: according to {} a node {id} serves slots",
                visit.server.endpoint()
            );
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
    }
    Ok(())
}

fn changed(endpoint: &Endpoint) -> Error {
    let text = format!("{endpoint} restarted or received other rows while its rows were listed");
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
