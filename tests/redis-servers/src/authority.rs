use std::fmt;
use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

/// A certificate authority that only the test trusts, with a folder for its certificates.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in files.
#[derive(Debug, Clone)]
pub struct Certified {
    /// The certificate, PEM.
    pub cert_file: PathBuf,
    /// Its private key, PEM.
    pub key_file: PathBuf,
}

impl Authority {
    /// Creates an authority. All have the same name, so they differ only in their keys.
    ///
    /// # Panics
    /// If its folder cannot be created.
    #[must_use]
    pub fn new() -> Self {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::CommonName, "an authority of tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::Builder::new().prefix("skimmer-tls-").tempdir().expect("a folder");
        fs::write(folder.path().join("ca.pem"), certificate.pem()).expect("a file");
        Self { folder, issuer: Issuer::new(params, key) }
    }

    /// The certificate that verifies its signatures.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Signs a valid certificate for these names and IP addresses.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn sign(&self, names: &[&str]) -> Certified {
        self.write(params(names), "good")
    }

    /// Signs a certificate that was valid until 2001.
    ///
    /// # Panics
    /// As [`sign`](Self::sign).
    #[must_use]
    pub fn sign_expired(&self, names: &[&str]) -> Certified {
        let mut params = params(names);
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
        self.write(params, "expired")
    }

    fn write(&self, mut params: CertificateParams, word: &str) -> Certified {
        // OpenSSL treats a certificate with its authority's name as the authority itself.
        params.distinguished_name.push(DnType::CommonName, word);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let folder = tempfile::Builder::new().prefix(word).tempdir_in(self.folder.path()).expect("a folder");
        // It is deleted with the authority's folder.
        let folder = folder.keep();
        let certified = Certified { cert_file: folder.join("cert.pem"), key_file: folder.join("key.pem") };
        fs::write(&certified.cert_file, certificate.pem()).expect("a file");
        fs::write(&certified.key_file, key.serialize_pem()).expect("a file");
        certified
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names that a certificate can have")
}
