use serde::Serialize;

/// What a database driver promises, as data: the command line, the table in the README and the conformance suite read this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DatabaseCapabilities {
    /// Joins processes of one host; a driver that does not works within one process.
    pub across_processes: bool,
    /// Joins hosts.
    pub across_hosts: bool,
    /// What was written outlives every process that has it open.
    pub persistent: bool,
    /// [`write_batch`](super::DbApi::write_batch) is done whole or not at all.
    pub atomic_batches: bool,
    /// That something has changed can be waited for ([`DbApi::watch`](super::DbApi::watch)).
    pub watch: bool,
    /// What the driver cannot promise, in sentences for operators.
    pub limits: &'static [&'static str],
}

impl DatabaseCapabilities {
    /// A driver that promises nothing: start from here and name what it does promise.
    pub const NONE: Self = Self {
        across_processes: false,
        across_hosts: false,
        persistent: false,
        atomic_batches: false,
        watch: false,
        limits: &[],
    };

    /// Every promise with its name, for tables.
    #[must_use]
    pub fn flags(&self) -> [(&'static str, bool); 5] {
        [
            ("across processes", self.across_processes),
            ("across hosts", self.across_hosts),
            ("persistent", self.persistent),
            ("atomic batches", self.atomic_batches),
            ("watch", self.watch),
        ]
    }
}
