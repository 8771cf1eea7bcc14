use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use super::folder::{Folder, NoFolder};
use super::ring_segment::RingSegment;
use super::segment::Segment;
use crate::publisher::ring::Ring;

/// Returns a ring from memory to its folder, by copying all segments.
///
/// A part of a ring in the folder would be worse than none: after a crash, sequences would be used twice. So a copy becomes a
/// segment only when all are complete: they are renamed while nothing is published, the newest first, since a ring may lack its
/// oldest segments.
#[derive(Debug)]
pub(crate) struct RingReturn {
    /// Taken when the ring enters it.
    folder: Option<Folder>,
    copies: BTreeMap<u32, Copied>,
}

#[derive(Debug)]
struct Copied {
    file: File,
    bytes: u32,
}

impl RingReturn {
    /// Locks the folder. Segments in it are moved aside: they are older than the ring in memory.
    pub(crate) fn begin(state_dir: &Path, publisher: u64) -> Result<Self, NoFolder> {
        // The start requires that it exists, so it was deleted by mistake since then.
        match DirBuilder::new().mode(0o750).create(state_dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        let folder = Folder::open(state_dir, publisher)?;
        folder.remove_copies()?;
        folder.remove_spare();
        if !folder.segments()?.is_empty() {
            folder.set_aside()?;
        }
        Ok(Self { folder: Some(folder), copies: BTreeMap::new() })
    }

    /// Copies what the segments have and the copies lack; returns the number of bytes copied.
    ///
    /// # Errors
    /// Those of the files. The attempt has failed then; dropping it removes the copies.
    pub(super) fn follow(&mut self, held: &[RingSegment]) -> io::Result<u64> {
        let Some(folder) = &self.folder else { return Ok(0) };
        let first = held.first().map_or(u32::MAX, |held| held.segment.number());
        while let Some(gone) = self.copies.first_entry().filter(|copy| *copy.key() < first) {
            folder.remove_copy(*gone.key())?;
            gone.remove();
        }
        let mut bytes = 0;
        for RingSegment { segment, end, .. } in held {
            let number = segment.number();
            let copy = match self.copies.entry(number) {
                Entry::Occupied(copy) => copy.into_mut(),
                Entry::Vacant(place) => place.insert(Copied { file: folder.create_copy(number)?, bytes: 0 }),
            };
            bytes += copy.follow(segment, *end)?;
        }
        Ok(bytes)
    }

    /// Copies the rest, and lets the ring continue in the folder; returns how long it was in memory. Nothing may be published
    /// meanwhile.
    ///
    /// # Errors
    /// As [`follow`](Self::follow).
    pub(crate) fn finish(mut self, ring: &mut Ring) -> io::Result<Duration> {
        self.follow(&ring.held())?;
        let Some(folder) = &self.folder else { return Err(io::ErrorKind::NotFound.into()) };
        for number in self.copies.keys().rev() {
            folder.name_copy(*number)?;
        }
        let copies = std::mem::take(&mut self.copies).into_iter();
        let segments = copies.map(|(number, copy)| Segment::new(number, copy.file)).collect();
        let folder = self.folder.take().ok_or(io::ErrorKind::NotFound)?;
        Ok(ring.enter(folder, segments))
    }
}

impl Copied {
    fn follow(&mut self, segment: &Segment, end: u32) -> io::Result<u64> {
        let begin = std::mem::replace(&mut self.bytes, end);
        segment.copy_to(&self.file, begin, end)?;
        Ok(u64::from(end.saturating_sub(begin)))
    }
}

impl Drop for RingReturn {
    /// An attempt that did not succeed leaves no segment: the ring in memory knows more.
    fn drop(&mut self) {
        let Some(folder) = &self.folder else { return };
        for number in self.copies.keys() {
            // One of the two may exist.
            let _ = folder.remove_copy(*number);
            folder.remove(*number);
        }
    }
}
