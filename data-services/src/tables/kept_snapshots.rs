use std::collections::VecDeque;
use std::time::Duration;

use super::limits::{MAX_SNAPSHOTS, ROW_OVERHEAD, SNAPSHOT_IDLE};
use super::message::GroupMember;
use super::table_rows::TableRows;
use crate::Row;

/// The snapshots of a table whose pages are being pulled, the latest last. Their rows are shared with the table.
///
/// At most [`MAX_SNAPSHOTS`]: the one that was not used for longest makes room for a new one. Its followers are then sent the
/// first page of a later one, and begin again.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct KeptSnapshots {
    kept: VecDeque<KeptSnapshot>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct KeptSnapshot {
    /// The sequence at which the table had these rows.
    pub(super) sequence: u64,
    /// The rows; at least one page.
    pub(super) pages: Vec<Vec<Row>>,
    /// The partners of the table then.
    pub(super) partners: Vec<GroupMember>,
    used: Duration,
}

impl KeptSnapshots {
    /// The snapshot at a sequence, if it is kept.
    pub(super) fn at(&mut self, now: Duration, sequence: u64) -> Option<&KeptSnapshot> {
        let kept = self.kept.iter_mut().find(|kept| kept.sequence == sequence)?;
        kept.used = now;
        Some(kept)
    }

    /// The sequence of the latest one.
    pub(super) fn latest(&self) -> Option<u64> {
        self.kept.back().map(|kept| kept.sequence)
    }

    /// Keeps the rows of the table as they are, in pages of this size.
    pub(super) fn keep(
        &mut self,
        now: Duration,
        sequence: u64,
        rows: &TableRows,
        partners: Vec<GroupMember>,
        page_bytes: usize,
    ) {
        if self.kept.len() >= MAX_SNAPSHOTS {
            let oldest = self.kept.iter().enumerate().min_by_key(|(_, kept)| kept.used);
            let oldest = oldest.map(|(index, _)| index);
            oldest.and_then(|index| self.kept.remove(index));
        }
        // Page 0 has the partners too.
        let taken = partners.iter().map(|partner| partner.table.as_str().len() + ROW_OVERHEAD).sum();
        let pages = pages(rows.rows(), taken, page_bytes);
        self.kept.push_back(KeptSnapshot { sequence, pages, partners, used: now });
    }

    /// Drops those that nobody pulls any more.
    pub(super) fn expire(&mut self, now: Duration) {
        self.kept.retain(|kept| kept.used + SNAPSHOT_IDLE > now);
    }

    /// Moves its times into the past.
    #[cfg(test)]
    pub(super) fn age(&mut self, by: Duration) {
        self.kept.iter_mut().for_each(|kept| kept.used = kept.used.saturating_sub(by));
    }

    /// When the first of them is to be dropped.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.kept.iter().map(|kept| kept.used + SNAPSHOT_IDLE).min()
    }
}

/// Splits rows by size; of the first page, some bytes are taken.
fn pages<'a>(rows: impl Iterator<Item = &'a Row>, taken: usize, page_bytes: usize) -> Vec<Vec<Row>> {
    let mut pages = vec![];
    let (mut page, mut bytes) = (vec![], taken);
    for row in rows {
        if bytes >= page_bytes {
            pages.push(std::mem::take(&mut page));
            bytes = 0;
        }
        bytes += row.as_json().len() + ROW_OVERHEAD;
        page.push(row.clone());
    }
    pages.push(page);
    pages
}
