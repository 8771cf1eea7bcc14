use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::Endpoint;

/// A node of a cluster, as one line of CLUSTER NODES describes it.
///
/// Source: the command's documentation. `id ip:port@cport[,hostname…] flags master ping pong epoch link-state slot…`, where a
/// slot is `5`, `5-9`, or `[5->-id]` and `[5-<-id]` for one that the node sends to or receives from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClusterNode {
    pub(super) id: String,
    pub(super) is_master: bool,
    pub(super) slots: Vec<RangeInclusive<u16>>,
    pub(super) moves: Vec<SlotMove>,
}

/// A slot that moves from one node to another, as either of them reports it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotMove {
    pub(super) slot: u16,
    /// The id of the other node.
    pub(super) peer: String,
    /// Whether the other node receives the slot.
    pub(super) leaves: bool,
}

impl ClusterNode {
    /// The node that answered, from its answer to CLUSTER NODES. `None` if the answer is malformed.
    pub(super) fn own(nodes: &str) -> Option<Self> {
        let is_own = |line: &&str| flags(line).is_some_and(|mut flags| flags.any(|flag| flag == "myself"));
        let line = nodes.lines().find(is_own)?;
        let mut own = Self {
            id: line.split(' ').next()?.to_owned(),
            is_master: flags(line)?.any(|flag| flag == "master"),
            slots: Vec::new(),
            moves: Vec::new(),
        };
        for word in line.split(' ').skip(8).filter(|word| !word.is_empty()) {
            match word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
                Some(moving) => own.moves.push(slot_move(moving)?),
                None => own.slots.push(slot_range(word)?),
            }
        }
        Some(own)
    }
}

/// The ids of all nodes that serve slots, from the answer to CLUSTER NODES.
pub(super) fn ids_with_slots(nodes: &str) -> impl Iterator<Item = &str> {
    let serves = |line: &&str| line.split(' ').skip(8).any(|word| !word.is_empty() && !word.starts_with('['));
    nodes.lines().filter(serves).filter_map(|line| line.split(' ').next())
}

/// The address of the node `id`, from the answer to CLUSTER NODES of the server at `asked`: with the node's name, if that
/// server itself is addressed by name. An empty host means the host of `asked`.
pub(super) fn endpoint_of(id: &str, nodes: &str, asked: &Endpoint) -> Option<Endpoint> {
    let line = nodes.lines().find(|line| line.split(' ').next() == Some(id))?;
    let (address, rest) = line.split(' ').nth(1)?.split_once('@')?;
    let endpoint = Endpoint::parse(address, &asked.host)?;
    let name = rest.split(',').nth(1).filter(|name| !name.is_empty() && !name.contains('='));
    match name {
        Some(name) if asked.host.parse::<IpAddr>().is_err() => {
            Some(Endpoint { host: name.to_owned(), ..endpoint })
        }
        _ => Some(endpoint),
    }
}

fn flags(line: &str) -> Option<impl Iterator<Item = &str>> {
    Some(line.split(' ').nth(2)?.split(','))
}

fn slot_range(word: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

fn slot_move(word: &str) -> Option<SlotMove> {
    let (slot, peer, leaves) = match (word.split_once("->-"), word.split_once("-<-")) {
        (Some((slot, peer)), _) => (slot, peer, true),
        (None, Some((slot, peer))) => (slot, peer, false),
        (None, None) => return None,
    };
    Some(SlotMove { slot: slot.parse().ok()?, peer: peer.to_owned(), leaves })
}

#[cfg(test)]
mod tests {
    use super::{ClusterNode, SlotMove, endpoint_of, ids_with_slots};
    use crate::servers::Endpoint;

    /// As Redis 7.0.15 answers, with shorter ids.
    const NODES: &str = "\
        07c3 127.0.0.1:30004@31004,hostname4 slave e7d1 0 1426238317239 4 connected\n\
        67ed :30002@31002 master - 0 1426238316232 2 connected 5461-10922\n\
        e7d1 127.0.0.1:30001@31001,,shard-id=69bc myself,master - 0 0 1 connected 0-5459 5460 [77->-67ed] [93-<-292f]\n\
        292f 127.0.0.1:30003@31003,hostname3 master - 0 1426238318243 3 connected 10923-16383\n";

    #[test]
    fn the_own_line_is_parsed_with_moving_slots() {
        let own = ClusterNode::own(NODES).unwrap();
        assert_eq!((own.id.as_str(), own.is_master), ("e7d1", true));
        assert_eq!(own.slots, [0..=5459, 5460..=5460]);
        let step = |slot, peer: &str, leaves| SlotMove { slot, peer: peer.to_owned(), leaves };
        assert_eq!(own.moves, [step(77, "67ed", true), step(93, "292f", false)]);
    }

    #[test]
    fn a_replica_serves_nothing() {
        let own = ClusterNode::own("07c3 :30004@31004 myself,slave e7d1 0 0 4 connected\n").unwrap();
        assert!(!own.is_master && own.slots.is_empty());
    }

    #[test]
    fn the_nodes_that_serve_slots_are_found() {
        let ids: Vec<_> = ids_with_slots(NODES).collect();
        assert_eq!(ids, ["67ed", "e7d1", "292f"]);
        let receiving = "9a :1@2 myself,master - 0 0 1 connected [77-<-67ed]\n";
        assert_eq!(ids_with_slots(receiving).count(), 0);
    }

    #[test]
    fn a_malformed_answer_is_not_parsed() {
        for bad in [
            "",
            "OK",
            "e7d1 :1@2 master - 0 0 1 connected 0-9",
            "e7d1 :1@2 myself,master - 0 0 1 connected 0-x",
        ] {
            assert_eq!(ClusterNode::own(bad), None, "{bad}");
        }
    }

    #[test]
    fn another_node_is_found_by_address_or_name() {
        let asked = |host: &str| Endpoint { host: host.to_owned(), port: 30001 };
        let found = |id, host| endpoint_of(id, NODES, &asked(host)).map(|endpoint| endpoint.to_string());
        assert_eq!(found("292f", "127.0.0.1").as_deref(), Some("redis://127.0.0.1:30003"));
        assert_eq!(found("292f", "hostname1").as_deref(), Some("redis://hostname3:30003"));
        assert_eq!(found("67ed", "hostname1").as_deref(), Some("redis://hostname1:30002"));
        assert_eq!(found("e7d1", "hostname1").as_deref(), Some("redis://127.0.0.1:30001"));
        assert_eq!(found("none", "hostname1"), None);
    }
}
