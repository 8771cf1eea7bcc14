use std::path::{Path, PathBuf};

use pubsub_api::{Error, ErrorKind, Result};

/// A folder for the sockets and logs of one run, removed at the end.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder below the system's folder for temporary files, closed to others.
    pub(crate) fn new(purpose: &str) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("skimmer-{purpose}-{}", std::process::id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("cannot make the folder {}", path.display()))
                .with_source(error)
        })?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in a folder for temporary files harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
