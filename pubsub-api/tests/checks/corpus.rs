//! The kept inputs of a fuzz target.

use std::path::Path;
use std::{fs, io};

/// Runs `check` on every input in `fuzz/corpus/<target>`. The last one named in the output is the one that failed.
pub(crate) fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|parent| parent.join("fuzz/corpus"));
    let folder = folder.map(|corpus| corpus.join(target)).find(|folder| folder.is_dir());
    let inputs = folder.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)).and_then(fs::read_dir);
    let mut replayed = 0;
    for input in inputs.into_iter().flatten().flatten() {
        println!("{}", input.path().display());
        check(&fs::read(input.path()).unwrap_or_default());
        replayed += 1;
    }
    assert!(replayed > 0, "there is nothing in fuzz/corpus/{target}");
}
