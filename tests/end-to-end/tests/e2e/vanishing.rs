//! A node that vanishes while events are on their way to it: its link goes down, and no FIN or RST comes.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use end_to_end::{Folder, Launch, Program, counters, event, until};

/// Set in the process that has a network of its own.
const IN_OWN_NETWORK: &str = "VANISHING_IN_OWN_NETWORK";

/// TCP itself gives a peer up after that, which is longer than this test waits: what ends the connection is our own.
const SETTINGS: &str = "publisher_bind_address = \"10.9.8.1\"\nallow_unauthenticated = true\ndead_after = \"2s\"\n[drivers.zmtp]\nuser_timeout = \"600s\"";

#[test]
fn a_node_that_vanishes_under_load_is_dropped_as_soon_as_an_idle_one() {
    if std::env::var_os(IN_OWN_NETWORK).is_some() {
        return vanishes_under_load();
    }
    let name = "vanishing::a_node_that_vanishes_under_load_is_dropped_as_soon_as_an_idle_one";
    let mut own = Command::new("unshare");
    own.args(["--map-root-user", "--net"]).arg(std::env::current_exe().expect("this test"));
    let ended = own.args(["--exact", name]).env(IN_OWN_NETWORK, "1").output().expect("unshare of util-linux");
    let said = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "in a network of its own (the kernel must allow `unshare --map-root-user --net true`): {said}"
    );
}

fn vanishes_under_load() {
    ip(&["link", "set", "lo", "up"]);
    let folder = Folder::with_settings(SETTINGS);
    let far = Far::new(&folder);
    let service = folder.service();
    let agent = far.agent(&folder, service.address());
    agent.wait_for_notice(0, "live");
    let loads = AtomicBool::new(true);
    thread::scope(|scope| {
        let _ends = EndOfLoad(&loads);
        scope.spawn(|| load(&folder, &loads));
        agent.wait_for_events(1000);
        far.goes_down();
        until("the node is dropped", || {
            let refused = counters(&folder.status("service"), "network", "peers_refused");
            refused.iter().any(|(cause, count)| cause == "dead" && *count > 0).then_some(())
        });
        until("nothing is kept for it", || (kept_bytes(&folder) == 0).then_some(()));
    });
}

/// Ends the load, also when an expectation fails.
struct EndOfLoad<'a>(&'a AtomicBool);

impl Drop for EndOfLoad<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Two thousand events of a KiB each second, until the flag falls.
fn load(folder: &Folder, loads: &AtomicBool) {
    let (mut worker, value) = (folder.worker("worker"), "x".repeat(1024));
    let mut number = 0_u64;
    while loads.load(Ordering::Relaxed) {
        for _ in 0..20 {
            worker.write_line(&event("t", &number.to_string(), "set", value.as_str(), "D").to_string());
            number += 1;
        }
        #[expect(clippy::disallowed_methods, reason = "the pace of the load")]
        thread::sleep(Duration::from_millis(10));
    }
}

/// How much is kept for subscribers that have not read everything.
fn kept_bytes(folder: &Folder) -> u64 {
    let status = folder.status("service");
    let queues = status["parts"]["network"]["queues"].as_array().cloned().unwrap_or_default();
    let ring = queues.iter().find(|queue| queue["name"] == "ring").expect("a ring");
    ring["depth"].as_u64().expect("a number")
}

/// The network of a node at the other end of a cable, kept by a process.
struct Far {
    keeper: Program,
}

impl Far {
    fn new(folder: &Folder) -> Self {
        let keeper = Launch::new("/usr/bin/cat", "far", folder.path()).under("unshare", &["--net"]).start();
        let far = Self { keeper };
        let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        let pid = far.pid();
        until("a network of its own", || (network(&pid) != network("self")).then_some(()));
        ip(&["link", "add", "near", "type", "veth", "peer", "name", "far", "netns", &pid]);
        ip(&["address", "add", "10.9.8.1/24", "dev", "near"]);
        ip(&["link", "set", "near", "up"]);
        far.ip(&["address", "add", "10.9.8.2/24", "dev", "far"]);
        far.ip(&["link", "set", "far", "up"]);
        far
    }

    fn pid(&self) -> String {
        self.keeper.pid().to_string()
    }

    fn ip(&self, arguments: &[&str]) {
        run("nsenter", &[&["--net", "--target", &self.pid(), "ip"], arguments].concat());
    }

    fn agent(&self, folder: &Folder, publisher: &str) -> Program {
        let agent = folder.agent_launch("agent", publisher).args(["--pattern", "#"]);
        agent.under("nsenter", &["--net", "--target", &self.pid()]).start()
    }

    fn goes_down(&self) {
        self.ip(&["link", "set", "far", "down"]);
    }
}

fn ip(arguments: &[&str]) {
    run("ip", arguments);
}

fn run(program: &str, arguments: &[&str]) {
    let ended = Command::new(program).args(arguments).output().expect("ip of iproute2: run tests/setup");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{program} {arguments:?}: {said}");
}
