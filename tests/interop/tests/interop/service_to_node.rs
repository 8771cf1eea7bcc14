use end_to_end::{change_log, event};
use interop::{Receiver, Sender, fields, frames, prove};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::Installation;

pub(crate) const CASES: &[Case] = cases![
    a_strict_reader_of_everything_takes_the_whole_change_log_the_hellos_and_the_marks,
    a_node_gets_what_its_prefixes_begin_with_as_zeromq_has_it,
    a_late_topic_comes_and_a_topic_given_up_stays_away,
    a_node_that_subscribes_to_nonsense_harms_no_other,
    a_ports_life_reaches_a_node_step_by_step,
];

fn a_strict_reader_of_everything_takes_the_whole_change_log_the_hellos_and_the_marks(drivers: Drivers) {
    let Installation { folder, service: _service, worker: _, node } = Installation::new(drivers);
    let log = change_log();
    folder.publish(&log);
    let came: Vec<Value> = node.wait_for_own(log.len()).iter().map(fields).collect();
    assert_eq!(came.len(), log.len());
    assert!(came == log, "complete, in order and unchanged");
    let hello = node.wait_for("a hello", |line| line["action"] == "hello");
    assert_eq!((&hello["table"], &hello["value"]), (&Value::from("$hello"), &Value::Null));
    let mark = node.wait_for("a mark", |line| line["table"] == "$mark");
    assert_eq!(fields(&mark), event("$mark", "D", "mark", Value::Null, "$mark.D"));
    assert_eq!(frames(&mark).len(), 2);
    node.assert_undisturbed();
}

fn a_node_gets_what_its_prefixes_begin_with_as_zeromq_has_it(drivers: Drivers) {
    let folder = drivers.folder();
    let service = folder.service();
    let mut worker = Sender::push(&folder, "push");
    let all = Receiver::sub(&folder, "all", service.network(), &["D"]);
    let tenant = Receiver::sub(&folder, "tenant", service.network(), &["D", "tenant1"]);
    for (topic, node) in [("D", &all), ("D", &tenant), ("tenant1", &tenant)] {
        prove(&mut worker, topic, node);
    }
    let topics = ["tenant1", "D", "tenant10", "tenant2", "Demo", "d", "xD", "tenant", "D"];
    let events: Vec<Value> = topics.map(|topic| event("lport", topic, "set", "v", topic)).to_vec();
    folder.publish(&events);
    let of = |wanted: &[&str]| -> Vec<Value> {
        events.iter().filter(|event| wanted.iter().any(|wanted| event["topic"] == *wanted)).cloned().collect()
    };
    for (node, wanted) in [(&all, of(&["D", "Demo"])), (&tenant, of(&["D", "Demo", "tenant1", "tenant10"]))] {
        let came: Vec<Value> = node.wait_for_own(wanted.len()).iter().map(fields).collect();
        assert_eq!(came, wanted);
        node.assert_undisturbed();
    }
}

fn a_late_topic_comes_and_a_topic_given_up_stays_away(drivers: Drivers) {
    let folder = drivers.folder();
    let service = folder.service();
    let mut worker = Sender::push(&folder, "push");
    let mut node = Receiver::sub(&folder, "sub", service.network(), &["D"]);
    prove(&mut worker, "D", &node);
    node.subscribe("topic");
    prove(&mut worker, "topic", &node);
    worker.send(&event("lport", "one", "set", "v", "topic"));
    worker.send(&event("lport", "other", "set", "v", "Other-topic"));
    node.wait_for_key("one");

    node.unsubscribe("topic");
    node.subscribe("later");
    // Subscriptions are obeyed in order: when the later one stands, the former is gone.
    prove(&mut worker, "later", &node);
    worker.send(&event("lport", "unwanted", "set", "v", "topic"));
    worker.send(&event("lport", "last", "set", "v", "D"));
    node.wait_for_key("last");
    let keys: Vec<Value> = node.own().iter().map(|line| line["key"].clone()).collect();
    assert_eq!(keys, ["one", "last"]);
}

fn a_node_that_subscribes_to_nonsense_harms_no_other(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    let mut odd = Sender::upstream(&folder, "odd", service.network());
    let not_utf8 = [&[1][..], &[0xff; 300]].concat();
    let long = [vec![1], vec![b't'; 5000]].concat();
    for subscription in [&b"\x01"[..], b"\x01$", b"neither", b"\x02x", b"\x00never", &not_utf8, &long] {
        odd.send_frames(&[subscription]);
    }
    (0..2000).for_each(|n| odd.send_frames(&[format!("\u{1}topic-{n}")]));
    odd.finish();
    let events: Vec<Value> = (0..200).map(|n| event("lport", &format!("k{n}"), "set", "v", "D")).collect();
    events.iter().for_each(|event| worker.send(event));
    let came: Vec<Value> = node.wait_for_own(events.len()).iter().map(fields).collect();
    assert_eq!(came, events);
    node.assert_undisturbed();
}

fn a_ports_life_reaches_a_node_step_by_step(drivers: Drivers) {
    let Installation { folder: _folder, service: _service, mut worker, node } = Installation::new(drivers);
    let mut events = vec![
        event("lswitch", "net", "create", r#"{"id": "net"}"#, "D"),
        event("lport", "port", "create", r#"{"id": "port"}"#, "D"),
    ];
    let rename =
        |n: usize| event("lport", "port", "set", format!(r#"{{"id": "port", "name": "name {n}"}}"#), "D");
    events.extend((0..100).map(rename));
    events.push(event("lport", "port", "delete", Value::Null, "D"));
    events.push(event("lswitch", "net", "delete", Value::Null, "D"));
    for (sent, event) in events.iter().enumerate() {
        worker.send(event);
        assert_eq!(fields(&node.wait_for_own(sent + 1)[sent]), *event);
    }
    assert_eq!(node.own().len(), events.len());
    assert!(node.own().iter().all(|line| frames(line).len() == 2));
}
