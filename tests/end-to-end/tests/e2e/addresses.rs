//! Ports and sockets: never stolen, never deleted, and the error names the holder or the repair.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use end_to_end::{Folder, Launch, event};

/// A second service in a folder, with a `state_dir` of its own.
fn second(folder: &Folder) -> Launch {
    folder.launch("publisher-service", "second")
}

/// Runs a command that must be refused at once: within a second on an idle machine (docs/guarantees.md#f07,
/// docs/guarantees.md#f13), five times as long in tests.
fn refused(launch: Launch, parts: &[&str]) {
    let started = Instant::now();
    let _ = launch.run().expect(69).says(parts);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}

#[test]
fn a_port_in_use_is_refused_with_address_and_holder() {
    let folder = Folder::new();
    let service = folder.service();
    let port = service.address().rsplit_once(':').expect("a port").1.to_owned();
    let elsewhere = Folder::new();
    let held = format!("{} is in use by pid {}", service.address(), service.pid());
    refused(second(&elsewhere).set("publisher_port", port), &[&held]);

    let foreign = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = foreign.local_addr().expect("an address");
    let held = format!("{address} is in use by pid {}", std::process::id());
    refused(second(&elsewhere).set("publisher_port", address.port()), &[&held]);
    assert!(!elsewhere.socket().exists(), "nothing is left");
}

#[test]
fn a_second_service_on_a_socket_is_refused_and_the_first_goes_on() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let held = format!("{} is in use by pid {}", folder.socket().display(), service.pid());
    for _ in 0..3 {
        refused(second(&folder), &[&held, "publisher-serv"]);
    }
    folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    agent.wait_for_events(1);
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed"]);
}

#[test]
fn a_second_program_in_a_state_dir_is_refused_and_the_first_goes_on() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let held = format!("in use by pid {}", agent.pid());
    refused(folder.agent_launch("agent", service.address()), &["state_dir", &held]);
    let elsewhere = folder.path().join("other.sock");
    let launch = folder.launch("publisher-service", "service");
    let held = format!("in use by pid {}", service.pid());
    refused(launch.set("publisher_multiproc_socket", elsewhere.display()), &["state_dir", &held]);
    assert_eq!(folder.status("agent")["pid"], agent.pid());
    assert_eq!(folder.status("service")["pid"], service.pid());
}

#[test]
fn the_socket_file_of_a_killed_service_is_reused() {
    let folder = Folder::new();
    for round in 0..3 {
        let mut service = folder.service();
        let found = fs::symlink_metadata(folder.socket()).expect("a socket file");
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o777, 0o660, "user and group may send");
        let agent = folder.subscribed_agent(&format!("agent-{round}"), &service);
        folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
        agent.wait_for_events(1);
        service.kill();
        assert!(folder.socket().exists(), "kill -9 leaves the file");
    }
}

/// Puts something at a path.
type Occupy<'a> = &'a dyn Fn(&Path);

#[test]
fn a_file_that_is_not_a_socket_at_the_socket_path_is_refused_by_name_and_not_changed() {
    let folder = Folder::new();
    let path = folder.path().join("occupied");
    let target = folder.write("target", "precious");
    let occupy: [(&str, Occupy<'_>); 4] = [
        ("a regular file", &|path| fs::write(path, "precious").expect("written")),
        ("a symbolic link", &|path| symlink(&target, path).expect("linked")),
        ("a symbolic link", &|path| symlink("/no/such/target", path).expect("linked")),
        ("a directory", &|path| fs::create_dir(path).expect("made")),
    ];
    for (name, occupy) in occupy {
        occupy(&path);
        let before = fs::symlink_metadata(&path).expect("it is there");
        let launch = second(&folder).set("publisher_multiproc_socket", path.display());
        refused(launch, &[&path.display().to_string(), name, "was left in place"]);
        let after = fs::symlink_metadata(&path).expect("it is still there");
        assert_eq!((before.file_type(), before.len()), (after.file_type(), after.len()), "{name}");
        match after.is_dir() {
            true => fs::remove_dir(&path).expect("removed"),
            false => fs::remove_file(&path).expect("removed"),
        }
    }
    assert_eq!(fs::read_to_string(target).expect("still there"), "precious");
}

#[test]
fn a_folder_that_cannot_contain_the_socket_is_refused_with_the_command_that_fixes_it() {
    let folder = Folder::new();
    let missing = folder.path().join("not there");
    let open = folder.path().join("open");
    fs::create_dir(&open).expect("made");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("changed");
    let file = folder.write("file", "");
    let cases = [
        (missing.clone(), format!("mkdir -p '{}' && chown ", missing.display())),
        (open.clone(), format!("chmod o-w {}", open.display())),
        (file.clone(), format!("mv {0} {0}.old && mkdir -p {0}", file.display())),
    ];
    for (directory, command) in cases {
        let socket = directory.join("ipc.sock");
        refused(second(&folder).set("publisher_multiproc_socket", socket.display()), &[&command]);
        refused(second(&folder).set("state_dir", directory.display()), &["state_dir", &command]);
        let agent = folder.agent_launch("agent", "127.0.0.1:1").set("state_dir", directory.display());
        refused(agent, &["state_dir", &command]);
    }
    let of_another = Path::new("/proc/1/ipc.sock");
    refused(second(&folder).set("publisher_multiproc_socket", of_another.display()), &["/proc/1"]);
}

#[test]
fn an_address_of_another_host_is_refused() {
    let folder = Folder::new();
    let launch =
        second(&folder).set("publisher_bind_address", "192.0.2.1").set("allow_unauthenticated", true);
    refused(launch, &["192.0.2.1", "is not an address of this host"]);
}
