use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::path::Path;

use data_services::TableId;
use pubsub_api::{Error, ErrorKind, Result};

use super::file_error::FileError;
use super::file_signature::FileSignature;
use super::folder_options::FolderOptions;
use super::table_file::{FileFormat, TableFile};
use crate::{PolledRows, PolledTable, PolledTables};

/// Reads the files of a folder that have changed since it read them last.
#[derive(Debug, Default)]
pub(super) struct FolderReader {
    seen: BTreeMap<TableId, SeenFile>,
}

/// A file as it was read last.
#[derive(Debug)]
struct SeenFile {
    signature: FileSignature,
    /// Whether it was read again after it was found changed. The clock of a file system has a resolution of some milliseconds:
    /// a second write soon after the first may leave the time as it is, and is found by that.
    is_confirmed: bool,
    error: Option<FileError>,
}

/// The files of a folder.
#[derive(Debug, Default)]
pub(super) struct FoundFiles {
    /// By table; of two files for one table, there is the error.
    pub(super) tables: BTreeMap<TableId, Result<TableFile, FileError>>,
    pub(super) errors: Vec<FileError>,
}

impl FolderReader {
    /// Reads what has changed. It blocks.
    pub(super) fn poll(&mut self, options: &FolderOptions) -> Result<PolledTables> {
        let found = FoundFiles::of(&options.path)?;
        let mut polled = PolledTables::default();
        polled.errors.extend(found.errors.iter().map(ToString::to_string));
        self.seen.retain(|table, _| found.tables.contains_key(table));
        for (table, file) in found.tables {
            let own = options.tables.get(&table).cloned().unwrap_or_default();
            let read = match file {
                Ok(file) => self.read(&table, &file, |file| file.read(&own)),
                Err(error) => Err(error),
            };
            let rows = read.unwrap_or_else(|error| {
                polled.errors.push(error.to_string());
                PolledRows::AsBefore
            });
            polled.tables.insert(table, PolledTable { key: own.key(), rows });
        }
        Ok(polled)
    }

    fn read(
        &mut self,
        table: &TableId,
        file: &TableFile,
        read: impl FnOnce(&TableFile) -> Result<Vec<data_services::Row>, FileError>,
    ) -> Result<PolledRows, FileError> {
        let signature = file.signature;
        let is_confirmed = match self.seen.get(table) {
            Some(seen) if seen.signature == signature && seen.is_confirmed => {
                return seen.error.clone().map_or(Ok(PolledRows::AsBefore), Err);
            }
            Some(seen) => seen.signature == signature,
            None => false,
        };
        let rows = read(file);
        let error = rows.as_ref().err().cloned();
        self.seen.insert(table.clone(), SeenFile { signature, is_confirmed, error });
        rows.map(PolledRows::New)
    }
}

impl FoundFiles {
    /// Lists a folder. It blocks.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let unreadable = |error| {
            let text = format!("the folder {} cannot be read", folder.display());
            Error::new(ErrorKind::Unavailable, text).with_source(error)
        };
        let mut found = Self::default();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            found.add(&entry.map_err(unreadable)?);
        }
        found.errors.sort_by_key(ToString::to_string);
        Ok(found)
    }

    /// Adds an entry of the folder if it is a file of a table. Hidden files and other endings are ignored.
    fn add(&mut self, entry: &DirEntry) {
        let path = entry.path();
        let Some(format) = FileFormat::of(&path) else { return };
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
            self.errors.push(FileError::of(&path, "its name is not UTF-8 text"));
            return;
        };
        let signature = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => FileSignature::from(&metadata),
            // A folder or a pipe, or a file that was removed meanwhile.
            _ => return,
        };
        if name.starts_with('.') {
            return;
        }
        match TableId::new(name) {
            Err(error) => self.errors.push(FileError::of(&path, format!("names no table: {error}"))),
            Ok(table) if self.tables.contains_key(&table) => {
                let text = format!("there are {name}.json and {name}.csv for one table; remove one of them");
                self.tables.insert(table, Err(FileError::of(&path, text)));
            }
            Ok(table) => drop(self.tables.insert(table, Ok(TableFile { path, format, signature }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use data_services::TableId;
    use serde_json::json;

    use super::{FolderOptions, FolderReader};
    use crate::{PolledRows, PolledTables};

    fn rows(polled: &PolledTables, table: &str) -> Option<PolledRows> {
        polled.tables.get(&TableId::new(table).unwrap()).map(|table| table.rows.clone())
    }

    #[test]
    fn a_file_is_read_when_it_changes_and_once_more_and_an_invalid_one_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let options: FolderOptions =
            serde_json::from_value(json!({"path": folder.path(), "tables": {"a": {"key": ["id"]}}})).unwrap();
        let file = folder.path().join("a.json");
        let mut reader = FolderReader::default();
        fs::write(&file, r#"[{"id": 1}]"#).unwrap();
        for _ in 0..2 {
            let polled = reader.poll(&options).unwrap();
            assert!(matches!(rows(&polled, "a"), Some(PolledRows::New(rows)) if rows.len() == 1));
        }
        assert_eq!(rows(&reader.poll(&options).unwrap(), "a"), Some(PolledRows::AsBefore));
        fs::write(&file, "[{\"id\": 1},\n {\"id\": 1}]").unwrap();
        for _ in 0..3 {
            let polled = reader.poll(&options).unwrap();
            assert_eq!(rows(&polled, "a"), Some(PolledRows::AsBefore));
            let [error] = polled.errors.as_slice() else { panic!("{polled:?}") };
            assert!(error.contains("a.json:2: the row {\"id\":1} has the key of line 1"), "{error}");
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(rows(&reader.poll(&options).unwrap(), "a"), None);
    }

    #[test]
    fn only_files_of_tables_count_and_two_of_one_table_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let options: FolderOptions = serde_json::from_value(json!({"path": folder.path()})).unwrap();
        for (name, text) in [
            ("a.json", "[[1], [1]]"),
            ("b.json", "[]"),
            ("b.csv", "x\n1\n"),
            (".c.json", "["),
            ("d.json.new", "["),
            ("README", ""),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("e.json")).unwrap();
        let polled = FolderReader::default().poll(&options).unwrap();
        assert!(matches!(rows(&polled, "a"), Some(PolledRows::New(rows)) if rows.len() == 1));
        assert_eq!((polled.tables.len(), rows(&polled, "b")), (2, Some(PolledRows::AsBefore)));
        let [error] = polled.errors.as_slice() else { panic!("{polled:?}") };
        assert!(error.contains("there are b.json and b.csv for one table"), "{error}");
    }

    #[test]
    fn a_folder_that_is_missing_is_an_error() {
        let options: FolderOptions = serde_json::from_value(json!({"path": "/nowhere/at/all"})).unwrap();
        let error = FolderReader::default().poll(&options).unwrap_err().to_string();
        assert!(error.contains("the folder /nowhere/at/all cannot be read"), "{error}");
    }
}
