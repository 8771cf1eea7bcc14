//! What an operator sees of a running program over HTTP: whether it lives, whether it is ready, its metrics and its status.
//!
//! | path | reply |
//! |---|---|
//! | `/` | the status page: static files, which need no token |
//! | `/events` | what the page shows, once a second, as server-sent events ([schema](../../docs/events.schema.json)) |
//! | `/livez` | 200 while the runtime of the program runs its tasks |
//! | `/readyz` | 200 if every [`ReadinessCheck`] is met, else 503 with the reasons; `?verbose` lists all checks |
//! | `/metrics` | all [metrics](metrics()) as OpenMetrics text ([list](../../docs/metrics.md)) |
//! | `/status.json` | the document of `skimmer status` ([schema](../../docs/status.schema.json)) |
//!
//! Any other path is a 404 that lists these, any method but GET and HEAD a 405. If there is a token, every request but those for the files of the
//! page needs it.
//!
//! The endpoint has a thread and a runtime of its own, and listens before the program is ready. Its clients are bounded in
//! number, in bytes and in time, and none of them delays an event ([limits](../../docs/limits.md)).
//!
//! ```
//! use operations::{Occupancy, OperationsOptions, OperationsServer, PeerList, ReadinessCheck, RunningProgram};
//! use std::sync::Arc;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = OperationsOptions::of("service", "127.0.0.1:0", None)?.ok_or("no address")?;
//! options.check(Occupancy::Free)?;
//! let server = OperationsServer::start(&options)?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! // … the program starts, and then reports what it is …
//! # let document = service_kit::StatusDocument {
//! #     status_version: 1, program: String::new(), version: String::new(), pid: 0, uptime_seconds: 0,
//! #     endpoints: Default::default(), last_reload: None, parts: Default::default(),
//! # };
//! server.publish(RunningProgram {
//!     program: "publisher-service",
//!     status: Arc::new(move || document.clone()),
//!     parts: Arc::new(Default::default),
//!     checks: Arc::new(|| vec![ReadinessCheck::met("ring", "it is open")]),
//!     peers: Arc::new(|| PeerList::none("agents", "none is connected")),
//!     notices: Arc::default(),
//! });
//! # Ok(())
//! # }
//! ```

mod bearer_token;
mod occupancy;
mod operations_address;
mod operations_options;

mod readiness_check;
mod running_program;

mod metrics;

mod status_page;

mod operations_server;
mod pulse;
mod respond;
mod wall_clock;

pub use metrics::{Metric, MetricKind, metrics, metrics_page};
pub use occupancy::Occupancy;
pub use operations_address::OperationsAddress;
pub use operations_options::OperationsOptions;
pub use operations_server::OperationsServer;
pub use readiness_check::ReadinessCheck;
pub use running_program::RunningProgram;
pub use status_page::{NoticeJournal, PeerCondition, PeerList, PeerRow};
