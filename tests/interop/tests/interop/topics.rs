use end_to_end::event;
use interop::{Receiver, Sender, fields, prove};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::events_of;

pub(crate) const CASES: &[Case] = cases![
    topics_beyond_ascii_reach_foreign_nodes,
    topics_beyond_ascii_reach_our_agent_from_a_foreign_publisher,
    our_agent_takes_d_and_its_tenant_exactly_whatever_zeromqs_prefixes_let_through,
];

const TOPICS: [&str; 4] = ["projekt-ü", "проект", "🦀", "u\u{308}"];

fn topics_beyond_ascii_reach_foreign_nodes(drivers: Drivers) {
    let folder = drivers.folder();
    let service = folder.service();
    let mut worker = Sender::push(&folder, "push");
    let node = Receiver::sub(&folder, "sub", service.network(), &TOPICS);
    TOPICS.iter().for_each(|topic| prove(&mut worker, topic, &node));
    let events: Vec<Value> =
        TOPICS.iter().chain(&["ü", "D"]).map(|topic| event("lport", topic, "set", "v", topic)).collect();
    folder.publish(&events);
    let came: Vec<Value> = node.wait_for_own(TOPICS.len()).iter().map(fields).collect();
    assert_eq!(came, events[..TOPICS.len()], "not ü: it is another spelling of u\u{308}");
}

fn topics_beyond_ascii_reach_our_agent_from_a_foreign_publisher(drivers: Drivers) {
    let folder = drivers.folder();
    let mut publisher = Sender::publisher(&folder, "pub");
    let topics = TOPICS.iter().flat_map(|topic| ["--topic", topic]);
    let agent = folder.agent_launch("agent", publisher.address()).args(topics).start();
    TOPICS.iter().for_each(|topic| prove(&mut publisher, topic, &agent));
    prove(&mut publisher, "D", &agent);
    let events: Vec<Value> =
        TOPICS.iter().chain(&["ü", "D"]).map(|topic| event("lport", topic, "set", "v", topic)).collect();
    events.iter().for_each(|event| publisher.send(event));
    let came = events_of(&agent, TOPICS.len() + 1);
    let wanted: Vec<Value> = events.into_iter().filter(|event| event["topic"] != "ü").collect();
    assert_eq!(came, wanted);
}

fn our_agent_takes_d_and_its_tenant_exactly_whatever_zeromqs_prefixes_let_through(drivers: Drivers) {
    let folder = drivers.folder();
    let mut publisher = Sender::publisher(&folder, "pub");
    let agent = folder.agent_launch("agent", publisher.address()).args(["--topic", "tenant1"]).start();
    prove(&mut publisher, "tenant1", &agent);
    prove(&mut publisher, "D", &agent);
    for topic in ["Demo", "DD", "tenant10", "tenant1.a", "tenant", "d", "$hell", "$hello2", "D", "tenant1"] {
        publisher.send(&event("lport", topic, "set", "v", topic));
    }
    let topics: Vec<Value> = events_of(&agent, 2).iter().map(|event| event["topic"].clone()).collect();
    assert_eq!(topics, ["D", "tenant1"]);
}
