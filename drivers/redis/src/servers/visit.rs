use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use redis::{Cmd, Pipeline, Value};

use super::cluster_node::ClusterNode;
use super::link::Link;
use super::refusal::{Said, said};
use super::report::Report;
use super::server::Parcel;
use super::{Role, Server, Servers};

/// One server during a listing, on one connection: a cursor of SCAN means something to the process alone that gave it.
pub(super) struct Visit {
    pub(super) server: Arc<Server>,
    link: Link,
    pub(super) report: Report,
    /// What it says of its slots, if it is a node of a cluster.
    pub(super) node: Option<ClusterNode>,
    /// All that it says of the cluster.
    pub(super) nodes: String,
}

impl Servers {
    /// Asks a server what it is.
    ///
    /// # Errors
    /// As of [`ask_server`](Self::ask_server).
    pub(super) async fn visit(&self, server: &Arc<Server>) -> Result<Visit> {
        let link =
            server.link(&self.login, self.limits(), &self.counters).await.map_err(|lost| lost.error)?;
        self.look_at(server, link).await
    }

    /// Asks the same process again.
    ///
    /// # Errors
    /// As of [`visit`](Self::visit); [`ErrorKind::Unavailable`] if the connection is lost.
    pub(super) async fn visit_again(&self, visit: &Visit) -> Result<Visit> {
        self.look_at(&visit.server, visit.link.clone()).await
    }

    async fn look_at(&self, server: &Arc<Server>, link: Link) -> Result<Visit> {
        let mut questions = Pipeline::with_capacity(3);
        questions.cmd("ROLE").cmd("INFO");
        if self.clustered {
            questions.cmd("CLUSTER").arg("NODES");
        }
        let parcel = Parcel::Many(&questions);
        let answers = server.ask_on(link.clone(), parcel, &self.login, self.limits(), &self.counters).await;
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
                let text = format!("{} does not answer CLUSTER NODES as Redis does", server.endpoint());
                Error::new(ErrorKind::Internal, text)
            })?);
        }
        Ok(Visit { server: Arc::clone(server), link, report, node, nodes })
    }

    /// One command to the process that is visited.
    ///
    /// # Errors
    /// As of [`ask_server`](Self::ask_server).
    pub(super) async fn ask_visited(&self, visit: &Visit, command: &Cmd) -> Result<Value> {
        let link = visit.link.clone();
        let parcel = Parcel::One(command);
        let answers = visit.server.ask_on(link, parcel, &self.login, self.limits(), &self.counters).await;
        let answer = answers.map_err(|lost| lost.error)?.pop().unwrap_or(Value::Nil);
        self.understood(answer, &visit.server)
    }

    fn understood(&self, answer: Value, server: &Server) -> Result<Value> {
        match said(answer, server.endpoint(), self.clustered) {
            Said::Value(value) => Ok(value),
            Said::NotNow(error) | Said::Never(error) => Err(error),
            Said::Moved(..) | Said::Ask(_) => {
                let text = format!("{} redirects a command that names no key", server.endpoint());
                Err(Error::new(ErrorKind::Internal, text))
            }
        }
    }
}

impl Visit {
    /// Whether the rows that the server has are all those that it should have.
    ///
    /// # Errors
    /// Why they may be a part, or old.
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
                    "{endpoint} does not let drivers.redis.user ask whether it is a master, so its rows may be old: allow ROLE \
                     or INFO (ACL SETUSER)"
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
            (Some(role), Some(node)) if *role != Role::Master || !node.is_master => {
                let text = format!("{endpoint} is {role}, and no master of the cluster any more");
                Err(Error::new(ErrorKind::Unavailable, text))
            }
            _ => Ok(()),
        }
    }

    /// Whether the rows are those of the other visit, but for what was written since.
    pub(super) fn has_rows_of(&self, other: &Self) -> bool {
        self.report.history == other.report.history
    }
}
