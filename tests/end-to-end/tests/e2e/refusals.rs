//! What workers may not publish: it is dropped, the worker's command fails, and the status remembers who it was.
#![expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::net::TcpListener;

use end_to_end::{Folder, event};
use rustix::process::geteuid;
use serde_json::{Value, json};

fn refusals(folder: &Folder, part: &str) -> Vec<Value> {
    let status = folder.status("service");
    status["parts"][part]["refusals"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_worker_cannot_draw_agents_to_another_address() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address()).set("use_nb_db", "yes");
    let agent = agent.args(["--pattern", "#"]).start();
    agent.wait_for_notice(0, "live");
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    elsewhere.set_nonblocking(true).expect("a socket");
    let uri = format!("tcp://{}", elsewhere.local_addr().expect("an address"));
    let row = json!({ "id": "stranger", "uri": uri }).to_string();
    let publish = folder.skimmer(&["pub", "--table", "publisher", "--key", "stranger", "--action", "set"]);
    let refused = publish.args(["--value", &row]).run().expect(1);
    let _ = refused.says(&["refused 1 events", "only publisher services publish the directory"]);
    let entry = refusals(&folder, "service").pop().expect("it is remembered");
    assert_eq!((&entry["cause"], &entry["times"]), (&json!("reserved_table"), &json!(1)), "{entry}");
    // What the agent has received is after what it did not.
    folder.publish(&[event("lport", "after", "set", "v", "D")]);
    assert_eq!(agent.wait_for_events(1).len(), 1);
    assert!(elsewhere.accept().is_err(), "the agent connected to the address of a worker");
}

#[test]
fn a_worker_hears_that_it_has_no_right_to_an_event() {
    let right = format!("worker_rights = [\"uid:{} table=lport topic=tenant-*\"]", geteuid().as_raw());
    let folder = Folder::with_settings(&format!("[drivers.zmtp]\n{right}"));
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let publish = |table: &str, topic: &str| {
        let publish = folder.skimmer(&["pub", "--action", "set", "--key", "k", "--value", "v"]);
        publish.args(["--table", table, "--topic", topic]).run()
    };
    for (table, topic) in [("lport", "D"), ("chassis", "tenant-1")] {
        let _ =
            publish(table, topic).expect(1).says(&["refused 1 events", "drivers.zmtp.worker_rights", topic]);
    }
    let _ = publish("lport", "tenant-1").expect(0);
    assert_eq!(agent.wait_for_events(1).len(), 1, "nothing else arrived before");
    let entry = refusals(&folder, "ipc").pop().expect("it is remembered");
    assert_eq!(entry["cause"], "worker_right", "{entry}");
    let shown = folder.skimmer(&["status"]).set("state_dir", folder.state_dir("service.state").display());
    let shown = shown.run().expect(0).stdout;
    assert!(shown.contains("(worker_right, 1 times, last "), "{shown}");
}
