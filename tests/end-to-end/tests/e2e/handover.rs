//! Listeners that a service manager keeps over a restart, or passes from a socket unit: no connection is refused.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::io::{IoSliceMut, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

use end_to_end::{Folder, PATIENCE, Service, Signal, event, until};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// The socket of a service manager that keeps what it is given.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    fn new(folder: &Folder) -> Self {
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("the folder is ours");
        socket.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        Self { socket, path: path.display().to_string() }
    }

    /// Waits until the program is ready; the listener that it gave to the manager, in the order of its messages.
    fn wait_for_ready(&self) -> Option<OwnedFd> {
        let mut kept = None;
        loop {
            let mut text = [0; 4096];
            let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let into = &mut [IoSliceMut::new(&mut text)];
            let received =
                recvmsg(&self.socket, into, &mut ancillary, RecvFlags::CMSG_CLOEXEC).expect("in time");
            let fds = ancillary.drain().filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(fds) => Some(fds),
                _ => None,
            });
            let mut fds: Vec<OwnedFd> = fds.flatten().collect();
            let text = String::from_utf8_lossy(&text[..received.bytes]).into_owned();
            if text.contains("FDSTOREREMOVE=1") {
                assert!(text.contains("FDNAME=skimmer"), "{text}");
                kept = None;
            } else if text.contains("FDSTORE=1") {
                assert!(text.contains("FDNAME=skimmer"), "{text}");
                kept = fds.pop();
            }
            if text.contains("READY=1") {
                return kept;
            }
        }
    }
}

#[test]
fn a_listener_that_is_kept_over_a_restart_refuses_no_connection() {
    let folder = Folder::new();
    let manager = Manager::new(&folder);
    let start = |port: u16, listener: Option<OwnedFd>| {
        let launch = folder.launch("publisher-service", "service").set("publisher_port", port);
        let launch = launch.env("NOTIFY_SOCKET", &manager.path);
        let launch = match listener {
            Some(listener) => launch.with_listener(listener),
            None => launch,
        };
        let service = Service::ready(launch.start());
        (service, manager.wait_for_ready().expect("the listener is given to the manager"))
    };
    let (mut service, mut kept) = start(0, None);
    let port = service.address().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let agent = folder.subscribed_agent("agent", &service);
    for round in 0..3_usize {
        // Planned, planned, and killed.
        match round {
            0 => service.terminate(),
            1 => {
                service.signal(Signal::USR2);
                assert_eq!(service.wait_for_end().code(), Some(0), "{}", service.stderr());
            }
            _ => service.kill(),
        }
        let mut between = TcpStream::connect(("127.0.0.1", port)).expect("it is not refused");
        (service, kept) = start(port, Some(kept));
        between.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        let mut greeting = [0; 10];
        between.read_exact(&mut greeting).expect("it is greeted by the next process");
        assert_eq!(greeting[0], 0xff, "a greeting of ZMTP");
        folder.publish(&[event("t", &round.to_string(), "set", "v", "D")]);
        agent.wait_for_events(round + 1);
    }
    drop(kept);
    service.terminate();
    let refused = TcpStream::connect(("127.0.0.1", port));
    assert!(refused.is_err(), "nobody holds the port any more");
}

#[test]
fn a_passed_listener_that_no_setting_names_is_closed_with_a_warning() {
    let folder = Folder::new();
    let (passed, bound) =
        (TcpListener::bind("127.0.0.1:0").expect("a port"), TcpListener::bind("127.0.0.1:0"));
    let address = passed.local_addr().expect("it is bound");
    drop(bound);
    let service = folder.launch("publisher-service", "service").set("publisher_port", 0);
    let mut service = Service::ready(service.with_listener(passed.into()).start());
    let warning = format!("closed the listener of {address} that was passed to the service");
    until("it is logged", || service.stderr().contains(&warning).then_some(()));
    assert!(TcpStream::connect(address).is_err(), "it is closed");
    service.terminate();
}

#[test]
fn a_socket_unit_starts_the_service_at_the_first_connection() {
    let folder = Folder::new();
    let port = end_to_end::fixed_port();
    let listen = format!("--listen=127.0.0.1:{port}");
    let service = folder.launch("publisher-service", "service").set("publisher_port", port);
    let service = service.under("systemd-socket-activate", &[&listen]).start();
    let agent = folder.agent_launch("agent", &format!("127.0.0.1:{port}")).start();
    let mut service = Service::ready(service);
    agent.wait_for_notice(0, "live");
    folder.publish(&[event("t", "k", "set", "v", "D")]);
    agent.wait_for_events(1);
    assert!(!service.stderr().contains("that was passed to the service"), "{}", service.stderr());
    service.terminate();
}
