//! Foreign peers for tests: pyzmq and msgpack, which behave as Dragonflow's ZeroMQ driver does.
//!
//! - [`Sender`] is a PUSH, a PUB or an XSUB, [`Receiver`] a SUB or a PULL: small Python programs in `peers/`, which read commands
//!   and write what they receive as JSON lines.
//! - [`ask`] runs such a program once: `peers/oslo.py` is genuine oslo.config.
//! - [`RawSubscriber`] is a handwritten SUB, for messages that current libzmq does not send.
//! - [`monitored`] returns the events of libzmq's monitor about a peer's connections.
//! - [`map`], [`MapBuilder`] and [`filled`] pack maps without Skimmer's own packer.
//! - [`wrong_input`] is the table of invalid messages, with the cause that must be counted.
//! - [`unstamped`] removes from a published event the stamp that the service has added.
//! - [`golden`] is the output of the genuine packer for events of the recorded day.
//!
//! The environment variable `INTEROP_PYTHON` is the path of the interpreter; `./test` makes one with the packages of
//! `requirements.txt`. Without it the tests fail.
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
