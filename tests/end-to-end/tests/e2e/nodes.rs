//! A service names its subscribers by their nodes, not only by their addresses.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::thread;

use end_to_end::{Folder, Signal, event, until};
use serde_json::Value;

/// The name of this host, as agents state it.
fn node() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").expect("it can be read").trim().to_owned()
}

#[test]
fn the_status_and_the_log_of_a_service_name_the_node_of_a_slow_agent() {
    let folder = Folder::with_settings("dead_after = \"60s\"\n[drivers.zmtp]\nfanout_log_bytes = \"4MiB\"");
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address()).args(["--pattern", "#"]).start();
    agent.wait_for_notice(0, "live");
    let named = format!(" ({})", node());
    until("the status names the node", || {
        let peers = folder.status("service")["parts"]["network"]["peers"].as_array()?.clone();
        let is_named = |peer: &Value| peer["endpoint"].as_str().is_some_and(|name| name.ends_with(&named));
        (!peers.is_empty() && peers.iter().all(is_named)).then_some(())
    });
    agent.signal(Signal::STOP);
    let large: Vec<Value> =
        (0..200).map(|n| event("t", &n.to_string(), "set", "x".repeat(100_000), "D")).collect();
    thread::scope(|scope| {
        scope.spawn(|| folder.publish(&large));
        until("the log names the node", || {
            let log = service.stderr();
            let is_it = |line: &&str| {
                line.contains("events for ") && line.contains(&format!("{named}: it is behind"))
            };
            log.lines().find(is_it).map(drop)
        });
    });
    agent.signal(Signal::CONT);
    agent.wait_for_notice(0, "gap");
}
