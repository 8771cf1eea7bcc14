//! The file in `state_dir` that keeps a publisher's id over its restarts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

const NAME: &str = "publisher-id";

/// The largest size of the file, in bytes: longer than any id that a hello carries.
const MOST_BYTES: u64 = 4096;

/// The kept id; `None` if there is none, or the file is not one line of text.
pub(super) fn read(state_dir: &Path) -> Option<String> {
    let mut options = OpenOptions::new();
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = options.read(true).custom_flags(no_follow).open(state_dir.join(NAME)).ok()?;
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    let id = text.strip_suffix('\n')?;
    (!id.trim().is_empty() && !id.chars().any(char::is_control)).then(|| id.to_owned())
}

/// Replaces the kept id atomically.
///
/// # Errors
/// Those of writing a file; [`io::ErrorKind::InvalidInput`] for an id that [`read`] would refuse.
pub(super) fn write(state_dir: &Path, id: &str) -> io::Result<()> {
    if id.chars().any(char::is_control) || id.len() as u64 >= MOST_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the id is longer than 4 KiB or is not one line of text",
        ));
    }
    let new = state_dir.join(format!("{NAME}.new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::rename(&new, state_dir.join(NAME))?;
    File::open(state_dir)?.sync_all()
}
