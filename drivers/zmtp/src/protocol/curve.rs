//! The mechanism CURVE (RFC 25, RFC 26) without I/O: keys, boxes, the handshake of either side, and the traffic after it.
//!
//! A server has a long-term key that its clients know, and each client has one that the server knows. Both sides make a
//! transient key for each connection, and forget it with the connection: what was recorded cannot be read with a key that is
//! stolen later.
//!
//! The ciphers are those of other crates: Curve25519 of `x25519-dalek`, Salsa20 of `salsa20`, Poly1305 of `cryptoxide` (of
//! RustCrypto's `poly1305` 0.9 the AVX2 code, which cannot be switched off at run time, needs over a microsecond for each
//! message, and most are short). `secret_box` only combines them as NaCl's `crypto_box` does.
//!
//! Read in this order: `z85` and `keys`; `secret_box`; `commands`, the layouts; `client`, `server`, and `authorized`, which lists
//! who may connect (`authorized_agent`); `session`, the traffic.

mod authorized;
mod authorized_agent;
mod client;
mod commands;
mod keys;
mod secret_box;
mod server;
mod session;
mod z85;

#[cfg(test)]
mod tests;

pub use authorized::AuthorizedAgents;
pub use authorized_agent::{AuthorizedAgent, check_name};
pub use client::ClientKeys;
pub use key_files::NoRandomness;
pub use keys::{KEY_CHARACTERS, PublicKey, SecretKey};
pub use server::ServerKeys;
pub use session::{MESSAGE_OVERHEAD_BYTES, Opener, Sealer, Session};

pub(super) use client::ClientExchange;
pub(super) use server::{Introduction, ServerExchange};
