/// The publisher that an endpoint led to; an endpoint of a proxy has several of these.
///
/// It is saved with the positions: a host that was replaced while the application was away is recognized by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedLink {
    /// The endpoint, as it was registered.
    pub endpoint: String,
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
}
