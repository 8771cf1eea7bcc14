//! Many memberships on a simulated network, in virtual time.

mod bounds;
mod clash;
mod defects;
mod greetings;
mod joins;
mod network;
mod registry;
mod reports;
mod restart;
mod seeds;
mod simulation;
mod traffic;
mod up;

use std::time::Duration;

use simulation::Wiring;

const ALL: [Wiring; 3] = [Wiring::Broker, Wiring::Mesh, Wiring::BlindMesh];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
