use pubsub_api::{Error, ErrorKind, Result};
use tokio::runtime::Builder;

/// Runs a command's work to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Internal, "cannot start the runtime").with_source(error))?;
    runtime.block_on(work)
}
