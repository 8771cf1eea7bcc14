use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::owned_file;

/// The folder of a ring: `ring-<publisher's key>` in `state_dir`, for one process at a time.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked while it is open.
    lock: File,
}

/// Why the folder cannot be used.
#[derive(Debug)]
pub(crate) enum NoFolder {
    /// Another process holds it; `holder` is the process id that it has written there.
    InUse { path: PathBuf, holder: String },
    /// It cannot be made or written to.
    Failed(io::Error),
}

impl From<io::Error> for NoFolder {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

fn path_of(state_dir: &Path, publisher: u64) -> PathBuf {
    state_dir.join(format!("{RING}{publisher:016x}"))
}

const RING: &str = "ring-";

const PREFIX: &str = "segment-";

/// The prefix of copies of segments until all copies are complete.
const COPY_PREFIX: &str = "copy-";

/// The file of a segment that was removed, until it becomes the next segment.
const SPARE: &str = "spare";

/// The rows file, the same until it is complete, and one that was refused (`sync/compaction.rs`).
const ROWS: &str = "rows";
const NEW_ROWS: &str = "rows-new";
const REFUSED_ROWS: &str = "rows-refused";

/// The file whose lock claims the folder.
const LOCK: &str = "lock";

/// The folder for refused segments; those of an earlier refusal are removed.
const REFUSED: &str = "refused";

impl Folder {
    /// Makes the folder if it is new, and locks it. A folder that another user made, or can write to, is refused: links planted
    /// there would lead to other files of ours.
    pub(crate) fn open(state_dir: &Path, publisher: u64) -> Result<Self, NoFolder> {
        let path = path_of(state_dir, publisher);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        owned_file::check_folder(&path)?;
        let mut lock = owned_file::open_or_create(&path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Without a process id the message names "another process".
                let _ = lock.read_to_string(&mut holder);
                return Err(NoFolder::InUse { path, holder: holder.trim().to_owned() });
            }
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(Self { path, lock })
    }

    /// Whether the path still leads to this folder; false after it was deleted or replaced.
    pub(super) fn is_in_place(&self) -> bool {
        let id = |file: fs::Metadata| (file.dev(), file.ino());
        let found = fs::symlink_metadata(self.path.join(LOCK)).map(id);
        found.is_ok_and(|found| self.lock.metadata().is_ok_and(|own| id(own) == found))
    }

    /// Whether there is a ring of this publisher.
    pub(crate) fn is_there(state_dir: &Path, publisher: u64) -> bool {
        path_of(state_dir, publisher).is_dir()
    }

    /// Whether a process holds the ring of this publisher.
    pub(crate) fn is_in_use(state_dir: &Path, publisher: u64) -> bool {
        let lock = File::open(path_of(state_dir, publisher).join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The keys of the publishers that have a ring in a folder.
    pub(crate) fn keys(state_dir: &Path) -> Vec<u64> {
        let entries = fs::read_dir(state_dir).into_iter().flatten().flatten();
        let key =
            |name: &str| u64::from_str_radix(name.strip_prefix(RING).filter(|key| key.len() == 16)?, 16).ok();
        let mut keys: Vec<u64> = entries.filter_map(|entry| key(entry.file_name().to_str()?)).collect();
        keys.sort_unstable();
        keys
    }

    /// The numbers of the existing segments, ascending.
    pub(super) fn segments(&self) -> io::Result<Vec<u32>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
            numbers.extend(number.and_then(|number| u32::from_str_radix(number, 16).ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The path of a segment.
    pub(super) fn segment(&self, number: u32) -> PathBuf {
        self.path.join(format!("{PREFIX}{number:08x}"))
    }

    /// Makes the file of a new segment.
    pub(super) fn create(&self, number: u32) -> io::Result<File> {
        owned_file::create(&self.segment(number))
    }

    /// Renames a segment to the spare file.
    pub(super) fn keep_spare(&self, number: u32) -> io::Result<()> {
        fs::rename(self.segment(number), self.path.join(SPARE))
    }

    /// Renames the spare file to a segment.
    pub(super) fn name_spare(&self, number: u32) -> io::Result<()> {
        fs::rename(self.path.join(SPARE), self.segment(number))
    }

    /// Removes the spare file; a missing one is no error.
    pub(super) fn remove_spare(&self) {
        remove(&self.path.join(SPARE));
    }

    /// Makes the file of a copy, which becomes a segment when it is [renamed](Self::name_copy).
    pub(super) fn create_copy(&self, number: u32) -> io::Result<File> {
        owned_file::create(&self.copy(number))
    }

    /// Renames the copy of a segment to the segment.
    pub(super) fn name_copy(&self, number: u32) -> io::Result<()> {
        fs::rename(self.copy(number), self.segment(number))
    }

    /// Removes the copy of a segment.
    pub(super) fn remove_copy(&self, number: u32) -> io::Result<()> {
        fs::remove_file(self.copy(number))
    }

    /// Removes the copies of an earlier attempt.
    pub(super) fn remove_copies(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(COPY_PREFIX)) {
                fs::remove_file(self.path.join(name))?;
            }
        }
        Ok(())
    }

    fn copy(&self, number: u32) -> PathBuf {
        self.path.join(format!("{COPY_PREFIX}{number:08x}"))
    }

    /// Removes a segment; a missing one is no error.
    pub(super) fn remove(&self, number: u32) {
        remove(&self.segment(number));
    }

    /// The path of the rows file.
    pub(crate) fn rows(&self) -> PathBuf {
        self.path.join(ROWS)
    }

    /// Makes the file that becomes the rows file when it is [renamed](Self::name_rows); one of an earlier attempt is removed.
    pub(crate) fn create_rows(&self) -> io::Result<File> {
        owned_file::create_anew(&self.path.join(NEW_ROWS))
    }

    /// Renames the new rows file to the rows file.
    pub(crate) fn name_rows(&self) -> io::Result<()> {
        fs::rename(self.path.join(NEW_ROWS), self.rows())
    }

    /// Removes the new rows file; a missing one is no error.
    pub(crate) fn remove_new_rows(&self) {
        remove(&self.path.join(NEW_ROWS));
    }

    /// Moves the rows file aside, in the place of one that was moved aside before.
    pub(crate) fn set_rows_aside(&self) -> io::Result<()> {
        fs::rename(self.rows(), self.path.join(REFUSED_ROWS))
    }

    /// Moves all segments aside, and removes those that were moved aside before.
    pub(super) fn set_aside(&self) -> io::Result<()> {
        let aside = self.path.join(REFUSED);
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&aside)?;
        for number in self.segments()? {
            let from = self.segment(number);
            let name = from.file_name().unwrap_or_default();
            fs::rename(&from, aside.join(name))?;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(id = "SK0212", "cannot remove {}, a file of the ring: {error}", path.display());
    }
}
