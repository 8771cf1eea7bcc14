use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pubsub_api::Result;

use crate::cannot;

/// A temporary folder for the sockets and logs of one run, removed when this value is dropped.
///
/// ```
/// use bench_kit::Scratch;
///
/// let (first, second) = (Scratch::new("example")?, Scratch::new("example")?);
/// assert_ne!(first.path(), second.path(), "each run has a folder of its own");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes a new folder in the system's folder for temporary files, accessible to this user only.
    ///
    /// Its name is `skimmer-PURPOSE-PROCESS-NUMBER`. The number increases until the name is free, so runs of one process, and
    /// folders that a killed process with the same id left, do not collide.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if it cannot be made.
    pub fn new(purpose: &str) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("skimmer-{purpose}-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match make_private(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot(format!("make the folder {}", path.display()))(error)),
            }
        }
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Files that are left in the folder for temporary files do no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;

    #[test]
    fn two_folders_of_one_purpose_and_process_do_not_collide() {
        let (first, second) = (Scratch::new("twice").unwrap(), Scratch::new("twice").unwrap());
        std::fs::write(first.path().join("log"), "first").unwrap();
        drop(second);
        assert!(first.path().join("log").exists());
    }
}
