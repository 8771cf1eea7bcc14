use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use data_services::{KeyColumns, TableId};
use serde::Deserialize;

use crate::duration_option;
use crate::key_option::KeyOption;

/// The options of the kind `folder`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderOptions {
    pub(super) path: PathBuf,
    #[serde(default)]
    pub(super) tables: BTreeMap<TableId, TableFileOptions>,
    #[serde(default = "default_interval", deserialize_with = "duration_option::read")]
    pub(super) interval: Duration,
    #[serde(default)]
    pub(super) lazy: bool,
}

/// The options of one table of a folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableFileOptions {
    #[serde(default)]
    key: KeyOption,
    /// The columns of a CSV file whose fields are numbers.
    #[serde(default)]
    pub(super) numbers: Vec<String>,
}

impl TableFileOptions {
    pub(super) fn key(&self) -> KeyColumns {
        self.key.clone().into()
    }
}

fn default_interval() -> Duration {
    Duration::from_secs(1)
}
