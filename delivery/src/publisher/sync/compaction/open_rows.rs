use bytes::Bytes;

use super::compaction_metrics::{CompactionMetrics, RowsStart};
use super::compactor::Compactor;
use super::load::{LoadedRows, load};
use super::rows_record::RowsRecord;
use super::rows_refusal::RowsRefusal;
use crate::publisher::numbering::publisher_state::PublisherState;
use crate::publisher::ring::Ring;
use crate::publisher::ring::folder::Folder;
use crate::publisher::sync::snapshot_cache::SnapshotCache;
use crate::publisher::sync::unfit::Unfit;

/// The rows file at the start of a publisher.
#[derive(Debug)]
pub(in crate::publisher::sync) struct OpenedRows {
    pub(in crate::publisher::sync) compactor: Compactor,
    pub(in crate::publisher::sync) metrics: CompactionMetrics,
    /// With the rows of the file.
    pub(in crate::publisher::sync) cache: SnapshotCache,
    /// The topics for which the cache has no room.
    pub(in crate::publisher::sync) unfit: Vec<(Bytes, Unfit)>,
}

/// Reads the rows file of a ring that has begun its segment of this process. A file that is refused is moved aside. Without
/// snapshots no file is read.
pub(in crate::publisher::sync) fn open(
    ring: &Ring,
    publisher_state: &PublisherState,
    snapshot_bytes: u64,
) -> OpenedRows {
    let (publisher, epoch) = (publisher_state.publisher, publisher_state.epoch());
    let mut cache = SnapshotCache::new(snapshot_bytes);
    let folder = ring.folder().filter(|_| snapshot_bytes > 0);
    let read = folder.map(|folder| read(folder, ring, publisher_state, &mut cache));
    let (mut loaded, start) = match read {
        None | Some(Ok(None)) => (None, RowsStart::New),
        Some(Ok(loaded)) => (loaded, RowsStart::Recovered),
        Some(Err(refusal)) => {
            folder.into_iter().for_each(|folder| refuse(folder, &refusal));
            cache = SnapshotCache::new(snapshot_bytes);
            (None, RowsStart::Refused(refusal.cause()))
        }
    };
    let unfit = loaded.as_mut().map(|loaded| std::mem::take(&mut loaded.unfit)).unwrap_or_default();
    let compactor = Compactor::new(publisher, epoch, folder, loaded);
    OpenedRows { compactor, metrics: CompactionMetrics::new(start), cache, unfit }
}

fn read(
    folder: &Folder,
    ring: &Ring,
    publisher_state: &PublisherState,
    cache: &mut SnapshotCache,
) -> Result<Option<LoadedRows>, RowsRefusal> {
    folder.remove_new_rows();
    let first = ring.first_number();
    let last = ring.last().map_or(first, |last| last.segment.number());
    let mut loaded = load(folder, publisher_state, (first, last), cache)?;
    if let Some(LoadedRows { file, cut_off, .. }) = &mut loaded {
        if *cut_off > 0 {
            tracing::warn!(
                id = "SK0303",
                bytes = *cut_off,
                "the end of the rows file {} was cut off or changed; the ring has what it held",
                folder.rows().display()
            );
        }
        // The epoch of the last record must be one that the ring remembers.
        RowsRecord::new(publisher_state.epoch()).write(0, |bytes| file.append(bytes))?;
    }
    Ok(loaded)
}

fn refuse(folder: &Folder, refusal: &RowsRefusal) {
    let path = folder.rows();
    tracing::error!(
        id = "SK0304",
        "refused the rows file {}: {refusal}; it is moved aside, and subscribers of topics that have outgrown the ring will \
         receive a resync",
        path.display()
    );
    if let Err(error) = folder.set_rows_aside() {
        tracing::error!(
            id = "SK0304",
            "cannot move the rows file {} aside: {error}; it will be replaced",
            path.display()
        );
    }
}
