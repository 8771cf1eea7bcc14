use std::collections::BTreeMap;
use std::path::PathBuf;

use data_services::TableId;
use serde::Deserialize;

use crate::key_option::KeyOption;

/// The options of the kind `pushed`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushedOptions {
    pub(super) tables: BTreeMap<TableId, KeyOption>,
    #[serde(default)]
    pub(super) file: Option<PathBuf>,
}
