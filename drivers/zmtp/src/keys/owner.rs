use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Whether the file belongs to the user of this process, or to root; root may read the files of all.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check_owner(metadata: &Metadata) -> Result<(), String> {
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner == own || owner == 0 || own == 0 {
        return Ok(());
    }
    Err(format!("it belongs to user {owner}, and this process runs as user {own}"))
}
