//! A stamped publisher over a driver of this test's own.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

#[path = "stamped/announcing.rs"]
mod announcing;
#[path = "stamped/fake.rs"]
mod fake;
#[path = "stamped/metrics.rs"]
mod metrics;
#[path = "stamped/outgrown.rs"]
mod outgrown;
#[path = "stamped/pages.rs"]
mod pages;
#[path = "stamped/publishing.rs"]
mod publishing;
#[path = "stamped/retirements.rs"]
mod retirements;
#[path = "stamped/rights.rs"]
mod rights;
#[path = "stamped/sealed.rs"]
mod sealed;
#[path = "stamped/serving.rs"]
mod serving;
