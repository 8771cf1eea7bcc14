use std::path::{Path, PathBuf};

use pubsub_api::{Error, ErrorKind, Posture, Result, Verdict};

use crate::bearer_token::BearerToken;
use crate::{Occupancy, OperationsAddress};

/// Where an endpoint listens and which token it demands: the settings `operations_bind` and `operations_token_file` of a
/// section.
///
/// ```
/// use operations::{Occupancy, OperationsOptions};
///
/// assert!(OperationsOptions::of("service", "", None)?.is_none(), "there is no endpoint");
/// let exposed = OperationsOptions::of("service", "*:9466", None)?;
/// let error = exposed.map(|options| options.check(Occupancy::Free)).unwrap_or(Ok(())).unwrap_err();
/// assert!(error.to_string().contains("service.operations_token_file"));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationsOptions {
    /// The section of the settings, for errors.
    section: &'static str,
    address: OperationsAddress,
    token_file: Option<PathBuf>,
}

impl OperationsOptions {
    /// Reads the two settings of a section; `None` if `bind` is empty. Nothing is opened.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if `bind` is not an address, or if there is a token and no address.
    pub fn of(section: &'static str, bind: &str, token_file: Option<PathBuf>) -> Result<Option<Self>> {
        if bind.is_empty() {
            return match token_file {
                None => Ok(None),
                Some(_) => Err(Error::new(
                    ErrorKind::Settings,
                    format!(
                        "{section}.operations_token_file is set, and operations_bind is not: set both or none"
                    ),
                )),
            };
        }
        let address = bind.parse().map_err(|error| {
            Error::new(ErrorKind::Settings, format!("{section}.operations_bind: {error}"))
        })?;
        Ok(Some(Self { section, address, token_file }))
    }

    /// Checks that the endpoint can be started, without starting it: that a token protects an address that other hosts can
    /// connect to, that its file can be read, and that the address is free if it should be.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for a token that is missing or wrong. [`ErrorKind::Unavailable`] for an address that is in use,
    /// or that this host does not have.
    pub fn check(&self, occupancy: Occupancy) -> Result<()> {
        self.token()?;
        if occupancy == Occupancy::Held {
            return Ok(());
        }
        let checked = match &self.address {
            OperationsAddress::Tcp { host, port } => listen::check_tcp(host, *port),
            OperationsAddress::Unix(path) => listen::check_unix(path),
        };
        checked.map_err(|error| self.of_bind(error))
    }

    /// Checks that a token is set if other hosts can connect to the address. No file is read.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if not; as [`is_loopback`](listen::is_loopback) for a host that cannot be resolved.
    pub fn check_exposure(&self) -> Result<()> {
        let Self { section, address, token_file } = self;
        if token_file.is_some() || !address.is_exposed().map_err(|error| self.of_bind(error))? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Settings,
            format!(
                "{section}.operations_bind = \"{address}\": other hosts can connect to this address and read the status. \
                 Set one of:\n  {section}.operations_bind = \"127.0.0.1:9466\"\n  {section}.operations_token_file = \
                 \"/etc/skimmer/operations-token\"    # requests then need the token"
            ),
        ))
    }

    /// Who can read the health, the metrics and the status of the program.
    #[must_use]
    pub fn posture(&self) -> Posture {
        let Self { section, address, token_file } = self;
        let exposed = address.is_exposed().unwrap_or(true);
        let (verdict, state) = match (exposed, token_file.is_some()) {
            (false, false) => (Verdict::Good, format!("{address}: only this host can connect")),
            (false, true) => (Verdict::Good, format!("{address}: only this host can connect, with a token")),
            (true, true) => {
                (Verdict::Weak, format!("{address}: requests need a token; HTTP does not encrypt it"))
            }
            (true, false) => (Verdict::Open, format!("{address}: any host that can connect can read it")),
        };
        let posture = Posture::new("operations endpoint", verdict, state);
        match (exposed, token_file) {
            (false, _) => posture,
            (true, None) => posture.remedy(format!("{section}.operations_token_file")),
            (true, Some(_)) => posture.remedy("a loopback address, and a proxy with TLS in front of it"),
        }
    }

    pub(crate) fn address(&self) -> &OperationsAddress {
        &self.address
    }

    /// An error of the address, with the name of its setting.
    pub(crate) fn of_bind(&self, error: Error) -> Error {
        error.context(format!("{}.operations_bind", self.section))
    }

    /// Opens the token, and checks that there is one if the address needs it.
    pub(crate) fn token(&self) -> Result<Option<BearerToken>> {
        self.check_exposure()?;
        self.token_file.as_deref().map(|path| self.open_token(path)).transpose()
    }

    fn open_token(&self, path: &Path) -> Result<BearerToken> {
        BearerToken::open(path).map_err(|error| {
            let text = format!("{}.operations_token_file {}: {error}", self.section, path.display());
            Error::new(ErrorKind::Settings, text)
        })
    }
}
