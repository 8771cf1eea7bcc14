use std::sync::Arc;

use super::wire::Frame;
use crate::servers::Endpoint;

/// A server alone, or a master of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    /// By which the nodes of a cluster know it, whatever its address is called; `None` for a server alone.
    pub(super) id: Option<Arc<str>>,
}

impl Node {
    /// A node of which nothing but its address is known.
    pub(super) fn at(endpoint: Endpoint) -> Self {
        Self { endpoint, id: None }
    }
}

/// Who serves slots, out of what CLUSTER SLOTS answers: `[first, last, [host, port, id, …], replica…]` each; what follows
/// differs from version to version (defect D33). `None` if it does not read so.
pub(super) fn masters(answer: &Frame, same_host: &str) -> Option<Vec<Node>> {
    let Frame::List(ranges) = answer else { return None };
    let mut masters: Vec<Node> = Vec::new();
    for range in ranges {
        let Frame::List(parts) = range else { return None };
        let [Frame::Int(_), Frame::Int(_), Frame::List(master), ..] = parts.as_slice() else { return None };
        let [host, Frame::Int(port), rest @ ..] = master.as_slice() else { return None };
        let endpoint = Endpoint::parse(&format!("{}:{port}", text(host)?), same_host)?;
        // A version before 4.0 tells no id: then the address is what it is known by.
        let id = rest.first().and_then(text).map_or_else(|| endpoint.to_string(), str::to_owned);
        if !masters.iter().any(|known| known.id.as_deref() == Some(id.as_str())) {
            masters.push(Node { endpoint, id: Some(id.into()) });
        }
    }
    Some(masters)
}

fn text(frame: &Frame) -> Option<&str> {
    match frame {
        Frame::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
        Frame::Nil => Some(""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Frame, masters};

    fn bulk(text: &'static str) -> Frame {
        Frame::Bulk(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn each_master_is_found_once_with_its_id() {
        let range = |host, port, id| {
            let master = vec![host, Frame::Int(port), bulk(id), Frame::List(vec![])];
            let replica = Frame::List(vec![bulk("r"), Frame::Int(1), bulk("replica")]);
            Frame::List(vec![Frame::Int(0), Frame::Int(1), Frame::List(master), replica])
        };
        let answer = Frame::List(vec![
            range(bulk("192.0.2.1"), 7000, "a"),
            range(Frame::Nil, 7001, "b"),
            range(bulk("192.0.2.1"), 7000, "a"),
        ]);
        let found = masters(&answer, "asked").unwrap();
        let found: Vec<_> =
            found.iter().map(|node| (node.endpoint.to_string(), node.id.clone().unwrap())).collect();
        assert_eq!(
            found,
            [
                ("redis://192.0.2.1:7000".to_owned(), "a".into()),
                ("redis://asked:7001".to_owned(), "b".into())
            ]
        );
        assert_eq!(masters(&Frame::Int(1), "asked"), None);
        assert_eq!(masters(&Frame::List(vec![]), "asked"), Some(vec![]));
    }
}
