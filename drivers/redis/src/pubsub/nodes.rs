use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::time::timeout;

use super::connection::Connection;
use super::node::{Identity, Node, View, masters};
use super::server_report::ServerReport;
use super::settings::PubSubSettings;
use super::wire::{Bounds, Frame};
use crate::servers::{Endpoint, Login, Mode};

/// Which servers there are, as far as one end knows: each end looks for itself, and publishes nothing about it (defects D30
/// and D31).
#[derive(Debug)]
pub(super) struct Nodes {
    settings: Arc<PubSubSettings>,
    login: OnceLock<Arc<Login>>,
    /// The masters as they were told last.
    known: Mutex<Vec<Node>>,
    /// Whether the log says that a user's rules keep the role of servers secret.
    warned: AtomicBool,
}

impl Nodes {
    pub(super) fn new(settings: Arc<PubSubSettings>) -> Self {
        Self { settings, login: OnceLock::new(), known: Mutex::default(), warned: AtomicBool::new(false) }
    }

    /// Reads the password and the files for TLS, once.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if one cannot be read.
    pub(super) fn login(&self) -> Result<Arc<Login>> {
        if let Some(login) = self.login.get() {
            return Ok(Arc::clone(login));
        }
        let login = Arc::new(Login::read(&self.settings.redis)?);
        Ok(Arc::clone(self.login.get_or_init(|| login)))
    }

