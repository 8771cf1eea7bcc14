use std::io;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use rustix::net::sockopt;
use tokio::net::TcpStream;

use super::{Endpoint, Login, Stream};

/// Connects to a server, with TLS if the settings require it, and sends nothing yet. The caller limits the time; after `silence`
/// TCP gives up a peer that acknowledges nothing.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if no server listens or the TLS handshake fails; [`ErrorKind::Settings`] if no certificate can
/// be for the endpoint's host.
pub(crate) async fn dial(endpoint: &Endpoint, login: &Login, silence: Duration) -> Result<Stream> {
    let unavailable = |error: io::Error| {
        Error::new(ErrorKind::Unavailable, format!("cannot connect to {endpoint}")).with_source(error)
    };
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(unavailable)?;
    tune(&stream, silence).map_err(unavailable)?;
    match login.tls() {
        Some(tls) => Ok(Stream::Tls(Box::new(tls.wrap(stream, endpoint).await?))),
        None => Ok(Stream::Plain(stream)),
    }
}

/// Disables the delay for small writes. Probes detect a peer that vanished (tcp(7)); TCP_USER_TIMEOUT limits the time, for
/// idle and busy connections (docs/guarantees.md#f33).
fn tune(stream: &TcpStream, silence: Duration) -> io::Result<()> {
    // Three probes within the time; the kernel accepts whole seconds.
    let probe_every = (silence / 3).max(Duration::from_secs(1));
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, probe_every)?;
    sockopt::set_tcp_keepintvl(stream, probe_every)?;
    sockopt::set_tcp_user_timeout(stream, u32::try_from(silence.as_millis()).unwrap_or(u32::MAX))?;
    Ok(())
}
