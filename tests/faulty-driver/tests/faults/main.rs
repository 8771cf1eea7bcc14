//! Each fault does what its documentation promises, and one seed gives one history.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where an expectation fails")]

mod broker;
mod events;
mod history;
mod links;
mod node;
mod requests;
