use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::time::timeout;

use super::connection::Connection;
use super::node::{Identity, Node, View, masters};
use super::server_report::ServerReport;
use super::settings::PubSubSettings;
use super::wire::{Bounds, RespFrame};
use crate::servers::{Credentials, Endpoint, Login, Mode};

/// The known servers. Each publisher and subscriber finds them itself, and publishes nothing about them
/// (docs/dragonflow.md#d30, docs/dragonflow.md#d31).
#[derive(Debug)]
pub(super) struct Nodes {
    settings: Arc<PubSubSettings>,
    credentials: OnceLock<Credentials>,
    /// The masters in the latest answer.
    known: Mutex<Vec<Node>>,
    /// Whether a warning was logged that the user may not ask for the role of servers.
    warned: AtomicBool,
}

impl Nodes {
    pub(super) fn new(settings: Arc<PubSubSettings>) -> Self {
        Self {
            settings,
            credentials: OnceLock::new(),
            known: Mutex::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// The password and the TLS files, for the first time or for a new connection.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if one cannot be read.
    pub(super) fn login(&self) -> Result<Arc<Login>> {
        if let Some(credentials) = self.credentials.get() {
            return Ok(credentials.for_connection());
        }
        let credentials = Credentials::read(&self.settings.redis)?;
        Ok(self.credentials.get_or_init(|| credentials).last())
    }

    /// Connects to a random master, to spread the load over all; to `avoid` only if there is no other.
    ///
    /// # Errors
    /// The error of the last server; a refused password takes precedence over a server that is down.
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
            let identified = async { check_identity(connection?, &nodes).await };
            match within(self.patience(), identified).await {
                Ok(connection) => return Ok(connection),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn identity_alone(&self, report: ServerReport, endpoint: &Endpoint) -> Identity {
        // A cluster node whose user may not ask for the other nodes: they are unknown.
        if report.mode == Some(Mode::Cluster) {
            return Identity::Unknown;
        }
        if report.role.is_none() && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                id = "SK0905",
                "{endpoint} allows drivers.redis.user neither ROLE nor INFO: the driver cannot detect a replica there, and events \
                 that are published to a replica are lost without notice; allow +role and +info"
            );
        }
        Identity::Alone(report)
    }

    /// Returns the reason as soon as `node` should be left: according to another node it is not a master of its cluster any
    /// more; or a standalone server became a replica, or its address leads to another server. None of these servers reports
    /// that itself, and events published elsewhere do not reach it.
    pub(super) async fn until_left(&self, node: &Node) -> String {
        if node.identity == Identity::Unknown {
            return std::future::pending().await;
        }
        loop {
            // Jitter, so that connections that were opened together do not ask together.
            tokio::time::sleep(self.settings.topology_check_interval.mul_f64(0.8 + 0.4 * fastrand::f64()))
                .await;
            let asked = match node.is_member() {
                true => self.candidates(Some(&node.endpoint)),
                false => vec![node.endpoint.clone()],
            };
            let Ok((_, view)) = self.ask_any(asked).await else { continue };
            let left = node.reason_to_leave(&view);
            if let View::Masters(nodes) = view {
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
            }
            if let Some(why) = left {
                return why;
            }
        }
    }

    /// All servers that can be asked, in random order; `avoid` last.
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

    /// The first server that answers, and its view.
    async fn ask_any(&self, candidates: Vec<Endpoint>) -> Result<(Connection, View)> {
        let mut why: Option<Error> = None;
        for endpoint in candidates {
            let answered = match self.open(Node::at(endpoint)).await {
                Ok(connection) => within(self.patience(), self.view(connection)).await,
                Err(error) => Err(error),
            };
            match answered {
                Ok(answered) => return Ok(answered),
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
                    "drivers.redis.hosts has {hosts} hosts, but {} is not a cluster node: set one host",
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

    /// Time without an answer after which a server counts as dead, also while connecting.
    fn patience(&self) -> Duration {
        self.settings.dead_after
    }
}

/// Checks that the server at the address of one of these nodes is one of them. The address may belong to another server by
/// now, or be unknown to the cluster, and events published outside the cluster reach no subscriber in it.
async fn check_identity(mut connection: Connection, nodes: &[Node]) -> Result<Connection> {
    let id = match connection.ask(&[b"CLUSTER", b"MYID"], Bounds::PUBSUB).await? {
        RespFrame::Bulk(id) => String::from_utf8_lossy(&id).into_owned(),
        // The user may not ask.
        RespFrame::Refused(line) if line.starts_with("NOPERM") => {
            let node = nodes.iter().find(|node| node.endpoint == *connection.endpoint());
            connection.node.identity = node.map_or(Identity::Unknown, |node| node.identity.clone());
            return Ok(connection);
        }
        _ => "not a cluster node".to_owned(),
    };
    let identity = Identity::Member(id.as_str().into());
    if !nodes.iter().any(|node| node.identity == identity) {
        let text = format!(
            "the cluster announces {} as the address of a master, but the server there ({id}) is not one of its masters",
            connection.endpoint()
        );
        return Err(Error::new(ErrorKind::Unavailable, text));
    }
    connection.node.identity = identity;
    Ok(connection)
}

/// A server's answer about the slots of its cluster.
enum Slots {
    /// The user may not ask.
    NotAllowed,
    Masters(Vec<Node>),
}

/// Asks for the slots; `None` if the server is not a cluster node.
async fn slots(connection: &mut Connection) -> Result<Option<Slots>> {
    match connection.ask(&[b"CLUSTER", b"SLOTS"], Bounds::SLOTS).await? {
        RespFrame::Refused(line) if line.starts_with("NOPERM") => Ok(Some(Slots::NotAllowed)),
        RespFrame::Refused(line) if !line.starts_with("ERR") => Err(connection.refused(&line)),
        RespFrame::Refused(_) => Ok(None),
        answer => {
            let answered =
                masters(&answer, &connection.endpoint().host).filter(|answered| !answered.is_empty());
            let masters = answered.ok_or_else(|| {
                let text =
                    format!("{}: the cluster serves no slots, according to this node", connection.endpoint());
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
    Error::new(ErrorKind::Unavailable, "no server is known: set drivers.redis.hosts")
}
