use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What shows that a file is not the one of before: another file, size or time of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSignature {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for FileSignature {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
