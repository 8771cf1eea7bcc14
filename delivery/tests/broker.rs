//! A publisher on a broker, over a driver of this test's own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where an expectation fails")]

#[path = "broker/chance.rs"]
mod chance;
#[path = "broker/fake.rs"]
mod fake;
#[path = "broker/in_doubt.rs"]
mod in_doubt;
#[path = "broker/marks.rs"]
mod marks;
#[path = "broker/publishing.rs"]
mod publishing;
#[path = "broker/sealed.rs"]
mod sealed;
