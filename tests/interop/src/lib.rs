//! Foreign peers for tests: pyzmq and msgpack, which behave as Dragonflow's ZeroMQ driver does.
//!
//! - [`Sender`] is a PUSH, a PUB or an XSUB, [`Receiver`] a SUB or a PULL: small Python programs in `peers/`, which read commands
//!   and write what they receive as JSON lines.
//! - [`ask`] runs such a program once: `peers/oslo.py` is genuine oslo.config.
//! - [`RawSubscriber`] is a SUB of our own hand, for what no libzmq of today sends.
//! - [`monitored`] is what libzmq's monitor said of a peer's connections.
//! - [`map`], [`MapBuilder`] and [`filled`] pack maps without Skimmer's own packer.
//! - [`wrong_input`] is the table of everything wrong that a peer may send, with the cause that must be counted.
//! - [`unstamped`] is what a service got, of what it published: without the stamp that it adds.
//! - [`golden`] is what the genuine packer wrote for events of the recorded day.
//!
//! The interpreter is named by the environment variable `INTEROP_PYTHON`; `./test` makes one with what
//! `requirements.txt` names. Without it the tests fail.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod golden;
mod hex;
mod map;
mod monitor;
mod proxy;
mod python;
mod raw_subscriber;
mod receiver;
mod sender;
mod unstamped;
mod wrong_input;

pub use golden::{Golden, golden};
pub use hex::{hex, unhex};
pub use map::{MapBuilder, filled, map};
pub use monitor::monitored;
pub use proxy::Proxy;
pub use python::ask;
pub use raw_subscriber::{RawSubscriber, Says};
pub use receiver::{Receiver, fields, frames};
pub use sender::{Sender, prove};
pub use unstamped::unstamped;
pub use wrong_input::{WrongInput, wrong_input};
