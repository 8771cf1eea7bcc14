use end_to_end::{counter, event, until};
use interop::{Sender, fields};
use serde_json::Value;

use crate::installation::Installation;

/// A limit of the reference driver, as its capabilities tell it ("peers with ZMTP heartbeats are disconnected at every
/// beat"): it must stay a limit for that peer only.
#[test]
fn a_worker_with_heartbeats_is_disconnected_at_each_beat_and_harms_no_other() {
    let Installation { folder, service: _service, mut worker, node } = Installation::new();
    let _beating = Sender::push_with_heartbeats(&folder, "beating", 100);
    let left = || counter(&folder.status("service"), "ipc", "peers_left");
    until("three disconnections", || (left() >= 3).then_some(()));
    let events: Vec<Value> = (0..500).map(|n| event("lport", &format!("k{n}"), "set", "v", "D")).collect();
    events.iter().for_each(|event| worker.send(event));
    let came: Vec<Value> = node.wait_for_own(events.len()).iter().map(fields).collect();
    assert_eq!(came, events);
    let before = left();
    until("one disconnection more", || (left() > before).then_some(()));
    node.assert_undisturbed();
}
