/// The place of a record: the number of its segment, and the offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordPlace {
    pub(crate) segment: u32,
    pub(crate) start: u32,
}
