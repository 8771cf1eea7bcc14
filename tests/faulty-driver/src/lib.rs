//! A network driver within one process that loses, duplicates, reorders and delays what it carries, for tests.
//!
//! A [`FaultyNetwork`] connects the nodes that it opened, as a mesh (`faulty://name:1`) or around a broker. Faults belong to
//! one direction between two nodes, and can be changed at any time: [`Faults`], cuts that lose everything silently, and
//! broken links that are reported. Without faults it is an ordinary driver, which passes the conformance suite.
//!
//! Time is tokio's, so that a test that begins with a paused clock takes no time. All chance comes from one seed: the same
//! calls in the same order, with the same seed, deliver the same events at the same times.
//!
//! ```
//! use faulty_driver::{Faults, FaultyNetwork};
//! use pubsub_api::{Incoming, PubSubApi, SEND_ALL};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> pubsub_api::Result<()> {
//! let network = FaultyNetwork::mesh(7);
//! let (publisher, subscriber) = (network.node("one").publisher(), network.node("two").subscriber());
//! publisher.initialize().await?;
//! subscriber.register_listen_address("faulty://one:1")?;
//! subscriber.register_topic(SEND_ALL.into())?;
//! subscriber.initialize().await?;
//!
//! network.set_faults(Faults { duplication: 1.0, ..Faults::NONE });
//! publisher.send(&SEND_ALL, "twice".into()).await?;
//! let mut events = 0;
//! while events < 2 {
//!     events += u32::from(matches!(subscriber.recv().await?, Incoming::Event(_)));
//! }
//! # Ok(())
//! # }
//! ```

mod arrival;
mod endpoint;
mod fault_plan;
mod faults;
mod timed_queue;

mod replies;

mod bound_publisher;
mod open_subscriber;

mod state;

mod shared;

mod faulty_network;
mod faulty_publisher;
mod faulty_subscriber;

use pubsub_api::Capabilities;

pub use faults::Faults;
pub use faulty_network::FaultyNetwork;

/// What the driver promises as a mesh while it has no faults.
pub const CAPABILITIES: Capabilities = Capabilities {
    confirms_subscribe: true,
    native_patterns: true,
    bounded: true,
    isolated: true,
    replay: true,
    limits: &["Within one process only, for tests."],
    ..Capabilities::NONE
};
