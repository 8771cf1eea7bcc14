use std::path::{Path, PathBuf};

use pubsub_api::{Error, ErrorKind, Result};

/// A temporary folder for the sockets and logs of one run, removed when this value is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes a new folder in the system's folder for temporary files, accessible to this user only.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it cannot be made.
    pub fn new(purpose: &str) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("skimmer-{purpose}-{}", std::process::id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("cannot make the folder {}", path.display()))
                .with_source(error)
        })?;
        Ok(Self(path))
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Files that are left in the folder for temporary files do no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
