use delivery::subscriber::BufferLimit;

use super::limits::PART_BYTES;

/// The bounds of the tables of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TableOptions {
    /// The size of a published table: the text of its rows (and of their keys, if they are not the whole rows), and 64 bytes
    /// for each. Rows that a prepush hook withholds or changes count twice. A publication beyond it is refused.
    pub(crate) table_bytes: usize,
    /// The size of the latest changes of a published table that are kept for followers that miss them. A larger change is
    /// not sent: followers pull a snapshot.
    pub(crate) ring_bytes: usize,
    /// A part of a change or a page of a snapshot is closed once it has this many bytes.
    pub(crate) part_bytes: usize,
    /// The size of a followed table. A larger snapshot is refused, and requested again later.
    pub(crate) followed_bytes: usize,
    /// The bound, of each followed stream, of changes that arrived before missing ones, of parts of changes, and of changes
    /// that wait for the others of their transaction: of each of the three.
    pub(crate) buffer: BufferLimit,
}

impl Default for TableOptions {
    /// 64 MiB for a published table and 8 MiB for its ring, 256 MiB for a followed one, and parts of 192 KiB, and buffers of
    /// 16 MiB: twice the largest change.
    fn default() -> Self {
        Self {
            table_bytes: 64 * 1024 * 1024,
            ring_bytes: 8 * 1024 * 1024,
            part_bytes: PART_BYTES,
            followed_bytes: 256 * 1024 * 1024,
            buffer: BufferLimit { events: 4096, bytes: 16 * 1024 * 1024 },
        }
    }
}
