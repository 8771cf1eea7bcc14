/// Which publisher an endpoint led to; several of one endpoint where a proxy stands in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedLink {
    /// The endpoint, as it was registered.
    pub endpoint: String,
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
}
