//! Claims the addresses that Skimmer listens on: Unix socket files and TCP ports.
//!
//! A claim never takes an address that is still in use and never deletes anything but a dead socket. If it fails, its
//! error names the holder of the address. It returns nonblocking listeners of the standard library and needs no
//! runtime.
//!
//! - [`UnixClaim`] holds a socket file of mode 0660 until it is released.
//! - [`check_path`], [`check_directory`] and [`check_unix`] find out before a start whether a claim can succeed, and
//!   [`check_tcp`] whether a port can be bound. `config check` uses them.
//! - [`tcp`] binds a TCP port, or claims the listener of it that a service manager passed ([`take_passed_listeners`]).
//!
//! ```
//! use listen::{UnixClaim, check_directory, check_path};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("publisher.sock");
//! check_path(&path)?;
//! check_directory(&path)?;
//!
//! let claim = UnixClaim::bind(&path)?;
//! let listener = claim.listener()?;
//! assert!(UnixClaim::bind(&path).is_err_and(|error| error.to_string().contains("is in use by pid")));
//!
//! drop(listener);
//! claim.release()?;
//! assert!(!path.exists());
//! # Ok(())
//! # }
//! ```
//!
//! # What an operator reads
//!
//! | text of the error | what to do |
//! |---|---|
//! | `… is in use by pid 4711 (publisher-service)` | stop that process, or choose another address |
//! | `… does not exist; create it: mkdir -p …` | run the command |
//! | `… is not an address of this host` | choose one that `ip address` shows, or `*` |
//! | `subscribers are not authenticated …` | write one of the two lines that it names into the settings |
//! | `this user may not listen on …` | choose a port from 1024, or grant the capability |

mod unix_claim;

mod directory;
mod path;
mod place;

mod lock;
mod occupant;

mod binding_directory;

mod exposure;
mod passed;
mod tcp;

mod holder;
mod port_holder;
mod refusal;

pub use directory::check_directory;
pub use exposure::{Exposure, is_loopback};
pub use passed::{close_unclaimed_listeners, take_passed_listeners};
pub use path::check_path;
pub use tcp::{check_tcp, tcp};
pub use unix_claim::{UnixClaim, check_unix};
