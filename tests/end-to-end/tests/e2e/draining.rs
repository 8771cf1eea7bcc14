//! `skimmer drain`: the service stops when its agents have everything, and reports those that have not.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::thread;

use end_to_end::{Ended, Folder, Launch, Program, Service, Signal, event, until};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use serde_json::Value;

/// More than the buffers of a socket hold.
const EVENTS: usize = 3_000;

fn load() -> Vec<Value> {
    let value = "v".repeat(8_000);
    (0..EVENTS).map(|number| event("lport", &number.to_string(), "set", value.clone(), "D")).collect()
}

fn drain(folder: &Folder, arguments: &[&str]) -> Launch {
    let state_dir = folder.state_dir("service.state");
    folder.skimmer(&["drain"]).args(arguments).set("state_dir", state_dir.display())
}

fn port(service: &Service) -> u16 {
    service.address().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
}

/// An agent that is stopped while it is behind.
fn behind(folder: &Folder, service: &Service) -> Program {
    let agent = folder.subscribed_agent("agent", service);
    agent.signal(Signal::STOP);
    folder.publish(&load());
    until("the agent is behind", || {
        let status = folder.status("service");
        let peers = status.pointer("/parts/network/peers")?.as_array()?;
        peers.iter().any(|peer| peer["state"] == "behind").then_some(())
    });
    agent
}

fn wait_for_all(agent: &Program) {
    let keys: Vec<String> =
        agent.wait_for_events(EVENTS).iter().map(|event| event["key"].to_string()).collect();
    let wanted: Vec<String> = (0..EVENTS).map(|number| format!("\"{number}\"")).collect();
    assert_eq!(keys, wanted, "each event once, in order");
}

#[test]
fn a_drain_waits_until_a_slow_agent_has_everything_and_the_service_ends_with_status_0() {
    let folder = Folder::with_settings("linger = \"0s\"\ndead_after = \"60s\"\nsend_timeout = \"60s\"");
    let mut service = folder.service();
    let agent = behind(&folder, &service);
    let draining = drain(&folder, &["--agents-timeout", "60s"]).start();
    draining.wait_for("the phase of agents", |line| line == "agents receive what is published");
    // Both signals and clients follow the drain that runs.
    service.signal(Signal::USR2);
    agent.signal(Signal::CONT);
    let mut draining = draining;
    assert_eq!(draining.wait_for_end().code(), Some(0), "{}", draining.stderr());
    draining.wait_for("the end", |line| {
        line == "drained and stopped: every agent has received every acknowledged event"
    });
    assert_eq!(service.wait_for_end().code(), Some(0), "{}", service.stderr());
    wait_for_all(&agent);
    until("the agent learns that this was planned", || {
        agent.stderr().contains("stopped; connecting again after 100ms, as it asked").then_some(())
    });
}

#[test]
fn a_drain_that_ends_too_early_names_the_agents_that_are_behind_and_they_lose_nothing() {
    let folder = Folder::with_settings("linger = \"0s\"\ndead_after = \"60s\"");
    let mut service = folder.service();
    let agent = behind(&folder, &service);
    let ended = drain(&folder, &["--agents-timeout", "0s", "--json"]).run();
    let Ended { stdout, .. } = ended.expect(69).says(&["1 subscribers did not receive everything"]);
    let left: Value = serde_json::from_str(&stdout).expect("a document");
    assert_eq!(left["drained"], false);
    assert_eq!(service.wait_for_end().code(), Some(0), "a service manager must not start it again");
    agent.signal(Signal::CONT);
    let _service = folder.service_at(port(&service));
    wait_for_all(&agent);
}

#[test]
fn sigusr2_drains_and_what_workers_publish_meanwhile_is_published_after_the_next_start() {
    let folder = Folder::new();
    let mut service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let mut worker = folder.worker("worker");
    worker.write_line(&event("t", "1", "set", "v", "D").to_string());
    agent.wait_for_events(1);
    service.signal(Signal::USR2);
    assert_eq!(service.wait_for_end().code(), Some(0), "{}", service.stderr());
    worker.write_line(&event("t", "2", "set", "v", "D").to_string());
    let _service = folder.service_at(port(&service));
    assert_eq!(agent.wait_for_events(2).len(), 2);
}

#[test]
fn only_root_and_the_user_of_the_service_may_drain_it() {
    const NOBODY: u32 = 65_534;
    assert!(geteuid().is_root(), "run this as root: only root can become the user that is refused");
    let folder = Folder::new();
    let mut service = folder.service();
    let state_dir = folder.state_dir("service.state");
    for path in [folder.path(), &state_dir] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("it is ours");
    }
    let socket = state_dir.join("publisher-service.query");
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("it is ours");
    let refused = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            // Of this thread alone: it ends with the request.
            let (group, user) = (Gid::from_raw(NOBODY), Uid::from_raw(NOBODY));
            set_thread_groups(&[]).expect("root may");
            set_thread_res_gid(group, group, group).expect("root may");
            set_thread_res_uid(user, user, user).expect("root may");
            let mut client = UnixStream::connect(&socket).expect("it may");
            client.write_all(b"{\"query\":\"drain\",\"agents_timeout_ms\":null}\n").expect("it is read");
            let mut reply = String::new();
            client.read_to_string(&mut reply).expect("it is answered");
            reply
        });
        asking.join().expect("a reply")
    });
    assert!(refused.contains("only root and the user that it runs as may drain it"), "{refused}");
    assert!(service.is_running());
}
