use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};

/// The rows of a table, by their key.
pub(super) type Rows = BTreeMap<String, Json>;

/// Hosts with more cores than this are large.
pub(super) const LARGE_ABOVE: u64 = 8;

/// The number of hosts at the start.
const HOSTS: usize = 200;

/// The hosts that change in one round; besides, one is added and one removed.
const CHANGED: usize = 10;

/// A file `hosts.json` in a folder, and what it contains.
pub(super) struct Hosts {
    path: PathBuf,
    rows: Rows,
    added: usize,
}

impl Hosts {
    /// Writes the file.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let folder = folder.join("inventory");
        std::fs::create_dir(&folder).map_err(|error| failed(&folder, error))?;
        let mut hosts = Self { path: folder.join("hosts.json"), rows: Rows::new(), added: 0 };
        (0..HOSTS).for_each(|_| hosts.add());
        hosts.write()?;
        Ok(hosts)
    }

    /// Changes some hosts, adds and removes one, and replaces the file.
    pub(super) fn change(&mut self, round: usize) -> Result<()> {
        let names: Vec<String> = self.rows.keys().cloned().collect();
        for number in 0..CHANGED {
            if let Some(name) = names.get((round * 31 + number * 17) % names.len().max(1)) {
                let cores = (round * 7 + number * 5) % 24;
                self.rows.insert(name.clone(), json!({"name": name, "cores": cores, "round": round}));
            }
        }
        if let Some(name) = names.get(round * 13 % names.len().max(1)) {
            self.rows.remove(name);
        }
        self.add();
        self.write()
    }

    /// The number of hosts.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows that the derived table must have.
    pub(super) fn large(&self) -> Rows {
        let is_large = |row: &Json| row["cores"].as_u64().is_some_and(|cores| cores > LARGE_ABOVE);
        self.rows
            .iter()
            .filter(|(_, row)| is_large(row))
            .map(|(name, row)| (name.clone(), row.clone()))
            .collect()
    }

    fn add(&mut self) {
        let name = format!("esx-{:04}", self.added);
        let cores = self.added % 17;
        self.rows.insert(name.clone(), json!({"name": name, "cores": cores, "round": null}));
        self.added += 1;
    }

    /// Writes another file and renames it, so that no reader sees a part of it.
    fn write(&self) -> Result<()> {
        let rows: Vec<&Json> = self.rows.values().collect();
        let new = self.path.with_extension("new");
        std::fs::write(&new, json!(rows).to_string()).map_err(|error| failed(&new, error))?;
        std::fs::rename(&new, &self.path).map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot write {}", path.display())).with_source(error)
}
