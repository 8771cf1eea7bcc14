//! Files in a folder in which another user may have planted something: `state_dir` may be `/tmp`, or chosen by mistake.
//!
//! ```
//! use delivery::owned_file;
//!
//! # fn main() -> std::io::Result<()> {
//! let folder = tempfile::tempdir()?;
//! owned_file::check_folder(folder.path())?;
//! let file = folder.path().join("publisher-id");
//! owned_file::create(&file)?;
//! assert!(owned_file::create(&file).is_err(), "it exists");
//! owned_file::open(&file)?;
//!
//! let link = folder.path().join("link");
//! std::os::unix::fs::symlink(&file, &link)?;
//! assert!(owned_file::open(&link).is_err(), "another user may have planted it");
//! # Ok(())
//! # }
//! ```

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;

/// The mode bits that let the group or others write.
const WRITE_BY_OTHERS: u32 = 0o022;

/// Checks that the path is a folder of this user in which nobody else can write.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] otherwise, with the reason.
pub fn check_folder(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let own = geteuid().as_raw();
    let fault = if !found.is_dir() {
        "is not a folder".to_owned()
    } else if found.uid() != own {
        format!("belongs to user {}, not to user {own}", found.uid())
    } else if found.mode() & WRITE_BY_OTHERS != 0 {
        format!("has mode {:o}: others may write in it", found.mode() & 0o7777)
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {fault}", path.display())))
}

/// Makes a file with mode 0600 that must not exist, not even as a link.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], and those of making a file.
pub fn create(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// Makes a file with mode 0600, and replaces one that an earlier attempt left. A file of another user is removed or refused,
/// and never written to.
///
/// # Errors
/// Those of removing and of making a file.
pub fn create_anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create(path)
}

/// Opens a file of this user, or makes it with mode 0600; its content is kept.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] if it belongs to another user, or is a link or not a regular file.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let file = options().create(true).truncate(false).open(path)?;
    check_file(file, path)
}

/// Opens a file of this user for reading.
///
/// # Errors
/// As [`open_or_create`]; [`io::ErrorKind::NotFound`] if there is none.
pub fn open(path: &Path) -> io::Result<File> {
    // Nonblocking, so that opening a planted pipe does not block.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(bits(flags)).open(path)?;
    check_file(file, path)
}

fn check_file(file: File, path: &Path) -> io::Result<File> {
    let (found, own) = (file.metadata()?, geteuid().as_raw());
    let fault = if !found.is_file() {
        "is not a regular file".to_owned()
    } else if found.uid() != own {
        format!("belongs to user {}, not to user {own}", found.uid())
    } else if found.nlink() > 1 {
        "has another name as well: it is a hard link".to_owned()
    } else {
        return Ok(file);
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {fault}", path.display())))
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(bits(OFlags::NOFOLLOW));
    options
}

fn bits(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{ErrorKind, Write};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{check_folder, create, create_anew, open, open_or_create};

    #[test]
    fn a_planted_file_is_never_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (other, planted) = (folder.path().join("other"), folder.path().join("planted"));
        fs::write(&other, "precious").unwrap();
        for link in [|from: &_, to: &_| symlink(from, to), |from: &_, to: &_| fs::hard_link(from, to)] {
            link(other.as_path(), planted.as_path()).unwrap();
            assert!(open_or_create(&planted).is_err());
            assert!(open(&planted).is_err());
            assert_eq!(create(&planted).unwrap_err().kind(), ErrorKind::AlreadyExists);
            create_anew(&planted).unwrap().write_all(b"ours").unwrap();
            assert_eq!(fs::read(&other).unwrap(), b"precious");
            assert_eq!(fs::read(&planted).unwrap(), b"ours");
            fs::remove_file(&planted).unwrap();
        }
    }

    #[test]
    fn a_folder_that_others_may_write_in_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        for (mode, is_good) in [(0o700, true), (0o755, true), (0o770, false), (0o777, false), (0o1777, false)]
        {
            fs::set_permissions(&inner, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check_folder(&inner).is_ok(), is_good, "{mode:o}");
        }
        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert!(check_folder(&link).is_err());
    }

    #[test]
    fn a_file_of_this_user_is_opened_and_keeps_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        open_or_create(&path).unwrap().write_all(b"content").unwrap();
        drop(open_or_create(&path).unwrap());
        assert_eq!(std::io::read_to_string(open(&path).unwrap()).unwrap(), "content");
    }
}
