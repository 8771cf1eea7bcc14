use std::io;

use pubsub_api::{Error, ErrorKind};
use tokio_rustls::rustls::{self, CertificateError};

use super::Endpoint;
use crate::settings::TlsSettings;

/// Why TLS did not come about with the server at `endpoint`, whose certificate must be for `wanted`.
///
/// It is [`ErrorKind::Unavailable`], always: all of it can be mended at the server, also while this program runs.
pub(super) fn explain(error: &io::Error, endpoint: &Endpoint, wanted: &str, settings: &TlsSettings) -> Error {
    let why = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(bad)) => {
            format!("the certificate of {endpoint} {}", fault(bad, wanted, settings))
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            format!(
                "what listens at {endpoint} does not speak TLS: look at drivers.redis.tls and drivers.redis.hosts"
            )
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("{endpoint} refuses to speak TLS with us ({alert:?}): {}", settings.client_hint())
        }
        Some(rustls::Error::PeerIncompatible(why)) => {
            format!("{endpoint} speaks no TLS that is safe ({why:?}): allow TLS 1.2 or 1.3 there")
        }
        Some(other) => format!("{endpoint} does not come to terms about TLS ({other})"),
        None => {
            format!("{endpoint} closed the connection instead of speaking TLS ({error}): look at its log")
        }
    };
    Error::new(ErrorKind::Unavailable, why)
}

/// What is wrong with a certificate, and what mends it.
fn fault(bad: &CertificateError, wanted: &str, settings: &TlsSettings) -> String {
    let ca_file = settings.ca_file.display();
    match bad {
        CertificateError::NotValidForName => name_mismatch(wanted, &[]),
        CertificateError::NotValidForNameContext { presented, .. } => name_mismatch(wanted, presented),
        // Also if somebody else has the name of an authority, but not its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("is signed by none of those in drivers.redis.ca_file {ca_file}: add who signed it")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired: renew it there, or mend the clock here".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: mend the clock there or here".to_owned()
        }
        other => format!("is not good ({other})"),
    }
}

fn name_mismatch(wanted: &str, presented: &[String]) -> String {
    let whose = if presented.is_empty() { "no name at all".to_owned() } else { presented.join(", ") };
    format!(
        "is not for {wanted} but for {whose}: renew it there, or say in drivers.redis.tls_server_name whom it is for"
    )
}
