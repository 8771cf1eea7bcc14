use data_services::{KeyColumns, Row};
use pubsub_api::Result;

/// The rows of the measured table: arrays of a name, a site, the number of cores, a version and a note, of 100 bytes.
pub(crate) struct Rows;

impl Rows {
    /// The name is the key.
    pub(crate) fn key() -> KeyColumns {
        KeyColumns::Positions(vec![0])
    }

    /// A row in one of its versions.
    pub(crate) fn row(number: usize, version: usize) -> Result<Row> {
        let note = "a host of the measurement, with a note of a few words";
        Row::of(&(format!("host-{number:08}"), "boston", number % 64, version, note))
    }

    /// The rows from one number on, in their version.
    pub(crate) fn run(from: usize, count: usize, of: usize, version: usize) -> Result<Vec<Row>> {
        (from..from + count).map(|number| Self::row(number % of.max(1), version)).collect()
    }
}
