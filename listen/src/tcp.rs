use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};

use pubsub_api::{Error, ErrorKind, Result};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::passed;
use crate::port_holder::port_holder;
use crate::refusal::refusal;

/// Limit of connections that wait to be accepted; the kernel uses the lower of this and `net.core.somaxconn`, listen(2).
///
/// The standard library's 128 overflows when a thousand subscribers reconnect after a restart, and each refused one
/// retries only after a second.
const BACKLOG: i32 = 4096;

/// Listens on a TCP port, nonblocking.
///
/// `host` is an IPv4 address, an IPv6 address (with or without brackets), a name, or `*` for every IPv4 address of the
/// host, which is `0.0.0.0`; write `::` for every IPv6 address, and IPv4 too where `net.ipv6.bindv6only` is 0. For a
/// name with several addresses, the first one that belongs to this host is used; if its port is in use, that is an
/// error, and no other address is tried. Resolving a name may wait for a name server. Port 0 lets the kernel choose.
///
/// The search for the holder of a port in `/proc` takes at most half a second.
///
/// # Errors
///
/// - [`ErrorKind::Settings`] if `host` is empty.
/// - [`ErrorKind::Unavailable`] if the port is in use (the text names the address, the port, and the holder's pid and
///   command where they can be read), if the address does not belong to this host, if the port needs a privilege, or if
///   the name cannot be resolved.
///
/// ```
/// let first = listen::tcp("127.0.0.1", 0)?;
/// let port = first.local_addr().map(|address| address.port()).unwrap_or_default();
/// let error = listen::tcp("127.0.0.1", port).unwrap_err();
/// assert!(error.to_string().contains(&format!("127.0.0.1:{port} is in use by pid {}", std::process::id())));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn tcp(host: &str, port: u16) -> Result<TcpListener> {
    first_of(host, port, bind)
}

/// Checks that [`tcp`] can listen there now, without listening: no client can connect in the meantime.
///
/// The answer is true at this moment only: another process may bind the port before [`tcp`] does.
///
/// # Errors
///
/// As [`tcp`].
///
/// ```
/// let listener = listen::tcp("127.0.0.1", 0)?;
/// let port = listener.local_addr().map(|address| address.port()).unwrap_or_default();
/// assert!(listen::check_tcp("127.0.0.1", port).is_err(), "in use");
/// drop(listener);
/// assert!(listen::check_tcp("192.0.2.1", 0).is_err(), "not an address of this host (RFC 5737)");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn check_tcp(host: &str, port: u16) -> Result<()> {
    first_of(host, port, probe)
}

fn first_of<T>(host: &str, port: u16, claim: impl Fn(SocketAddr) -> io::Result<T>) -> Result<T> {
    let mut failure = None;
    for address in resolve(host, port)? {
        match claim(address) {
            Ok(claimed) => return Ok(claimed),
            Err(error) if is_not_here(&error) => failure = Some(failed(address, error)),
            Err(error) => return Err(failed(address, error)),
        }
    }
    Err(failure
        .unwrap_or_else(|| refusal(format!("the host {host} has no address; write an IP address instead"))))
}

pub(crate) fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if bare.is_empty() {
        return Err(Error::new(
            ErrorKind::Settings,
            format!("the host to listen on at port {port} is empty; write an address, or * for all"),
        ));
    }
    if bare == "*" {
        return Ok(vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))]);
    }
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = (bare, port).to_socket_addrs().map_err(|error| {
        refusal(format!("cannot resolve the host {host}; correct it, or write an IP address, or * for all"))
            .with_source(error)
    })?;
    Ok(found.collect())
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = match passed::claim(address) {
        Some(listener) => listener,
        None => TcpListener::bind(address)?,
    };
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    passed::keep(&listener);
    Ok(listener)
}

/// Binds as the standard library does, with SO_REUSEADDR: the kernel then refuses only an address on which a process
/// listens.
fn probe(address: SocketAddr) -> io::Result<()> {
    if passed::has(address) {
        return Ok(());
    }
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(())
}

/// Whether the host does not have this address: EADDRNOTAVAIL, or EAFNOSUPPORT without IPv6 in the kernel.
fn is_not_here(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

fn failed(address: SocketAddr, error: io::Error) -> Error {
    if is_not_here(&error) {
        return refusal(format!(
            "{} is not an address of this host; choose one that `ip address` shows, or * for all",
            address.ip()
        ))
        .with_source(error);
    }
    match error.kind() {
        io::ErrorKind::AddrInUse => refusal(format!(
            "{address} is in use by {}; stop that process or choose another port",
            port_holder(address)
        )),
        io::ErrorKind::PermissionDenied => refusal(format!(
            "this user may not listen on {address}; choose a port from 1024 \
             (net.ipv4.ip_unprivileged_port_start), or grant CAP_NET_BIND_SERVICE"
        ))
        .with_source(error),
        _ => refusal(format!("cannot listen on {address}; choose another address")).with_source(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privileged_port_that_is_denied_names_the_limit_and_the_capability() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        let error = failed(address, io::ErrorKind::PermissionDenied.into());
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        for part in ["127.0.0.1:80", "1024", "CAP_NET_BIND_SERVICE"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_kernel_without_ipv6_reports_that_the_host_lacks_the_address() {
        assert!(is_not_here(&Errno::AFNOSUPPORT.into()));
    }

    #[test]
    fn a_check_refuses_a_port_in_use_and_keeps_a_free_port_free() {
        let first = tcp("127.0.0.1", 0).unwrap();
        let port = first.local_addr().unwrap().port();
        let error = check_tcp("127.0.0.1", port).unwrap_err().to_string();
        assert!(
            error.contains(&format!("127.0.0.1:{port} is in use by pid {}", std::process::id())),
            "{error}"
        );
        drop(first);
        for _ in 0..2 {
            check_tcp("127.0.0.1", port).unwrap();
        }
        assert!(tcp("127.0.0.1", port).is_ok());
        assert!(check_tcp("192.0.2.1", 0).unwrap_err().to_string().contains("not an address of this host"));
        assert_eq!(check_tcp("", 1).unwrap_err().kind(), ErrorKind::Settings);
    }
}
