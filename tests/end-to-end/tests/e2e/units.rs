//! The shipped systemd units: they are valid, the programs work under their restrictions, and the programs do what the units
//! expect of them.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod confinement;
mod node;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::{Folder, Launch, PATIENCE, Program, Service, Signal, binary, event, jsonl, until};

use confinement::{SERVICE, confined, installation, require_root};

/// Users and groups that nobody has.
const WORKER: u32 = 64_002;
const STRANGER: u32 = 64_003;

/// The units, each with the program that it starts.
const UNITS: [(&str, &str); 3] = [
    ("publisher-service.service", "publisher-service"),
    ("subscriber-agent.service", "subscriber-agent"),
    ("data-services-node.service", "skimmer"),
];

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/systemd").join(name)
}

fn read(unit: &str) -> String {
    fs::read_to_string(shipped(unit)).expect("the unit is shipped")
}

/// The value of a key, without looking at sections.
fn value<'a>(unit: &'a str, key: &str) -> Option<&'a str> {
    unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_nor_with_the_drop_in_for_handlers() {
    let folder = tempfile::tempdir().expect("a folder");
    let drop_ins = folder.path().join("subscriber-agent.service.d");
    fs::create_dir(&drop_ins).expect("a folder");
    fs::copy(shipped("handlers.conf"), drop_ins.join("handlers.conf")).expect("it is shipped");
    for (unit, program) in UNITS {
        // It looks for the program as well.
        let installed = format!("/usr/bin/{program} ");
        let installed = read(unit).replace(&installed, &format!("{} ", binary(program).display()));
        let path = folder.path().join(unit);
        fs::write(&path, installed).expect("a file");
        let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().expect("it runs");
        let words = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && words.is_empty(), "{unit}: {words}");
    }
}

/// The lines of a unit that limit what its program may do.
fn restrictions(unit: &str) -> Vec<String> {
    let unit = read(unit);
    let (_, below) = unit.split_once("\nAmbientCapabilities=\n").expect("the first restriction");
    below.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_unit_has_the_same_restrictions() {
    let wanted = restrictions("publisher-service.service");
    assert!(wanted.contains(&"ProtectSystem=strict".to_owned()), "{wanted:?}");
    for (unit, _) in UNITS {
        assert_eq!(restrictions(unit), wanted, "{unit}");
    }
}

#[test]
fn units_start_again_for_as_long_as_it_takes_and_keep_the_folder_of_the_socket() {
    for (name, _) in UNITS {
        let unit = read(name);
        let (first, service) = unit.split_once("[Service]").expect("sections");
        assert_eq!(value(first, "StartLimitIntervalSec"), Some("0"), "{name}");
        assert_eq!(value(service, "Restart"), Some("on-failure"), "{name}");
        assert!(value(service, "WatchdogSec").is_some(), "{name}");
    }
    assert_eq!(value(&read("publisher-service.service"), "RuntimeDirectoryPreserve"), Some("yes"));
    assert!(read("handlers.conf").contains("\nRestrictAddressFamilies=AF_NETLINK\n"));
}

fn socket(folder: &Folder) -> String {
    folder.path().join("run/ipc.sock").display().to_string()
}

fn confined_service(folder: &Folder) -> Service {
    let state_dir = folder.state_dir("service.state");
    let launch =
        confined(folder, "publisher-service", SERVICE, SERVICE, Some("publisher-service.service"), &[]);
    let launch =
        launch.set("state_dir", state_dir.display()).set("publisher_multiproc_socket", socket(folder));
    Service::ready(launch.start())
}

fn worker(folder: &Folder, user: u32, groups: u32) -> end_to_end::Ended {
    let arguments = ["pub", "--timeout", "3s", "--jsonl", "-"];
    let launch = confined(folder, "skimmer", user, groups, None, &arguments);
    launch
        .set("publisher_multiproc_socket", socket(folder))
        .run_with(&jsonl(&[event("t", "k", "set", "v", "D")]))
}

#[test]
fn under_the_units_restrictions_the_groups_of_the_socket_decide_which_users_may_publish() {
    require_root();
    let folder = installation();
    let mut service = confined_service(&folder);
    let agent = folder.subscribed_agent("agent", &service);
    let _ = worker(&folder, WORKER, SERVICE).expect(0);
    agent.wait_for_events(1);
    // The folder keeps strangers out before the socket does.
    let refused = worker(&folder, STRANGER, STRANGER);
    assert_ne!(refused.status.code(), Some(0), "{refused:?}");
    assert!(!service.stderr().contains("may not publish"), "{}", service.stderr());

    // Let through by modes that were loosened, a stranger is refused, with advice.
    let loosen =
        |path: &str, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("root may");
    loosen(&folder.path().join("run").display().to_string(), 0o755);
    loosen(&socket(&folder), 0o666);
    let refused = worker(&folder, STRANGER, STRANGER);
    assert_ne!(refused.status.code(), Some(0), "{refused:?}");
    until("the refusal is logged with advice", || {
        service.stderr().contains("may not publish: its user is not named").then_some(())
    });
    service.signal(Signal::HUP);
    service.terminate();
}

/// systemd's end of `Type=notify` with `WatchdogSec=`.
struct Manager(UnixDatagram, PathBuf);

impl Manager {
    fn new(folder: &Folder) -> Self {
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        Self(socket, path)
    }

    /// A program that it starts, with the unit's watchdog at a fifteenth of its time.
    fn start(&self, launch: Launch, unit: &str) -> Program {
        let unit = read(unit);
        let seconds: u64 = value(&unit, "WatchdogSec").expect("a watchdog").parse().expect("seconds");
        let microseconds = (seconds * 1_000_000 / 15).to_string();
        let launch = launch.env("NOTIFY_SOCKET", &self.1.display().to_string());
        launch.env("WATCHDOG_USEC", &microseconds).start()
    }

    fn wait_for(&self, wanted: &str) {
        let mut datagram = [0; 4096];
        loop {
            let length = self.0.recv(&mut datagram).unwrap_or_else(|error| panic!("no {wanted}: {error}"));
            let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return;
            }
        }
    }
}

#[test]
fn programs_send_what_their_units_wait_for() {
    let folder = Folder::new();
    let manager = Manager::new(&folder);
    let service = folder.launch("publisher-service", "service");
    let mut service = Service::ready(manager.start(service, "publisher-service.service"));
    let follow = |program: &mut Program, status: Option<&str>| {
        manager.wait_for("READY=1");
        (0..3).for_each(|_| manager.wait_for("WATCHDOG=1"));
        if let Some(status) = status {
            manager.wait_for(status);
        }
        program.signal(Signal::HUP);
        manager.wait_for("RELOADING=1");
        manager.wait_for("READY=1");
        manager.wait_for("WATCHDOG=1");
        program.signal(Signal::TERM);
        manager.wait_for("STOPPING=1");
        assert_eq!(program.wait_for_end().code(), Some(0), "{}", program.stderr());
    };
    let agent = folder.agent_launch("agent", service.address());
    follow(&mut service, Some("STATUS=0 connections, 0 events published"));
    let mut agent = manager.start(agent, "subscriber-agent.service");
    follow(&mut agent, None);
    let node = folder.skimmer(&["dse", "run"]).set("data_services.port", 0);
    let mut node = manager.start(node, "data-services-node.service");
    follow(&mut node, None);
}
