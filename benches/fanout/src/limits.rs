use bench_kit::{cannot, failure};
use pubsub_api::Result;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files to the hard limit, for this process and the servers that it starts, and checks that it
/// suffices for this number of subscribers.
pub(crate) fn raise_open_files(subscribers: usize) -> Result<()> {
    /// For all other open files of a process.
    const OTHERS: u64 = 100;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).map_err(cannot("raise the limit of open files"))?;
    let wanted = subscribers as u64 + OTHERS;
    match limit.maximum {
        Some(allowed) if allowed < wanted => Err(failure(format!(
            "{subscribers} subscribers need {wanted} open files, but {allowed} are allowed: raise the hard limit (ulimit \
             -Hn), or measure fewer"
        ))),
        _ => Ok(()),
    }
}
