//! The file of an application's table, whatever its bytes: what is read of it is written into what reads the same.

use std::fs;

use table::saved::SavedState;

/// `input` stands for the records of a file whose head and checksum are right; and for a whole file.
pub(crate) fn check(input: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { unreachable!("there is no place for a folder") };
    let path = folder.path().join("table");
    let mut summed = [&b"skimtab\n\x01\0\0\0"[..], input].concat();
    summed.extend(crc32fast::hash(&summed).to_le_bytes());
    for file in [&summed, input] {
        assert!(fs::write(&path, file).is_ok(), "a file can be written");
        let Ok(Some(state)) = SavedState::read(&path) else { continue };
        assert!(state.write(&path).is_ok(), "what was read can be written");
        assert_eq!(SavedState::read(&path).ok().flatten().as_ref(), Some(&state));
    }
}
