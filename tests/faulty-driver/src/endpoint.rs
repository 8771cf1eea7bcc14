use pubsub_api::{Error, ErrorKind, Result};

/// The endpoint that notices of a broker name.
pub(crate) const BROKER: &str = "faulty://broker:1";

const TRANSPORT: &str = "faulty";

/// Returns the endpoint of a host and port.
pub(crate) fn endpoint(host: &str, port: u16) -> String {
    format!("{TRANSPORT}://{host}:{port}")
}

/// Checks an endpoint to connect to.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for another transport, [`ErrorKind::Invalid`] for anything else that is no endpoint.
pub(crate) fn check(text: &str) -> Result<()> {
    let refuse = |kind, why| Err(Error::new(kind, format!("endpoint {text:?} {why}; write faulty://name:1")));
    match text.split_once("://") {
        None => refuse(ErrorKind::Invalid, "names no transport"),
        Some((TRANSPORT, place)) => match place.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse().is_ok_and(|port: u16| port > 0) => Ok(()),
            _ => refuse(ErrorKind::Invalid, "has no host and port"),
        },
        Some(_) => refuse(ErrorKind::Unsupported, "is of a transport that this driver does not speak"),
    }
}
