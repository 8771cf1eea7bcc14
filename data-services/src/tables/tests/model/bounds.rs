use crate::KeyColumns;
use crate::tables::TableOptions;
use crate::tables::tests::world::first_column;

/// How much may happen, and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) followers: u64,
    /// The tables, which change together.
    pub(super) tables: &'static [&'static str],
    /// The rows of a state that is not empty.
    pub(super) rows: u64,
    /// The bound of a part and of a page, in bytes; a row has about 70.
    pub(super) part_bytes: usize,
    pub(super) ring_bytes: usize,
    /// Whether rows are keyed by their first column; else by all of it.
    pub(super) is_keyed: bool,
    /// Whether it begins with a live follower; else with nothing.
    pub(super) begins_live: bool,
    pub(super) publishes: u8,
    /// How often the table is declared, replaced, or declared again after it was withdrawn.
    pub(super) declares: u8,
    pub(super) withdraws: u8,
    pub(super) losses: u8,
    pub(super) repeats: u8,
    /// How often time passes until something is due.
    pub(super) ticks: u8,
    pub(super) heartbeats: u8,
    /// How often the publisher is taken for down.
    pub(super) downs: u8,
    /// How often the driver reports lost links.
    pub(super) resets: u8,
    /// How often a follower ends to follow; it may begin again.
    pub(super) unfollows: u8,
}

impl Bounds {
    pub(super) const NONE: Self = Self {
        followers: 1,
        tables: &["p"],
        rows: 2,
        part_bytes: 64 * 1024,
        ring_bytes: 64 * 1024,
        is_keyed: false,
        begins_live: true,
        publishes: 0,
        declares: 0,
        withdraws: 0,
        losses: 0,
        repeats: 0,
        ticks: 0,
        heartbeats: 0,
        downs: 0,
        resets: 0,
        unfollows: 0,
    };

    pub(super) fn options(&self) -> TableOptions {
        TableOptions { part_bytes: self.part_bytes, ring_bytes: self.ring_bytes, ..TableOptions::default() }
    }

    pub(super) fn key(&self) -> KeyColumns {
        if self.is_keyed { first_column() } else { KeyColumns::Row }
    }
}
