use end_to_end::{Folder, event, fixed_port};
use interop::{Receiver, Sender, fields, prove};
use serde_json::Value;

fn events(name: &str) -> Vec<Value> {
    (0..300).map(|n| event("lport", &format!("{name}-{n}"), "set", "v", "D")).collect()
}

#[test]
fn foreign_nodes_and_workers_find_a_service_that_was_killed_and_started_again() {
    let folder = Folder::new();
    let port = fixed_port();
    let mut service = folder.service_at(port);
    let mut worker = Sender::push(&folder, "push");
    let node = Receiver::sub(&folder, "sub", service.network(), &["D"]);
    prove(&mut worker, "D", &node);
    events("before").iter().for_each(|event| worker.send(event));
    node.wait_for_own(300);

    service.kill();
    let _service = folder.service_at(port);
    // Proves both links: the worker's to the socket, the node's to the port.
    prove(&mut worker, "D", &node);
    let mark = node.own().len();
    let after = events("after");
    after.iter().for_each(|event| worker.send(event));
    let came: Vec<Value> = node.wait_for_own(mark + 300).iter().skip(mark).map(fields).collect();
    assert_eq!(came, after);
    node.assert_undisturbed();
}

#[test]
fn a_service_that_is_terminated_hands_on_what_a_foreign_worker_had_written() {
    let folder = Folder::new();
    let mut service = folder.service();
    let mut worker = Sender::push(&folder, "push");
    let node = Receiver::sub(&folder, "sub", service.network(), &["D"]);
    prove(&mut worker, "D", &node);
    let before = events("before");
    before.iter().for_each(|event| worker.send(event));
    worker.finish();
    service.terminate();
    let came: Vec<Value> = node.wait_for_own(300).iter().map(fields).collect();
    assert_eq!(came, before);
}
