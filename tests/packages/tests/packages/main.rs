//! The packages of `packaging/`: what an administrator gets, from the installation to the removal.
//!
//! They are built of the programs that all tests use, and installed into a minimal Debian (`tests/setup`), which each test has
//! over a folder in memory, in namespaces of its own: nothing of it reaches the machine.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

mod bills;
mod contents;
mod image;
mod installing;
mod upgrading;
