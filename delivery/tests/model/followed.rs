use std::collections::BTreeSet;

use delivery::subscriber::Tracker;

use crate::world::Entry;

/// What the subscriber knows of the publisher at one address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Followed {
    pub(crate) tracker: Tracker<Entry>,
    /// The publisher of the latest hello and its epoch: answers of another one are late.
    pub(crate) publisher: u8,
    pub(crate) epoch: u64,
    /// The first number of topics that are not known, according to the latest hello; 0 before the first.
    pub(super) first_number: u64,
    /// The retirements before this first number are over, as in `publisher_stream/retirements.rs`; 0 before the first hello.
    pub(super) over: u64,
    /// The last number of the latest `bye`.
    pub(super) bye: Option<u64>,
    /// The publisher sent `bye` on the topic: nothing is followed once nothing is missing.
    pub(super) is_ended: bool,
    /// The changes that came over this link, and were not applied, replaced or reported as missing since.
    pub(crate) pending: BTreeSet<u8>,
    /// The last change that was applied as an event, since the last resync.
    pub(super) last_version: u8,
    /// The highest change that was ever applied, where that is of use.
    pub(super) highest: u8,
}

/// What a hello carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hello {
    pub(crate) publisher: u8,
    pub(crate) epoch: u64,
    pub(crate) first_number: u64,
}
