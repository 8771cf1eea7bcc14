/// Whether the address of an endpoint must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupancy {
    /// No process may listen there: the program is about to start.
    Free,
    /// A running program listens there.
    Held,
}
