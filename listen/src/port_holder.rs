use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::holder::Holder;

/// Time limit of the search for the holder of a port; a refused start has one second in all (docs/guarantees.md#f13).
const SEARCH_DEADLINE: Duration = Duration::from_millis(500);

/// Limit for reading one socket table: about 100 000 lines of 150 bytes.
const TABLE_BYTES: u64 = 16 << 20;

/// Finds the process whose TCP socket keeps `wanted` from being bound.
///
/// Listening sockets come first in the tables; after them an outgoing connection may have the port, too. A process of
/// another user is visible only to root.
pub(crate) fn port_holder(wanted: SocketAddr) -> Holder {
    let deadline = Instant::now() + SEARCH_DEADLINE;
    let tables = match wanted {
        SocketAddr::V4(_) => ["/proc/net/tcp", "/proc/net/tcp6"],
        SocketAddr::V6(_) => ["/proc/net/tcp6", "/proc/net/tcp"],
    };
    tables
        .iter()
        .find_map(|table| socket_inode(table, wanted))
        .and_then(|inode| process_with_socket(inode, deadline))
        .map_or(Holder::Unseen, Holder::of)
}

/// The inode of the first socket in `table` whose local address conflicts with `wanted`.
fn socket_inode(table: &str, wanted: SocketAddr) -> Option<u64> {
    let lines = BufReader::new(File::open(table).ok()?.take(TABLE_BYTES)).lines();
    lines.map_while(std::io::Result::ok).find_map(|line| conflicting_inode(&line, wanted))
}

/// The inode of the line's socket, if its local address conflicts with `wanted`. Fields: proc_pid_net(5).
fn conflicting_inode(line: &str, wanted: SocketAddr) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    if u16::from_str_radix(port, 16).ok()? != wanted.port() || !conflict(wanted.ip(), parse_address(address)?)
    {
        return None;
    }
    // A socket without inode (TIME_WAIT) belongs to no process.
    fields.nth(7)?.parse().ok().filter(|inode| *inode != 0)
}

/// Parses 32-bit words in hexadecimal, each in the byte order of the processor.
fn parse_address(text: &str) -> Option<IpAddr> {
    let word = |range| Some(u32::from_str_radix(text.get(range)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0..8)?))),
        32 => {
            let words = [word(0..8)?, word(8..16)?, word(16..24)?, word(24..32)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

/// Whether two sockets of one port cannot have these addresses at the same time; `::` also covers IPv4, ipv6(7).
fn conflict(wanted: IpAddr, held: IpAddr) -> bool {
    let (wanted, held) = (wanted.to_canonical(), held.to_canonical());
    let covers = |wide: IpAddr, other: IpAddr| wide.is_unspecified() && (wide.is_ipv6() || other.is_ipv4());
    wanted == held || covers(wanted, held) || covers(held, wanted)
}

/// The process that has the socket open, proc_pid_fd(5). Skips processes that end or are not accessible.
fn process_with_socket(inode: u64, deadline: Instant) -> Option<u32> {
    let socket = PathBuf::from(format!("socket:[{inode}]"));
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .take_while(|_| Instant::now() < deadline)
        .find(|pid| has_open(*pid, &socket, deadline))
        .map(|pid| eldest_with(pid, &socket, deadline))
}

/// The eldest of this process and its ancestors that has the socket open: a child has inherited it, maybe only until it executes
/// another program.
fn eldest_with(pid: u32, socket: &Path, deadline: Instant) -> u32 {
    let with_socket = |pid: &u32| parent_of(*pid).filter(|parent| has_open(*parent, socket, deadline));
    std::iter::successors(Some(pid), with_socket).last().unwrap_or(pid)
}

/// The parent of a process, proc_pid_status(5).
fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
        .filter(|parent| *parent != 0)
}

fn has_open(pid: u32, target: &Path, deadline: Instant) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors
        .flatten()
        .take_while(|_| Instant::now() < deadline)
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn two_addresses_conflict_if_one_covers_the_other() {
        let cases = [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "0.0.0.0", true),
            ("0.0.0.0", "10.0.0.1", true),
            ("127.0.0.1", "::", true),
            ("::", "127.0.0.1", true),
            ("::1", "::", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0", "::1", false),
            ("::1", "0.0.0.0", false),
        ];
        for (wanted, held, expected) in cases {
            assert_eq!(conflict(address(wanted), address(held)), expected, "{wanted} and {held}");
        }
    }

    #[test]
    fn of_a_process_and_its_children_the_eldest_with_the_socket_holds_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let inode = rustix::fs::fstat(&listener).expect("a socket").st_ino;
        let inherited = rustix::io::dup(&listener).expect("a descriptor that is inherited");
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("sleep of coreutils");
        drop(inherited);
        let socket = PathBuf::from(format!("socket:[{inode}]"));
        let deadline = Instant::now() + Duration::from_secs(60);
        let child_has_it = has_open(child.id(), &socket, deadline);
        let eldest = eldest_with(child.id(), &socket, deadline);
        child.kill().and_then(|()| child.wait()).expect("it ends");
        assert!(child_has_it, "the child has inherited the socket");
        assert_eq!(eldest, std::process::id());
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn a_line_of_the_socket_table_yields_its_inode_if_address_and_port_conflict() {
        let v4 = "   1: 0100007F:11D2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0";
        let v6 = "   0: 00000000000000000000000001000000:11D2 00000000000000000000000000000000:0000 0A \
                  00000000:00000000 00:00000000 00000000     0        0 4712 1 0";
        let gone = v4.replace("4711", "0");
        let cases = [
            (v4, "127.0.0.1:4562", Some(4711)),
            (v4, "127.0.0.1:4563", None),
            (v4, "127.0.0.2:4562", None),
            (v6, "[::1]:4562", Some(4712)),
            (&gone, "127.0.0.1:4562", None),
            ("  sl  local_address rem_address   st tx_queue rx_queue", "127.0.0.1:4562", None),
            ("", "127.0.0.1:4562", None),
        ];
        for (line, wanted, inode) in cases {
            assert_eq!(conflicting_inode(line, wanted.parse().expect(wanted)), inode, "{wanted}: {line}");
        }
    }
}
