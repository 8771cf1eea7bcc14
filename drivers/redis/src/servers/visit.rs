use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use redis::{Cmd, Pipeline, Value};

use super::cluster_node::ClusterNode;
use super::link::Link;
use super::reply::{Reply, interpret};
use super::report::Report;
use super::server::Request;
use super::{Role, Server, Servers};

/// One server during a listing, on one connection: a SCAN cursor is valid only in the process that issued it.
pub(super) struct Visit {
    pub(super) server: Arc<Server>,
    link: Link,
    pub(super) report: Report,
    /// The node's report of its slots, in a cluster.
    pub(super) node: Option<ClusterNode>,
    /// Its whole answer to CLUSTER NODES.
    pub(super) nodes: String,
}

impl Servers {
    /// Asks a server for its report.
    ///
    /// # Errors
    /// As [`ask_server`](Self::ask_server).
    pub(super) async fn visit(&self, server: &Arc<Server>) -> Result<Visit> {
        let link =
            server.link(&self.credentials, self.limits(), &self.counters).await.map_err(|lost| lost.error)?;
        self.look_at(server, link).await
    }

    /// Asks the same process again.
    ///
    /// # Errors
    /// As [`visit`](Self::visit); [`ErrorKind::Unavailable`] if the connection is lost.
    pub(super) async fn visit_again(&self, visit: &Visit) -> Result<Visit> {
        self.look_at(&visit.server, visit.link.clone()).await
    }

    async fn look_at(&self, server: &Arc<Server>, link: Link) -> Result<Visit> {
        let mut questions = Pipeline::with_capacity(3);
        questions.cmd("ROLE").cmd("INFO");
        if self.clustered {
            questions.cmd("CLUSTER").arg("NODES");
        }
        let parcel = Request::Many(&questions);
        let answers =
            server.ask_on(link.clone(), parcel, &self.credentials, self.limits(), &self.counters).await;
        let mut answers = answers.map_err(|lost| lost.error)?.into_iter();
        let mut next = || answers.next().unwrap_or(Value::Nil);
        let report = Report::read(&next(), &next());
        server.note(&report, &self.counters);
        let (mut node, mut nodes) = (None, String::new());
        if self.clustered {
            if let Value::BulkString(text) = self.understood(next(), server)? {
                nodes = String::from_utf8_lossy(&text).into_owned();
            }
            node = Some(ClusterNode::own(&nodes).ok_or_else(|| {
                let text = format!("{} sent an invalid answer to CLUSTER NODES", server.endpoint());
                Error::new(ErrorKind::Internal, text)
            })?);
        }
        Ok(Visit { server: Arc::clone(server), link, report, node, nodes })
    }

    /// Sends one command to the visited process.
    ///
    /// # Errors
    /// As [`ask_server`](Self::ask_server).
    pub(super) async fn ask_visited(&self, visit: &Visit, command: &Cmd) -> Result<Value> {
        let link = visit.link.clone();
        let parcel = Request::One(command);
        let answers =
            visit.server.ask_on(link, parcel, &self.credentials, self.limits(), &self.counters).await;
        let answer = answers.map_err(|lost| lost.error)?.pop().unwrap_or(Value::Nil);
        self.understood(answer, &visit.server)
    }

    fn understood(&self, answer: Value, server: &Server) -> Result<Value> {
        match interpret(answer, server.endpoint(), self.clustered) {
            Reply::Value(value) => Ok(value),
            Reply::NotNow(error) | Reply::Never(error) => Err(error),
            Reply::Moved(..) | Reply::Ask(_) => {
                let text = format!("{} redirected a command without a key", server.endpoint());
                Err(Error::new(ErrorKind::Internal, text))
            }
        }
    }
}

impl Visit {
    /// Checks that the server's rows are complete and current.
    ///
    /// # Errors
    /// The reason why they may be incomplete or stale.
    pub(super) fn check(&self) -> Result<()> {
        let endpoint = self.server.endpoint();
        if self.report.is_loading {
            let text = format!("{endpoint} is loading its rows from disk or from its master");
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        if let Some(refused) =
            self.report.refusal(endpoint).or_else(|| self.server.lost_all_rows(&self.report))
        {
            return Err(refused);
        }
        match (&self.report.role, &self.node) {
            (None, _) => {
                let text = format!(
                    "{endpoint} does not allow drivers.redis.user to ask for its role, so its rows may be stale: allow ROLE \
                     or INFO (ACL SETUSER)"
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
            (Some(role), Some(node)) if *role != Role::Master || !node.is_master => {
                let text = format!("{endpoint} is {role}, and not a master of the cluster any more");
                Err(Error::new(ErrorKind::Unavailable, text))
            }
            _ => Ok(()),
        }
    }

    /// Whether the rows are those of the other visit, apart from writes since.
    pub(super) fn has_rows_of(&self, other: &Self) -> bool {
        self.report.history == other.report.history
    }
}
