use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Whether other users may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// It has secrets: only its owner may read and write it.
    Secret,
    /// Everybody may read it, and only its owner may write it.
    Public,
}

impl Secrecy {
    /// Checks the mode and the owner of a file.
    fn check(self, metadata: &Metadata) -> Result<(), String> {
        let mode = metadata.mode() & 0o777;
        match self {
            Self::Secret if mode & 0o077 != 0 => Err(format!(
                "other users can read or write this secret key (mode {mode:04o}): set its mode to 0600"
            )),
            Self::Public if mode & 0o022 != 0 => {
                Err(format!("other users can write it (mode {mode:04o}): set its mode to 0644"))
            }
            _ => check_owner(metadata),
        }
    }
}

/// Checks that the file belongs to the user of this process or to root; a process of root reads the files of all.
fn check_owner(metadata: &Metadata) -> Result<(), String> {
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner == own || owner == 0 || own == 0 {
        return Ok(());
    }
    Err(format!("it belongs to user {owner}, and this process runs as user {own}"))
}

/// Makes a new file of mode 0600.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], and those of making a file.
pub fn create_secret(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Replaces a file with secrets by a new one of the same owner, in one step: no reader sees a part of it.
///
/// # Errors
/// Those of making and renaming a file in its folder, and of changing the owner of one.
pub fn replace_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let before = std::fs::metadata(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_secret(&new)?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
        std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()))?;
    }
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// Opens a file for reading, and checks its type, mode and owner. It never waits, as for the writer of a pipe.
///
/// # Errors
/// What is wrong, in words, without the path.
pub(crate) fn open_checked(path: &Path, secrecy: Secrecy) -> Result<(File, Metadata), String> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file =
        OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    secrecy.check(&metadata)?;
    Ok((file, metadata))
}

/// Reads at most `most_bytes` bytes of text from a file with secrets.
///
/// # Errors
/// What is wrong, in words, without the path; never what was read.
pub fn read_secret(path: &Path, most_bytes: u64) -> Result<Zeroizing<String>, String> {
    let (file, metadata) = open_checked(path, Secrecy::Secret)?;
    read_text(&file, metadata.len(), most_bytes)
}

/// Reads the text of an open file of about `bytes` bytes.
pub(crate) fn read_text(file: &File, bytes: u64, most_bytes: u64) -> Result<Zeroizing<String>, String> {
    // With room for all of it, so that no part stays where a shorter buffer was.
    let room = usize::try_from(bytes.min(most_bytes)).unwrap_or(0) + 64;
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(most_bytes + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > most_bytes {
        return Err(format!("it has more than {most_bytes} bytes"));
    }
    Ok(text)
}
