use serde::{Deserialize, Serialize};

use crate::{Row, RowKey};

/// A change of a table: rows that are new or replace the row of their key, and the keys of rows that are gone.
///
/// No key appears twice. It is applied as a whole: nobody sees a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Difference {
    /// New rows, and rows that replace one.
    pub put: Vec<Row>,
    /// Keys of rows that are gone.
    pub deleted: Vec<RowKey>,
}

impl Difference {
    /// Returns whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.deleted.is_empty()
    }

    /// Returns the number of changed rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.put.len() + self.deleted.len()
    }
}
