use pubsub_api::{Error, ErrorKind};
use rustix::fs::FileType;

/// The error for an address that is not available now; `text` is the whole sentence.
pub(crate) fn refusal(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, text)
}

/// The name of a file type for an error text.
pub(crate) fn type_name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a fifo",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        FileType::Unknown => "a file of unknown type",
    }
}
