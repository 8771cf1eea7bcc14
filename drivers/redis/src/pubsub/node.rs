use std::sync::Arc;

use super::server_report::ServerReport;
use super::wire::RespFrame;
use crate::servers::Endpoint;

/// A standalone server, or a master of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    pub(super) identity: Identity,
}

/// Distinguishes a server from another one that has the same address later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// Unknown: it was not asked, or the user may not ask.
    Unknown,
    /// A standalone server, with its report from the start of the connection.
    Alone(ServerReport),
    /// A cluster node: its id in the cluster, whatever its address is.
    Member(Arc<str>),
}

impl Node {
    /// A node of which only the address is known.
    pub(super) fn at(endpoint: Endpoint) -> Self {
        Self { endpoint, identity: Identity::Unknown }
    }

    /// Whether it is a cluster node.
    pub(super) fn is_member(&self) -> bool {
        matches!(self.identity, Identity::Member(_))
    }

    /// Whether its role matters, and the user may ask for it.
    pub(super) fn answers_role(&self) -> bool {
        matches!(&self.identity, Identity::Alone(report) if report.answers_role)
    }

    /// The reason to disconnect from the server, given what is at its address now; `None` to stay.
    pub(super) fn reason_to_leave(&self, now: &View) -> Option<String> {
        match (&self.identity, now) {
            (Identity::Member(id), View::Masters(nodes)) => {
                let is_master =
                    nodes.iter().any(|node| matches!(&node.identity, Identity::Member(other) if other == id));
                (!is_master).then(|| "it is not a master of the cluster any more".to_owned())
            }
            (Identity::Alone(_), View::Masters(_)) => Some("its address leads to a cluster now".to_owned()),
            (Identity::Alone(then), View::Alone(now)) => then.reason_to_leave(now),
            (Identity::Member(_), View::Alone(_)) | (Identity::Unknown, _) => None,
        }
    }
}

/// What a server reports about itself and the other nodes.
#[derive(Debug)]
pub(super) enum View {
    /// It is not a cluster node, or the user may not ask for the other nodes.
    Alone(ServerReport),
    /// The masters that serve slots.
    Masters(Vec<Node>),
}

/// Parses the masters from the answer to CLUSTER SLOTS: a list of `[first, last, [host, port, id, …], replica…]`; further
/// elements depend on the version (docs/dragonflow.md#d33). `None` if it is malformed.
pub(super) fn masters(answer: &RespFrame, same_host: &str) -> Option<Vec<Node>> {
    let RespFrame::List(ranges) = answer else { return None };
    let mut masters: Vec<Node> = Vec::new();
    for range in ranges {
        let RespFrame::List(parts) = range else { return None };
        let [RespFrame::Int(_), RespFrame::Int(_), RespFrame::List(master), ..] = parts.as_slice() else {
            return None;
        };
        let [host, RespFrame::Int(port), rest @ ..] = master.as_slice() else { return None };
        let endpoint = Endpoint::parse(&format!("{}:{port}", text(host)?), same_host)?;
        // A version before 4.0 sends no id: then the address identifies the node.
        let id = rest.first().and_then(text).map_or_else(|| endpoint.to_string(), str::to_owned);
        let identity = Identity::Member(id.into());
        if !masters.iter().any(|known| known.identity == identity) {
            masters.push(Node { endpoint, identity });
        }
    }
    Some(masters)
}

fn text(frame: &RespFrame) -> Option<&str> {
    match frame {
        RespFrame::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
        RespFrame::Nil => Some(""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Identity, RespFrame, masters};

    fn bulk(text: &'static str) -> RespFrame {
        RespFrame::Bulk(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn each_master_is_found_once_with_its_id() {
        let range = |host, port, id| {
            let master = vec![host, RespFrame::Int(port), bulk(id), RespFrame::List(vec![])];
            let replica = RespFrame::List(vec![bulk("r"), RespFrame::Int(1), bulk("replica")]);
            RespFrame::List(vec![RespFrame::Int(0), RespFrame::Int(1), RespFrame::List(master), replica])
        };
        let answer = RespFrame::List(vec![
            range(bulk("192.0.2.1"), 7000, "a"),
            range(RespFrame::Nil, 7001, "b"),
            range(bulk("192.0.2.1"), 7000, "a"),
        ]);
        let found = masters(&answer, "asked").unwrap();
        let found: Vec<_> =
            found.into_iter().map(|node| (node.endpoint.to_string(), node.identity)).collect();
        let member = |id: &str| Identity::Member(id.into());
        assert_eq!(
            found,
            [
                ("redis://192.0.2.1:7000".to_owned(), member("a")),
                ("redis://asked:7001".to_owned(), member("b"))
            ]
        );
        assert_eq!(masters(&RespFrame::Int(1), "asked"), None);
        assert_eq!(masters(&RespFrame::List(vec![]), "asked"), Some(vec![]));
    }
}
