//! The library that an API server links to publish its changes.
//!
//! It makes a [`PublisherClient`] (async) or a [`BlockingPublisher`] from the settings. The operator, not the API server,
//! chooses the driver, and whether events are sent through the publisher service of the host (`pub_sub_use_multiproc`),
//! directly to the network, or to a broker.
//!
//! An API server forks its workers. Make the publisher before the fork and use it after: with the publisher service or a
//! broker, making and initializing it starts no thread and opens no connection. Each worker connects at its first send.
//!
//! ```
//! use publisher_client::BlockingPublisher;
//! use pubsub_api::{Action, Event, Registry, SEND_ALL};
//!
//! let settings = all_settings::defaults(&Registry::collect()?.settings())?;
//! let publisher = BlockingPublisher::open(&settings)?;
//! publisher.initialize()?;
//! // … fork …
//! let event = Event::new("lport", "port-1", Action::Create, r#"{"id":"port-1"}"#, SEND_ALL);
//! # if false {
//! publisher.send(&event)?;
//! # }
//! # Ok::<(), pubsub_api::Error>(())
//! ```
//!
//! # Features
//!
//! One for each driver: `zmtp` (default), `memory`, `redis`, `zeromq`. Enable those that the settings of your hosts name as
//! `pub_sub_driver` and `pub_sub_multiproc_driver`: the first decides where events go, also in a process that uses the
//! second. A name in the settings whose driver is not linked is an error that names the feature it needs.
//!
//! # What a failed call means
//!
//! `Ok` of a send means that the event is accepted, not that it is delivered.
//!
//! | kind | the event | what the caller does |
//! |---|---|---|
//! | `Overloaded` | was not accepted: the queue stayed full for `send_timeout` | sends it again later, or fails its own request |
//! | `Invalid` | was not accepted: it is too large, or its topic is reserved | changes the event |
//! | `Closed` | was not accepted | opens another publisher |
//! | `InDoubt` | may have been accepted: the connection to a broker was lost before the answer | sends it again if a repeat does no harm |
//! | `Unavailable` | from `flush` and `close`: accepted events were not sent or confirmed in time | logs the text, and calls again |
//! | `Settings` | was not accepted: an alias is unknown, or the driver is not linked | stops, and shows the text |

mod blocking;
mod client;

pub use blocking::BlockingPublisher;
pub use client::PublisherClient;

use drivers as _;
