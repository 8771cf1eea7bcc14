use std::io::Write;
use std::path::Path;

use key_files::{Secrecy, WatchedFile, create_secret, read_secret};
use pubsub_api::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use crate::protocol::curve::{KEY_CHARACTERS, PublicKey, SecretKey};

/// A key and the end of its line, and one byte by which a longer file is known.
const MOST_BYTES: u64 = 43;

/// Makes a new secret key, and writes it into a new file of mode 0600. Returns its public key.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if the file exists or cannot be written.
pub fn write_key_file(path: &Path) -> Result<PublicKey> {
    let failed = |error| {
        let text = format!("cannot write a secret key to {}", path.display());
        Error::new(ErrorKind::Unavailable, text).with_source(error)
    };
    let key = SecretKey::generate()
        .map_err(|error| Error::new(ErrorKind::Unavailable, "cannot make a key").with_source(error))?;
    let mut file = create_secret(path).map_err(failed)?;
    // Of its final size: growing would leave a copy in memory that was freed.
    let mut line = Zeroizing::new(String::with_capacity(KEY_CHARACTERS + 1));
    line.push_str(&key.to_text());
    line.push('\n');
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key.public())
}

/// Reads a secret key from the file that [`write_key_file`] wrote, or another one of one line with a key in Z85.
///
/// # Errors
/// [`ErrorKind::Settings`] if the file cannot be read, other users can read it, it belongs to neither the user of this process nor root (a
/// process of root reads all), or it holds no key. No error contains what was read.
pub fn read_key_file(path: &Path) -> Result<SecretKey> {
    let wrong = |reason: String| Error::new(ErrorKind::Settings, format!("{}: {reason}", path.display()));
    let text = read_secret(path, MOST_BYTES)
        .map_err(|reason| wrong(format!("cannot read the secret key: {reason}")))?;
    parse(&text).map_err(wrong)
}

/// As [`read_key_file`]; the file is read again when it changes. `meanwhile` follows the error that is logged while it cannot be read.
pub(super) fn watch_key_file(
    path: &Path,
    meanwhile: &'static str,
) -> Result<(WatchedFile<SecretKey>, SecretKey)> {
    WatchedFile::open(path, Secrecy::Secret, MOST_BYTES, parse, meanwhile).map_err(|reason| {
        Error::new(ErrorKind::Settings, format!("{}: cannot read the secret key: {reason}", path.display()))
    })
}

fn parse(text: &str) -> std::result::Result<SecretKey, String> {
    text.trim_end().parse().map_err(|error| format!("this is no file with a secret key: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, read_to_string, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::{read_key_file, write_key_file};

    #[test]
    fn a_key_that_was_written_is_read_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.key");
        let public = write_key_file(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_key_file(&path).unwrap().public(), public);
        assert!(write_key_file(&path).unwrap_err().to_string().contains("agent.key"));
        assert_eq!(read_key_file(&path).unwrap().public(), public);
    }

    #[test]
    fn a_file_that_others_can_read_or_without_a_key_is_refused_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.key");
        write_key_file(&path).unwrap();
        let text = read_to_string(&path).unwrap();
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(read_key_file(&path).unwrap_err().to_string().contains("mode 0640"));
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for wrong in [format!("x{text}"), text[1..].to_owned(), String::new()] {
            write(&path, &wrong).unwrap();
            let error = format!("{:?}", read_key_file(&path).unwrap_err());
            assert!(error.contains("no file with a secret key"), "{error}");
            assert!(!error.contains(&text[5..35]));
        }
        assert!(read_key_file(&folder.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
