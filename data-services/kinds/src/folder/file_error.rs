use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file is not a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileError {
    path: PathBuf,
    /// The line, from 1, if the error has one.
    line: Option<usize>,
    text: String,
}

impl FileError {
    pub(super) fn in_line(path: &Path, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), text: text.into() }
    }

    pub(super) fn of(path: &Path, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, text: text.into() }
    }

    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::of(path, format!("cannot be read: {error}"))
    }
}

/// `/tables/hosts.json:3: …`.
impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.text)
    }
}
