use clap::Args;
use pubsub_api::{Error, ErrorKind, Result};

/// The arguments of `skimmer bench`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result<()> {
    Err(Error::new(ErrorKind::Unsupported, "not built yet"))
}
