use std::io;

use pubsub_api::{Error, ErrorKind};
use tokio_rustls::rustls::{self, CertificateError};

use super::Endpoint;
use crate::settings::TlsSettings;

/// Explains why the TLS handshake with the server at `endpoint` failed; its certificate must be for `wanted`.
///
/// The kind is always [`ErrorKind::Unavailable`]: each cause can be fixed at the server while this program runs.
pub(super) fn explain(error: &io::Error, endpoint: &Endpoint, wanted: &str, settings: &TlsSettings) -> Error {
    let why = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(bad)) => {
            format!("the certificate of {endpoint} {}", fault(bad, wanted, settings))
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            format!(
                "the server at {endpoint} does not speak TLS: check drivers.redis.tls and drivers.redis.hosts"
            )
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("{endpoint} refused the TLS handshake ({alert:?}): {}", settings.client_hint())
        }
        Some(rustls::Error::PeerIncompatible(why)) => {
            format!("{endpoint} offers no secure version of TLS ({why:?}): enable TLS 1.2 or 1.3 there")
        }
        Some(other) => format!("the TLS handshake with {endpoint} failed ({other})"),
        None => {
            format!("{endpoint} closed the connection during the TLS handshake ({error}): check its log")
        }
    };
    Error::new(ErrorKind::Unavailable, why)
}

/// What is wrong with a certificate, and how to fix it.
fn fault(bad: &CertificateError, wanted: &str, settings: &TlsSettings) -> String {
    let ca_file = settings.ca_file.display();
    match bad {
        CertificateError::NotValidForName => name_mismatch(wanted, &[]),
        CertificateError::NotValidForNameContext { presented, .. } => name_mismatch(wanted, presented),
        // Also if the issuer has the name of an authority, but another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("is not signed by an authority in drivers.redis.ca_file {ca_file}: add its issuer")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired: renew it on the server, or correct the clock of this host".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: correct the clock of the server or of this host".to_owned()
        }
        other => format!("is invalid ({other})"),
    }
}

fn name_mismatch(wanted: &str, presented: &[String]) -> String {
    let whose = if presented.is_empty() { "no name".to_owned() } else { presented.join(", ") };
    format!(
        "is not for {wanted} but for {whose}: renew it on the server, or set drivers.redis.tls_server_name to its name"
    )
}
