//! The harness of tests with real processes: it starts, feeds, reads, stops and kills them.
//!
//! - [`binary`] finds the programs of this workspace, and builds them if need be.
//! - [`Folder`] is one installation: a settings file, a socket and a `state_dir` per process, removed at the end.
//! - [`Launch`] is a command line; [`Launch::start`] makes a [`Program`] of it, [`Launch::run`] an [`Ended`].
//! - [`Program`] collects what a process writes: wait for a line, look at all lines, send signals, write to stdin.
//! - [`Service`] is a publisher service that is ready; [`Folder::agent`] starts an agent at it.
//! - [`NarrowLine`] is a line in front of a publisher that carries so many bytes a second.
//! - [`RawPeer`] speaks ZMTP by hand, for peers that no library plays.
//! - [`History`] holds what a subscriber wrote against the guarantees, [`assert_convergent`] its table against the truth.
//! - [`change_log`], [`shards`] and [`fold`] give events as JSON, and what a table of them must come to.
//!
//! Everything waits for a condition, at most [`PATIENCE`], and ends the test by a panic that shows what the process had
//! written. Nothing here reads events with Skimmer's own code: a defect there must not hide itself.
//!
//! ```no_run
//! use end_to_end::{Folder, event, is_event, notice};
//!
//! let folder = Folder::new();
//! let service = folder.service();
//! let agent = folder.agent("agent", &service);
//! agent.wait_for("the link", |line| notice(line) == Some("subscribed"));
//! folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
//! agent.wait_for("the event", is_event);
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod binaries;
mod change_log;
mod ended;
mod folder;
mod history;
mod launch;
mod narrow_line;
mod output;
mod patience;
mod port;
mod process;
mod program;
mod raw_peer;
mod service;
mod unread;

pub use binaries::binary;
pub use change_log::{Fold, change_log, event, fold, is_event, jsonl, key_of, notice, shards};
pub use ended::Ended;
pub use folder::Folder;
pub use history::{History, Hole, assert_convergent, plain};
pub use launch::Launch;
pub use narrow_line::NarrowLine;
pub use patience::{PATIENCE, until};
pub use port::fixed_port;
pub use process::need_descriptors;
pub use program::Program;
pub use raw_peer::{RawPeer, zmtp_hello};
pub use rustix::process::Signal;
pub use service::{Service, counter, counters};
pub use unread::Unread;
