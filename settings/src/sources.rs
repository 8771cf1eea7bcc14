use std::ffi::OsString;
use std::path::PathBuf;

use pubsub_api::{Error, ErrorKind, Result};

use super::oslo;

/// Environment variables that begin with `SKIMMER_` and are no settings: where tests find the programs, and the log
/// filter. Any other that is no setting is an error.
pub const ENVIRONMENT_OF_OTHERS: &[&str] = &["SKIMMER_BIN_DIR", "SKIMMER_LOG"];

/// Where settings come from. The default is from nowhere: every setting has its default.
///
/// A test builds one by hand, so that the environment of its process does not matter; a program uses
/// [`from_process`](Self::from_process).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The settings files. Of two that set the same, the later counts.
    pub files: Vec<PathBuf>,
    /// Environment variables by name and value. Only names that begin with `SKIMMER_` are looked at, and with an
    /// oslo.config file those of oslo.config: `OS_DF__PUBLISHER_PORT`.
    pub environment: Vec<(String, String)>,
    /// The arguments of `--set`, each `name=value`. Of two that set the same, the later counts.
    pub sets: Vec<String>,
}

impl Sources {
    /// Files and `--set` arguments, with the environment of this process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Settings`] if the name or value of such a variable is not UTF-8.
    pub fn from_process(files: impl IntoIterator<Item = PathBuf>, sets: Vec<String>) -> Result<Self> {
        let files = files.into_iter().collect();
        Ok(Self { files, environment: decode(std::env::vars_os())?, sets })
    }
}

fn decode(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>> {
    let prefixes = || ["SKIMMER_"].into_iter().chain(oslo::VARIABLES.iter().copied());
    let is_ours =
        |name: &OsString| prefixes().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()));
    let ours = variables.filter(|(name, _)| is_ours(name));
    let decode = |(name, value): (OsString, OsString)| match (name.to_str(), value.to_str()) {
        (Some(name), Some(value)) => Ok((name.to_owned(), value.to_owned())),
        _ => {
            let text = format!(
                "the environment variable {} is not UTF-8 text",
                name.to_string_lossy().escape_debug()
            );
            Err(Error::new(ErrorKind::Settings, text))
        }
    };
    ours.map(decode).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::decode;

    #[test]
    fn a_variable_of_ours_that_is_not_utf8_is_an_error_and_any_other_is_not() {
        let bad = || OsString::from_vec(vec![0xff]);
        let other = vec![("PATH".into(), bad()), (bad(), bad()), ("SKIMMER_LINGER".into(), "1s".into())];
        assert_eq!(decode(other.into_iter()).unwrap(), [("SKIMMER_LINGER".to_owned(), "1s".to_owned())]);

        let ours = vec![("SKIMMER_LINGER".into(), bad())];
        let error = decode(ours.into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable SKIMMER_LINGER is not UTF-8 text");
    }
}
