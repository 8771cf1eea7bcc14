use std::collections::BTreeSet;

use pubsub_api::{Error, ErrorKind, Result};

use super::limits::MAX_COMMIT_TABLES;
use super::table_change::TableChange;
use crate::StreamName;

/// Checks which tables a commit has.
///
/// # Errors
/// [`ErrorKind::Invalid`] if there are too many, if one appears twice, or if they are of different services.
pub(super) fn check_streams(changes: &[(StreamName, TableChange)]) -> Result<()> {
    if changes.len() > MAX_COMMIT_TABLES {
        let text = format!("a commit has at most {MAX_COMMIT_TABLES} tables, this one has {}", changes.len());
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    let mut streams = BTreeSet::new();
    for (stream, _) in changes {
        if !streams.insert(stream) {
            let text = format!("table {} appears twice in a commit; write one change for it", stream.table);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
    }
    let services: BTreeSet<_> = streams.iter().map(|stream| (stream.instance, &stream.service)).collect();
    if services.len() > 1 {
        let text = "a commit changes tables of one service; publish those of others separately";
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    Ok(())
}
