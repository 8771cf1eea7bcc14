use std::net::TcpListener;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

/// The ports below those of outgoing connections (ip(7), `ip_local_port_range`), so that no other process gets one of them
/// while the service of a test is down.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A free port for a service that is restarted at the same address. A service that starts only once uses port 0.
///
/// # Panics
/// If no port is free.
#[expect(clippy::disallowed_methods, reason = "the time only decides where the search for a port starts")]
#[must_use]
pub fn fixed_port() -> u16 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let start = (now / 1000).wrapping_add(process::id().wrapping_mul(7919));
    let ports = (0..u32::from(COUNT)).map(|step| start.wrapping_add(step) % u32::from(COUNT));
    let mut ports = ports.map(|offset| FIRST + u16::try_from(offset).unwrap());
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
