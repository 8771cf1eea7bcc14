use serde::Serialize;

/// What a database driver promises, as data: the command line, the table in the README and the conformance suite read
/// it.
///
/// ```
/// use pubsub_api::database::DatabaseCapabilities;
///
/// const CAPABILITIES: DatabaseCapabilities =
///     DatabaseCapabilities { across_processes: true, persistent: true, ..DatabaseCapabilities::NONE };
/// assert!(CAPABILITIES.flags().contains(&("persistent", true)));
/// assert!(CAPABILITIES.flags().contains(&("across hosts", false)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DatabaseCapabilities {
    /// Connects processes of one host; a driver without this works within one process.
    pub across_processes: bool,
    /// Connects hosts. With `use_nb_db = "auto"`, service and agents use only such a database.
    pub across_hosts: bool,
    /// Written rows outlive every process that has the database open. `limits` states what survives the end of the
    /// host.
    pub persistent: bool,
    /// [`write_batch`](super::DbApi::write_batch) does all of its writes or none.
    pub atomic_batches: bool,
    /// A caller can wait for a change ([`DbApi::watch`](super::DbApi::watch)).
    pub watch: bool,
    /// What the driver cannot promise, in sentences for operators.
    pub limits: &'static [&'static str],
}

impl DatabaseCapabilities {
    /// A driver that promises nothing: a driver starts from this and names what it promises.
    pub const NONE: Self = Self {
        across_processes: false,
        across_hosts: false,
        persistent: false,
        atomic_batches: false,
        watch: false,
        limits: &[],
    };

    /// Returns every promise with its name, for tables.
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
