//! The end of the request channel at the subscriber.

pub(crate) mod link;

mod connection;
mod pending_requests;

mod replies;
pub(crate) mod requester_state;
