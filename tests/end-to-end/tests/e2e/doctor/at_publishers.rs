//! Faults that are seen from an agent's host.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use end_to_end::{Folder, event, fixed_port};

use super::keys::new_key;
use super::{Examined, live_agent, of_agent};

#[test]
fn a_wrong_port_in_the_settings_of_an_agent_is_named() {
    let folder = Folder::new();
    let service = folder.service();
    Examined::of(of_agent(&folder, service.address()))
        .passes("publishers-connect")
        .passes("publishers-requests");
    let wrong = format!("127.0.0.1:{}", fixed_port());
    let examined = Examined::of(of_agent(&folder, &wrong));
    examined.fails("publishers-connect", &format!("{wrong}: Connection refused"));
}

#[test]
fn a_name_without_address_is_named() {
    let folder = Folder::new();
    let examined = Examined::of(of_agent(&folder, "no-such-host.invalid:8866"));
    examined.fails("publishers-resolve", "no-such-host.invalid");
}

#[test]
fn a_foreign_program_at_the_port_of_a_publisher_is_named() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"));
        }
    });
    let examined = Examined::of(of_agent(&folder, &address).args(["--timeout", "1s"]));
    examined.fails("publishers-greeting", "does not speak ZMTP").passes("publishers-connect");
}

#[test]
fn many_listeners_that_never_greet_do_not_keep_it_from_ending() {
    let folder = Folder::new();
    let silent: Vec<TcpListener> = (0..40).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<String> = silent.iter().map(|one| one.local_addr().unwrap().to_string()).collect();
    let examined = Examined::of(of_agent(&folder, &addresses.join(",")).args(["--timeout", "300ms"]));
    examined.fails("publishers-greeting", "sends nothing").fails("publishers-greeting", "and 35 more");
}

#[test]
fn another_mechanism_at_the_publisher_is_named() {
    let folder = Folder::new();
    let service = folder.service();
    let public = new_key(&folder, "agent");
    let with_curve = of_agent(&folder, service.address()).set("drivers.zmtp.mechanism", "curve");
    let with_curve = with_curve.set("drivers.zmtp.agent_key_file", folder.path().join("agent.key").display());
    let examined = Examined::of(with_curve.set("drivers.zmtp.publisher_keys", public));
    examined.fails("both-mechanism", "it wants NULL, and this host has CURVE");
}

#[test]
fn two_publishers_of_one_id_are_named() {
    let folder = Folder::new();
    let launch = |name: &str| {
        let socket = folder.path().join(format!("{name}.sock"));
        let launch = folder.launch("publisher-service", name).set("publisher_id", "twin");
        end_to_end::Service::ready(launch.set("publisher_multiproc_socket", socket.display()).start())
    };
    let (one, other) = (launch("one"), launch("other"));
    let both = format!("{},{}", one.address(), other.address());
    Examined::of(of_agent(&folder, &both)).fails("publishers-ids", "have the id twin");
    Examined::of(of_agent(&folder, one.address())).passes("publishers-ids");
}

#[test]
fn a_topic_that_nobody_publishes_is_named_and_one_with_events_is_not() {
    let folder = Folder::new();
    let service = folder.service();
    folder.publish(&[event("lport", "port-1", "set", "1", "tenant-1")]);
    let examined =
        Examined::of(of_agent(&folder, service.address()).set("agent.topics", "tenant-1,tennant-2"));
    examined.warns("topics-published", "nobody has published on \"tennant-2\"");
    Examined::of(of_agent(&folder, service.address()).set("agent.topics", "tenant-1"))
        .passes("topics-published");
}

#[test]
fn an_agent_that_is_live_passes_every_check_about_its_publishers() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = live_agent(&folder, &service);
    let examined = Examined::of(of_agent(&folder, service.address()));
    for id in [
        "program-runs",
        "agent-live",
        "publishers-connect",
        "publishers-greeting",
        "publishers-hello",
        "publishers-requests",
        "both-versions",
        "both-event-size",
        "both-reports",
        "clock-publishers",
    ] {
        examined.passes(id);
    }
    agent.kill();
    Examined::of(of_agent(&folder, service.address())).fails("program-runs", "subscriber-agent does not run");
}
