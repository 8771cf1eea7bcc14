use std::collections::BTreeMap;
use std::iter;

use end_to_end::notice;
use interop::{MapBuilder, WrongInput, fields, filled, map, wrong_input};
use rmpv::Value as Msgpack;
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped, events_of};

pub(crate) const CASES: &[Case] =
    cases![wrong_input_of_foreign_workers_is_counted_by_cause_and_harms_nobody,];

/// What a publisher may send and a worker may not.
fn wrong_for_workers() -> Vec<WrongInput> {
    let on = |what, topic: &str, map: Vec<u8>, cause| WrongInput {
        what,
        frames: vec![topic.as_bytes().to_vec(), map],
        cause,
    };
    let stamp = Msgpack::Array(vec![1.into(), 2.into(), 3.into(), 4.into()]);
    vec![
        on("a reserved topic", "$mine", MapBuilder::event("$mine").bytes(), "reserved_topic"),
        on(
            "a hello",
            "$hello",
            MapBuilder::event("$hello").with("action", "hello").bytes(),
            "reserved_topic",
        ),
        on("a stamp", "D", MapBuilder::event("D").with("stamp", stamp).bytes(), "stamped"),
        on("a byte more than 1 MiB", "D", filled("big", 1024 * 1024 + 1), "too_big"),
        on(
            "a tenant's frame with a nil topic",
            "tenant",
            MapBuilder::event("tenant").with("topic", Msgpack::Nil).bytes(),
            "topic_mismatch",
        ),
    ]
}

fn wrong_input_of_foreign_workers_is_counted_by_cause_and_harms_nobody(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    let agent = folder.subscribed_agent("agent", &service);
    // The probes were before its time: with the first event it learns that, and is brought up to date if it can ask.
    worker.send_map(&map("first", b"\xa1v"));
    agent.wait_for("the first event", |line| line["key"] == "first");
    let mark = agent.mark();
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let cases: Vec<WrongInput> = wrong_input().into_iter().chain(wrong_for_workers()).collect();
    for (number, WrongInput { what, frames, cause }) in cases.iter().enumerate() {
        worker.send_frames(frames);
        let key = format!("after-{number}");
        worker.send_map(&map(&key, b"\xa1v"));
        let next = node.wait_for_key(&key);
        assert_eq!(fields(&next)["value"], "v", "the next event after {what} comes on the same connection");
        *counted.entry((*cause).to_owned()).or_default() += 1;
        assert_eq!(dropped(&folder, "service"), counted, "{what} is counted as {cause}");
    }
    let keys: Vec<Value> = node.own().iter().map(|line| line["key"].clone()).collect();
    let after = (0..cases.len()).map(|number| format!("after-{number}"));
    let wanted: Vec<String> = iter::once("first".to_owned()).chain(after).collect();
    assert_eq!(keys, wanted, "nothing wrong was published");
    node.assert_undisturbed();
    let at_agent: Vec<Value> =
        events_of(&agent, wanted.len()).iter().map(|event| event["key"].clone()).collect();
    assert_eq!(at_agent, wanted);
    let lines = agent.lines();
    let notices: Vec<&str> = lines.iter().skip(mark).filter_map(notice).collect();
    let end_of_joining = |name: &&str| ["live", "resync"].contains(name);
    assert!(notices.iter().all(end_of_joining), "nothing wrong costs a number or a link: {notices:?}");
}
