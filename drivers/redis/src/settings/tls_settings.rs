use std::path::PathBuf;

use pubsub_api::settings::Section;
use pubsub_api::{Error, ErrorKind, Result};
use tokio_rustls::rustls::pki_types::ServerName;

use super::SECTION;

/// The TLS settings; the files are not read yet.
#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    /// The authorities that may sign the servers' certificates.
    pub(crate) ca_file: PathBuf,
    /// The name for which all certificates must be, if not the host of each server.
    pub(crate) server_name: Option<ServerName<'static>>,
    /// The client certificate, if there is one.
    pub(crate) client: Option<ClientFiles>,
}

/// The client certificate, and its key.
#[derive(Debug, Clone)]
pub(crate) struct ClientFiles {
    pub(crate) cert_file: PathBuf,
    pub(crate) key_file: PathBuf,
}

impl TlsSettings {
    /// Parses the settings; `None` if TLS is disabled.
    pub(super) fn read(own: &Section<'_>) -> Result<Option<Self>> {
        let names = ["ca_file", "tls_server_name", "client_cert_file", "client_key_file"];
        if !own.get("tls")? {
            // These settings imply TLS: no connection is better than one that everyone can read.
            for name in names {
                if !own.get::<String>(name)?.is_empty() {
                    return refuse(format!(
                        "{SECTION}.{name} is set, but TLS is disabled: set {SECTION}.tls, or remove {name}"
                    ));
                }
            }
            return Ok(None);
        }
        let ca_file = own.get::<String>("ca_file")?;
        if ca_file.is_empty() {
            return refuse(format!(
                "{SECTION}.tls is set without {SECTION}.ca_file: set it to the file of the authorities of the servers' certificates"
            ));
        }
        let client = match (own.get::<String>("client_cert_file")?, own.get::<String>("client_key_file")?) {
            (cert, key) if cert.is_empty() && key.is_empty() => None,
            (cert, key) if cert.is_empty() || key.is_empty() => {
                return refuse(format!(
                    "{SECTION}.client_cert_file and {SECTION}.client_key_file belong together: set both or neither"
                ));
            }
            (cert, key) => Some(ClientFiles { cert_file: cert.into(), key_file: key.into() }),
        };
        let server_name = server_name(own.get("tls_server_name")?)?;
        Ok(Some(Self { ca_file: ca_file.into(), server_name, client }))
    }

    /// Possible causes if a server refuses TLS without a reason, or ends a connection right after the handshake: it checks the
    /// client's certificate only then (TLS 1.3, RFC 8446 section 4.4.2.4).
    pub(crate) fn client_hint(&self) -> &'static str {
        if self.client.is_none() {
            "if it requires a client certificate, set drivers.redis.client_cert_file and drivers.redis.client_key_file"
        } else {
            "it may not trust the issuer of the certificate in drivers.redis.client_cert_file"
        }
    }
}

fn server_name(name: String) -> Result<Option<ServerName<'static>>> {
    if name.is_empty() {
        return Ok(None);
    }
    let refused =
        format!("{SECTION}.tls_server_name is {name:?}: it must be one name or IP address, without port");
    let name = ServerName::try_from(name);
    name.map(Some).map_err(|error| Error::new(ErrorKind::Settings, refused).with_source(error))
}

fn refuse<T>(text: String) -> Result<T> {
    Err(Error::new(ErrorKind::Settings, text))
}
