/// The resident memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidentMemory {
    /// Now.
    pub now_bytes: u64,
    /// The highest value since the start of the process.
    pub peak_bytes: u64,
}
