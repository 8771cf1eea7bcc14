//! The same calls by NATS: a client with one inbox for all replies, as the official clients have it, and the text protocol
//! (<https://docs.nats.io/reference/reference-protocols/nats-protocol>). It checks less than they do, in favour of NATS.

mod callee;
mod caller;
mod client;
mod message;
mod server;

pub(crate) use callee::NatsCallee;
pub(crate) use caller::NatsCaller;
pub(crate) use server::NatsServer;

/// The subject of the callee.
const SUBJECT: &str = "bench.echo";
