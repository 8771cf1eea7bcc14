//! The harness for tests of the packages in `packaging/`.
//!
//! - [`Built`] has them, built once of the programs that all tests use.
//! - [`CleanRoot`] is a minimal Debian (`tests/setup`) to install them into: its changes are in memory, in namespaces of its own, and
//!   nothing of it reaches the machine.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where an expectation fails")]

mod built;
mod clean_root;

pub use built::{Built, LATER, prepared, root, run};
pub use clean_root::{CleanRoot, UNITS};
