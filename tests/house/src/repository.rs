use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A text file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path below the repository's folder, with `/`.
    pub path: String,
    /// Its contents.
    pub text: String,
}

/// The repository's folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Folders without files of ours: build results, and inputs of the fuzzer, which are no text.
const PASSED_OVER: &[&str] = &["target", "corpus", "artifacts"];

/// The files with one of these extensions, sorted by path.
///
/// # Errors
/// If a folder or file cannot be read, or a file is not UTF-8.
pub fn files(extensions: &[&str]) -> io::Result<Vec<SourceFile>> {
    let mut found = Vec::new();
    collect(&root(), "", extensions, &mut found)?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// One file, by its path below the repository's folder.
///
/// # Errors
/// If it cannot be read, or is not UTF-8.
pub fn read(path: &str) -> io::Result<SourceFile> {
    let text = fs::read_to_string(root().join(path))?;
    Ok(SourceFile { path: path.to_owned(), text })
}

fn collect(folder: &Path, below: &str, extensions: &[&str], found: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with('.') && !PASSED_OVER.contains(&name.as_str()) {
            collect(&entry.path(), &path, extensions, found)?;
        }
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        if kind.is_file() && extension.is_some_and(|extension| extensions.contains(&extension)) {
            found.push(SourceFile { path, text: fs::read_to_string(entry.path())? });
        }
    }
    Ok(())
}
