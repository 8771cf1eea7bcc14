use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use pubsub_api::{Error, ErrorKind, Result};

use super::damage::Damage;
use super::folder::{Folder, NoFolder};
use super::rebuild::{Extent, Rebuild};
use super::record;
use super::segment::Segment;
use crate::publisher::numbering::publisher_state::PublisherState;
use crate::publisher::ring::{Ring, RingBound};

/// The state of a publisher at its start.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) ring: Ring,
    pub(crate) publisher_state: PublisherState,
    pub(crate) start: RingStart,
}

/// How a ring began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RingStart {
    /// There was no ring.
    New,
    /// It continues where it ended.
    Recovered,
    /// It was refused, with this cause.
    Refused(&'static str),
    /// No folder can be written to: the ring ends with the process.
    InMemory,
}

/// The publisher of a ring, and its bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RingOptions<'a> {
    pub(crate) state_dir: Option<&'a Path>,
    pub(crate) publisher: u64,
    pub(crate) bound: RingBound,
    pub(crate) max_topics: usize,
}

/// Opens the ring, and begins an epoch and a segment in it.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if another process has its folder.
pub(crate) fn open(options: RingOptions<'_>, now_us: u64) -> Result<Opened> {
    let empty = |folder, start| Opened {
        ring: Ring::new(folder, options.bound, Vec::new()),
        publisher_state: PublisherState::new(options.publisher, options.max_topics),
        start,
    };
    let folder = options.state_dir.map(|state_dir| Folder::open(state_dir, options.publisher));
    let mut opened = match folder {
        None => empty(None, RingStart::InMemory),
        Some(Ok(folder)) => recover_or_set_aside(folder, options, empty),
        Some(Err(NoFolder::Failed(error))) => {
            let state_dir = options.state_dir.unwrap_or(Path::new("")).display();
            tracing::warn!(
                id = "SK0213",
                "cannot keep a ring in {state_dir} (state_dir): {error}; the ring is in memory and is lost at a \
                 restart"
            );
            empty(None, RingStart::InMemory)
        }
        Some(Err(NoFolder::InUse { path, holder })) => return Err(in_use(&path, &holder)),
    };
    opened.publisher_state.begin_epoch(now_us);
    let Opened { ring, publisher_state, .. } = &mut opened;
    ring.begin(publisher_state);
    Ok(opened)
}

fn in_use(path: &Path, holder: &str) -> Error {
    let holder = if holder.is_empty() { "another process".to_owned() } else { format!("pid {holder}") };
    let text = format!(
        "{} is in use by {holder}: two publishers need two identities (publisher_id) or two folders (state_dir)",
        path.display()
    );
    Error::new(ErrorKind::Unavailable, text)
}

fn recover_or_set_aside(
    folder: Folder,
    options: RingOptions<'_>,
    empty: impl Fn(Option<Folder>, RingStart) -> Opened,
) -> Opened {
    match recover(&folder, options) {
        Ok(Recovered { segments, .. }) if segments.is_empty() => empty(Some(folder), RingStart::New),
        Ok(Recovered { publisher_state, segments }) => {
            let ring = Ring::new(Some(folder), options.bound, segments);
            Opened { ring, publisher_state, start: RingStart::Recovered }
        }
        Err(refusal) => {
            let path = folder.path().display();
            tracing::error!(
                id = "SK0215",
                "refused the ring in {path}: {refusal}; it is moved aside, and subscribers will receive a resync"
            );
            let folder = match folder.set_aside() {
                Ok(()) => Some(folder),
                Err(error) => {
                    tracing::error!(
                        id = "SK0216",
                        "cannot move the ring in {path} aside: {error}; the ring is in memory"
                    );
                    None
                }
            };
            empty(folder, RingStart::Refused(refusal.cause()))
        }
    }
}

/// Why a ring is refused.
#[derive(Debug)]
enum Refusal {
    Damaged(u32, Damage),
    Unreadable(io::Error),
}

impl Refusal {
    fn cause(&self) -> &'static str {
        match self {
            Self::Damaged(_, damage) => damage.cause(),
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged(segment, damage) => write!(f, "in segment {segment:08x}: {damage}"),
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

struct Recovered {
    publisher_state: PublisherState,
    segments: Vec<(Segment, Extent)>,
}

fn recover(folder: &Folder, options: RingOptions<'_>) -> std::result::Result<Recovered, Refusal> {
    folder.remove_spare();
    let numbers = folder.segments()?;
    let mut rebuild = Rebuild::new(options.publisher, options.max_topics);
    let mut segments = Vec::with_capacity(numbers.len());
    for &number in &numbers {
        let is_last = numbers.last() == Some(&number);
        let mut file = File::options().read(true).write(true).open(folder.segment(number))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let extent = rebuild.segment(&bytes, number, is_last);
        match extent.map_err(|damage| Refusal::Damaged(number, damage))? {
            Some(extent) => {
                let segment = Segment::new(number, file);
                cut(&segment, bytes.len(), extent)?;
                segments.push((segment, extent));
            }
            None => folder.remove(number),
        }
    }
    Ok(Recovered { publisher_state: rebuild.finish(), segments })
}

/// Removes what a crash left after the last record, and what an earlier segment left in the same file.
fn cut(segment: &Segment, bytes: usize, extent: Extent) -> io::Result<()> {
    let Extent { end, is_cut_off, .. } = extent;
    if is_cut_off {
        tracing::warn!(
            id = "SK0217",
            segment = segment.number(),
            "the end of the ring was cut off when its publisher died; it held no acknowledged event"
        );
    }
    let is_exact = usize::try_from(end).is_ok_and(|end| end + record::HEAD_BYTES == bytes);
    if is_cut_off || !is_exact { segment.cut(end) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
