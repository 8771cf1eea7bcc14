//! The settings of the section `[service]` that only the publisher service reads; those of its ring are `delivery`'s.
//!
//! A crate of its own, because every program reads the same file and must refuse what is wrong in it, also about the
//! service, without linking the service.

use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, declare_settings};

const HOUR: Duration = Duration::from_secs(3600);

declare_settings! {
    /// The settings of the section `[service]` that only the service reads.
    pub struct ServiceSettings in "service" {
        /// How long the service continues after SIGTERM to publish the events that workers have sent, 0s to 1h. It
        /// disconnects workers that are still sending after three quarters of this time. If it cannot publish all
        /// received events in time, the exit status is 69. Keep it below systemd's TimeoutStopSec.
        drain_timeout: Duration = r#""5s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Live;
        /// How long a drain (`skimmer drain`, SIGUSR2) waits until every agent has received what is published, 0s to 1h. It
        /// waits while workers cannot publish, so that it ends earlier if an agent receives nothing for `send_timeout`. An
        /// agent that is still behind receives the rest from the ring after the next start.
        drain_agents_timeout: Duration = r#""10s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Live;
        /// The address of the HTTP endpoint for operators: `/livez`, `/readyz`, `/metrics`, `/status.json`
        /// (docs/operations.md). `127.0.0.1:9466`, `[::1]:9466`, `*:9466`, or `unix:` and a path, such as
        /// `unix:/run/skimmer/publisher-service.http`, whose file has the mode 0660. Port 0 is any free one, which `skimmer status`
        /// shows. If empty, there is no endpoint. An address that other hosts can connect to needs
        /// `operations_token_file`.
        operations_bind: String = r#""""#, Kind::Text, Restart;
        /// The file with the token that requests to `operations_bind` must have, as `Authorization: Bearer TOKEN`: one
        /// line of 16 to 256 visible ASCII characters, mode 0600. It is read again when it changes, and never shown.
        /// If empty, requests need no token. The endpoint speaks HTTP without TLS: on a network that others can
        /// listen to, put a proxy with TLS in front of a loopback address.
        operations_token_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
    }
}
