//! Agents find publishers in the directory, and follow them.

use std::time::{Duration, SystemTime};

use end_to_end::{Program, Service, event, until};
use serde_json::json;

use super::database::{Database, folder};

/// A row of the directory, as a service writes it.
#[expect(clippy::disallowed_methods, reason = "rows have wall-clock times")]
fn row(id: &str, service: &Service) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    json!({"id": id, "uri": service.network(), "last_activity_timestamp": now.as_secs_f64()}).to_string()
}

fn peers(agent: &serde_json::Value) -> Vec<String> {
    let peers = agent["parts"]["network"]["peers"].as_array().cloned().unwrap_or_default();
    peers.iter().filter_map(|peer| peer["endpoint"].as_str().map(str::to_owned)).collect()
}

fn until_subscribed(agent: &Program, service: &Service) {
    let network = service.network();
    agent.wait_for("the publisher", |line| line["notice"] == "subscribed" && line["publisher"] == network);
}

#[test]
fn agents_find_publishers_in_the_directory_and_follow_them() {
    // The services do not use the database: what the directory holds is the test's affair.
    let folder = folder("db_sync_time = \"1s\"\npublisher_timeout = \"3s\"\npublishers_ips = []");
    let database = Database::of(&folder);
    let launch = |name: &str| folder.launch("publisher-service", name).set("use_nb_db", "no");
    let first = Service::ready(launch("first").start());
    database.put("publisher", "p", &row("p", &first));
    let agent = folder.launch("subscriber-agent", "agent").start();
    until_subscribed(&agent, &first);
    let wanted = event("lport", "port-1", "create", "{}", "D");
    database.put("lport", "port-1", "{}");
    folder.publish(std::slice::from_ref(&wanted));
    agent.wait_for("the event", |line| line["key"] == "port-1");

    // Another address: the new one is taken, the old one left at once (docs/dragonflow.md#d23).
    let socket = folder.path().join("second.sock");
    let second = Service::ready(launch("second").set("publisher_multiproc_socket", socket.display()).start());
    database.put("publisher", "p", &row("p", &second));
    until_subscribed(&agent, &second);
    assert_eq!(peers(&folder.status("agent")), [second.network()]);

    // Removed while it lives: it is not left. Gone: it is, after its timeout (docs/dragonflow.md#d6).
    database.delete("publisher", "p");
    let mark = agent.mark();
    agent.wait_for_count(mark, 5, "more comparisons than fit into the timeout", |line| {
        line["notice"] == "synced"
    });
    assert_eq!(peers(&folder.status("agent")), [second.network()]);
    drop(second);
    until("the agent leaves the address", || peers(&folder.status("agent")).is_empty().then_some(()));
}
