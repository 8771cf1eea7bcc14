use data_services::TableId;
use serde::Deserialize;

use super::column::Column;
use super::condition::Condition;
use crate::key_option::KeyOption;

/// The options of the kind `filter`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilterOptions {
    pub(super) address: String,
    pub(super) table: TableId,
    #[serde(default, rename = "where")]
    pub(super) conditions: Vec<Condition>,
    #[serde(default)]
    pub(super) columns: Option<Vec<Column>>,
    #[serde(default)]
    pub(super) publisher_column: Option<String>,
    #[serde(default)]
    pub(super) publish_as: Option<TableId>,
    #[serde(default)]
    pub(super) key: KeyOption,
}
