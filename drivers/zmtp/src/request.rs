//! The request channel: a subscriber sends requests to one publisher and receives its replies, on the publisher's port, over
//! a connection of its own, a DEALER's.
//!
//! - [`dealer`]: the end of the subscriber. Read `link`, which connects at the first request; `connection`;
//!   `pending_requests`, the requests that wait to be sent; `replies`, the queue of all replies; `requester_state`, which all
//!   request links of a subscriber share.
//! - [`router`]: the end of the publisher. Read `request_queue`, the requests of all peers; `replies`, the queue of each peer.
//!   The threads of the fan-out read and write the sockets.

pub(crate) mod dealer;
pub(crate) mod router;

pub(crate) use router::request_queue::RequestQueue;
