use std::collections::BTreeMap;

use delivery::AgentReading;
use pubsub_api::{Publisher, Status};
use serde_json::{Value, json};
use service_kit::Query;

use crate::network::Network;

/// Replies to a query about agents or a row.
///
/// # Errors
/// Why the service knows nothing of it.
pub(crate) fn reply(driver: &dyn Publisher, network: &Network, query: &Query) -> Result<Value, String> {
    let Network::Bound(publisher) = network else {
        return Err(
            "agents receive their events from the broker, and report nothing to this service".to_owned()
        );
    };
    let (id, agents) = (publisher.publisher_id(), publisher.agents());
    let unknown = unknown(&driver.status(), &agents);
    match query {
        Query::Drain(_) => Err("the program itself drains".to_owned()),
        Query::Agents => Ok(json!({ "publisher": id, "agents": agents, "unknown": unknown })),
        Query::Row { table, key } => {
            let topics = publisher.row(table, key);
            Ok(json!({ "publisher": id, "topics": topics, "unknown": unknown }))
        }
    }
}

/// The state of a connection of a subscriber, in the status of the driver; those for requests have another one.
const SUBSCRIBES: [&str; 2] = ["up", "behind"];

/// The number of subscribers of each host that do not report: older agents, and other subscribers. `None` if the driver has more
/// connections than its status lists.
fn unknown(status: &Status, agents: &[AgentReading]) -> Option<BTreeMap<String, u64>> {
    let connections = status.queues.iter().find(|queue| queue.name == "connections");
    if connections.is_some_and(|queue| queue.depth > status.peers.len() as u64) {
        return None;
    }
    let mut hosts = BTreeMap::<String, u64>::new();
    for peer in status.peers.iter().filter(|peer| SUBSCRIBES.contains(&peer.state.as_str())) {
        *hosts.entry(host(&peer.endpoint).to_owned()).or_default() += 1;
    }
    for agent in agents.iter().filter(|agent| agent.is_reporting()) {
        if let Some(subscribers) = hosts.get_mut(host(&agent.address)) {
            *subscribers = subscribers.saturating_sub(1);
        }
    }
    hosts.retain(|_, subscribers| *subscribers > 0);
    Some(hosts)
}

/// The host of a peer's name: `10.0.0.7` of `tcp://10.0.0.7:4000 (compute-7)`.
fn host(name: &str) -> &str {
    let address = name.split_once(' ').map_or(name, |(address, _)| address);
    let address = address.strip_prefix("tcp://").unwrap_or(address);
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use pubsub_api::{PeerReading, QueueReading, Status};

    use super::{host, unknown};

    #[test]
    fn the_host_of_a_name_is_without_port_and_key() {
        for name in ["10.0.0.7:4000", "tcp://10.0.0.7:4000", "10.0.0.7:4000 (compute-7)", "10.0.0.7"] {
            assert_eq!(host(name), "10.0.0.7");
        }
        assert_eq!(host("tcp://[fe80::1]:4000"), "[fe80::1]");
    }

    #[test]
    fn subscribers_that_do_not_report_are_counted_by_host_unless_the_list_is_cut() {
        let peer =
            |endpoint: &str, state: &str| PeerReading { endpoint: endpoint.into(), state: state.into() };
        let peers = vec![
            peer("tcp://10.0.0.7:1", "up"),
            peer("tcp://10.0.0.7:2", "behind"),
            peer("tcp://10.0.0.7:3", "requesting"),
            peer("tcp://10.0.0.8:4", "connecting"),
        ];
        let connections = |depth: usize| QueueReading::new("connections", "connections", (depth, 99), "");
        let status =
            |depth| Status { peers: peers.clone(), queues: vec![connections(depth)], ..Status::default() };
        assert_eq!(
            unknown(&status(4), &[]).unwrap().into_iter().collect::<Vec<_>>(),
            [("10.0.0.7".to_owned(), 2)]
        );
        assert_eq!(unknown(&status(5), &[]), None);
    }
}
