use pubsub_api::database::{RowName, Write};

use bytes::Bytes;

/// A [`RowName`] that is sent to another thread.
#[derive(Debug)]
pub(crate) struct OwnedRow {
    table: String,
    key: String,
    topic: Option<String>,
}

/// A [`Write`] that is sent to another thread.
#[derive(Debug)]
pub(crate) enum OwnedWrite {
    Put(OwnedRow, Bytes),
    Delete(OwnedRow),
}

impl OwnedRow {
    pub(crate) fn name(&self) -> RowName<'_> {
        RowName::new(&self.table, &self.key).on(self.topic.as_deref())
    }
}

impl From<RowName<'_>> for OwnedRow {
    fn from(row: RowName<'_>) -> Self {
        let RowName { table, key, topic } = row;
        Self { table: table.to_owned(), key: key.to_owned(), topic: topic.map(str::to_owned) }
    }
}

impl From<&Write<'_>> for OwnedWrite {
    fn from(write: &Write<'_>) -> Self {
        match write {
            Write::Put(row, value) => Self::Put((*row).into(), value.clone()),
            Write::Delete(row) => Self::Delete((*row).into()),
        }
    }
}
