//! The one error type of Skimmer. `pubsub-api` re-exports it; only the crates below it name this crate.
//!
//! # What a caller does with an error
//!
//! The [kind](ErrorKind) is for the program, the text is for the operator. A library adds [context](Error::context) and
//! passes the kind on unchanged; only the code that knows the whole operation decides about a retry.
//!
//! ```
//! use errors::{Error, ErrorKind, Result};
//!
//! fn port(text: &str) -> Result<u16> {
//!     text.parse().map_err(|error| {
//!         Error::new(ErrorKind::Settings, format!("{text:?} is not a port")).with_source(error)
//!     })
//! }
//!
//! let error = port("many").map_err(|error| error.context("publisher_port")).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Settings);
//! assert_eq!(error.to_string(), r#"publisher_port: "many" is not a port: invalid digit found in string"#);
//! ```

mod error;

pub use error::{Error, ErrorKind, Result};
