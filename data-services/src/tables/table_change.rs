use crate::{Difference, Row};

/// A change of one table in a commit of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// All rows that the table has from now on; the engine finds the difference. Its cost is that of reading the table.
    Rows(Vec<Row>),
    /// Only what changes. Its cost is that of the change. A deleted key that the table does not have is no error.
    Difference(Difference),
}
