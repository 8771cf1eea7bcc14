use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::access::{Secrecy, open_checked, read_text};
use crate::version::Version;

/// A file that is read again when it changes.
///
/// It has no task of its own: the owner calls [`refresh`](Self::refresh), a few times a second. A change counts once the file has
/// stayed as it is for 100 ms, since a file that is written in place is incomplete for a moment. What cannot be read changes nothing,
/// and is logged as an error every minute.
#[derive(Debug)]
pub struct WatchedFile<T> {
    path: PathBuf,
    secrecy: Secrecy,
    most_bytes: u64,
    parse: fn(&str) -> Result<T, String>,
    /// What follows while the file cannot be read, in words.
    meanwhile: &'static str,
    watched: Mutex<Watched>,
}

/// What was seen of the file.
#[derive(Debug)]
struct Watched {
    /// What the content was read from.
    read: Version,
    /// Another version, and when it was seen first.
    next: Option<(Version, Instant)>,
    looked_at: Option<Instant>,
    /// When it was last reported that the file cannot be read.
    reported_at: Option<Instant>,
}

/// How long a file must stay as it is before it counts: one that is written in place is empty or incomplete for a moment.
const SETTLED: Duration = Duration::from_millis(100);

/// The interval between two reports of a file that cannot be read.
const REPORT: Duration = Duration::from_secs(60);

impl<T> WatchedFile<T> {
    /// The interval between two looks at the file, however often [`refresh`](Self::refresh) is called. A change counts within half a
    /// second.
    pub const LOOK: Duration = Duration::from_millis(200);

    /// Opens the file, checks who may read and write it, and reads at most `most_bytes` bytes of it. `meanwhile` is what follows
    /// while a changed file cannot be read: the end of the logged error.
    ///
    /// # Errors
    /// What is wrong, in words, without the path.
    pub fn open(
        path: &Path,
        secrecy: Secrecy,
        most_bytes: u64,
        parse: fn(&str) -> Result<T, String>,
        meanwhile: &'static str,
    ) -> Result<(Self, T), String> {
        let (version, content) = read(path, secrecy, most_bytes, parse)?;
        let watched = Watched { read: version, next: None, looked_at: None, reported_at: None };
        let path = path.to_owned();
        let file = Self { path, secrecy, most_bytes, parse, meanwhile, watched: Mutex::new(watched) };
        Ok((file, content))
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file again if it has changed and is settled, a few times a second however often it is called. Returns the new
    /// content.
    pub fn refresh(&self, now: Instant) -> Option<T> {
        let mut watched = match self.watched.try_lock() {
            Ok(watched) => watched,
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(TryLockError::WouldBlock) => return None,
        };
        if watched.looked_at.is_some_and(|at| now.saturating_duration_since(at) < Self::LOOK) {
            return None;
        }
        watched.looked_at = Some(now);
        match self.look(&mut watched, now) {
            Ok(content) => content,
            Err(error) => {
                self.report(&mut watched, &error, now);
                None
            }
        }
    }

    fn report(&self, watched: &mut Watched, error: &str, now: Instant) {
        if watched.reported_at.is_none_or(|at| now.saturating_duration_since(at) >= REPORT) {
            watched.reported_at = Some(now);
            tracing::error!(
                id = "SK1106",
                "{} cannot be read: {error}; {}",
                self.path.display(),
                self.meanwhile
            );
        }
    }

    fn look(&self, watched: &mut Watched, now: Instant) -> Result<Option<T>, String> {
        let version = Version::of(&open_checked(&self.path, self.secrecy)?.1);
        if version == watched.read {
            (watched.next, watched.reported_at) = (None, None);
            return Ok(None);
        }
        match watched.next {
            Some((next, since)) if next == version => {
                if now.saturating_duration_since(since) < SETTLED {
                    return Ok(None);
                }
            }
            _ => {
                watched.next = Some((version, now));
                return Ok(None);
            }
        }
        let (version, content) = read(&self.path, self.secrecy, self.most_bytes, self.parse)?;
        (watched.read, watched.next, watched.reported_at) = (version, None, None);
        Ok(Some(content))
    }
}

fn read<T>(
    path: &Path,
    secrecy: Secrecy,
    most_bytes: u64,
    parse: fn(&str) -> Result<T, String>,
) -> Result<(Version, T), String> {
    let (file, metadata) = open_checked(path, secrecy)?;
    let text = read_text(&file, metadata.len(), most_bytes)?;
    let version = Version::of(&metadata);
    let after = file.metadata().map_err(|error| error.to_string())?;
    if Version::of(&after) != version {
        return Err("it changed while it was read".to_owned());
    }
    Ok((version, parse(&text)?))
}

#[cfg(test)]
mod tests;
