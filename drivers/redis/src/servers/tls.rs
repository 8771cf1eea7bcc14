use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Endpoint;
use super::handshake_failure::explain;
use super::secret_file::warn_if_exposed;
use crate::settings::{ClientFiles, TlsSettings};

/// The TLS configuration, read and checked.
#[derive(Clone)]
pub(crate) struct Tls {
    settings: TlsSettings,
    connector: TlsConnector,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] with the setting and its file, if one cannot be read or has the wrong content.
    pub(super) fn read(settings: &TlsSettings) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("ca_file", &settings.ca_file)? {
            roots.add(certificate).map_err(|error| unusable("ca_file", &settings.ca_file, error))?;
        }
        // Set explicitly, so that it does not depend on the providers that other crates link.
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| {
            Error::new(ErrorKind::Internal, "the TLS library lacks its own versions").with_source(error)
        })?;
        let builder = builder.with_root_certificates(roots);
        let config = match &settings.client {
            None => builder.with_no_client_auth(),
            Some(ClientFiles { cert_file, key_file }) => {
                let chain = certificates("client_cert_file", cert_file)?;
                warn_if_exposed("drivers.redis.client_key_file", key_file);
                let key = PrivateKeyDer::from_pem_file(key_file)
                    .map_err(|error| unreadable("client_key_file", key_file, "private key", error))?;
                // The key may have an unknown type, or not belong to the certificate.
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| unusable("client_key_file", key_file, error))?
            }
        };
        Ok(Self { settings: settings.clone(), connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Encrypts a connection, after verifying the server's certificate.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the verification fails: the certificate can be fixed at the server, so a retry may succeed.
    /// [`ErrorKind::Settings`] if no certificate can be for this host.
    pub(super) async fn wrap(&self, stream: TcpStream, endpoint: &Endpoint) -> Result<TlsStream<TcpStream>> {
        let name = match &self.settings.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(endpoint.host.clone()).map_err(|error| {
                let text = format!(
                    "no certificate can be for {:?}: use another name for the server in drivers.redis.hosts, or set \
                     drivers.redis.tls_server_name",
                    endpoint.host
                );
                Error::new(ErrorKind::Settings, text).with_source(error)
            })?,
        };
        let wanted = name.to_str().into_owned();
        let encrypted = self.connector.connect(name, stream).await;
        encrypted.map_err(|error: io::Error| explain(&error, endpoint, &wanted, &self.settings))
    }

    /// Possible causes if a server ends the connection right after the handshake.
    pub(super) fn hint(&self) -> &'static str {
        self.settings.client_hint()
    }
}

/// The derived one would show information about the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let failed = |error| unreadable(setting, path, "certificate", error);
    let found: Vec<_> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(failed)?;
    if found.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(found) }
}

/// The library's errors do not contain the content of the file.
fn unreadable(setting: &str, path: &Path, wanted: &str, error: pem::Error) -> Error {
    let path = path.display();
    match error {
        pem::Error::Io(error) => {
            let text = format!("cannot read drivers.redis.{setting} {path}");
            Error::new(ErrorKind::Settings, text).with_source(error)
        }
        pem::Error::NoItemsFound => {
            let text = format!("drivers.redis.{setting} {path} has no {wanted} in PEM form");
            Error::new(ErrorKind::Settings, text)
        }
        _ => Error::new(ErrorKind::Settings, format!("drivers.redis.{setting} {path} is not valid PEM")),
    }
}

fn unusable(setting: &str, path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let text = format!("drivers.redis.{setting} {} cannot be used", path.display());
    Error::new(ErrorKind::Settings, text).with_source(error)
}
