//! The settings of the section `[service]` that only the publisher service reads; those of its ring are `delivery`'s.
//!
//! A crate of its own, because every program reads the same file and must refuse what is wrong in it, also about the
//! service, without linking the service.

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
    }
}
