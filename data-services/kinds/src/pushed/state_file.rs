use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use data_services::{Row, TableId};
use pubsub_api::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// The file that keeps pushed rows over restarts: a JSON object with the list of rows of each table.
#[derive(Debug, Clone)]
pub(super) struct StateFile {
    path: PathBuf,
}

/// The rows of each table.
pub(super) type SavedTables = BTreeMap<TableId, Vec<Row>>;

impl StateFile {
    /// Takes the path of a file, which need not exist; its folder must.
    pub(super) fn new(path: PathBuf) -> Result<Self> {
        if path.file_name().is_none() {
            let text = format!("file: {} is not the path of a file", path.display());
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self { path })
    }

    /// Returns what was saved; nothing if there is no file. It blocks.
    pub(super) fn read(&self) -> Result<SavedTables> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SavedTables::new()),
            Err(error) => return Err(self.failed("read", error)),
        };
        let damaged = |error: &dyn std::fmt::Display| {
            let text = format!(
                "{} is not a file of pushed tables ({error}); repair it, or remove it to start without rows",
                self.path.display()
            );
            Error::new(ErrorKind::Invalid, text)
        };
        let saved: BTreeMap<TableId, Vec<Json>> =
            serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        let rows = |rows: Vec<Json>| rows.into_iter().map(Row::from_json).collect::<Result<Vec<Row>>>();
        saved
            .into_iter()
            .map(|(table, saved)| Ok((table, rows(saved).map_err(|error| damaged(&error))?)))
            .collect()
    }

    /// Replaces the file: after a crash at any moment, also of the host, there is the old one or the new one. It blocks.
    pub(super) fn write(&self, tables: &SavedTables) -> Result<()> {
        self.replace(tables).map_err(|error| self.failed("write", error))
    }

    fn replace(&self, tables: &SavedTables) -> io::Result<()> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = self.path.with_file_name(name);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&encode(tables)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(".".as_ref()))?.sync_all()
    }

    fn failed(&self, what: &str, error: io::Error) -> Error {
        Error::new(ErrorKind::Unavailable, format!("cannot {what} {}", self.path.display()))
            .with_source(error)
    }
}

/// One row on each line, so that the file can be compared with others.
fn encode(tables: &SavedTables) -> io::Result<Vec<u8>> {
    let raw = |row: &Row| RawValue::from_string(row.as_json().to_owned());
    let mut raws: BTreeMap<&TableId, Vec<Box<RawValue>>> = BTreeMap::new();
    for (table, rows) in tables {
        raws.insert(table, rows.iter().map(raw).collect::<serde_json::Result<_>>()?);
    }
    let mut bytes = Vec::new();
    raws.serialize(&mut serde_json::Serializer::pretty(&mut bytes))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use data_services::{Row, TableId};

    use super::{SavedTables, StateFile};

    #[test]
    fn what_was_written_is_read_and_a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pushed");
        let file = StateFile::new(path.clone()).unwrap();
        assert!(file.read().unwrap().is_empty());
        let rows = vec![Row::parse(r#"{"id":1.0e2,"x":"\n"}"#).unwrap(), Row::parse("[]").unwrap()];
        let tables = SavedTables::from([(TableId::new("t").unwrap(), rows)]);
        for _ in 0..2 {
            file.write(&tables).unwrap();
            assert_eq!(file.read().unwrap(), tables);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
        for damaged in ["", "{\"t\": [1]}", "[]"] {
            fs::write(&path, damaged).unwrap();
            let error = file.read().unwrap_err().to_string();
            assert!(error.contains("pushed is not a file of pushed tables"), "{damaged}: {error}");
        }
        assert!(StateFile::new("/".into()).is_err());
    }
}
