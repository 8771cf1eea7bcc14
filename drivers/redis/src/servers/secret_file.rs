use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Mode bits that let everybody read, or users other than the owner write.
const EXPOSED: u32 = 0o026;

/// Logs a warning, once for each file, if other users can read or change a file with a secret. The file is used nevertheless:
/// refusing it would stop all events because of a fault that an operator can fix at any time.
pub(super) fn warn_if_exposed(setting: &str, path: &Path) {
    static WARNED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let Some(fault) = exposure(path) else { return };
    if WARNED.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned()) {
        let path = path.display();
        tracing::warn!(
            id = "SK0909",
            "{setting} {path} {fault}: chmod 0640 {path}, or 0600 if no group needs it"
        );
    }
}

/// What is wrong with the mode, if anything.
fn exposure(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.mode() & 0o7777;
    (mode & EXPOSED != 0)
        .then(|| format!("has mode {mode:04o}: other users can read or change the secret in it"))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::exposure;

    #[test]
    fn a_secret_is_exposed_if_everybody_reads_or_others_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "secret").unwrap();
        for (mode, is_exposed) in
            [(0o600, false), (0o400, false), (0o640, false), (0o644, true), (0o660, true), (0o666, true)]
        {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(exposure(&file).is_some(), is_exposed, "{mode:o}");
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(exposure(&file), None);
    }
}
