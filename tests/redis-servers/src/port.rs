use std::net::TcpListener;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

/// Ports below those that the kernel uses for outgoing connections (ip(7), `ip_local_port_range`), also for the port 10,000
/// higher, on which a cluster node listens for the others: nothing takes such a port while a server is down.
const FIRST: u16 = 10_000;
const COUNT: u16 = 12_000;

/// Distance between a node's port and the port on which it listens for the other nodes.
const BUS: u16 = 10_000;

/// A free port whose bus port is free as well.
///
/// # Panics
/// If there is none.
#[expect(clippy::disallowed_methods, reason = "the time only decides where the search for a port starts")]
pub(crate) fn free_port() -> u16 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let start = (now / 1000).wrapping_add(process::id().wrapping_mul(7919));
    let offsets = (0..u32::from(COUNT)).map(|step| start.wrapping_add(step) % u32::from(COUNT));
    let mut ports = offsets.map(|offset| FIRST + u16::try_from(offset).unwrap());
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    ports.find(|port| is_free(*port) && is_free(*port + BUS)).expect("a free port")
}
