use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use data_services::{KeyColumns, Row};

use super::csv_rows::csv_rows;
use super::file_error::FileError;
use super::file_signature::FileSignature;
use super::folder_options::TableFileOptions;
use super::json_rows::{RowInLine, json_rows};

/// The largest file that is read, in bytes: above it, a table can hardly be below the bound of the engine (64 MiB).
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// A file of a folder that is to be a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableFile {
    pub(super) path: PathBuf,
    pub(super) format: FileFormat,
    pub(super) signature: FileSignature,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    Json,
    Csv,
}

impl FileFormat {
    /// The format of a file, by the ending of its name.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

impl TableFile {
    /// Reads the rows.
    pub(super) fn read(&self, options: &TableFileOptions) -> Result<Vec<Row>, FileError> {
        let text = self.read_text()?;
        let rows = match self.format {
            FileFormat::Json => json_rows(&text),
            FileFormat::Csv => csv_rows(&text, &options.numbers),
        };
        let rows = rows.map_err(|(line, text)| FileError::in_line(&self.path, line, text))?;
        self.check_keys(rows, &options.key())
    }

    fn read_text(&self) -> Result<String, FileError> {
        let unreadable = |error| FileError::unreadable(&self.path, &error);
        let mut bytes = Vec::new();
        let file = File::open(&self.path).map_err(unreadable)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            let text = format!("has more than {MAX_FILE_BYTES} bytes; divide it into several tables");
            return Err(FileError::of(&self.path, text));
        }
        let now = fs::metadata(&self.path).map_err(unreadable)?;
        if FileSignature::from(&now) != self.signature {
            return Err(FileError::of(&self.path, "was changed while it was read; it is read again"));
        }
        let mut text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
            FileError::in_line(&self.path, line, "is not UTF-8 text")
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(text)
    }

    /// Checks that each row has a key of its own. Of equal rows one is kept if the whole row is the key.
    fn check_keys(&self, rows: Vec<RowInLine>, key: &KeyColumns) -> Result<Vec<Row>, FileError> {
        let mut lines = BTreeMap::new();
        let mut kept = Vec::with_capacity(rows.len());
        for (line, row) in rows {
            let refused = |text: String| FileError::in_line(&self.path, line, text);
            let row_key = key.key_of(&row).map_err(|error| refused(error.to_string()))?;
            match lines.insert(row_key, line) {
                None => kept.push(row),
                Some(_) if *key == KeyColumns::Row => {}
                Some(other) => return Err(refused(format!("the row {row} has the key of line {other}"))),
            }
        }
        Ok(kept)
    }
}
