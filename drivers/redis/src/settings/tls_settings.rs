use std::path::PathBuf;

use pubsub_api::{Error, ErrorKind, Result};
use tokio_rustls::rustls::pki_types::ServerName;

use super::{RedisSection, SECTION};

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
    pub(super) fn read(own: &RedisSection) -> Result<Option<Self>> {
        if !own.tls {
            return refuse_without_tls(own).map(|()| None);
        }
        let Some(ca_file) = own.ca_file.clone() else {
            return refuse(format!(
                "{SECTION}.tls is set without {SECTION}.ca_file: set it to the file of the authorities of the servers' certificates"
            ));
        };
        let client = match (own.client_cert_file.clone(), own.client_key_file.clone()) {
            (None, None) => None,
            (Some(cert_file), Some(key_file)) => Some(ClientFiles { cert_file, key_file }),
            _ => {
                return refuse(format!(
                    "{SECTION}.client_cert_file and {SECTION}.client_key_file belong together: set both or neither"
                ));
            }
        };
        let server_name = own.tls_server_name.clone().map(server_name).transpose()?;
        Ok(Some(Self { ca_file, server_name, client }))
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

fn server_name(name: String) -> Result<ServerName<'static>> {
    let refused =
        format!("{SECTION}.tls_server_name is {name:?}: it must be one name or IP address, without port");
    let name = ServerName::try_from(name);
    name.map_err(|error| Error::new(ErrorKind::Settings, refused).with_source(error))
}

/// Refuses settings that imply TLS while it is disabled: no connection is better than one that everyone can read.
fn refuse_without_tls(own: &RedisSection) -> Result<()> {
    let implied = [
        ("ca_file", own.ca_file.is_some()),
        ("tls_server_name", own.tls_server_name.is_some()),
        ("client_cert_file", own.client_cert_file.is_some()),
        ("client_key_file", own.client_key_file.is_some()),
    ];
    match implied.into_iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => refuse(format!(
            "{SECTION}.{name} is set, but TLS is disabled: set {SECTION}.tls, or remove {name}"
        )),
        None => Ok(()),
    }
}

fn refuse<T>(text: String) -> Result<T> {
    Err(Error::new(ErrorKind::Settings, text))
}
