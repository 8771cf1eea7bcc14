use end_to_end::event;
use interop::{MapBuilder, fields, frames, unstamped};
use rmpv::Value as Msgpack;
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped};

pub(crate) const CASES: &[Case] = cases![
    what_lacks_a_topic_is_published_on_d,
    text_that_comes_as_bytes_is_published_as_text,
    keys_in_any_order_unknown_keys_nil_names_and_any_action_pass_untouched,
];

fn what_lacks_a_topic_is_published_on_d(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    let agent = folder.subscribed_agent("agent", &service);
    let without = MapBuilder::event("D").without("topic").with("key", "absent").bytes();
    let nil = MapBuilder::event("D").with("topic", Msgpack::Nil).with("key", "nil").bytes();
    worker.send_map(&without);
    worker.send_map(&nil);
    // The genuine sender of an event whose topic is None: frame `D`, nil in the map.
    let mut none = event("lport", "none", "set", "v", "D");
    none["topic"] = Value::Null;
    worker.send(&none);
    for (key, topic) in [("absent", Value::from("D")), ("nil", Value::Null), ("none", Value::Null)] {
        let line = node.wait_for_key(key);
        assert_eq!(frames(&line)[0], b"D", "{key}");
        assert_eq!(line["topic"], topic, "{key}");
        let at_agent = agent.wait_for(key, |line| line["key"] == key);
        assert_eq!(at_agent["topic"], "D", "{key}");
    }
    node.assert_undisturbed();
    assert!(dropped(&folder, "service").is_empty());
}

fn text_that_comes_as_bytes_is_published_as_text(drivers: Drivers) {
    let Installation { folder: _folder, service: _service, mut worker, node } = Installation::new(drivers);
    let binary = |text: &str| Msgpack::Binary(text.as_bytes().to_vec());
    let map = MapBuilder::event("D")
        .with("table", binary("lport"))
        .with("key", binary("bytes"))
        .with("action", binary("set"))
        .with("topic", binary("D"));
    worker.send_map(&map.bytes());
    assert_eq!(fields(&node.wait_for_key("bytes")), event("lport", "bytes", "set", "v", "D"));
    node.assert_undisturbed();
}

fn keys_in_any_order_unknown_keys_nil_names_and_any_action_pass_untouched(drivers: Drivers) {
    let Installation { folder, service: _service, mut worker, node } = Installation::new(drivers);
    let reversed =
        MapBuilder::event("D").without("table").without("key").with("key", "order").with("table", "t");
    let more =
        MapBuilder::event("D").with("key", "more").with("guid", "g").with("sequence", 7).with("version", 3);
    let nil_table = MapBuilder::event("D").with("key", "nil-table").with("table", Msgpack::Nil);
    let own_action = MapBuilder::event("D").with("key", "own-action").with("action", "ovs_sync_finished");
    for (key, map) in
        [("order", reversed), ("more", more), ("nil-table", nil_table), ("own-action", own_action)]
    {
        worker.send_map(&map.bytes());
        assert_eq!(unstamped(&node.wait_for_key(key)), [b"D".to_vec(), map.bytes()]);
    }
    node.assert_undisturbed();
    assert!(dropped(&folder, "service").is_empty());
}
