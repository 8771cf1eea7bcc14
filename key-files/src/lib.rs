//! Files with keys: who may read and write them, and what follows when they change.
//!
//! A file is used only if it belongs to the user of this process or to root, and if nobody else can write it; one with secrets must
//! not be readable by others either ([`Secrecy`]). A [`WatchedFile`] is read again when it changes. What was read is overwritten in
//! memory when it is dropped, and no error contains it.
//!
//! ```
//! use key_files::{Secrecy, WatchedFile, create_secret};
//! use std::io::Write;
//! use std::time::Instant;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("number");
//! create_secret(&path)?.write_all(b"7")?;
//!
//! let read = |text: &str| text.trim().parse::<u32>().map_err(|error| error.to_string());
//! let (file, number) = WatchedFile::open(&path, Secrecy::Secret, 100, read, "the number stays")?;
//! assert_eq!(number, 7);
//! assert_eq!(file.refresh(Instant::now()), None, "it has not changed");
//! # Ok(())
//! # }
//! ```

mod access;
mod random;
mod version;
mod watched_file;

pub use access::{Secrecy, create_secret, read_secret, replace_secret};
pub use random::{NoRandomness, random};
pub use watched_file::WatchedFile;
