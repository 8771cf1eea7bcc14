use std::collections::BTreeMap;
use std::path::Path;

use pubsub_api::{Error, ErrorKind, Result};

/// What became of the entries of a recording.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Events that were printed, or accepted for publishing.
    pub(super) played: u64,
    /// Events that cannot be published, by cause.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// Entries that `--from`, `--to`, `--topic` or `--table` leave out.
    pub(super) left_out: u64,
    /// Notices, which are not published.
    pub(super) notices: u64,
    /// What is known of the published events.
    pub(super) confirmed: Option<u64>,
}

impl Tally {
    pub(super) fn refuse(&mut self, cause: &'static str, events: u64) {
        if events > 0 {
            *self.refused.entry(cause).or_default() += events;
        }
    }

    fn all_refused(&self) -> u64 {
        self.refused.values().sum()
    }

    pub(super) fn summary(&self, file: &Path) -> String {
        let causes: Vec<String> =
            self.refused.iter().map(|(cause, events)| format!("{cause} {events}")).collect();
        let causes = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(", ")) };
        let confirmed =
            self.confirmed.map(|events| format!(", {events} of them confirmed")).unwrap_or_default();
        format!(
            "replayed {} events of {}{confirmed}; refused {}{causes}; left out {} entries; {} notices",
            self.played,
            file.display(),
            self.all_refused(),
            self.left_out,
            self.notices
        )
    }

    /// # Errors
    /// [`ErrorKind::Invalid`] if events were refused.
    pub(super) fn verdict(&self) -> Result<()> {
        match self.all_refused() {
            0 => Ok(()),
            events => Err(Error::new(ErrorKind::Invalid, format!("{events} events were not published"))),
        }
    }
}
