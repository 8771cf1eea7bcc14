use serde::{Deserialize, Serialize};

use super::ServiceConfig;

/// A service of a cage, as [`Cage::list`](crate::Cage::list) returns it. As JSON: the fields of the configuration, `state`, and
/// `error` while it is restarting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CagedService {
    /// Its configuration.
    #[serde(flatten)]
    pub config: ServiceConfig,
    /// Its state.
    #[serde(flatten)]
    pub state: CagedState,
}

/// The state of a service of a cage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CagedState {
    /// It runs.
    Running,
    /// It has failed, and is started again after a pause.
    Restarting {
        /// Why it failed last.
        error: String,
    },
    /// It had nothing more to do and has stopped. A reload with another configuration starts it again.
    Ended,
}