    /// Connects to a random master, so that the ends are scattered over all; to `avoid` only if there is no other.
    ///
    /// # Errors
    /// Why the last one could not be reached; a refused password says more than a server that is down.
    /// [`ErrorKind::Unavailable`] if the only server is a replica, [`ErrorKind::Settings`] if it is Sentinel.
    pub(super) async fn connect(&self, avoid: Option<&Endpoint>) -> Result<Connection> {
        let (mut asked, view) = self.ask_any(self.candidates(avoid)).await?;
        let mut nodes = match view {
            View::Masters(nodes) => nodes,
            View::Alone(report) => {
                if let Some(refused) = report.refusal(asked.endpoint()) {
                    return Err(refused);
                }
                asked.node.identity = self.identity_alone(report, asked.endpoint());
                return Ok(asked);
            }
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = nodes.clone();
        fastrand::shuffle(&mut nodes);
        nodes.sort_by_key(|node| Some(&node.endpoint) == avoid);
        let mut asked = Some(asked);
        let mut why = no_node();
        for node in &nodes {
            let connection = match asked.take_if(|asked| *asked.endpoint() == node.endpoint) {
                Some(connection) => Ok(connection),
                None => self.open(Node::at(node.endpoint.clone())).await,
            };
            let identified = async { identified(connection?, &nodes).await };
            match within(self.patience(), identified).await {
                Ok(connection) => return Ok(connection),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn identity_alone(&self, report: ServerReport, endpoint: &Endpoint) -> Identity {
        // A node of a cluster whose user may not ask about the others: nothing is known of them.
        if report.mode == Some(Mode::Cluster) {
            return Identity::Unknown;
        }
        if report.role.is_none() && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "{endpoint} lets drivers.redis.user call neither ROLE nor INFO: a replica is not told from a master there, and \
                 events that are published to a replica are lost without a notice; allow +role and +info"
            );
        }
        Identity::Alone(report)
    }

    /// Returns when `node` is to be left, with the reason in words: a node that is no master of its cluster any more, or left
    /// it, as another node says; a server alone that became a replica, or whose address leads to another server. None of
    /// them says so itself, and what is published elsewhere does not reach it.
    pub(super) async fn left(&self, node: &Node) -> String {
        if node.identity == Identity::Unknown {
            return std::future::pending().await;
        }
        loop {
            // Ends that came together do not ask together.
            tokio::time::sleep(self.settings.topology_check_interval.mul_f64(0.8 + 0.4 * fastrand::f64()))
                .await;
            let asked = match node.is_member() {
                true => self.candidates(Some(&node.endpoint)),
                false => vec![node.endpoint.clone()],
            };
            let Ok((_, view)) = self.ask_any(asked).await else { continue };
            let left = node.left_for(&view);
            if let View::Masters(nodes) = view {
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
            }
            if let Some(why) = left {
                return why;
            }
        }
    }

    /// Everybody who may know, in random order; `avoid` last.
    fn candidates(&self, avoid: Option<&Endpoint>) -> Vec<Endpoint> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Endpoint> = known.iter().map(|node| node.endpoint.clone()).collect();
        drop(known);
        fastrand::shuffle(&mut all);
        let mut seeds = self.settings.redis.hosts.clone();
        seeds.retain(|seed| !all.contains(seed));
        fastrand::shuffle(&mut seeds);
        all.extend(seeds);
        all.sort_by_key(|endpoint| Some(endpoint) == avoid);
        all
    }

    /// The first that answers, and what it says.
    async fn ask_any(&self, candidates: Vec<Endpoint>) -> Result<(Connection, View)> {
        let mut why: Option<Error> = None;
        for endpoint in candidates {
            let told = match self.open(Node::at(endpoint)).await {
                Ok(connection) => within(self.patience(), self.view(connection)).await,
                Err(error) => Err(error),
            };
            match told {
                Ok(told) => return Ok(told),
                Err(error) if why.as_ref().is_none_or(|why| why.kind() != ErrorKind::Settings) => {
                    why = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(why.unwrap_or_else(no_node))
    }

    async fn view(&self, mut connection: Connection) -> Result<(Connection, View)> {
        let report = connection.report().await?;
        if let Some(refused) =
            report.refusal(connection.endpoint()).filter(|why| why.kind() == ErrorKind::Settings)
        {
            return Err(refused);
        }
        let is_alone = report.mode == Some(Mode::Standalone);
        let masters = if is_alone { None } else { slots(&mut connection).await? };
        let hosts = self.settings.redis.hosts.len();
        match masters {
            Some(Slots::Masters(masters)) => Ok((connection, View::Masters(masters))),
            Some(Slots::NotAllowed) => Ok((connection, View::Alone(report))),
            None if hosts > 1 => {
                let text = format!(
                    "drivers.redis.hosts names {hosts} hosts, and {} is no node of a cluster: name one host",
                    connection.endpoint()
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
            None => Ok((connection, View::Alone(report))),
        }
    }

    async fn open(&self, node: Node) -> Result<Connection> {
        let login = self.login()?;
        let what = node.endpoint.clone();
        let opened = within(self.patience(), Connection::open(node, &login, self.settings.dead_after)).await;
        opened.inspect_err(|error| tracing::debug!("{what}: {error}"))
    }

    /// Who says nothing for so long counts as dead, also at the beginning.
    fn patience(&self) -> Duration {
        self.settings.dead_after
    }
}

/// Makes sure that a server that was found at the address of one of these nodes is one of them. The address may be another's
/// by now, or unknown to the cluster, and what is published at a server outside the cluster reaches nobody in it.
async fn identified(mut connection: Connection, nodes: &[Node]) -> Result<Connection> {
    let id = match connection.ask(&[b"CLUSTER", b"MYID"], Bounds::PUBSUB).await? {
        Frame::Bulk(id) => String::from_utf8_lossy(&id).into_owned(),
        // A user that may not ask.
        Frame::Refused(line) if line.starts_with("NOPERM") => {
            let node = nodes.iter().find(|node| node.endpoint == *connection.endpoint());
            connection.node.identity = node.map_or(Identity::Unknown, |node| node.identity.clone());
            return Ok(connection);
        }
        _ => "of no cluster".to_owned(),
    };
    let identity = Identity::Member(id.as_str().into());
    if !nodes.iter().any(|node| node.identity == identity) {
        let text = format!(
            "the cluster announces {} as the address of a master, and the server there is {id}, which is none of its masters",
            connection.endpoint()
        );
        return Err(Error::new(ErrorKind::Unavailable, text));
    }
    connection.node.identity = identity;
    Ok(connection)
}

/// What a server answers about the slots of its cluster.
enum Slots {
    /// That its user may not ask.
    NotAllowed,
    Masters(Vec<Node>),
}

/// Asks for the slots; `None` if the server is no node of a cluster.
async fn slots(connection: &mut Connection) -> Result<Option<Slots>> {
    match connection.ask(&[b"CLUSTER", b"SLOTS"], Bounds::SLOTS).await? {
        Frame::Refused(line) if line.starts_with("NOPERM") => Ok(Some(Slots::NotAllowed)),
        Frame::Refused(line) if !line.starts_with("ERR") => Err(connection.refused(&line)),
        Frame::Refused(_) => Ok(None),
        answer => {
            let told = masters(&answer, &connection.endpoint().host).filter(|told| !told.is_empty());
            let masters = told.ok_or_else(|| {
                let text =
                    format!("{}: the cluster serves no slot as far as it knows", connection.endpoint());
                Error::new(ErrorKind::Unavailable, text)
            })?;
            Ok(Some(Slots::Masters(masters)))
        }
    }
}

async fn within<T>(patience: Duration, future: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(patience, future).await.unwrap_or_else(|_| {
        let text = format!("a server did not answer within {patience:?} (dead_after)");
        Err(Error::new(ErrorKind::Unavailable, text))
    })
}

fn no_node() -> Error {
    Error::new(ErrorKind::Unavailable, "no server is known: name one in drivers.redis.hosts")
}
