use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Status;

/// What a program tells the service manager besides its heartbeat.
#[derive(Clone)]
pub struct VitalSigns {
    /// How long the main work has been at one step; `None` if it waits for work. Longer than the time of the watchdog means that it hangs.
    pub stands_for: Arc<dyn Fn() -> Option<Duration> + Send + Sync>,
    /// The line that `systemctl status` shows.
    pub summary: fn(&BTreeMap<String, Status>) -> String,
}

impl fmt::Debug for VitalSigns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VitalSigns").finish_non_exhaustive()
    }
}
