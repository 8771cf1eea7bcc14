//! The end of the request channel at the publisher.

pub(crate) mod request_queue;

pub(crate) mod replies;
