//! The subscribers: one for each hop.

mod multiproc_subscriber;
mod network_subscriber;

pub(crate) use multiproc_subscriber::MultiprocSubscriber;
pub(crate) use network_subscriber::NetworkSubscriber;
