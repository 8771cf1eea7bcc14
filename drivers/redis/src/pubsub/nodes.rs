use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::time::timeout;

use super::connection::Connection;
use super::node::{Node, masters};
use super::settings::PubSubSettings;
use super::wire::{Bounds, Frame};
use crate::servers::{Endpoint, Login};

/// Which servers there are, as far as one end knows: each end looks for itself, and publishes nothing about it (defects D30
/// and D31).
#[derive(Debug)]
pub(super) struct Nodes {
    settings: Arc<PubSubSettings>,
    login: OnceLock<Arc<Login>>,
    /// The masters as they were told last.
    known: Mutex<Vec<Node>>,
}

/// What a server says about the others.
enum View {
    /// It is no node of a cluster, or its user may not ask it.
    Alone,
    /// These serve slots.
    Masters(Vec<Node>),
}

impl Nodes {
    pub(super) fn new(settings: Arc<PubSubSettings>) -> Self {
        Self { settings, login: OnceLock::new(), known: Mutex::default() }
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
    pub(super) async fn connect(&self, avoid: Option<&Endpoint>) -> Result<Connection> {
        let (asked, view) = self.ask_any(self.candidates(avoid)).await?;
        let View::Masters(mut nodes) = view else { return Ok(asked) };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = nodes.clone();
        fastrand::shuffle(&mut nodes);
        nodes.sort_by_key(|node| Some(&node.endpoint) == avoid);
        let mut asked = Some(asked);
        let mut why = no_node();
        for node in nodes {
            if let Some(mut connection) = asked.take_if(|asked| *asked.endpoint() == node.endpoint) {
                connection.node = node;
                return Ok(connection);
            }
            match self.open(node).await {
                Ok(connection) => return Ok(connection),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// Returns when another node says that `node` is no master any more, or left the cluster, with that in words; never for a
    /// server alone. A node that left hears nothing more of what is published at the others, and does not say so.
    pub(super) async fn left(&self, node: &Node) -> String {
        let Some(id) = &node.id else { return std::future::pending().await };
        loop {
            // Ends that came together do not ask together.
            tokio::time::sleep(self.settings.topology_check_interval.mul_f64(0.8 + 0.4 * fastrand::f64()))
                .await;
            let Ok((_, View::Masters(nodes))) = self.ask_any(self.candidates(Some(&node.endpoint))).await
            else {
                continue;
            };
            let is_master = nodes.iter().any(|other| other.id.as_ref() == Some(id));
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
            if !is_master {
                return "it is no master of the cluster any more".to_owned();
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
        let hosts = self.settings.redis.hosts.len();
        let answer = connection.ask(&[b"CLUSTER", b"SLOTS"], Bounds::SLOTS).await?;
        let view = match answer {
            Frame::Refused(line) if line.starts_with("NOPERM") => View::Alone,
            Frame::Refused(line) if !line.starts_with("ERR") => return Err(connection.refused(&line)),
            Frame::Refused(_) if hosts > 1 => {
                let text = format!(
                    "drivers.redis.hosts names {hosts} hosts, and {} is no node of a cluster: name one host",
                    connection.endpoint()
                );
                return Err(Error::new(ErrorKind::Settings, text));
            }
            Frame::Refused(_) => View::Alone,
            slots => {
                let told = masters(&slots, &connection.endpoint().host);
                View::Masters(told.filter(|told| !told.is_empty()).ok_or_else(|| {
                    let text =
                        format!("{}: the cluster serves no slot as far as it knows", connection.endpoint());
                    Error::new(ErrorKind::Unavailable, text)
                })?)
            }
        };
        Ok((connection, view))
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

async fn within<T>(patience: Duration, future: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(patience, future).await.unwrap_or_else(|_| {
        let text = format!("a server did not answer within {patience:?} (dead_after)");
        Err(Error::new(ErrorKind::Unavailable, text))
    })
}

fn no_node() -> Error {
    Error::new(ErrorKind::Unavailable, "no server is known: name one in drivers.redis.hosts")
}
