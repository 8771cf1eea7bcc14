use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};

use pubsub_api::{Error, ErrorKind, Result};
use rustix::io::Errno;

use crate::port_holder::port_holder;
use crate::refusal::refusal;

/// The most connections that wait to be accepted; the kernel takes the lower of this and `net.core.somaxconn`, listen(2).
///
/// The standard library's 128 overflows when a thousand subscribers reconnect after a restart, and each that does not
/// fit tries again only after a second.
const BACKLOG: i32 = 4096;

/// Listens on a TCP port, nonblocking.
///
/// `host` is an IPv4 address, an IPv6 address (with or without brackets), a name, or `*` for every IPv4 address of the
/// host, which is `0.0.0.0`; write `::` for every IPv6 address, and IPv4 too where `net.ipv6.bindv6only` is 0. Of a name
/// with several addresses the first that this host has is taken; if its port is in use that is an error, and no other
/// address takes its place. Resolving a name may wait for a name server. Port 0 lets the kernel choose.
///
/// The holder of a port is looked for in `/proc` for at most half a second.
///
/// # Errors
///
/// - [`ErrorKind::Settings`] if `host` is empty.
/// - [`ErrorKind::Unavailable`] if the port is in use (the text names address, port, and the holder's pid and command
///   where they can be read), if the address is not one of this host's, if the port needs a privilege, or if the name
///   cannot be resolved.
///
/// ```
/// let first = listen::tcp("127.0.0.1", 0)?;
/// let port = first.local_addr().map(|address| address.port()).unwrap_or_default();
/// let error = listen::tcp("127.0.0.1", port).unwrap_err();
/// assert!(error.to_string().contains(&format!("127.0.0.1:{port} is in use by pid {}", std::process::id())));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn tcp(host: &str, port: u16) -> Result<TcpListener> {
    let mut failure = None;
    for address in resolve(host, port)? {
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) if is_not_here(&error) => failure = Some(failed(address, error)),
            Err(error) => return Err(failed(address, error)),
        }
    }
    Err(failure.unwrap_or_else(|| refusal(format!("the host {host} has no address; write one in its place"))))
}

fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
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
        refusal(format!(
            "the host {host} cannot be resolved; correct it, or write an IP address, or * for all"
        ))
        .with_source(error)
    })?;
    Ok(found.collect())
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Whether the host has no such address: EADDRNOTAVAIL, or EAFNOSUPPORT without IPv6 in the kernel.
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
            "{address} may not be listened on by this user; choose a port from 1024 \
             (net.ipv4.ip_unprivileged_port_start), or grant CAP_NET_BIND_SERVICE"
        ))
        .with_source(error),
        _ => refusal(format!("{address} cannot be listened on; choose another address")).with_source(error),
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
    fn a_kernel_without_ipv6_does_not_have_the_address() {
        assert!(is_not_here(&Errno::AFNOSUPPORT.into()));
    }
}
