//! The data services engine: services on many nodes publish tables, subscribe to each other's tables, and call each
//! other, over any network driver.
//!
//! ```
//! use data_services::{Call, KeyColumns, Node, NodeOptions, Row, TableEvent};
//! use serde_json::json;
//! # use std::sync::Arc;
//! # use drivers_memory as _;
//! # fn open(port: u16) -> pubsub_api::Result<Arc<dyn pubsub_api::PubSubApi>> {
//! #     let registry = pubsub_api::Registry::collect()?;
//! #     let sets = vec!["pub_sub_driver=memory_pubsub_driver".to_owned(), format!("publisher_port={port}")];
//! #     let sources = settings::Sources { sets, ..settings::Sources::default() };
//! #     let tables = [pubsub_api::settings::PubSub::TABLE];
//! #     registry.open(&settings::load(&sources, &tables, &registry.settings())?.0, pubsub_api::Role::Network)
//! # }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A node with a service that publishes one table and has one method.
//! let options = NodeOptions::new("boston")?;
//! let boston = Node::join(options, open(7001)?, false).await?;
//! let hosts = boston
//!     .service("vSphere.Boston")
//!     .address("vSphere.node.list")
//!     .table("hosts", KeyColumns::Fields(vec!["name".into()]))
//!     .method("double", |call: Call| async move { Ok(2 * call.arguments::<u64>()?) })
//!     .start()
//!     .await?;
//! hosts.publish("hosts", vec![Row::of(&json!({"name": "esx-1", "cores": 8}))?]).await?;
//!
//! // Another node, which subscribes to that table and calls that method.
//! let options = NodeOptions::new("viewer")?.seed("memory://127.0.0.1:7001");
//! let viewer = Node::join(options, open(7002)?, false).await?;
//! let screen = viewer.service("screen").start().await?;
//! let mut subscription = screen.subscribe("vSphere.node.list", "hosts").await?;
//! let Some(TableEvent::Snapshot { publisher, rows }) = subscription.next().await else { panic!("no rows") };
//! assert_eq!((publisher.node.as_str(), rows.len()), ("boston", 1));
//! assert_eq!(screen.call("vSphere.Boston", "double", 21).await?, json!(42));
//!
//! viewer.leave().await;
//! boston.leave().await;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Node`] is a process's place on a bus. Its services are started by [`Node::service`]; a [`ServiceHandle`] publishes,
//! subscribes and calls. Every node has a copy of the registry: which services run where, with their tables, methods and
//! [addresses](Address). docs/data-services.md describes the protocol.

mod access_rules;
mod address;
mod borrowed_text;
mod difference;
mod instance;
mod names;
mod node_entry;
mod node_instance;
mod packet;
mod row;
mod row_key;
mod stream_name;
mod trace_id;

mod calls;
mod membership;
mod tables;

mod bus_adapter;
mod cage;
mod node;
mod node_options;
mod service;
mod table_event;

pub use access_rules::{AccessAction, AccessEffect, AccessRule, AccessRules};
pub use address::Address;
pub use cage::{Cage, CagedService, CagedState, Service, ServiceConfig, ServiceKind, StopSignal};
pub use calls::{CallError, CallErrorKind};
pub use difference::Difference;
pub use instance::Instance;
pub use membership::PeerState;
pub use names::{BusId, IdempotencyKey, MAX_NAME_BYTES, MethodId, NodeId, ServiceId, TableId};
pub use node::{
    Node, NodeReport, PeerReport, PublishedReport, RegistryChanges, ServiceOffer, SubscriberLag,
    SubscriptionReport, TopicReport,
};
pub use node_entry::{NodeEntry, ServiceEntry, ServiceState};
pub use node_instance::NodeInstance;
pub use node_options::NodeOptions;
pub use row::Row;
pub use row_key::{KeyColumns, RowKey};
pub use service::{
    Call, CallOptions, CallResult, CallStream, CallUpload, Delivery, InstanceChoice, Leadership,
    ServiceBuilder, ServiceHandle, SubscribeOptions, SubscribingNode, SubscriptionId, TableSubscription,
    Transaction,
};
pub use stream_name::StreamName;
pub use table_event::{ChangedRows, TableEvent, TablePublisher};
pub use tables::{StreamPhase, TableChange, TableUpdate};
pub use trace_id::TraceId;
