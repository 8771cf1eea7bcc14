use std::collections::BTreeMap;
use std::time::Duration;

use delivery::Position;

use super::limits::{MAX_PAGES, PAGE_WINDOW};
use super::message::{GroupMember, Page};
use super::table_event::{KeyedRows, keyed, size};
use crate::KeyColumns;
use crate::{Row, RowKey};

/// A snapshot whose pages are being pulled.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct PagePull {
    position: Position,
    key: KeyColumns,
    pages: u32,
    arrived: BTreeMap<u32, Vec<(RowKey, Row)>>,
    partners: Vec<GroupMember>,
    bytes: usize,
    /// The first page that was not requested yet.
    next: u32,
    /// When the missing pages are requested again.
    pub(super) retry_at: Duration,
    /// The requests since a page arrived.
    pub(super) attempts: u32,
}

/// What became of a page.
#[derive(Debug)]
pub(super) enum Pulled {
    /// All pages have arrived.
    Complete(KeyedRows),
    /// Request these.
    More(Vec<u32>),
    /// It was there already, or it belongs to another snapshot.
    Ignored,
    /// A row lacks a key column, or the page contradicts the others.
    Invalid,
    /// The snapshot is larger than the bound.
    TooLarge,
}

impl PagePull {
    /// Begins with a page, which is still to be [put](Self::put); `None` if it is invalid.
    pub(super) fn begin(now: Duration, page: &Page) -> Option<Self> {
        if page.pages == 0 || page.pages > MAX_PAGES || page.page >= page.pages {
            return None;
        }
        Some(Self {
            position: page.position,
            key: page.key.clone(),
            pages: page.pages,
            arrived: BTreeMap::new(),
            partners: Vec::new(),
            bytes: 0,
            next: 0,
            retry_at: now,
            attempts: 0,
        })
    }

    /// The position of the snapshot.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Adds a page.
    pub(super) fn put(&mut self, page: Page, limit: usize) -> Pulled {
        if page.position != self.position || self.arrived.contains_key(&page.page) {
            return Pulled::Ignored;
        }
        if page.pages != self.pages || page.page >= self.pages || page.key != self.key {
            return Pulled::Invalid;
        }
        let Some(rows) = keyed(&page.key, page.rows) else { return Pulled::Invalid };
        self.bytes += size(&rows, &[]);
        if self.bytes > limit {
            return Pulled::TooLarge;
        }
        self.arrived.insert(page.page, rows);
        if page.page == 0 {
            self.partners = page.partners;
        }
        if self.arrived.len() as u64 == u64::from(self.pages) {
            let rows = std::mem::take(&mut self.arrived).into_values().flatten().collect();
            let (position, key, partners) =
                (self.position, self.key.clone(), std::mem::take(&mut self.partners));
            return Pulled::Complete(KeyedRows { position, key, rows, partners });
        }
        Pulled::More(self.request_next())
    }

    /// The requested pages that did not arrive.
    pub(super) fn missing(&self) -> Vec<u32> {
        (0..self.next).filter(|page| !self.arrived.contains_key(page)).take(PAGE_WINDOW).collect()
    }

    /// The pages to request in addition to those that are on their way; they count as requested.
    fn request_next(&mut self) -> Vec<u32> {
        let mut pages = vec![];
        let mut on_their_way = self.missing().len();
        while on_their_way < PAGE_WINDOW && self.next < self.pages {
            if !self.arrived.contains_key(&self.next) {
                pages.push(self.next);
                on_their_way += 1;
            }
            self.next += 1;
        }
        pages
    }
}
