use std::collections::BTreeMap;

use data_services::NodeReport;
use pubsub_api::{CounterReading, PeerReading, QueueReading, Status};

/// The report of a node as parts of the status document: the node itself, its tables and subscriptions, and its driver.
pub(crate) fn parts(report: NodeReport) -> BTreeMap<String, Status> {
    let node = Status {
        counters: report.counters.iter().map(|(name, value)| counter(name, None, *value)).collect(),
        peers: report.peers.iter().map(peer).collect(),
        ..Status::default()
    };
    BTreeMap::from([
        ("node".to_owned(), node),
        ("tables".to_owned(), tables(&report)),
        ("driver".to_owned(), report.driver),
    ])
}

fn peer(peer: &data_services::PeerReport) -> PeerReading {
    PeerReading { endpoint: peer.peer.node.to_string(), state: peer.state.to_owned() }
}

fn tables(report: &NodeReport) -> Status {
    let mut status = Status::default();
    for table in &report.published {
        let name = format!("{} {}", table.service, table.table);
        status.counters.push(counter("changes_published", Some(name), table.sequence));
    }
    for subscription in &report.subscriptions {
        let name = format!("{} {}", subscription.address, subscription.table);
        status.counters.push(counter("updates_dropped", Some(name.clone()), subscription.dropped));
        let name = format!("subscription {name} of {}", subscription.subscriber);
        let depth = (subscription.waiting, subscription.bound);
        let when_full = "the subscriber gets the whole table instead of the changes";
        status.queues.push(QueueReading::new(&name, "events", depth, when_full));
    }
    status
}

fn counter(name: &str, cause: Option<String>, value: u64) -> CounterReading {
    CounterReading { name: name.to_owned(), cause, value }
}
