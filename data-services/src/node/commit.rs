use crate::tables::TableChange;
use crate::{KeyColumns, TableId, TraceId};

/// What a transaction does, all of it or nothing.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    /// Tables that the service publishes from now on. One that it has with these key columns stays as it is.
    pub(crate) declared: Vec<(TableId, KeyColumns)>,
    /// Changes of tables, of declared ones too.
    pub(crate) changes: Vec<(TableId, TableChange)>,
    /// Tables that end.
    pub(crate) withdrawn: Vec<TableId>,
    /// The trace that it belongs to.
    pub(crate) trace: Option<TraceId>,
}
