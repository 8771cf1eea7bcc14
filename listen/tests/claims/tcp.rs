use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use pubsub_api::ErrorKind;

use crate::in_time::in_time;
use crate::process::Process;

#[test]
fn a_star_listens_on_every_ipv4_address() {
    let listener = listen::tcp("*", 0).unwrap();
    let address = listener.local_addr().unwrap();
    assert!(address.ip().is_unspecified() && address.is_ipv4(), "{address}");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).unwrap();
}

#[test]
fn a_host_is_an_address_of_either_family_or_a_name() {
    for host in ["127.0.0.1", "::1", "[::1]", "::", "localhost"] {
        let listener = listen::tcp(host, 0).unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    }
}

#[test]
fn a_port_in_use_is_refused_within_a_second_with_address_port_pid_and_command() {
    let mut holder = Process::start("hold a port", Path::new(""));
    holder.go();
    let port: u16 = holder.line().parse().unwrap();
    for host in ["127.0.0.1", "*", "::"] {
        // docs/guarantees.md#f13
        let error = in_time(Duration::from_secs(1), || listen::tcp(host, port).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let by = format!(":{port} is in use by pid {} (", holder.pid());
        assert!(error.to_string().contains(&by), "{host}: {error}");
    }
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
}

#[test]
fn a_port_held_on_ipv6_is_refused_with_its_holder() {
    let held = TcpListener::bind("[::1]:0").unwrap();
    let address = held.local_addr().unwrap();
    let text = listen::tcp("::1", address.port()).unwrap_err().to_string();
    assert!(text.contains(&format!("{address} is in use by pid {} (", std::process::id())), "{text}");
}

#[test]
fn a_port_used_by_an_outgoing_connection_is_refused_with_its_holder() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    let port = client.local_addr().unwrap().port();
    let text = listen::tcp("127.0.0.1", port).unwrap_err().to_string();
    assert!(text.contains(&format!("127.0.0.1:{port} is in use by pid {} (", std::process::id())), "{text}");
}

#[test]
fn a_port_is_free_immediately_after_a_listener_with_connections_ended() {
    let listener = listen::tcp("127.0.0.1", 0).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let _client = TcpStream::connect(address).unwrap();
    drop(listener);
    listen::tcp("127.0.0.1", address.port()).unwrap();
}

#[test]
fn a_host_that_cannot_be_listened_on_is_refused_with_a_clear_sentence() {
    // 192.0.2.0/24 and 2001:db8::/32 are for documentation (RFC 5737, RFC 3849): no host has them.
    let cases = [
        ("192.0.2.1", ErrorKind::Unavailable, "192.0.2.1 is not an address of this host"),
        ("2001:db8::1", ErrorKind::Unavailable, "2001:db8::1 is not an address of this host"),
        ("two..dots", ErrorKind::Unavailable, "cannot resolve the host two..dots"),
        ("", ErrorKind::Settings, "is empty"),
    ];
    for (host, kind, text) in cases {
        let error = listen::tcp(host, 0).unwrap_err();
        assert_eq!(error.kind(), kind, "{host}");
        assert!(error.to_string().contains(text), "{host}: {error}");
    }
}
