//! The contract of Skimmer's publish-subscribe drivers: drivers, events and their wire format.
//!
//! A *driver* ([`PubSubApi`]) provides a [`Publisher`] and a [`Subscriber`] for one of two hops ([`Role`]): from API
//! workers to the publisher service of their host (multiproc), and from the service to the agents (network). The
//! [settings] choose a driver by its alias, and the [`Registry`] finds it; its [`Capabilities`] state what it promises,
//! as data.
//!
//! An [`Event`] is one change of one row. It travels as an [`Envelope`]: a [`Topic`] and a packed map ([`wire`]), with
//! the same bytes as Dragonflow's. A [`Batch`] holds several events. A subscriber receives ([`Incoming`]) envelopes and
//! [notices](Notice): a loss is reported in the stream, at its place.
//!
//! This crate opens no connection and no file, and depends on no async runtime. Parts that the contract uses, and that do
//! not need it, are crates below it: `errors`, `topics`, `msgpack`, `events`, `status`, `settings-declaration`. The contract
//! re-exports what its signatures contain, so drivers and programs need only this crate.
//!
//! # Where to start
//!
//! - An application that publishes opens a client of the crate `publisher-client`; one that receives builds an agent of
//!   the crate `subscriber-agent`. Both choose the driver by the settings and use the types of this crate.
//! - A driver implements [`PubSubApi`], [`Publisher`] and [`Subscriber`], and submits a [`Driver`]. The lists in the
//!   documentation of the two traits are its contract; the conformance suite checks each line.
//! - A database driver implements [`DbApi`](database::DbApi) and submits a
//!   [`DatabaseDriver`](database::DatabaseDriver).
//!
//! # An event on its way
//!
//! ```
//! use pubsub_api::wire::EventRef;
//! use pubsub_api::{Action, Envelope, Event, Topic};
//!
//! let event = Event::new("lport", "port-1", Action::Create, r#"{"id":"port-1"}"#, Topic::new("tenant-1")?);
//! let Envelope { topic, payload } = Envelope::pack(&event)?;
//! // … a driver carries the two frames …
//! let received = EventRef::read(topic.as_bytes(), &payload)?;
//! assert_eq!(received.to_event(), event);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod settings;

pub mod database;

mod link_endpoint;

mod batch;
mod framing;
mod notice;

mod acknowledger;
mod publisher;
mod requests;
mod subscriber;
mod subscribers_seen;

mod capability;
mod driver;
mod posture;
mod pub_sub_ends;
mod registry;
mod route;
mod unlinked_driver;

mod backoff;

pub use acknowledger::Acknowledger;
pub use backoff::Backoff;
pub use batch::{Batch, BlockId, Edit, EncodedEvent, FramedRun, Source, SourceId, WorkerPosition};
pub use capability::Capabilities;
pub use driver::{Driver, PubSubApi, Role};
pub use errors::{Error, ErrorKind, Result};
pub use events::{Action, Envelope, Event, PublisherEpoch, Stamp, Value, hello, wire};
pub use framing::Framing;
pub use link_endpoint::{link_endpoint, registered_endpoint};
pub use notice::Notice;
pub use posture::{Posture, Verdict};
pub use pub_sub_ends::PubSubEnds;
pub use publisher::Publisher;
pub use registry::Registry;
pub use requests::{Reply, Request, Requester, Requests};
pub use route::Route;
pub use status::{
    CauseCounter, Counter, CounterReading, LatencyBatch, LatencyBucket, LatencyCounter, LatencyReading,
    NamedCounters, NamedReading, NamedValue, PeerReading, QueueReading, RefusalJournal, RefusalReading,
    Status,
};
pub use subscriber::{Incoming, MAX_SUBSCRIPTIONS, MAX_TOPICS, MAX_TOPICS_PER_PUBLISHER, Subscriber, run};
pub use subscribers_seen::{PeerId, SubscribersSeen, SubscriptionSeen};
pub use topics::{HELLO, MARK_PREFIX, Pattern, SEND_ALL, Subscription, Subscriptions, Topic, TopicRights};
pub use unlinked_driver::UnlinkedDriver;
