//! The contract of Skimmer's publish-subscribe drivers.

mod error;

pub use error::{Advice, Error, ErrorKind, Result};
