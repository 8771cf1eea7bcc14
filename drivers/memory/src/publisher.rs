//! The publishers: one for each hop.

mod multiproc_publisher;
mod network_publisher;

pub(crate) use multiproc_publisher::MultiprocPublisher;
pub(crate) use network_publisher::NetworkPublisher;
