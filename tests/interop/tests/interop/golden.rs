use interop::{Golden, Receiver, fields, frames, golden, unstamped};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::Installation;

pub(crate) const CASES: &[Case] = cases![
    genuine_bytes_pass_the_service_and_a_stamp_follows_them,
    the_foreign_peer_of_these_tests_packs_the_genuine_bytes,
    our_packer_writes_the_genuine_bytes_through_the_service,
    our_packer_writes_the_genuine_bytes_to_a_foreign_service,
];

/// The messages are, as `read` takes them, the genuine bytes, and they are the events of the log to the genuine reader.
#[track_caller]
fn assert_genuine(receiver: &Receiver, golden: &[Golden], read: fn(&Value) -> Vec<Vec<u8>>) {
    let came = receiver.wait_for_own(golden.len());
    assert_eq!(came.len(), golden.len());
    for (line, golden) in came.iter().zip(golden) {
        assert_eq!(read(line), golden.frames, "{}", golden.event);
        assert_eq!(fields(line), golden.event);
    }
    receiver.assert_undisturbed();
}

fn genuine_bytes_pass_the_service_and_a_stamp_follows_them(drivers: Drivers) {
    let Installation { folder: _folder, service: _service, mut worker, node } = Installation::new(drivers);
    let golden = golden();
    golden.iter().for_each(|golden| worker.send_frames(&golden.frames));
    assert_genuine(&node, &golden, unstamped);
}

fn the_foreign_peer_of_these_tests_packs_the_genuine_bytes(drivers: Drivers) {
    let Installation { folder: _folder, service: _service, mut worker, node } = Installation::new(drivers);
    let golden = golden();
    golden.iter().for_each(|golden| worker.send(&golden.event));
    assert_genuine(&node, &golden, unstamped);
}

fn our_packer_writes_the_genuine_bytes_through_the_service(drivers: Drivers) {
    let Installation { folder, service: _service, worker: _, node } = Installation::new(drivers);
    let golden = golden();
    let events: Vec<Value> = golden.iter().map(|golden| golden.event.clone()).collect();
    folder.publish(&events);
    assert_genuine(&node, &golden, unstamped);
}

fn our_packer_writes_the_genuine_bytes_to_a_foreign_service(drivers: Drivers) {
    let folder = drivers.folder();
    let service = Receiver::pull(&folder, "pull");
    let golden = golden();
    let events: Vec<Value> = golden.iter().map(|golden| golden.event.clone()).collect();
    folder.publish(&events);
    assert_genuine(&service, &golden, frames);
}
