use std::fs;
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};

use pubsub_api::{Error, ErrorKind, Result};

use super::SavedState;
use delivery::owned_file;

/// The largest file that is written or read: 512 MiB, a table of more than a million rows.
pub const MOST_BYTES: u64 = 512 * 1024 * 1024;

impl SavedState {
    /// Writes the state to a new file beside `path`, and renames it to `path` in one step; only its owner may read it.
    ///
    /// It does not wait for the disk (`fsync`): after a crash of the process the file is complete; after a crash of the
    /// host it may be torn, which the checksum detects, at the cost of one snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the file cannot be written, or exceeds [`MOST_BYTES`]; the old file is then
    /// unchanged.
    pub fn write(&self, path: &Path) -> Result<()> {
        let new = beside(path, "new");
        let written = self.write_new(&new).and_then(|()| fs::rename(&new, path));
        written.map_err(|error| {
            // The new file may not exist.
            let _ = fs::remove_file(&new);
            Error::new(ErrorKind::Unavailable, format!("cannot write {}", path.display())).with_source(error)
        })
    }

    fn write_new(&self, new: &Path) -> io::Result<()> {
        let file = owned_file::create_anew(new)?;
        self.encode(BufWriter::with_capacity(256 * 1024, file))
    }

    /// Reads a file that [`write`](Self::write) has written; `None` if there is no file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the file is torn, changed, not a saved table, of another version, or above
    /// [`MOST_BYTES`]; [`ErrorKind::Unavailable`] if it cannot be read, is a link, or belongs to another user. In both
    /// cases no part of it may be used.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let cannot_read = |error: io::Error| {
            Error::new(ErrorKind::Unavailable, format!("cannot read {}", path.display())).with_source(error)
        };
        let file = match owned_file::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot_read(error)),
        };
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot_read)?;
        if bytes.len() as u64 > MOST_BYTES {
            let text = format!("{} has more than {MOST_BYTES} bytes", path.display());
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Self::decode(&bytes).map(Some).map_err(|error| error.context(path.display()))
    }

    /// Moves a refused file aside so that it can be inspected: to the same name with `.refused`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it cannot be moved.
    pub fn set_aside(path: &Path) -> Result<PathBuf> {
        let aside = beside(path, "refused");
        fs::rename(path, &aside).map_err(|error| {
            let text = format!("cannot move {} to {}", path.display(), aside.display());
            Error::new(ErrorKind::Unavailable, text).with_source(error)
        })?;
        Ok(aside)
    }
}

/// Returns the path with `.ending` appended.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
