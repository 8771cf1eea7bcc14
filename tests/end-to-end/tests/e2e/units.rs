//! The shipped systemd units: they are valid, the programs work under their restrictions, and the programs do what the units
//! expect of them.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::{Folder, Launch, PATIENCE, Program, Service, Signal, binary, event, jsonl, until};
use rustix::process::geteuid;

/// Users and groups that nobody has.
const SERVICE: u32 = 64_001;
const WORKER: u32 = 64_002;
const STRANGER: u32 = 64_003;

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
    for program in ["publisher-service", "subscriber-agent"] {
        // It looks for the program as well.
        let unit = read(&format!("{program}.service"));
        let installed = unit.replace(&format!("/usr/bin/{program}"), &binary(program).display().to_string());
        let path = folder.path().join(format!("{program}.service"));
        fs::write(&path, installed).expect("a file");
        let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().expect("it runs");
        let words = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && words.is_empty(), "{program}: {words}");
    }
}

#[test]
fn units_start_again_for_as_long_as_it_takes_and_keep_the_folder_of_the_socket() {
    for program in ["publisher-service", "subscriber-agent"] {
        let unit = read(&format!("{program}.service"));
        let (first, service) = unit.split_once("[Service]").expect("sections");
        assert_eq!(value(first, "StartLimitIntervalSec"), Some("0"), "{program}");
        assert_eq!(value(service, "Restart"), Some("on-failure"), "{program}");
        assert!(value(service, "WatchdogSec").is_some(), "{program}");
    }
    assert_eq!(value(&read("publisher-service.service"), "RuntimeDirectoryPreserve"), Some("yes"));
    assert!(read("handlers.conf").contains("\nRestrictAddressFamilies=AF_NETLINK\n"));
}

/// A folder for a service of its own user, in which others find the programs and the settings.
fn installation() -> Folder {
    let folder = Folder::new();
    let open =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    open(folder.path(), 0o755);
    open(&folder.config(), 0o644);
    let run = folder.path().join("run");
    fs::create_dir(&run).expect("a folder");
    fs::create_dir(folder.path().join("bin")).expect("a folder");
    open(&run, 0o750);
    chown(&run, Some(SERVICE), Some(SERVICE)).expect("root may");
    chown(folder.state_dir("service.state"), Some(SERVICE), Some(SERVICE)).expect("root may");
    folder
}

/// Makes the programs and the test's files visible to other users, and hides their processes as `ProtectProc=invisible` and
/// `ProcSubset=pid` do; then becomes a user without capabilities.
const CONFINED: &str = r#"
    set -e
    programs=$1 bin=$2 user=$3 groups=$4; shift 4
    mount --bind "$programs" "$bin"
    mount -t proc -o hidepid=invisible,subset=pid proc /proc
    umask 0027
    exec setpriv --reuid="$user" --regid="$user" --groups="$groups" --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"#;

/// Starts `program` as `user`, and under the filter of a unit, if one is given.
fn confined(
    folder: &Folder,
    name: &str,
    user: u32,
    groups: u32,
    unit: Option<&str>,
    arguments: &[&str],
) -> Launch {
    let bin = folder.path().join("bin");
    let program = binary("publisher-service");
    let programs = program.parent().expect("a folder").display().to_string();
    let (user, groups) = (user.to_string(), groups.to_string());
    let mut command = vec!["-m".to_owned(), "sh".into(), "-c".into(), CONFINED.into(), "sh".into()];
    command.extend([programs, bin.display().to_string(), user, groups]);
    if let Some(unit) = unit {
        let confine = folder.path().join("confine.py");
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/units/confine.py"), &confine)
            .expect("a copy");
        let copied = folder.path().join("unit");
        fs::copy(shipped(unit), &copied).expect("a copy");
        for path in [&confine, &copied] {
            fs::set_permissions(path, Permissions::from_mode(0o644)).expect("it is ours");
        }
        command.extend([
            "/usr/bin/python3".into(),
            confine.display().to_string(),
            copied.display().to_string(),
        ]);
    }
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    // What stands between is the program's path: in the folder that all see.
    let launch = Launch::at(&bin.join(name), name, folder.path()).args(arguments);
    launch.args(["--config".into(), folder.config().into_os_string()]).under("unshare", &command)
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
fn under_the_units_restrictions_the_groups_of_the_socket_decide_who_may_publish() {
    assert!(
        geteuid().is_root(),
        "only root can become another user: run this test as root, or leave it out by name"
    );
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
    let follow = |program: &mut Program| {
        manager.wait_for("READY=1");
        (0..3).for_each(|_| manager.wait_for("WATCHDOG=1"));
        program.signal(Signal::HUP);
        manager.wait_for("RELOADING=1");
        manager.wait_for("READY=1");
        manager.wait_for("WATCHDOG=1");
        program.signal(Signal::TERM);
        manager.wait_for("STOPPING=1");
        assert_eq!(program.wait_for_end().code(), Some(0), "{}", program.stderr());
    };
    let agent = folder.agent_launch("agent", service.address());
    follow(&mut service);
    let mut agent = manager.start(agent, "subscriber-agent.service");
    follow(&mut agent);
}

#[test]
fn an_unused_signal_ends_no_program() {
    let folder = Folder::new();
    let mut service = folder.service();
    let mut agent = folder.subscribed_agent("agent", &service);
    for program in [&*service, &agent] {
        program.signal(Signal::USR2);
        until("it is logged", || program.stderr().contains("ignored SIGUSR2").then_some(()));
    }
    folder.publish(&[event("t", "k", "set", "v", "D")]);
    agent.wait_for_events(1);
    agent.terminate();
    service.terminate();
}
