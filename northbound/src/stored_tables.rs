use pubsub_api::Result;
use pubsub_api::database::{DbApi, Entry, UNIQUE_KEY_TABLE};

use crate::SERVICE_TABLE;

/// All rows of a database, table by table, for a full sync, including the directory of publishers. It excludes the reports of
/// programs and the counters of unique numbers.
///
/// The tables are read one after the other, so the result is not of one instant. All rows are in memory at once.
///
/// # Errors
/// Those of the database.
///
/// # Cancel safety
/// If the future is dropped, nothing was changed.
pub async fn stored_tables(database: &dyn DbApi) -> Result<Vec<(String, Vec<Entry>)>> {
    let mut tables = Vec::new();
    for table in database.tables().await? {
        if table != SERVICE_TABLE && table != UNIQUE_KEY_TABLE {
            let entries = database.get_all_entries(&table, None).await?;
            tables.push((table, entries));
        }
    }
    Ok(tables)
}
