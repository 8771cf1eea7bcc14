//! The harness for tests with real processes: it starts, feeds, reads, stops and kills them.
//!
//! - [`binary`] finds the programs of this workspace and builds them if necessary.
//! - [`Folder`] is one installation: a settings file, a socket and a `state_dir` per process, removed at the end.
//! - [`Launch`] is a command line; [`Launch::start`] makes a [`Program`] of it, [`Launch::run`] an [`Ended`].
//! - [`Program`] collects the output of a process: wait for a line, read all lines, send signals, write to stdin.
//! - [`Service`] is a publisher service that is ready; [`Folder::agent`] starts an agent at it.
//! - [`http_get`] requests a path of the HTTP endpoint of a program; [`Folder::operations`] finds it.
//! - [`NarrowLine`] is a proxy in front of a publisher that carries a limited number of bytes per second.
//! - [`RawPeer`] speaks ZMTP byte by byte, for behaviour that no library has.
//! - [`Secrets`] are keys that must be shown nowhere.
//! - [`History`] checks the output of a subscriber against the guarantees, [`assert_convergent`] checks its table.
//! - [`change_log`], [`shards`] and [`fold`] return events as JSON, and the table that they must produce.
//!
//! Every wait is for a condition, at most [`PATIENCE`]; then the test panics and shows the output of the process. The harness
//! does not read events with Skimmer's own code, so that a bug there cannot hide itself.
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
mod http_reply;
mod launch;
mod narrow_line;
mod output;
mod patience;
mod port;
mod process;
mod program;
mod raw_peer;
mod secrets;
mod service;
mod unread;

pub use binaries::{binary, example};
pub use change_log::{Fold, change_log, event, fold, is_event, jsonl, key_of, notice, shards};
pub use ended::Ended;
pub use folder::Folder;
pub use history::{History, Hole, assert_convergent, plain};
pub use http_reply::{HttpReply, http, http_connect, http_get};
pub use launch::Launch;
pub use narrow_line::NarrowLine;
pub use patience::{PATIENCE, until, within};
pub use port::fixed_port;
pub use process::need_descriptors;
pub use program::Program;
pub use raw_peer::{RawPeer, zmtp_hello};
pub use rustix::process::Signal;
pub use secrets::Secrets;
pub use service::{Service, counter, counters};
pub use unread::Unread;
