use pubsub_api::{Error, ErrorKind, Result};
use tokio::runtime::Builder;

/// Runs a program's work to its end, on a runtime with one thread per core.
///
/// Tasks that still run are cancelled when this function returns. It must not be called inside a runtime.
///
/// # Errors
/// The error of the work; [`ErrorKind::Internal`] if the runtime cannot be started.
///
/// ```
/// assert_eq!(service_kit::block_on(async { Ok(7) })?, 7);
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Internal, "cannot start the runtime").with_source(error))?;
    let outcome = runtime.block_on(work);
    // A thread that blocks in a write to a reader that does not read must not keep the process alive.
    runtime.shutdown_background();
    outcome
}
